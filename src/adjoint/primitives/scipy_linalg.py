"""Linear algebra that NumPy lacks: triangular systems, LU, matrix functions, Sylvester."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType


def _linalg() -> Any:
    import scipy.linalg

    return scipy.linalg


def _over_batch(function: Callable[..., Any], like: Any, *operands: Any) -> Any:
    """Apply a function of matrices to stacks of them; ``like`` tells shape and dtype."""
    if operands[0].ndim == 2:
        return function(*operands)
    batch = operands[0].shape[:-2]
    out = np.empty(like[0], like[1])
    for i in np.ndindex(*batch):
        out[i] = function(*[x[i] for x in operands])
    return out


def swap(a: Any) -> Any:
    """The matrix transposed."""
    return np.swapaxes(a, -1, -2)


# *** triangular systems ***


def triangle(a: Any, lower: bool, unit: bool) -> Any:
    """The part of a matrix that a triangular system reads."""
    off = -1 if unit else 0
    return np.tril(a, off) if lower else np.triu(a, -off)


def _solve_triangular(a: Any, b: Any, lower: bool, transposed: bool, unit: bool) -> Any:
    if b.size == 0:
        return np.zeros_like(b)
    options: dict[str, Any] = {"lower": lower, "unit_diagonal": unit, "check_finite": False}
    solve = _linalg().solve_triangular
    return _over_batch(
        lambda a, b: solve(a, b, trans=int(transposed), **options), (b.shape, b.dtype), a, b
    )


def _solve_triangular_jvp(
    primals: Any, tangents: Any, outputs: Any, lower: bool, transposed: bool, unit: bool
) -> Any:
    (a, _), (a_dot, right), (x,) = primals, tangents, outputs
    if a_dot is not None:
        moved = triangle(a_dot, lower, unit)
        share = (swap(moved) if transposed else moved) @ x
        right = -share if right is None else right - share
    return solve_triangular(a, right, lower=lower, transposed=transposed, unit=unit)


solve_triangular: Primitive = Primitive(
    "solve_triangular",
    "special",
    lambda a, b, **_: (b,),
    _solve_triangular,
    ("lower", "transposed", "unit"),
    linear_in=(1,),
    transpose=lambda x_bar, operands, which, lower, transposed, unit: solve_triangular(
        operands[0], x_bar, lower=lower, transposed=not transposed, unit=unit
    ),
    jvp=_solve_triangular_jvp,
    reason="linear in the right-hand side only; in the matrix it is an implicit function",
    doc="x with a x = b for a triangular a, of which the other triangle is not read",
)

# *** LU ***


def _swaps(order: Any, count: int) -> Any:
    """The rows exchanged one after another, as LAPACK notes them."""
    rows, swaps = list(range(len(order))), np.empty(count, np.int64)
    for k in range(count):
        swaps[k] = j = rows.index(order[k])
        rows[k], rows[j] = rows[j], rows[k]
    return swaps


def _lu(a: Any) -> Any:
    packed = np.empty(a.shape, a.dtype)
    order = np.empty(a.shape[:-1], np.int64)
    swaps = np.empty((*a.shape[:-2], min(a.shape[-2:])), np.int64)
    for i in np.ndindex(*a.shape[:-2]):
        if a[i].size == 0:
            order[i] = np.arange(a.shape[-2])
            continue
        p, lower, upper = _linalg().lu(a[i], check_finite=False, p_indices=True)
        # a[p_inverse] = L U; SciPy gives p with a = L[p] U
        order[i] = np.argsort(p)
        k = min(a.shape[-2:])
        whole = np.zeros(a.shape[-2:], a.dtype)
        whole[:, :k] += np.tril(lower, -1)
        whole[:k, :] += upper
        packed[i], swaps[i] = whole, _swaps(order[i].tolist(), k)
    return packed, order, swaps


def lu_parts(packed: Any) -> tuple[Any, Any]:
    """L and U from the packed form."""
    m, n = packed.shape[-2:]
    k = min(m, n)
    lower = np.tril(packed[..., :, :k], -1) + np.eye(m, k, dtype=packed.dtype)
    return lower, np.triu(packed[..., :k, :])


def _lu_jvp(primals: Any, tangents: Any, outputs: Any) -> Any:
    (_,), (a_dot,), (packed, order, _) = primals, tangents, outputs
    m, n = packed.shape[-2:]
    k = min(m, n)
    moved = np.take_along_axis(a_dot, order[..., None], axis=-2)
    core = packed[..., :k, :k]
    if m == n and n > 0:
        # The last pivot may be 0: nothing is divided by it in the end.
        last = np.zeros((n, n), dtype=bool)
        last[-1, -1] = True
        core = np.where(last & (core == 0), 1, core)

    def left(b: Any) -> Any:
        return solve_triangular(core, b, lower=True, transposed=False, unit=True)

    def right(b: Any) -> Any:  # b U^-1
        return swap(solve_triangular(core, swap(b), lower=False, transposed=True, unit=False))

    lower, upper = lu_parts(packed)
    inner = left(right(moved[..., :k, :k]))
    under, over = np.tril(inner, -1), np.triu(inner)
    if m == n:
        return lower @ under + np.triu(left(moved) - under @ upper), None, None
    corner = lower[..., :k, :] @ under + over @ upper[..., :, :k]
    if m > k:
        below = right(moved[..., k:, :k]) - lower[..., k:, :] @ over
        return np.concatenate([corner, below], axis=-2), None, None
    beside = left(moved[..., :, k:]) - under @ upper[..., :, k:]
    return np.concatenate([corner, beside], axis=-1), None, None


lu = Primitive(
    "lu",
    "special",
    lambda a: (
        a,
        ArrayType(a.shape[:-1], np.dtype(np.int64)),
        ArrayType((*a.shape[:-2], min(a.shape[-2:])), np.dtype(np.int64)),
    ),
    _lu,
    jvp=_lu_jvp,
    several=True,
    notes={"n_outputs": 3},
    reason="an implicit function: a[order] = L U; several outputs",
    doc="L below and U on and above the diagonal, the order of the rows, and their swaps",
    convention="the pivots are taken to stay the same",
)

# *** functions of a matrix ***

# sign of f(conj) and so on is not needed: these are analytic
MATRIX_FUNCTIONS = (
    "expm", "logm", "sqrtm", "sinm", "cosm", "tanm", "sinhm", "coshm", "tanhm",
)  # fmt: skip


def _matrix_function(a: Any, name: str) -> Any:
    if a.size == 0:
        return np.zeros_like(a)
    function = getattr(_linalg(), name)

    def of_one(x: Any) -> Any:
        return _real_or_nan(function(x), x) if np.isfinite(x).all() else np.full_like(x, np.nan)

    return _over_batch(of_one, (a.shape, a.dtype), a)


def _real_or_nan(value: Any, a: Any) -> Any:
    """A real matrix may have a complex root: where only real ones fit it is NaN, as np.sqrt's."""
    if np.iscomplexobj(value) and not np.iscomplexobj(a):
        rounding = np.sqrt(np.finfo(value.dtype).eps) * np.max(np.abs(value))
        if np.max(np.abs(value.imag)) > rounding:
            return np.full_like(a, np.nan)
    return _kept_real(value, a)


