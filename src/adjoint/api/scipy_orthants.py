"""The chances of boxes under the normal and Student's law in several dimensions.

In two dimensions it is the product of both shares, and Plackett's integral over the correlation,
which is that of a smooth function of the angle whose sine the correlation is; Student's is a
mixture of those. In more SciPy integrates, and its number moves as that integral does: with each
limit like the chance of the others given that limit, with each correlation (Plackett's
identity) like the chance of the others given two, and with the degrees of freedom like the normal
law over scales.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import scipy.special as sp

from adjoint.api.callback import pure_callback
from adjoint.api.custom import custom_jvp
from adjoint.api.gradients import jvp
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.scipy_stats_multivariate import (
    _FROZEN,
    _NORMAL,
    _covariance,
    _dimension,
    _is_recorded,
    _kept,
    _points,
)
from adjoint.trace.calls.scipy_stats_noncentral import scales, scales_apart
from adjoint.trace.scipy_gate import holds_traced, scipy_rule

_FAR = 38.0  # in place of infinity: no chance is left beyond


@cache
def _legendre() -> tuple[Any, Any]:
    """Places and weights on (0, 1)."""
    places, weights = np.polynomial.legendre.leggauss(96)
    return 0.5 * (places + 1), 0.5 * weights


def _below(h: Any, k: Any, correlation: Any) -> Any:
    """The chance that two normal numbers are below h and k."""
    places, weights = _legendre()
    end = np.arcsin(correlation)
    h, k = h[..., None], k[..., None]
    sine = np.sin(end * places)
    exponent = (h * h + k * k - 2 * h * k * sine) / (2 * (1 - sine * sine))
    shared = end * np.sum(weights * np.exp(-exponent), axis=-1) / (2 * np.pi)
    return sp.ndtr(h[..., 0]) * sp.ndtr(k[..., 0]) + shared


def _two(low: Any, high: Any, correlation: Any) -> Any:
    """The chance of a rectangle: by its corners."""
    a, b = low[..., 0], low[..., 1]
    h, k = high[..., 0], high[..., 1]
    above = _below(h, k, correlation) - _below(a, k, correlation)
    return above - _below(h, b, correlation) + _below(a, b, correlation)


def _chance(low: Any, high: Any, shape: Any, df: Any, rng: Any = 0) -> Any:
    """The chance of boxes.

    Args:
        low: limits, one dimension along the last axis.
        high: the same.
        shape: the correlations.
        df: degrees of freedom, None for the normal law.
        rng: what SciPy draws its places with.
    """
    n = high.shape[-1]
    if n == 0:
        return np.ones(high.shape[:-1])
    if n == 1 and df is not None:
        return (sp.stdtr(df, high) - sp.stdtr(df, low))[..., 0]
    if n == 1:
        return (sp.ndtr(high) - sp.ndtr(low))[..., 0]
    if n == 2 and df is None:
        return _two(low, high, shape[0, 1])
    if n == 2:
        s, chance = scales(np.reshape(floating(df), ()))
        first, last = (x[..., None, :] * s[:, None] for x in (low, high))
        return np.sum(chance * _two(first, last, shape[0, 1]), axis=-1)
    moving = [df] if holds_traced([df]) else []
    return _integrated(df, rng)(low, high, shape, *moving)


def _integrated(fixed: Any, rng: Any) -> Any:
    """SciPy's integral over boxes, and how it moves; with degrees of freedom, if they are given."""

    def plain(low: Any, high: Any, shape: Any, df: Any = fixed) -> Any:
        import scipy.stats

        family = scipy.stats.multivariate_normal if df is None else scipy.stats.multivariate_t
        given = {"allow_singular": True, "lower_limit": low, "rng" if df is None else
                 "random_state": rng, **({} if df is None else {"df": float(df)})}  # fmt: skip
        zero = np.zeros(len(shape))
        return np.reshape(np.asarray(family.cdf(high, zero, shape, **given)), high.shape[:-1])

    @custom_jvp
    def call(low: Any, high: Any, shape: Any, *moving: Any) -> Any:
        return pure_callback(plain, np.zeros(high.shape[:-1]), low, high, shape, *moving)

    @call.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        low, high, shape, *moving = primals
        df = moving[0] if moving else fixed
        total: Any = np.zeros(high.shape[:-1])
        if moving:
            total = total + tangents[3] * _by_freedom(low, high, shape, df)
        for i in range(high.shape[-1]):
            for sign, side, moved in ((1, high, tangents[1]), (-1, low, tangents[0])):
                total = total + sign * moved[..., i] * _at(side[..., i], i, low, high, shape, df)
            for j in range(i):
                turned = 0.5 * (tangents[2][i, j] + tangents[2][j, i])
                total = total + turned * _corners(i, j, low, high, shape, df)
        return call(*primals), total

    return call


def _by_freedom(low: Any, high: Any, shape: Any, df: Any) -> Any:
    """What more degrees of freedom bring.

    Student's law is the normal one on a scale that is drawn: the chance is the integral of the
    normal chance over the law of the scale, and by parts that of the normal chance's slope.
    """
    df = np.reshape(df, ())
    s, weights = scales_apart(df, 1 if high.shape[-1] == 3 else 4)
    first, last = (x[..., None, :] * s[:, None] for x in (low, high))
    rise: Any = 0.0
    for i in range(high.shape[-1]):
        for sign, side, wide in ((1, high, last), (-1, low, first)):
            slope = _at(wide[..., i], i, first, last, shape, None)
            rise = rise + sign * side[..., i, None] * slope

    def smaller(df: Any) -> Any:
        return sp.gammainc(0.5 * df, 0.5 * df * s * s)

    return -np.sum(weights * rise * jvp(smaller, (df,), (np.ones(()),))[1], axis=-1)


