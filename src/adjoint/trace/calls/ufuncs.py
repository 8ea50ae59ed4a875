"""Universal functions: one primitive each, or a short composition; and their call forms."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.primitive import primitives
from adjoint.primitives import elementwise as e
from adjoint.primitives import linear
from adjoint.trace.calls.shapes import view
from adjoint.trace.calls.support import as_operand, complex_of, is_traced, moved_as
from adjoint.trace.elementwise import elementwise
from adjoint.trace.recorder import bind, plain
from adjoint.trace.tables import _ufuncs, implements, refuse
from adjoint.trace.views import handle


def _load() -> None:
    for primitive in primitives:
        if primitive.ufunc is not None:
            _ufuncs[primitive.ufunc] = _rule(primitive)


def _rule(primitive: Any) -> Any:
    def apply(*operands: Any) -> Any:
        return elementwise(
            primitive,
            *[x if is_traced(x) or hasattr(x, "dtype") else _number(x) for x in operands],
        )

    return apply


def _number(x: Any) -> Any:
    """Python numbers stay weak; lists become arrays."""
    return x if isinstance(x, bool | int | float | complex) else as_operand(x)


_load()


_steps = _ufuncs[np.sign]


@implements(np.sign)
def sign(x: Any) -> Any:
    """Steps for real numbers; z / |z| for complex ones, which turns. 0 at 0, with slope 0."""
    out = _steps(x)
    if out.dtype.kind != "c":
        return out
    x = as_operand(x)
    size = np.abs(x)
    turning = (size > 0) & np.isfinite(size)
    return moved_as(out, np.where(turning, x, 0) / np.where(turning, size, 1))


@implements(np.positive)
def positive(x: Any) -> Any:
    """``+x``."""
    return x.copy("K")


def _as_float(x: Any) -> Any:
    """An operand in the dtype that ufuncs of real numbers compute in: float16 for int8."""
    return x if x.dtype.kind == "f" else x.astype(np.fabs.resolve_dtypes((x.dtype, None))[0])


@implements(np.fabs)
def fabs(x: Any) -> Any:
    """The absolute value of real numbers."""
    return elementwise(e.absolute, _as_float(x))


@implements(np.sinc)
def sinc(x: Any) -> Any:
    """``sin(pi x) / (pi x)``."""
    x = as_operand(x)
    return e.sinc(x if x.dtype.kind in "fc" else x.astype(float))


def _scaled(x: Any, over: float, under: float) -> Any:
    """``x * (over / under)``, the factor rounded in the dtype that the ufunc computes in."""
    x = _as_float(x)
    kind = np.dtype(np.float32) if x.dtype == np.float16 else x.dtype
    factor = kind.type(over) / kind.type(under)
    return (x.astype(kind) * factor).astype(x.dtype)


@implements(np.deg2rad, np.radians)
def deg2rad(x: Any) -> Any:
    """Degrees to radians."""
    return _scaled(x, np.pi, 180)


@implements(np.rad2deg, np.degrees)
def rad2deg(x: Any) -> Any:
    """Radians to degrees."""
    return _scaled(x, 180, np.pi)


@implements(np.divmod)
def divmod_(x: Any, y: Any) -> Any:
    """Quotient rounded down, and remainder."""
    return np.floor_divide(x, y), np.remainder(x, y)


@implements(np.modf)
def modf(x: Any) -> Any:
    """Fractional and integral part."""
    x = _as_float(x)
    finite = np.where(np.isinf(x), np.copysign(0.0, x), x).astype(x.dtype)
    below = np.trunc(finite)
    rest = np.where(np.signbit(x), -(below - finite), finite - below)  # zeros have the sign of x
    return rest, np.trunc(x)


@implements(np.frexp)
def frexp(x: Any) -> Any:
    """Mantissa and exponent of 2."""
    at = np.where(np.isfinite(x) & (x != 0), np.abs(x), 0.5)
    exponent = (np.floor(np.log2(at)) + 1).astype(np.int32)
    # The logarithm may round across a power of 2: the mantissa tells.
    mantissa = np.ldexp(at, -exponent)
    exponent = exponent + (mantissa >= 1).astype(np.int32) - (mantissa < 0.5).astype(np.int32)
    return np.ldexp(x, -exponent), exponent


def _moved(x: Any, y: Any, axes: Any, dtype: Any) -> tuple[Any, Any, Any]:
    """Operands of a product with its axes last, and where the result's axes go."""
    a, b = as_operand(x), as_operand(y)
    if dtype is not None:
        a, b = a.astype(dtype), b.astype(dtype)
    if axes is None:
        return a, b, None
    first, second, last = ([i] if isinstance(i, int) else list(i) for i in axes)
    tail = [-2, -1]
    a = np.moveaxis(a, first, tail[-len(first) :])
    return a, np.moveaxis(b, second, tail[-len(second) :]), last


def _conjugated(x: Any) -> Any:
    return np.conjugate(x) if x.dtype.kind == "c" else x  # of truth values it would be integers


