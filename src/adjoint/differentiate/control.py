"""Derivatives of the primitives that hold graphs.

Each rule of the forward kind emits a node that is linear in its tangents; each rule of the
transposing kind emits the node that runs the transposed graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adjoint.differentiate.linearize import control_jvps, jvp_graph, linearize, solved_jvps
from adjoint.differentiate.loops import recorded, sweeps_jvp, sweeps_transpose
from adjoint.differentiate.replay import replay, replay_values, value_of
from adjoint.differentiate.transpose import (
    Shares,
    control_transposes,
    reached,
    transposed,
)
from adjoint.errors import NoDerivativeError
from adjoint.graph.graph import Graph, Node, Value
from adjoint.primitives import control
from adjoint.primitives.infer import zeros
from adjoint.trace.recorder import Recorder


def load() -> None:
    """Fill the tables of rules."""
    control_jvps.update(
        cond=_cond_jvp,
        while_loop=sweeps_jvp,
        while_sweeps=sweeps_jvp,
        scan_sweeps=sweeps_jvp,
    )
    solved_jvps.update(call=call_jvp, scan=_scan_jvp)
    control_transposes.update(
        call=call_transpose,
        scan=_scan_transpose,
        cond=_cond_transpose,
        while_loop=sweeps_transpose,
        while_sweeps=sweeps_transpose,
        scan_sweeps=sweeps_transpose,
    )


def _live(tangents: Sequence[Any]) -> list[bool]:
    return [t is not None for t in tangents]


def _given(tangents: Sequence[Any]) -> list[Any]:
    return [t for t in tangents if t is not None]


def _spread(values: Sequence[Any], places: Sequence[int], count: int) -> list[Any]:
    made: list[Any] = [None] * count
    for i, value in zip(places, values, strict=True):
        made[i] = value
    return made


def _with_carry(body: Graph, linear: Sequence[bool], first: int, n_carry: int) -> list[bool]:
    """The linear inputs of a step, with each carry that later steps make depend on them.

    A carry may start at a constant zero and still hold a tangent from then on.
    """
    mask = list(linear)
    while True:
        ends = reached(body, mask)
        joined = [i for i in range(n_carry) if ends[i] and not mask[first + i]]
        if not joined:
            return mask
        for i in joined:
            mask[first + i] = True


# *** call ***


def call_jvp(
    node: Node, primals: Sequence[Any], outputs: Sequence[Any], tangents: Sequence[Any]
) -> Sequence[Any]:
    """The tangents as a call of their own, which computes again what it needs of the inside.

    What the call gave out is known and is not computed again: so a checkpoint keeps a value by
    giving it out.
    """
    settings = node.settings
    graph: Graph = settings["graph"]
    linear = linearize(graph, _live(tangents))
    if not linear.active_outputs:
        return [None] * len(node.outputs)
    known = dict(zip(graph.outputs, outputs, strict=True))
    again = from_known(graph, linear.residuals, graph.outputs)
    read = [known[v] for v in again.inputs[len(graph.inputs) :]]

    def make(heads: list[Any]) -> list[Any]:
        n = len(again.inputs)
        return replay(linear.graph, [*replay(again, heads[:n]), *heads[n:]])

    kinds = [v.type for v in again.inputs]
    kinds += [v.type for v in linear.graph.inputs[len(linear.residuals) :]]
    results = control.call(
        *primals,
        *read,
        *_given(tangents),
        graph=recorded("jvp", kinds, make),
        label=settings["label"],
    )
    return _spread(results, linear.active_outputs, len(node.outputs))


def from_known(graph: Graph, wanted: Sequence[Value], known: Sequence[Any]) -> Graph:
    """The graph that makes some inner values from the inputs and from known inner values.

    Its inputs are the graph's, then those of the known values that it reads.
    """
    inputs = set(graph.inputs)
    stops = {v for v in known if v not in inputs and isinstance(v, Value)}
    needed: set[Any] = set(wanted)
    nodes = []
    for node in reversed(graph.nodes):
        if any(v in needed and v not in stops for v in node.outputs):
            needed.update(node.operands)
            nodes.append(node)
    kept = [v for v in dict.fromkeys(known) if v in stops and v in needed]
    # A node with several outputs may make a known value again beside one that is wanted.
    fresh = {v for node in nodes for v in node.outputs}
    heads = tuple(v for v in kept if v not in fresh)
    return Graph((*graph.inputs, *heads), tuple(reversed(nodes)), tuple(wanted))


def _at(results: Sequence[Any], linear: Sequence[bool]) -> list[Any]:
    """Cotangents in the places of the linear operands."""
    return _spread(results, [i for i, flag in enumerate(linear) if flag], len(linear))


def _flags_at(flags: Sequence[bool | None], linear: Sequence[bool]) -> list[bool]:
    return [bool(flag) for flag in _at(flags, linear)]


def filled_bars(bars: Sequence[Any], values: Sequence[Value]) -> list[Any]:
    """Cotangents with zeros where there are none."""
    return [zeros(v.type) if bar is None else bar for bar, v in zip(bars, values, strict=True)]


def call_transpose(
    node: Node,
    operands: Sequence[Any],
    bars: Sequence[Any],
    linear: Sequence[bool],
    guarded: Sequence[bool],
) -> Shares:
    """The transposed graph as a call of its own."""
    settings = node.settings
    graph = settings["graph"]
    live = [i for i, bar in enumerate(bars) if bar is not None]
    outputs = tuple(graph.outputs[i] for i in live)
    back, flags = transposed(
        Graph(graph.inputs, graph.nodes, outputs), linear, [guarded[i] for i in live]
    )
    plain = [x for x, flag in zip(operands, linear, strict=True) if not flag]
    # What a checkpoint computes again for its cotangents is not to be kept since the first time.
    label = settings.get("label", "custom")
    label = "again" if label == "checkpoint" else label
    results = control.call(*plain, *(bars[i] for i in live), graph=back, label=label)
    return _at(results, linear), _flags_at(flags, linear)


# *** cond ***


def _cond_jvp(node: Node, primals: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
    settings = node.settings
    active = _live(tangents[1:])
    graphs = {name: _all_tangents(graph, active) for name, graph in settings.items()}
    results = control.cond(*primals, *_given(tangents[1:]), **graphs)
    places = [i for i, v in enumerate(node.outputs) if v.type.is_differentiable]
    return _spread(results, places, len(node.outputs))


def _all_tangents(graph: Graph, active: Sequence[bool]) -> Graph:
    """Like jvp_graph without primal outputs, with a tangent for every differentiable output."""
    inner, live = jvp_graph(graph, active, primal_outputs=False)
    recorder = Recorder("jvp", concrete=False, keep_all=True)
    heads = [recorder.input(v.type) for v in inner.inputs]
    found = dict(zip(live, replay(inner, heads), strict=True))
    results = []
    for i, operand in enumerate(graph.outputs):
        kind = operand.type
        if kind.is_differentiable:
            t = found.get(i)
            results.append(zeros(kind) if t is None else t)
    made = recorder.graph(
        [recorder.index_of(x) for x in results], range(len(heads)), inline=1 << 62
    )
    recorder.closed = True
    return made.graph


def _cond_transpose(
    node: Node,
    operands: Sequence[Any],
    bars: Sequence[Any],
    linear: Sequence[bool],
    guarded: Sequence[bool],
) -> Shares:
    made = {name: transposed(graph, linear[1:], guarded) for name, graph in node.settings.items()}
    plain = [x for x, flag in zip(operands, linear, strict=True) if not flag]
    graphs = {name: graph for name, (graph, _) in made.items()}
    results = control.cond(*plain, *filled_bars(bars, node.outputs), **graphs)
    flags = [any(pair) for pair in zip(*[flags for _, flags in made.values()], strict=True)]
    return _at(results, linear), _flags_at(flags, linear)


# *** scan ***


def _scan_jvp(
    node: Node, primals: Sequence[Any], outputs: Sequence[Any], tangents: Sequence[Any]
) -> Sequence[Any]:
    """A forward scan that keeps each step's residuals, then a scan linear in the tangents."""
    s = node.settings
    body, n_constants, n_carry = s["graph"], s["n_constants"], s["n_carry"]
    active = _live(tangents)
    first_row = n_constants + n_carry
    # A carry becomes active when its new value is: repeat until no more join.
    while True:
        linear = linearize(body, active)
        joined = [i for i in linear.active_outputs if i < n_carry and not active[n_constants + i]]
        if not joined:
            break
        for i in joined:
            active[n_constants + i] = True
    if not linear.active_outputs:
        return [None] * len(node.outputs)
    constants = {v: i for i, v in enumerate(body.inputs[:n_constants])}
    kept = [v for v in linear.residuals if v not in constants]
    shared = [v for v in linear.residuals if v in constants]
    # Rows, and results that are stacked already, need no scan to be had again.
    stacked = dict(zip(body.outputs[n_carry:], outputs[n_carry:], strict=True))
    stacked.update(zip(body.inputs[first_row:], primals[first_row:], strict=True))
    lacking = [v for v in kept if v not in stacked]
    stacked.update(zip(lacking, _run_keeping(node, primals, lacking), strict=True))
    stacks = [stacked[v] for v in kept]
    step = _linear_step(body, linear, active, shared, kept, n_constants, n_carry)

    def tangent(i: int) -> Any:
        t = tangents[i]
        if t is not None:
            return t
        kind = node.operands[i].type
        return zeros(kind)

    of_constants = [tangents[i] for i in range(n_constants) if active[i]]
    carry_places = [i for i in range(n_carry) if active[n_constants + i]]
    of_carry = [tangent(n_constants + i) for i in carry_places]
    of_rows = [tangents[i] for i in range(first_row, len(tangents)) if active[i]]
    results = control.scan(
        *(primals[constants[v]] for v in shared),
        *of_constants,
        *of_carry,
        *stacks,
        *of_rows,
        graph=step,
        n_constants=len(shared) + len(of_constants),
        n_carry=len(carry_places),
        length=s["length"],
        reverse=s["reverse"],
    )
    places = carry_places + [i for i in linear.active_outputs if i >= n_carry]
    return _spread(results, places, len(node.outputs))


