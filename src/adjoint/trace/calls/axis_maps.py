"""Linear maps along one axis of an array, by somebody else's function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.primitives.linear_map import LinearMap

_MOST_ENTRIES = 1 << 27  # of a pattern that is still worth having
_WIDEST = 4096  # axis whose whole matrix is written out for that


def along_axis(
    name: str, key: Any, shape: Any, axis: int, apply: Any, reach: int | None = None
) -> LinearMap:
    """A map along an axis by somebody's function; its transpose by the matrix of that axis.

    Args:
        name: for the printed graph.
        key: the function's settings, hashable.
        shape: of the argument.
        axis: along which the function works.
        apply: takes (array, axis).
        reach: how far an element acts at most, the ends being neighbours; None: anywhere.
    """
    n = shape[axis]
    known: list[Any] = []
    short = reach if reach is not None and n >= 4 * reach else None

    def matrix() -> Any:
        if not known:
            known.append(
                np.asarray(apply(np.eye(n), 0)) if short is None else _band(n, short, apply)
            )
        return known[0]

    def transposed(y: Any) -> Any:
        moved = np.moveaxis(y, axis, 0)
        flat = matrix().T @ moved.reshape(len(moved), -1)
        return np.moveaxis(flat.reshape(n, *moved.shape[1:]), 0, axis)

    # the length of the result
    m = np.shape(apply(np.zeros(n), 0))[0]
    made = (*shape[:axis], m, *shape[axis + 1 :])
    return LinearMap(
        name,
        (key, axis),
        (shape, made),
        lambda v: apply(v, axis),
        transposed,
        axis_pattern(shape, axis, matrix, sparse=short is not None),
    )


def _band(n: int, reach: int, apply: Any) -> Any:
    """The matrix of a map of short reach: what lies far apart is asked for in one call."""
    from scipy import sparse

    period = 2 * reach + 1
    whole = n - n % period
    group = np.concatenate([np.arange(whole) % period, period + np.arange(n - whole)])
    given = np.zeros((n, period + n - whole))
    given[np.arange(n), group] = 1
    answers = np.asarray(apply(given, 0))
    rows = np.repeat(np.arange(n), period)
    columns = (rows + np.tile(np.arange(-reach, reach + 1), n)) % n
    values = answers[rows, group[columns]]
    inside = np.flatnonzero(values)
    return sparse.csr_array((values[inside], (rows[inside], columns[inside])), shape=(n, n))


def axis_pattern(
    shape: Any, axis: int, matrix: Callable[[], Any], *, sparse: bool = False
) -> Callable[[], Any]:
    """The pattern of a map, from the matrix, which may be sparse, of the axis it works along."""

    def pattern() -> Any:
        from scipy import sparse as sp

        if not sparse and shape[axis] > _WIDEST:
            return None
        entries = sp.csr_array(matrix() != 0)
        before, after = (
            int(np.prod(part, dtype=int)) for part in (shape[:axis], shape[axis + 1 :])
        )
        if entries.nnz * before * after > _MOST_ENTRIES:
            return None
        inner = sp.kron(entries, sp.eye_array(after, dtype=bool))
        return sp.kron(sp.eye_array(before, dtype=bool), inner, format="csr")

    return pattern
