"""What SciPy's integrators say of their work, and settings that are recorded."""

from typing import Any

import numpy as np
import pytest
import scipy.integrate as si

import adjoint as ad
from adjoint.errors import UnsupportedError

TIMES = np.linspace(0, 1, 5)

CALLS = {
    "steps": lambda k: si.solve_ivp(lambda t, y: -k * y, (0, 1), [1.0]),
    "times": lambda k: si.solve_ivp(lambda t, y: -k * y, (0, 1), [1.0], "BDF", TIMES),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_are_counted(name: str) -> None:
    said = []
    ad.grad(lambda k: [said.append(CALLS[name](k)), CALLS[name](k).y.sum()][1])(1.0)
    plain = CALLS[name](1.0)
    assert plain.nfev > 0
    assert (said[0].nfev, said[0]["njev"], said[0].nlu) == (plain.nfev, plain.njev, plain.nlu)
    assert said[0].keys() == plain.keys()
    assert f"nfev: {plain.nfev}" in repr(said[0])
    with pytest.raises(UnsupportedError, match="nfev inside jit"):
        ad.jit(lambda k: CALLS[name](k).nfev * k)(1.0)
    with pytest.raises(AttributeError):
        _ = said[0].steps


def test_odeint_tells_what_scipy_tells() -> None:
    def told(k: Any) -> Any:
        return si.odeint(lambda y, t: -k * y, [1.0], TIMES, full_output=True, rtol=1e-5)[1]

    said = []
    ad.grad(lambda k: [said.append(told(k)), k * 1.0][1])(1.0)
    assert said[0].keys() == told(1.0).keys()
    np.testing.assert_array_equal(said[0]["nfe"], told(1.0)["nfe"])
    np.testing.assert_array_equal(said[0]["hu"], told(1.0)["hu"])


ALLOWED = {
    "quad": lambda e: si.quad(lambda x: x**2, 0, 2, epsabs=e)[0],
    "quad_vec": lambda e: si.quad_vec(lambda x: x ** np.arange(3.0), 0, 2, epsabs=e)[0].sum(),
    "solve_ivp": lambda e: si.solve_ivp(lambda t, y: -y, (0, 1), [1.0], rtol=e).y.sum(),
    "odeint": lambda e: si.odeint(lambda y, t: -y, [1.0], TIMES, rtol=e).sum(),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_errors_that_are_allowed_have_no_derivative(name: str) -> None:
    value, slope = ad.value_and_grad(ALLOWED[name])(1e-3)
    assert value == ALLOWED[name](1e-3)
    assert slope == 0.0
    with pytest.raises(UnsupportedError, match=r"(epsabs|rtol) that is not known, inside jit"):
        ad.jit(ALLOWED[name])(1e-3)


def bell(x: Any) -> Any:
    return np.exp(-x * x)


def test_ends_of_several_kinds_and_unknown_ones() -> None:
    """tanhsinh chooses the places by the values of its ends."""
    f = lambda a, b: si.tanhsinh(lambda x: bell(x) * (2 + bell(x - 1)), a, b).integral  # noqa: E731
    low = np.array([0.0, -np.inf, -np.inf, 0.5, np.inf, 2.0])
    high = np.array([1.0, 0.5, np.inf, np.inf, 0.3, -1.0])
    for made in (ad.vjp(f, low, high)[0], ad.jit(f)(low, high), ad.vmap(f)(low, high)):
        np.testing.assert_allclose(made, f(low, high), rtol=1e-10)
    inner = np.isfinite(low)
    slope = ad.jit(ad.grad(lambda a: f(a, high).sum()))(low)
    np.testing.assert_allclose(slope[inner], -(bell(low) * (2 + bell(low - 1)))[inner], rtol=1e-9)


WITH_ENDS = {
    "quad": lambda a: si.quad(bell, 0.0, a)[0],
    "quad_vec": lambda a: si.quad_vec(lambda x: bell(x) * np.ones(2), 0.0, a)[0].sum(),
    "dblquad": lambda a: si.dblquad(lambda y, x: bell(x) * bell(y), 0, 1, 0, a)[0],
}


@pytest.mark.parametrize("name", WITH_ENDS)
def test_an_infinite_end_that_is_not_known_is_refused(name: str) -> None:
    f = WITH_ENDS[name]
    assert ad.value_and_grad(f)(np.inf)[0] == f(np.inf)
    np.testing.assert_allclose(ad.jit(f)(0.7), f(0.7), rtol=1e-12)
    with pytest.raises(UnsupportedError, match="an end at infinity that is not known"):
        ad.jit(f)(np.inf)
