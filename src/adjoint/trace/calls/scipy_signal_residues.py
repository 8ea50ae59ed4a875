"""Partial fractions of scipy.signal on stand-in arrays, by SciPy's own code.

That code groups poles by their values, which must therefore be known.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import numpy as np
from scipy.signal import _signaltools

from adjoint.trace import borrow
from adjoint.trace.borrow_scipy import borrow_names, own_code
from adjoint.trace.calls.scipy_signal import _refused
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import as_operand, moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import plainly, scipy_rule


def _known(poles: Any) -> Any:
    known = known_value(poles)
    if known is None:
        raise _refused("residue", "poles whose values are not known, inside jit or vmap,",
                       "fixed poles")  # fmt: skip
    return np.asarray(known)


def _groups(known: Any, tol: float) -> list[Any]:
    """The places of the roots that SciPy takes for one."""
    left = np.ones(len(known), bool)
    made = []
    for i in range(len(known)):
        if left[i]:
            made.append(np.flatnonzero(left & (np.abs(known - known[i]) <= tol)))
            left[made[-1]] = False
    return made


@scipy_rule("scipy.signal.unique_roots")
def unique_roots(p: Any, tol: float = 1e-3, rtype: str = "min") -> tuple[Any, Any]:
    """The least, greatest or mean root of each group, and how many are in it."""
    p = floating(p)
    known = _known(p)
    _signaltools.unique_roots(known, tol, rtype)  # raises what it raises
    groups = _groups(known, tol)
    if rtype in ("avg", "mean"):
        found = [np.mean(p[g]) for g in groups]
    else:  # complex numbers by their real parts first, as NumPy orders them
        chosen = np.argmin if rtype in ("min", "minimum") else np.argmax
        found = [p[g[chosen(known[g])]] for g in groups]
    return np.stack(found), np.array([len(g) for g in groups])


def _unique_poles(p: Any, tol: float = 1e-3, rtype: str = "min") -> tuple[Any, Any]:
    """The poles of a fraction.

    A repeated root has no derivative in the denominator, but the mean of its group has: it is
    that of a factor of the denominator, which moves as long as the other factor has other roots.
    """
    p = plainly(p)
    known = _known(p)
    if not hasattr(p, "recorder"):
        own: tuple[Any, Any] = _signaltools.unique_roots(known, tol, rtype)
        return own
    groups = _groups(known, tol)
    if len(groups) == len(known):
        return p, np.ones(len(known), int)
    if rtype not in ("avg", "mean"):
        what = f"a denominator with a repeated root of which rtype={rtype!r} takes one"
        raise _refused("residue", what, "rtype='avg'")
    found = [moved_as(np.mean(known[g]), _mean_root(known, g)) for g in groups]
    return np.stack(found), np.array([len(g) for g in groups])


def _mean_root(known: Any, group: Any) -> Any:
    """The mean of a group of roots of the denominator, by Newton's steps for its two factors.

    Two steps from known factors have the derivatives up to the third.
    """
    a = _denominator.get()
    whole = a / a[0]
    one, other = (np.atleast_1d(np.poly(r)) for r in (known[group], np.delete(known, group)))
    m, n = len(one) - 1, len(known)
    for _ in range(2):
        columns = [np.pad(other, (i, m - 1 - i)) for i in range(m)]
        columns += [np.pad(one, (i, n - m - 1 - i)) for i in range(n - m)]
        wrong = (whole - np.convolve(one, other))[1:]
        step = np.linalg.solve(np.stack(columns, axis=1), wrong)
        one = one + np.concatenate([np.zeros(1), step[:m]])
        other = other + np.concatenate([np.zeros(1), step[m:]])
    return -one[1] / m


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


_denominator: ContextVar[Any] = ContextVar("the denominator of the fraction that is taken apart")


def _fractions(name: str, trimmed: Any) -> None:
    follow = own_code(f"scipy.signal.{name}")

    @scipy_rule(f"scipy.signal.{name}")
    def rule(b: Any, a: Any, tol: float = 1e-3, rtype: str = "avg") -> Any:
        token = _denominator.set(trimmed(np.atleast_1d(floating(a))))
        try:
            return follow(b, a, tol, rtype)
        finally:
            _denominator.reset(token)


def _without_zeros(a: Any, at: str) -> Any:
    known = known_value(a)
    if known is None:
        return a
    kept = np.flatnonzero(known)
    return a if not len(kept) else a[kept[0] :] if at == "f" else a[: kept[-1] + 1]


_fractions("residue", lambda a: _without_zeros(a, "f"))
_fractions("residuez", lambda a: _without_zeros(a, "b"))
borrow.substitute(_signaltools.unique_roots, _unique_poles)
borrow.substitute(_signaltools._group_poles, _group_poles)
borrow_names("scipy.signal", "invres invresz")
