"""Differential equations with branches and jumps, solved piece by piece.

Between two changes of its branches the right-hand side is smooth, and what it is there has
derivatives like any other equation. A change comes where the margin of some comparison crosses
zero along the solution: its time is the root of that equation, and moves with all that the
solution depends on. Where the right-hand side jumps, this is what the derivative jumps by.

SciPy's own stepping gives the values; the pieces are solved more exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from adjoint.api.held_steps import only
from adjoint.api.paths import Paths, Place
from adjoint.errors import ConvergenceError, UnsupportedError
from adjoint.graph.evaluate import program_of
from adjoint.graph.graph import Graph
from adjoint.graph.source import source_here

_MOST = 500  # changes along one solution
_INSIDE = 4  # places within a step where branches are looked at
_SLIDING = 4  # changes at once: the solution moves along the place of the change
RTOL, ATOL = 1e-10, 1e-12


class Change(NamedTuple):
    """Where a piece ends: the time, and the margin that crosses a value there."""

    time: float
    margin: Graph
    element: int
    value: float
    moves: bool  # with more than the time itself


class Piece(NamedTuple):
    """A stretch of the solution along which all decisions stay as they are."""

    slope: Graph
    captured: Sequence[Any]
    change: Change | None  # None at the end


def pieces(
    paths: Paths, y0: Any, ends: tuple[float, float], stops: Any, max_step: float
) -> list[Piece]:
    """The smooth stretches of a solution.

    Args:
        paths: the right-hand side.
        y0: the state at the first end.
        ends: of the interval.
        stops: further times, in order, at which branches are looked at.
        max_step: what the user allows.
    """
    (t, end), y = ends, y0
    ahead = 1e-12 * (end - t)  # at a change itself a sign may be zero
    place = paths.at(t, y)
    place = paths.at(t + ahead, y + ahead * place.result)
    found: list[Piece] = []
    short = 0
    while True:
        whole = place.path.steps.held(place.steps)
        slope = only(whole, 0)
        bracket = _followed(place, slope, t, y, end, stops, max_step)
        if bracket is None:
            found.append(Piece(slope, place.path.captured, None))
            return found
        (low, y_low), (high, y_high) = bracket
        found.append(
            Piece(slope, place.path.captured, _change(place, whole, (low, y_low), (high, y_high)))
        )
        short = short + 1 if abs(high - t) < 1e-9 * abs(end - ends[0]) else 0
        if short >= _SLIDING or len(found) > _MOST:
            raise _unending(short >= _SLIDING)
        t, y = high, y_high
        place = paths.at(t + ahead, y + ahead * paths.at(t, y).result)


def _unending(sliding: bool) -> UnsupportedError:
    what = "slides along a place where it jumps" if sliding else f"changes more than {_MOST} times"
    return UnsupportedError(
        f"a differential equation that {what} cannot be followed on recorded values",
        function="scipy.integrate.solve_ivp",
        source=source_here(),
        remedy="make the change smooth: np.tanh(x / width) in the place of np.sign(x)",
    )


def _followed(
    place: Place, slope: Graph, t: float, y: Any, end: float, stops: Any, max_step: float
) -> Any:
    """The last place of a piece and the first beyond it; None where it goes to the end."""
    run, given = program_of(slope), place.path.numbers

    def fun(t: float, y: Any) -> Any:
        return run([np.float64(t), y, *given])[0]

    forwards = end > t
    for t_old, t_new, sol in _steps(fun, t, y, end, max_step):
        inner = np.linspace(t_old, t_new, _INSIDE + 1)[1:]
        low, high = min(t_old, t_new), max(t_old, t_new)
        seen = np.union1d(inner, stops[(stops > low) & (stops < high)])
        last = t_old
        for at in seen if forwards else seen[::-1]:
            if not place.same((np.float64(at), sol(at))):
                return _bisected(place, sol, last, float(at))
            last = float(at)
    return None


def _bisected(place: Place, sol: Callable[[float], Any], low: float, high: float) -> Any:
    """Two times as near to one another as numbers are, between which a decision changes."""
    while abs(high - low) > 4 * np.spacing(max(abs(low), abs(high))):
        middle = 0.5 * (low + high)
        if place.same((np.float64(middle), sol(middle))):
            low = middle
        else:
            high = middle
    return (np.float64(low), sol(low)), (np.float64(high), sol(high))


def _steps(fun: Any, t: float, y: Any, end: float, max_step: float) -> Any:
    """Steps with the solution within them: LSODA's, or where it fails those of Runge and Kutta."""
    import scipy.integrate

    for method in (scipy.integrate.LSODA, scipy.integrate.DOP853):
        solver = method(fun, t, y, end, rtol=RTOL, atol=ATOL, max_step=max_step)
        while solver.status == "running":
            solver.step()
            if solver.status == "failed" or not np.all(np.isfinite(solver.y)):
                break
            yield solver.t_old, solver.t, solver.dense_output()
            t, y = solver.t, solver.y
        if solver.status == "finished":
            return
    raise ConvergenceError(
        "the differential equation could not be solved between two of its branches",
        function="scipy.integrate.solve_ivp",
        remedy="see that each branch has a value on both sides of the place where it begins",
    )


def _change(place: Place, whole: Graph, low: Any, high: Any) -> Change:
    """Which of the margins crosses its value between two places."""
    numbers, steps = place.path.numbers, place.path.steps
    _, _, before = steps.at([*low, *numbers])
    _, _, after = steps.at([*high, *numbers])
    for which, (first, second) in enumerate(zip(before, after, strict=True)):
        flips = np.flatnonzero(np.ravel(np.asarray(first) != np.asarray(second)))
        if len(flips):
            element = int(flips[0])
            sides = (np.ravel(x)[element] for x in (first, second))
            return Change(
                float(high[0]), only(whole, 1 + which), element,
                steps.boundary(which, *sides), steps.reach[which] != frozenset((0,)),
            )  # fmt: skip
    raise UnsupportedError(
        "a branch that changes without a comparison cannot be followed on recorded values",
        function="scipy.integrate.solve_ivp",
        source=source_here(),
        remedy="write the choice with np.where or ad.cond",
    )


def jumps(paths: Paths, times: Any, states: Any) -> bool:
    """Whether a right-hand side jumps somewhere between states along its solution."""
    places = [paths.at(np.float64(t), y) for t, y in zip(times, states, strict=True)]
    for k, (here, there) in enumerate(pairwise(places)):
        if here.same((np.float64(times[k + 1]), states[k + 1])):
            continue
        at = [(times[k], states[k]), (times[k + 1], states[k + 1])]
        low, high = 0.0, 1.0

        def between(share: float, at: Any = at) -> tuple[Any, Any]:
            return tuple(a + share * (b - a) for a, b in zip(*at, strict=True))

        while high - low > 1e-12:
            middle = 0.5 * (low + high)
            low, high = (middle, high) if here.same(between(middle)) else (low, middle)
        first, second = paths.at(*between(low)).result, paths.at(*between(high)).result
        if not np.allclose(first, second, rtol=1e-6, atol=1e-9 * np.max(np.abs(there.result))):
            return True
    return False
