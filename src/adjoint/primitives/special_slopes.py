"""Derivatives of special functions in parameters for which no formula is known.

Orders of Bessel functions, parameters of hypergeometric ones, shapes of noncentral
distributions: the functions are analytic in them and SciPy's values are good to the last
digits, so thirteen values in a row, wide apart, give a derivative to about eleven digits: the
error of the formula falls with the twelfth power of the distance, and rounding is not
magnified as it is by small differences. How wide is said by a function's *reach* in each
operand: how far away it still looks like a polynomial, a pole or the end of its domain
included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import factorial, prod
from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive, primitives
from adjoint.primitives.special import SciPyFunction, special

Reach = Callable[..., Any]
_HALF = 6  # points on either side
_STEP = 0.15  # of the reach
_AT_ONCE = 2**16  # values of the function
_NONE = 1e-90  # a distance that is none
MOST = 4  # derivatives in one operand


@cache
def _coefficients(order: int) -> tuple[tuple[int, float], ...]:
    """Offsets and weights whose sum is the derivative of that order, at distance 1."""
    offsets = np.arange(-_HALF, _HALF + 1)
    powers = np.vander(offsets.astype(float), increasing=True).T
    wanted = np.zeros(2 * _HALF + 1)
    wanted[order] = factorial(order)
    weights = np.linalg.solve(powers, wanted)
    return tuple(
        (int(k), float(w)) for k, w in zip(offsets, weights, strict=True) if abs(w) > 1e-13
    )


def _distance(reach: Reach, xs: Sequence[Any]) -> Any:
    """A power of two below the wanted distance: places a few apart are then exact."""
    plain = [x if np.any(np.imag(x)) else np.real(x) for x in xs]
    wanted = np.maximum(_STEP * np.real(reach(*plain)), 1e-100)
    return np.exp2(np.floor(np.log2(wanted)))


def stencil(function: Callable[..., Any], orders: Sequence[int], xs: Any, reaches: Any) -> Any:
    """A mixed derivative of a function of vectors of one length."""
    moving = [i for i, n in enumerate(orders) if n]
    if any(orders[i] > MOST for i in moving):
        return np.full(np.shape(xs[0]), np.nan)
    steps = {i: _distance(reaches[i], xs) for i in moving}
    if not all(np.any(steps[i] > _NONE) for i in moving):  # what counts does not move
        return np.full(np.shape(xs[0]), np.nan)
    rules = [_coefficients(orders[i]) for i in moving]
    at_once = max(1, _AT_ONCE // prod(len(rule) for rule in rules))
    parts = [np.zeros(0)]
    for first in range(0, len(xs[0]), at_once):
        part = slice(first, first + at_once)
        places = [x[part] for x in xs]
        for axis, (i, rule) in enumerate(zip(moving, rules, strict=True)):
            offsets = np.array([k for k, _ in rule]).reshape(-1, *(1,) * (len(moving) - axis))
            places[i] = places[i] + offsets * steps[i][part]
        values = function(*np.broadcast_arrays(*places))
        for rule in rules:  # the first axis goes; one term after another, whatever the size
            values = sum(w * value for (_, w), value in zip(rule, values, strict=True))
        parts.append(values)
    total = np.concatenate(parts)
    for i in moving:
        known = steps[i] > _NONE  # at the end of a domain there is no room
        total = np.where(known, total / np.where(known, steps[i], 1.0) ** orders[i], np.nan)
    return total


class _Slopes:
    """Evaluates a row of :func:`slopes`: counts of derivatives first, then the operands."""

    def __init__(self, function: Callable[..., Any], reaches: tuple[Reach, ...]) -> None:
        self.function, self.reaches = function, reaches

    def __call__(self, *operands: Any) -> Any:
        k = len(self.reaches)
        arrays = np.broadcast_arrays(*operands)
        counts, xs = arrays[:k], [np.asarray(x) for x in arrays[k:]]
        dtype = np.result_type(*xs)
        wide = [x.astype(np.result_type(x.dtype, np.float64)) for x in xs]
        out = np.zeros(arrays[0].shape, np.result_type(*wide))
        rows = np.stack([np.ravel(c) for c in counts], axis=-1)
        with np.errstate(all="ignore"):
            for orders in {tuple(map(int, row)) for row in np.unique(rows, axis=0)}:
                here = np.all([c == n for c, n in zip(counts, orders, strict=True)], axis=0)
                given = [x[here] for x in wide]
                out[here] = stencil(self.function, orders, given, self.reaches)
        return out.astype(dtype)[()]


def slopes(
    name: str,
    reaches: tuple[Reach, ...],
    domain: Any,
    function: Callable[..., Any] | None = None,
    real: tuple[int, ...] = (),
) -> Primitive:
    """A row for all mixed derivatives of a function: counts of each, then its operands.

    Args:
        name: of the function, and of the row but for ``_slopes``.
        reaches: for each operand.
        domain: for each operand, for sampling.
        function: if not SciPy's of that name.
        real: operands that SciPy's takes as real numbers also where others are complex.
    """
    k = len(reaches)
    at_once = min(k, 2) if k < 4 else 1  # as few values as samples need

    def raising(which: int) -> Any:
        def partial(out: Any, *operands: Any) -> Any:
            raised = [n + 1 if i == which else n for i, n in enumerate(operands[:k])]
            return row(*raised, *operands[k:])

        return partial

    row = special(
        f"{name}_slopes",
        *(None,) * k,
        *map(raising, range(k)),
        integers=tuple(range(k)),
        evaluate=_Slopes(function or SciPyFunction(name, real), reaches),
        domain=((0, 0),) * (k - at_once) + ((0, 1),) * at_once + tuple(domain),
        doc=f"derivatives of {name}, counted for each operand, from thirteen values in each",
    )
    return row


def along(name: str, which: int) -> Any:
    """The partial of a function in one operand, by its row of slopes."""

    def partial(out: Any, *xs: Any) -> Any:
        counts = [np.broadcast_to(np.int64(i == which), xs[0].shape) for i in range(len(xs))]
        return primitives[f"{name}_slopes"](*counts, *xs)

    return partial


# *** reaches ***


def of_order(v: Any, z: Any) -> Any:
    """Bessel functions in their order: like exp(v log z), and waves of length 2."""
    size = np.abs(z)
    reach = 1 / (np.pi + np.abs(np.log(np.where(size == 0, 1, size) / 2)) + np.log1p(np.abs(v)))
    return np.where(size == 0, np.minimum(reach, np.abs(v)), reach)  # 0 on one side of order 0


def of_struve_order(v: Any, z: Any) -> Any:
    """Struve functions in their order: at 0 they are 0 on both sides of 0, down to order -1."""
    reach = of_order(v, np.where(z == 0, 1, z))
    return np.where(z == 0, np.minimum(reach, np.abs(v + 1)), reach)


def of_place(v: Any, z: Any) -> Any:
    """Bessel functions in their argument: like a power of it near 0, and waves further out."""
    return np.minimum(1.0, np.abs(z) / (8 + np.abs(v)))


def from_one(s: Any) -> Any:
    """What has a pole at 1."""
    return np.minimum(1.0, 0.2 * np.abs(s - 1))


def positive(x: Any) -> Any:
    """What has a singularity at 0."""
    return 0.13 * np.abs(x)


def from_poles(b: Any) -> Any:
    """What has poles at 0, -1, -2, ..."""
    return np.minimum(1.0, 0.13 * np.where(b > 0.5, b, np.abs(b - np.round(b))))


def wide(*xs: Any) -> Any:
    """What looks like a polynomial times an exponential of all operands."""
    return 1 / (1 + sum(np.log1p(np.abs(x)) for x in xs))
