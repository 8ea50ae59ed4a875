"""Every transformation inside every other: values against differences of the plain value."""

import numpy as np
import pytest

import adjoint as ad

X = np.array([0.3, 1.2, -0.7])


def base(x):
    return np.sin(x[0]) * x[1] + np.tanh(x[2] * x[0]) + 0.3 * x[1] ** 2


@ad.custom_jvp
def pushed(x):
    return np.sin(x)


@pushed.defjvp
def _rule(primals, tangents):
    return np.sin(primals[0]), np.cos(primals[0]) * tangents[0]


@ad.custom_vjp
def pulled(x):
    return np.sin(x)


pulled.defvjp(lambda x: (np.sin(x), x), lambda x, bar: (np.cos(x) * bar,))


@ad.custom_vjp
def opaque(x):
    return ad.pure_callback(np.sin, np.zeros(()), x)


opaque.defvjp(
    lambda x: (ad.pure_callback(np.sin, np.zeros(()), x), x), lambda x, bar: (np.cos(x) * bar,)
)


def scanned(h, **options):
    def f(x):
        rows = np.array([0.5, 1.0, 0.8])
        return ad.scan(lambda c, w: (c * 0.5 + h(x * w), c), x[0], rows, **options)[0]

    return f


def looped(h):
    def f(x):
        body = lambda c: (c[0] + 1, c[1] * 0.5 + 0.1 * h(x))  # noqa: E731
        return ad.while_loop(lambda c: c[0] < 2, body, (x[0] * 0, x[1]))[1]

    return f


def two_roots(h):
    def equations(y, x):
        return {"a": y["a"] ** 3 + y["a"] - h(x), "b": y["b"] * 2 - y["a"]}

    def f(x):
        found = ad.root(equations, {"a": 0.5, "b": np.ones(1)}, x)
        return found["a"] * found["b"][0]

    return f


WRAPS = {
    "checkpoint": ad.checkpoint,
    "scan": scanned,
    "scan with snapshots": lambda h: scanned(h, checkpoint=2),
    "while_loop": looped,
    "cond": lambda h: lambda x: ad.cond(x[0] > 0, h, lambda y: h(y) * 2, x),
    "fixed_point": lambda h: lambda x: ad.fixed_point(lambda y, x: 0.3 * np.sin(y) + h(x), 0.0, x),
    "root": two_roots,
    "custom_jvp": lambda h: lambda x: pushed(h(x)),
    "custom_vjp": lambda h: lambda x: pulled(h(x)),
    "pure_callback": lambda h: lambda x: opaque(h(x)),
    "linearize": lambda h: lambda x: ad.linearize(h, x)[1](x * x),
    "vjp": lambda h: lambda x: np.sum(ad.vjp(h, x)[1](1.0)[0] * x),
    "vmap": lambda h: (
        lambda x: np.sum(
            ad.vmap(lambda a, b: h(a) * b, in_axes=(1, None))(np.stack([x, 0.5 * x], 1), x[1])
        )
    ),
    "jit": ad.jit,
    "hessian": lambda h: lambda x: np.trace(ad.hessian(h)(x)),
    "jacobian": lambda h: lambda x: np.sum(ad.jacobian(h, mode="reverse")(x) * x),
}
MODES = {
    "grad": lambda f: ad.grad(f)(X),
    "vmap of grad": lambda f: ad.vmap(ad.grad(f), out_axes=1)(np.stack([0.9 * X, X]))[:, 1],
    "forward": lambda f: ad.jacobian(f, mode="forward")(X),
    "sparse": lambda f: ad.jacobian(lambda x: f(x) * x[:1], mode="sparse")(X).toarray()[0],
}


def central(f, h=1e-4):
    def one(e):
        return (8 * (f(X + e) - f(X - e)) - (f(X + 2 * e) - f(X - 2 * e))) / (12 * h)

    return np.array([one(e) for e in h * np.eye(3)])


