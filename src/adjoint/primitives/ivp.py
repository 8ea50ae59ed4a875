"""Initial value problems ``y' = f(t, y, parameters)``, solved by SciPy.

Their derivatives are differential equations themselves; ``differentiate/ivp.py`` makes them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.errors import ConvergenceError
from adjoint.graph.evaluate import program_of
from adjoint.graph.graph import Graph
from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType

Options = tuple[tuple[str, Any], ...]


def solved(graph: Graph, y0: Any, t0: Any, t1: Any, ts: Any, theta: Any, options: Options) -> Any:
    """The solution at the times ts, one row for each.

    Args:
        graph: of f, from (t, y, parameters) to y'.
        y0: the state at t0.
        t0: where it starts.
        t1: where it ends.
        ts: from t0 towards t1.
        theta: the parameters.
        options: of SciPy's solver, with ``solver`` naming the function.
    """
    import scipy.integrate

    run = program_of(graph)
    settings = dict(options)
    solver = settings.pop("solver")

    def slope(t: Any, y: Any) -> Any:
        return run([np.asarray(t, float)[()], np.asarray(y, float), *theta])[0]

    if len(ts) == 0 or len(y0) == 0:
        return np.zeros((len(ts), len(y0)))
    if t0 == t1:
        return np.repeat(y0[None, :], len(ts), axis=0)
    if solver == "odeint":
        times = ts if ts[0] == t0 else np.concatenate([[t0], ts])
        rows = scipy.integrate.odeint(slope, y0, times, tfirst=True, **settings)
        return rows[len(times) - len(ts) :]
    result = scipy.integrate.solve_ivp(slope, (float(t0), float(t1)), y0, t_eval=ts, **settings)
    if not result.success or result.y.shape[1] != len(ts):
        raise ConvergenceError(
            f"the differential equation could not be solved: {result.message}",
            function="solve_ivp",
            remedy="give method='Radau' or 'LSODA' for stiff equations, or a shorter interval",
        )
    return result.y.T


def _times(y0: ArrayType, t0: ArrayType, t1: ArrayType, ts: ArrayType, *_: Any, **__: Any) -> Any:
    return (ArrayType((ts.shape[0], y0.shape[0]), y0.dtype),)


def _ivp(
    y0: Any, t0: Any, t1: Any, ts: Any, *theta: Any, graph: Graph, options: Options
) -> tuple[Any]:
    return (solved(graph, y0, t0, t1, ts, theta, options),)


ivp = Primitive(
    "ivp",
    "control",
    _times,
    _ivp,
    ("graph", "options"),
    several=True,
    notes={"n_outputs": 1},
    doc="the solution of y' = f(t, y, parameters) at given times",
)


def _tangent(
    y0: Any, t0: Any, t1: Any, ts: Any, *rest: Any, tangent: Graph, live: Any, options: Options
) -> tuple[Any]:
    """State and tangent solved together, of which the tangent is kept."""
    n, count = len(y0), len(live)
    theta, seed, dots = rest[:count], rest[count], rest[count + 1 :]
    start = np.concatenate([y0, seed])
    whole = solved(tangent, start, t0, t1, ts, (*theta, *dots), options)
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
    state: Graph, tangent: Graph, backwards: Graph, live: Any, types: Any, options: Options,
) -> tuple[Any, ...]:  # fmt: skip
    """Backwards from one time to the one before, adding the cotangents found there."""
    n, count = len(y0), len(live)
    theta, bar = rest[:count], rest[count]
    stops = np.flatnonzero(np.any(bar != 0, axis=1))
    total = np.zeros(backwards.input_types[1].shape[0] - 2 * n)
    lam = np.zeros(n)
    if len(stops):
        rows = solved(state, y0, t0, t1, ts[stops], theta, options)
        for k in range(len(stops) - 1, -1, -1):
            lam = lam + bar[stops[k]]
            end = ts[stops[k - 1]] if k else t0
            whole = np.concatenate([rows[k], lam, total])
            start, last = ts[stops[k]], np.reshape(end, (1,))
            whole = solved(backwards, whole, start, end, last, theta, options)[0]
            lam, total = whole[n : 2 * n], whole[2 * n :]
    return (
        lam.astype(y0.dtype),
        *parted(total, [x for x, f in zip(theta, live, strict=True) if f]),
    )


def parted(total: Any, like: Any) -> list[Any]:
    """One vector as arrays of given shapes."""
    made, at = [], 0
    for x in like:
        size = int(np.prod(x.shape))
        made.append(np.reshape(total[at : at + size], x.shape).astype(x.dtype))
        at += size
    return made


ivp_adjoint = Primitive(
    "ivp_adjoint",
    "control",
    lambda *_, types, **settings: types,
    _adjoint,
    ("state", "tangent", "backwards", "live", "types", "options"),
    several=True,
    doc="the transpose of ivp_tangent: cotangents of the start and of the live parameters, from "
    "those of the solution, which are the last operand",
)
