"""quad(weight=...): QUADPACK's parts, and on each the weight's own integrals of polynomials.

On a part the integrand is met by a polynomial through Kronrod's points; the integrals of Legendre's
polynomials times an oscillation are spherical Bessel functions, and those times a power follow
each other by a recurrence. So the sum moves with the weight's numbers as with the limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from adjoint.api.on_numbers import on_numbers
from adjoint.api.scipy_quadrature import MOST, NUMBER, function_of_place, kronrod, weighted_sum
from adjoint.errors import ConvergenceError
from adjoint.graph.graph import Graph
from adjoint.graph.types import ArrayType
from adjoint.primitives import control
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.scipy_integrate import refused
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import moved_as
from adjoint.trace.indexing import known_value

_ALGEBRAIC = {"alg": (0, 0), "alg-loga": (1, 0), "alg-logb": (0, 1), "alg-log": (1, 1)}


@cache
def _projection() -> Any:
    """From values at Kronrod's points to coefficients of Legendre's polynomials."""
    points, _ = kronrod()
    return np.linalg.inv(np.polynomial.legendre.legvander(points, len(points) - 1))


@dataclass(frozen=True)
class _Parts:
    """SciPy's parts on plain numbers, as shares of the interval, with its value and error."""

    integrand: Graph
    weight: str
    settings: tuple[tuple[str, Any], ...]
    room: int | None

    def __call__(self, a: Any, b: Any, wvar: Any, *captured: Any) -> tuple[Any, ...]:
        import scipy.integrate

        run = on_numbers(self.integrand, captured, self.room is not None)
        told = scipy.integrate.quad(
            lambda x: float(run(np.float64(x))[0]), float(a), float(b), full_output=1,
            weight=self.weight, wvar=tuple(wvar) if self.weight in _ALGEBRAIC else float(wvar[0]),
            **dict(self.settings),
        )  # fmt: skip
        info, low = told[2], min(a, b)
        count = max(int(info["last"]), 1)
        size = abs(b - a) or 1.0
        ends = [(np.asarray(info[name][:count]) - low) / size for name in ("alist", "blist")]
        if count == 1:  # nothing is told of a whole under an oscillation
            ends = [np.zeros(1), np.ones(1)]
        room = self.room or count
        if count > room:
            raise ConvergenceError(
                f"the integral needs {count} parts, and there is room for {room}",
                function="scipy.integrate.quad",
                remedy="split the interval where the integrand is rough, or allow a larger error",
            )
        left, right = (np.pad(end, (0, room - count), constant_values=0.5) for end in ends)
        return left, right, np.float64(told[0]), np.float64(told[1])


def _oscillating(weight: str, frequency: Any, middle: Any, half: Any) -> Any:
    """The weights of values at Kronrod's points of each part, under a cosine or a sine."""
    import scipy.special as sp

    even: Any = 0.0
    odd: Any = 0.0
    for n, row in enumerate(_projection()):
        share = 2.0 * (-1) ** (n // 2) * sp.spherical_jn(n, frequency * half) * row
        even, odd = (even, odd + share) if n % 2 else (even + share, odd)
    angle = frequency * middle
    if weight == "cos":
        return half * (np.cos(angle) * even - np.sin(angle) * odd)
    return half * (np.sin(angle) * even + np.cos(angle) * odd)


def _powers(exponent: Any) -> tuple[Any, Any]:
    """Weights at Kronrod's points under ``(1 + x)**exponent``; then times ``log(1 + x)``."""
    moment = 2.0 ** (exponent + 1) / (exponent + 1)
    slope = moment * (np.log(2.0) - 1 / (exponent + 1))
    plain: Any = 0.0
    logarithmic: Any = 0.0
    for n, row in enumerate(_projection()):
        if n:
            below = exponent + n + 1
            ratio = (exponent - n + 1) / below
            slope = slope * ratio + moment * (1 - ratio) / below
            moment = moment * ratio
        plain, logarithmic = plain + moment * row, logarithmic + slope * row
    return plain, logarithmic


def _algebraic(
    logs: tuple[int, int], wvar: Any, ends: tuple[Any, Any], shares: tuple[Any, Any], nodes: Any,
    half: Any,
) -> Any:  # fmt: skip
    """The same under powers of the distances from both ends, with logarithms of them."""
    inner = half * kronrod()[1]
    factors, singular = [], []
    for side, off in enumerate((nodes - ends[0], ends[1] - nodes)):
        factors.append(off ** wvar[side] * (np.log(off) if logs[side] else 1.0))
        plain, logarithmic = _powers(wvar[side])
        if logs[side]:
            plain = plain * np.log(half) + logarithmic
        singular.append(half ** (1 + wvar[side]) * (plain[..., ::-1] if side else plain))
    first, last = shares[0][:, None] == 0.0, shares[1][:, None] == 1.0
    whole = np.where(last, singular[1] * factors[0], inner * factors[0] * factors[1])
    return np.where(first, singular[0] * factors[1], whole)


def weighted_integral(
    func: Any, limits: tuple[Any, Any], args: Any, weight: str, wvar: Any,
    settings: tuple[tuple[str, Any], ...],
) -> Any:  # fmt: skip
    """The integral of a function times one of QUADPACK's weights, and its error."""
    if any(np.any(np.isinf(known)) for known in map(known_value, limits) if known is not None):
        raise refused(
            "quad", "weight= on an infinite interval (QUADPACK guesses its limit from its cycles)",
            "a finite end, where what follows is small",
        )  # fmt: skip
    if weight not in (*_ALGEBRAIC, "cos", "sin", "cauchy"):
        raise ValueError(f"{weight} not a recognized weighting function.")
    a, b = (floating(x).astype(np.float64) for x in limits)
    numbers = np.reshape(floating(wvar).astype(np.float64), (-1,))
    recording = function_of_place(func, args, "quad")
    given = [stop_gradient(x) for x in (a, b, numbers, *recording.captured)]
    known = [known_value(x) for x in given]
    if any(x is None for x in known):
        ends = ArrayType((MOST,), np.dtype(np.float64))
        parts = _Parts(recording.graph, weight, settings, MOST)
        found = control.callback(*given, function=parts, types=(ends, ends, NUMBER, NUMBER))
    else:
        found = _Parts(recording.graph, weight, settings, None)(*known)
    left, right, value, off = found
    down = b < a
    low, high = np.where(down, b, a), np.where(down, a, b)
    middle = (low + (high - low) * (0.5 * (left + right)))[:, None]
    half = ((high - low) * (0.5 * (right - left)))[:, None]
    nodes = middle + half * kronrod()[0]
    spare = half == 0
    safe = np.where(spare, 1.0, half)
    extra = (np.zeros(0), np.zeros(0))
    if weight == "cauchy":
        away = nodes - numbers[0]
        met = away == 0
        weights = np.where(met, 0.0, half * kronrod()[1] / np.where(met, 1.0, away))
        pole = np.log(np.abs((high - numbers[0]) / (low - numbers[0]))) - np.sum(weights)
        extra = (numbers, np.reshape(pole, (1,)))
    elif weight in _ALGEBRAIC:
        weights = _algebraic(_ALGEBRAIC[weight], numbers, (low, high), (left, right), nodes, safe)
    else:
        weights = _oscillating(weight, numbers[0], middle, half)
    weights = np.where(spare, 0.0, weights)
    total = weighted_sum(
        recording, np.concatenate([np.reshape(nodes, (-1,)), extra[0]]),
        np.concatenate([np.reshape(weights, (-1,)), extra[1]]),
    )  # fmt: skip
    return moved_as(value, np.where(down, -1.0, 1.0) * total), off