def _given(
    known: list[int], at: Any, low: Any, high: Any, shape: Any, squeeze: Any
) -> tuple[Any, Any, Any]:
    """Limits and correlations of the other dimensions, where some are known."""
    others = [k for k in range(shape.shape[0]) if k not in known]
    across = shape[others][:, known]
    pulls = across @ np.linalg.inv(shape[known][:, known])
    rest = shape[others][:, others] - pulls @ across.T
    spread = np.sqrt(np.diagonal(rest))
    center = at @ pulls.T
    limits = [np.clip((x[..., others] - center) / spread * squeeze[..., None], -_FAR, _FAR)
              for x in (low, high)]  # fmt: skip
    return limits[0], limits[1], rest / (spread[:, None] * spread)


def _at(place: Any, i: int, low: Any, high: Any, shape: Any, df: Any) -> Any:
    """The density of one dimension times the chance of the others."""
    if df is None:
        density, squeeze, more = np.exp(-0.5 * place**2) / np.sqrt(2 * np.pi), place**0, None
    else:
        more = df + 1
        size = np.exp(sp.gammaln(0.5 * more) - sp.gammaln(0.5 * df)) / np.sqrt(df * np.pi)
        density = size * (1 + place**2 / df) ** (-0.5 * more)
        squeeze = np.sqrt(more / (df + place**2))
    first, last, rest = _given([i], place[..., None], low, high, shape, squeeze)
    return density * _chance(first, last, rest, more)


def _corners(i: int, j: int, low: Any, high: Any, shape: Any, df: Any) -> Any:
    """What one more of a correlation brings: at the corners of both dimensions."""
    left = 1 - shape[i, j] ** 2
    total: Any = 0.0
    for sign, one, other in ((1, high, high), (-1, high, low), (-1, low, high), (1, low, low)):
        a, b = one[..., i], other[..., j]
        q = (a * a + b * b - 2 * shape[i, j] * a * b) / left
        bell = np.exp(-0.5 * q) if df is None else (1 + q / df) ** (-0.5 * df)
        squeeze = q**0 if df is None else np.sqrt(df / (df + q))
        known = np.stack([a, b], axis=-1)
        first, last, rest = _given([i, j], known, low, high, shape, squeeze)
        total = total + sign * bell / (2 * np.pi * np.sqrt(left)) * _chance(first, last, rest, df)
    return total


def _cdf(x: Any, mean: Any, cov: Any, lower_limit: Any, df: Any, rng: Any) -> Any:
    cov = cov.covariance if hasattr(cov, "log_pdet") else cov
    dim = _dimension(mean, cov)
    shape = _covariance(cov, dim)
    spread = np.sqrt(np.diagonal(shape))
    off = 0.0 if mean is None else floating(mean)
    points = _points(x, dim)
    low: Any = -np.inf if lower_limit is None else _points(lower_limit, dim)
    far = _FAR if df is None else 1e12
    near = np.clip((points - off) / spread, -far, far)
    low = np.clip((low - off) / spread, -far, far)
    limits = np.broadcast_shapes(low.shape, near.shape)
    low, near = np.broadcast_to(low, limits), np.broadcast_to(near, limits)
    first, last = np.minimum(low, near), np.maximum(low, near)
    turned = np.prod(np.where(near < low, -1.0, 1.0), axis=-1)
    chance = _chance(first, last, shape / (spread[:, None] * spread), df, rng)
    return np.squeeze(turned * chance)


@scipy_rule(f"{_NORMAL}.cdf")
def normal_cdf(
    self: Any, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False,
    maxpts: Any = None, abseps: Any = 1e-5, releps: Any = 1e-5, *, lower_limit: Any = None,
    rng: Any = None,
) -> Any:  # fmt: skip
    """The distribution function."""
    return _cdf(x, mean, cov, lower_limit, None, rng)


@scipy_rule(f"{_NORMAL}.logcdf")
def normal_logcdf(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Its logarithm."""
    return np.log(normal_cdf(self, *args, **kwargs))


@scipy_rule(f"{_FROZEN}.cdf", wanted=_is_recorded)
def frozen_cdf(self: Any, x: Any, *, lower_limit: Any = None, rng: Any = None) -> Any:
    """The distribution function."""
    return _cdf(x, *_kept(self)[:2], lower_limit, None, rng)


@scipy_rule(f"{_FROZEN}.logcdf", wanted=_is_recorded)
def frozen_logcdf(self: Any, x: Any, *, lower_limit: Any = None, rng: Any = None) -> Any:
    """Its logarithm."""
    return np.log(frozen_cdf(self, x, lower_limit=lower_limit, rng=rng))


@scipy_rule("scipy.stats._multivariate.multivariate_t_gen._cdf")
def t_cdf(
    self: Any, x: Any, loc: Any, shape: Any, df: Any, dim: int, maxpts: Any = None,
    lower_limit: Any = None, random_state: Any = None,
) -> Any:  # fmt: skip
    """The distribution function."""
    endless = not holds_traced([df]) and np.isinf(df)
    return _cdf(x, loc, shape, lower_limit, None if endless else df, random_state)