def _back(result: Any, last: Any) -> Any:
    return result if not last else np.moveaxis(result, [-2, -1][-len(last) :], last)


@implements(np.vecdot)
def vecdot(
    x: Any,
    y: Any,
    /,
    *,
    axis: int = -1,
    axes: Any = None,
    keepdims: bool = False,
    dtype: Any = None,
) -> Any:
    """Inner products along an axis, the first conjugated."""
    if axes is None:
        axes = [axis, axis, axis if keepdims else ()]
    places = axes if len(axes) == 3 else [*axes, axes[0] if keepdims else ()]
    a, b, last = _moved(x, y, places, dtype)
    result = np.matmul(_conjugated(a)[..., None, :], b[..., None])[..., 0, 0]
    return np.expand_dims(result, tuple(last)) if keepdims else result


@implements(np.vecmat)
def vecmat(x: Any, y: Any, /, *, axes: Any = None, dtype: Any = None) -> Any:
    """A vector times a matrix, the vector conjugated."""
    a, b, last = _moved(x, y, axes, dtype)
    return _back(np.matmul(_conjugated(a)[..., None, :], b)[..., 0, :], last)


@implements(np.matvec)
def matvec(x: Any, y: Any, /, *, axes: Any = None, dtype: Any = None) -> Any:
    """A matrix times a vector."""
    a, b, last = _moved(x, y, axes, dtype)
    return _back(np.matmul(a, b[..., None])[..., 0], last)


@implements(np.matmul)
def matmul(x: Any, y: Any, /, *, axes: Any = None, dtype: Any = None) -> Any:
    """The matrix product."""
    a, b, last = _moved(x, y, axes, dtype)
    from adjoint.trace.calls.products import batched_matmul

    return _back(batched_matmul(as_operand(a), as_operand(b)), last)


def _part(name: str, primitive: Any) -> Any:
    def read(base: Any) -> Any:
        return bind(primitive, (base,), ())

    def write(base: Any, new: Any) -> Any:
        own = linear.real(base).dtype
        if name == "real":
            return complex_of(new.astype(own), linear.imag(base))
        return complex_of(linear.real(base), new.astype(own))

    def part(val: Any) -> Any:
        x = as_operand(val)
        if is_traced(x) and x.tie is not None:
            x.tie.refresh(x)
        if x.dtype.kind == "c":
            return view(x, read(handle(x) if is_traced(x) else x), read, write)
        if name == "real":
            return view(x, handle(x), handle, lambda base, new: new) if is_traced(x) else x
        return plain(np.zeros(x.shape, x.dtype))

    return implements(getattr(np, name))(part)


real = _part("real", linear.real)
imag = _part("imag", linear.imag)


@implements(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    """The argument of a complex number."""
    x = as_operand(z)
    result = np.arctan2(np.imag(x) if x.dtype.kind == "c" else 0, np.real(x))
    return result * (180 / np.pi) if deg else result


@implements(np.round, np.around, methods=("round",))
def round_(a: Any, decimals: int = 0, out: Any = None) -> Any:
    """Rounded to a number of decimals: constant between the steps."""
    x = as_operand(a)
    if x.dtype.kind == "c":
        result = complex_of(round_(np.real(x), decimals), round_(np.imag(x), decimals))
    elif decimals == 0 or x.dtype.kind not in "f":
        result = np.rint(x) if x.dtype.kind == "f" else x.copy()
    elif decimals > 0:
        result = np.rint(x * 10.0**decimals) / 10.0**decimals
    else:
        result = np.rint(x / 10.0**-decimals) * 10.0**-decimals
    if out is not None:
        out[...] = result
        return out
    return result


refuse(
    "it is defined on integers, which have no derivative; compute it with ad.stop_gradient(x)",
    np.isnat,
)


@implements(np.bitwise_count)
def bitwise_count(x: Any) -> Any:
    """How many bits are set in a whole number's absolute value: by pairs, fours, and so on."""
    v = as_operand(x)
    if v.dtype.kind not in "biu":
        raise TypeError(f"ufunc 'bitwise_count' not supported for {v.dtype}")
    if v.dtype.kind == "i":  # in the widest type, where only one number has no opposite
        v = np.abs(v.astype(np.int64))
    v = v.astype(np.uint64)
    for width, chosen in enumerate(_LOW_HALVES):
        v = (v & chosen) + ((v >> np.uint64(1 << width)) & chosen)
    return v.astype(np.uint8)


# In each group of 2, 4, ... 64 bits those of the lower half.
_LOW_HALVES = [np.uint64((1 << 64) // ((1 << (1 << k)) + 1)) for k in range(6)]


@implements(methods=("conj", "conjugate"))
def conj(x: Any) -> Any:
    """The complex conjugate; of a real array that array itself."""
    if x.dtype.kind != "c":
        return x
    made = elementwise(linear.conj, x)
    if x.weak:
        made.weak = True
    return made
