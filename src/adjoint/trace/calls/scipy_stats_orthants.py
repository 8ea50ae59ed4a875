"""The distribution function of the normal family in one and two dimensions, on stand-in arrays.

In two it is the product of both shares, and Plackett's integral over the correlation, which is
that of a smooth function of the angle whose sine the correlation is.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import scipy.special as sp

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
from adjoint.trace.scipy_gate import scipy_rule
from adjoint.trace.without_rule import no_rule


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


def _normal_cdf(x: Any, mean: Any, cov: Any, lower_limit: Any) -> Any:
    dim = _dimension(mean, cov)
    if dim > 2 or lower_limit is not None:
        what = "a lower limit, or more than two dimensions, of the distribution function"
        raise no_rule("scipy.stats.multivariate_normal", what, "one or two dimensions")
    shape = _covariance(cov, dim)
    off = _points(x, dim) if mean is None else _points(x, dim) - floating(mean)
    spread = np.sqrt(np.diagonal(shape))
    near = off / spread
    if dim == 1:
        return np.squeeze(sp.ndtr(near[..., 0]))
    correlation = shape[0, 1] / (spread[0] * spread[1])
    return np.squeeze(_below(near[..., 0], near[..., 1], correlation))


@scipy_rule(f"{_NORMAL}.cdf")
def normal_cdf(
    self: Any, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False,
    maxpts: Any = None, abseps: Any = 1e-5, releps: Any = 1e-5, *, lower_limit: Any = None,
    rng: Any = None,
) -> Any:  # fmt: skip
    """The distribution function."""
    return _normal_cdf(x, mean, cov, lower_limit)


@scipy_rule(f"{_NORMAL}.logcdf")
def normal_logcdf(
    self: Any, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False,
    maxpts: Any = None, abseps: Any = 1e-5, releps: Any = 1e-5, *, lower_limit: Any = None,
    rng: Any = None,
) -> Any:  # fmt: skip
    """Its logarithm."""
    return np.log(_normal_cdf(x, mean, cov, lower_limit))


@scipy_rule(f"{_FROZEN}.cdf", wanted=_is_recorded)
def frozen_cdf(self: Any, x: Any, *, lower_limit: Any = None, rng: Any = None) -> Any:
    """The distribution function."""
    return _normal_cdf(x, *_kept(self)[:2], lower_limit)


@scipy_rule(f"{_FROZEN}.logcdf", wanted=_is_recorded)
def frozen_logcdf(self: Any, x: Any, *, lower_limit: Any = None, rng: Any = None) -> Any:
    """Its logarithm."""
    return np.log(_normal_cdf(x, *_kept(self)[:2], lower_limit))
