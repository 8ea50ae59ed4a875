"""The intermediate representation: types, primitives, graphs, text, checks, evaluation."""

from adjoint.graph.check import check_graph
from adjoint.graph.evaluate import evaluate
from adjoint.graph.graph import Graph, Literal, Node, Operand, Value
from adjoint.graph.primitive import Primitive, primitives
from adjoint.graph.source import Source
from adjoint.graph.text import format_graph, parse_graph
from adjoint.graph.types import ArrayType, type_of

__all__ = [
    "ArrayType",
    "Graph",
    "Literal",
    "Node",
    "Operand",
    "Primitive",
    "Source",
    "Value",
    "check_graph",
    "evaluate",
    "format_graph",
    "parse_graph",
    "primitives",
    "type_of",
]
