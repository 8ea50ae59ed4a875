"""Derivatives of initial value problems: differential equations of their own.

The tangent obeys ``s' = f_y s + f_parameters parameters_dot``; the cotangent obeys
``l' = -f_y^T l`` and is solved backwards, with the cotangents of the solution added where it
was asked for and ``f_parameters^T l`` summed on the way. Both are solved more exactly than
the user asked for the solution, since nothing else bounds the derivative's error.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from adjoint.differentiate.batch import batch_graph, batch_rule, everywhere
from adjoint.differentiate.linearize import jvp_graph, linearize, solved_jvps
from adjoint.differentiate.loops import recorded
from adjoint.differentiate.replay import replay, replay_values
from adjoint.differentiate.transpose import control_transposes, transpose, unguarded
from adjoint.graph.graph import Graph, Node
from adjoint.graph.types import ArrayType
from adjoint.primitives.infer import zeros
from adjoint.primitives.ivp import Options, in_one, ivp, ivp_adjoint, ivp_tangent, parted, real_size
from adjoint.trace.recorder import bind

FIXED = 4  # operands in front of the parameters: y0, t0, t1, ts
_TIGHT = 1e-10


def tightened(options: Options) -> Options:
    """Options for a derivative's equation."""
    settings = dict(options)
    rtol = min(_TIGHT, float(np.min(settings.get("rtol") or 1e-3)))
    atol = min(0.01 * _TIGHT, float(np.min(settings.get("atol") or 1e-6)))
    return (("atol", atol), ("rtol", max(rtol, 1e-13)), ("solver", "tight"))


@lru_cache(maxsize=128)
def _with_tangent(graph: Graph, live: tuple[bool, ...]) -> Graph:
    """From (t, [y, s], parameters, live tangents) to [y', s']."""
    moved, places = jvp_graph(graph, [False, True, *live], primal_outputs=True)
    t, y, *theta = graph.input_types
    both = ArrayType((2 * y.shape[0],), y.dtype)
    dots = [kind for kind, flag in zip(theta, live, strict=True) if flag]
    n, count = y.shape[0], len(theta)

    def make(heads: list[Any]) -> list[Any]:
        state, given = heads[1], heads[2 : 2 + count]
        results = replay(moved, [heads[0], state[:n], *given, state[n:], *heads[2 + count :]])
        slope = results[1] if places else zeros(y)
        return [np.concatenate([results[0], slope])]

    return recorded("ivp", [t, both, *theta, *dots], make)


@lru_cache(maxsize=128)
def _backwards(graph: Graph, live: tuple[bool, ...]) -> Graph:
    """From (t, [y, l, g], parameters) to their slopes: f, -f_y^T l and -f_parameters^T l."""
    linear = linearize(graph, [False, True, *live])
    t, y, *theta = graph.input_types
    n = y.shape[0]
    sizes = [n, *(real_size(kind) for kind, flag in zip(theta, live, strict=True) if flag)]
    back = transpose(
        linear.graph, [i >= len(linear.residuals) for i in range(len(linear.graph.inputs))]
    )
    whole = ArrayType((n + sum(sizes),), y.dtype)

    def make(heads: list[Any]) -> list[Any]:
        state = heads[1]
        values = replay_values(graph, [heads[0], state[:n], *heads[2:]])
        slope = replay(graph, [heads[0], state[:n], *heads[2:]])[0]
        if not linear.active_outputs:
            return [np.concatenate([slope, zeros(ArrayType((sum(sizes),), y.dtype))])]
        bars = replay(back, [*(values[v] for v in linear.residuals), state[n : 2 * n]])
        return [np.concatenate([slope, *(-in_one(bar, y.dtype) for bar in bars)])]

    return recorded("ivp", [t, whole, *theta], make)


_AT_MOST = 600  # equations: state and tangents


