"""Initial value problems ``y' = f(t, y, parameters)``, solved by SciPy.

Their derivatives are differential equations themselves; ``differentiate/ivp.py`` makes them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import asarray  # NumPy's own, also where others stand under its names meanwhile

from adjoint.errors import ConvergenceError
from adjoint.graph.evaluate import Program, compiled_program_of, program_of
from adjoint.graph.graph import Graph
from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType

_STEPS = 100_000  # LSODA gives up after 500 by itself

Options = tuple[tuple[str, Any], ...]
Runner = Callable[[Sequence[Any]], list[Any]]


def solved(run: Runner, y0: Any, t0: Any, t1: Any, ts: Any, theta: Any, options: Options) -> Any:
    """The solution at the times ts, one row for each.

    Args:
        run: the program of f, from (t, y, parameters) to y'.
        y0: the state at t0.
        t0: where it starts.
        t1: where it ends.
        ts: from t0 towards t1.
        theta: the parameters.
        options: of SciPy's solver, with ``solver`` naming the function, or "tight".
    """
    import scipy.integrate

    settings = dict(options)
    solver = settings.pop("solver")

    # Machine code takes arrays as they are; anything else it would convert at every call.
    given = [asarray(x, order="C") for x in theta]
    if isinstance(run, Program):
        given = [x[()] for x in given]

    def real(t: Any, y: Any) -> Any:
        t = asarray(t, float)
        time = t[()] if isinstance(run, Program) else t
        return run([time, asarray(y, float), *given])[0]

    slope: Callable[[Any, Any], Any] = real
    if len(ts) == 0 or len(y0) == 0:
        return np.zeros((len(ts), len(y0)))
    if t0 == t1:
        return np.repeat(y0[None, :], len(ts), axis=0)
    if solver != "solve_ivp":
        times = ts if ts[0] == t0 else np.concatenate([[t0], ts])
        if solver == "tight":
            rows = _tightly(slope, y0, times, settings)
        else:
            rows = scipy.integrate.odeint(slope, y0, times, tfirst=True, **settings)
        return rows[len(times) - len(ts) :]
    if settings.pop("complex", False):
        y0, slope = y0[: len(y0) // 2] + 1j * y0[len(y0) // 2 :], complex_slope(real)
    return _stepped(slope, y0, (float(t0), float(t1)), ts, settings)


def _stepped(slope: Any, y0: Any, span: Any, ts: Any, settings: dict[str, Any]) -> Any:
    """By solve_ivp; complex states as their real parts, then the imaginary ones."""
    result = scipys_solution(slope, span, y0, t_eval=ts, **settings)
    y = result.y
    return (np.concatenate([y.real, y.imag]) if np.iscomplexobj(y) else y).T


def scipys_solution(slope: Any, span: Any, y0: Any, **settings: Any) -> Any:
    """What solve_ivp finds; an error where it gave up."""
    import scipy.integrate

    result = scipy.integrate.solve_ivp(slope, span, y0, **settings)
    times = settings.get("t_eval")
    if not result.success or (times is not None and np.shape(result.y)[-1] != len(times)):
        raise ConvergenceError(
            f"the differential equation could not be solved: {result.message}",
            function="solve_ivp",
            remedy="give method='Radau' or 'LSODA' for stiff equations, or a shorter interval",
        )
    return result


def complex_slope(slope: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The right-hand side of a complex state, from that of its real and imaginary parts."""

    def run(t: Any, y: Any) -> Any:
        parts = slope(t, np.concatenate([y.real, y.imag]))
        return parts[: len(y)] + 1j * parts[len(y) :]

    return run


def _tightly(slope: Any, y0: Any, times: Any, settings: dict[str, Any]) -> Any:
    """By LSODA's own compiled loop, which costs least; it never looks beyond the last time."""
    import scipy.integrate

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", scipy.integrate.ODEintWarning)
        rows, told = scipy.integrate.odeint(
            slope, y0, times, tfirst=True, full_output=True, mxstep=_STEPS, tcrit=times[-1:],
            **settings,
        )  # fmt: skip
    if told["message"] == "Integration successful.":
        return rows
    span = (float(times[0]), float(times[-1]))
    return _stepped(slope, y0, span, times, {"method": "DOP853", **settings})


def _times(y0: ArrayType, t0: ArrayType, t1: ArrayType, ts: ArrayType, *_: Any, **__: Any) -> Any:
    return (ArrayType((ts.shape[0], y0.shape[0]), y0.dtype),)


def _ivp(
    y0: Any, t0: Any, t1: Any, ts: Any, *theta: Any, graph: Graph, options: Options
) -> tuple[Any]:
    return (solved(program_of(graph), y0, t0, t1, ts, theta, options),)


def _compiled_ivp(
    y0: Any, t0: Any, t1: Any, ts: Any, *theta: Any, graph: Graph, options: Options
) -> tuple[Any]:
    return (solved(compiled_program_of(graph), y0, t0, t1, ts, theta, options),)