def _run_keeping(node: Node, primals: Sequence[Any], kept: Sequence[Value]) -> Sequence[Any]:
    """The forward scan again, giving some inner values of every step."""
    if not kept:
        return []
    s = node.settings
    body = s["graph"]
    outputs = (*body.outputs[: s["n_carry"]], *kept)
    inner = Graph(body.inputs, body.nodes, outputs)
    s["graph"] = inner
    results: Sequence[Any] = control.scan(*primals, **s)[s["n_carry"] :]
    return results


def _linear_step(
    body: Graph,
    linear: Any,
    active: Sequence[bool],
    shared: Sequence[Value],
    kept: Sequence[Value],
    n_constants: int,
    n_carry: int,
) -> Graph:
    """One step on tangents, its inputs in the order that scan wants.

    From (shared residuals, constants' tangents, carry tangents, kept residuals, row tangents)
    to (carry tangents, result tangents).
    """
    recorder = Recorder("jvp", concrete=False, keep_all=True)
    types = [v.type for v in body.inputs]
    first_row = n_constants + n_carry
    residual = {v: recorder.input(v.type) for v in shared}
    t = {i: recorder.input(types[i]) for i in range(first_row) if active[i]}
    residual.update({v: recorder.input(v.type) for v in kept})
    t.update({i: recorder.input(types[i]) for i in range(first_row, len(types)) if active[i]})
    n_inputs = len(residual) + len(t)
    inner = replay_values(
        linear.graph, [*(residual[v] for v in linear.residuals), *(t[i] for i in sorted(t))]
    )
    found = {
        i: value_of(o, inner)
        for i, o in zip(linear.active_outputs, linear.graph.outputs, strict=True)
    }
    results = []
    for i in range(n_carry):
        if active[n_constants + i]:
            kind = types[n_constants + i]
            results.append(found.pop(i, None))
            if results[-1] is None:
                results[-1] = zeros(kind)
    results += [found[i] for i in sorted(found)]
    made = recorder.graph([recorder.index_of(x) for x in results], range(n_inputs), inline=1 << 62)
    recorder.closed = True
    return made.graph


