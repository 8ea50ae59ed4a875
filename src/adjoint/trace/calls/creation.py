"""New arrays made after the shape and dtype of stand-ins."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.trace import making
from adjoint.trace.calls.support import any_traced, as_operand, common_dtype, is_traced
from adjoint.trace.recorder import plain
from adjoint.trace.replacing import replace_in_numpy
from adjoint.trace.tables import implements
from adjoint.trace.views import lying_as, memory_of


@implements(np.zeros_like, np.empty_like)
def zeros_like(
    a: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    """Zeros."""
    return plain(np.zeros_like(memory_of(a), dtype, order, False, shape))


@implements(np.ones_like)
def ones_like(
    a: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    """Ones."""
    return plain(np.ones_like(memory_of(a), dtype, order, False, shape))


@implements(np.full_like)
def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    """One value everywhere; a traced value keeps its derivative."""
    like = np.empty_like(memory_of(as_operand(a)), dtype, order, False, shape)
    if not is_traced(fill_value):
        return plain(np.full_like(like, fill_value))
    filled = np.broadcast_to(as_operand(fill_value).astype(like.dtype), like.shape).copy()
    return lying_as(filled, like)


@implements(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Evenly spaced numbers between two ends."""
    div, ends = num - 1 if endpoint else num, (start, stop)
    a, b = (x * 1.0 if type(x) in (int, float, complex) else as_operand(x) * 1.0 for x in ends)
    delta = b - a
    kind = common_dtype(a, b, float(num))
    k = np.arange(num, dtype=kind).reshape((-1,) + (1,) * np.ndim(delta))
    step = delta / div if div > 0 else np.nan
    result = k * step + a if div > 0 else k * delta + a
    if endpoint and num > 1:
        last = np.broadcast_to(b, result.shape[1:]).astype(result.dtype)
        result = np.concatenate([result[:-1], last[None]], axis=0)
    if axis != 0:
        result = np.moveaxis(result, 0, axis)
    if dtype is not None:
        result = result.astype(dtype)
    return (result, step) if retstep else result


@implements(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    """Coordinate arrays from coordinate vectors."""
    ndim = len(xi)
    shaped = []
    for i, x in enumerate(xi):
        shape = [1] * ndim
        shape[i] = -1
        shaped.append(np.reshape(as_operand(x), shape))
    if indexing == "xy" and ndim > 1:
        shaped = [np.swapaxes(x, 0, 1) for x in shaped]
    made = shaped if sparse else np.broadcast_arrays(*shaped)
    return tuple([x.copy() for x in made] if copy else made)


def _kaiser(function: Any) -> Callable[..., Any]:
    @functools.wraps(function)
    def kaiser(M: Any, beta: Any) -> Any:
        if not any_traced((M, beta)):
            made = function(M, beta)
            return making.result(made) if making.calls_from_user() else made
        n, beta = np.arange(0, M), as_operand(beta).astype(float)
        middle = (M - 1) / 2
        if n.shape[0] == 1:
            return making.result(np.ones(1))
        return np.i0(beta * np.sqrt(1 - ((n - middle) / middle) ** 2)) / np.i0(beta)

    return kaiser


replace_in_numpy({"kaiser": _kaiser(np.kaiser)})
