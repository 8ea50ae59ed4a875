"""Systems with a banded matrix, in time and memory of the bands alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive


def _along(v: Any, by: int) -> Any:
    """The elements along an axis moved up by some places, with zeros where none comes from."""
    n = v.shape[-1]
    none = np.zeros((*v.shape[:-1], min(abs(by), n)), v.dtype)
    parts = [none, v[..., : max(n - by, 0)]] if by > 0 else [v[..., -by:], none]
    return np.concatenate(parts, axis=-1) if by else v


def _times(ab: Any, x: Any, above: int) -> Any:
    """The banded matrix times columns: the row k of ab is the diagonal ``above - k``."""
    columns = np.swapaxes(x, -1, -2)
    total: Any = None
    for k in range(ab.shape[-2]):
        share = _along(ab[..., k, :][..., None, :] * columns, k - above)
        total = share if total is None else total + share
    return np.swapaxes(total, -1, -2)


def turned(ab: Any, below: int, above: int) -> Any:
    """The transposed matrix, with as many diagonals above as there were below."""
    rows = [_along(ab[..., below + above - k, :], below - k) for k in range(below + above + 1)]
    return np.stack(rows, axis=-2)


def _solve_banded(ab: Any, b: Any, below: int, above: int) -> Any:
    import scipy.linalg

    if b.size == 0:
        return np.zeros_like(b)
    if b.shape[-2] == 1:
        return b / ab[..., above, :, None]
    out = np.empty(b.shape, b.dtype)
    for i in np.ndindex(*b.shape[:-2]):
        out[i] = scipy.linalg.solve_banded((below, above), ab[i], b[i], check_finite=False)
    return out


def _solve_banded_jvp(primals: Any, tangents: Any, outputs: Any, below: int, above: int) -> Any:
    (ab, _), (ab_dot, right), (x,) = primals, tangents, outputs
    if ab_dot is not None:
        share = _times(ab_dot, x, above)
        right = -share if right is None else right - share
    return solve_banded(ab, right, below=below, above=above)


solve_banded: Primitive = Primitive(
    "solve_banded",
    "special",
    lambda ab, b, **_: (b,),
    _solve_banded,
    ("below", "above"),
    linear_in=(1,),
    transpose=lambda x_bar, operands, which, below, above: solve_banded(
        turned(operands[0], below, above), x_bar, below=above, above=below
    ),
    jvp=_solve_banded_jvp,
    reason="linear in the right-hand side only; in the matrix it is an implicit function",
    doc="x with A x = b for the matrix whose diagonals, from the highest, are the rows of ab",
)
