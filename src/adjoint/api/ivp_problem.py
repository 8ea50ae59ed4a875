"""The initial value problem behind a call of solve_ivp or odeint.

Where the right-hand side takes decisions on values, or jumps, and values are known, the solution
is one of pieces (``ode_pieces.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from adjoint.api.callback import pure_callback
from adjoint.api.custom import custom_jvp
from adjoint.api.held_steps import Steps
from adjoint.api.ode_pieces import Piece, jumps, pieces
from adjoint.api.paths import Path, Paths
from adjoint.api.solutions import solution
from adjoint.api.vectorize import vmap
from adjoint.differentiate.ivp import tightened
from adjoint.errors import ConcreteValueError, ConversionError, UnsupportedError
from adjoint.graph.evaluate import program_of
from adjoint.graph.graph import Graph
from adjoint.graph.types import ArrayType
from adjoint.primitives import control
from adjoint.primitives.choose import stop_gradient
from adjoint.primitives.ivp import complex_slope, ivp, scipys_solution, solved
from adjoint.trace.calls.scipy_integrate import recorded, refused
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.record import Recording

NUMBER = ArrayType((), np.dtype(np.float64))


@lru_cache(maxsize=128)
def _known_graph(graph: Graph) -> Graph:
    """The first graph equal to this one, with the programs that were made for it."""
    return graph


_REMEDY = "the equation is recorded once: use np.where or ad.cond for branches"


class Problem:
    """An initial value problem: the state is real here, a complex one as its two parts."""

    def __init__(
        self, fun: Callable[[Any, Any], Any], y0: Any, ends: tuple[Any, Any], name: str,
        settings: dict[str, Any],
    ) -> None:  # fmt: skip
        start = np.atleast_1d(floating(y0))
        self.complex = start.dtype.kind == "c"
        if self.complex and name == "odeint":
            raise refused(name, "a complex state", "solve_ivp, which takes complex states")
        if self.complex:
            start = np.concatenate([np.real(start), np.imag(start)])
            settings = {**settings, "complex": True}
        self.start = start.astype(np.float64)
        self.t0, self.t1 = ends
        self.settings = settings
        self.key = tuple(sorted((k, _hashable(v)) for k, v in settings.items()))
        self.state = ArrayType(self.start.shape, self.start.dtype)
        self._paths: Paths | None = None
        self._recording: Recording | None = None
        self._pieces: Pieces | None = None
        self._may_jump = False
        self._steps: Any = None
        self._record(fun, name)

    def _record(self, fun: Callable[[Any, Any], Any], name: str) -> None:
        n = self.start.shape[0]

        def slope(t: Any, y: Any) -> Any:
            value = np.reshape(floating(fun(t, self.outward(y))), (-1,))
            if self.complex:
                return np.concatenate([np.real(value), np.imag(value)])
            if value.dtype.kind == "c":
                raise refused(name, "a complex slope of a real state", "a complex y0")
            return np.reshape(value, (n,)).astype(np.float64)

        try:
            recording = recorded(slope, [NUMBER, self.state], name)
            self._recording = recording._replace(graph=_known_graph(recording.graph))
        except (ConcreteValueError, ConversionError) as error:
            if isinstance(error, ConcreteValueError):
                error.remedy = _REMEDY
            start = [known_value(x) for x in (self.t0, self.start)]
            if any(x is None for x in (*start, known_value(self.t1))):
                raise
            self._paths = Paths(slope, 2, name)
            try:
                self._paths.at(*start)
            except ConcreteValueError as refusal:
                raise error from refusal

    def outward(self, y: Any) -> Any:
        """The user's state, along the last axis."""
        n = y.shape[-1] // 2
        return y[..., :n] + 1j * y[..., n:] if self.complex else y

    @property
    def captured(self) -> list[Any]:
        """What the right-hand side has taken from outside, where it has been recorded once."""
        return [] if self._recording is None else self._recording.captured

    def at(self, ts: Any, near: Any = None) -> Any:
        """The state at times between the ends, one row for each.

        Args:
            ts: the times, in order.
            near: numbers next to them, where they are not known themselves.
        """
        if self._pieces is not None:
            times = known_value(ts) if near is None else near
            rows = self._pieces.at(ts, times)
            return rows if near is not None else moved_as(self._scipys_rows(times), rows)
        assert self._recording is not None
        given = (self.start, self.t0, self.t1, ts, *self._recording.captured)
        (rows,) = ivp(*given, graph=self._recording.graph, options=self.key)
        return self._moving_without_jumps(rows) if self._may_jump else rows

    def operands(self) -> list[Any]:
        """What decides the solution, without derivatives."""
        return [stop_gradient(x) for x in (self.start, self.t0, self.t1, *self.captured)]

    def is_known(self) -> bool:
        """Whether all that decides the solution is known now."""
        return all(known_value(x) is not None for x in self.operands())

    def is_divided(self) -> bool:
        """Whether the solution has been found to be one of pieces."""
        return self._pieces is not None

    def scipys(self, values: Any, events: Any = None) -> Any:
        """SciPy's solution on plain numbers, with its steps and events."""
        y0, first, last, *theta = values
        slope = real = self.on_numbers(theta)
        settings = {k: v for k, v in self.settings.items() if k not in ("solver", "complex")}
        if self.complex:
            y0, slope = self.outward(y0), complex_slope(real)
        settings |= {"events": events, "dense_output": events is not None}
        return scipys_solution(slope, (float(first), float(last)), y0, **settings)

    def scipys_steps(self) -> Any:
        """SciPy's solution with its own steps, where values are known."""
        if self._steps is None:
            self._steps = self.scipys([known_value(x) for x in self.operands()])
        return self._steps

    def on_numbers(self, theta: Any) -> Callable[[Any, Any], Any]:
        """The right-hand side as a function of plain numbers."""
        if self._paths is not None:
            paths = self._paths
            return lambda t, y: paths.at(np.float64(t), y).result
        assert self._recording is not None
        run = program_of(self._recording.graph)
        return lambda t, y: run([np.float64(t), y, *theta])[0]

    def _scipys_rows(self, ts: Any) -> Any:
        y0, t0, t1, *theta = [known_value(x) for x in self.operands()]
        slope = self.on_numbers(theta)
        return solved(lambda xs: [slope(*xs)], y0, t0, t1, ts, (), self.key)

    def divide(self) -> None:
        """Look for branches and jumps along the solution, once its end is settled."""
        paths = self._paths
        if paths is None:
            assert self._recording is not None
            steps = Steps(self._recording.graph, _moving(self._recording))
            if not self.is_known():  # a switch at a time that stays does no harm
                self._may_jump = any(reach != frozenset((0,)) for reach in steps.reach)
            if not steps.count or not self.is_known():
                return
            path = Path(self._recording, 2, ())
            paths = Paths(self.on_numbers(path.numbers), 2, "solve_ivp", path)
        y0, t0, t1, *theta = [known_value(x) for x in self.operands()]
        if t0 == t1 or not len(y0):
            return
        times, states = self._walk((y0, t0, t1, *theta), self.scipys_steps)
        if self._paths is None and not jumps(paths, times, states):
            return
        longest = self.settings.get("max_step") or self.settings.get("hmax") or np.inf
        found = pieces(paths, y0, (float(t0), float(t1)), np.sort(times), longest)
        self._pieces = Pieces(found, self.start, (self.t0, self.t1), self.key)

    def _moving_without_jumps(self, rows: Any) -> Any:
        """The solution, whose derivative sees that it has no jumps: when the program runs."""
        assert self._recording is not None
        recording, operands = self._recording, self.operands()

        def look(*values: Any) -> Any:
            path = Path(recording._replace(captured=list(values[3:])), 2, ())
            paths = Paths(self.on_numbers(values[3:]), 2, "solve_ivp", path)
            moves = len(values[0]) and values[1] != values[2]
            if moves and jumps(paths, *self._walk(values, lambda: self.scipys(values))):
                raise UnsupportedError(
                    "the right-hand side jumps at a time or a state that moves, which cannot be "
                    "followed inside jit and vmap",
                    function="scipy.integrate.solve_ivp",
                    remedy="take the derivative outside jit and vmap, or make the jump smooth: "
                    "np.tanh(x / width) in the place of np.sign(x)",
                )
            return np.ones(())

        @custom_jvp
        def watched(rows: Any, *_: Any) -> Any:
            return rows

        @watched.defjvp
        def rule(primals: Any, tangents: Any) -> Any:
            one = pure_callback(look, np.ones(()), *primals[1:])
            return watched(*primals), tangents[0] * one

        return watched(rows, *operands)

    def _walk(self, values: Any, solve: Callable[[], Any]) -> tuple[Any, Any]:
        """The steps of the solution."""
        import scipy.integrate

        y0, t0, t1, *theta = values
        if self.settings["solver"] == "solve_ivp":
            found = solve()
            y = found.y
            return found.t, (np.concatenate([y.real, y.imag]) if self.complex else y).T
        found = scipy.integrate.solve_ivp(
            self.on_numbers(theta), (float(t0), float(t1)), y0, "LSODA", rtol=1e-6, atol=1e-8
        )
        return found.t, found.y.T


