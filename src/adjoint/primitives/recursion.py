"""The recursive part of a linear filter: ``a[0] y[n] = u[n] - a[1] y[n - 1] - ...``."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType


def _type(u: ArrayType, a: ArrayType) -> tuple[ArrayType]:
    lead = a.shape[:-1]
    if not a.ndim or not u.ndim or u.dtype != a.dtype or u.shape[: len(lead)] != lead:
        raise ValueError(f"recursion({u}, {a})")
    return (u,)


def _recursion(u: Any, a: Any) -> Any:
    from scipy.signal import lfilter

    one = np.ones(1, a.dtype)
    if a.ndim == 1:
        return lfilter(one, a, u, axis=-1)
    out = np.empty_like(u)
    for i in np.ndindex(*a.shape[:-1]):
        out[i] = lfilter(one, a[i], u[i], axis=-1)
    return out


def delayed(x: Any, steps: int) -> Any:
    """The last axis so many samples later, with zeros in front."""
    n = x.shape[-1]
    if steps == 0:
        return x
    start = np.zeros((*x.shape[:-1], min(steps, n)), x.dtype)
    return np.concatenate([start, x[..., : max(n - steps, 0)]], axis=-1)


def weighted(b: Any, x: Any) -> Any:
    """The sum of ``b[k]`` times x delayed by k: b may have the leading axes of x."""
    total: Any = 0.0
    for k in range(b.shape[-1]):
        factor = b[..., k]
        factor = np.reshape(factor, factor.shape + (1,) * (x.ndim - factor.ndim))
        total = total + factor * delayed(x, k)
    return total


def _jvp(primals: Any, tangents: Any, outputs: Any) -> Any:
    (_, a), (u_dot, a_dot), (y,) = primals, tangents, outputs
    moved = 0.0 if u_dot is None else u_dot
    if a_dot is not None:
        moved = moved - weighted(a_dot, y)
    return recursion(moved, a)


def _transpose(y_bar: Any, operands: Any, which: int) -> Any:
    """Backwards in time the same recursion."""
    return np.flip(recursion(np.flip(y_bar, -1), operands[1]), -1)


recursion: Primitive = Primitive(
    "recursion",
    "special",
    _type,
    _recursion,
    linear_in=(0,),
    transpose=_transpose,
    jvp=_jvp,
    reason="defined by an equation: a convolved with y is u, along the last axis",
    doc="the filter 1 / a along the last axis; a may have leading axes of u",
)
