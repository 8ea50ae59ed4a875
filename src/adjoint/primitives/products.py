"""Products: linear in each operand alone, so each has one transpose for each operand."""

from __future__ import annotations

from functools import lru_cache
from string import ascii_letters
from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType
from adjoint.primitives.infer import ufunc_rule
from adjoint.primitives.linear import broadcast, reshape

mul = Primitive(
    "mul",
    "multilinear",
    ufunc_rule(np.multiply),
    np.multiply,
    transpose=lambda y_bar, operands, which: y_bar * operands[1 - which],
    ufunc=np.multiply,
    stretches=True,
)


def _multiply_no_nan(x: Any, y: Any, out: Any = None) -> Any:
    with np.errstate(invalid="ignore"):
        result = np.multiply(x, y, out=out)
        if np.isnan(result).any():
            result = np.where((x == 0) | (y == 0), np.zeros((), result.dtype), result)[()]
        result += result.dtype.type(0)  # zeros without a sign: what does not move
        return result


multiply_no_nan: Primitive = Primitive(
    "multiply_no_nan",
    "multilinear",
    ufunc_rule(np.multiply),
    _multiply_no_nan,
    transpose=lambda y_bar, operands, which: multiply_no_nan(y_bar, operands[1 - which]),
    stretches=True,
    notes={"takes_out": True},
    doc="x y, but 0 where either is 0, even against inf and nan: derivatives behind a where",
)


def _divide_no_nan(x: Any, y: Any, out: Any = None) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        result = np.divide(x, y, out=out)
        if np.isnan(result).any():
            result = np.where(x == 0, np.zeros((), result.dtype), result)[()]
        result += result.dtype.type(0)
        return result


divide_no_nan: Primitive = Primitive(
    "divide_no_nan",
    "elementwise",
    ufunc_rule(np.true_divide),
    _divide_no_nan,
    terms=(
        lambda t, out, x, y: divide_no_nan(t, y),
        lambda t, out, x, y: -multiply_no_nan(t, divide_no_nan(out, y)),
    ),
    linear_in=(0,),
    transpose=lambda y_bar, operands, which: divide_no_nan(y_bar, operands[1]),
    stretches=True,
    notes={"takes_out": True},
    doc="x / y, but 0 where x is 0, even over 0 and nan: derivatives behind a where",
    domain=((-2.0, 2.0), (0.4, 3.0)),
)


def _over_length(x: Any, r: Any) -> Any:
    none = r == 0
    return np.where(none, np.zeros((), x.dtype), x / np.where(none, np.ones((), r.dtype), r))[()]


over_length: Primitive = Primitive(
    "over_length",
    "elementwise",
    ufunc_rule(np.true_divide),
    _over_length,
    terms=(
        lambda t, out, x, r: over_length(t, r),
        lambda t, out, x, r: -over_length(t * out, r),
    ),
    linear_in=(0,),
    transpose=lambda y_bar, operands, which: over_length(y_bar, operands[1]),
    stretches=True,
    doc="x / r, but 0 where r is 0: the slope of a length, whose smallest subgradient there is 0",
    domain=((-2.0, 2.0), (0.4, 3.0)),
)

# *** matrix product ***


def _matmul_type(x: ArrayType, y: ArrayType) -> tuple[ArrayType]:
    if x.dtype != y.dtype:
        raise ValueError(f"dtypes differ: {x}, {y}")
    batch = x.shape[:-2]
    if x.ndim > 2 or y.ndim > 2:
        if x.shape[:-2] != y.shape[:-2]:
            raise ValueError(f"batch axes differ: {x} @ {y}")
        batch = x.shape[:-2]
    rows = x.shape[-2:-1]
    inner = y.shape[-2] if y.ndim > 1 else y.shape[0]
    columns = y.shape[-1:] if y.ndim > 1 else ()
    if x.shape[-1] != inner:
        raise ValueError(f"inner axes differ: {x} @ {y}")
    return (ArrayType(batch + rows + columns, x.dtype),)


