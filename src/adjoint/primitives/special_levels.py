"""Characteristic values of Mathieu's and spheroidal functions, and Mathieu's coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.primitives.special import UNIT, SciPyFunction, special
from adjoint.primitives.special_slopes import along, slopes


def fixed(*xs: Any) -> Any:
    """The reach of what is smooth wherever it is."""
    return np.full_like(xs[-1], 0.2)


def counting(*xs: Any) -> Any:
    """The reach in what counts: none."""
    return np.zeros_like(xs[-1])


def in_double(name: str) -> Any:
    """SciPy's loop for float32 does not end (1.17)."""
    function = SciPyFunction(name)

    def evaluate(*xs: Any) -> Any:
        arrays = [np.asarray(x) for x in xs]
        dtype = arrays[-1].dtype if arrays[-1].dtype.kind == "f" else np.dtype(float)
        return function(*[x.astype(float, casting="same_kind") for x in arrays]).astype(dtype)

    return evaluate


# *** characteristic values, in their parameter ***


def _level(oblate: bool) -> Any:
    """Spheroidal ones as eigenvalues: SciPy's have few digits for small c."""

    def evaluate(m: Any, n: Any, c: Any) -> Any:
        m, n, c = np.broadcast_arrays(np.asarray(m, int), np.asarray(n, int), np.asarray(c, float))
        out = np.full(c.shape, np.nan)
        for low, degree in {(int(a), int(b)) for a, b in zip(m.flat, n.flat, strict=True)}:
            here = (m == low) & (n == degree) & np.isfinite(c)
            if low < 0 or degree < low or not here.any():
                continue
            square = (-1 if oblate else 1) * c[here] ** 2
            first, place = low + (degree - low) % 2, (degree - low) // 2
            k = first + 2.0 * np.arange(place + 24 + int(np.max(np.abs(c[here]))))
            middle = (2 * k * (k + 1) - 2 * low**2 - 1) / ((2 * k - 1) * (2 * k + 3))
            beside = ((k + 1) ** 2 - low**2) * ((k + 2) ** 2 - low**2)
            beside = np.sqrt(beside / ((2 * k + 1) * (2 * k + 5))) / (2 * k + 3)
            step = np.diag(middle) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
            whole = np.diag(k * (k + 1)) + square[:, None, None] * step
            out[here] = np.linalg.eigvalsh(whole)[:, place]
        return out

    return evaluate


for _name, _count in (("mathieu_a", 2), ("mathieu_b", 2), ("pro_cv", 3), ("obl_cv", 3)):
    # SciPy's routine for machine code does not check its arguments: the function in Python does.
    _evaluate = in_double(_name) if _count == 3 else None
    slopes(
        _name,
        (*(counting,) * (_count - 1), fixed),
        (*((1.0, 1.0),) * (_count - 2), (2.0, 2.0), UNIT),
        _level(_name == "obl_cv") if _count == 3 else None,
    )
    special(
        _name,
        *(None,) * (_count - 1),
        along(_name, _count - 1),
        evaluate=_evaluate,
        integers=tuple(range(_count - 1)),
        domain=(*((1, 1),) * (_count - 2), (2, 2), UNIT),
    )

# *** coefficients of Mathieu's functions: their number, order and parameter ***


def _coefficient(name: str) -> Any:
    """One of SciPy's coefficients; they end where they are below rounding."""

    def evaluate(k: Any, m: Any, q: Any) -> Any:
        k, m, q = np.broadcast_arrays(np.asarray(k, int), np.asarray(m, int), np.asarray(q, float))
        out = np.zeros(q.shape)
        function = SciPyFunction(name)
        for order_, place in {(int(a), float(b)) for a, b in zip(m.flat, q.flat, strict=True)}:
            here = (m == order_) & (q == place)
            found = function(order_, place) if place >= 0 else np.full(1, np.nan)
            whole = np.concatenate([found, np.zeros(max(0, int(np.max(k)) + 1 - len(found)))])
            out[here] = whole[k[here]]
        return out

    return evaluate


for _name in ("mathieu_even_coef", "mathieu_odd_coef"):
    slopes(
        _name,
        (counting, counting, lambda k, m, q: np.minimum(0.2, q)),
        ((1.0, 1.0), (2.0, 2.0), UNIT),
        _coefficient(_name),
    )
    special(
        _name,
        None,
        None,
        along(_name, 2),
        integers=(0, 1),
        evaluate=_coefficient(_name),
        domain=((0, 3), (2, 2), UNIT),
    )
