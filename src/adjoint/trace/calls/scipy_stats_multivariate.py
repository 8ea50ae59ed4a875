"""scipy.stats on stand-in arrays: multivariate families."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp
from scipy.stats._multivariate import multivariate_normal_gen

from adjoint.primitives.choose import stop_gradient
from adjoint.trace.borrow_scipy import borrow_names, holds_itself
from adjoint.trace.calls.scipy_linalg import mirrored
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.scipy_values import valued_method
from adjoint.trace.scipy_gate import scipy_rule

_LOG_2PI = float(np.log(2 * np.pi))


def _covariance(cov: Any, dim: int) -> Any:
    """A number or a diagonal as a matrix."""
    cov = floating(cov)
    if cov.ndim == 2:
        return cov
    return np.eye(dim) * (cov if cov.ndim == 0 else cov[None, :])


def _dimension(mean: Any, cov: Any) -> int:
    if mean is not None:
        return int(np.size(mean))
    return int(np.shape(cov)[0]) if np.ndim(cov) == 2 else 1


def _points(x: Any, dim: int) -> Any:
    """Points along the last axis, as SciPy reads them: one coordinate may stand for all."""
    x = floating(x)
    if x.ndim == 0:
        x = np.reshape(x, (1,))
    elif x.ndim == 1 and dim == 1:
        x = x[:, None]
    return x if x.shape[-1] == dim else np.broadcast_to(x, (*x.shape[:-1], dim))


def _mahalanobis(x: Any, mean: Any, shape: Any) -> tuple[Any, Any]:
    """Squared distances and the log determinant, by the triangular factor."""
    lower = np.linalg.cholesky(shape)
    off = x if mean is None else x - mean
    flat = np.reshape(off, (-1, shape.shape[0]))
    import scipy.linalg

    white = scipy.linalg.solve_triangular(lower, np.swapaxes(flat, 0, 1), lower=True)
    squares = np.reshape(np.sum(white * white, axis=0), off.shape[:-1])
    return squares, 2 * np.sum(np.log(np.diagonal(lower)))


def _normal_logpdf(x: Any, mean: Any, cov: Any, allow_singular: bool = False) -> Any:
    if _is_object(cov):
        return _by_object(x, mean, cov)
    dim = _dimension(mean, cov)
    points, shape = _points(x, dim), _covariance(cov, dim)
    if allow_singular:
        return _singular_logpdf(points, mean, shape)
    squares, log_det = _mahalanobis(points, mean, shape)
    return np.squeeze(-0.5 * (dim * _LOG_2PI + log_det + squares))


def _singular_logpdf(x: Any, mean: Any, shape: Any) -> Any:
    """In the directions that have a variance, as SciPy tells them; -inf beside them."""
    values, axes = np.linalg.eigh(mirrored(shape, lower=True, hermitian=False))
    least = 1e6 * np.finfo(np.float64).eps * np.max(np.abs(stop_gradient(values)))
    there = stop_gradient(values) > least
    safe = np.where(there, values, 1.0)
    along = (x if mean is None else x - mean) @ axes
    squares = np.sum(np.where(there, along * along / safe, 0.0), axis=-1)
    beside = np.sqrt(np.sum(np.where(there, 0.0, stop_gradient(along)) ** 2, axis=-1))
    log_det = np.sum(np.where(there, np.log(safe), 0.0))
    rank = np.sum(there.astype(np.float64))
    value = np.squeeze(-0.5 * (rank * _LOG_2PI + log_det + squares))
    return np.where(np.squeeze(beside) < 1e3 * least, value, -np.inf)


def _is_object(cov: Any) -> bool:
    """Whether a covariance is one of SciPy's objects."""
    return hasattr(cov, "log_pdet")


def _by_object(x: Any, mean: Any, cov: Any) -> Any:
    """By an object of SciPy's that whitens; -inf beside the directions that have a variance."""
    off = _points(x, cov.shape[-1]) - (0.0 if mean is None else floating(mean))
    white = cov.whiten(off)
    log_det, rank = cov.log_pdet, cov.rank
    if off.ndim > 1:
        log_det, rank = np.expand_dims(log_det, -1), np.expand_dims(rank, -1)
    value = -0.5 * (rank * _LOG_2PI + log_det + np.sum(white * white, axis=-1))
    if hasattr(cov, "_support_mask"):  # the others have full rank
        value = np.where(cov._support_mask(off), value, -np.inf)
    return np.squeeze(value)


_NORMAL = "scipy.stats._multivariate.multivariate_normal_gen"


