"""Systems with a sparse matrix whose elements may move: SuperLU's solution, and its derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.primitives.linear import scatter_add


class Places:
    """Where the elements of a sparse square matrix stand.

    Args:
        rows: of the elements.
        columns: of the elements; elements at one place are added.
        n: how many rows there are.
    """

    __slots__ = ("_identity", "columns", "n", "rows")

    def __init__(self, rows: Any, columns: Any, n: int) -> None:
        self.rows, self.columns, self.n = rows, columns, n
        self._identity = (n, rows.tobytes(), columns.tobytes())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Places) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    def __repr__(self) -> str:
        return f"<{len(self.rows)} places of {self.n} x {self.n}>"

    def turned(self) -> Places:
        """Those of the transposed matrix."""
        return Places(self.columns, self.rows, self.n)


def _solve_sparse(values: Any, b: Any, places: Places) -> Any:
    import scipy.sparse
    from scipy.sparse.linalg import splu

    if b.size == 0:
        return np.zeros(b.shape, b.dtype)
    shape = (places.n, places.n)
    matrix = scipy.sparse.csc_array((values, (places.rows, places.columns)), shape=shape)
    return splu(matrix).solve(np.ascontiguousarray(b))


def _solve_sparse_jvp(primals: Any, tangents: Any, outputs: Any, places: Places) -> Any:
    (values, _), (moved, right), (x,) = primals, tangents, outputs
    if moved is not None:
        moves = moved[:, None] * x[places.columns]
        share = scatter_add(moves, places.rows, axes=(0,), shape=x.shape)
        right = -share if right is None else right - share
    return solve_sparse(values, right, places=places)


solve_sparse: Primitive = Primitive(
    "solve_sparse",
    "special",
    lambda values, b, places: (b,),
    _solve_sparse,
    ("places",),
    linear_in=(1,),
    transpose=lambda x_bar, operands, which, places: solve_sparse(
        operands[0], x_bar, places=places.turned()
    ),
    jvp=_solve_sparse_jvp,
    reason="linear in the right-hand side only; in the elements it is an implicit function",
    doc="x with A x = b for a sparse matrix whose elements are the first operand",
)