ivp = Primitive(
    "ivp",
    "control",
    _times,
    _ivp,
    ("graph", "options"),
    several=True,
    notes={"n_outputs": 1, "compiled": _compiled_ivp},
    doc="the solution of y' = f(t, y, parameters) at given times",
)


def _tangent(
    y0: Any, t0: Any, t1: Any, ts: Any, *rest: Any, tangent: Graph, live: Any, options: Options
) -> tuple[Any]:
    """State and tangent solved together, of which the tangent is kept."""
    n, count = len(y0), len(live)
    theta, seed, dots = rest[:count], rest[count], rest[count + 1 :]
    start = np.concatenate([y0, seed])
    whole = solved(compiled_program_of(tangent), start, t0, t1, ts, (*theta, *dots), options)
    return (np.ascontiguousarray(whole[:, n:]),)


ivp_tangent = Primitive(
    "ivp_tangent",
    "control",
    _times,
    _tangent,
    ("tangent", "live", "options"),
    several=True,
    notes={"n_outputs": 1},
    doc="how the solution moves with its start and parameters: linear in their tangents, which "
    "follow the parameters; the graph is of the state and its tangent in one vector",
)


def _adjoint(
    y0: Any, t0: Any, t1: Any, ts: Any, *rest: Any,
    state: Graph, tangent: Graph, backwards: Graph, together: Graph | None, live: Any, types: Any,
    options: Options,
) -> tuple[Any, ...]:  # fmt: skip
    """Backwards from one time to the one before, adding the cotangents found there.

    Every stop costs the solver a new beginning. Where there are many, and few unknowns, all
    tangents are solved forwards at once instead; and so where stiff equations cannot be solved
    backwards, in which direction their solutions run apart.
    """
    n, count = len(y0), len(live)
    theta, bar = rest[:count], rest[count]
    stops = np.flatnonzero(np.any(bar != 0, axis=1))

    def forwards(graph: Graph) -> tuple[Any, ...]:
        share = _pulled(graph, y0, t0, t1, ts[stops], bar[stops], theta, options)
        moving = [x for x, f in zip(theta, live, strict=True) if f]
        return share[:n].astype(y0.dtype), *parted(share[n:], moving)

    few = together is not None and together.input_types[1].size <= FEW_EQUATIONS
    if together is not None and few and len(stops) >= MANY_STOPS:
        return forwards(together)
    total = np.zeros(backwards.input_types[1].shape[0] - 2 * n)
    lam = np.zeros(n)
    if len(stops):
        back = compiled_program_of(backwards)
        rows = solved(compiled_program_of(state), y0, t0, t1, ts[stops], theta, options)
        for k in range(len(stops) - 1, -1, -1):
            lam = lam + bar[stops[k]]
            end = ts[stops[k - 1]] if k else t0
            whole = np.concatenate([rows[k], lam, total])
            start, last = ts[stops[k]], np.reshape(end, (1,))
            try:
                whole = solved(back, whole, start, end, last, theta, options)[0]
            except ConvergenceError:
                if together is None:
                    raise
                return forwards(together)
            lam, total = whole[n : 2 * n], whole[2 * n :]
    return (
        lam.astype(y0.dtype),
        *parted(total, [x for x, f in zip(theta, live, strict=True) if f]),
    )


MANY_STOPS = 6
FEW_EQUATIONS = 40


def _pulled(
    graph: Graph, y0: Any, t0: Any, t1: Any, ts: Any, bar: Any, theta: Any, options: Options
) -> Any:
    """Cotangents of the solution with every tangent of it: one row for each unknown."""
    n = len(y0)
    size = graph.input_types[1].shape[0] // n - 1
    start = np.concatenate([y0, np.eye(size, n).ravel()])
    whole = solved(compiled_program_of(graph), start, t0, t1, ts, theta, options)
    return np.einsum("tjn,tn->j", whole[:, n:].reshape(len(ts), size, n), bar)


def real_size(kind: ArrayType) -> int:
    """How many real numbers an array holds."""
    return kind.size * (2 if kind.dtype.kind == "c" else 1)


def in_one(x: Any, dtype: Any) -> Any:
    """An array as a real vector: the real parts, then the imaginary ones."""
    parts = [np.real(x), np.imag(x)] if x.dtype.kind == "c" else [x]
    return np.concatenate([np.reshape(part, (-1,)).astype(dtype) for part in parts])


def parted(total: Any, like: Any) -> list[Any]:
    """One real vector as arrays of given shapes."""
    made, at = [], 0
    for x in like:
        size = int(np.prod(x.shape))
        part = total[at : at + size]
        if x.dtype.kind == "c":
            part = part + 1j * total[at + size : at + 2 * size]
            at += size
        made.append(np.reshape(part, x.shape).astype(x.dtype))
        at += size
    return made


ivp_adjoint = Primitive(
    "ivp_adjoint",
    "control",
    lambda *_, types, **settings: types,
    _adjoint,
    ("state", "tangent", "backwards", "together", "live", "types", "options"),
    several=True,
    doc="the transpose of ivp_tangent: cotangents of the start and of the live parameters, from "
    "those of the solution, which are the last operand",
)
