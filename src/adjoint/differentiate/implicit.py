"""Derivatives of implicit functions.

From ``r(a, x) = 0`` follows ``r_x x_dot = -r_a a_dot``. That is a linear system, so reverse
mode is the system with the transposed matrix, and higher orders differentiate the system. A
matrix that is small is made whole, column by column in one batch; a large one is only ever
multiplied by vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from adjoint.differentiate.batch import batch_graph, batch_rule, batched_everywhere, everywhere
from adjoint.differentiate.linearize import jvp_graph, linearize, solved_jvps
from adjoint.differentiate.loops import recorded
from adjoint.differentiate.replay import replay, replay_values
from adjoint.differentiate.transpose import control_transposes, transpose, unguarded
from adjoint.graph.graph import Graph, Node
from adjoint.graph.types import ArrayType
from adjoint.primitives.implicit import implicit, linear_solve
from adjoint.primitives.infer import zeros
from adjoint.primitives.linalg import solve

DENSE = 400  # unknowns up to which the matrix is made


def _flat(arrays: Sequence[Any], lead: tuple[int, ...] = ()) -> Any:
    """Arrays as one vector of one dtype, behind some leading axes."""
    dtype = np.result_type(*[x.dtype for x in arrays])
    rows = [np.reshape(x.astype(dtype), (*lead, -1)) for x in arrays]
    return rows[0] if len(rows) == 1 else np.concatenate(rows, axis=-1)


def _split(vector: Any, types: Sequence[ArrayType]) -> list[Any]:
    made, at = [], 0
    for kind in types:
        made.append(np.reshape(vector[at : at + kind.size], kind.shape).astype(kind.dtype))
        at += kind.size
    return made


def _linear_part(residual: Graph, n_unknowns: int) -> tuple[Graph, tuple[Any, ...]]:
    """The map ``v -> r_x v`` with an output for each equation, and what it reads of ``r``."""
    n = len(residual.inputs) - n_unknowns
    linear = linearize(residual, [i >= n for i in range(len(residual.inputs))])
    given = [v.type for v in linear.residuals]
    unknowns = list(residual.input_types[n:])

    def make(heads: list[Any]) -> list[Any]:
        found = dict(zip(linear.active_outputs, replay(linear.graph, heads), strict=True))
        return [
            found[i] if i in found else zeros(kind) for i, kind in enumerate(residual.output_types)
        ]

    return recorded("linearize", [*given, *unknowns], make), linear.residuals


def _matrix(product: Graph, given: Sequence[Any], n_unknowns: int) -> Any:
    """The matrix of a linear map, from its products with all unit vectors at once."""
    types = product.input_types[len(given) :]
    n = sum(kind.size for kind in types)
    mask = [i >= len(given) for i in range(len(product.inputs))]
    batched, flags = batch_graph(product, mask, n)
    units, at = [], 0
    for kind in types:
        unit = np.zeros((n, kind.size), kind.dtype)
        unit[np.arange(at, at + kind.size), np.arange(kind.size)] = 1
        units.append(unit.reshape(n, *kind.shape))
        at += kind.size
    columns = everywhere(replay(batched, [*given, *units]), flags, n)
    return np.swapaxes(_flat(columns, (n,)), 0, 1)


@lru_cache(maxsize=64)
def jacobian_graph(residual: Graph, n_unknowns: int) -> Graph:
    """For Newton's method: from (parameters, x) to the matrix ``r_x`` where it is small.

    Otherwise from (parameters, x, v) to ``r_x v``.
    """
    product, reads = _linear_part(residual, n_unknowns)
    unknowns = residual.input_types[len(residual.inputs) - n_unknowns :]
    small = sum(kind.size for kind in unknowns) <= DENSE
    kinds = [*residual.input_types, *(() if small else unknowns)]

    def make(heads: list[Any]) -> list[Any]:
        values = replay_values(residual, heads[: len(residual.inputs)])
        given = [values[v] for v in reads]
        if small:
            return [_matrix(product, given, n_unknowns)]
        return replay(product, [*given, *heads[len(residual.inputs) :]])

    return recorded("jacobian", kinds, make)


def _solved(product: Graph, given: Sequence[Any], right: Sequence[Any], label: str) -> list[Any]:
    """X with ``product(given, x) = right``."""
    n = len(right)
    types = product.output_types
    if sum(kind.size for kind in types) <= DENSE:
        matrix = _matrix(product, given, n)
        vector = _flat(right)
        return _split(solve(matrix, np.reshape(vector, (-1, 1)))[:, 0], types)
    back = transpose(product, [i >= len(given) for i in range(len(product.inputs))])
    made = linear_solve(*given, *right, product=product, transposed=back, n_unknowns=n, label=label)
    return list(made)


@lru_cache(maxsize=64)
def _tangent_graph(residual: Graph, n_unknowns: int, live: tuple[bool, ...], label: str) -> Graph:
    """From (parameters, solution, tangents of live parameters) to the solution's tangent."""
    product, reads = _linear_part(residual, n_unknowns)
    moved, places = jvp_graph(residual, [*live, *[False] * n_unknowns], primal_outputs=False)
    kinds = [
        *residual.input_types,
        *(t for t, flag in zip(residual.input_types, live, strict=False) if flag),
    ]

    def make(heads: list[Any]) -> list[Any]:
        values = replay_values(residual, heads[: len(residual.inputs)])
        found = dict(zip(places, replay(moved, heads), strict=True))
        right = [
            -found[i] if i in found else zeros(kind) for i, kind in enumerate(residual.output_types)
        ]
        return _solved(product, [values[v] for v in reads], right, label)

    return recorded("implicit", kinds, make)


