"""scipy.optimize on recorded values: solutions found by SciPy, moved by their equations.

SciPy's solver is called on plain numbers when the program runs, wherever it would be called
without recording. What it finds satisfies an equation (the function is zero, the gradient is
zero, unknowns on a bound stay there); one of Newton's steps on it gives the last digits, and
the implicit function theorem its derivatives, in every mode and order. A function is recorded
once; one that decides on its unknowns in Python, where values are known, is called by SciPy as it
stands and recorded where the solution lies, with the branches that it takes there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api.callback import pure_callback
from adjoint.api.gradients import grad
from adjoint.api.implicit import solution_of
from adjoint.api.matrices import jacobian
from adjoint.api.on_numbers import on_numbers
from adjoint.errors import ConcreteValueError, ConvergenceError, ConversionError, UnsupportedError
from adjoint.graph.source import source_here
from adjoint.graph.types import ArrayType
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.scipy_integrate import held_by
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.indexing import known_value
from adjoint.trace.record import record_graph
from adjoint.trace.scipy_gate import holds_traced

_CLOSE = 1e-6  # a step of Newton's from SciPy's solution; the next would be its square
_STEPS = 100

Function = Callable[[Any], Any]


def yields_recorded(f: Any, start: Any, extra: Any = ()) -> bool:
    """Whether a function of unknowns depends on recorded values, or is given some."""
    if not callable(f) or holds_traced([start, extra, *held_by(f)]):
        return callable(f)
    try:
        return holds_traced([f(start, *as_tuple(extra))])
    except (TypeError, ValueError, IndexError):
        return False  # SciPy calls it in another way, and will say so itself


def as_tuple(args: Any) -> tuple[Any, ...]:
    """SciPy's ``args``: one value may stand for a tuple of it."""
    return args if isinstance(args, tuple) else (args,)


def start_of(x0: Any) -> Any:
    """A first guess as an array; of recorded numbers too, which have no influence through it."""
    return stop_gradient(floating(x0)) if holds_traced([x0]) else np.asarray(x0, float)


def start_type(x0: Any) -> ArrayType:
    """The type of the unknowns: float64 of the first guess's shape."""
    return ArrayType(np.shape(x0), np.dtype(np.float64))


class Plain:
    """A function of unknowns on plain numbers, once the values that it captured are known."""

    def __init__(self, f: Function, kind: ArrayType, name: str) -> None:
        self.recording = record_graph(f, [kind], tree.structure((0.0,)), name)
        self.captured = [stop_gradient(x) for x in self.recording.captured]

    def given(self, values: Any, often: bool) -> Function:
        """The function, with the captured values; as machine code if it is called often."""
        run = on_numbers(self.recording.graph, values, often)
        kind = self.recording.graph.inputs[0].type

        def call(x: Any) -> Any:
            results = run(np.reshape(np.asarray(x, np.float64), kind.shape)[()])
            return results[0] if len(results) == 1 else np.stack(results)

        return call


def found(
    functions: list[Function], kind: ArrayType, name: str, solve: Callable[..., Any], *start: Any
) -> Any:
    """What a solver of SciPy's finds on plain numbers, without a derivative of its own.

    Args:
        functions: of the unknowns; they may depend on recorded values.
        kind: of the unknowns.
        name: SciPy's, for messages.
        solve: takes the values of ``start``, and the functions on plain numbers.
        start: first guess, bounds: arrays, perhaps recorded.
    """
    try:
        plain = [Plain(f, kind, name) for f in functions]
    except (ConcreteValueError, ConversionError):
        at_hand = [known_value(x) for x in start]
        if any(x is None for x in at_hand):
            raise
        called = [_as_it_stands(f, kind) for f in functions]
        ends = [np.asarray(x, np.float64) for x in at_hand]
        return np.reshape(np.asarray(solve(*ends, *called), np.float64), kind.shape)[()]
    counts = [len(p.captured) for p in plain]
    given = [stop_gradient(floating(x) if holds_traced([x]) else np.asarray(x, np.float64))
             for x in start]  # fmt: skip
    captured = [x for p in plain for x in p.captured]
    # Then a program is made that will solve many times.
    unknown = any(known_value(x) is None for x in (*given, *captured))

    def run(*values: Any) -> Any:
        at, made = len(given), []
        for p, n in zip(plain, counts, strict=True):
            made.append(p.given(values[at : at + n], unknown))
            at += n
        x = solve(*values[: len(given)], *made)
        return np.reshape(np.asarray(x, np.float64), kind.shape)[()]

    example = np.zeros(kind.shape)[()]
    return pure_callback(run, example, *given, *captured)