def _keeps_recorded(self: Any, *given: Any, cov: Any = None, **_: Any) -> bool:
    """Whether a covariance is given as an object that keeps recorded arrays."""
    return any(_is_object(x) and holds_itself(x) for x in (*given, cov))


@valued_method(f"{_NORMAL}.logpdf", wanted=_keeps_recorded)
def normal_logpdf(
    self: Any, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False
) -> Any:
    """The log density."""
    return _normal_logpdf(x, mean, cov, allow_singular)


@valued_method(f"{_NORMAL}.pdf", wanted=_keeps_recorded)
def normal_pdf(
    self: Any, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False
) -> Any:
    """The density."""
    return np.exp(_normal_logpdf(x, mean, cov, allow_singular))


@valued_method(f"{_NORMAL}.entropy", wanted=_keeps_recorded)
def normal_entropy(self: Any, mean: Any = None, cov: Any = 1) -> Any:
    """The differential entropy."""
    if _is_object(cov):
        return 0.5 * (cov.rank * (_LOG_2PI + 1) + cov.log_pdet)
    dim = _dimension(mean, cov)
    lower = np.linalg.cholesky(_covariance(cov, dim))
    return 0.5 * dim * (_LOG_2PI + 1) + np.sum(np.log(np.diagonal(lower)))


class _Frozen:
    """The covariance of a frozen multivariate normal with stand-ins in its parameters."""

    def __init__(self, cov: Any, allow_singular: bool) -> None:
        self.cov, self.allow_singular = cov, allow_singular


_FROZEN = "scipy.stats._multivariate.multivariate_normal_frozen"


def _is_recorded(self: Any, *_: Any, **__: Any) -> bool:
    return "adjoint_recorded" in self.__dict__ or hasattr(self.__dict__.get("mean"), "recorder")


@scipy_rule(f"{_FROZEN}.__init__", wanted=_keeps_recorded)
def frozen_init(
    self: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False, seed: Any = None,
    *_: Any, **__: Any,
) -> None:  # fmt: skip
    """Keep the parameters as they are."""
    kept = _Frozen(cov, allow_singular)
    known = {"mean": mean, "_dist": multivariate_normal_gen(seed)}
    self.__dict__.update(adjoint_recorded=kept, **known)


@scipy_rule(f"{_FROZEN}.cov.fget", wanted=_is_recorded)
def frozen_cov(self: Any) -> Any:
    """The covariance."""
    cov = _kept(self)[1]
    return cov.covariance if _is_object(cov) else cov


@scipy_rule(f"{_FROZEN}.rvs", wanted=_is_recorded)
def frozen_draws(self: Any, size: Any = 1, random_state: Any = None) -> Any:
    """Random vectors."""
    return self._dist.rvs(*_kept(self)[:2], size, random_state)


@scipy_rule(f"{_FROZEN}.marginal", wanted=_is_recorded)
def frozen_marginal(self: Any, dimensions: Any) -> Any:
    """The law of some of the components."""
    return self._dist.marginal(dimensions, *_kept(self))


def _kept(self: Any) -> tuple[Any, Any, bool]:
    known = self.__dict__.get("adjoint_recorded")
    if known is not None:
        return self.mean, known.cov, known.allow_singular  # another mean may have been assigned
    return self.mean, self.cov_object.covariance, self.allow_singular


@scipy_rule(f"{_FROZEN}.logpdf", wanted=_is_recorded)
def frozen_logpdf(self: Any, x: Any) -> Any:
    """The log density."""
    return normal_logpdf(self._dist, x, *_kept(self))


@scipy_rule(f"{_FROZEN}.pdf", wanted=_is_recorded)
def frozen_pdf(self: Any, x: Any) -> Any:
    """The density."""
    return normal_pdf(self._dist, x, *_kept(self))


@scipy_rule(f"{_FROZEN}.entropy", wanted=_is_recorded)
def frozen_entropy(self: Any) -> Any:
    """The differential entropy."""
    return normal_entropy(self._dist, *_kept(self)[:2])


_DIRICHLET = "scipy.stats._multivariate.dirichlet_gen"


@valued_method(f"{_DIRICHLET}.logpdf")
def dirichlet_logpdf(self: Any, x: Any, alpha: Any) -> Any:
    """The log density; the last component may be left out, as in SciPy."""
    x, alpha = floating(x), floating(alpha)
    if x.shape[0] + 1 == alpha.shape[0]:
        x = np.concatenate([x, 1 - np.sum(x, axis=0, keepdims=True)])
    constant = sp.gammaln(np.sum(alpha)) - np.sum(sp.gammaln(alpha))
    powers = np.reshape(alpha - 1, alpha.shape + (1,) * (x.ndim - 1))
    return constant + np.sum(sp.xlogy(powers, x), axis=0)


