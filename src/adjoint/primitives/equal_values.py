"""Values that may be equal: differences to divide by, and limits where there are none.

The factors of a perturbed matrix turn: ``dU = U K`` with K antihermitian, and K holds
differences of eigenvalues (or of singular values) in its denominators. Where two of them are
equal the factors are not determined by the matrix, and K is 0 there. Functions that do not
depend on the choice have their derivative as the limit along matrices with the same factors
whose values ``w + t (0, 1, 2, ...)`` differ: rows that may meet equal values note ``at_equal``,
which ``differentiate/equal_values.py`` reads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from adjoint.primitives.choose import stop_gradient

WHY = "an implicit function of the matrix, with a factor that may be chosen"
EQUAL = "equal values: the factors' rotation within their space counts as 0"


def diagonal(a: Any) -> Any:
    """The diagonals of the last two axes."""
    return np.einsum("...ii->...i", a)


def gaps(values: Any) -> tuple[Any, Any]:
    """``values[j] - values[i]``, and where that is more than rounding in the largest."""
    gap = values[..., None, :] - values[..., :, None]
    return gap, np.abs(gap) > rounding(values)[..., None]


def rounding(values: Any) -> Any:
    """Below this values are not told apart: the rounding errors of LAPACK."""
    size = np.max(np.abs(values), axis=-1, keepdims=True, initial=0)
    return 32 * np.finfo(values.dtype).eps * size


def over(x: Any, denominator: Any, use: Any) -> Any:
    """A quotient where it is to be used, and 0 elsewhere."""
    return np.where(use, x, 0) / np.where(use, denominator, 1)


class Limit(NamedTuple):
    """How factors move along the matrices with the same factors, ``w + t (0, 1, 2, ...)``.

    Args:
        drifts: slopes of the outputs in t; None where they stay.
        poles: of the tangents of the outputs, what 1/t is multiplied by; None where finite.
        second: what 1/t**2 is multiplied by: zero, but not in derivatives of it.
    """

    drifts: tuple[Any, ...]
    poles: tuple[Any, ...]
    second: tuple[Any, ...]


class AtEqual(NamedTuple):
    """What is to be done at equal values.

    Args:
        met: of the outputs: whether equal values are met at all.
        limit: ``limit(tangent of the matrix, outputs, **attributes)``.
        vectors: which of the outputs are not determined there.
    """

    met: Callable[..., Any]
    limit: Callable[..., Limit]
    vectors: tuple[int, ...]


def steps(values: Any, first: int = 0) -> tuple[Any, Any]:
    """The slopes in t of the values, and which pairs are equal."""
    places = np.arange(first, first + values.shape[-1], dtype=values.dtype)
    _, apart = gaps(values)
    return places, ~apart & ~np.eye(places.size, dtype=bool)


def inverses(step: Any, size: Any, use: Any) -> tuple[Any, Any]:
    """Of ``1 / (size + t step)`` with a size that is zero, what 1/t and 1/t**2 stand before."""
    first = over(np.ones((), size.dtype), step, use)
    return first, (stop_gradient(size) - size) * first * first


def between(places: Any) -> Any:
    """Differences of each of some numbers from each."""
    return places[None, :] - places[:, None]


def some_equal(outputs: Any) -> Any:
    """Whether some of the values, the first output, are equal."""
    return np.any(steps(outputs[0])[1])


def drifting(first: int) -> Callable[..., Any]:
    """The slopes in t of values that are computed without the vectors, in the same order."""
    return lambda values: steps(values, first)[0] + 0 * values
