"""solve_ivp's events, complex states and unknown steps, in every mode."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import RK45, odeint, solve_ivp

import adjoint as ad

_spec = importlib.util.spec_from_file_location("checking", Path(__file__).with_name("checking.py"))
assert _spec is not None
assert _spec.loader is not None
checking = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(checking)

TIGHT = {"rtol": 1e-10, "atol": 1e-11}
Answer = Callable[..., Any]


def marked(event: Answer, terminal: bool = True, direction: int = 0) -> Answer:
    """An event with SciPy's marks."""
    event.terminal = terminal  # type: ignore[attr-defined]
    event.direction = direction  # type: ignore[attr-defined]
    return event


def flight(speed: Any, angle: Any) -> Any:
    """Where and when a ball with drag comes down."""

    def slope(t: Any, y: Any) -> Any:
        pace = np.hypot(y[2], y[3])
        return [y[2], y[3], -0.01 * pace * y[2], -9.81 - 0.01 * pace * y[3]]

    ground = marked(lambda t, y: y[1], direction=-1)
    start = [0.0, 0.1, speed * np.cos(angle), speed * np.sin(angle)]
    found = solve_ivp(slope, (0, 100), start, events=ground, **TIGHT)
    return np.stack([found.y[0, -1], found.t[-1], found.t_events[0][0], found.y_events[0][0, 3]])


def crossings(stiffness: Any, level: Any) -> Any:
    """Every crossing of a level, up to a time that moves."""
    up = marked(lambda t, y: y[0] - level, terminal=False)
    stop = marked(lambda t, y: t - 3 - stiffness)
    found = solve_ivp(
        lambda t, y: [y[1], -stiffness * y[0]], (0, 10), [1.0, 0.0], "DOP853", events=(up, stop),
        **TIGHT,
    )  # fmt: skip
    assert found.status == 1
    return np.concatenate([found.t_events[0], found.y[:, -1], found.y_events[0][:, 1]])


def spin(field: Any, drive: Any) -> Any:
    """Two complex amplitudes."""
    energy = np.array([[1.0, 0.3], [0.3, -1.0]])
    found = solve_ivp(
        lambda t, y: -1j * (field * energy @ y) * (1 + drive * np.sin(t)), (0, 2),
        np.array([1 + 0j, 0]), t_eval=[1.0, 2.0], **TIGHT,
    )  # fmt: skip
    return found.y


def ends(stiffness: Any, last: Any) -> Any:
    """The last state by SciPy's own steps, in the ways it is read."""
    found = solve_ivp(lambda t, y: [y[1], -stiffness * y[0]], [0, last], [1.0, 0.0], **TIGHT)
    return np.stack([found.y[0, -1], found.y.T[-1][1], found.t[-1], found.y[1][-1], found.t[0]])


