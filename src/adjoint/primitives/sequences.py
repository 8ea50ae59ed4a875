"""Convolution and correlation of two sequences: bilinear."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType
from adjoint.primitives.linear import unslice


def span(n: int, m: int, mode: str, correlates: bool) -> tuple[int, int]:
    """Where a mode's result starts in the full one, and its length."""
    short = min(n, m)
    if mode == "full":
        return 0, n + m - 1
    if mode == "valid":
        return short - 1, max(n, m) - short + 1
    # NumPy exchanges the sequences if the second is longer; correlate turns the result back.
    return (short // 2 if correlates and m > n else (short - 1) // 2), max(n, m)


def _type(correlates: bool) -> Any:
    def infer(a: ArrayType, v: ArrayType, mode: str) -> tuple[ArrayType]:
        if a.ndim != 1 or v.ndim != 1 or a.dtype != v.dtype or not a.size or not v.size:
            raise ValueError(f"convolve({a}, {v})")
        return (ArrayType((span(a.size, v.size, mode, correlates)[1],), a.dtype),)

    return infer


def _transpose(correlates: bool) -> Any:
    def transpose(y_bar: Any, operands: Any, which: int, mode: str) -> Any:
        n, m = operands[0].shape[0], operands[1].shape[0]
        start, _ = span(n, m, mode, correlates)
        full = unslice(y_bar, start=(start,), step=(1,), shape=(n + m - 1,))
        if which == 0:
            other = operands[1] if correlates else np.flip(operands[1])
            return convolve(full, other, mode="valid")
        result = convolve(full, np.flip(operands[0]), mode="valid")
        return np.flip(result) if correlates else result

    return transpose


convolve: Primitive = Primitive(
    "convolve",
    "multilinear",
    _type(False),
    lambda a, v, mode: np.convolve(a, v, mode),
    ("mode",),
    transpose=_transpose(False),
    doc="sum a[i] v[k - i]",
)
correlate = Primitive(
    "correlate",
    "multilinear",
    _type(True),
    lambda a, v, mode: np.correlate(a, np.conjugate(v), mode),
    ("mode",),
    transpose=_transpose(True),
    doc="sum a[i + k] v[i], neither conjugated",
)