def _moving(recording: Recording) -> list[bool]:
    """Time and state move, what was taken from outside does not."""
    return [i < 2 for i in range(len(recording.graph.inputs))]


class Pieces:
    """A solution of smooth pieces, under recording: each begins where and when another ends."""

    def __init__(self, found: list[Piece], start: Any, ends: tuple[Any, Any], key: Any) -> None:
        self._found, self._end = found, ends[1]
        self._options = tightened(key)
        begin, state = ends[0], start
        self._begins: list[tuple[Any, Any]] = []
        for piece in found:
            self._begins.append((begin, state))
            if piece.change is not None:
                begin, state = self._next(len(self._begins) - 1, piece)

    def _solved(self, k: int, ts: Any) -> Any:
        piece, (begin, state) = self._found[k], self._begins[k]
        given = (state, begin, self._end, ts, *piece.captured)
        return ivp(*given, graph=_known_graph(piece.slope), options=self._options)[0]

    def _next(self, k: int, piece: Piece) -> tuple[Any, Any]:
        """When the change comes that ends a piece, and the state then."""
        change = piece.change
        assert change is not None
        when: Any = np.array([change.time])
        if change.moves:

            def margin(t: Any, y: Any) -> Any:
                (value,) = control.call(t, y, *piece.captured, graph=change.margin, label="branch")
                return np.reshape(value, (-1,))[change.element] - change.value

            when = solution(lambda ts: vmap(margin)(ts, self._solved(k, ts)), when)
        return when[0], self._solved(k, when)[0]

    def at(self, ts: Any, times: Any) -> Any:
        """The state at times in order, given as numbers too: one row for each."""
        changes = [piece.change.time for piece in self._found if piece.change is not None]
        sign = 1.0 if not changes or changes[-1] >= known_value(self._begins[0][0]) else -1.0
        which = np.searchsorted(sign * np.asarray(changes), sign * np.asarray(times))
        rows = [self._solved(int(k), ts[which == k]) for k in np.unique(which)]
        return np.concatenate(rows) if rows else np.zeros((0, self._begins[0][1].shape[0]))


def _hashable(value: Any) -> Any:
    is_row = isinstance(value, list | np.ndarray) and np.ndim(value)
    return tuple(np.asarray(value).tolist()) if is_row else value