CASES = {
    "flight": (flight, (20.0, 0.8), "second vmap jit"),
    "crossings": (crossings, (1.1, 0.2), "vmap jit second"),
    "spin": (spin, (1.0, 0.2), "second"),
    "ends": (ends, (1.2, 1.5), "second"),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    f, args, skip = CASES[name]
    case = checking.Case(name, f, args, frozenset({"bits", *skip.split()}), 1e-5)
    checking.check(case, np.random.default_rng(1))


def test_the_time_of_an_event_has_second_derivatives() -> None:
    def fall(p: Any) -> Any:
        floor = marked(lambda t, y: y[0])
        found = solve_ivp(lambda t, y: [y[1], -p[1]], (0, 9), [p[0], 0.0], events=floor, **TIGHT)
        return found.t_events[0][0]

    height, g = at = np.array([5.0, 9.81])  # the time is sqrt(2 height / g)
    exact = np.sqrt(2) * np.array(
        [
            [-0.25 * height**-1.5 * g**-0.5, -0.25 * height**-0.5 * g**-1.5],
            [-0.25 * height**-0.5 * g**-1.5, 0.75 * height**0.5 * g**-2.5],
        ]
    )
    np.testing.assert_allclose(ad.hessian(fall)(at), exact, rtol=1e-6)


def test_an_event_inside_jit_is_found_when_the_program_runs() -> None:
    f = ad.jit(flight)
    for angle in (0.6, 0.9):
        np.testing.assert_allclose(f(20.0, angle), flight(20.0, angle), rtol=1e-9)
    with pytest.raises(ad.errors.ConvergenceError, match="did not happen"):
        ad.jit(
            lambda y0: solve_ivp(
                lambda t, y: y, (0, 1), y0, events=marked(lambda t, y: y[0])
            ).y[0, -1]
        )(np.array([1.0]))  # fmt: skip


def test_a_moving_number_of_events_is_refused_inside_jit() -> None:
    with pytest.raises(ad.errors.ConcreteValueError, match=r"how often[\s\S]*t_events\[0\]"):
        ad.jit(crossings)(1.1, 0.2)

    def either(g: Any) -> Any:
        ends = [marked(lambda t, y: y[0]), marked(lambda t, y: y[1] + 3)]
        return solve_ivp(lambda t, y: [y[1], -g], (0, 9), [5.0, 0.0], events=ends).t[-1]

    with pytest.raises(ad.errors.UnsupportedError, match="a choice between events"):
        ad.jit(either)(9.81)


def test_events_that_are_not_read_do_not_stand_in_the_way_of_jit() -> None:
    def landing(g: Any) -> Any:
        apex, floor = marked(lambda t, y: y[1], terminal=False), marked(lambda t, y: y[0])
        found = solve_ivp(
            lambda t, y: [y[1], -g], (0, 9), [5.0, 1.0], events=(apex, floor), **TIGHT
        )
        crossed = solve_ivp(lambda t, y: [y[1], -g], (0, 2), [5.0, 1.0], events=apex, **TIGHT)
        return np.stack([found.t_events[1][0], found.y_events[1][0, 1], crossed.y[0, -1]])

    slopes = ad.jacobian(landing)(9.81)
    np.testing.assert_allclose(ad.jit(landing)(9.81), landing(9.81), rtol=1e-9)
    np.testing.assert_allclose(ad.jit(ad.jacobian(landing))(9.81), slopes, rtol=1e-8)


def test_steps_that_are_not_known_are_refused_with_the_remedy() -> None:
    def area(k: Any) -> Any:
        found = solve_ivp(lambda t, y: -k * y, (0, 1), [1.0])
        return np.trapezoid(found.y[0], found.t)

    assert ad.grad(area)(1.0) < 0
    for f in (area, lambda k: solve_ivp(lambda t, y: -k * y, (0, 1), [1.0]).y[0, 1]):
        with pytest.raises(ad.errors.ConcreteValueError, match="t_eval"):
            ad.jit(f)(1.0)
    with pytest.raises(ad.errors.ConcreteValueError, match="t_eval"):
        ad.jit(lambda k: solve_ivp(lambda t, y: -k * y, (0, 1), [1.0]).y + 1)(1.0)


def test_evaluation_times_end_at_the_event() -> None:
    def heights(g: Any) -> Any:
        floor = marked(lambda t, y: y[0])
        times = np.linspace(0, 3, 13)
        found = solve_ivp(lambda t, y: [y[1], -g], (0, 9), [5.0, 0.0], t_eval=times, events=floor)
        assert found.t.shape == (5,)
        return np.sum(found.y[0])

    times = np.linspace(0, 3, 13)[:5]
    np.testing.assert_allclose(ad.grad(heights)(9.81), -0.5 * np.sum(times**2), rtol=1e-7)


def test_a_solver_by_its_class_and_vectorized_functions() -> None:
    def f(k: Any) -> Any:
        return solve_ivp(
            lambda t, y: -k * y[:, [0]], (0, 1), [1.0], RK45, [1.0], vectorized=True, **TIGHT
        ).y[0, 0]

    np.testing.assert_allclose(ad.grad(f)(0.7), -np.exp(-0.7), rtol=1e-8)


def test_odeint_never_looks_beyond_the_last_time() -> None:
    def f(k: Any) -> Any:
        def slope(y: Any, t: Any) -> Any:
            return -k * y * np.sqrt(1.0 - t + 1e-9)

        rows, told = odeint(slope, 1.0, [0.0, 1.0], tcrit=[1.0], full_output=True)
        assert told["message"] == "Integration successful."
        return rows[1, 0]

    np.testing.assert_allclose(ad.grad(f)(0.7), -2 / 3 * np.exp(-1.4 / 3), rtol=1e-5)


@pytest.mark.parametrize("first", [0.0, 0.3])
def test_all_tangents_at_once_are_the_cotangents_backwards(
    first: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    from adjoint.primitives import ivp as rows

    times = first + np.linspace(0.0, 1.4, 9) ** 1.5
    weight = np.cos(np.arange(9.0))[:, None] + np.array([0.3, -0.2, 0.5])

    def total(y0: Any, pull: Any, matrix: Any, times: Any) -> Any:
        def slope(y: Any, t: Any) -> Any:
            return np.sin(matrix @ y) - pull * y * np.exp(-t)

        return np.sum(weight * odeint(slope, y0, times))

    given = np.array([0.4, -0.3, 0.8]), 0.7, np.arange(9.0).reshape(3, 3) / 5, times
    assert rows.MANY_STOPS <= 8
    for argnums in ((0, 1, 3), (0, 1, 2, 3)):  # all; more tangents than are solved at once
        slope = ad.grad(total, argnums)
        at_once = slope(*given)
        with monkeypatch.context() as patch:
            patch.setattr(rows, "MANY_STOPS", 1000)
            backwards = slope(*given)
        for one, other in zip(at_once, backwards, strict=True):
            np.testing.assert_allclose(one, other, rtol=2e-8, atol=1e-8)


def test_states_at_scipys_steps_have_its_bits() -> None:
    def f(p: Any) -> Any:
        return solve_ivp(lambda t, y: [y[1], -p * np.sin(y[0])], (0, 7), [1.0, 0.3]).y

    for value in (0.7, 1.3, 2.9):
        assert np.array_equal(ad.jvp(f, (value,), (1.0,))[0], f(value))


def test_stiff_equations_that_cannot_be_solved_backwards() -> None:
    c = np.diag([-205.0, -2.5, -2.0, -1.0]) + 0.1 * np.eye(4, k=-1) + 0.01 * np.eye(4, k=1)

    def f(c: Any) -> Any:
        rows = odeint(
            lambda y, t: c @ y, np.arange(1.0, 5), [0, 5.0, 10], atol=1e-12, rtol=1e-10, mxstep=5000
        )
        return np.sum(rows * np.cos(np.arange(12)).reshape(3, 4))

    along = ad.jvp(f, (c,), (c,))[1]
    assert np.sum(ad.grad(f)(c) * c) == pytest.approx(along, rel=1e-7)
