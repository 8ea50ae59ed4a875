"""Loops and branches in ONNX: bodies are graphs inside the node, constants come from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from adjoint.formats.writing.plan import Dim, Kind, Operation, Plan
from adjoint.formats.writing.writer import BATCH, Thin, Writer, kinds, write_plan, writes


def type_of(w: Writer, name: str, kind: Kind) -> Any:
    """A name with its type, as ONNX declares inputs and outputs."""
    from onnx import helper

    shape: list[Any] = []
    for n in kind.shape:
        follows = BATCH if n == Dim(1) else None
        shape.append(follows if isinstance(n, Dim) else n)
    return helper.make_tensor_value_info(name, w.type(kind.dtype), shape)


def closed(w: Writer, names: Sequence[str], inputs: Sequence[str]) -> list[str]:
    """Names of results that are each made here, and once."""
    made = {name for node in w.nodes for name in node.output} - set(inputs)
    results = []
    for name in names:
        results.append(w.emit("Identity", name) if name not in made else name)
        made.discard(name)
    return results


def _graph(w: Writer, name: str, inputs: list[Any], outputs: list[Any]) -> Any:
    from onnx import helper

    return helper.make_graph(w.nodes, name, inputs, outputs)


def _body(w: Writer, plan: Plan, given: Sequence[str]) -> tuple[Writer, list[str]]:
    """Write a plan into a graph of its own; returns its writer and the outputs' names."""
    inner = Writer(w)
    for number, name in enumerate(given):
        inner.bind(number, name)
    return inner, write_plan(inner, plan)


@writes("cond")
def _cond(w: Writer, operation: Operation) -> list[str]:
    which, *given = [w.name(x) for x in operation.operands]
    branches = {}
    for label, name in (("then_branch", "on_true"), ("else_branch", "on_false")):
        plan: Plan = operation.settings[name]
        inner, names = _body(w, plan, given)
        results = closed(inner, names, ())
        types = [type_of(w, x, plan.kind(k)) for x, k in zip(results, plan.outputs, strict=True)]
        branches[label] = _graph(inner, name, [], types)
    return w.emit_all("If", [which], len(operation.outputs), **branches)


@writes("while_loop")
def _while(w: Writer, operation: Operation) -> list[str]:
    how, given = operation.settings, [w.name(x) for x in operation.operands]
    n, m = how["n_condition"], how["n_body"]
    of_test, of_step, start = given[:n], given[n : n + m], given[n + m :]
    carried = kinds(w, operation)[n + m :]
    first = _inlined(w, how["condition"], [*of_test, *start])
    inner = Writer(w)
    names = [w.fresh("state") for _ in start]
    after = _inlined(inner, how["body"], [*of_step, *names])
    again = _inlined(inner, how["condition"], [*of_test, *after])
    truth = Kind((), np.dtype(bool))
    count, going = w.fresh("round"), w.fresh("going")
    inputs = [
        type_of(w, count, Kind((), np.dtype(np.int64))),
        type_of(w, going, truth),
        *[type_of(w, x, k) for x, k in zip(names, carried, strict=True)],
    ]
    results = closed(inner, [*again, *after], names)
    outputs = [type_of(w, x, k) for x, k in zip(results, [truth, *carried], strict=True)]
    body = _graph(inner, "round", inputs, outputs)
    return w.emit_all("Loop", ["", first[0], *start], len(start), body=body)


def _inlined(w: Writer, plan: Plan, given: Sequence[str]) -> list[str]:
    """Write a plan among the nodes of a writer that is at another one."""
    inner = Writer(w)
    for number, name in enumerate(given):
        inner.bind(number, name)
    names = write_plan(inner, plan)
    w.nodes.extend(inner.nodes)
    return names


@writes("scan")
def _scan(w: Writer, operation: Operation) -> list[str]:
    how, given = operation.settings, [w.name(x) for x in operation.operands]
    plan: Plan = how["graph"]
    n, m, length = how["n_constants"], how["n_carry"], how["length"]
    carried = list(plan.kinds[n : n + m])
    if length == 0:
        empty = [w.plan.kinds[k] for k in operation.outputs[m:]]
        zeros = [w.expand(Thin(w.constant(k.dtype.type(0)), ()), k.shape) for k in empty]
        return [*given[n : n + m], *zeros]
    rows, row_kinds = given[n + m :], list(plan.kinds[n + m : plan.n_inputs])
    states = [w.fresh("state") for _ in carried]
    entries = [w.fresh("row") for _ in rows]
    inner, names = _body(w, plan, [*given[:n], *states, *entries])
    if not rows:  # ONNX counts its rounds by the rows
        rows, entries = [_count(w, length)], [w.fresh("row")]
        row_kinds = [Kind((), np.dtype(np.int64))]
    inputs = [
        type_of(w, x, k) for x, k in zip([*states, *entries], [*carried, *row_kinds], strict=True)
    ]
    results = closed(inner, names, (*states, *entries))
    outputs = [type_of(w, x, plan.kind(k)) for x, k in zip(results, plan.outputs, strict=True)]
    direction = 1 if how["reverse"] else 0
    stacked = [direction] * (len(results) - m)
    body = _graph(inner, "round", inputs, outputs)
    return w.emit_all(
        "Scan",
        [*given[n : n + m], *rows],
        len(operation.outputs),
        body=body,
        num_scan_inputs=len(rows),
        scan_input_directions=[direction] * len(rows),
        **({"scan_output_directions": stacked} if stacked else {}),
    )


def _count(w: Writer, length: int | Dim) -> str:
    zero = Thin(w.constant(np.zeros(1, np.int64)), (1,))
    return w.expand(zero, (length,))


@writes("cumprod")
def _cumprod(w: Writer, operation: Operation) -> str:
    """Products that go on: a scan along the axis."""
    from onnx import helper

    (x,), axis = kinds(w, operation), operation.settings["axis"]
    row = Kind(tuple([n for i, n in enumerate(x.shape) if i != axis]), x.dtype)
    state, entry = w.fresh("state"), w.fresh("row")
    inner = Writer(w)
    product = inner.emit("Mul", state, entry)
    names = closed(inner, [product, product], (state, entry))
    body = helper.make_graph(
        inner.nodes,
        "round",
        [type_of(w, state, row), type_of(w, entry, row)],
        [type_of(w, name, row) for name in names],
    )
    start = w.expand(Thin(w.constant(x.dtype.type(1)), ()), row.shape)
    how = {"scan_input_axes": [axis], "scan_output_axes": [axis]}
    given = [start, w.name(operation.operands[0])]
    return w.emit_all("Scan", given, 2, body=body, num_scan_inputs=1, **how)[1]
