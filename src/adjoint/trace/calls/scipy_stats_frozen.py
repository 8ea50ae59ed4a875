"""scipy.stats on stand-in arrays: multivariate families that keep their parameters, covariances.

What has no formula of ours is SciPy's own code. It decomposes covariances and asks for their
rank: where that is full, or the values are not known, a triangular factor does the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp
import scipy.stats._covariance as covariance
import scipy.stats._multivariate as multivariate

from adjoint.trace import borrow
from adjoint.trace.borrow_scipy import borrow_class, when_unknown
from adjoint.trace.calls.scipy_linalg import mirrored
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import is_traced
from adjoint.trace.indexing import concrete_value
from adjoint.trace.scipy_gate import entries, scipy_rule


class _Regular:
    """A matrix of full rank: by its triangular factor, as SciPy's class is by its eigenvectors."""

    def __init__(self, matrix: Any) -> None:
        self._M = matrix
        lower = np.linalg.cholesky(mirrored(floating(matrix), lower=True, hermitian=False))
        self.rank = lower.shape[-1]
        self.U = np.linalg.inv(lower).T
        self.log_pdet = 2 * np.sum(np.log(np.diagonal(lower)))
        self.pinv = self.U @ self.U.T

    def _support_mask(self, x: Any) -> Any:
        return np.ones(x.shape[:-1], bool)


def _decomposed(matrix: Any, *args: Any, **kwargs: Any) -> Any:
    """By eigenvectors only where the rank is less: they have no derivative at equal eigenvalues."""
    value = matrix if not is_traced(matrix) else concrete_value(matrix)
    if value is not None:
        plain = multivariate._PSD(value, *args, **kwargs)
        if not is_traced(matrix):
            return plain
        if plain.rank < value.shape[-1]:
            return multivariate._PSD(matrix, *args, **kwargs)
    return _Regular(matrix)


borrow.substitute(multivariate._PSD, _decomposed)


# *** where SciPy's code writes into arrays of its own, or asks for values ***

_PLACE = "scipy.stats._multivariate"


@scipy_rule(f"{_PLACE}.multivariate_t_gen._logpdf")
def t_logpdf(
    self: Any, x: Any, loc: Any, prec_U: Any, log_pdet: Any, df: Any, dim: int, rank: Any,
    cov_object: Any = None,
) -> Any:  # fmt: skip
    """The log density; for infinitely many degrees of freedom the normal one."""
    off = x - loc
    squares = np.sum(np.square(off @ prec_U), axis=-1)
    if not is_traced(df) and np.isinf(df):
        return -0.5 * (dim * np.log(2 * np.pi) + log_pdet + squares)
    half = 0.5 * (df + dim)
    constant = sp.gammaln(half) - sp.gammaln(0.5 * df) - 0.5 * dim * np.log(df * np.pi)
    return np.squeeze(constant - 0.5 * log_pdet - half * np.log1p(squares / df))


@scipy_rule(f"{_PLACE}.multivariate_t_gen.__call__")
def t_frozen(
    self: Any, loc: Any = None, shape: Any = 1, df: Any = 1, allow_singular: bool = False,
    seed: Any = None,
) -> Any:  # fmt: skip
    """The law with its parameters; no recorded number is taken for infinite."""
    if is_traced(df) or df != np.inf:
        return multivariate.multivariate_t_frozen(loc, shape, df, allow_singular, seed)
    return multivariate.multivariate_normal_frozen(loc, shape, allow_singular, seed)


@when_unknown(f"{_PLACE}.multivariate_t_gen._entropy")
def t_entropy(self: Any, dim: int, df: Any = 1, shape: Any = 1) -> Any:
    """The entropy, for degrees of freedom that are not known yet."""
    half, less = 0.5 * (df + dim), 0.5 * df
    rise = half * (sp.psi(half) - sp.psi(less)) + 0.5 * dim * np.log(df * np.pi)
    return sp.gammaln(less) - sp.gammaln(half) + rise + 0.5 * _decomposed(shape).log_pdet


