"""Equations that hold exactly: bit for bit, with NaN, infinities and both zeros.

Each function is one equation, stated by its docstring; it is given a node's operands and
attributes and returns what the node equals, or None where it does not apply. What would hold
only to rounding, or only up to the sign of a zero, is not here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from adjoint.graph.graph import Operand
from adjoint.rewrite.builder import Builder, Equation

EQUATIONS: dict[str, list[Equation]] = {}
# Writes that are looked behind for what a slice reads. A loop that reads what another wrote
# long ago is for ``split_rows``: looking here would take time quadratic in the rounds.
_FURTHEST = 32


def equation(*names: str) -> Callable[[Equation], Equation]:
    """Register an equation for nodes of these primitives."""

    def note(function: Equation) -> Equation:
        for name in names:
            EQUATIONS.setdefault(name, []).append(function)
        return function

    return note


Operands = tuple[Operand, ...]
Settings = Mapping[str, Any]


# *** shapes ***


@equation("broadcast", "reshape")
def same_shape(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """broadcast(x) = reshape(x) = x, to the shape it has."""
    return x[0] if x[0].type.shape == tuple(a["shape"]) else None


@equation("broadcast")
def broadcast_twice(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """broadcast(broadcast(x)) = broadcast(x)."""
    inner = b.of(x[0], "broadcast")
    return b("broadcast", inner.operands[0], shape=a["shape"]) if inner else None


@equation("reshape")
def reshape_twice(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """reshape(reshape(x)) = reshape(x)."""
    inner = b.of(x[0], "reshape")
    return b("reshape", inner.operands[0], shape=a["shape"]) if inner else None


@equation("reshape")
def reshape_of_uniform(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """reshape(broadcast(scalar)) = broadcast(scalar)."""
    inner = b.of(x[0], "broadcast")
    if inner is None or inner.operands[0].type.shape != ():
        return None
    return b("broadcast", inner.operands[0], shape=a["shape"])


@equation("permute_axes")
def permute_nothing(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """permute(x) = x, if the axes stay where they are or at most one is longer than 1."""
    axes = a["axes"]
    if tuple(axes) == tuple(range(len(axes))):
        return x[0]
    long = [i for i in axes if x[0].type.shape[i] != 1]
    if long == sorted(long):
        return b("reshape", x[0], shape=tuple([x[0].type.shape[i] for i in axes]))
    return None


@equation("permute_axes")
def permute_twice(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """permute(permute(x)) = permute(x)."""
    inner = b.of(x[0], "permute_axes")
    if inner is None:
        return None
    first = inner.attributes[0]
    return b("permute_axes", inner.operands[0], axes=tuple([first[i] for i in a["axes"]]))


@equation("permute_axes")
def permute_uniform(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """permute(broadcast(scalar)) = broadcast(scalar)."""
    inner = b.of(x[0], "broadcast")
    if inner is None or inner.operands[0].type.shape != ():
        return None
    shape = tuple([x[0].type.shape[i] for i in a["axes"]])
    return b("broadcast", inner.operands[0], shape=shape)


@equation("slice")
def slice_everything(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """x[:] = x."""
    whole = tuple(a["shape"]) == x[0].type.shape and all(f == 0 for f in a["start"])
    return x[0] if whole and all(s == 1 for s in a["step"]) else None


@equation("slice")
def slice_twice(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """x[f + s i][g + t j] = x[f + s g + s t j]."""
    inner = b.of(x[0], "slice")
    if inner is None or 0 in a["shape"]:
        return None
    first, step, _ = inner.attributes
    start = tuple(f + s * g for f, s, g in zip(first, step, a["start"], strict=True))
    steps = tuple(s * t for s, t in zip(step, a["step"], strict=True))
    return b("slice", inner.operands[0], start=start, step=steps, shape=a["shape"])


@equation("slice")
def slice_of_uniform(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """broadcast(scalar)[...] = broadcast(scalar)."""
    inner = b.of(x[0], "broadcast")
    if inner is None or inner.operands[0].type.shape != ():
        return None
    return b("broadcast", inner.operands[0], shape=tuple(a["shape"]))


def _place(a: Settings, y: Operand, start: Any) -> str:
    """How a slice lies to what has been written: inside it, apart from it, or across."""
    inside = True
    for n, first, step, m, other in zip(
        a["shape"], a["start"], a["step"], y.type.shape, start, strict=True
    ):
        last = first + step * (n - 1)
        low, high = (first, last) if first < last else (last, first)
        if high < other or low >= other + m:
            return "apart"
        inside = inside and low >= other and high < other + m
    return "inside" if inside else "across"


@equation("slice")
def slice_of_written(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """set_slice(x, y)[...] = y[...] inside what was written, x[...] apart from it."""
    array = x[0]
    for _ in range(_FURTHEST):
        inner = b.of(array, "set_slice")
        if inner is None or 0 in a["shape"]:
            return None if array is x[0] else b("slice", array, **a)
        before, y = inner.operands
        start, step = inner.attributes
        apart = 0 in y.type.shape or any(s != 1 for s in step)
        place = "across" if apart else _place(a, y, start)
        if place == "inside":
            moved = tuple([f - g for f, g in zip(a["start"], start, strict=True)])
            return b("slice", y, start=moved, step=a["step"], shape=a["shape"])
        if place == "across":
            return None if array is x[0] else b("slice", array, **a)
        array = before
    return None


@equation("set_slice")
def write_everything(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """Writing over all of x leaves nothing of it."""
    whole = x[1].type.shape == x[0].type.shape and all(f == 0 for f in a["start"])
    return x[1] if whole and all(s == 1 for s in a["step"]) else None


@equation("concatenate")
def concatenate_one(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """concatenate([x]) = x, empty parts left out."""
    parts = [part for part in x if part.type.shape[a["axis"]]]
    if len(parts) == len(x) > 1 or not parts:
        return None
    return parts[0] if len(parts) == 1 else b("concatenate", *parts, axis=a["axis"])


# *** numbers ***


@equation("cast")
def cast_to_same(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """cast(x) = x, to the dtype it has."""
    return x[0] if x[0].type.dtype == a["dtype"] else None


@equation("stop_gradient", "conj", "real")
def nothing_to_do(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """stop_gradient(x) = x; conj(x) = real(x) = x for real x."""
    return x[0] if x[0].type.dtype.kind != "c" else None


@equation("neg")
def negate_twice(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """-(-x) = x."""
    inner = b.of(x[0], "neg")
    return inner.operands[0] if inner else None


def _is(b: Builder, x: Operand, number: float) -> bool:
    value = b.number(x)
    if value is None or value.dtype.kind not in "iuf":
        return False
    return bool(value == number) and not (number == 0 and np.signbit(value))


@equation("mul")
def times_one(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """1 x = x 1 = x."""
    if _is(b, x[0], 1):
        return x[1]
    return x[0] if _is(b, x[1], 1) else None


@equation("mul")
def times_minus_one(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """(-1) x = x (-1) = -x, for numbers with a sign."""
    if x[0].type.dtype.kind not in "if":
        return None
    if _is(b, x[0], -1):
        return b("neg", x[1])
    return b("neg", x[0]) if _is(b, x[1], -1) else None


@equation("div")
def over_one(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """X / 1 = x."""
    return x[0] if _is(b, x[1], 1) else None


@equation("div")
def over_power_of_two(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """X / 2^k = x 2^-k: both are exact."""
    value = b.number(x[1])
    if value is None or value.dtype.kind != "f" or not np.isfinite(value) or value == 0:
        return None
    mantissa, exponent = np.frexp(np.float64(value))
    if abs(mantissa) != 0.5 or abs(int(exponent)) > 12:
        return None
    inverse = b.literal(np.asarray(1 / value, value.dtype))
    factor = b("broadcast", inverse, shape=x[1].type.shape)
    return b("mul", x[0], factor)


@equation("sub")
def minus_zero(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """X - 0 = x, for the positive zero."""
    return x[0] if _is(b, x[1], 0) else None


@equation("add")
def plus_zero_of_integers(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """X + 0 = 0 + x = x, for integers (-0.0 + 0.0 is 0.0)."""
    if x[0].type.dtype.kind not in "iu":
        return None
    if _is(b, x[0], 0):
        return x[1]
    return x[0] if _is(b, x[1], 0) else None


@equation("add")
def add_negated(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """X + (-y) = x - y and (-x) + y = y - x."""
    right = b.of(x[1], "neg")
    if right:
        return b("sub", x[0], right.operands[0])
    left = b.of(x[0], "neg")
    return b("sub", x[1], left.operands[0]) if left else None


@equation("sub")
def subtract_negated(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """X - (-y) = x + y."""
    right = b.of(x[1], "neg")
    return b("add", x[0], right.operands[0]) if right else None


@equation("mul", "div")
def signs_cancel(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """(-x) (-y) = x y and (-x) / (-y) = x / y."""
    left, right = b.of(x[0], "neg"), b.of(x[1], "neg")
    if not (left and right):
        return None
    return b(b.making, left.operands[0], right.operands[0])


@equation("neg")
def sign_of_product(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """-((-x) y) = x y and -(x (-y)) = x y."""
    product = b.of(x[0], "mul")
    if product is None:
        return None
    left, right = product.operands
    negated = b.of(left, "neg")
    if negated:
        return b("mul", negated.operands[0], right)
    negated = b.of(right, "neg")
    return b("mul", left, negated.operands[0]) if negated else None


@equation("where")
def where_known(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """where(true, x, y) = x, where(false, x, y) = y, where(c, x, x) = x."""
    value = b.number(x[0])
    if value is not None:
        return x[1] if value else x[2]
    return x[1] if x[1] is x[2] else None


_ELEMENTWISE_OF_SCALARS = (
    "add", "sub", "mul", "div", "neg", "exp", "log", "sqrt", "square", "pow", "tanh",
    "reciprocal", "maximum", "minimum", "cast", "abs", "norm_sqrt",
)  # fmt: skip


@equation(*_ELEMENTWISE_OF_SCALARS)
def scalars_before_broadcast(b: Builder, x: Operands, a: Settings) -> Operand | None:
    """f(broadcast(s), broadcast(t)) = broadcast(f(s, t)) for scalars s and t."""
    shape = x[0].type.shape
    if not shape:
        return None
    scalars: list[Operand] = []
    for operand in x:
        inner = b.of(operand, "broadcast")
        if inner is None or inner.operands[0].type.shape != ():
            return None
        scalars.append(inner.operands[0])
    if not scalars:
        return None
    return b("broadcast", b(b.making, *scalars, **a), shape=shape)


# Those that only say where elements come from, and so hold for derivatives at kinks as well.
MOVING_EQUATIONS: dict[str, list[Equation]] = {
    name: list(EQUATIONS[name])
    for name in ("broadcast", "reshape", "permute_axes", "slice", "set_slice", "concatenate")
}

# Those of them that leave every read where it is: the same in each round of a loop.
READING_EQUATIONS: dict[str, list[Equation]] = {
    name: [found for found in equations if found not in (slice_of_written, slice_of_uniform)]
    for name, equations in MOVING_EQUATIONS.items()
}
