"""Building a graph from another: nodes are made once, folded, and checked against equations.

A pass is one walk over the old nodes. The builder keeps what each old value became; making a
node first tries the equations, then folding (all operands known), then a node made before
with the same operands. So one walk merges common nodes, folds constants and simplifies.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from adjoint.graph.graph import Graph, Literal, Node, Operand, Value
from adjoint.graph.primitive import Primitive, primitives
from adjoint.graph.source import Source
from adjoint.graph.types import ArrayType

# An equation: given the builder, a node's operands, attributes and line, what the node is
# equal to; None where the equation does not apply.
Equation = Callable[["Builder", tuple[Operand, ...], Mapping[str, Any]], Operand | None]

_LARGEST_FOLD = 4096  # elements of a result computed beforehand
_NEVER_MERGED = frozenset({"callback", "pull_callback", "custom_call", "linear_callback"})
_NEVER_FOLDED = frozenset({"broadcast"}) | _NEVER_MERGED


class Builder:
    """Makes nodes.

    Args:
        equations: by primitive name; tried in order when a node is made.
        apart: primitives whose nodes are not merged with equal ones.
    """

    def __init__(
        self,
        equations: Mapping[str, Sequence[Equation]] | None = None,
        *,
        apart: Collection[str] = (),
    ) -> None:
        self.equations = equations or {}
        self.apart = _NEVER_MERGED.union(apart)
        self.nodes: list[Node] = []
        self.maker: dict[Value, Node] = {}
        self._made: dict[Any, tuple[Operand, ...]] = {}
        self._literals: dict[Any, Literal] = {}
        self.source: Source | None = None
        self.making = ""  # name of the primitive whose equations are being tried

    def literal(self, value: Any) -> Literal:
        """A constant; equal ones are one object."""
        found = Literal(value)
        return self._literals.setdefault(found.key, found)

    def __call__(self, name: str, *operands: Operand, **attributes: Any) -> Operand:
        """The only output of a new node, or of an equal one."""
        primitive = primitives[name]
        values = tuple([attributes[key] for key in primitive.attributes])
        return self.node(primitive, operands, values)[0]

    def node(
        self,
        primitive: Primitive,
        operands: tuple[Operand, ...],
        attributes: tuple[Any, ...],
        types: Sequence[ArrayType] | None = None,
    ) -> tuple[Operand, ...]:
        """The outputs of a new node, or of what it is equal to; their types, where known."""
        operands = tuple(
            [self._literals.setdefault(x.key, x) if isinstance(x, Literal) else x for x in operands]
        )
        name = primitive.name
        settings = primitive.settings(attributes) if attributes else {}
        for equation in self.equations.get(name, ()):
            self.making = name
            found = equation(self, operands, settings)
            if found is not None:
                return (found,)
        key = (name, operands, attributes)
        known = self._made.get(key)
        if known is not None and name not in self.apart:
            return known
        if types is None:
            types = primitive.infer(*[x.type for x in operands], **settings)
        results = self._fold(primitive, operands, settings, types)
        if results is None:
            made = tuple([Value(t) for t in types])
            node = Node(primitive, operands, attributes, made, self.source)
            self.nodes.append(node)
            for value in made:
                self.maker[value] = node
            results = made
        self._made[key] = results
        return results

    def _fold(
        self, primitive: Primitive, operands: Sequence[Operand], settings: Any, types: Any
    ) -> tuple[Operand, ...] | None:
        """The results computed now, if all operands are constants and the results small."""
        if primitive.structure == "control" or primitive.name in _NEVER_FOLDED:
            return None
        if not operands or any(t.size > _LARGEST_FOLD for t in types):
            return None
        arrays = []
        for x in operands:
            if not isinstance(x, Literal):
                return None
            arrays.append(x.value if x.value.ndim else x.value[()])
        with np.errstate(all="ignore"):
            try:
                results = primitive.evaluate(*arrays, **settings)
            except (ArithmeticError, IndexError, ValueError, TypeError, np.linalg.LinAlgError):
                return None  # whatever is wrong is reported when the program runs
        if not primitive.several:
            results = (results,)
        return tuple(
            [
                self.literal(np.asarray(y, t.dtype).reshape(t.shape))
                for y, t in zip(results, types, strict=True)
            ]
        )

    def of(self, operand: Operand, name: str) -> Node | None:
        """The node that made an operand, if it is of one kind."""
        node = self.maker.get(operand) if isinstance(operand, Value) else None
        return node if node is not None and node.primitive.name == name else None

    def number(self, operand: Operand) -> Any:
        """The number that all elements of an operand are, if that is known; else None."""
        node = self.of(operand, "broadcast")
        if node is not None:
            operand = node.operands[0]
        if not isinstance(operand, Literal) or operand.value.size == 0:
            return None
        flat = operand.value.reshape(-1)
        if flat.size > 1:
            raw = np.ascontiguousarray(flat).view(np.uint8).reshape(flat.size, -1)
            if not (raw == raw[0]).all():
                return None
        return flat[0]


def rebuild(
    graph: Graph,
    builder: Builder,
    visit: Callable[[Builder, Node, tuple[Operand, ...]], Sequence[Operand] | None] | None = None,
) -> Graph:
    """Walk a graph's nodes through a builder.

    Args:
        graph: the old graph; its inputs are kept.
        builder: makes the new nodes.
        visit: may give the new outputs of a node itself; None leaves it to the builder.
    """
    became: dict[Operand, Operand] = {}
    for node in graph.nodes:
        operands = tuple([became.get(x, x) for x in node.operands])
        builder.source = node.source
        made = visit(builder, node, operands) if visit is not None else None
        if made is None:
            types = [value.type for value in node.outputs]
            made = builder.node(node.primitive, operands, node.attributes, types)
        for old, new in zip(node.outputs, made, strict=True):
            became[old] = new
    outputs = tuple([became.get(x, x) for x in graph.outputs])
    return without_dead_nodes(Graph(graph.inputs, tuple(builder.nodes), outputs))


def without_dead_nodes(graph: Graph) -> Graph:
    """The graph without nodes that no output needs."""
    needed: set[Operand] = set(graph.outputs)
    live = []
    for node in reversed(graph.nodes):
        if any(value in needed for value in node.outputs):
            needed.update(node.operands)
            live.append(node)
    if len(live) == len(graph.nodes):
        return graph
    return Graph(graph.inputs, tuple(reversed(live)), graph.outputs)
