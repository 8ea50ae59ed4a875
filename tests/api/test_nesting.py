"""Transformations inside transformations, control flow inside both."""

import itertools
from typing import Any

import numpy as np
import pytest

import adjoint as ad

X = np.array([0.3, 1.2, -0.7])


def g(x):
    return np.tanh(x) * x**2


def dg(x):
    return (1 - np.tanh(x) ** 2) * x**2 + 2 * x * np.tanh(x)


def close(a, b, tolerance=1e-9):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def central(f, x, h=1e-4):
    def one(i):
        e = np.zeros_like(x)
        e[i] = h
        return (8 * (f(x + e) - f(x - e)) - (f(x + 2 * e) - f(x - 2 * e))) / (12 * h)

    return np.stack([one(i) for i in range(len(x))], axis=-1)


# *** modes over modes ***

SECOND = {
    "forward over reverse": lambda f, x, v: ad.jvp(ad.grad(f), (x,), (v,))[1],
    "reverse over reverse": lambda f, x, v: ad.grad(lambda x: np.sum(ad.grad(f)(x) * v))(x),
    "reverse over forward": lambda f, x, v: ad.grad(lambda x: ad.jvp(f, (x,), (v,))[1])(x),
    "forward over forward": lambda f, x, v: np.array(
        [ad.jvp(lambda x: ad.jvp(f, (x,), (v,))[1], (x,), (e,))[1] for e in np.eye(len(x))]
    ),
    "linearize of grad": lambda f, x, v: ad.linearize(ad.grad(f), x)[1](v),
    "vjp of grad": lambda f, x, v: ad.vjp(ad.grad(f), x)[1](v)[0],
    "hvp": lambda f, x, v: ad.hvp(f, x, v),
    "hessian": lambda f, x, v: ad.hessian(f)(x) @ v,
    "jacobian of grad, reverse": lambda f, x, v: ad.jacobian(ad.grad(f), mode="reverse")(x) @ v,
    "jacobian of grad, forward": lambda f, x, v: ad.jacobian(ad.grad(f), mode="forward")(x) @ v,
}
WRAPS = {
    "plain": lambda f: f,
    "jit inside": lambda f: ad.jit(f),
    "checkpoint inside": lambda f: ad.checkpoint(f),
    "vmap inside": lambda f: lambda x: ad.vmap(f)(np.stack([x, x]))[1],
}


def _scanned(x):
    return ad.scan(lambda c, w: (np.tanh(c * w) + c**2, c), x[0], x)[0] * x[1]


def _looped(x):
    """The number of rounds depends on the data; under jit it is a while_loop node."""

    def body(c):
        return c[0] + 1.0, c[1] * 0.5 + np.sin(x[2]) * x[0]

    return ad.while_loop(lambda c: (c[0] < 4.0) & (c[1] > -9.0), body, (x[0], x[1]))[1] ** 2


def _branched(x):
    return ad.cond(x[0] > 0, lambda a: np.sum(np.sin(a) * x), lambda a: a[0] * x[2] ** 3, x * x)


def _scan_of_cond(x):
    def step(c, w):
        return ad.cond(w > 0, lambda c, w: c * np.sin(w), lambda c, w: c + w**2 * x[0], c, w), c

    total, rows = ad.scan(step, x[1], x)
    return total * np.sum(rows**2)


def _scan_of_while(x):
    def step(c, w):
        out = ad.while_loop(lambda s: s[0] < 3.0, lambda s: (s[0] + 1.0, s[1] * np.sin(w)), (c, w))
        return out[1] * x[2], out[1]

    return np.sum(ad.scan(step, x[1] * 0.0, x)[1] ** 2)


def _while_of_scan(x):
    def body(c):
        return c[0] + 1.0, ad.scan(lambda a, w: (a * np.cos(w), None), c[1], x)[0] + x[0]

    return ad.while_loop(lambda c: c[0] < 3.0, body, (x[1] * 0.0, x[2]))[1]


