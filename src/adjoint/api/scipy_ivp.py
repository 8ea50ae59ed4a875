"""solve_ivp and odeint on recorded values: SciPy's solution, and that of the equations it moves by.

Where values are known SciPy is asked for its steps and events first. An event is the root of
its function along the solution, so its time has the derivatives of that equation. Inside jit
and vmap the number of steps is not known: there only the ends of the interval may be read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.api.callback import pure_callback
from adjoint.api.held_steps import only
from adjoint.api.ivp_problem import NUMBER, Problem
from adjoint.api.paths import Paths
from adjoint.api.scipy_steps import EndsOnly, Unread
from adjoint.api.solutions import solution
from adjoint.api.vectorize import vmap
from adjoint.errors import ConcreteValueError, ConvergenceError
from adjoint.graph.evaluate import program_of
from adjoint.graph.graph import Graph
from adjoint.primitives import control
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.scipy_integrate import recorded, refused, settled, tuple_of, yields
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import as_operand, moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.record import Recording
from adjoint.trace.scipy_gate import entries, scipy_rule


class Solution:
    """The solution at any times: solved again to there, not SciPy's polynomials between steps."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem

    def __call__(self, t: Any) -> Any:
        """The state: one column for each time, in any order."""
        t = as_operand(t).astype(np.float64)
        times = np.reshape(t, (-1,))
        t0, t1 = stop_gradient(self.problem.t0), stop_gradient(self.problem.t1)
        order = np.argsort(np.where(t1 >= t0, 1.0, -1.0) * stop_gradient(times))
        rows = self.problem.outward(self.problem.at(times[order]))
        return np.reshape(np.swapaxes(rows[np.argsort(order)], 0, 1), (-1, *t.shape))


class Event:
    """A function whose sign changes are looked for, with SciPy's marks."""

    def __init__(self, given: Callable[..., Any], extra: Any, problem: Problem) -> None:
        self.direction = getattr(given, "direction", 0)
        self.terminal = getattr(given, "terminal", False)
        self.problem = problem
        self._paths: Paths | None = None
        self._recording: Recording | None = None

        def value(t: Any, y: Any) -> Any:
            found = floating(given(t, problem.outward(y), *extra))
            return np.reshape(found, ()).astype(np.float64)

        try:
            self._recording = recorded(value, [NUMBER, problem.state], "solve_ivp")
        except ConcreteValueError:
            if not problem.is_known():
                raise
            self._paths = Paths(value, 2, "solve_ivp")

    @property
    def captured(self) -> list[Any]:
        """What the function has taken from outside, where it has been recorded once."""
        return [] if self._recording is None else self._recording.captured

    def plain(self, captured: Any) -> Callable[[Any, Any], float]:
        """The function on plain numbers, as SciPy takes it."""
        run = None if self._recording is None else program_of(self._recording.graph)

        def event(t: Any, y: Any) -> float:
            parts = np.concatenate([y.real, y.imag]) if self.problem.complex else y
            if run is None:
                assert self._paths is not None
                return float(self._paths.at(np.float64(t), parts).result)
            return float(run([np.float64(t), parts, *captured])[0])

        event.direction = self.direction  # type: ignore[attr-defined]
        event.terminal = self.terminal  # type: ignore[attr-defined]
        return event

    def times(self, near: Any) -> Any:
        """Where the function is zero along the solution, near times that SciPy has found."""
        if near.shape[0] == 0:
            return near
        if self._recording is not None:
            return self._roots(near, self._recording.graph, self._recording.captured)
        assert self._paths is not None
        found = []
        for i in range(len(near)):
            state = known_value(self.problem.at(near[i : i + 1]))[0]
            place = self._paths.at(near[i], state)
            graph = only(place.path.steps.held(place.steps), 0)
            found.append(self._roots(near[i : i + 1], graph, place.path.captured))
        return np.concatenate(found)

    def _roots(self, near: Any, graph: Graph, captured: Any) -> Any:
        # they say which piece of the solution a time is in
        numbers = known_value(near) if self.problem.is_known() else None

        def value(t: Any, y: Any) -> Any:
            return control.call(t, y, *captured, graph=graph, label="event")[0]

        found = solution(lambda ts: vmap(value)(ts, self.problem.at(ts, numbers)), near)
        return moved_as(numbers, found) if self.problem.is_divided() else found


