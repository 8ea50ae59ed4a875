"""The graph: immutable, typed, single assignment.

    graph    ::= "graph(" inputs ")" "{" node* "return" operands "}"
    inputs   ::= [ value ":" type ("," value ":" type)* ]
    node     ::= values "=" primitive "(" operands ")" attribute* [ "#" source ]
    values   ::= value ":" type ("," value ":" type)*
    operands ::= [ operand ("," operand)* ]
    operand  ::= value | literal
    value    ::= "%" number
    literal  ::= number ":" type | nested list ":" type
    attribute::= name "=" (number | string | None | True | False | tuple | dtype | graph | object)
    type     ::= dtype "[" [ extent ("," extent)* ] "]"

Nodes stand in an order in which every operand is made before it is used, so every
traversal is a loop over a tuple and never a recursion.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.graph.source import Source
from adjoint.graph.types import ArrayType


class Value:
    """A value of the graph: an input or an output of a node. Compared by identity."""

    __slots__ = ("type",)

    def __init__(self, type: ArrayType) -> None:
        self.type = type

    def __repr__(self) -> str:
        return f"Value({self.type})"


class Literal:
    """A constant operand: an array, read-only."""

    __slots__ = ("type", "value")

    def __init__(self, value: Any) -> None:
        array = np.asarray(value)
        if array.flags.writeable:
            array = array.copy()
            array.flags.writeable = False
        self.value = array
        self.type = ArrayType(array.shape, array.dtype)

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for equal types and equal bits (so -0.0 differs from 0.0)."""
        return ("literal", self.type, self.value.tobytes())

    def __repr__(self) -> str:
        return f"Literal({self.value!r})"


Operand = Value | Literal


class Node:
    """One operation: primitive, operands, attributes, outputs, and the user's line."""

    __slots__ = ("attributes", "operands", "outputs", "primitive", "source")

    def __init__(
        self,
        primitive: Primitive,
        operands: tuple[Operand, ...],
        attributes: tuple[Any, ...],
        outputs: tuple[Value, ...],
        source: Source | None = None,
    ) -> None:
        self.primitive = primitive
        self.operands = operands
        self.attributes = attributes  # values, in the order of primitive.attributes
        self.outputs = outputs
        self.source = source

    @property
    def settings(self) -> dict[str, Any]:
        """The attributes by name."""
        return self.primitive.settings(self.attributes)

    @property
    def output(self) -> Value:
        """The only output of a node that has one."""
        return self.outputs[0]

    def __repr__(self) -> str:
        return f"Node({self.primitive.name}, {len(self.operands)} operands)"


class Graph:
    """A function from arrays to arrays: inputs, nodes in order, outputs.

    Graphs are equal when they do the same operations in the same order on the same types
    (values are numbered, not named, so renaming makes no difference).
    """

    __slots__ = ("_key", "_memo", "inputs", "nodes", "outputs")

    def __init__(
        self,
        inputs: tuple[Value, ...],
        nodes: tuple[Node, ...],
        outputs: tuple[Operand, ...],
    ) -> None:
        self.inputs = inputs
        self.nodes = nodes
        self.outputs = outputs
        self._key: tuple[Any, ...] | None = None
        self._memo: dict[Any, Any] = {}

    @property
    def input_types(self) -> tuple[ArrayType, ...]:
        """The types of the inputs."""
        return tuple(value.type for value in self.inputs)

    @property
    def output_types(self) -> tuple[ArrayType, ...]:
        """The types of the outputs."""
        return tuple(operand.type for operand in self.outputs)

    @property
    def key(self) -> tuple[Any, ...]:
        """Hashable; equal exactly for equal graphs. Source lines do not count."""
        if self._key is None:
            number = {value: i for i, value in enumerate(self.inputs)}

            def name(operand: Operand) -> Any:
                return number[operand] if isinstance(operand, Value) else operand.key

            rows = []
            for node in self.nodes:
                operands = tuple(map(name, node.operands))
                for value in node.outputs:
                    number[value] = len(number)
                types = tuple(value.type for value in node.outputs)
                rows.append((node.primitive.name, operands, node.attributes, types))
            outputs = tuple(map(name, self.outputs))
            self._key = (self.input_types, tuple(rows), outputs)
        return self._key

    def memo(self, name: Any, make: Callable[[Graph], Any]) -> Any:
        """What ``make(self)`` gave the first time: graphs never change, so it stays true."""
        found = self._memo.get(name)
        if found is None:
            found = self._memo[name] = make(self)
        return found

    def adjoint(self) -> Graph:
        """The adjoint graph: inputs and cotangents of the outputs to cotangents of inputs."""
        return _adjoint_of(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Graph):
            return NotImplemented
        return self is other or self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __len__(self) -> int:
        return len(self.nodes)

    def __str__(self) -> str:
        return _format(self)

    def __repr__(self) -> str:
        ins = ", ".join(map(str, self.input_types))
        outs = ", ".join(map(str, self.output_types))
        return f"<Graph ({ins}) -> ({outs}), {len(self.nodes)} nodes>"


_format: Callable[[Graph], str]
_adjoint_of: Callable[[Graph], Graph]


def set_formatter(function: Callable[[Graph], str]) -> None:
    """Called by the printer: ``str(graph)`` is a courtesy of a module further down."""
    global _format
    _format = function


def set_adjoint(function: Callable[[Graph], Graph]) -> None:
    """Called by ``differentiate``: ``graph.adjoint()`` is a courtesy of a folder further down."""
    global _adjoint_of
    _adjoint_of = function