def _cond_of_while(x):
    def loop(a):
        return ad.while_loop(lambda s: s < 5.0, lambda s: s * 2.0 + x[2] ** 2, a)

    return ad.cond(x[1] > 0, loop, lambda a: a, x[0]) * x[1]


def _cond_of_scan(x):
    def loop(a):
        return ad.scan(lambda c, w: (c * np.sin(w) + a, c), a, x, reverse=True)[0]

    return ad.cond(x[1] > 0, loop, lambda a: a, x[0]) * x[1]


def _while_of_cond(x):
    def body(s):
        return s[0] + 1.0, ad.cond(s[1] > 0, lambda a: a * x[2], lambda a: a**2 + x[0], s[1])

    return ad.while_loop(lambda s: s[0] < 4.0, body, (x[1] * 0.0, x[1]))[1]


def _plain_sum(x):
    return np.sum(g(x) * x[::-1])


PROGRAMS = {
    "elementwise": _plain_sum,
    "scan": _scanned,
    "while": _looped,
    "cond": _branched,
    "scan of cond": _scan_of_cond,
    "scan of while": _scan_of_while,
    "while of scan": _while_of_scan,
    "while of cond": _while_of_cond,
    "cond of while": _cond_of_while,
    "cond of scan": _cond_of_scan,
}


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_value_and_gradient(program, wrap):
    f = PROGRAMS[program]
    value, gradient = ad.value_and_grad(WRAPS[wrap](f))(X)
    close(value, f(X))
    close(gradient, central(f, X), 1e-8)


@pytest.mark.parametrize("order", SECOND)
@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_second_derivatives(program, wrap, order):
    f = PROGRAMS[program]
    v = np.array([1.0, -2.0, 0.5])
    wanted = central(ad.grad(f), X) @ v
    close(SECOND[order](WRAPS[wrap](f), X, v), wanted, 1e-7)


