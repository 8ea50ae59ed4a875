"""Universal functions: one primitive each, or a short composition; and their call forms."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.primitive import primitives
from adjoint.primitives import elementwise as e
from adjoint.primitives import linear
from adjoint.trace.calls.support import as_operand
from adjoint.trace.elementwise import elementwise
from adjoint.trace.tables import _methods, _ufuncs, find_function, implements
from adjoint.trace.views import detached


def _load() -> None:
    for primitive in primitives:
        if primitive.ufunc is not None:
            _ufuncs[primitive.ufunc] = _rule(primitive)


def _rule(primitive: Any) -> Any:
    def apply(*operands: Any) -> Any:
        return elementwise(primitive, *[x if hasattr(x, "dtype") else _number(x) for x in operands])

    return apply


def _number(x: Any) -> Any:
    """Python numbers stay weak; lists become arrays."""
    return x if isinstance(x, bool | int | float | complex) else as_operand(x)


_load()


@implements(np.positive)
def positive(x: Any) -> Any:
    """``+x``."""
    return detached(x)


@implements(np.fabs)
def fabs(x: Any) -> Any:
    """The absolute value of real numbers."""
    return elementwise(e.absolute, x if x.dtype.kind == "f" else x.astype(float))


@implements(np.float_power)
def float_power(x: Any, y: Any) -> Any:
    """A power in float64 at least."""
    wide = np.result_type(np.float64, as_operand(x).dtype, as_operand(y).dtype)
    return elementwise(e.power, as_operand(x).astype(wide), as_operand(y).astype(wide))


@implements(np.deg2rad, np.radians)
def deg2rad(x: Any) -> Any:
    """Degrees to radians."""
    return x * (np.pi / 180)


@implements(np.rad2deg, np.degrees)
def rad2deg(x: Any) -> Any:
    """Radians to degrees."""
    return x * (180 / np.pi)


@implements(np.divmod)
def divmod_(x: Any, y: Any) -> Any:
    """Quotient rounded down, and remainder."""
    return np.floor_divide(x, y), np.remainder(x, y)


@implements(np.modf)
def modf(x: Any) -> Any:
    """Fractional and integral part."""
    whole = np.trunc(x)
    return x - whole, whole


@implements(np.matmul)
def matmul(x: Any, y: Any) -> Any:
    """The matrix product."""
    return find_function(np.dot)(x, y) if _is_plain(x, y) else _batched(x, y)


def _is_plain(x: Any, y: Any) -> bool:
    return np.ndim(x) <= 2 and np.ndim(y) <= 2 and np.ndim(x) > 0 and np.ndim(y) > 0


def _batched(x: Any, y: Any) -> Any:
    from adjoint.trace.calls.products import batched_matmul

    return batched_matmul(as_operand(x), as_operand(y))


def _with_options(rule: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """``out=``, ``where=`` and ``dtype=`` of a ufunc call."""
    options = dict(options)
    out = options.pop("out", None)
    where = options.pop("where", True)
    dtype = options.pop("dtype", None)
    for name in ("casting", "order", "subok"):
        options.pop(name, None)
    if options:
        raise TypeError(f"unexpected keyword arguments: {sorted(options)}")
    if dtype is not None:
        inputs = tuple(as_operand(x).astype(dtype) for x in inputs)
    result = rule(*inputs)
    target = out[0] if isinstance(out, tuple) else out
    if where is not True:
        base = np.zeros(result.shape, result.dtype) if target is None else detached(target)
        result = np.where(where, result, base)
    if target is None:
        return result
    target[...] = result
    return target


def _outer(ufunc: Any, x: Any, y: Any, **options: Any) -> Any:
    x, y = as_operand(x), as_operand(y)
    return ufunc(np.reshape(x, x.shape + (1,) * y.ndim), y, **options)


_REDUCTIONS = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.logical_and: np.all,
    np.logical_or: np.any,
}


def _reduce(
    ufunc: Any,
    x: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    **options: Any,
) -> Any:
    from adjoint.trace.tables import _unsupported

    function = _REDUCTIONS.get(ufunc)
    if function is None:
        raise _unsupported(ufunc.reduce)
    if dtype is not None:
        x = x.astype(dtype)
    result = find_function(function)(x, axis=axis, keepdims=keepdims, **options)
    if out is not None:
        (out[0] if isinstance(out, tuple) else out)[...] = result
    return result


_ACCUMULATIONS = {np.add: np.cumsum, np.multiply: np.cumprod}


def _accumulate(ufunc: Any, x: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    from adjoint.trace.tables import _unsupported

    function = _ACCUMULATIONS.get(ufunc)
    if function is None:
        raise _unsupported(ufunc.accumulate)
    return find_function(function)(x, axis=axis, dtype=dtype)


_methods["ufunc with options"] = _with_options
_methods["ufunc.outer"] = _outer
_methods["ufunc.reduce"] = _reduce
_methods["ufunc.accumulate"] = _accumulate


@implements(np.real, methods=("__real__",))
def real(x: Any) -> Any:
    """The real part."""
    return linear.real(x) if x.dtype.kind == "c" else detached(x)


@implements(np.imag)
def imag(x: Any) -> Any:
    """The imaginary part."""
    return linear.imag(x) if x.dtype.kind == "c" else np.zeros(x.shape, x.dtype)


@implements(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    """The argument of a complex number."""
    result = np.arctan2(np.imag(z), np.real(z))
    return result * (180 / np.pi) if deg else result


@implements(methods=("conj", "conjugate"))
def conj(x: Any) -> Any:
    """The complex conjugate."""
    return elementwise(linear.conj, x)
