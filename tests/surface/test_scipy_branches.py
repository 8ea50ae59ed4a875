"""Integrands that branch, that are plain in places, and tolerances that are recorded."""

import math

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


def shock(p, a):  # another law on each side of the state
    return a * p * p - 2 if p < a else a * math.sqrt(p) - 2


DECIDED = {
    "brentq": lambda a: so.brentq(shock, 0.1, 9.0, args=(a,)),
    "newton": lambda a: so.newton(shock, 1.0, args=(a,)),
    "fsolve": lambda a: so.fsolve(lambda p: [shock(p[0], a)], [1.0])[0],
    "root_scalar": lambda a: so.root_scalar(shock, args=(a,), bracket=(0.1, 9.0)).root,
    "minimize": lambda a: so.minimize(lambda p: shock(p[0], a) ** 2, [1.0], tol=1e-12).x[0],
    "bounded": lambda a: (
        so.minimize_scalar(
            lambda p: (p - a) ** 2 if p < a + 1 else 9.0, bounds=(0.0, 3.0), method="bounded"
        ).x
    ),
}


@pytest.mark.parametrize("name", DECIDED)
@pytest.mark.parametrize("a", [1.3, 1.1])
def test_equations_may_decide_on_their_unknowns(name, a):
    f = DECIDED[name]
    value, slope = ad.value_and_grad(f)(a)
    assert value == pytest.approx(f(a), rel=1e-6)
    wanted = 1.0 if name == "bounded" else -value / a * (0.5 if value < a else 2.0)
    assert slope == pytest.approx(wanted, rel=1e-6)
    assert ad.jvp(f, (a,), (1.0,))[1] == pytest.approx(wanted, rel=1e-6)
    h = 1e-4
    second = (ad.grad(f)(a + h) - ad.grad(f)(a - h)) / (2 * h)
    assert ad.hessian(f)(a) == pytest.approx(second, rel=1e-5, abs=1e-5)


def test_an_equation_that_decides_is_refused_inside_jit_with_its_line():
    with pytest.raises(ConcreteValueError, match=r"(.*\n)*.*shock: `return a \* p"):
        ad.jit(DECIDED["brentq"])(1.3)


@pytest.mark.parametrize(
    "f",
    [
        lambda a: si.solve_ivp(lambda t, y: -a * y if t > 0.5 else -y, (0, 1), [1.0]).y[0, -1],
        lambda a: si.odeint(lambda y, t: -a * y if t > 0.5 else -y, 1.0, [0, 0.5, 1.0])[-1, 0],
    ],
)
def test_a_branch_on_time_is_named_inside_jit(f):
    with pytest.raises(
        ConcreteValueError, match=r"a branch(.*\n)*.*test_scipy_branches(.*\n)*.*np\.where"
    ):
        ad.jit(ad.grad(f))(1.3)
    assert ad.grad(f)(1.3) == pytest.approx(-0.5 * math.exp(-0.5 - 0.5 * 1.3), rel=1e-6)


# SciPy makes a vector of a single number to begin from.
FROM_A_NUMBER = {
    "minimize": lambda a: so.minimize(lambda x: (x[0] - a) ** 2, 2.0).x,
    "simplex": lambda a: so.minimize(lambda x: (x[0] - a) ** 2, 2.0, method="Nelder-Mead").x,
    "bounds": lambda a: so.minimize(lambda x: (x[0] - a) ** 2, 2.0, bounds=[(0, 5)]).x,
    "fmin": lambda a: so.fmin(lambda x: (x[0] - a) ** 2, 2.0, disp=0),
    "fmin_bfgs": lambda a: so.fmin_bfgs(lambda x: (x[0] - a) ** 2, 2.0, disp=0),
    "fmin_tnc": lambda a: so.fmin_tnc(
        lambda x: (x[0] - a) ** 2, 2.0, approx_grad=True, bounds=[(0, 5)], disp=0
    )[0],
    "basinhopping": lambda a: so.basinhopping(lambda x: (x[0] - a) ** 2, 2.0, niter=2).x,
    "root": lambda a: so.root(lambda x: x[0] - a, 2.0).x,
    "fsolve": lambda a: so.fsolve(lambda x: x[0] - a, 2.0),
    "least_squares": lambda a: so.least_squares(lambda x: x[0] - a, 2.0).x,
    "leastsq": lambda a: so.leastsq(lambda x: [x[0] - a, 0.0], 2.0)[0],
}


