"""scipy.optimize on stand-in arrays: its test functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.trace.borrow_scipy import borrow_names
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.scipy_gate import scipy_rule


@scipy_rule("scipy.optimize.rosen")
def rosen(x: Any) -> Any:
    """Rosenbrock's function."""
    x = floating(x)
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2.0) ** 2.0 + (1 - x[:-1]) ** 2.0, axis=0)


@scipy_rule("scipy.optimize.rosen_der")
def rosen_der(x: Any) -> Any:
    """Its gradient."""
    x = floating(x)
    first, second = x[:-1], x[1:]
    rise = -400 * first * (second - first**2) - 2 * (1 - first)
    zero = np.zeros_like(x[:1])
    return np.concatenate([rise, zero]) + np.concatenate([zero, 200 * (second - first**2)])


borrow_names("scipy.optimize", "rosen_hess rosen_hess_prod")
