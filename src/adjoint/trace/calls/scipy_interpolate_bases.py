"""Matrices of B-splines' values at places, sparse as SciPy lays them out."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.scipy_interpolate_splines import basis, design
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import scipy_rule


def _base_at(t: Any, k: int, x: Any) -> tuple[Any, Any]:
    """Values of the base at places and their columns: k + 1 of each, or all inside jit."""
    first, values = basis(t, k, x)
    known = known_value(first)
    if known is None:
        return design(t, k, x), np.arange(t.shape[0] - k - 1)[None, :]
    return np.stack(values, axis=-1), np.asarray(known)[:, None] + np.arange(k + 1)


def _matrix(parts: list[tuple[Any, Any]], counts: list[int]) -> Any:
    """Products of bases, one row for each place.

    Of several dimensions SciPy gives the columns up to the last in use; inside jit it is all.
    """
    import scipy.sparse

    data, columns = parts[0]
    for (values, more), count in zip(parts[1:], counts[1:], strict=True):
        data = np.reshape(data[:, :, None] * values[:, None, :], (data.shape[0], -1))
        columns = columns[:, :, None] * count + more[:, None, :]
        columns = np.reshape(columns, (columns.shape[0], -1))
    rows, width = data.shape
    lies = np.broadcast_to(columns, (rows, width)).reshape(-1)
    given = (np.reshape(data, (-1,)), lies, np.arange(rows + 1) * width)
    used = int(lies.max(initial=-1)) + 1 if len(counts) > 1 else counts[0]
    return scipy.sparse.csr_array(given, shape=(rows, used))


@scipy_rule("scipy.interpolate.BSpline.design_matrix.__func__")
def design_matrix(cls: Any, x: Any, t: Any, k: int, extrapolate: Any = False) -> Any:
    """The base's values at places."""
    x, t = floating(x), floating(t)
    low, high = t[k], t[t.shape[0] - k - 1]
    if extrapolate == "periodic":
        x = x - np.floor(stop_gradient((x - low) / (high - low))) * (high - low)
    elif not extrapolate:
        outside = known_value(stop_gradient((x < low) | (x > high)))
        if outside is not None and np.any(outside):
            raise ValueError(f"Out of bounds w/ x = {known_value(x)}.")
    return _matrix([_base_at(t, k, x)], [t.shape[0] - k - 1])


@scipy_rule("scipy.interpolate.NdBSpline.design_matrix.__func__")
def nd_design_matrix(cls: Any, xvals: Any, t: Any, k: Any, extrapolate: Any = True) -> Any:
    """Products of the values of several bases at places."""
    xvals = floating(xvals)
    if len(t) != xvals.shape[-1]:
        ndim = xvals.shape[-1]
        raise ValueError(f"Data and knots are inconsistent: len(t) = {len(t)} for {ndim = }.")
    knots = [floating(part) for part in t]
    degrees = [int(v) for v in np.broadcast_to(k, (len(knots),))]
    parts = [
        _base_at(part, degree, xvals[:, i])
        for i, (part, degree) in enumerate(zip(knots, degrees, strict=True))
    ]
    counts = [part.shape[0] - d - 1 for part, d in zip(knots, degrees, strict=True)]
    return _matrix(parts, counts)