def _transposed_step(
    body: Graph, linear: Sequence[bool], guarded: Sequence[bool], first: int, n_carry: int
) -> tuple[Graph, list[bool]]:
    """A step's transpose; a carry's cotangent is guarded if it is after any round."""
    flags = list(guarded)
    while True:
        back, found = transposed(body, linear, flags)
        out = _flags_at(found, linear)
        new = [i for i in range(n_carry) if out[first + i] and not flags[i]]
        if not new:
            return back, out
        for i in new:
            flags[i] = True


def _scan_transpose(
    node: Node,
    operands: Sequence[Any],
    bars: Sequence[Any],
    linear: Sequence[bool],
    guarded: Sequence[bool],
) -> Shares:
    """The steps backwards: carries' cotangents flow, constants' cotangents add up."""
    s = node.settings
    body, n_constants, n_carry = s["graph"], s["n_constants"], s["n_carry"]
    first_row = n_constants + n_carry
    linear = _with_carry(body, linear, n_constants, n_carry)
    back, flags = _transposed_step(body, linear, guarded, n_constants, n_carry)
    plain = [i for i, flag in enumerate(linear) if not flag]
    lin_constants = [i for i in range(n_constants) if linear[i]]
    lin_rows = [i for i in range(first_row, len(operands)) if linear[i]]
    plain_constants = [i for i in plain if i < n_constants]
    plain_rows = [i for i in plain if i >= first_row]
    if any(n_constants <= i < first_row for i in plain):
        raise NoDerivativeError("a scan with a carry that is not linear cannot be transposed")

    recorder = Recorder("transpose", concrete=False, keep_all=True)
    inputs: dict[Any, Any] = {}
    for i in plain_constants:
        inputs["operand", i] = recorder.input(body.inputs[i].type)
    for i in range(n_carry):
        inputs["carry", i] = recorder.input(body.outputs[i].type)
    for i in lin_constants:
        inputs["total", i] = recorder.input(body.inputs[i].type)
    for i in plain_rows:
        inputs["operand", i] = recorder.input(body.inputs[i].type)
    for i in range(n_carry, len(body.outputs)):
        inputs["row", i] = recorder.input(body.outputs[i].type)
    incoming = [
        inputs["carry", i] if i < n_carry else inputs["row", i] for i in range(len(body.outputs))
    ]
    shares = replay(back, [*(inputs["operand", i] for i in plain), *incoming])
    by_operand = dict(zip([i for i, flag in enumerate(linear) if flag], shares, strict=True))
    results = [by_operand[n_constants + i] for i in range(n_carry)]
    results += [inputs["total", i] + by_operand[i] for i in lin_constants]
    results += [by_operand[i] for i in lin_rows]
    made = recorder.graph(
        [recorder.index_of(x) for x in results], range(len(inputs)), inline=1 << 62
    )
    recorder.closed = True

    filled = filled_bars(bars, node.outputs)
    totals = [zeros(body.inputs[i].type) for i in lin_constants]
    outputs = control.scan(
        *(operands[i] for i in plain_constants),
        *filled[:n_carry],
        *totals,
        *(operands[i] for i in plain_rows),
        *filled[n_carry:],
        graph=made.graph,
        n_constants=len(plain_constants),
        n_carry=n_carry + len(lin_constants),
        length=s["length"],
        reverse=not s["reverse"],
    )
    places = [*range(n_constants, first_row), *lin_constants, *lin_rows]
    return _spread(outputs, places, len(operands)), flags
