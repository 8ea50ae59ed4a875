"""How each elementwise primitive is written in LLVM's language, with NumPy's meaning.

One function for each primitive: registers in, register out. What NumPy promises is kept:
NaN passes through maximum and minimum, integers wrap, division by the integer zero gives
zero, shifts by more than the width give what NumPy gives. A primitive without an entry, or
whose entry declines a dtype by returning None, runs its NumPy reference instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.lower.emit import FLOATS, Emitter, Reg

# (emitter, registers, dtypes of the operands, dtype of the result, attributes) -> register
Rule = Callable[
    [Emitter, list[Reg], list[np.dtype[Any]], np.dtype[Any], dict[str, Any]], Reg | None
]
RULES: dict[str, Rule] = {}
# Names of rules by the kinds of dtype they accept: b bool, i signed, u unsigned, f float.
KINDS: dict[str, str] = {}
# Rough price of one element, in units of an addition.
PRICE: dict[str, int] = {}


def rule(name: str, kinds: str, price: int = 1) -> Callable[[Rule], Rule]:
    """Register the rule of a primitive."""

    def note(function: Rule) -> Rule:
        RULES[name] = function
        KINDS[name] = kinds
        PRICE[name] = price
        return function

    return note


def _is_float(reg: Reg) -> bool:
    return reg.kind in FLOATS


def _number(e: Emitter, value: float, like: Reg) -> Reg:
    return e.const(value, like.kind)


def _simple(name: str, kinds: str, floating: str, integer: str, boolean: str = "") -> None:
    def write(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
        if _is_float(x[0]):
            return e.op(floating, *x)
        return e.op(boolean if x[0].kind == "i1" else integer, *x)

    rule(name, kinds)(write)


_simple("add", "biuf", "fadd", "add", "or")
_simple("sub", "iuf", "fsub", "sub")
_simple("mul", "biuf", "fmul", "mul", "and")
_simple("bitwise_and", "biu", "", "and", "and")
_simple("bitwise_or", "biu", "", "or", "or")
_simple("bitwise_xor", "biu", "", "xor", "xor")


@rule("neg", "iuf")
def _neg(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return e.op("fneg", x[0]) if _is_float(x[0]) else e.op("sub", e.const(0, x[0].kind), x[0])


@rule("div", "f", 4)
def _div(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return e.op("fdiv", *x)


@rule("reciprocal", "f", 4)
def _reciprocal(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return e.op("fdiv", _number(e, 1.0, x[0]), x[0])


@rule("square", "iuf")
def _square(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return e.op("fmul" if _is_float(x[0]) else "mul", x[0], x[0])


@rule("sqrt", "f", 4)
@rule("norm_sqrt", "f", 4)
def _sqrt(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return e.intrinsic("sqrt", x[0])


@rule("abs", "biuf")
def _abs(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    if _is_float(x[0]):
        return e.intrinsic("fabs", x[0])
    if t[0].kind in "bu":
        return x[0]
    return e.intrinsic("abs", x[0], tail="i1 false")


def is_nan(e: Emitter, x: Reg) -> Reg:
    """Whether a number is none."""
    return e.op("fcmp uno", x, x, kind="i1")


def extreme(e: Emitter, x: Reg, y: Reg, dtype: np.dtype[Any], larger: bool) -> Reg:
    """NumPy's maximum and minimum: a NaN wins, the first of two."""
    if not _is_float(x):
        if x.kind == "i1":
            return e.op("or" if larger else "and", x, y)
        sign = "s" if dtype.kind == "i" else "u"
        return e.intrinsic(f"{sign}{'max' if larger else 'min'}", x, y)
    wins = e.op("fcmp oge" if larger else "fcmp ole", x, y, kind="i1")
    return e.select(e.op("or", wins, is_nan(e, x)), x, y)


