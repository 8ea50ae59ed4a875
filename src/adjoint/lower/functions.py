"""Transcendental functions, remainders and powers, as elementwise rules.

Vectors of float32 and float64 use the emitters of ``vectormath`` where it has the function;
everything else calls the C library, lane by lane. float16 is computed in float32 and
rounded, as NumPy does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.lower import special, vectormath
from adjoint.lower.emit import FLOATS, Emitter, Reg
from adjoint.lower.maps import cast, rule

# Primitive -> the C library's name for float64; float32 appends an f.
_LIBM = {
    "exp": "exp",
    "exp2": "exp2",
    "expm1": "expm1",
    "log": "log",
    "log2": "log2",
    "log10": "log10",
    "log1p": "log1p",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "cbrt": "cbrt",
    "erf": "erf",
    "erfc": "erfc",
    "arctan2": "atan2",
    "hypot": "hypot",
    "nextafter": "nextafter",
    "pow": "pow",
}


def apply(e: Emitter, name: str, *x: Reg) -> Reg:
    """A function of the C library, or its vectorised form."""
    if x[0].kind == "half":
        wide = [e.convert("fpext", reg, "float") for reg in x]
        return e.convert("fptrunc", apply(e, name, *wide), "half")
    dtype = "float32" if x[0].kind == "float" else "float64"
    if vectormath.available(name, dtype):
        lanes, level, same = e.alike(*x)
        symbol = vectormath.function_name(name, dtype, lanes)
        if symbol not in e.library:
            e.library[symbol] = vectormath.emit_function(name, dtype, lanes)
        given = ", ".join(f"{reg.type} {reg.name}" for reg in same)
        return e.make(same[0].kind, lanes, level, f"call {same[0].type} {symbol}({given})")
    suffix = "f" if x[0].kind == "float" else ""
    return e.call(_LIBM[name] + suffix, x[0].kind, *x)


def _in_float(e: Emitter, x: list[Reg], write: Callable[[list[Reg]], Reg | None]) -> Reg:
    """Compute float16 in float32, and round."""
    result = write([e.convert("fpext", reg, "float") for reg in x])
    assert result is not None
    return e.convert("fptrunc", result, "half")


def _function(name: str) -> None:
    @rule(name, "f", 15)
    def write(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
        return apply(e, name, *x)


def register() -> None:
    """Put this module's rules into the table: importing it has done most of it."""
    for name in _LIBM:
        if name != "nextafter":
            _function(name)
    special.register()


