"""scipy.spatial on stand-in arrays: comparisons of point sets by SciPy's own code, and arcs."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.trace.borrow_scipy import borrow_names, own_code
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import scipy_rule

borrow_names("scipy.spatial", "procrustes distance_matrix minkowski_distance minkowski_distance_p")

_TERMS = 9
_CLOSE = 0.01


def _share(t: Any, squared: Any, angle: Any) -> Any:
    """``sin(t angle) / sin(angle)``: in powers of the squared sine of half a small angle."""
    term: Any = t
    near: Any = t
    for k in range(_TERMS):
        term = term * (1 + k - t) * (1 + k + t) / ((1.5 + k) * (k + 1)) * squared
        near = near + term
    is_near = squared * (1 + t * t) < _CLOSE
    safe = np.where(is_near, 1.0, angle)
    return np.where(is_near, near, np.sin(t * safe) / np.sin(safe))


@scipy_rule("scipy.spatial.geometric_slerp")
def geometric_slerp(start: Any, end: Any, t: Any, tol: float = 1e-7) -> Any:
    """Points of the arc between two directions, which may be the same."""
    start, end, t = floating(start), floating(end), floating(t)
    a, b = start / np.linalg.norm(start), end / np.linalg.norm(end)
    squared = np.sum((a - b) ** 2) / 4
    apart = squared > 0
    sine = np.where(apart, np.sqrt(np.where(apart, squared, 1.0)), 0.0)
    angle = 2 * np.arctan2(sine, np.linalg.norm(a + b) / 2)
    flat = np.reshape(t, (-1,))
    moving = _share(1 - flat, squared, angle)[:, None] * a
    moving = moving + _share(flat, squared, angle)[:, None] * b
    known = [known_value(x) for x in (start, end, t)]
    if any(x is None for x in known):
        return np.reshape(moving, (*t.shape, *start.shape))
    value = own_code("scipy.spatial.geometric_slerp")(*known, tol)
    return moved_as(value, np.reshape(moving, value.shape))