@lru_cache(maxsize=128)
def _together(tangent: Graph, n: int, live: tuple[bool, ...]) -> Graph | None:
    """From (t, [y, all tangents of y], parameters) to their slopes; None where these are many.

    The tangents are those of the start, then of each number of the live parameters.
    """
    count = len(live)
    t, both, *rest = tangent.input_types
    theta, dots = rest[:count], rest[count:]
    size = n + sum(kind.size for kind in dots)
    if n * (1 + size) > _AT_MOST or any(kind.dtype.kind == "c" for kind in dots):
        return None
    batched = [False, True, *[False] * count, *[True] * len(dots)]
    spread, flags = batch_graph(tangent, batched, size)
    seeds, first = [], n
    for kind in dots:
        seeds.append(np.eye(size, kind.size, -first, kind.dtype).reshape(size, *kind.shape))
        first += kind.size
    whole = ArrayType((n * (1 + size),), both.dtype)

    def make(heads: list[Any]) -> list[Any]:
        state = np.broadcast_to(heads[1][:n], (size, n))
        each = np.concatenate([state, np.reshape(heads[1][n:], (size, n))], axis=1)
        made = replay(spread, [heads[0], each, *heads[2:], *seeds])
        (slopes,) = everywhere(made, flags, size)
        return [np.concatenate([slopes[0, :n], np.reshape(slopes[:, n:], (-1,))])]

    return recorded("ivp", [t, whole, *theta], make)


def _moved(
    graph: Graph, operands: Sequence[Any], tangents: Sequence[Any], options: Options, solution: Any
) -> Any:
    """The tangent of a solution from those of its start, times and parameters."""
    y0, t0, t1, ts, *theta = operands
    y_dot, t0_dot, _, ts_dot, *dots = tangents
    tight = tightened(options)
    live = tuple([dot is not None for dot in dots])
    seed = zeros(_kind(y0)) if y_dot is None else y_dot
    if t0_dot is not None:
        seed = seed - replay(graph, [t0, y0, *theta])[0] * t0_dot
    total = None
    if y_dot is not None or t0_dot is not None or any(live):
        total = ivp_tangent(
            y0, t0, t1, ts, *theta, seed, *(dot for dot in dots if dot is not None),
            tangent=_with_tangent(graph, live), live=live, options=tight,
        )[0]  # fmt: skip
    if ts_dot is not None:
        if solution is None:
            solution = ivp(y0, t0, t1, ts, *theta, graph=graph, options=tight)[0]
        slopes, flags = batch_graph(graph, [True, True, *[False] * len(theta)], ts.shape[0])
        made = replay(slopes, [ts, solution, *theta])
        share = everywhere(made, flags, ts.shape[0])[0] * ts_dot[:, None]
        total = share if total is None else total + share
    return total


def _kind(x: Any) -> ArrayType:
    return ArrayType(x.shape, x.dtype)


def _ivp_jvp(
    node: Node, primals: Sequence[Any], outputs: Sequence[Any], tangents: Sequence[Any]
) -> Sequence[Any]:
    s = node.settings
    return [_moved(s["graph"], primals, tangents, s["options"], outputs[0])]


def _tangent_jvp(
    node: Node, primals: Sequence[Any], outputs: Sequence[Any], tangents: Sequence[Any]
) -> Sequence[Any]:
    """The equation of state and tangent together is an initial value problem like any other."""
    s = node.settings
    count = len(s["live"])
    y0, seed = primals[0], primals[FIXED + count]
    y_dot, seed_dot = tangents[0], tangents[FIXED + count]
    both = None
    if y_dot is not None or seed_dot is not None:
        both = np.concatenate(
            [zeros(_kind(y0)) if dot is None else dot for dot in (y_dot, seed_dot)]
        )
    operands = [np.concatenate([y0, seed]), *_without(primals, count)]
    moving = [both, *_without(tangents, count)]
    moved = _moved(s["tangent"], operands, moving, s["options"], None)
    return [None if moved is None else moved[:, y0.shape[0] :]]


def _without(items: Sequence[Any], count: int) -> list[Any]:
    """Times, parameters and their tangents, without the start's."""
    return [*items[1 : FIXED + count], *items[FIXED + count + 1 :]]


def _tangent_transpose(
    node: Node, operands: Sequence[Any], bars: Sequence[Any], is_linear: Sequence[bool]
) -> Sequence[Any]:
    s = node.settings
    live, count = s["live"], len(s["live"])
    y0 = operands[0]
    state = _state_only(s["tangent"], y0.shape[0], count)
    results = ivp_adjoint(
        *operands[: FIXED + count],
        bars[0],
        state=state,
        tangent=s["tangent"],
        backwards=_backwards(state, live),
        together=_together(s["tangent"], y0.shape[0], live),
        live=live,
        types=tuple(o.type for o in node.operands[FIXED + count :]),
        options=s["options"],
    )
    shares = [None] * (FIXED + count) + list(results)
    return [share if flag else None for share, flag in zip(shares, is_linear, strict=True)]


