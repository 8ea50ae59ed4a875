"""Singular values and vectors."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType
from adjoint.primitives.equal_values import (
    EQUAL,
    WHY,
    AtEqual,
    Limit,
    between,
    diagonal,
    drifting,
    gaps,
    inverses,
    over,
    rounding,
    steps,
)
from adjoint.primitives.infer import real_dtype
from adjoint.primitives.linalg import _adjoint, _eye


def _svd_types(a: ArrayType, full: bool) -> tuple[ArrayType, ...]:
    m, n = a.shape[-2:]
    k, lead = min(m, n), a.shape[:-2]
    return (
        ArrayType((*lead, m, m if full else k), a.dtype),
        ArrayType((*lead, k), real_dtype(a.dtype)),
        ArrayType((*lead, n if full else k, n), a.dtype),
    )


class _Denominators(NamedTuple):
    """One over what turns of singular vectors are divided by, or 0."""

    gap: Any  # s_j - s_i
    total: Any  # s_j + s_i
    size: Any  # s_j


def _svd_turns(a_dot: Any, u: Any, vh: Any, by: _Denominators) -> tuple[Any, Any]:
    """Turns of u and v within their first columns: one that they share, and one apart."""
    inner = _adjoint(u) @ a_dot @ _adjoint(vh)
    back = _adjoint(inner)
    both = 0.5 * (inner + back) * by.gap
    apart = 0.5 * (inner - back) * by.total
    turn = both + apart
    if a_dot.dtype.kind == "c":
        # The phases of a pair of singular vectors: v keeps its own, u takes the change.
        phase = 1j * np.imag(diagonal(inner)) * by.size
        turn = turn + phase[..., None, :] * _eye(inner.shape[-1], a_dot.dtype)
    return turn, both - apart


def _svd_moved(a_dot: Any, u: Any, vh: Any, k: int, by: _Denominators) -> tuple[Any, Any]:
    """The changes of u and vh."""
    u1, v1h = u[..., :, :k], vh[..., :k, :]
    turn_u, turn_v = _svd_turns(a_dot, u1, v1h, by)
    v1 = _adjoint(v1h)
    u_dot, v_dot = u1 @ turn_u, v1 @ turn_v
    size = by.size[..., None, :]
    m, n = a_dot.shape[-2:]
    if m > k:
        u_dot = _beside(u_dot, u1, u[..., :, k:], (a_dot @ v1) * size)
    if n > k:
        v_dot = _beside(v_dot, v1, _adjoint(vh[..., k:, :]), (_adjoint(a_dot) @ u1) * size)
    return u_dot, _adjoint(v_dot)


def _beside(dot: Any, vectors: Any, rest: Any, moved: Any) -> Any:
    """With the change out of the vectors' space; the rest, if any, turns against it."""
    moved = moved - vectors @ (_adjoint(vectors) @ moved)
    dot = dot + moved
    if rest.shape[-1] == 0:
        return dot
    return np.concatenate([dot, -vectors @ (_adjoint(moved) @ rest)], axis=-1)


def _totals(s: Any) -> tuple[Any, Any, Any]:
    """``s_j + s_i``; and where that, and s itself, is more than rounding."""
    total = s[..., None, :] + s[..., :, None]
    least = rounding(s)
    return total, total > least[..., None], s > least


def _svd_jvp(primals: Any, tangents: Any, outputs: Any, full: bool) -> Any:
    (a_dot,), (u, s, vh) = tangents, outputs
    k, one = s.shape[-1], np.ones((), s.dtype)
    total, aside, positive = _totals(s)
    aside = aside & ~np.eye(k, dtype=bool)
    by = _Denominators(over(one, *gaps(s)), over(one, total, aside), over(one, s, positive))
    u_dot, vh_dot = _svd_moved(a_dot, u, vh, k, by)
    moved = np.sum(np.conjugate(u[..., :, :k]) * (a_dot @ _adjoint(vh[..., :k, :])), axis=-2)
    return u_dot, np.real(moved), vh_dot


def _svd_at_equal(a_dot: Any, outputs: Any, full: bool) -> Limit:
    u, s, vh = outputs
    places, equal = steps(s, 1)
    total, aside, positive = _totals(s)
    apart = ~np.eye(s.shape[-1], dtype=bool)
    pairs = zip(
        inverses(between(places), gaps(s)[0], equal),
        inverses(places[None, :] + places[:, None], total, ~aside & apart),
        inverses(places, s, ~positive),
        strict=True,
    )
    moved = [_svd_moved(a_dot, u, vh, s.shape[-1], _Denominators(*by)) for by in pairs]
    poles = [(u_pole, None, vh_pole) for u_pole, vh_pole in moved]
    return Limit((None, places + 0 * s, None), *poles)


def _some_equal_or_zero(outputs: Any) -> Any:
    s = outputs[1]
    return np.any(steps(s)[1]) | np.any(~_totals(s)[2])


def _svdvals_jvp(primals: Any, tangents: Any, outputs: Any) -> Any:
    (a,), (a_dot,) = primals, tangents
    u, _, vh = svd(a, full=False)
    return np.real(np.sum(np.conjugate(u) * (a_dot @ _adjoint(vh)), axis=-2))


svd: Primitive = Primitive(
    "svd",
    "special",
    _svd_types,
    lambda a, full: tuple(np.linalg.svd(a, full_matrices=full)),
    ("full",),
    jvp=_svd_jvp,
    several=True,
    notes={"n_outputs": 3, "at_equal": AtEqual(_some_equal_or_zero, _svd_at_equal, (0, 2))},
    reason=WHY,
    convention=EQUAL + "; so does the rotation among the columns that full matrices add",
)
svdvals = Primitive(
    "svdvals",
    "special",
    lambda a: (_svd_types(a, False)[1],),
    lambda a: np.linalg.svd(a, compute_uv=False),
    jvp=_svdvals_jvp,
    notes={"drift": drifting(1)},
    reason="an implicit function of the matrix",
)
