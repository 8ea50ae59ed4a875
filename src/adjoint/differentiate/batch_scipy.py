"""Batch rules of the primitives that stand for SciPy's code."""

from __future__ import annotations

from typing import Any

from adjoint.differentiate.batch import batch_rule, everywhere
from adjoint.graph.graph import Node
from adjoint.primitives import linear_map as maps
from adjoint.primitives import recursion as recursions
from adjoint.primitives import scipy_linalg
from adjoint.trace.recorder import bind


@batch_rule(
    scipy_linalg.solve_triangular,
    scipy_linalg.lu,
    scipy_linalg.matrix_function,
    scipy_linalg.matrix_frechet,
    scipy_linalg.sylvester,
    recursions.recursion,
)
def _batched_already(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    return bind(node.primitive, everywhere(operands, flags, size), node.attributes)


@batch_rule(maps.linear_map)
def _linear_map(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    return maps.linear_map(operands[0], map=node.settings["map"].batched(size))