@pytest.mark.parametrize("outer", ["jit", "vmap", "jit of vmap", "vmap of jit"])
@pytest.mark.parametrize("order", ["forward over reverse", "reverse over reverse", "hessian"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_second_derivatives_inside_jit_and_vmap(program, order, outer):
    f = PROGRAMS[program]
    v = np.array([1.0, -2.0, 0.5])
    xs = np.stack([X, X * 0.9 + 0.05])
    wanted = np.stack([SECOND["forward over reverse"](f, x, v) for x in xs])

    def second(x):
        return SECOND[order](f, x, v)

    if outer == "jit":
        got = np.stack([ad.jit(second)(x) for x in xs])
    else:
        both = {
            "vmap": lambda: ad.vmap(second),
            "jit of vmap": lambda: ad.jit(ad.vmap(second)),
            "vmap of jit": lambda: ad.vmap(ad.jit(second)),
        }[outer]()
        got = both(xs)
    close(got, wanted, 1e-8)


@pytest.mark.parametrize("program", PROGRAMS)
def test_third_order(program):
    f = PROGRAMS[program]

    def total(x):
        return np.sum(ad.grad(lambda x: np.sum(ad.grad(f)(x) * x))(x) ** 2)

    close(ad.grad(total)(X), central(total, X), 1e-6)


# *** grad of vmap of grad, and the like ***


def test_grad_of_vmap_of_grad():
    def total(x):
        return np.sum(ad.vmap(ad.grad(g))(x) ** 2)

    close(ad.grad(total)(X), 2 * dg(X) * ad.vmap(ad.grad(ad.grad(g)))(X))


@pytest.mark.parametrize("stack", list(itertools.permutations(["grad", "vmap", "jit"])))
def test_every_order_of_three_on_a_function_of_one_number(stack):
    """Sums keep the result one number wherever grad stands outside vmap."""
    f = g
    mapped = False
    for name in reversed(stack):
        if name == "vmap":
            f = ad.vmap(f)
            mapped = True
        elif name == "jit":
            f = ad.jit(f)
        elif mapped:
            f = ad.grad(lambda x, f=f: np.sum(f(x)))
        else:
            f = ad.grad(f)
    close(f(X), dg(X))


def test_vmap_of_vmap_with_axes():
    table = np.arange(12.0).reshape(3, 4)
    outer = ad.vmap(ad.vmap(lambda a, b: a * np.sin(b), in_axes=(0, None)), in_axes=(None, 0))
    close(outer(table[:, 0], table[0]), np.sin(table[0])[:, None] * table[:, 0][None, :])
    close(ad.vmap(np.sum, in_axes=1)(table), table.sum(0))
    close(ad.vmap(lambda r: r * 2, in_axes=1, out_axes=1)(table), table * 2)


def test_jacobian_modes_agree_on_trees():
    def f(p, q):
        return {"y": np.outer(p["a"], q) * p["b"], "z": np.sum(p["a"]) * p["b"]}

    p, q = {"a": X[:2], "b": 0.5}, np.array([1.0, 2.0, 3.0])
    forward = ad.jacobian(f, argnums=(0, 1), mode="forward")(p, q)
    reverse = ad.jacobian(f, argnums=(0, 1), mode="reverse")(p, q)
    auto = ad.jacobian(f, argnums=(0, 1))(p, q)
    assert forward["y"][0]["a"].shape == (2, 3, 2)
    assert forward["z"][1].shape == (3,)
    for other in (reverse, auto):
        for name in ("y", "z"):
            for leaf in ("a", "b"):
                close(forward[name][0][leaf], other[name][0][leaf])
            close(forward[name][1], other[name][1])
    close(forward["y"][1][:, :, 1][:, 1], X[:2] * 0.5)


def test_closures_over_outer_arguments():
    def outer(a):
        def inner(b):
            return np.sin(a * b) * a

        return ad.grad(inner)(2.0) * a

    a = 0.7
    close(ad.grad(outer)(a), central(lambda v: outer(v[0]), np.array([a]))[0], 1e-8)


def test_perturbations_are_not_confused():
    assert ad.grad(lambda x: x * ad.grad(lambda y: x + y)(1.0))(3.0) == 1.0
    assert ad.jvp(lambda x: x * ad.jvp(lambda y: x, (2.0,), (1.0,))[1], (3.0,), (1.0,))[1] == 0.0


def test_while_loops_that_meet_unknown_values_on_the_way() -> None:
    def grown(a: Any) -> Any:
        return ad.while_loop(lambda s: s < 10, lambda s: s * a, 1.5)

    def counted(a: Any) -> Any:
        return ad.while_loop(lambda s: s[1] < 3, lambda s: (s[0] * a, s[1] + 1), (1.0, 0))[0]

    def tested(a: Any) -> Any:
        return ad.while_loop(lambda s: s[1] < a, lambda s: (s[0] * 2, s[1] + 1), (1.0, 0))[0]

    for f in (grown, counted, tested):
        a = np.array([2.0, 3.0, 5.0])
        want = [f(v) for v in a]
        np.testing.assert_array_equal(ad.vmap(f)(a), want)
        assert ad.jit(f)(3.0) == want[1]
        slopes = [ad.grad(f)(v) for v in a]
        np.testing.assert_allclose(ad.vmap(ad.grad(f))(a), slopes, rtol=1e-14)
        np.testing.assert_allclose(ad.jit(ad.grad(f))(2.0), slopes[0], rtol=1e-14)


def test_warnings_that_the_function_ignores_are_ignored_in_batches():
    def f(x):
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(x > 0, np.log(x), x)

    points = np.array([-1.0, 0.0, np.e])
    np.testing.assert_allclose(ad.vmap(f)(points), [-1, 0, 1], rtol=1e-15)
    np.testing.assert_allclose(ad.vmap(ad.grad(f))(points), [1, 1, 1 / np.e], rtol=1e-15)
