"""Random numbers that move with recorded parameters of their distribution.

NumPy draws a number of a fixed law and moves it: ``normal(loc, scale)`` is ``loc + scale z``.
The same is done here to numbers of the fixed law, which NumPy draws one after the other as it
would have drawn those asked for: the derivative is that of the program with these draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Own = Callable[..., Any]


def _fixed(own: Own, generator: Any, size: Any, *parameters: Any) -> Any:
    """Draws of the law with its default parameters, as many as there are of those recorded."""
    if size is None:
        size = np.broadcast_shapes(*map(np.shape, parameters)) or None
    name = own.__name__
    if name in _SHAPED:
        return generator.standard_exponential(size=size)
    return own(generator, size=size)


def _placed(own: Own, generator: Any, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
    return loc + scale * _fixed(own, generator, size, loc, scale)


def _uniform(own: Own, generator: Any, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
    return low + (high - low) * _fixed(own, generator, size, low, high)


def _scaled(own: Own, generator: Any, scale: Any = 1.0, size: Any = None) -> Any:
    return scale * _fixed(own, generator, size, scale)


def _lognormal(
    own: Own, generator: Any, mean: Any = 0.0, sigma: Any = 1.0, size: Any = None
) -> Any:
    return np.exp(mean + sigma * np.log(_fixed(own, generator, size, mean, sigma)))


def _weibull(own: Own, generator: Any, a: Any, size: Any = None) -> Any:
    return _fixed(own, generator, size, a) ** (1 / a)


def _pareto(own: Own, generator: Any, a: Any, size: Any = None) -> Any:
    return np.expm1(_fixed(own, generator, size, a) / a)


def _multivariate_normal(
    own: Own, generator: Any, mean: Any, cov: Any, size: Any = None, *_: Any, **options: Any
) -> Any:
    """By the factor that NumPy takes of the covariance, which is by its axes unless said."""
    shape = (size,) if isinstance(size, int | np.integer) else tuple(size or ())
    white = generator.standard_normal((*shape, np.shape(mean)[0]))
    if options.get("method") == "cholesky":
        return mean + white @ np.linalg.cholesky(cov).T
    if options.get("method") == "eigh":
        spread, axes = np.linalg.eigh(cov)
        return mean + white @ (axes * np.sqrt(spread)).T
    left, spread, right = np.linalg.svd(cov)
    axes = left.T if isinstance(generator, np.random.Generator) else right
    return mean + white @ (np.sqrt(spread)[:, None] * axes)


_SHAPED = ("weibull", "pareto")
MOVING: Mapping[str, Callable[..., Any]] = {
    **dict.fromkeys(("normal", "laplace", "logistic", "gumbel"), _placed),
    **dict.fromkeys(("exponential", "rayleigh"), _scaled),
    "uniform": _uniform,
    "lognormal": _lognormal,
    "weibull": _weibull,
    "pareto": _pareto,
    "multivariate_normal": _multivariate_normal,
}
