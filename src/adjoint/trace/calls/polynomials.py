"""NumPy's polynomials by their coefficients, and ``np.poly1d``: NumPy's own code on stand-ins.

NumPy cuts leading coefficients that are exactly zero, and with them their derivatives. Recorded
coefficients are kept: the polynomial is the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib import _polynomial_impl as _own

from adjoint.primitives.choose import stop_gradient
from adjoint.trace.borrow import borrowed, globals_for
from adjoint.trace.borrow_scipy import borrow_class, is_unknown
from adjoint.trace.calls.support import as_operand, is_traced, moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.recorder import is_plain
from adjoint.trace.tables import implements
from adjoint.trace.without_rule import no_rule


def _coefficients(p: Any) -> Any:
    return p.coeffs if type(p) is np.poly1d else p


def _row(p: Any) -> Any:
    return np.atleast_1d(as_operand(_coefficients(p)))


borrow_class("numpy.lib._polynomial_impl.poly1d", without=("__str__", "__repr__"))


def _of_polynomials(function: Any) -> None:
    """Let NumPy's own code be the rule, which gives a polynomial if it is given one."""

    @implements(function)
    def rule(*args: Any, **options: Any) -> Any:
        result = borrowed(function)(*[_coefficients(p) for p in args], **options)
        return _wrapped(result, args)


def _wrapped(result: Any, args: tuple[Any, ...]) -> Any:
    if not any(type(p) is np.poly1d for p in args):
        return result
    return tuple(map(np.poly1d, result)) if isinstance(result, tuple) else np.poly1d(result)


for _function in (np.polyadd, np.polysub, np.polyder, np.polyint):
    _of_polynomials(_function)


@implements(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    """The product; of a polynomial that is nothing but plain zeros, a single zero."""
    factors = [_row(p) for p in (a1, a2)]
    factors = [np.trim_zeros(p, "f") if type(p) is np.ndarray else p for p in factors]
    if any(p.shape == (0,) for p in factors):
        return _wrapped(np.zeros(1, np.result_type(*factors)), (a1, a2))
    return _wrapped(np.convolve(*factors), (a1, a2))


@implements(np.polydiv)
def polydiv(u: Any, v: Any) -> Any:
    """Quotient and remainder; zeros in front of it are cut where its values are known."""
    above, below = (_row(p) for p in (u, v))
    leading = known_value(below[0])
    if type(v) is np.poly1d and leading is not None and leading == 0:
        what = "a divisor whose leading coefficient is exactly 0"
        raise no_rule("numpy.polydiv", what, "other coefficients, or v.coeffs[1:]")
    rest, scale, n = above + 0.0, 1.0 / below[0], below.shape[0]
    kind = np.result_type(rest, scale)
    rest, quotient, lost = rest.astype(kind), [], []
    for _ in range(above.shape[0] - n + 1):
        q = scale * rest[0]
        quotient.append(q)
        lost.append(rest[0] - q * below[0])  # zero, but for rounding
        rest = np.concatenate([rest[1:n] - q * below[1:], rest[n:]])
    whole = np.stack(quotient) if quotient else np.zeros(1, kind)
    if is_unknown(above, below):
        return _wrapped((whole, rest if rest.shape[0] else np.zeros(1, kind)), (u, v))
    rest = np.concatenate([np.stack(lost), rest]) if lost else rest
    known = np.asarray(known_value(rest))
    last = np.arange(rest.shape[0]) == rest.shape[0] - 1
    rest = rest[int(np.argmax(~np.isclose(known, 0, rtol=1e-14) | last)) :]
    return _wrapped((whole, rest), (u, v))


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """The value at places, or the polynomial of a polynomial."""
    p = as_operand(_coefficients(p))
    if type(x) is not np.poly1d or not p.shape[0]:
        return borrowed(np.polyval)(p, x)
    value = np.poly1d(p[:1])
    for k in range(1, p.shape[0]):
        value = value * x + p[k]
    return value


@implements(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    """The polynomial of given roots; a real matrix has a real one."""
    seq = np.atleast_1d(as_operand(seq_of_zeros))
    if seq.ndim != 2 or seq.dtype.kind == "c":
        return borrowed(np.poly)(seq)
    still = stop_gradient(seq)
    if is_unknown(seq):
        return _characteristic(seq, np.real(_product(np.linalg.eigvals(still))))
    return _characteristic(seq, borrowed(np.poly)(still))


def _characteristic(matrix: Any, value: Any) -> Any:
    """det(x - matrix) by its coefficients, found as eigenvalues but not differentiated as such.

    Eigenvalues that meet may have no derivative, the coefficients always do: Faddeev's
    recursion gives each from those before it, and the adjugate's coefficients on the way.
    """
    n = matrix.shape[0]
    unit = adjugate = np.eye(n, dtype=matrix.dtype)
    made = [value[0]]
    for k in range(1, n + 1):
        product = matrix @ adjugate
        made.append(moved_as(value[k], -np.trace(product) / k))
        adjugate = product + made[k] * unit
    return np.stack(made)


def _product(roots: Any) -> Any:
    made: Any = np.ones(1, roots.dtype)
    for k in range(roots.shape[0]):
        made = np.convolve(made, np.stack([np.ones((), roots.dtype), -roots[k]]))
    return made


@implements(np.roots)
def roots(p: Any) -> Any:
    """The roots, as eigenvalues of the companion matrix.

    Coefficients at the ends that are exactly zero take no part in NumPy's search. The roots
    move with them nevertheless. Where they are not known, no leading one may be zero.
    """
    p = _row(p)
    if p.ndim != 1:
        raise ValueError("Input must be a rank-1 array.")
    value = known_value(p)
    if value is None:
        return _eigenvalues(p)
    if value.shape[0] < 2 or (value[0] != 0 and value[-1] != 0):
        return borrowed(np.roots)(p)
    return moved_roots(np.roots(value), lambda r: (np.polyval(p, r), np.polyval(np.polyder(p), r)))


def moved_roots(found: Any, value_and_slope: Any) -> Any:
    """Roots with the derivatives of two of Newton's steps, which are right to the third order."""
    moving = found
    for _ in range(2):
        value, slope = value_and_slope(moving)
        moving = moving - value / np.where(slope == 0, np.finfo(float).tiny, slope)
    return moved_as(stop_gradient(found), moving)


def _eigenvalues(p: Any) -> Any:
    n = p.shape[0] - 1
    if n < 1:
        return np.zeros(0, complex)
    monic = p[1:] / p[0]
    return np.linalg.eigvals(np.concatenate([-monic[None], np.eye(n, dtype=monic.dtype)[:-1]]))


def _without_zeros(p: Any, trim: str) -> Any:
    return p if is_traced(p) and not is_plain(p) else np.trim_zeros(p, trim)


# What NumPy's code of polynomials sees.
globals_for(vars(_own)).update(
    atleast_1d=_row,
    isscalar=lambda x: np.isscalar(x) or (is_traced(x) and np.ndim(x) == 0),
    trim_zeros=_without_zeros,
    polydiv=polydiv,
)
