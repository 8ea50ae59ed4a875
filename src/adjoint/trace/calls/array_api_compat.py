"""array_api_compat, which copies one function of NumPy's with what lies beneath it."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.trace.scipy_families import COPIES
from adjoint.trace.scipy_gate import scipy_rule


@scipy_rule(*[f"{copy}array_api_compat.numpy.linalg.solve" for copy in COPIES])
def solve(x1: Any, x2: Any, /) -> Any:
    """Linear systems, where only one axis is taken for a vector."""
    if np.ndim(x2) == 1:
        return np.linalg.solve(x1, x2[:, None])[..., 0]
    return np.linalg.solve(x1, x2)
