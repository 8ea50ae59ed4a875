"""Families of scipy.stats whose densities SciPy has compiled: mixtures, and Bessel functions."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import scipy.special as sp

from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.support import as_operand

_LOG_SQRT_2PI = float(0.5 * np.log(2 * np.pi))
_LOG_2 = float(np.log(2.0))


def log1p_over(c: Any, x: Any) -> Any:
    """log(1 + c x) / c, and its limit x at c = 0."""
    z = c * x
    near = np.abs(z) < 1e-3
    series = x * (1 + z * (-1 / 2 + z * (1 / 3 + z * (-1 / 4 + z * (1 / 5 - z / 6)))))
    shape = np.where(near, 1.0, c)
    return np.where(near, series, np.log1p(np.where(near, 1.0, z)) / shape)


# *** mixtures over a chi distributed scale ***


@cache
def _grid() -> tuple[Any, Any]:
    """Places on the line and weights, wide on both sides."""
    z = np.arange(-5.2, 5.21, 0.05)
    return np.sinh(z), np.cosh(z) * 0.05


def scales(df: Any) -> tuple[Any, Any]:
    """Values of sqrt(chi2(df) / df) on a new last axis, and their chances."""
    df = df[..., None]
    u, weights = _grid()
    log_s = u / np.sqrt(2 * df + 1)
    half = 0.5 * df
    # the density of log s: s^df exp(-df s^2 / 2), normalised
    constant = _LOG_2 + half * np.log(half) - sp.gammaln(half)
    log_density = constant + df * log_s - half * np.exp(np.minimum(2 * log_s, 60.0))
    return np.exp(log_s), np.exp(log_density) * weights / np.sqrt(2 * df + 1)


def scales_apart(df: Any, step: int) -> tuple[Any, Any]:
    """Such values that stay where they are, every so many of them, and weights of an integral."""
    u, weights = (part[::step] for part in _grid())
    wide = np.sqrt(2 * stop_gradient(df) + 1)
    s = np.exp(u / wide)
    return s, s * weights * step / wide


def _full(*xs: Any) -> list[Any]:
    shape = np.broadcast_shapes(*map(np.shape, xs))
    return [np.broadcast_to(as_operand(x), shape) for x in xs]


def _nct_pdf(x: Any, df: Any, nc: Any) -> Any:
    x, df, nc = _full(x, df, nc)
    s, chance = scales(df)
    off = x[..., None] * s - nc[..., None]
    return np.sum(chance * s * np.exp(-0.5 * off * off - _LOG_SQRT_2PI), axis=-1)


def _nct_cdf(x: Any, df: Any, nc: Any) -> Any:
    x, df, nc = _full(x, df, nc)
    s, chance = scales(df)
    return np.sum(chance * sp.ndtr(x[..., None] * s - nc[..., None]), axis=-1)


def _ncx2_logpdf(x: Any, df: Any, nc: Any) -> Any:
    order = 0.5 * df - 1
    product = np.sqrt(x * nc)
    spread = np.sqrt(x) - np.sqrt(nc)
    middle = np.log(0.5 * sp.ive(order, product))
    return 0.5 * order * np.log(x / nc) - 0.5 * spread * spread + middle


def _ncf_pdf(x: Any, dfn: Any, dfd: Any, nc: Any) -> Any:
    x, dfn, dfd, nc = _full(x, dfn, dfd, nc)
    s, chance = scales(dfd)
    # where there is no chance the places are too far out for Bessel functions
    stretch = np.where(chance > 0, dfn[..., None] * s * s, 1.0)
    inner = _ncx2_logpdf(x[..., None] * stretch, dfn[..., None], nc[..., None])
    return np.sum(chance * stretch * np.exp(inner), axis=-1)


# *** by Bessel functions of the second kind ***


def _geninvgauss_logpdf(x: Any, p: Any, b: Any) -> Any:
    constant = -_LOG_2 - np.log(sp.kve(p, b)) + b
    return constant + (p - 1) * np.log(x) - 0.5 * b * (x + 1 / x)


def _genhyperbolic_logpdf(x: Any, p: Any, a: Any, b: Any) -> Any:
    t = np.sqrt(a * a - b * b)
    r = np.hypot(1.0, x)
    inner = np.log(sp.kve(p - 0.5, a * r)) - a * r
    outer = np.log(sp.kve(p, t)) - t
    constant = p * np.log(t) - _LOG_SQRT_2PI - (p - 0.5) * np.log(a) - outer
    return constant + (p - 0.5) * np.log(r) + inner + b * x


# *** by logarithms that have limits ***


def _pearson3_logpdf(x: Any, skew: Any) -> Any:
    """A shifted gamma density by the distance from its mean: finite as the skew goes to 0."""
    w = 0.5 * x * skew
    near = np.abs(w) < 0.02
    v = np.where(near, w, 0.0)
    series: Any = 0.0
    for k in range(11, 1, -1):  # (log(1 + w) - w) / w^2
        series = series * v + (-1.0 if k % 2 == 0 else 1.0) / k
    inside = np.where(near, 1.0, np.maximum(w, -1.0))
    bend = np.where(near, series, (np.log1p(inside) - inside) / (inside * inside))
    e = 0.25 * skew * skew  # one over the shape
    small = e < 1 / 16
    i = np.where(small, e, 0.0)
    stirling = i * (1 / 12 - i * i * (1 / 360 - i * i * (1 / 1260 - i * i / 1680)))
    a = 1 / np.where(small, 1.0, e)
    exact = sp.gammaln(a) - (a - 0.5) * np.log(a) + a - _LOG_SQRT_2PI
    error = np.where(small, stirling, exact)
    value = x * x * bend - np.log1p(np.maximum(w, -1.0)) - _LOG_SQRT_2PI - error
    return np.where(w > -1, value, -np.inf)


def _kappa4_parts(x: Any, h: Any, k: Any) -> tuple[Any, Any]:
    first = log1p_over(-k, x)
    return first, log1p_over(-h, np.exp(-first))


def _kappa4_logpdf(x: Any, h: Any, k: Any) -> Any:
    first, second = _kappa4_parts(x, h, k)
    return -(1 - k) * first - (1 - h) * second


def _kappa4_ends(h: Any, k: Any) -> tuple[Any, Any]:
    low = np.where(h > 0, -sp.boxcox(1 / np.where(h > 0, h, 1.0), k), -np.inf)
    low = np.where((h <= 0) & (k < 0), 1 / np.where(k < 0, k, 1.0), low)
    return low, np.where(k > 0, 1 / np.where(k > 0, k, 1.0), np.inf)


def _genextreme_ppf(log_q: Any, c: Any) -> Any:
    return -sp.boxcox(-log_q, c)


NONCENTRAL: dict[str, dict[str, Any]] = {
    "nct": {"_pdf": _nct_pdf, "_cdf": _nct_cdf, "_sf": lambda x, df, nc: _nct_cdf(-x, df, -nc)},
    "ncx2": {"_logpdf": _ncx2_logpdf},
    "ncf": {"_pdf": _ncf_pdf},
    "geninvgauss": {"_logpdf": _geninvgauss_logpdf},
    "genhyperbolic": {"_logpdf": _genhyperbolic_logpdf},
    "pearson3": {"_logpdf": _pearson3_logpdf},
    "kappa4": {
        "support": _kappa4_ends,
        "_logpdf": _kappa4_logpdf,
        "_logcdf": lambda x, h, k: -_kappa4_parts(x, h, k)[1],
        "_cdf": lambda x, h, k: np.exp(-_kappa4_parts(x, h, k)[1]),
        "_ppf": lambda q, h, k: -sp.boxcox(-sp.boxcox(q, h), k),
    },
    "genextreme": {
        "_logpdf": lambda x, c: -np.exp(-log1p_over(-c, x)) - (1 - c) * log1p_over(-c, x),
        "_logcdf": lambda x, c: -np.exp(-log1p_over(-c, x)),
        "_cdf": lambda x, c: np.exp(-np.exp(-log1p_over(-c, x))),
        "_sf": lambda x, c: -np.expm1(-np.exp(-log1p_over(-c, x))),
        "_ppf": lambda q, c: _genextreme_ppf(np.log(q), c),
        "_isf": lambda q, c: _genextreme_ppf(np.log1p(-q), c),
    },
}