def check(got, f, mode):
    wanted = central(f)
    if mode == "sparse":
        wanted = wanted * X[0] + f(X) * np.array([1.0, 0.0, 0.0])
    np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-6)


# A third of all pairs, so that each one stands inside and outside of many: all hold, and take
# three times as long.
PAIRS = [
    (outer, inner)
    for i, outer in enumerate(WRAPS)
    for j, inner in enumerate(WRAPS)
    if (i + 2 * j) % 3 == 0
]


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_two_of_them(outer, inner):
    f = WRAPS[outer](WRAPS[inner](base))
    for mode, derivative in MODES.items():
        check(derivative(f), f, mode)


COMPILED = [("scan", "while_loop"), ("while_loop", "scan with snapshots"), ("vmap", "root")]
COMPILED += [("checkpoint", "cond"), ("jacobian", "jit"), ("fixed_point", "custom_vjp")]
COMPILED += [("scan with snapshots", "linearize"), ("while_loop", "pure_callback")]


@pytest.mark.parametrize(("outer", "inner"), COMPILED)
def test_two_of_them_compiled(outer, inner):
    f = WRAPS[outer](WRAPS[inner](base))
    check(ad.jit(ad.grad(f))(X), f, "grad")
    many = ad.jit(ad.vmap(ad.grad(f), in_axes=1))(np.stack([0.9 * X, X], axis=1))
    check(many[1], f, "grad")


def of_complex(x):
    z = x + 1j * np.sin(x[::-1])
    w = np.exp(0.3 * z) * np.conj(z) / (2 + z)
    return np.real(np.sum(w * w)) + np.abs(np.dot(w, z))


def of_trees(x):
    squashed = ad.tree.tree_map(lambda v: np.tanh(v) * 1.3, {"a": x[:2] * x[2], "b": (x, [x[0]])})
    return np.sum(squashed["a"]) + np.dot(squashed["b"][0], x) * squashed["b"][1][0]


# Each stands outside, in the middle and inside once.
_CHEAP = [name for name in WRAPS if name not in ("pure_callback", "hessian", "root")]
TRIPLES = [
    (name, _CHEAP[(5 * i + 3) % len(_CHEAP)], _CHEAP[(7 * i + 1) % len(_CHEAP)])
    for i, name in enumerate(_CHEAP)
]


@pytest.mark.parametrize(("outer", "middle", "inner"), TRIPLES)
def test_three_of_them(outer, middle, inner):
    number = _CHEAP.index(outer)
    f = WRAPS[outer](WRAPS[middle](WRAPS[inner]((of_complex, of_trees)[number % 2])))
    mode = list(MODES)[number % len(MODES)]
    check(MODES[mode](f), f, mode)
    if number % 5 == 0:
        check(ad.jit(ad.grad(f))(X), f, "grad")


@ad.custom_vjp
def clipped(x):
    return x


clipped.defvjp(lambda x: (x, None), lambda _, bar: (np.clip(bar, -1.0, 1.0),))


def test_a_batch_keeps_the_users_rule():
    weights = np.array([5.0, 0.5, -9.0])
    f = lambda x: np.sum(weights * ad.vmap(clipped)(x))  # noqa: E731
    wanted = [1.0, 0.5, -1.0]
    np.testing.assert_array_equal(ad.grad(f)(X), wanted)
    np.testing.assert_array_equal(ad.jit(ad.grad(f))(X), wanted)
    np.testing.assert_array_equal(ad.vmap(ad.grad(f))(np.stack([X, X, X, X]))[3], wanted)
    twice = lambda x: np.sum(weights * ad.vmap(ad.vmap(clipped))(x))  # noqa: E731
    np.testing.assert_array_equal(ad.grad(twice)(np.ones((2, 3))), [wanted, wanted])
    table = ad.custom_jvp(lambda x: x**2)
    table.defjvp(lambda p, t: (p[0] ** 2, 10.0 * t[0]))
    np.testing.assert_array_equal(ad.grad(lambda x: np.sum(ad.vmap(table)(x)))(X), [10.0] * 3)
