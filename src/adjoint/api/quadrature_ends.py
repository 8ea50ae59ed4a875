"""Points for integrals whose values QUADPACK extrapolates: an integrand that is singular at an end.

There the sum over the final subdivision is not the integral, and neither is the sum of derivatives,
which are more singular still. So the parts that QUADPACK was least sure of get points that crowd
towards their ends, doubly exponentially (Takahasi and Mori 1974). Parts that lead up to an end of
the range are one part for this.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

_ROWS = 3  # of points for each part that is rough
_ROUGH = 1e-10  # of the integral: parts with a larger error, where the sum of parts is as far off


@cache
def crowded(rows: int, columns: int) -> tuple[Any, Any, Any]:
    """Places on (0, 1), their distances from 1, and weights; in rows as other points come."""
    count = rows * columns
    s, step = np.linspace(-4.8, 4.8, count, retstep=True)
    exponent = np.pi * np.sinh(s)
    low, high = 1 / (1 + np.exp(-exponent)), 1 / (1 + np.exp(exponent))
    weights = step * np.pi * np.cosh(s) * low * high
    shape = (rows, columns)
    return low.reshape(shape), high.reshape(shape), weights.reshape(shape)


def rough_parts(info: Any, count: int, off: float, value: float) -> Any:
    """Which parts of QUADPACK's are no good by themselves, where their sum is off; else none."""
    enough = _ROUGH * abs(value)
    rough = np.asarray(info["elist"][:count]) > enough
    return rough if off > enough else np.zeros(count, bool)


def joined_at_ends(left: Any, right: Any, at: Any, rough: Any) -> list[tuple[Any, Any, int]]:
    """The rough parts, those that lead up to an end of a piece, 0 or 1, in one."""
    low, high = np.minimum(left, right), np.maximum(left, right)
    found: list[tuple[Any, Any, int]] = []
    left_over = rough.copy()
    for piece in np.unique(at[rough]):
        inside = np.flatnonzero(at == piece)
        inside = inside[np.argsort(low[inside])]
        for chain, place, end in ((inside, low, 0.0), (inside[::-1], high, 1.0)):
            stop = np.flatnonzero(~left_over[chain])
            run = chain[: stop[0]] if len(stop) else chain
            if len(run) and abs(place[run[0]] - end) < 1e-14:
                whole = (np.min(low[run]), np.max(high[run]))
                found.append(
                    (*(whole if left[run[0]] < right[run[0]] else whole[::-1]), int(piece))
                )
                left_over[run] = False
    alone = np.flatnonzero(left_over)
    return found + [(left[k], right[k], int(at[k])) for k in alone]


def points_of_parts(
    left: Any, right: Any, at: Any, rough: Any, kronrod: tuple[Any, Any], edges: Any
) -> tuple[Any, Any, Any]:
    """Places, weights and pieces of all points, in rows of as many as Kronrod's.

    Args:
        left: where parts begin, as shares of the way along their piece.
        right: where they end.
        at: which piece they are of.
        rough: which of them get points that crowd towards their ends.
        kronrod: points and weights on [-1, 1] for the others.
        edges: of the pieces, or None where shares are places themselves.
    """
    nodes, weights = kronrod
    smooth = ~rough
    half = 0.5 * (right - left)[smooth, None]
    places = [0.5 * (left + right)[smooth, None] + half * nodes]
    shares, pieces = [half * weights], [at[smooth]]
    for begin, end, piece in joined_at_ends(left, right, at, rough):
        low, high, share = crowded(_ROWS, len(nodes))
        size = end - begin
        t = np.where(low < 0.5, begin + size * low, end - size * high)
        first, last = (0.0, 1.0) if edges is None else (edges[piece], edges[piece + 1])
        x = first + (last - first) * t
        away = (x != first) & (x != last)  # where the integrand may be infinite
        places.append(np.where(away, t, 0.5))
        shares.append(np.where(away, size * share, 0.0))
        pieces.append(np.full(_ROWS, piece))
    return np.concatenate(places), np.concatenate(shares), np.concatenate(pieces)
