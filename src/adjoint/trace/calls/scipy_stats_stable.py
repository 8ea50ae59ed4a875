"""The stable laws of scipy.stats: SciPy's values, moved by Nolan's integrals that define them.

Nolan (1997) has the density and the chance as integrals over an angle of ``g exp(-g)`` and of
``exp(-g)``, where g grows or falls along the angle and is 1 at the peak. The peak is found when
the program runs; on either side of it the points crowd towards both ends. Near 0, where the
integrals shrink to a corner, a power series takes their place.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from adjoint.graph.types import ArrayType
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.from_values import from_values
from adjoint.trace.calls.scipy_special import doubled, floating
from adjoint.trace.calls.scipy_stats import density, distribution, parsed
from adjoint.trace.calls.scipy_stats_formulas import FORMULAS
from adjoint.trace.calls.scipy_stats_numeric import grid, plain, unsure
from adjoint.trace.calls.support import moved_as
from adjoint.trace.scipy_gate import scipy_rule

_HALF = np.pi / 2
_NEAR_ONE = 0.005  # SciPy takes exponents so near to 1 for 1


def _log_g(p: Any, r: Any, x: Any, alpha: Any, beta: Any, start: Any) -> Any:
    """The logarithm of g at p after the least angle and r before the greatest, for x > 0."""
    power = alpha / (alpha - 1)
    turned = np.cos((alpha - 1) * p + start)  # from alpha start + (alpha - 1) angle
    ratio = np.log(np.sin(r)) - np.log(np.sin(alpha * p))
    constant = np.log(np.cos(alpha * start)) / (alpha - 1) + power * np.log(x)
    return constant + power * ratio + np.log(turned) - np.log(np.sin(r))


def _log_g_at_one(p: Any, r: Any, x: Any, alpha: Any, beta: Any, start: Any) -> Any:
    """The same for the exponent 1, and beta > 0."""
    part = (_HALF * (1 - beta) + beta * p) / beta
    tangent = np.where(p < r, -1 / np.tan(p), 1 / np.tan(r))
    rest = np.log(part * beta) - np.log(np.sin(np.where(p < r, p, r)))
    return rest + part * tangent - np.log(_HALF) - _HALF * x / beta


def _peak(x: Any, alpha: Any, beta: Any, start: Any, at_one: bool) -> tuple[Any]:
    """The share of the angle's range at which g is 1, by halving."""
    log_g, width = _log_g_at_one if at_one else _log_g, _HALF + start
    rises = at_one | (alpha < 1)
    low, high = np.zeros(np.shape(x)), np.ones(np.shape(x))
    with np.errstate(all="ignore"):
        for _ in range(60):
            middle = 0.5 * (low + high)
            value = log_g(middle * width, (1 - middle) * width, x, alpha, beta, start)
            beyond = (value > 0) == rises
            low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    return (np.clip(0.5 * (low + high), 1e-12, 1 - 1e-12),)


def _integrals(x: Any, alpha: Any, beta: Any, start: Any, at_one: bool, peaked: bool) -> Any:
    """Of g exp(-g) if peaked, and of exp(-g)."""
    kind = ArrayType(np.shape(x), np.dtype(np.float64))
    (middle,) = from_values(_peak, (kind,), [x, alpha, beta, start], at_one)
    share, weights = grid("interval")
    width = (_HALF + start)[..., None]
    wide = [v[..., None] for v in (x, alpha, beta, start)]
    middle = middle[..., None]
    total: Any = 0.0
    for p, r, size in (
        (middle * share, 1 - middle * share, middle),
        (1 - (1 - middle) * share, (1 - middle) * share, 1 - middle),
    ):
        value = (_log_g_at_one if at_one else _log_g)(p * width, r * width, *wide)
        value = np.clip(np.where(np.isnan(value), 7.0, value), -700.0, 7.0)
        inside = np.exp((value if peaked else 0.0) - np.exp(value))
        total = total + np.sum(weights * size * width * inside, axis=-1)
    return total


def _series(x: Any, alpha: Any, start: Any, chance: bool) -> Any:
    """The powers of x at 0."""
    scale = np.cos(alpha * start) ** (1 / alpha)
    total: Any = 0.5 - start / np.pi if chance else 0.0
    for n in range(9):
        turn = np.cos((n + 1) * start - n * _HALF)
        size = np.exp(sp.gammaln((n + 1) / alpha) - sp.gammaln(n + 1.0)) * scale ** (n + 1)
        total = total + size * turn * x ** (n + chance) / (n + 1 if chance else 1) / alpha / np.pi
    return total


