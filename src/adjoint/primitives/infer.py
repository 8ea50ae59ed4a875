"""Type rules that many primitives share."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from adjoint.graph.types import ArrayType


def same_shape(types: tuple[ArrayType, ...]) -> tuple[int, ...]:
    """The one shape of all operands; broadcasting is done by nodes of its own."""
    shape = types[0].shape
    for other in types[1:]:
        if other.shape != shape:
            raise ValueError(f"shapes differ: {', '.join(map(str, types))}")
    return shape


@lru_cache(maxsize=4096)
def loop_dtypes(ufunc: Any, dtypes: tuple[Any, ...]) -> tuple[np.dtype[Any], ...]:
    """The dtypes of the loop a ufunc runs: operands, then outputs.

    ``float``, ``int`` and ``complex`` among ``dtypes`` stand for Python numbers, which are
    weak: they follow the arrays.
    """
    loops: tuple[np.dtype[Any], ...] = ufunc.resolve_dtypes((*dtypes, *(None,) * ufunc.nout))
    return loops


def ufunc_rule(ufunc: Any) -> Any:
    """The type rule of a ufunc on operands of equal shape."""

    def infer(*types: ArrayType) -> tuple[ArrayType, ...]:
        shape = same_shape(types)
        loop = loop_dtypes(ufunc, tuple([t.dtype for t in types]))
        return tuple([ArrayType(shape, dtype) for dtype in loop[len(types) :]])

    return infer


def like_first(first: ArrayType, *_: ArrayType, **__: Any) -> tuple[ArrayType, ...]:
    """The output has the type of the first operand."""
    return (first,)


def without_axes(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """A shape with some axes taken out."""
    return tuple([n for i, n in enumerate(shape) if i not in axes])


def real_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of the parts of a complex dtype; a real dtype itself."""
    if dtype.kind != "c":
        return dtype
    return np.dtype({"F": "f", "D": "d", "G": "g"}[dtype.char])


def zeros(kind: Any) -> Any:
    """Zeros of a type, taking no memory: one number stretched."""
    return np.broadcast_to(np.zeros((), kind.dtype), kind.shape)
