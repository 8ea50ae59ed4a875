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