@rule("maximum", "biuf", 2)
def _maximum(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return extreme(e, x[0], x[1], out, True)


@rule("minimum", "biuf", 2)
def _minimum(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return extreme(e, x[0], x[1], out, False)


def _avoiding_nan(name: str, larger: bool) -> None:
    @rule(name, "biuf", 2)
    def write(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
        if not _is_float(x[0]):
            return extreme(e, x[0], x[1], out, larger)
        wins = e.op("fcmp oge" if larger else "fcmp ole", x[0], x[1], kind="i1")
        return e.select(e.op("or", wins, is_nan(e, x[1])), x[0], x[1])


_avoiding_nan("fmax", True)
_avoiding_nan("fmin", False)

_ORDER = {"less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge"}


def _comparison(name: str, floating: str, word: str) -> None:
    @rule(name, "biuf")
    def write(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
        if t[0] != t[1] and t[0].kind in "iu" and t[1].kind in "iu":
            return _mixed_signs(e, x, t, word)
        if _is_float(x[0]):
            return e.op(f"fcmp {floating}", *x, kind="i1")
        sign = "" if word in ("eq", "ne") else "s" if t[0].kind == "i" else "u"
        return e.op(f"icmp {sign}{word}", *x, kind="i1")


def _mixed_signs(e: Emitter, x: list[Reg], t: Any, word: str) -> Reg:
    """Signed against unsigned 64 bits, compared by value as NumPy does."""
    unsigned_first = t[0].kind == "u"
    signed = x[1] if unsigned_first else x[0]
    negative = e.op("icmp slt", signed, e.const(0, signed.kind), kind="i1")
    plain = e.op(f"icmp {'' if word in ('eq', 'ne') else 'u'}{word}", *x, kind="i1")
    if word in ("eq", "ne"):
        when = word == "ne"
    else:
        when = (word in ("lt", "le")) != unsigned_first
    return e.select(negative, e.const(when, "i1"), plain)


_comparison("equal", "oeq", "eq")
_comparison("not_equal", "une", "ne")
for _name, _word in _ORDER.items():
    _comparison(_name, f"o{_word}", _word)


def truth(e: Emitter, x: Reg) -> Reg:
    """Whether a number is not zero (NaN is true)."""
    if x.kind == "i1":
        return x
    if _is_float(x):
        return e.op("fcmp une", x, e.const(0.0, x.kind), kind="i1")
    return e.op("icmp ne", x, e.const(0, x.kind), kind="i1")


def _logical(name: str, opcode: str) -> None:
    @rule(name, "biuf")
    def write(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
        return e.op(opcode, truth(e, x[0]), truth(e, x[1]))


_logical("logical_and", "and")
_logical("logical_or", "or")
_logical("logical_xor", "xor")


@rule("logical_not", "biuf")
def _not(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return e.op("xor", truth(e, x[0]), e.const(1, "i1"))


@rule("invert", "biu")
def _invert(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return e.op("xor", x[0], e.const(1 if x[0].kind == "i1" else -1, x[0].kind))


@rule("isnan", "biuf")
def _isnan(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return is_nan(e, x[0]) if _is_float(x[0]) else e.const(0, "i1")


@rule("isinf", "biuf")
def _isinf(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    if not _is_float(x[0]):
        return e.const(0, "i1")
    infinity = _number(e, float("inf"), x[0])
    return e.op("fcmp oeq", e.intrinsic("fabs", x[0]), infinity, kind="i1")


@rule("isfinite", "biuf")
def _isfinite(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    if not _is_float(x[0]):
        return e.const(1, "i1")
    infinity = _number(e, float("inf"), x[0])
    return e.op("fcmp olt", e.intrinsic("fabs", x[0]), infinity, kind="i1")


def _bits(e: Emitter, x: Reg) -> Reg:
    return e.convert("bitcast", x, {"half": "i16", "float": "i32", "double": "i64"}[x.kind])


@rule("signbit", "f")
def _signbit(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    bits = _bits(e, x[0])
    return e.op("icmp slt", bits, e.const(0, bits.kind), kind="i1")


@rule("copysign", "f")
def _copysign(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return e.intrinsic("copysign", *x)


@rule("abs_slope", "f")
@rule("sign", "iuf")
def _sign(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    zero, one = e.const(0, x[0].kind), e.const(1, x[0].kind)
    if t[0].kind == "u":
        return e.select(truth(e, x[0]), one, zero)
    minus = e.const(-1, x[0].kind)
    if not _is_float(x[0]):
        down = e.op("icmp slt", x[0], zero, kind="i1")
        return e.select(down, minus, e.select(truth(e, x[0]), one, zero))
    up = e.op("fcmp ogt", x[0], zero, kind="i1")
    down = e.op("fcmp olt", x[0], zero, kind="i1")
    # Zero of either sign gives +0, NaN itself.
    still = e.select(e.op("fcmp oeq", x[0], zero, kind="i1"), zero, x[0])
    return e.select(up, one, e.select(down, minus, still))


@rule("heaviside", "f")
def _heaviside(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    zero, one = _number(e, 0.0, x[0]), _number(e, 1.0, x[0])
    at = e.select(e.op("fcmp oeq", x[0], zero, kind="i1"), x[1], x[0])
    up = e.op("fcmp ogt", x[0], zero, kind="i1")
    down = e.op("fcmp olt", x[0], zero, kind="i1")
    return e.select(up, one, e.select(down, zero, at))


def _rounding(name: str, intrinsic: str) -> None:
    @rule(name, "biuf")
    def write(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
        return e.intrinsic(intrinsic, x[0]) if _is_float(x[0]) else x[0]


for _name in ("floor", "ceil", "rint", "trunc"):
    _rounding(_name, _name)


def _shift(name: str, left: bool) -> None:
    @rule(name, "iu")
    def write(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
        bits = out.itemsize * 8
        inside = e.op("icmp ult", x[1], e.const(bits, x[0].kind), kind="i1")
        safe = e.select(inside, x[1], e.const(0, x[0].kind))
        if left:
            shifted = e.op("shl", x[0], safe)
            return e.select(inside, shifted, e.const(0, x[0].kind))
        if out.kind == "u":
            return e.select(inside, e.op("lshr", x[0], safe), e.const(0, x[0].kind))
        return e.op("ashr", x[0], e.select(inside, x[1], e.const(bits - 1, x[0].kind)))


_shift("left_shift", True)
_shift("right_shift", False)


@rule("where", "biufc", 1)
def _where(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return e.select(*x)


@rule("shared", "bf", 3)
def _shared(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    half = e.op("fmul", x[0], _number(e, 0.5, x[0]))
    return e.select(x[1], e.select(x[2], half, x[0]), _number(e, 0.0, x[0]))


@rule("multiply_no_nan", "biuf", 3)
def _multiply_no_nan(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    if not _is_float(x[0]):
        return e.op("and" if x[0].kind == "i1" else "mul", *x)
    zero = _number(e, 0.0, x[0])
    either = [e.op("fcmp oeq", factor, zero, kind="i1") for factor in x]
    return e.select(e.op("or", *either), zero, e.op("fmul", *x))


def _zero_wins(name: str, which: int) -> None:
    """A quotient that is 0 where its numerator (0) or its denominator (1) is."""

    @rule(name, "f", 5)
    def quotient(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
        zero = _number(e, 0.0, x[0])
        return e.select(e.op("fcmp oeq", x[which], zero, kind="i1"), zero, e.op("fdiv", *x))


_zero_wins("divide_no_nan", 0)
_zero_wins("over_length", 1)


@rule("stop_gradient", "biufc", 0)
@rule("conj", "iuf", 0)
@rule("real", "biuf", 0)
def _as_it_is(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return x[0]


@rule("imag", "biuf", 0)
def _imag(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return e.const(0, x[0].kind)


@rule("cast", "biuf", 1)
def _cast(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return cast(e, x[0], t[0], out)


def cast(e: Emitter, x: Reg, source: np.dtype[Any], target: np.dtype[Any]) -> Reg:
    """Change the dtype of a real number, as astype does."""
    from adjoint.lower.emit import reg_type

    kind = reg_type(target)
    assert kind is not None
    if target.kind == "b":
        return truth(e, x)
    if kind == x.kind and _is_float(x):
        return x
    if _is_float(x):
        if kind in FLOATS:
            if kind == "half" and x.kind == "double":
                x = _odd_float(e, x)
            narrower = target.itemsize < source.itemsize
            return e.convert("fptrunc" if narrower else "fpext", x, kind)
        return _float_to_int(e, x, target, kind)
    signed = source.kind == "i"
    if kind in FLOATS:
        return e.convert("sitofp" if signed else "uitofp", x, kind)
    if source.itemsize > target.itemsize:
        return e.convert("trunc", x, kind)
    if kind == x.kind:
        return x
    return e.convert("sext" if signed else "zext", x, kind)


def _odd_float(e: Emitter, x: Reg) -> Reg:
    """A double as a float rounded to odd, so that rounding it once more is right.

    The direct conversion to float16 is a call into a runtime library that need not be there.
    """
    near = e.convert("fptrunc", x, "float")
    back = e.convert("fpext", near, "double")
    bits = e.convert("bitcast", near, "i32")
    far = e.op("fcmp ogt", e.intrinsic("fabs", back), e.intrinsic("fabs", x), kind="i1")
    toward_zero = e.select(far, e.op("sub", bits, e.const(1, "i32")), bits)
    odd = e.convert("bitcast", e.op("or", toward_zero, e.const(1, "i32")), "float")
    inexact = e.op("fcmp one", back, x, kind="i1")
    return e.select(inexact, odd, near)


def _float_to_int(e: Emitter, x: Reg, target: np.dtype[Any], kind: str) -> Reg:
    """What the hardware gives: out of range is the processor's matter, but never poison."""
    wide = "i64"
    if target.kind == "i" and target.itemsize == 4:
        wide = "i32"
    lanes = "" if x.lanes == 1 else f"v{x.lanes}"
    short = {"half": "f16", "float": "f32", "double": "f64"}[x.kind]
    unsigned = target.kind == "u" and target.itemsize == 8
    name = f"@llvm.fpto{'u' if unsigned else 's'}i.sat.{lanes}{wide}.{lanes}{short}"
    type_ = wide if x.lanes == 1 else f"<{x.lanes} x {wide}>"
    e.declare(name, f"declare {type_} {name}({x.type})")
    whole = e.make(wide, x.lanes, x.level, f"call {type_} {name}({x.type} {x.name})")
    return whole if kind == wide else e.convert("trunc", whole, kind)