def _implicit_jvp(
    node: Node, primals: Sequence[Any], outputs: Sequence[Any], tangents: Sequence[Any]
) -> Sequence[Any]:
    """The first guess has no influence; the parameters move the solution."""
    s = node.settings
    n = len(primals) - s["n_unknowns"]
    live = tuple([t is not None for t in tangents[:n]])
    if not any(live):
        return [None] * len(outputs)
    graph = _tangent_graph(s["residual"], s["n_unknowns"], live, s["label"])
    for size in reversed(s["batch"]):
        graph = batched_everywhere(graph, 0, size)
    return replay(graph, [*primals[:n], *outputs, *(t for t in tangents[:n] if t is not None)])


@batch_rule(implicit)
def _implicit_batch(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    settings = node.settings
    settings["batch"] = (size, *settings["batch"])
    return implicit(*everywhere(operands, flags, size), **settings)


# *** linear systems ***


def _linear_solve_jvp(
    node: Node, primals: Sequence[Any], outputs: Sequence[Any], tangents: Sequence[Any]
) -> Sequence[Any]:
    """``A x = b`` moves by ``A x_dot = b_dot - A_dot x``."""
    s = node.settings
    product, n_unknowns = s["product"], s["n_unknowns"]
    n = len(primals) - n_unknowns
    live = [t is not None for t in tangents[:n]]
    right = [
        zeros(v.type) if t is None else t for v, t in zip(node.outputs, tangents[n:], strict=True)
    ]
    if any(live):
        moved, places = jvp_graph(product, [*live, *[False] * n_unknowns], primal_outputs=False)
        heads = [*primals[:n], *outputs, *(t for t in tangents[:n] if t is not None)]
        for i, dot in zip(places, replay(moved, heads), strict=True):
            right[i] = right[i] - dot
    return list(linear_solve(*primals[:n], *right, **s))


def _linear_solve_transpose(
    node: Node, operands: Sequence[Any], bars: Sequence[Any], linear: Sequence[bool]
) -> Sequence[Any]:
    s = node.settings
    n = len(operands) - s["n_unknowns"]
    filled = [zeros(v.type) if b is None else b for v, b in zip(node.outputs, bars, strict=True)]
    swapped = {**s, "product": s["transposed"], "transposed": s["product"]}
    return [None] * n + list(linear_solve(*operands[:n], *filled, **swapped))


@batch_rule(linear_solve)
def _linear_solve_batch(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    """One system of many blocks."""
    settings = node.settings
    for name in ("product", "transposed"):
        settings[name] = batched_everywhere(settings[name], 0, size)
    return linear_solve(*everywhere(operands, flags, size), **settings)


def load() -> None:
    """Fill the tables of rules."""
    solved_jvps.update(implicit=_implicit_jvp, linear_solve=_linear_solve_jvp)
    control_transposes.update(linear_solve=unguarded(_linear_solve_transpose))
