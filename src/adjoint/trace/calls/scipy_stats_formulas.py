"""Formulas of scipy.stats families at standardised arguments, where SciPy's are compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from adjoint.trace.calls.scipy_stats_counts import COUNTS
from adjoint.trace.calls.scipy_stats_noncentral import NONCENTRAL, log1p_over

_LOG_SQRT_2PI = float(0.5 * np.log(2 * np.pi))


def _t_logpdf(x: Any, df: Any) -> Any:
    half = 0.5 * df
    constant = sp.betaln(half, 0.5) + 0.5 * np.log(df)
    return -(half + 0.5) * np.log1p(x * x / df) - constant


def _binom_logpmf(k: Any, n: Any, p: Any) -> Any:
    choose = sp.gammaln(n + 1) - sp.gammaln(k + 1) - sp.gammaln(n - k + 1)
    return choose + sp.xlogy(k, p) + sp.xlog1py(n - k, -p)


def _nbinom_logpmf(k: Any, n: Any, p: Any) -> Any:
    choose = sp.gammaln(n + k) - sp.gammaln(k + 1) - sp.gammaln(n)
    return choose + n * np.log(p) + sp.xlog1py(k, -p)


def _hypergeometric_free_betabinom(k: Any, n: Any, a: Any, b: Any) -> Any:
    choose = -np.log(n + 1) - sp.betaln(n - k + 1, k + 1)
    return choose + sp.betaln(k + a, n - k + b) - sp.betaln(a, b)


def _skewnorm_logpdf(x: Any, a: Any) -> Any:
    return np.log(2.0) - 0.5 * x * x - _LOG_SQRT_2PI + sp.log_ndtr(a * x)


def _log_difference(high: Any, low: Any) -> Any:
    """log(exp(high) - exp(low))."""
    return high + np.log1p(-np.exp(low - high))


def _truncnorm_mass(a: Any, b: Any) -> Any:
    """log(Phi(b) - Phi(a)), in the tail where both are small."""
    left = b <= 0
    right = a > 0
    lower = _log_difference(sp.log_ndtr(b), sp.log_ndtr(a))
    upper = _log_difference(sp.log_ndtr(-a), sp.log_ndtr(-b))
    middle = np.log1p(-sp.ndtr(a) - sp.ndtr(-b))
    return np.where(left, lower, np.where(right, upper, middle))


def _vonmises_logpdf(x: Any, kappa: Any) -> Any:
    return kappa * sp.cosm1(x) - np.log(2 * np.pi) - np.log(sp.i0e(kappa))


def _beta_prime_logpdf(x: Any, a: Any, b: Any) -> Any:
    return sp.xlogy(a - 1.0, x) - sp.xlog1py(a + b, x) - sp.betaln(a, b)


def _gompertz_logpdf(x: Any, c: Any) -> Any:
    return np.log(c) + x - c * sp.expm1(x)


def _genpareto_logpdf(x: Any, c: Any) -> Any:
    return -(c + 1) * log1p_over(c, x)


def _cotangent(q: Any) -> Any:
    """Of pi q, to the last digits near 0, where it has no bound."""
    middle = np.abs(q - 0.5) < 0.25
    near = np.where(middle, 0.25, q)
    return np.where(middle, np.tan(np.pi * (0.5 - q)), 1 / np.tan(np.pi * near))


FORMULAS: dict[str, dict[str, Any]] = {
    **NONCENTRAL,
    **COUNTS,
    "genpareto": {
        "support": lambda c: (0.0, np.where(c < 0, -1 / np.where(c < 0, c, -1.0), np.inf)),
        "_logpdf": _genpareto_logpdf,
        "_logsf": lambda x, c: _genpareto_logpdf(x, c) / (c + 1),
        "_sf": lambda x, c: np.exp(_genpareto_logpdf(x, c) / (c + 1)),
        "_cdf": lambda x, c: -np.expm1(_genpareto_logpdf(x, c) / (c + 1)),
        "_ppf": lambda q, c: -sp.boxcox1p(-q, -c),
        "_isf": lambda q, c: -sp.boxcox(q, -c),
    },
    "cauchy": {
        "_ppf": lambda q: -_cotangent(q),
        "_isf": lambda q: _cotangent(q),
    },
    "lognorm": {
        "_logpdf": lambda x, s: -0.5 * (np.log(x) / s) ** 2 - np.log(s * x) - _LOG_SQRT_2PI,
    },
    "burr": {
        "_logpdf": lambda x, c, d: (
            np.log(c) + np.log(d) - sp.xlogy(c + 1, x) - sp.xlog1py(d + 1, x**-c)
        ),
    },
    "erlang": {"_argcheck": lambda a: a > 0},  # SciPy's warns of values that are not whole
    "truncpareto": {"support": lambda b, c: (1.0, c)},
    "beta": {
        "_logpdf": lambda x, a, b: sp.xlog1py(b - 1.0, -x) + sp.xlogy(a - 1.0, x) - sp.betaln(a, b),
        "_cdf": lambda x, a, b: sp.betainc(a, b, x),
        "_sf": lambda x, a, b: sp.betaincc(a, b, x),
        "_ppf": lambda q, a, b: sp.betaincinv(a, b, q),
        "_isf": lambda q, a, b: sp.betainccinv(a, b, q),
    },
    "t": {
        "_logpdf": _t_logpdf,
        "_cdf": lambda x, df: sp.stdtr(df, x),
        "_sf": lambda x, df: sp.stdtr(df, -x),
        "_ppf": lambda q, df: sp.stdtrit(df, q),
        "_isf": lambda q, df: -sp.stdtrit(df, q),
    },
    "f": {
        "_ppf": lambda q, n, d: sp.fdtri(n, d, q),
    },
    "chi2": {
        "_logpdf": lambda x, df: (
            sp.xlogy(df / 2.0 - 1, x) - x / 2.0 - sp.gammaln(df / 2.0) - np.log(2) * df / 2.0
        ),
        "_cdf": lambda x, df: sp.gammainc(0.5 * df, 0.5 * x),
        "_sf": lambda x, df: sp.gammaincc(0.5 * df, 0.5 * x),
        "_ppf": lambda q, df: 2 * sp.gammaincinv(0.5 * df, q),
        "_isf": lambda q, df: 2 * sp.gammainccinv(0.5 * df, q),
    },
    "binom": {
        "_logpmf": _binom_logpmf,
        "_cdf": lambda k, n, p: sp.betaincc(k + 1, n - k, p),
        "_sf": lambda k, n, p: sp.betainc(k + 1, n - k, p),
    },
    "bernoulli": {
        "_logpmf": lambda k, p: sp.xlogy(k, p) + sp.xlog1py(1 - k, -p),
        "_cdf": lambda k, p: np.where(k >= 1, 1.0, 1 - p),
        "_sf": lambda k, p: np.where(k >= 1, 0.0, p),
    },
    "nbinom": {
        "_logpmf": _nbinom_logpmf,
        "_stats": lambda n, p: (
            n * (1 - p) / p,
            n * (1 - p) / p**2,
            (2 - p) / np.sqrt(n * (1 - p)),
            6 / n + p * p / (n * (1 - p)),
        ),
        "_cdf": lambda k, n, p: sp.betainc(n, k + 1, p),
        "_sf": lambda k, n, p: sp.betaincc(n, k + 1, p),
    },
    "poisson": {
        "_cdf": lambda k, mu: sp.gammaincc(k + 1, mu),
        "_sf": lambda k, mu: sp.gammainc(k + 1, mu),
    },
    "betabinom": {"_logpmf": _hypergeometric_free_betabinom},
    "skewnorm": {
        "_logpdf": _skewnorm_logpdf,
    },
    "truncnorm": {
        "_logpdf": lambda x, a, b: -0.5 * x * x - _LOG_SQRT_2PI - _truncnorm_mass(a, b),
        "_logcdf": lambda x, a, b: _truncnorm_mass(a, x) - _truncnorm_mass(a, b),
        "_logsf": lambda x, a, b: _truncnorm_mass(x, b) - _truncnorm_mass(a, b),
        "_cdf": lambda x, a, b: np.exp(_truncnorm_mass(a, x) - _truncnorm_mass(a, b)),
        "_sf": lambda x, a, b: np.exp(_truncnorm_mass(x, b) - _truncnorm_mass(a, b)),
    },
    "vonmises": {"_logpdf": _vonmises_logpdf},
    "betaprime": {
        "_logpdf": _beta_prime_logpdf,
        "_cdf": lambda x, a, b: sp.betainc(a, b, x / (1 + x)),
        "_sf": lambda x, a, b: sp.betainc(b, a, 1 / (1 + x)),
    },
    "gompertz": {"_logpdf": _gompertz_logpdf},
    "invgauss": {
        "_logpdf": lambda x, mu: (
            -0.5 * np.log(2 * np.pi) - 1.5 * np.log(x) - ((x - mu) / mu) ** 2 / (2 * x)
        ),
    },
    "rice": {
        "_logpdf": lambda x, b: np.log(x) - 0.5 * (x - b) * (x - b) + np.log(sp.i0e(x * b)),
    },
}
