"""Families of scipy.stats with a formula for each side of their center, smooth across it.

SciPy writes these with ``abs(x)`` and ``sign(x)``, whose derivatives are missing at 0. Here 0
belongs to one side, whose formula goes on past it; where a root of x would be met there, a series
takes its place. Values are SciPy's but for rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.scipy_stats_formulas import FORMULAS
from adjoint.trace.calls.support import moved_as

_NEAR = 0.5
_TERMS = 16  # of a series in a number below that


def _size(x: Any) -> Any:
    """The absolute value, with the slope of the right side at 0."""
    return np.where(x < 0, -x, x)


def _logistic_logpdf(x: Any) -> Any:
    y = -_size(x)
    return y - 2 * np.log1p(np.exp(y))


def _genlogistic_logpdf(x: Any, c: Any) -> Any:
    size = _size(x)
    rise = np.where(x < 0, -c, -1.0)
    return np.log(c) + rise * size - (c + 1) * np.log1p(np.exp(-size))


def _gennorm_half(x: Any, beta: Any) -> Any:
    """The chance between 0 and x, by x >= 0 times a function that is smooth in abs(x)**beta."""
    a, size = 1 / beta, _size(x)
    u = size**beta
    near = u < _NEAR
    small = np.where(near, u, 0.0)
    total: Any = 1.0
    for k in range(_TERMS, 0, -1):
        total = 1 + total * small / (a + k)
    close = 0.5 * x * np.exp(-small) * total / sp.gamma(a + 1)
    far = 0.5 * sp.gammainc(a, np.where(near, 1.0, u))
    return np.where(near, close, np.where(x < 0, -far, far))


def _gennorm_tail(x: Any, beta: Any) -> Any:
    """The chance of what is above x."""
    u = _size(x) ** beta
    far = (x > 0) & (u >= _NEAR)
    tail = 0.5 * sp.gammaincc(1 / beta, np.where(far, u, 1.0))
    return np.where(far, tail, 0.5 - _gennorm_half(x, beta))


def _gennorm_isf(q: Any, beta: Any) -> Any:
    """Two of Newton's steps from SciPy's number: exact derivatives up to the third."""
    at, shape = stop_gradient(q), stop_gradient(beta)
    side = np.where(at < 0.5, 1.0, -1.0)
    x = side * sp.gammainccinv(1 / shape, 2 * np.where(at < 0.5, at, 1 - at)) ** (1 / shape)
    start = x = stop_gradient(x)
    for _ in range(2):
        log_density = np.log(0.5 * beta) - sp.gammaln(1 / beta) - _size(x) ** beta
        x = x + (_gennorm_tail(x, beta) - q) / np.exp(log_density)
    return x + stop_gradient(start - x)


def _half_laws(x: Any, below: Any, above: Any) -> tuple[Any, Any]:
    """Chances of what is beyond x on either side, from those of abs(x): cdf and sf."""
    left = x < 0
    return np.where(left, 0.5 * above, 0.5 + 0.5 * below), np.where(
        left, 0.5 + 0.5 * below, 0.5 * above
    )


def _dgamma(x: Any, a: Any) -> tuple[Any, Any]:
    size = _size(x)
    return _half_laws(x, sp.gammainc(a, size), sp.gammaincc(a, size))


def _dweibull(x: Any, c: Any) -> tuple[Any, Any]:
    power = -(_size(x) ** c)
    return _half_laws(x, -np.expm1(power), np.exp(power))


# *** Pearson's third law: SciPy takes the normal one where the skew is next to nothing ***

_NORMAL = 1.6e-5


def _pearson3_cdf(x: Any, skew: Any) -> Any:
    """By the incomplete gamma function; at no skew by Edgeworth's series."""
    small = np.abs(skew) < _NORMAL
    safe, s = np.where(small, 1.0, skew), np.where(small, skew, 0.0)
    shape = 4 / (safe * safe)
    t = np.maximum(shape + 2 * x / safe, 0.0)
    skewed = np.where(safe > 0, sp.gammainc(shape, t), sp.gammaincc(shape, t))
    x2 = x * x
    curved = x * ((x2 - 3) / 16 + ((x2 - 10) * x2 + 15) / 72)
    bell = np.exp(-0.5 * x2) / np.sqrt(2 * np.pi)
    normal = sp.ndtr(x)
    series = moved_as(normal, normal - bell * s * ((x2 - 1) / 6 + s * curved))
    return np.where(small, series, skewed)


def _pearson3_ppf(q: Any, skew: Any) -> Any:
    """Likewise, by the series of Cornish and Fisher."""
    small = np.abs(skew) < _NORMAL
    safe, s = np.where(small, 1.0, skew), np.where(small, skew, 0.0)
    shape = 4 / (safe * safe)
    t = sp.gammaincinv(shape, np.where(safe < 0, 1 - q, q))
    z = sp.ndtri(q)
    curved = z * ((z * z - 3) / 16 - (2 * z * z - 5) / 36)
    series = moved_as(z, z + s * ((z * z - 1) / 6 + s * curved))
    return np.where(small, series, t * 0.5 * safe - 2 / safe)


def _add(name: str, **formulas: Any) -> None:
    FORMULAS[name] = {**FORMULAS.get(name, {}), **formulas}


_add("logistic", _logpdf=_logistic_logpdf)
_add("genlogistic", _logpdf=_genlogistic_logpdf)
_add(
    "gennorm",
    _sf=_gennorm_tail,
    _cdf=lambda x, beta: _gennorm_tail(-x, beta),
    _isf=_gennorm_isf,
    _ppf=lambda q, beta: -_gennorm_isf(q, beta),
)
_add("dgamma", _cdf=lambda x, a: _dgamma(x, a)[0], _sf=lambda x, a: _dgamma(x, a)[1])
_add("dweibull", _cdf=lambda x, c: _dweibull(x, c)[0], _sf=lambda x, c: _dweibull(x, c)[1])
_add(
    "pearson3",
    _cdf=_pearson3_cdf,
    _sf=lambda x, skew: _pearson3_cdf(-x, -skew),
    _ppf=_pearson3_ppf,
    _isf=lambda q, skew: -_pearson3_ppf(q, -skew),
)