@rule("float_power", "biuf", 30)
def _float_power(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg | None:
    if out.kind != "f":
        return None
    wide = [cast(e, reg, dtype, out) for reg, dtype in zip(x, t, strict=True)]
    return apply(e, "pow", *wide)


@rule("nextafter", "f", 15)
def _nextafter(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg | None:
    return None if x[0].kind == "half" else apply(e, "nextafter", *x)


@rule("spacing", "f", 20)
def _spacing(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg | None:
    """How far the next number away from zero is, with the number's sign."""
    if x[0].kind == "half":
        return None
    infinity = e.const(float("inf"), x[0].kind)
    away = e.intrinsic("copysign", infinity, x[0])
    return e.op("fsub", apply(e, "nextafter", x[0], away), x[0])


@rule("ldexp", "iuf", 15)
def _ldexp(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg | None:
    if x[0].kind == "half" or t[0].kind != "f":
        return None
    power = x[1]
    if power.kind == "i64":  # as far as it matters: beyond 5000 all is zero or infinite
        low, high = e.const(-5000, "i64"), e.const(5000, "i64")
        power = e.intrinsic("smin", e.intrinsic("smax", power, low), high)
    power = cast(e, power, t[1] if power is x[1] else np.dtype("i8"), np.dtype("i4"))
    return e.call("ldexp" + ("f" if x[0].kind == "float" else ""), x[0].kind, x[0], power)


@rule("sinc", "f", 17)
def _sinc(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    y = e.op("fmul", e.const(np.pi, x[0].kind), x[0])
    least = e.const(float(np.finfo(out).eps), x[0].kind)
    y = e.select(e.op("fcmp oeq", y, e.const(0.0, x[0].kind), kind="i1"), least, y)
    return e.op("fdiv", apply(e, "sin", y), y)


@rule("expit", "f", 15)
def _expit(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    if x[0].kind == "half":
        return _in_float(e, x, lambda wide: _expit(e, wide, t, out, a))
    one = e.const(1.0, x[0].kind)
    return e.op("fdiv", one, e.op("fadd", one, apply(e, "exp", e.op("fneg", x[0]))))


@rule("log_expit", "f", 20)
def _log_expit(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    """``min(x, 0) - log1p(exp(-|x|))``: no overflow on either side."""
    if x[0].kind == "half":
        return _in_float(e, x, lambda wide: _log_expit(e, wide, t, out, a))
    zero = e.const(0.0, x[0].kind)
    below = e.select(e.op("fcmp ogt", x[0], zero, kind="i1"), zero, x[0])
    small = apply(e, "exp", e.op("fneg", e.intrinsic("fabs", x[0])))
    return e.op("fsub", below, apply(e, "log1p", small))


def _zero_times(name: str, function: str) -> None:
    @rule(name, "f", 17)
    def write(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
        zero = e.const(0.0, x[0].kind)
        nothing = e.op("fcmp oeq", x[0], zero, kind="i1")
        known = e.op("fcmp ord", x[1], x[1], kind="i1")
        product = e.op("fmul", x[0], apply(e, function, x[1]))
        return e.select(e.op("and", nothing, known), zero, product)


_zero_times("xlogy", "log")
_zero_times("xlog1py", "log1p")


def _logaddexp(name: str, power: str, ln_of_two: float) -> None:
    @rule(name, "f", 30)
    def write(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
        if x[0].kind == "half":
            return _in_float(e, x, lambda wide: write(e, wide, t, out, a))
        p, q = x
        kind = p.kind
        difference = e.op("fsub", p, q)
        larger = e.select(e.op("fcmp ogt", difference, e.const(0.0, kind), kind="i1"), p, q)
        away = e.op("fneg", e.intrinsic("fabs", difference))
        grown = apply(e, "log1p", apply(e, power, away))
        if power == "exp2":
            grown = e.op("fmul", grown, e.const(1.4426950408889634, kind))
        usual = e.op("fadd", larger, grown)
        same = e.op("fcmp oeq", p, q, kind="i1")  # also infinities of one sign
        result = e.select(same, e.op("fadd", p, e.const(ln_of_two, kind)), usual)
        unordered = e.op("fcmp uno", difference, difference, kind="i1")
        nan = e.op("and", unordered, e.op("xor", same, e.const(1, "i1")))
        return e.select(nan, difference, result)


_logaddexp("logaddexp", "exp", 0.6931471805599453)
_logaddexp("logaddexp2", "exp2", 1.0)

# *** quotients and remainders ***


def _safe_divisor(e: Emitter, x: Reg, y: Reg, signed: bool) -> tuple[Reg, Reg]:
    """A divisor that cannot trap, and where the true one was zero or overflowed."""
    one = e.const(1, y.kind)
    bad = e.op("icmp eq", y, e.const(0, y.kind), kind="i1")
    if signed:
        bits = int(y.kind[1:])
        lowest = e.op("icmp eq", x, e.const(-(2 ** (bits - 1)), x.kind), kind="i1")
        minus = e.op("icmp eq", y, e.const(-1, y.kind), kind="i1")
        return e.select(e.op("or", bad, e.op("and", lowest, minus)), one, y), bad
    return e.select(bad, one, y), bad


def _int_parts(e: Emitter, x: list[Reg], signed: bool) -> tuple[Reg, Reg, Reg]:
    """Truncated quotient and remainder, and where the divisor is zero."""
    divisor, bad = _safe_divisor(e, x[0], x[1], signed)
    letter = "s" if signed else "u"
    return e.op(f"{letter}div", x[0], divisor), e.op(f"{letter}rem", x[0], divisor), bad


def _float_mod(e: Emitter, x: list[Reg]) -> tuple[Reg, Reg]:
    """NumPy's remainder (sign of the divisor), and whether it had to be moved."""
    zero = e.const(0.0, x[0].kind)
    rest = e.op("frem", *x)
    some = e.op("fcmp une", rest, zero, kind="i1")
    apart = e.op(
        "xor",
        e.op("fcmp olt", x[1], zero, kind="i1"),
        e.op("fcmp olt", rest, zero, kind="i1"),
    )
    move = e.op("and", some, apart)
    moved = e.select(move, e.op("fadd", rest, x[1]), rest)
    return e.select(some, moved, e.intrinsic("copysign", zero, x[1])), move


@rule("remainder", "iuf", 10)
def _remainder(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    if x[0].kind in FLOATS:
        return _float_mod(e, x)[0]
    _, rest, bad = _int_parts(e, x, out.kind == "i")
    zero = e.const(0, x[0].kind)
    if out.kind == "i":
        some = e.op("icmp ne", rest, zero, kind="i1")
        apart = e.op("icmp slt", e.op("xor", rest, x[1]), zero, kind="i1")
        rest = e.select(e.op("and", some, apart), e.op("add", rest, x[1]), rest)
    return e.select(bad, zero, rest)


@rule("floor_divide", "iuf", 10)
def _floor_divide(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    if x[0].kind in FLOATS:
        return _float_floor_divide(e, x)
    quotient, rest, bad = _int_parts(e, x, out.kind == "i")
    zero = e.const(0, x[0].kind)
    if out.kind == "i":
        some = e.op("icmp ne", rest, zero, kind="i1")
        apart = e.op("icmp slt", e.op("xor", rest, x[1]), zero, kind="i1")
        down = e.op("sub", quotient, e.const(1, x[0].kind))
        quotient = e.select(e.op("and", some, apart), down, quotient)
    return e.select(bad, zero, quotient)


def _float_floor_divide(e: Emitter, x: list[Reg]) -> Reg:
    kind = x[0].kind
    zero, one = e.const(0.0, kind), e.const(1.0, kind)
    rest = e.op("frem", *x)
    _, move = _float_mod(e, x)
    div = e.op("fdiv", e.op("fsub", x[0], rest), x[1])
    div = e.select(move, e.op("fsub", div, one), div)
    down = e.intrinsic("floor", div)
    far = e.op("fcmp ogt", e.op("fsub", div, down), e.const(0.5, kind), kind="i1")
    whole = e.select(far, e.op("fadd", down, one), down)
    plain = e.op("fdiv", *x)
    none = e.op("fcmp oeq", div, zero, kind="i1")
    result = e.select(none, e.intrinsic("copysign", zero, plain), whole)
    return e.select(e.op("fcmp oeq", x[1], zero, kind="i1"), plain, result)


@rule("fmod", "iuf", 10)
def _fmod(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    if x[0].kind in FLOATS:
        return e.op("frem", *x)
    _, rest, bad = _int_parts(e, x, out.kind == "i")
    return e.select(bad, e.const(0, x[0].kind), rest)


# *** powers ***

_LONGEST_CHAIN = 16  # exponents up to this are multiplications


@rule("scalar_pow", "f", 8)
def _scalar_pow(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    base, exponent = x[0], a["exponent"]
    if base.kind == "half":
        return _in_float(e, x, lambda wide: _scalar_pow(e, wide, t, out, a))
    one = e.const(1.0, base.kind)
    if exponent == int(exponent) and abs(exponent) <= _LONGEST_CHAIN:
        result = one
        square, left = base, abs(int(exponent))
        while left:
            if left & 1:
                result = square if result is one else e.op("fmul", result, square)
            left >>= 1
            if left:
                square = e.op("fmul", square, square)
        return e.op("fdiv", one, result) if exponent < 0 else result
    if exponent == 0.5:
        return e.intrinsic("sqrt", base)  # what NumPy takes too
    return apply(e, "pow", base, e.const(exponent, base.kind))