@scipy_rule(f"{_PLACE}.wishart_gen._entropy")
def wishart_entropy(self: Any, dim: int, df: Any, log_det_scale: Any) -> Any:
    """The differential entropy."""
    slopes = sum(sp.psi(0.5 * (df - k)) for k in range(dim))
    constant = 0.5 * dim * (dim + 1) * np.log(2.0) + sp.multigammaln(0.5 * df, dim)
    rest = 0.5 * df * dim - 0.5 * (df - dim - 1) * slopes
    return 0.5 * (dim + 1) * log_det_scale + constant + rest


@scipy_rule(f"{_PLACE}.multinomial_gen._checkresult", f"{_PLACE}.multivariate_hypergeom_gen"
            "._checkresult")  # fmt: skip
def where_right(self: Any, result: Any, cond: Any, bad_value: Any) -> Any:
    """The result, but where the arguments are wrong."""
    return np.where(cond, bad_value, result)


def _wishart(x: Any, dim: int, df: Any, factor: Any, inverse: bool) -> Any:
    """The log density of matrices along the last axis, by the factor of the scale matrix."""
    x = mirrored(np.moveaxis(x, -1, 0), lower=True, hermitian=False)
    scale = factor @ factor.T
    log_x, log_scale = np.linalg.slogdet(x)[1], np.linalg.slogdet(scale)[1]
    inner = np.linalg.solve(x, scale) if inverse else np.linalg.solve(scale, x)
    sign = -1 if inverse else 1
    power = -0.5 * (df + dim + 1) if inverse else 0.5 * (df - dim - 1)
    constant = 0.5 * dim * df * np.log(2.0) + sp.multigammaln(0.5 * df, dim)
    trace = np.trace(inner, axis1=-2, axis2=-1)
    return power * log_x - 0.5 * trace - constant - sign * 0.5 * df * log_scale


@scipy_rule(f"{_PLACE}.wishart_gen._logpdf")
def wishart_logpdf(
    self: Any, x: Any, dim: int, df: Any, scale: Any, log_det_scale: Any, C: Any
) -> Any:
    """The log density."""
    return _wishart(x, dim, df, C, inverse=False)


@scipy_rule(f"{_PLACE}.invwishart_gen._logpdf")
def invwishart_logpdf(self: Any, x: Any, dim: int, df: Any, log_det_scale: Any, C: Any) -> Any:
    """The log density of the inverse of such a matrix."""
    return _wishart(x, dim, df, C, inverse=True)


@scipy_rule(f"{_PLACE}.wishart_gen._rvs")
def wishart_draws(
    self: Any, n: Any, shape: Any, dim: int, df: Any, C: Any, random_state: Any
) -> Any:
    """Squares of triangular matrices of drawn numbers."""
    rng = self._get_random_state(random_state)
    moved = C @ self._standard_rvs(n, shape, dim, df, rng)
    return moved @ np.swapaxes(moved, -1, -2)


@scipy_rule(f"{_PLACE}.invwishart_gen._rvs")
def invwishart_draws(
    self: Any, n: Any, shape: Any, dim: int, df: Any, C: Any, random_state: Any
) -> Any:
    """The same of inverses of such matrices."""
    rng = self._get_random_state(random_state)
    moved = C @ np.linalg.inv(self._inv_standard_rvs(n, shape, dim, df, rng))
    return moved @ np.swapaxes(moved, -1, -2)


# *** what is left: SciPy's own code ***


def _methods_without_rule(module: Any) -> None:
    for name, kind in list(vars(module).items()):
        if isinstance(kind, type) and kind.__module__ == module.__name__:
            place = f"{module.__name__}.{name}"
            ruled = tuple(key for key in vars(kind) if f"{place}.{key}" in entries)
            borrow_class(place, without=ruled)


for _module in (multivariate, covariance):
    _methods_without_rule(_module)