def _right_of_zero(x: Any, alpha: Any, beta: Any, chance: bool) -> Any:
    """For x >= 0, and exponents that are not 1."""
    start = np.arctan(beta * np.tan(_HALF * alpha)) / alpha
    near = x < 0.02 ** (1 / alpha)
    by_powers = _series(np.where(near, x, 0.0), alpha, start, chance)
    far = np.where(near, 1.0, x)
    area = _integrals(far, alpha, beta, start, False, not chance)
    if chance:
        below = np.where(alpha < 1, 0.5 - start / np.pi, 1.0)
        value = below + np.sign(1 - alpha) / np.pi * area
    else:
        value = alpha / (np.pi * np.abs(alpha - 1) * far) * area
    return np.where(near, by_powers, value)


def _at_one(x: Any, beta: Any, chance: bool) -> Any:
    """For the exponent 1, and beta >= 0."""
    even = beta < 1e-6
    some = np.where(even, 0.5, beta)
    area = _integrals(x, 1.0 + 0 * x, some, _HALF + 0 * x, True, not chance)
    if chance:
        return np.where(even, 0.5 + np.arctan(x) / np.pi, area / np.pi)
    return np.where(even, 1 / (np.pi * (1 + x * x)), area / (2 * some))


def _stable(x: Any, alpha: Any, beta: Any, chance: bool) -> Any:
    """The density or the chance of the standard law, by the formulas."""
    one = np.abs(alpha - 1) < _NEAR_ONE
    flipped = np.where(one, beta < 0, x < 0)
    sign = np.where(flipped, -1.0, 1.0)
    x, beta = x * sign, beta * sign
    other = _right_of_zero(np.where(one, 1.0, x), np.where(one, 1.5, alpha), beta, chance)
    value = np.where(one, _at_one(np.where(one, x, 1.0), np.where(one, beta, 0.5), chance), other)
    return np.where(flipped, 1 - value, value) if chance else value


def _function(name: str, x: Any, alpha: Any, beta: Any) -> Any:
    """SciPy's number, moved by the integral where the two are of the same thing."""
    import scipy.stats

    law = scipy.stats.levy_stable
    shape = np.broadcast_shapes(np.shape(x), np.shape(alpha), np.shape(beta))
    x, alpha, beta = (np.broadcast_to(doubled(v), shape) for v in (x, alpha, beta))
    value = plain(law, name, x, alpha, beta)
    one = np.abs(alpha - 1) < _NEAR_ONE
    if law.parameterization == "S0":
        x = x + np.where(one, 0.0, beta * np.tan(_HALF * np.where(one, 0.5, alpha)))
    moving = _stable(x, alpha, beta, name == "cdf")
    # SciPy gives one number near 0: too coarse to compare
    coarse = np.abs(x) < 0.005 ** (1 / alpha)
    same = np.abs(moving - value) <= 1e-6 * (1 + np.abs(value))
    sure = np.isfinite(moving) & (stop_gradient(coarse) | same)
    fixed = np.where(sure, moved_as(value, np.where(sure, moving, 0.0)), unsure(value, x))
    return np.where(one, unsure(fixed, alpha), fixed)  # on no side of 1 it is that of the law


FORMULAS["levy_stable"] = {
    "_pdf": lambda x, alpha, beta: _function("pdf", x, alpha, beta),
    "_cdf": lambda x, alpha, beta: _function("cdf", x, alpha, beta),
}


def _located(name: str) -> None:
    """The public function, whose loc means something else for the exponent 1."""
    inner = (density if name == "pdf" else distribution)(f"_{name}")

    @scipy_rule(f"scipy.stats._levy_stable.levy_stable_gen.{name}")
    def rule(self: Any, x: Any, *args: Any, **kwds: Any) -> Any:
        (alpha, beta), loc, scale = parsed(self, args, kwds)
        if self.parameterization == "S1":
            moved = 2 * beta * scale * np.log(scale) / np.pi
            loc = np.where(floating(alpha) == 1, loc + moved, loc)
        return inner(self, x, alpha, beta, loc=loc, scale=scale)


for _name in ("pdf", "cdf"):
    _located(_name)