def _events(problem: Problem, events: list[Event]) -> tuple[list[Any], Any, list[Any] | None]:
    """The times of the events, when one of them ended the solution, and SciPy's steps."""
    operands = problem.operands()
    captured = [[stop_gradient(x) for x in e.captured] for e in events]
    values = [known_value(x) for x in operands]
    theirs = [[known_value(x) for x in given] for given in captured]
    if any(v is None for v in (*values, *(v for given in theirs for v in given))):
        ending = [k for k, e in enumerate(events) if e.terminal]
        if len(ending) > 1 or any(int(events[k].terminal) != 1 for k in ending):
            raise refused(
                "solve_ivp",
                "inside jit or vmap a choice between events that end the solution, or an end when "
                "one has happened several times,",
                "one event with event.terminal = True (others may be given), or ad.grad "
                "without jit",
            )
        unread: list[Any] = [Unread() for _ in events]
        if not ending:
            return unread, None, None
        k = ending[0]
        unread[k] = _unknown_event(problem, events[k], operands, captured[k])
        return unread, unread[k], None
    found = problem.scipys(values, [e.plain(c) for e, c in zip(events, theirs, strict=True)])
    if found.status == 1:  # no farther than the step in which it ended
        problem.t1 = np.float64(found.sol.interpolants[-1].t)
    problem.divide()
    times = [
        e.times(np.asarray(near, float)) for e, near in zip(events, found.t_events, strict=True)
    ]
    if found.status != 1:
        return times, None, list(found.t)
    last = [k for k, e in enumerate(events) if e.terminal and found.t[-1] in found.t_events[k]]
    return times, times[last[0]][-1:], list(found.t)


def _unknown_event(problem: Problem, event: Event, operands: Any, captured: Any) -> Any:
    """The time of an event that ends the solution, found when the program runs."""
    count = len(operands)

    def find(*values: Any) -> Any:
        found = problem.scipys(values[:count], [event.plain(values[count:])])
        if found.status != 1:
            raise ConvergenceError(
                "the event did not happen before the end of the interval",
                function="solve_ivp",
                remedy="make the interval longer; inside jit the solution must end at the event",
            )
        return np.array([found.t[-1], found.sol.interpolants[-1].t])

    ends = pure_callback(find, np.zeros(2), *operands, *captured)
    problem.t1 = ends[1]
    return event.times(ends[:1])


def _wants_ivp(fun: Any, t_span: Any, y0: Any, method: Any = "RK45", t_eval: Any = None,
               dense_output: bool = False, events: Any = None, vectorized: bool = False,
               args: Any = None, **_: Any) -> bool:  # fmt: skip
    extra = tuple_of(args) if args is not None else ()
    start = np.atleast_1d(np.asarray(y0, complex if np.iscomplexobj(y0) else float))
    at = (float(t_span[0]), start[:, None] if vectorized else start)
    given = events if isinstance(events, list | tuple) else [events]
    return yields(fun, *at, *extra) or any(
        yields(event, float(t_span[0]), start, *extra) for event in given if event is not None
    )


def _method_name(method: Any) -> str:
    """The method by its name, also where SciPy's class is given."""
    from scipy.integrate._ivp.ivp import METHODS

    name = method if isinstance(method, str) else getattr(method, "__name__", "")
    if name not in METHODS or (name is not method and METHODS[name] is not method):
        raise refused("solve_ivp", "a method of one's own", f"method= one of {', '.join(METHODS)}")
    return str(name)


@scipy_rule("scipy.integrate.solve_ivp", wanted=_wants_ivp)
def solve_ivp(
    fun: Any, t_span: Any, y0: Any, method: Any = "RK45", t_eval: Any = None,
    dense_output: bool = False, events: Any = None, vectorized: bool = False, args: Any = None,
    **options: Any,
) -> Any:  # fmt: skip
    """SciPy's solution; its derivatives are differential equations, solved by SciPy too."""
    for name in ("jac", "jac_sparsity", "lband", "uband"):
        options.pop(name, None)  # they only serve speed
    extra = tuple_of(args) if args is not None else ()

    def slope(t: Any, y: Any) -> Any:
        return fun(t, y[:, None] if vectorized else y, *extra)

    ends = tuple(as_operand(t).astype(np.float64) for t in t_span)
    settings = {"solver": "solve_ivp", "method": _method_name(method)}
    settings |= settled("solve_ivp", **options)
    problem = Problem(slope, y0, (ends[0], ends[1]), "solve_ivp", settings)
    t_events, last, steps = None, None, None
    if events is not None:
        given = events if isinstance(events, list | tuple) else [events]
        t_events, last, steps = _events(problem, [Event(e, extra, problem) for e in given])
    else:
        problem.divide()
    ts, is_whole = _times(problem, t_eval, last, steps)
    states = np.swapaxes(problem.outward(problem.at(ts)), 0, 1)
    if is_whole and t_eval is None and events is None:  # with t_eval SciPy interpolates them
        states = moved_as(problem.scipys_steps().y, states)
    y_events = None
    if t_events is not None:
        y_events = [
            times if isinstance(times, Unread) else problem.outward(problem.at(times))
            for times in t_events
        ]
    return _result_of(
        problem,
        t=ts if is_whole else EndsOnly(ts), y=states if is_whole else EndsOnly(states),
        sol=Solution(problem) if dense_output else None, t_events=t_events, y_events=y_events,
        status=0 if last is None else 1, success=True,
        message="The solver successfully reached the end of the integration interval."
        if last is None else "A termination event occurred.",
    )  # fmt: skip


