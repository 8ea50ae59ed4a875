"""Partial fractions of scipy.signal on stand-in arrays, by SciPy's own code.

That code groups poles by their values, which must therefore be known.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.signal import _signaltools

from adjoint.trace import borrow
from adjoint.trace.borrow_scipy import borrow_names
from adjoint.trace.calls.scipy_signal import _refused
from adjoint.trace.calls.support import as_operand
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import plainly


def _known(poles: Any) -> Any:
    known = known_value(poles)
    if known is None:
        raise _refused("residue", "poles whose values are not known, inside jit or vmap,",
                       "fixed poles")  # fmt: skip
    return np.asarray(known)


def _unique_roots(p: Any, tol: float = 1e-3, rtype: str = "min") -> tuple[Any, Any]:
    """The poles; recorded ones may not be near each other: roots have no derivative there."""
    p = plainly(p)
    known = _known(p)
    if not hasattr(p, "recorder"):
        own: tuple[Any, Any] = _signaltools.unique_roots(known, tol, rtype)
        return own
    if np.sum(np.abs(known[:, None] - known) <= tol) > len(known):
        raise _refused("residue", "a denominator with a repeated root", "a smaller tol")
    return p, np.ones(len(known), int)


def _group_poles(poles: Any, tol: float, rtype: str) -> tuple[Any, Any]:
    """The first pole of each group, which SciPy's code takes for all of it, and their counts."""
    known = _known(poles)
    firsts = [0]
    for i in range(1, len(known)):
        if abs(known[i] - known[firsts[-1]]) > tol:
            firsts.append(i)
    chosen = as_operand(poles)[np.array(firsts)]
    if rtype in ("avg", "mean"):  # a mean of equal poles, which is a float
        chosen = chosen * 1.0
    return chosen, np.diff([*firsts, len(known)])


borrow.substitute(_signaltools.unique_roots, _unique_roots)
borrow.substitute(_signaltools._group_poles, _group_poles)
borrow_names("scipy.signal", "residue residuez invres invresz")