def _swap(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def _matmul_transpose(z_bar: Any, operands: Any, which: int) -> Any:
    x, y = operands
    if which == 0:
        if len(y.shape) == 1:  # z[m] = x[m, k] y[k], or z = x[k] y[k]
            return np.multiply(z_bar[..., None], y) if len(x.shape) == 2 else z_bar * y
        if len(x.shape) == 1:  # z[n] = x[k] y[k, n]
            return y @ z_bar
        return z_bar @ _swap(y)  # [m, n] @ [n, k] -> [m, k]
    if len(x.shape) == 1:
        return x[:, None] * z_bar if len(y.shape) == 2 else z_bar * x
    if len(y.shape) == 1:
        return z_bar @ x
    return _swap(x) @ z_bar  # [k, m] @ [m, n] -> [k, n]


matmul: Primitive = Primitive(
    "matmul",
    "multilinear",
    _matmul_type,
    np.matmul,
    transpose=_matmul_transpose,
    doc="[..., m, k] @ [..., k, n] with equal batch axes; either may be a vector",
)

# *** einsum ***


@lru_cache(maxsize=1024)
def split_subscripts(subscripts: str) -> tuple[tuple[str, ...], str]:
    """``"ij,jk->ik"`` to ``(("ij", "jk"), "ik")``."""
    left, right = subscripts.split("->")
    return tuple(left.split(",")), right


def _einsum_type(*types: ArrayType, subscripts: str, optimize: bool) -> tuple[ArrayType]:
    inputs, output = split_subscripts(subscripts)
    extent: dict[str, int] = {}
    for labels, kind in zip(inputs, types, strict=True):
        for label, n in zip(labels, kind.shape, strict=True):
            if extent.setdefault(label, n) != n:
                raise ValueError(f"the axes {label!r} of {subscripts!r} differ in length")
    if len({kind.dtype for kind in types}) > 1:
        raise ValueError(f"dtypes differ: {', '.join(map(str, types))}")
    return (ArrayType(tuple([extent[label] for label in output]), types[0].dtype),)


def _einsum_transpose(
    y_bar: Any, operands: Any, which: int, subscripts: str, optimize: bool
) -> Any:
    inputs, output = split_subscripts(subscripts)
    mine = inputs[which]
    others = [
        (labels, x)
        for i, (labels, x) in enumerate(zip(inputs, operands, strict=True))
        if i != which
    ]
    known = set(output).union(*(labels for labels, _ in others))
    once = "".join(dict.fromkeys(mine))
    reached = "".join(label for label in once if label in known)
    equation = ",".join([output, *(labels for labels, _ in others)]) + "->" + reached
    x_bar = einsum(y_bar, *(x for _, x in others), subscripts=equation, optimize=True)
    extent = dict(zip(mine, operands[which].shape, strict=True))
    if reached != once:  # labels summed within this operand alone: spread again
        shape = tuple([extent[label] if label in known else 1 for label in once])
        x_bar = broadcast(
            reshape(x_bar, shape=shape), shape=tuple([extent[label] for label in once])
        )
    if once != mine:  # a repeated label took a diagonal: put it back on the diagonal
        free = (letter for letter in ascii_letters if letter not in mine)
        fresh = "".join(
            label if mine.index(label) == i else next(free) for i, label in enumerate(mine)
        )
        pairs = [(mine[i], fresh[i]) for i in range(len(mine)) if fresh[i] != mine[i]]
        eyes = [np.eye(extent[a], dtype=x_bar.dtype) for a, _ in pairs]
        equation = ",".join([once, *(a + b for a, b in pairs)]) + "->" + fresh
        x_bar = einsum(x_bar, *eyes, subscripts=equation, optimize=True)
    return x_bar


def _einsum(*xs: Any, subscripts: str, optimize: bool) -> Any:
    return np.einsum(subscripts, *xs, optimize=optimize)


einsum: Primitive = Primitive(
    "einsum",
    "multilinear",
    _einsum_type,
    _einsum,
    ("subscripts", "optimize"),
    transpose=_einsum_transpose,
    doc="Einstein summation with an explicit output; its transposes are einsums",
)


def scalar_pow_term(t: Any, out: Any, x: Any, exponent: float) -> Any:
    """The term of ``x ** exponent`` for a number known beforehand."""
    if exponent == 0:
        return t * 0
    if 0 < exponent < 1:  # infinite at 0; a zero that meets it stays 0, as for sqrt
        return multiply_no_nan(t, exponent * x ** (exponent - 1))
    return t * (exponent * x ** (exponent - 1))


scalar_pow = Primitive(
    "scalar_pow",
    "elementwise",
    lambda x, exponent: (x,),
    lambda x, exponent: np.power(x, exponent) if np.ndim(x) else x[()] ** exponent,
    ("exponent",),
    terms=(scalar_pow_term,),
    stretches=True,
    domain=((0.3, 3.0),),
    doc="x to a power that is a Python number",
)
