"""Tricomi's confluent hypergeometric function in its parameters.

SciPy's values change their method at many places, with steps in the ninth digit and worse,
which differences would magnify. The derivatives are therefore of values of our own: Tricomi's
integral over t = exp(s) by equal steps, for a >= 1, and a recurrence downwards from there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.primitives.special import POSITIVE, SciPyFunction, special
from adjoint.primitives.special_slopes import along, slopes, wide

_MOST = 200.0  # of a: beyond, the integrand is too narrow; and of -a: steps of the recurrence
_AT_ONCE = 4096
_TINY = 1e-300
_gamma, _gammaln, _rgamma = (SciPyFunction(name) for name in ("gamma", "gammaln", "rgamma"))


def _integral(a: Any, b: Any, x: Any) -> Any:
    """For vectors, a >= 1 and x > 0."""
    top = np.log((np.abs(a) + np.abs(b) + 750.0) / x)  # beyond, exp(-x t) has ended it
    step = min(0.25, 0.65 / np.sqrt(1 + np.max(a, initial=0.0)))  # the peak is as narrow
    steps = int(np.ceil((np.max(top, initial=0.0) + 40.0) / step)) + 1
    s = top - step * np.arange(steps)[:, None]
    t = np.exp(s)
    logs = a * s - x * t + (b - a - 1) * np.log1p(t)
    most = np.max(logs, axis=0)
    total = np.sum(np.exp(logs - most), axis=0) * step
    return total * np.exp(most - _gammaln(a))


def tricomi(a: Any, b: Any, x: Any) -> Any:
    """U(a, b, x) of arrays of one shape; NaN where it is not known to twelve digits."""
    flat = [np.ravel(v) for v in (a, b, x)]
    blocks = range(0, flat[0].size, _AT_ONCE)
    parts = [_block(*(v[first : first + _AT_ONCE] for v in flat)) for first in blocks]
    away = np.concatenate([np.zeros(0), *parts]).reshape(np.shape(a))
    return np.where((x == 0) & (b < 1), _gamma(1 - b) * _rgamma(a - b + 1), away)


def _block(a: Any, b: Any, x: Any) -> Any:
    known = (x > 0) & (np.abs(a) <= _MOST) & (np.abs(b) <= _MOST) & (x < 1e300)
    a, b, x = (np.where(known, v, 1.0) for v in (a, b, x))
    left = np.maximum(np.ceil(1 - a), 0.0)
    at = a + left
    here, steps = _integral(at, b, x), int(np.max(left, initial=0.0))
    above = _integral(at + 1, b, x) if steps else here
    for _ in range(steps):
        down = at > a + 0.5
        below = (2 * at - b + x) * here - at * (at - b + 1) * above
        above, here = np.where(down, here, above), np.where(down, below, here)
        at = np.where(down, at - 1, at)
    return np.where(known, here, np.nan)


def _of_first(a: Any, b: Any, x: Any) -> Any:
    return 2 * wide(a, b, np.abs(x) + np.abs(np.log(np.where(x > 0, x, 1))))


def _of_second(a: Any, b: Any, x: Any) -> Any:
    """At 0 there is a pole at b = 1, and nothing beyond."""
    reach = _of_first(a, b, x)
    return np.where(x == 0, np.minimum(reach, 0.13 * np.maximum(1 - b, 0)), reach)


def _of_place(out: Any, a: Any, b: Any, x: Any) -> Any:
    """The partial in x; SciPy's polynomials (a = -1, -2, ...) are infinite at 0 for b > 1."""
    ends = (x == 0) & (a < 0) & (a == np.floor(a))
    return -a * hyperu(a + 1, b + 1, np.where(ends, x + _TINY, x))


slopes(
    "hyperu",
    (_of_first, _of_second, lambda a, b, x: np.minimum(1.0, 0.13 * x)),
    (POSITIVE, POSITIVE, POSITIVE),
    tricomi,
)
hyperu: Primitive = special(
    "hyperu",
    along("hyperu", 0),
    along("hyperu", 1),
    _of_place,
    domain=(POSITIVE, POSITIVE, POSITIVE),
)