@valued_method(f"{_DIRICHLET}.pdf")
def dirichlet_pdf(self: Any, x: Any, alpha: Any) -> Any:
    """The density."""
    return np.exp(dirichlet_logpdf(self, x, alpha))


_MULTINOMIAL = "scipy.stats._multivariate.multinomial_gen"


@valued_method(f"{_MULTINOMIAL}.logpmf")
def multinomial_logpmf(self: Any, x: Any, n: Any, p: Any) -> Any:
    """The log mass; the last probability is one minus the others, as in SciPy."""
    x, p = floating(x), floating(p)
    p = np.concatenate([p[..., :-1], 1 - np.sum(p[..., :-1], axis=-1, keepdims=True)], axis=-1)
    terms = sp.xlogy(x, p) - sp.gammaln(x + 1)
    return sp.gammaln(n + 1.0) + np.sum(terms, axis=-1)


@scipy_rule(f"{_MULTINOMIAL}._process_parameters")
def multinomial_parameters(self: Any, n: Any, p: Any) -> Any:
    """Numbers of draws, chances that add up to 1, and where either is wrong."""
    p, n = floating(p), np.asarray(n, dtype=int)
    last = 1.0 - np.sum(p[..., :-1], axis=-1, keepdims=True)
    p = np.concatenate([p[..., :-1], last], axis=-1)
    return n, p, (n < 0) | np.any(p < 0, axis=-1) | np.any(p > 1, axis=-1)


@valued_method(f"{_MULTINOMIAL}.pmf")
def multinomial_pmf(self: Any, x: Any, n: Any, p: Any) -> Any:
    """The mass."""
    return np.exp(multinomial_logpmf(self, x, n, p))


# *** means, and families of matrices and directions ***

for _family, _methods in (
    ("dirichlet_gen", "mean var cov entropy"),
    ("dirichlet_multinomial_gen", "logpmf pmf"),
):
    borrow_names(f"scipy.stats._multivariate.{_family}", _methods)


@scipy_rule(f"{_MULTINOMIAL}.mean")
def multinomial_mean(self: Any, n: Any, p: Any) -> Any:
    """N p."""
    p = floating(p)
    last = 1 - np.sum(p[..., :-1], axis=-1, keepdims=True)
    return n * np.concatenate([p[..., :-1], last], axis=-1)


_MATRIX = "scipy.stats._multivariate.matrix_normal_gen"


@valued_method(f"{_MATRIX}.logpdf")
def matrix_normal_logpdf(
    self: Any, X: Any, mean: Any = None, rowcov: Any = 1, colcov: Any = 1
) -> Any:
    """The log density of a matrix whose rows and columns have covariances."""
    x = floating(X)
    m, n = x.shape[-2:]
    rows, columns = _covariance(rowcov, m), _covariance(colcov, n)
    off = x if mean is None else x - mean
    lower, right = np.linalg.cholesky(rows), np.linalg.cholesky(columns)
    white = np.linalg.solve(right, np.swapaxes(np.linalg.solve(lower, off), -1, -2))
    log_det = n * np.sum(np.log(np.diagonal(lower))) + m * np.sum(np.log(np.diagonal(right)))
    return -0.5 * (m * n * _LOG_2PI + np.sum(white * white, axis=(-2, -1))) - log_det


@valued_method(f"{_MATRIX}.pdf")
def matrix_normal_pdf(self: Any, X: Any, mean: Any = None, rowcov: Any = 1, colcov: Any = 1) -> Any:
    """The density."""
    return np.exp(matrix_normal_logpdf(self, X, mean, rowcov, colcov))


_FISHER = "scipy.stats._multivariate.vonmises_fisher_gen"


@valued_method(f"{_FISHER}.logpdf")
def vonmises_fisher_logpdf(self: Any, x: Any, mu: Any = None, kappa: Any = 1) -> Any:
    """The log density of directions."""
    x, mu, kappa = floating(x), floating(mu), floating(kappa)
    order = 0.5 * x.shape[-1] - 1
    constant = sp.xlogy(order, kappa) - 0.5 * x.shape[-1] * _LOG_2PI
    constant = constant - np.log(sp.ive(order, kappa)) - kappa
    return constant + kappa * np.sum(mu * x, axis=-1)


@valued_method(f"{_FISHER}.pdf")
def vonmises_fisher_pdf(self: Any, x: Any, mu: Any = None, kappa: Any = 1) -> Any:
    """The density."""
    return np.exp(vonmises_fisher_logpdf(self, x, mu, kappa))
