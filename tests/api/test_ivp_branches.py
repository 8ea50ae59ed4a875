"""Differential equations that branch, or jump: their derivatives by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import odeint, solve_ivp

import adjoint as ad

P = 1.1


def _same(f, slope, bend):
    """First and second derivatives at P in every mode."""
    assert ad.grad(f)(P) == pytest.approx(slope, rel=1e-6)
    assert ad.jvp(f, (P,), (1.0,))[1] == pytest.approx(slope, rel=1e-6)
    assert ad.hvp(f, P, 1.0) == pytest.approx(bend, rel=1e-5, abs=1e-7)
    assert ad.grad(ad.grad(f))(P) == pytest.approx(bend, rel=1e-5, abs=1e-7)
    assert ad.value_and_grad(f)(P)[0] == pytest.approx(f(P), rel=1e-14)


def test_a_branch_on_the_state():
    # up to 1 at 1 / p, then with the slope 2
    def f(p):
        return solve_ivp(lambda t, y: [p if y[0] < 1 else 2.0], (0, 2), [0.0]).y[0, -1]

    _same(f, 2 / P**2, -4 / P**3)


def test_a_branch_at_a_parameter_of_time():
    # the sum of exp(-p) and 2 (2 - p) is reached
    def f(p):
        return solve_ivp(lambda t, y: [-y[0] if t < p else 2.0], (0, 2), [1.0]).y[0, -1]

    _same(f, -math.exp(-P) - 2, math.exp(-P))


def test_a_jump_by_where_is_no_silent_zero():
    def f(p):
        return solve_ivp(lambda t, y: np.where(t < p, 3.0, 2.0) + 0 * y, (0, 2), [0.0]).y[0, -1]

    _same(f, 1.0, 0.0)


def test_a_jump_by_sign():
    # |p - t|' has the slope -sign(p - t): 2 p - 2 at the end
    def f(p):
        return solve_ivp(lambda t, y: np.sign(p - t) + 0 * y, (0, 2), [0.0], "LSODA").y[0, -1]

    _same(f, 2.0, 0.0)


@pytest.mark.parametrize(
    "level",
    [
        lambda t, p: [1.0, 3.0, 2.0][int(t / p)],
        lambda t, p: np.array([1.0, 3.0, 2.0])[math.floor(t / p)],
        lambda t, p: 1.0 if t // p == 0 else 3.0 if t // p == 1 else 2.0,
    ],
)
def test_tables_over_time(level):
    # p + 3 p + 2 (3 - 2 p)
    def f(p):
        return solve_ivp(lambda t, y: [level(t, p)], (0, 3), [0.0], max_step=0.1).y[0, -1]

    assert ad.grad(f)(P) == pytest.approx(0.0, abs=1e-8)
    assert ad.grad(lambda p: p * f(p))(P) == pytest.approx(f(P), rel=1e-8)


def test_pulses_that_repeat():
    # three pulses of the height p and the length p / 4 each: 3 p^2 / 4
    def f(p):
        rate = lambda t, y: [p if t % 1.0 < p / 4 else 0.0]  # noqa: E731
        return solve_ivp(rate, (0, 3), [0.0], max_step=0.05).y[0, -1]

    def g(p):
        rate = lambda t, y: np.where(np.mod(t, 1.0) < p / 4, p, 0.0) + 0 * y  # noqa: E731
        return solve_ivp(rate, (0, 3), [0.0], max_step=0.05).y[0, -1]

    assert ad.grad(f)(P) == pytest.approx(1.5 * P, rel=1e-7)
    assert ad.grad(g)(P) == pytest.approx(1.5 * P, rel=1e-7)


def test_odeint_with_args_and_pythons_functions():
    def rate(y, t, a, b):
        return [a * math.exp(-t) if t < b else -b * y[0]]

    def f(p):
        return odeint(rate, [0.0], np.linspace(0, 2, 5), args=(2.0, p))[-1, 0]

    # y = 2 (1 - exp(-p)) exp(-p (2 - p))
    start, decay = 2 * (1 - math.exp(-P)), math.exp(-P * (2 - P))
    slope = 2 * math.exp(-P) * decay + start * decay * (2 * P - 2)
    assert ad.grad(f)(P) == pytest.approx(slope, rel=1e-7)


def test_interval_start_and_dense_output():
    def f(p):
        found = solve_ivp(
            lambda t, y: [-y[0] if t < 1 else 2.0], (0.1 * p, 2 * p), [p], dense_output=True
        )
        return found.y[0, -1] + found.sol(np.array([1.5, 0.7]))[0] @ np.array([1.0, 2.0])

    # p exp(-(t - p / 10)) up to 1, then 2 (t - 1) more
    def by_hand(t):
        return math.exp(-(t - 0.1 * P)) * (1 + 0.1 * P)

    slope = by_hand(1.0) + 4.0 + by_hand(1.0) + 2 * by_hand(0.7)
    assert ad.grad(f)(P) == pytest.approx(slope, rel=1e-7)


def test_a_complex_state():
    def f(p):
        rate = lambda t, y: [1j * p * y[0] if t < p else -1.0 * y[0]]  # noqa: E731
        return np.abs(solve_ivp(rate, (0, 3), [1.0 + 0j], rtol=1e-9).y[0, -1])

    assert ad.grad(f)(P) == pytest.approx(math.exp(-(3 - P)), rel=1e-4)


def test_events_with_branches():
    def fall(t, y):
        return [y[1], -10.0 if y[0] > 1 else -5.0]

    def ground(t, y):
        return y[0] if t > 0.1 else 1.0

    ground.terminal = True

    def f(p):
        return solve_ivp(fall, (0, 9), [1 + p, 0.0], events=ground).t[-1]

    # p = 5 t^2 to the height 1 with the speed v = 10 t, then 1 = v s + 2.5 s^2
    def by_hand(p):
        t = np.sqrt(p / 5)
        v = 10 * t
        return t + (-v + np.sqrt(v * v + 10)) / 5

    assert ad.grad(f)(P) == pytest.approx(ad.grad(by_hand)(P), rel=1e-7)


def test_several_terminal_events():
    def low(t, y):
        return y[0] - 0.5

    def high(t, y):
        return y[0] - 3.0

    low.terminal = high.terminal = True

    def f(p):
        rate = lambda t, y: [p if y[0] < 2 else 2 * p]  # noqa: E731
        return solve_ivp(rate, (0, 9), [1.0], events=[low, high]).t[-1]

    _same(f, -1.5 / P**2, 3 / P**3)


def test_branches_inside_jit_are_refused():
    def f(p):
        return solve_ivp(lambda t, y: [p if y[0] < 1 else 2.0], (0, 2), [0.0]).y[0, -1]

    with pytest.raises(ad.errors.ConcreteValueError, match=r"solve_ivp(.|\n)*np\.where"):
        ad.jit(ad.grad(f))(P)


def test_a_solution_that_slides_along_a_jump_is_refused():
    def f(p):
        return solve_ivp(lambda t, y: [-p if y[0] > 0 else 1.0], (0, 2), [1.0]).y[0, -1]

    with pytest.raises(ad.errors.UnsupportedError, match="slides"):
        ad.grad(f)(P)


def test_a_slope_that_depends_on_nothing():
    def f(p):
        return np.sum(solve_ivp(lambda t, y: [2.0], (0, 2), [p], t_eval=np.arange(0, 2, 0.2)).y)

    assert ad.grad(f)(P) == pytest.approx(10.0)


def test_jumps_that_move_are_refused_inside_jit_when_the_program_runs():
    def f(p):
        return solve_ivp(lambda t, y: np.where(t < p, 3.0, 2.0) + 0 * y, (0, 2), [0.0]).y[0, -1]

    def still(p):
        return solve_ivp(lambda t, y: np.where(t < 1.0, p, 2.0) + 0 * y, (0, 2), [0.0]).y[0, -1]

    def continuous(p):
        return solve_ivp(lambda t, y: np.where(t < p, t, p) + 0 * y, (0, 2), [0.0]).y[0, -1]

    assert ad.jit(f)(P) == pytest.approx(f(P))
    with pytest.raises(ad.errors.UnsupportedError, match="jumps at a time"):
        ad.jit(ad.grad(f))(P)
    with pytest.raises(ad.errors.UnsupportedError, match="jumps at a time"):
        ad.vmap(ad.grad(f))(np.full(2, P))
    assert ad.jit(ad.grad(still))(P) == pytest.approx(1.0)
    assert ad.jit(ad.grad(continuous))(P) == pytest.approx(2 - P)
    assert ad.grad(continuous)(P) == pytest.approx(2 - P)
