"""Integrands that branch, that are plain in places, and tolerances that are recorded."""

import numpy as np
import pytest
import scipy.integrate as si
import scipy.optimize as so

import adjoint as ad
from adjoint.errors import ConcreteValueError


def late(a):
    return si.quad(lambda t: t * a if t > 0.5 else 0.0, 0, 1)[0]


def in_two_variables(a):
    return si.dblquad(lambda y, x: a * x * y if x > 0.5 else 0.0, 0, 1, 0, 1)[0] ** 2


def nested(a):
    return si.nquad(lambda y, x: a * x * y if x > 0.5 else 0.0, [(0, 1), (0, 1)])[0] ** 2


def with_a_tolerance(a):
    return si.quad(lambda t: t * a**2 if t * a > 0.5 else 0.0, 0, 1, epsrel=a * 1e-9)[0]


def root_with_a_tolerance(a):
    return so.brentq(lambda x: x * x - a, 0, 3, xtol=a * 1e-10)


def constant_with_a_tolerance(a):
    return a**2 * si.quad(lambda t: t * t, 0, 1, epsabs=a * 1e-9)[0]


SLOPES = {
    late: 0.375,
    in_two_variables: 2 * 1.3 * 0.1875**2,
    nested: 2 * 1.3 * 0.1875**2,
    # of a^2 / 2 (1 - (0.5 / a)^2): the jump moves, which points= would tell
    with_a_tolerance: 2 * 1.3 * 0.5 * (1 - (0.5 / 1.3) ** 2),
    root_with_a_tolerance: 0.5 / np.sqrt(1.3),
    constant_with_a_tolerance: 2 * 1.3 / 3,
}


@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")
@pytest.mark.parametrize("f", SLOPES)
def test_branches_and_tolerances(f):
    assert ad.value_and_grad(f)(1.3)[0] == pytest.approx(f(1.3), rel=1e-9)
    assert ad.grad(f)(1.3) == pytest.approx(SLOPES[f], rel=1e-3)
    assert ad.jvp(f, (1.3,), (1.0,))[1] == pytest.approx(ad.grad(f)(1.3), rel=1e-10)


@pytest.mark.parametrize(
    "f",
    [
        lambda a: si.solve_ivp(lambda t, y: -a * y if t > 0.5 else -y, (0, 1), [1.0]).y[0, -1],
        lambda a: si.odeint(lambda y, t: -a * y if t > 0.5 else -y, 1.0, [0, 0.5, 1.0])[-1, 0],
    ],
)
def test_a_branch_on_time_is_named(f):
    with pytest.raises(
        ConcreteValueError, match=r"a branch(.*\n)*.*test_scipy_branches(.*\n)*.*np\.where"
    ):
        ad.grad(f)(1.3)
