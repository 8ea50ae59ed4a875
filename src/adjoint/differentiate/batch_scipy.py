"""Batch rules of the primitives that stand for SciPy's code."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.differentiate.batch import batch_rule, everywhere
from adjoint.graph.graph import Node
from adjoint.primitives import bands, scipy_linalg, sparse_solve
from adjoint.primitives import linear_map as maps
from adjoint.primitives import recursion as recursions
from adjoint.trace.recorder import bind


@batch_rule(
    bands.solve_banded,
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


@batch_rule(sparse_solve.solve_sparse)
def _solve_sparse(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    """One system for each example, or one system with more right-hand sides."""
    values, b = operands
    places = node.settings["places"]
    if flags[0]:
        b = b if flags[1] else np.broadcast_to(b, (size, *b.shape))
        solved = [sparse_solve.solve_sparse(values[i], b[i], places=places) for i in range(size)]
        return np.stack(solved)
    n, columns = b.shape[1:]
    wide = np.reshape(np.transpose(b, (1, 0, 2)), (n, size * columns))
    x = sparse_solve.solve_sparse(values, wide, places=places)
    return np.transpose(np.reshape(x, (n, size, columns)), (1, 0, 2))
