"""scipy.integrate's adaptive integrals where values are not known, and inside one another."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.integrate as it
from scipy.stats.qmc import Halton

import adjoint as ad

W = np.array([0.4, 1.7])
INTEGRALS: dict[str, Callable[[Any], Any]] = {
    "limits": lambda a: it.quad(lambda x: np.exp(-a * x * x), 0.1, 2 * a)[0],
    "turned": lambda a: it.quad(lambda x: np.exp(-a * x * x), 2 * a, 0.1)[0],
    "line": lambda a: it.quad(lambda x: np.exp(-a * x * x), -np.inf, np.inf)[0],
    "right": lambda a: it.quad(lambda x: np.exp(-a * x), a, np.inf)[0],
    "left": lambda a: it.quad(lambda x: np.exp(a * x), -np.inf, a)[0],
    "down": lambda a: it.quad(lambda x: np.exp(-a * x), np.inf, a)[0],
    "edge": lambda a: it.quad(lambda x: a * np.sqrt(x) * np.log(x), 0.0, 1.0)[0],
    "vector": lambda a: it.quad_vec(lambda x: np.stack([x**a, np.sin(a * x)]), 0.1, 2 * a)[0] @ W,
    "vector line": lambda a: (
        it.quad_vec(lambda x: np.stack([1.0, x + a]) * np.exp(-a * x * x), -np.inf, np.inf)[0] @ W
    ),
    "vector right": lambda a: it.quad_vec(lambda x: np.exp(-a * x) * W, a, np.inf)[0] @ W,
    "elements": lambda a: (
        it.tanhsinh(lambda x, b: x ** (a * b), 0.0, [a, 1.3], args=(W,)).integral @ W
    ),
    "elements line": lambda a: it.tanhsinh(lambda x: np.exp(-a * x * x), -np.inf, np.inf).integral,
    "elements right": lambda a: it.tanhsinh(lambda x: np.exp(-a * x), a, np.inf).integral,
    "elements left": lambda a: it.tanhsinh(lambda x: np.exp(a * x), -np.inf, a).integral,
    "series": lambda a: it.nsum(lambda k: k ** -(a + 1.0), 1, np.inf).sum,
    "finite sum": lambda a: it.nsum(lambda k: np.exp(-a * k), 1, 20, step=2).sum,
    "drawn places of a line": lambda a: (
        it.qmc_quad(
            lambda x: np.exp(-a * x[0]), 1.5, a, n_points=32, n_estimates=2, qrng=Halton(1, seed=1)
        ).integral
    ),
    "drawn places": lambda a: (
        it.qmc_quad(
            lambda x: np.exp(-a * np.sum(x * x, axis=0)),
            [0.1, 0.0],
            [1.0, 2.0],
            n_points=32,
            n_estimates=2,
            qrng=Halton(2, seed=1),
        ).integral
    ),
    "vector left": lambda a: it.quad_vec(lambda x: np.exp(a * x) * W, -np.inf, a)[0] @ W,
}


def slope(f: Callable[[Any], Any], at: float, h: float = 1e-3) -> float:
    near = [f(at + k * h) for k in (1, -1, 2, -2)]
    return float((8 * (near[0] - near[1]) - (near[2] - near[3])) / (12 * h))


@pytest.mark.parametrize("name", INTEGRALS)
def test_integrals_that_are_not_known(name: str) -> None:
    f = INTEGRALS[name]
    wanted = slope(f, 0.7)
    assert ad.value_and_grad(f)(0.7) == pytest.approx((f(0.7), wanted), rel=1e-7)
    assert ad.jit(ad.value_and_grad(f))(0.7) == pytest.approx((f(0.7), wanted), rel=1e-7)
    rows = ad.vmap(ad.grad(f))(np.array([0.7, 1.1]))
    assert rows.tolist() == pytest.approx([wanted, slope(f, 1.1)], rel=1e-7)


NESTED: dict[str, Callable[[Any], Any]] = {
    "dblquad": lambda a: it.dblquad(
        lambda y, x: np.exp(-a * x * y) + y, 0, a, lambda x: x * x, lambda x: x + a
    )[0],
    "dblquad-args": lambda a: it.dblquad(lambda y, x, b: x * np.exp(b * y), 0, 1, 0, 1, args=(a,))[
        0
    ],
    "nquad": lambda a: it.nquad(
        lambda x, y: np.exp(-a * x * y), [lambda y: (0, y + a), (0.0, 1.0)]
    )[0],
}


@pytest.mark.parametrize("name", NESTED)
def test_integrals_inside_one_another(name: str) -> None:
    f = NESTED[name]
    value, g = ad.value_and_grad(f)(0.7)
    assert value == pytest.approx(f(0.7), rel=1e-12)
    assert g == pytest.approx(slope(f, 0.7), rel=1e-7)


def test_three_integrals_inside_one_another() -> None:
    def f(a: Any) -> Any:
        return it.tplquad(lambda z, y, x: a * z + y * x, 0, 1, 0, lambda x: x, 0, 1)[0]

    assert ad.jvp(f, (0.7,), (1.0,)) == pytest.approx((f(0.7), 0.25), rel=1e-10)


def test_too_many_parts_are_said() -> None:
    def f(a: Any) -> Any:
        return it.quad(lambda x: np.sin(a * x), 0.0, 10.0, limit=100)[0]

    with pytest.raises(ad.errors.ConvergenceError, match="parts"):
        ad.jit(f)(500.0)


def test_second_order() -> None:
    def f(p: Any) -> Any:
        return it.quad(lambda x: np.exp(-p[0] * x * x), p[1], np.inf)[0]

    p = np.array([0.7, 0.4])
    h = ad.hessian(f)(p)
    e = 1e-4 * np.eye(2)
    wanted = [(ad.grad(f)(p + d) - ad.grad(f)(p - d)) / 2e-4 for d in e]
    np.testing.assert_allclose(h, wanted, rtol=1e-6)


def test_dense_output() -> None:
    times = np.array([[0.9, 0.2], [0.5, 0.0]])

    def f(a: Any) -> Any:
        found = it.solve_ivp(
            lambda t, y: [a * y[0], -y[1]], (0, 1.0), [1.0, 2.0], t_eval=[0.0, 1.0],
            dense_output=True, rtol=1e-11, atol=1e-12,
        )  # fmt: skip
        return found.sol(times)

    out, dot = ad.jvp(f, (0.7,), (1.0,))
    np.testing.assert_allclose(out[0], np.exp(0.7 * times), rtol=1e-9)
    np.testing.assert_allclose(out[1], 2 * np.exp(-times), rtol=1e-9)
    np.testing.assert_allclose(dot[0], times * np.exp(0.7 * times), rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(ad.jit(f)(0.7), out, rtol=1e-12)


def test_the_time_of_an_event() -> None:
    def landing(v: Any) -> Any:
        found = it.solve_ivp(
            lambda t, y: [y[1], -9.81 + 0 * v], (0, 5.0), [1.0 + 0 * v, v],
            t_eval=[0.0, 5.0], dense_output=True, rtol=1e-10,
        )  # fmt: skip
        return ad.root(lambda t: found.sol(t)[0], 1.0)

    root = np.sqrt(4 + 2 * 9.81)
    got = ad.value_and_grad(landing)(2.0)
    assert got == pytest.approx(((2 + root) / 9.81, (1 + 2 / root) / 9.81), rel=1e-8)


def test_cubature_outside_jit() -> None:
    def f(p: Any) -> Any:
        def wave(x: Any) -> Any:
            return np.exp(-p[0] * x[:, 0]) * np.cos(p[1] * x[:, 1])

        return it.cubature(wave, [0.0, 0.0], [1.0, 2.0]).estimate

    def exact(p: Any) -> Any:
        return (1 - np.exp(-p[0])) / p[0] * np.sin(2 * p[1]) / p[1]

    at = np.array([0.7, 1.3])
    assert ad.grad(f)(at).tolist() == pytest.approx(ad.grad(exact)(at).tolist(), rel=1e-9)


def test_a_rough_function_of_elements_is_refused() -> None:
    with pytest.raises(ad.errors.ConvergenceError, match="fixed points"):
        ad.grad(lambda a: it.tanhsinh(lambda x: a * np.sqrt(np.abs(x - 0.3)), 0, 1).integral)(1.0)


def bent(s: Any, at: Any) -> Any:
    return np.abs(s - at)


# The integral, where it is taken, and its first and second derivative there.
BROKEN: dict[str, tuple[Callable[[Any], Any], float, float, float]] = {
    "corner": (lambda a: it.quad(lambda s: bent(s, a), 0, 2, points=[a])[0], 0.7, -0.6, 2.0),
    "leap": (
        lambda a: it.quad(lambda s: np.where(s < a, s, 2 * s), 0, 2, points=[a])[0], 0.7, -0.7, -1,
    ),
    "fixed": (lambda a: it.quad(lambda s: bent(s, 0.5), a, 2, points=[0.5])[0], 0.1, -0.4, 1.0),
    "downwards": (
        lambda a: it.quad(lambda s: bent(s, a), 2, 0, points=[1.5, a])[0], 0.7, 0.6, -2.0,
    ),
    "outside": (lambda a: it.quad(lambda s: s * a, 0, 2, points=[a, 3, -1])[0], 0.7, 2.0, 0.0),
    "vectors": (
        lambda a: it.quad_vec(lambda s: bent(s, a) * np.ones(2), 0, 2, points=[a])[0][1],
        0.7, -0.6, 2.0,
    ),
    "inside": (
        lambda p: it.nquad(
            lambda x, y: p**3 * np.abs(x - y), [[0, 1], [0, 1]],
            opts=[lambda y: {"points": [y]}, {}], full_output=True,
        )[0],
        0.7, 0.49, 1.4,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_break_points_move(name: str) -> None:
    f, at, first, second = BROKEN[name]
    value, slope = ad.value_and_grad(f)(at)
    assert np.isclose(value, f(at), rtol=1e-13)
    assert np.isclose(slope, first, rtol=1e-12)
    assert np.isclose(ad.grad(ad.grad(f))(at), second, rtol=1e-10, atol=1e-12)
    assert np.isclose(ad.jit(ad.grad(f))(at), first, rtol=1e-12)


def test_what_else_is_told() -> None:
    def f(a: Any) -> Any:
        value, off, info = it.quad(np.exp, 0, a, full_output=1)
        assert info["neval"] == 21
        return value + 0 * off

    assert np.isclose(ad.grad(f)(0.5), np.exp(0.5))
    with pytest.raises(ad.errors.UnsupportedError, match="the integrals of the parts"):
        ad.grad(lambda a: np.sum(it.quad(np.exp, 0, a, full_output=1)[2]["rlist"]))(0.5)
    with pytest.raises(ad.errors.UnsupportedError, match="inside jit"):
        ad.jit(ad.grad(f))(0.5)
    whole = ad.grad(lambda a: it.quad_vec(np.exp, 0, a, full_output=True)[0])
    assert np.isclose(whole(0.5), np.exp(0.5))


def test_a_complex_integrand_of_vectors() -> None:
    def f(p: Any) -> Any:
        return np.abs(it.quad_vec(lambda s: np.exp(1j * p * s), 0, 2)[0])

    def exact(p: Any) -> Any:
        return np.abs((np.exp(2j * p) - 1) / p)

    for run in (lambda g: g, ad.jit):
        assert np.isclose(run(ad.value_and_grad(f))(0.7)[0], exact(0.7), rtol=1e-12)
        assert np.isclose(run(ad.grad(f))(0.7), ad.grad(exact)(0.7), rtol=1e-10)


WEIGHTS: dict[str, tuple[str, Any]] = {
    "slow": ("cos", 2.0),
    "fast": ("sin", -30.0),
    "powers": ("alg", (-0.5, 0.4)),
    "first logarithm": ("alg-loga", (0.3, 0.4)),
    "last logarithm": ("alg-logb", (0.3, -0.2)),
    "both": ("alg-log", (-0.3, 0.4)),
    "pole": ("cauchy", 0.5),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_and_their_numbers(name: str) -> None:
    weight, numbers = WEIGHTS[name]

    def f(a: Any, b: Any, p: Any, given: Any) -> Any:
        wvar = (given[0], given[1]) if np.ndim(given) else given
        return it.quad(lambda s: np.exp(p * s) * s, a, b, weight=weight, wvar=wvar)[0]

    args = (0.1, 1.3, 0.7, np.asarray(numbers)[()])
    value, pull = ad.vjp(f, *args)
    assert np.isclose(value, f(*args), rtol=1e-13)
    ad.check_grads(f, args, order=2 if name in ("fast", "pole") else 1)
    if name in ("slow", "pole"):
        compiled = ad.vjp(ad.jit(f), *args)[1](1.0)
        np.testing.assert_allclose(compiled, pull(1.0), rtol=1e-9)
    assert np.isclose(ad.grad(f, 2)(1.3, 0.1, *args[2:]), -pull(1.0)[2], rtol=1e-9)


def test_weights_that_are_not_followed() -> None:
    with pytest.raises(ad.errors.UnsupportedError, match="infinite interval"):
        ad.grad(lambda p: it.quad(lambda s: np.exp(-p * s), 0, np.inf, weight="cos", wvar=2)[0])(
            1.0
        )
    with pytest.raises(ValueError, match="not a recognized"):
        ad.grad(lambda p: it.quad(lambda s: p * s, 0, 1, weight="tan", wvar=2)[0])(1.0)


def test_tolerances_that_are_not_known_are_refused() -> None:
    with pytest.raises(ad.errors.UnsupportedError, match="epsabs that is not known, inside jit"):
        ad.jit(lambda e: it.quad_vec(np.exp, 0, 1, epsabs=e)[0])(1e-8)