def _result_of(problem: Problem, **parts: Any) -> Any:
    """SciPy's result, which counts the calls that SciPy makes when somebody asks."""
    from scipy.integrate._ivp.ivp import OdeResult

    numbers = [known_value(x) for x in problem.operands()]  # it may be asked when all is over
    is_known = all(x is not None for x in numbers)

    class Counted(OdeResult):  # type: ignore[misc]
        def __getitem__(self, name: str) -> Any:
            found = super().__getitem__(name)
            if found is not None or name not in _COUNTS:
                return found
            if not is_known:
                raise refused("solve_ivp", f"{name} inside jit or vmap", "the result without it")
            steps = problem.scipys(numbers)
            self.update({count: steps[count] for count in _COUNTS})
            return steps[name]

        def __getattr__(self, name: str) -> Any:
            if name not in self:
                raise AttributeError(name)
            return self[name]

        def __repr__(self) -> str:
            if is_known:
                _ = self["nfev"]
            text: str = super().__repr__()
            return text

    Counted.__name__ = Counted.__qualname__ = "OdeResult"
    return Counted(**parts, **dict.fromkeys(_COUNTS))


_COUNTS = ("nfev", "njev", "nlu")


def _times(problem: Problem, t_eval: Any, last: Any, steps: Any) -> tuple[Any, bool]:
    """The times that are asked for, or SciPy's steps; False where only their ends are known."""
    end = np.reshape(problem.t1, (1,)) if last is None else last
    if t_eval is not None:
        ts = as_operand(t_eval).astype(np.float64)
        if last is None:
            return ts, True
        times, until, first = known_value(ts), known_value(last), known_value(problem.t0)
        if times is None or until is None:
            raise refused("solve_ivp", "t_eval with an event inside jit or vmap",
                          "dense_output=True, and sol.sol(t) up to the event")  # fmt: skip
        inside = np.abs(times - first) <= np.abs(until - first)
        return ts[: int(np.count_nonzero(inside))], True
    if steps is None:
        values = [known_value(x) for x in problem.operands()]
        if last is not None or any(v is None for v in values):
            return np.concatenate([np.reshape(problem.t0, (1,)), end]), False
        steps = list(problem.scipys_steps().t)
    return np.concatenate([np.reshape(problem.t0, (1,)), steps[1:-1], end]), True


def _wants_odeint(func: Any, y0: Any, t: Any, args: Any = (), *rest: Any, **_: Any) -> bool:
    y = np.atleast_1d(np.asarray(y0, float))
    first = float(np.asarray(t)[0])
    tfirst = rest[-1] if rest else False
    return yields(func, *((first, y) if tfirst else (y, first)), *tuple_of(args))


@scipy_rule("scipy.integrate.odeint", wanted=_wants_odeint)
def odeint(
    func: Any, y0: Any, t: Any, args: Any = (), Dfun: Any = None, col_deriv: Any = 0,
    full_output: Any = 0, ml: Any = None, mu: Any = None, rtol: Any = None, atol: Any = None,
    tcrit: Any = None, h0: Any = 0.0, hmax: Any = 0.0, hmin: Any = 0.0, ixpr: Any = 0,
    mxstep: Any = 0, mxhnil: Any = 0, mxordn: Any = 12, mxords: Any = 5, printmessg: Any = 0,
    tfirst: bool = False,
) -> Any:  # fmt: skip
    """SciPy's solution; its derivatives are differential equations, solved by SciPy too."""
    args = tuple_of(args)
    settings = settled("odeint", rtol=rtol, atol=atol, h0=h0, hmax=hmax, hmin=hmin, tcrit=tcrit)
    settings |= {"solver": "odeint", "mxstep": mxstep, "mxordn": mxordn, "mxords": mxords}
    ts = as_operand(t).astype(np.float64)
    problem = Problem(
        (lambda t, y: func(t, y, *args)) if tfirst else (lambda t, y: func(y, t, *args)),
        y0, (ts[0], ts[-1]), "odeint", {k: v for k, v in settings.items() if v is not None},
    )  # fmt: skip
    problem.divide()
    rows = problem.at(ts)
    return (rows, _told(problem, ts)) if full_output else rows


def _told(problem: Problem, ts: Any) -> dict[str, Any]:
    """What SciPy says about its steps, where these are known."""
    if not problem.is_known() or known_value(ts) is None:
        return {"message": "Integration successful."}
    y0, _, _, *numbers = [known_value(x) for x in problem.operands()]
    slope = problem.on_numbers(numbers)
    settings = {k: v for k, v in problem.settings.items() if k not in ("solver", "complex")}
    solve = entries["scipy.integrate.odeint"].original
    told: dict[str, Any] = solve(
        lambda y, t: slope(t, y), y0, known_value(ts), full_output=True, **settings
    )[1]
    return told
