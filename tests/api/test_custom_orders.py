"""Functions with a pullback of the user's: forward mode, second and third order, inside loops."""

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import NoDerivativeError


@ad.custom_vjp
def waved(x, y):
    return np.sin(x) * y


# Twice the true cotangents: so it shows whose derivative was taken.
waved.defvjp(
    lambda x, y: (waved(x, y), (np.cos(x), np.sin(x), y)),
    lambda kept, bar: (2 * kept[0] * kept[2] * bar, 2 * kept[1] * bar),
)


@ad.custom_jvp
def oracle(x, y):
    return np.sin(x) * y


@oracle.defjvp
def _oracle_rule(primals, tangents):
    (x, y), (x_dot, y_dot) = primals, tangents
    return oracle(x, y), 2 * (np.cos(x) * y * x_dot + np.sin(x) * y_dot)


def scanned(f):
    def loss(x):
        c, rows = ad.scan(lambda c, i: (f(c, x) + i, c * c), x, np.arange(3.0))
        return c + np.sum(rows)

    return loss


def repeated(f):
    def body(state):
        return state[0] + 1, f(state[1], state[2]), state[2]

    return lambda x: ad.while_loop(lambda state: state[0] < 3, body, (0, x, x))[1]


PROGRAMS = {
    "alone": lambda f: lambda x: f(x, x * x) ** 2,
    "checkpoint": lambda f: lambda x: ad.checkpoint(lambda x: f(x, x * x) ** 2)(x),
    "scan": scanned,
    "while": repeated,
    "cond": lambda f: lambda x: ad.cond(x > 0, lambda x: f(x, x), lambda x: x, x),
}
MODES = {
    "reverse": ad.grad,
    "forward": lambda f: lambda x: ad.jvp(f, (x,), (1.0,))[1],
    "reverse over reverse": lambda f: ad.grad(ad.grad(f)),
    "forward over reverse": lambda f: lambda x: ad.jvp(ad.grad(f), (x,), (1.0,))[1],
    "hvp": lambda f: lambda x: ad.hvp(f, x, 1.0),
    "third order": lambda f: ad.grad(ad.hessian(f)),
}
WRAPS = {
    "eager": lambda f: f,
    "jit": ad.jit,
    "vmap": lambda f: lambda x: ad.vmap(f)(np.array([0.2, x]))[1],
}


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_pullback_in_numpy_serves_every_mode(program, mode, wrap):
    make = PROGRAMS[program]
    found, want = (WRAPS[wrap](MODES[mode](make(f)))(0.7) for f in (waved, oracle))
    np.testing.assert_allclose(found, want, rtol=1e-12)


def test_trees_settings_and_what_is_no_number():
    @ad.custom_vjp
    def layer(p, n):
        return {"out": p["w"] @ p["x"], "sum": np.sum(p["x"])}

    layer.defvjp(
        lambda p, n: (layer(p, n), (p, np.arange(3), n)),
        lambda kept, bar: (
            {
                "w": np.outer(bar["out"], kept[0]["x"]),
                "x": kept[0]["w"].T @ bar["out"] + bar["sum"],
            },
            None,
        ),
    )
    w, x = np.array([[0.1, 2.0, -1.0], [0.4, 0.3, 0.9]]), np.array([1.0, 2.0, 3.0])

    def loss(x):
        out = layer({"w": w, "x": x}, 2)
        return np.sum(np.sin(out["out"])) * out["sum"] ** 2

    def plain(x):
        return np.sum(np.sin(w @ x)) * np.sum(x) ** 2

    for wrap in (lambda f: f, ad.jit):
        for mode in (ad.grad, ad.hessian, lambda f: ad.jacobian(ad.hessian(f), mode="forward")):
            np.testing.assert_allclose(wrap(mode(loss))(x), mode(plain)(x), rtol=1e-12)


def test_complex_pullbacks():
    square = ad.custom_vjp(lambda z: z * z)
    square.defvjp(lambda z: (z * z, z), lambda z, bar: (2 * z * bar,))
    z, direction = np.array([1 + 2j, 0.5 - 1j]), np.array([1j, 2 - 1j])
    np.testing.assert_allclose(ad.jvp(square, (z,), (direction,))[1], 2 * z * direction)


@pytest.mark.parametrize(
    "backward", [lambda _, bar: (np.clip(bar, -1, 1),), lambda _, bar: (bar**2,)]
)
def test_a_pullback_that_is_not_linear_has_no_forward_mode(backward):
    same = ad.custom_vjp(lambda x: x)
    same.defvjp(lambda x: (x, None), backward)
    with pytest.raises(NoDerivativeError, match="not linear in the cotangents"):
        ad.jvp(same, (2.0,), (1.0,))
