"""Negative log-likelihoods of distributions whose parameters a model puts out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adjoint.errors import StructureError
from adjoint.nn.activation import softplus
from adjoint.nn.losses.labels import within
from adjoint.nn.losses.reduce import reduce, same_shape


def _pair(function: str, output: Any, target: Any) -> tuple[Any, Any]:
    """Two parameters: a pair of arrays, or one array with a last axis of length 2."""
    if isinstance(output, tuple | list) and len(output) == 2:
        first, second = output
    elif hasattr(output, "shape") and output.shape[-1:] == (2,):
        first, second = output[..., 0], output[..., 1]
    else:
        raise StructureError(
            "the output must have two parameters for each number",
            function=function,
            got=f"shape {tuple(output.shape)}" if hasattr(output, "shape") else repr(output),
            wanted=f"shape {(*target.shape, 2)}, or a pair of arrays of shape {target.shape}",
        )
    same_shape(function, first, target)
    return first, second


def poisson_nll(
    output: Any,
    target: Any,
    *,
    log_rate: bool = True,
    full: bool = False,
    reduction: str = "mean",
    weights: Any = None,
) -> Any:
    """Counts: ``rate - t log(rate)``.

    Args:
        output: [...] log of the rate, or with ``log_rate=False`` the rate itself.
        target: [...] counts t.
        log_rate: what the output is.
        full: whether ``log(t!)`` is added, which no parameter changes.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weights: one for each example or element, or a boolean mask.
    """
    same_shape("poisson_nll", output, target)
    target = _counts("poisson_nll", target, output, weights)
    if log_rate:
        values = np.exp(output) - target * output
    else:
        # A rate of 0 is right for a count of 0 and costs nothing there.
        empty = target == 0
        values = output - np.where(empty, 0, target * np.log(np.where(empty, 1, output)))
    return reduce(values + _log_factorial(target) if full else values, reduction, weights)


def _counts(function: str, target: Any, output: Any, mask: Any) -> Any:
    """Counts, none below 0; whole numbers in the output's dtype, which they must not widen."""
    target = within(function, target, 0, np.inf, mask)
    return target.astype(output.dtype) if target.dtype.kind in "biu" else target


def _log_factorial(count: Any) -> Any:
    from scipy.special import gammaln

    return gammaln(count + 1.0)


def gaussian_nll(
    output: Any, target: Any, *, full: bool = True, reduction: str = "mean", weights: Any = None
) -> Any:
    """``(log v + (t - m)^2 / v + log(2 pi)) / 2`` with mean m and log-variance ``log v``.

    Args:
        output: [..., 2] with m and log v, or a pair of arrays [...].
        target: [...] t.
        full: whether the constant ``log(2 pi) / 2`` is there.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weights: one for each example or element, or a boolean mask.
    """
    mean, log_variance = _pair("gaussian_nll", output, target)
    values = 0.5 * (log_variance + np.square((target - mean) * np.exp(-0.5 * log_variance)))
    return reduce(values + 0.5 * math.log(2 * math.pi) if full else values, reduction, weights)


def negative_binomial_nll(
    output: Any, target: Any, *, reduction: str = "mean", weights: Any = None
) -> Any:
    """Counts that vary more than Poisson: mean m, variance ``m + m^2 / r``.

    ``-log[ C(t + r - 1, t) p^t (1 - p)^r ]`` with ``p = m / (m + r)``.

    Args:
        output: [..., 2] with log m and log r, or a pair of arrays [...].
        target: [...] counts t.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weights: one for each example or element, or a boolean mask.
    """
    from scipy.special import gammaln

    log_mean, log_r = _pair("negative_binomial_nll", output, target)
    target = _counts("negative_binomial_nll", target, log_mean, weights)
    # Beyond this it is Poisson's distribution to rounding, and r would overflow.
    log_r = np.minimum(log_r, 300.0 if log_r.dtype == np.float64 else 40.0)
    r = np.exp(log_r)
    # p is the logistic function of log m - log r, so both logarithms are softplus.
    odds = log_mean - log_r
    ways = _rising(target, r, log_r) - gammaln(target + 1.0)
    return reduce(target * softplus(-odds) + r * softplus(odds) - ways, reduction, weights)


def _rising(t: Any, r: Any, log_r: Any) -> Any:
    """``log(gamma(t + r) / gamma(r))`` for t >= 0, where r may be near 0 or very large."""
    from scipy.special import gammaln

    is_large = r > 30
    small = np.where(is_large, 1.0, r)
    # gamma(r) is gamma(1 + r) / r, which is finite at 0 but for the factor.
    counted = np.where(t == 0, 1, t)
    near = gammaln(counted + small) - gammaln(1 + small) + np.where(is_large, 0, log_r)
    # Stirling's series, its large parts taken together so that they do not cancel.
    large = np.where(is_large, r, 31.0)
    far = (large - 0.5) * np.log1p(t / large) + t * (np.log(large + t) - 1)
    far = far + _stirling(large + t) - _stirling(large)
    return np.where(is_large, far, np.where(t == 0, 0, near))


def _stirling(x: Any) -> Any:
    """What ``(x - 1/2) log x - x + log(2 pi) / 2`` lacks of log gamma(x), for x above 30."""
    y = 1 / x
    return y * (1 / 12 - y * y * (1 / 360 - y * y / 1260))