def _as_it_stands(f: Function, kind: ArrayType) -> Function:
    """A function that decides on values, on plain numbers; inside jit it is refused at once."""

    def call(x: Any) -> Any:
        found = f(np.reshape(np.asarray(x, np.float64), kind.shape)[()])
        values = [known_value(value) for value in tree.leaves(found)]
        if any(value is None for value in values):
            raise _not_known()
        made = [np.asarray(value, np.float64)[()] for value in values]
        return made[0] if len(made) == 1 else np.stack(made)

    return call


def _not_known() -> ConcreteValueError:
    return ConcreteValueError(
        "a function that decides on its unknowns is called where values are not known",
        source=source_here(),
        remedy="use np.where, ad.cond or ad.while_loop, or call it outside jit and vmap",
    )


def checked(result: Any, name: str) -> Any:
    """The ``x`` of SciPy's result, if it says that it converged."""
    if not result.success:
        raise ConvergenceError(
            str(getattr(result, "message", "") or getattr(result, "flag", "not converged")),
            function=name,
            remedy="start nearer to the solution, or give the solver more iterations",
        )
    return result.x if "x" in result else result.root


def solution(residual: Function, start: Any) -> Any:
    """The unknowns where a residual is zero, near a start."""
    try:
        return solution_of(residual, start, (), "root", _CLOSE, _STEPS)
    except (ConcreteValueError, ConversionError):
        known = known_value(start)
        if known is None:
            raise
    return solution_of(residual, known, (), "root", _CLOSE, _STEPS, at=[known])


def minimum(
    f: Function, start: Any, low: Any, high: Any, name: str, solve: Callable[..., Any]
) -> Any:
    """Where f is least: its gradient is zero, but for unknowns that a bound holds."""
    kind = start_type(start)
    slope = grad(f)
    x = found([f, slope], kind, name, solve, start, low, high)

    def residual(v: Any) -> Any:
        g = slope(v)
        if np.ndim(low) == 0 and not holds_traced([low, high]) and low == -np.inf == -high:
            return g
        # Held: on a bound, with a slope that points beyond it.
        pulled = stop_gradient(slope(x))
        near = 1e-6 * (1 + np.abs(x))
        at_low = (x - stop_gradient(low + 0 * x) <= near) & (pulled > 0)
        at_high = (stop_gradient(high + 0 * x) - x <= near) & (pulled < 0)
        gap = np.where(at_low, v - _finite(low, v), v - _finite(high, v))
        return np.where(at_low | at_high, gap, g)

    return solution(residual, x)


def _finite(bound: Any, v: Any) -> Any:
    bound = bound + 0 * v
    return np.where(np.isfinite(bound), bound, 0.0)


def least_squares_minimum(
    residuals: Function, start: Any, low: Any, high: Any, name: str, solve: Callable[..., Any],
    cost: Function | None = None,
) -> Any:  # fmt: skip
    """Where the squares of some residuals, or another cost of them, have the least sum."""
    kind = start_type(start)

    def half(v: Any) -> Any:
        return 0.5 * np.sum(np.square(np.ravel(residuals(v))))

    rows = jacobian(lambda v: np.ravel(residuals(v)))

    x = found([lambda v: np.ravel(residuals(v)), rows], kind, name, solve, start, low, high)
    return minimum(cost or half, x, low, high, name, lambda at, *_: at)


def bounds_move(bounds: Any) -> bool:
    """Whether SciPy's object of bounds, into which nobody else looks, holds recorded ones."""
    return holds_traced([getattr(bounds, "lb", None), getattr(bounds, "ub", None)])


def limits_of(bounds: Any, shape: Any) -> tuple[Any, Any]:
    """Lower and upper bounds as arrays; SciPy takes pairs, or its own object."""
    if bounds is None:
        return -np.inf, np.inf
    if hasattr(bounds, "lb"):
        return bounds.lb, bounds.ub
    sides = []
    for k, missing in ((0, -np.inf), (1, np.inf)):
        sides.append(np.stack([_number(missing if b[k] is None else b[k]) for b in bounds]))
    return np.reshape(sides[0], shape), np.reshape(sides[1], shape)


def _number(x: Any) -> Any:
    return x if holds_traced([x]) else np.float64(x)


def refuse(name: str, what: str, remedy: str) -> UnsupportedError:
    """The error for a solver's option that cannot be followed."""
    return UnsupportedError(
        f"{what} cannot be followed on recorded values",
        function=name if name.startswith("scipy.") else f"scipy.optimize.{name}",
        source=source_here(),
        remedy=remedy,
    )