def _kept_real(value: Any, a: Any) -> Any:
    if np.iscomplexobj(value) and not np.iscomplexobj(a):
        value = value.real
    return np.asarray(value).astype(a.dtype, copy=False)


def _frechet(a: Any, e: Any, name: str) -> Any:
    """f([[a, e], [0, a]]) has the derivative of f at a towards e in its corner."""
    n = a.shape[-1]
    if a.size == 0:
        return np.zeros_like(e)
    if name == "sqrtm":  # x x = a has the derivative x e' + e' x = e: a Sylvester equation
        root = _matrix_function(a, name)
        return _sylvester(root, root, e)
    dtype = np.result_type(a, e)
    if name == "logm" and dtype.kind == "c":
        turn = _off_the_cut(a)
        a, e = a * turn, e * turn
    block = np.zeros((*e.shape[:-2], 2 * n, 2 * n), dtype)
    block[..., :n, :n] = block[..., n:, n:] = a
    # the corner is scaled to the matrix: the derivative is linear in it
    size = np.max(np.abs(e), axis=(-2, -1), keepdims=True)
    size = np.where(size > 0, size, 1) / np.maximum(
        1e-3, np.max(np.abs(a), axis=(-2, -1), keepdims=True)
    )
    block[..., :n, n:] = e / size
    with warnings.catch_warnings():  # what is said of the block is no news of the matrix
        warnings.simplefilter("ignore")
        value = _matrix_function(block, name)
    return (value[..., :n, n:] * size).astype(e.dtype, copy=False)