def _adjoint_transpose(
    node: Node, operands: Sequence[Any], bars: Sequence[Any], is_linear: Sequence[bool]
) -> Sequence[Any]:
    """The transpose of the transpose."""
    s = node.settings
    kinds = [value.type for value in node.outputs]
    seeds = [zeros(kind) if bar is None else bar for kind, bar in zip(kinds, bars, strict=True)]
    moved = ivp_tangent(
        *operands[:-1], *seeds, tangent=s["tangent"], live=s["live"], options=s["options"]
    )
    return [*[None] * (len(operands) - 1), moved[0]]


def _step_by_step(s: Any, operands: Sequence[Any]) -> list[Any]:
    """What ivp_adjoint computes, as an initial value problem from each time to the one before."""
    count = len(s["live"])
    y0, t0, t1, ts, *rest = operands
    theta, bar = rest[:count], rest[count]
    n, options = y0.shape[0], s["options"]
    rows = ivp(y0, t0, t1, ts, *theta, graph=s["state"], options=options)[0]
    total = np.zeros(s["backwards"].input_types[1].shape[0] - 2 * n, y0.dtype)
    lam = np.zeros(n, y0.dtype)
    for i in range(ts.shape[0] - 1, -1, -1):
        lam = lam + bar[i]
        end = ts[i - 1] if i else t0
        whole = np.concatenate([rows[i], lam, total])
        last = np.reshape(end, (1,))
        whole = ivp(whole, ts[i], end, last, *theta, graph=s["backwards"], options=options)[0][0]
        lam, total = whole[n : 2 * n], whole[2 * n :]
    return [lam, *parted(total, s["types"][1:])]


def _adjoint_jvp(
    node: Node, primals: Sequence[Any], outputs: Sequence[Any], tangents: Sequence[Any]
) -> Sequence[Any]:
    s = node.settings
    if all(t is None for t in tangents[:-1]):  # linear in the cotangents
        return list(ivp_adjoint(*primals[:-1], tangents[-1], **s))
    kinds = [_kind(x) for x in primals]
    whole = recorded("ivp", kinds, lambda heads: _step_by_step(s, heads))
    active = [t is not None for t in tangents]
    moved, places = jvp_graph(whole, active, primal_outputs=False)
    found = replay(moved, [*primals, *(t for t in tangents if t is not None)])
    results: list[Any] = [None] * len(outputs)
    for place, value in zip(places, found, strict=True):
        results[place] = value
    return results


@lru_cache(maxsize=128)
def _state_only(tangent: Graph, n: int, count: int) -> Graph:
    """The graph of the state alone, out of that of state and tangent."""
    t, both, *rest = tangent.input_types
    state = ArrayType((n,), both.dtype)

    def make(heads: list[Any]) -> list[Any]:
        dots = [zeros(kind) for kind in rest[count:]]
        whole = np.concatenate([heads[1], zeros(state)])
        return [replay(tangent, [heads[0], whole, *heads[2:], *dots])[0][:n]]

    return recorded("ivp", [t, state, *rest[:count]], make)


@batch_rule(ivp, ivp_tangent, ivp_adjoint)
def _each(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    """One solution for each example: they choose their own steps."""
    rows = [
        bind(
            node.primitive,
            [x[i] if flag else x for x, flag in zip(operands, flags, strict=True)],
            node.attributes,
        )
        for i in range(size)
    ]
    return tuple(np.stack(column) for column in zip(*rows, strict=True))


def load() -> None:
    """Fill the tables."""
    solved_jvps["ivp"] = _ivp_jvp
    solved_jvps["ivp_tangent"] = _tangent_jvp
    solved_jvps["ivp_adjoint"] = _adjoint_jvp
    control_transposes["ivp_tangent"] = unguarded(_tangent_transpose)
    control_transposes["ivp_adjoint"] = unguarded(_adjoint_transpose)