@pytest.mark.parametrize("name", FROM_A_NUMBER)
def test_searches_may_begin_at_a_number(name):
    f = FROM_A_NUMBER[name]
    x, dot = ad.jvp(f, (1.3,), (1.0,))
    assert np.shape(x) == (1,) == f(1.3).shape
    np.testing.assert_allclose(x, f(1.3), rtol=1e-4)
    np.testing.assert_allclose(dot, [1.0], rtol=1e-6)
    np.testing.assert_allclose(ad.jacobian(f)(1.3), [1.0], rtol=1e-6)
    np.testing.assert_allclose(ad.jit(ad.jacobian(f))(1.3), [1.0], rtol=1e-6)


def test_a_cost_that_moves_in_places_only_is_followed():
    def least(a):
        return so.fmin(lambda x: (x[0] - a) ** 2 if x[0] < 1.5 else 9.0 + x[0], [2.0], disp=0)[0]

    assert ad.grad(least)(1.3) == pytest.approx(1.0, rel=1e-6)


T = np.linspace(0.0, 2.0, 9)


def peak(t, height, place, width):
    return height * np.exp(-0.5 * ((t - float(place)) / width) ** 2)


# What to begin from is often computed from the data, and has no influence on the solution.
FROM_THE_DATA = {
    "curve_fit": lambda y: so.curve_fit(peak, T, y, [np.max(y), T[4], y[4] / 2])[0],
    "least_squares": lambda y: so.least_squares(lambda p: p - y[:3], [y[0], y[1], 1.0]).x,
    "leastsq": lambda y: so.leastsq(lambda p: p - y[:3], [y[0], y[1], 1.0])[0],
    "minimize": lambda y: so.minimize(lambda p: np.sum((p - y[:2]) ** 2), [y[1], 1.0]).x,
    "root": lambda y: so.root(lambda p: p**3 - y[:2], [y[1], 1.0]).x,
    "fsolve": lambda y: so.fsolve(lambda p: p**3 - y[:2], (y[1], 1.0)),
    "newton": lambda y: so.newton(lambda p: p**3 - y[3], y[1]),
}


@pytest.mark.parametrize("name", FROM_THE_DATA)
def test_first_guesses_may_be_lists_of_recorded_numbers(name):
    f, y = FROM_THE_DATA[name], peak(T, 1.2, 0.9, 0.4) + 0.01 * np.sin(5 * T) + 0.1
    direction = np.cos(3 * T)
    x, dot = ad.jvp(f, (y,), (direction,))
    np.testing.assert_allclose(x, f(y), rtol=1e-5)
    h = 1e-3
    wanted = (f(y + h * direction) - f(y - h * direction)) / (2 * h)
    np.testing.assert_allclose(dot, wanted, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(np.atleast_2d(ad.jacobian(f)(y)) @ direction, dot, rtol=1e-8)


def test_branches_inside_integrals_whose_break_points_move():
    def f(a):
        rough = lambda x, y: a * x if x < y else x * y  # noqa: E731
        return si.nquad(rough, [(0, 1), (0.2, 0.8)], opts=[lambda y: {"points": [y]}, {}])[0]

    # half the square of y, from 0.2 to 0.8
    assert ad.grad(f)(1.2) == pytest.approx(0.084, rel=1e-9)
    assert ad.value_and_grad(f)(1.2)[0] == f(1.2)
