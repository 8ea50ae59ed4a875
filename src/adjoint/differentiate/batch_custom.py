"""Batches of the user's own functions: their rules hold for each example."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint.differentiate.batch import batch_graph, batch_rule, batched_everywhere, everywhere
from adjoint.differentiate.loops import recorded
from adjoint.differentiate.replay import replay
from adjoint.errors import ConcreteValueError, ConversionError, NoDerivativeError
from adjoint.graph.graph import Graph, Node
from adjoint.graph.types import ArrayType, type_of
from adjoint.primitives import control
from adjoint.trace.record import record_graph
from adjoint.trace.recorder import innermost
from adjoint.tree import structure as structure_of


def _longer(kind: ArrayType, size: int) -> ArrayType:
    return kind._replace(shape=(size, *kind.shape))


class _Mapped:
    """A function of leaves, for many examples: one call each, or recorded once."""

    def __init__(self, function: Callable[..., Any], types: Sequence[ArrayType], size: int) -> None:
        self.function = function
        self.types = tuple(types)  # of one example's results
        self.size = size

    def __call__(self, *xs: Any) -> list[Any]:
        if innermost(xs) is None:
            rows = [self._one(*[x[i] for x in xs]) for i in range(self.size)]
            if not rows:
                return [np.zeros((0, *t.shape), t.dtype) for t in self.types]
            return [np.stack(column) for column in zip(*rows, strict=True)]
        kinds = [type_of(x) for x in xs]
        inside = [t._replace(shape=t.shape[1:]) for t in kinds]
        recording = record_graph(self._one, inside, structure_of((0.0,) * len(inside)), "vmap")
        flags = [True] * len(xs) + [False] * len(recording.captured)
        graph, has_axis = batch_graph(recording.graph, flags, self.size)
        results = replay(graph, [*xs, *recording.captured])
        return everywhere(results, has_axis, self.size)

    def _one(self, *leaves: Any) -> list[Any]:
        """Results of one example; a plain zero stands for an array of zeros."""
        return [
            y if np.shape(y) == t.shape else np.broadcast_to(y, t.shape)
            for y, t in zip(self.function(*leaves), self.types, strict=True)
        ]


class _EachExample:
    """The rule of a custom call over a batch: the rule itself for each example."""

    def __init__(self, node: Node, size: int) -> None:
        self.rule = node.settings["rule"]
        self.result = self.rule.result
        self.knows_pullback = self.rule.knows_pullback
        self.operand_types = [o.type for o in node.operands]
        self.output_types = [v.type for v in node.outputs]
        self.size = size

    def tangents(
        self, primals: Sequence[Any], outputs: Sequence[Any], incoming: Sequence[Any]
    ) -> Sequence[Any]:
        """Tangents of the outputs, those that the rule gives."""
        given = [t is not None for t in incoming]
        kinds = [*self.operand_types, *self.output_types]
        kinds += [t for t, flag in zip(self.operand_types, given, strict=True) if flag]
        n, m = len(self.operand_types), len(self.output_types)
        present: list[bool] = []

        def make(heads: list[Any]) -> list[Any]:
            rest = iter(heads[n + m :])
            dots = [next(rest) if flag else None for flag in given]
            found = self.rule.tangents(heads[:n], heads[n : n + m], dots)
            present[:] = [t is not None for t in found]
            return [t for t in found if t is not None]

        graph = batched_everywhere(recorded("custom", kinds, make), 0, self.size)
        made = iter(replay(graph, [*primals, *outputs, *[t for t in incoming if t is not None]]))
        return [next(made) if flag else None for flag in present]


@batch_rule(control.custom_call)
def _custom_call(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    graph = node.settings["graph"]
    if graph is None:
        graph = _written_in_numpy(node)
    return control.custom_call(
        *everywhere(operands, flags, size),
        graph=batched_everywhere(graph, 0, size),
        rule=_EachExample(node, size),
        types=tuple([_longer(v.type, size) for v in node.outputs]),
    )


def _written_in_numpy(node: Node) -> Graph:
    """What a function with a rule does, which was not looked into while its values were known."""
    kinds = [o.type for o in node.operands]
    reason: Exception | None = None
    try:
        recording = record_graph(
            lambda *leaves: node.settings["rule"].run(*leaves)[0],
            kinds,
            structure_of((0.0,) * len(kinds)),
            "vmap",
        )
        if not recording.captured:
            return recording.graph
    except (ConcreteValueError, ConversionError) as error:
        reason = error
    raise NoDerivativeError(
        "a function with a custom rule that is not NumPy cannot be batched",
        function="vmap",
        source=node.source,
        remedy="write a Python loop and np.stack in place of vmap",
    ) from reason


@batch_rule(control.linear_callback)
def _linear_callback(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    """It stands for its pullback, which takes residuals and cotangents to cotangents."""
    s = node.settings
    results = [o.type for o in node.operands[s["n_residuals"] :]]
    function: Any = _Mapped(s["function"], results, size)
    if hasattr(s["function"], "push"):
        function.push = _Mapped(s["function"].push, s["types"], size)
    return control.linear_callback(
        *everywhere(operands, flags, size),
        function=function,
        types=tuple([_longer(t, size) for t in s["types"]]),
        n_residuals=s["n_residuals"],
    )


@batch_rule(control.callback, control.pull_callback)
def _callback(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    s = node.settings
    return node.primitive(
        *everywhere(operands, flags, size),
        function=_Mapped(s["function"], s["types"], size),
        types=tuple([_longer(t, size) for t in s["types"]]),
    )