def _blocks(top: list[Any], bottom: list[Any]) -> Any:
    rows = [np.concatenate(top, axis=-1), np.concatenate(bottom, axis=-1)]
    return np.concatenate(rows, axis=-2)


_NEAR_CUT = 1e-3


def _off_the_cut(a: Any) -> Any:
    """The turn that brings negative eigenvalues away from the cut of the logarithm.

    They count as those above it, as where the logarithm is taken; the matrix that yields its
    derivative has each of them several times, and rounding would put these on either side.
    """
    angles = np.angle(np.linalg.eigvals(a))
    apart = np.abs(np.abs(angles) - np.pi) > _NEAR_CUT
    room = np.min(np.where(apart, angles + np.pi, np.pi), axis=-1) / 2
    turn = np.where(np.all(apart, axis=-1), 0, room)
    return np.exp(-1j * turn)[..., None, None].astype(a.dtype)


def _frechet_jvp(primals: Any, tangents: Any, outputs: Any, name: str) -> Any:
    (a, e), (a_dot, e_dot) = primals, tangents
    total = None if e_dot is None else matrix_frechet(a, e_dot, name=name)
    if a_dot is not None and name == "sqrtm":  # r x + x r = e for the root r, which moves too
        moved, x = matrix_frechet(a, a_dot, name=name), matrix_frechet(a, e, name=name)
        share = -matrix_frechet(a, moved @ x + x @ moved, name=name)
        total = share if total is None else total + share
    elif a_dot is not None:
        zero, n = np.zeros_like(a), a.shape[-1]
        point = _blocks([a, e], [zero, a])
        moved = _blocks([a_dot, np.zeros_like(a_dot)], [np.zeros_like(a_dot), a_dot])
        share = matrix_frechet(point, moved, name=name)[..., :n, n:]
        total = share if total is None else total + share
    return total


matrix_function = Primitive(
    "matrix_function",
    "special",
    lambda a, name: (a,),
    _matrix_function,
    ("name",),
    jvp=lambda primals, tangents, outputs, name: matrix_frechet(primals[0], tangents[0], name=name),
    reason="a power series of a matrix, which does not commute with its tangent",
    doc="expm, logm, sqrtm and others",
)
matrix_frechet: Primitive = Primitive(
    "matrix_frechet",
    "special",
    lambda a, e, name: (e,),
    _frechet,
    ("name",),
    linear_in=(1,),
    transpose=lambda y_bar, operands, which, name: matrix_frechet(
        swap(operands[0]), y_bar, name=name
    ),
    jvp=_frechet_jvp,
    reason="linear in the direction only",
    doc="the derivative of a matrix function at a towards e",
)

# *** Sylvester ***


def _sylvester(a: Any, b: Any, q: Any) -> Any:
    return _over_batch(_linalg().solve_sylvester, (q.shape, q.dtype), a, b, q)


def _sylvester_transpose(x_bar: Any, operands: Any, which: int) -> Any:
    a, b, _ = operands
    return sylvester(swap(a), swap(b), x_bar)


def _sylvester_jvp(primals: Any, tangents: Any, outputs: Any) -> Any:
    (a, b, _), (a_dot, b_dot, q_dot), (x,) = primals, tangents, outputs
    right = q_dot
    for share in (
        None if a_dot is None else a_dot @ x,
        None if b_dot is None else x @ b_dot,
    ):
        if share is not None:
            right = -share if right is None else right - share
    return sylvester(a, b, right)


sylvester = Primitive(
    "sylvester",
    "special",
    lambda a, b, q: (q,),
    _sylvester,
    linear_in=(2,),
    transpose=_sylvester_transpose,
    jvp=_sylvester_jvp,
    reason="linear in the right-hand side only",
    doc="x with a x + x b = q",
)
