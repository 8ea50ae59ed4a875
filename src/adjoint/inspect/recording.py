"""One run of a function with nothing thrown away: every value, and every cotangent.

The forward values come from walking the graph of the run node by node. For the way back the
graph is given *probes*: an addition of zero behind every value and before every use of one.
The cotangent of a probe is the cotangent of the value, or the share that a use hands back, and
all of them come out of the engine's own pullback: nothing is differentiated a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.differentiate.reverse import pullback_graph
from adjoint.graph.evaluate import evaluate
from adjoint.graph.graph import Graph, Literal, Node, Operand, Value
from adjoint.graph.primitive import primitives
from adjoint.trace.record import argument_payload, current
from adjoint.trace.recorder import Recorder
from adjoint.trace.replacing import as_called, look_at_function
from adjoint.trace.session import session
from adjoint.trace.slots import closing

_EVERYTHING = 1 << 62  # constants of any size are literals here


@dataclass(frozen=True)
class Recorded:
    """A run: its graph and all values.

    Args:
        graph: inputs are the floating leaves of the arguments.
        leaves: those leaves.
        moving: which of them are differentiated.
        values: of inputs and outputs of nodes.
        active: what depends on the inputs and carries a derivative.
        results: what the function returned, as operands of the graph.
        watched: further operands that were asked for.
    """

    graph: Graph
    leaves: list[Any]
    moving: tuple[bool, ...]
    values: dict[Value, Any]
    active: frozenset[Value]
    results: tuple[Operand, ...]
    watched: tuple[Operand, ...]

    def value(self, operand: Operand) -> Any:
        """The number or array that an operand stands for."""
        return operand.value[()] if isinstance(operand, Literal) else self.values[operand]


@dataclass
class Cotangents:
    """What flows back through a run.

    Args:
        total: by value; zeros where nothing arrives.
        shares: by node and position: what a node hands back to an operand.
    """

    total: dict[Value, Any] = field(default_factory=dict)
    shares: dict[tuple[Node, int], Any] = field(default_factory=dict)


class Pen:
    """Records a function on arguments, keeping constant operations too.

    Args:
        name: the public function that records, for messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.recorder = Recorder(name, concrete=True, keep_all=True, transforming=False)
        self.watched: list[int] = []

    def watch(self, x: Any) -> int | None:
        """Keep a value of the running function; its place in ``Recorded.watched``."""
        x = current(x)
        if getattr(x, "recorder", None) is not self.recorder:
            return None
        self.watched.append(x.number)
        return len(self.watched) - 1

    def record(
        self, f: Callable[..., Any], args: Sequence[Any], moving: Sequence[bool] | None = None
    ) -> Recorded:
        """Run f once.

        Args:
            f: any function of trees.
            args: its arguments; leaves that are not floating stay as they are.
            moving: for each floating leaf, whether to differentiate; by default all.
        """
        recorder = self.recorder
        given, structure = tree.flatten(tuple(args))
        leaves, call = [], []
        for leaf in given:
            if is_floating(leaf):
                payload, weak = argument_payload(leaf, self.name)
                leaves.append(payload)
                call.append(recorder.input(payload, weak=weak))
            else:
                call.append(leaf)
        with closing(recorder):
            look_at_function(f)
            with session, np.errstate(all="ignore"):
                result = as_called(f)(*tree.unflatten(structure, call))
            outputs = [recorder.index_of(current(x)) for x in tree.leaves(result)]
            wanted = [*outputs, *self.watched]
            graph = recorder.graph(wanted, range(len(leaves)), inline=_EVERYTHING).graph
        results, watched = graph.outputs[: len(outputs)], graph.outputs[len(outputs) :]
        values = forward(graph, leaves)
        flags = tuple(moving) if moving is not None else (True,) * len(leaves)
        active = active_in(graph, flags)
        return Recorded(graph, leaves, flags, values, active, results, watched)


def is_floating(leaf: Any) -> bool:
    """Whether a leaf of the arguments carries a derivative."""
    if isinstance(leaf, bool | int | str | bytes):
        return False
    kind = getattr(getattr(leaf, "dtype", None), "kind", None)
    return kind in ("f", "c") if kind else isinstance(leaf, float | complex)


def forward(graph: Graph, arguments: Sequence[Any]) -> dict[Value, Any]:
    """Every value of a graph, by its primitives' NumPy references."""
    values: dict[Value, Any] = dict(zip(graph.inputs, arguments, strict=True))
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            operands = [o.value[()] if isinstance(o, Literal) else values[o] for o in node.operands]
            result = node.primitive.evaluate(*operands, **node.settings)
            results = result if node.primitive.several else (result,)
            values.update(zip(node.outputs, results, strict=True))
    return values


def active_in(graph: Graph, moving: Sequence[bool]) -> frozenset[Value]:
    """The values through which a derivative flows."""
    active = {value for value, moves in zip(graph.inputs, moving, strict=True) if moves}
    for node in graph.nodes:
        if node.primitive.structure != "constant" and not active.isdisjoint(node.operands):
            active.update(v for v in node.outputs if v.type.is_differentiable)
    return frozenset(active)


def backward(run: Recorded, seeds: Sequence[Any], *, shares: bool = True) -> Cotangents:
    """All cotangents of a run.

    Args:
        run: what was recorded.
        seeds: the cotangent of each result.
        shares: whether those of single uses are wanted too.
    """
    graph, inputs, keys = _probed(run, shares)
    # Results alone are pulled: what was merely watched starts nothing.
    probes = len(inputs) - len(run.leaves)
    back = pullback_graph(graph, [*run.moving, *[True] * probes])
    residuals = forward(graph, inputs)
    arguments = [residuals[value] for value in back.residuals]
    arguments += [seeds[i] for i in back.active_outputs]
    with np.errstate(all="ignore"):
        found = evaluate(back.graph, arguments)
    made = Cotangents()
    for key, x_bar in zip(keys, found, strict=True):
        if isinstance(key, Value):
            made.total[key] = x_bar
        else:
            made.shares[key] = x_bar
    return made


def _probed(run: Recorded, shares: bool) -> tuple[Graph, list[Any], list[Any]]:
    """The graph with probes as further inputs, its inputs' values, and what each probe is for."""
    add = primitives["add"]
    heads: list[Value] = list(run.graph.inputs)
    inputs: list[Any] = list(run.leaves)
    keys: list[Any] = [v for v, m in zip(heads, run.moving, strict=True) if m]
    renamed: dict[Operand, Operand] = {}
    nodes: list[Node] = []

    def probe(operand: Operand, key: Any, source: Any) -> Value:
        zero, out = Value(operand.type), Value(operand.type)
        heads.append(zero)
        inputs.append(np.zeros(operand.type.shape, operand.type.dtype)[()])
        keys.append(key)
        nodes.append(Node(add, (operand, zero), (), (out,), source))
        return out

    for node in run.graph.nodes:
        operands: list[Operand] = []
        for place, operand in enumerate(node.operands):
            current_one = renamed.get(operand, operand)
            if shares and operand in run.active and node.primitive.structure != "constant":
                current_one = probe(current_one, (node, place), node.source)
            operands.append(current_one)
        primitive, attributes = node.primitive, node.attributes
        nodes.append(Node(primitive, tuple(operands), attributes, node.outputs, node.source))
        for value in node.outputs:
            if value in run.active:
                renamed[value] = probe(value, value, node.source)
    outputs = tuple(renamed.get(o, o) for o in run.results)
    return Graph(tuple(heads), tuple(nodes), outputs), inputs, keys
