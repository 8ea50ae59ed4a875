"""Complex numbers in registers: a real part that carries its imaginary part along.

In memory the parts alternate. A register of complex numbers is the register of the real parts
with that of the imaginary parts in ``imag``; loads take the two apart and stores join them.
Products and quotients are written as NumPy computes them; exponentials and their kin call the
C library, lane by lane, as NumPy does.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.graph.graph import Node
from adjoint.lower.emit import COMPLEX_PARTS, Emitter, Reg, complex_kind, join, number_type, parts
from adjoint.lower.functions import apply
from adjoint.lower.maps import PRICE, Rule, cast, truth

# Rules for nodes with complex operands or results; the table of ``maps`` has the real ones.
COMPLEX_RULES: dict[str, Rule] = {}
_USUAL_ABI = os.name == "posix"  # a complex double is handed over as two doubles

_LIBM = {
    "exp": "cexp",
    "log": "clog",
    "sqrt": "csqrt",
    "sin": "csin",
    "cos": "ccos",
    "tan": "ctan",
    "sinh": "csinh",
    "cosh": "ccosh",
    "tanh": "ctanh",
    "arcsin": "casin",
    "arccos": "cacos",
    "arctan": "catan",
    "arcsinh": "casinh",
    "arccosh": "cacosh",
    "arctanh": "catanh",
}


def is_complex_map(node: Node) -> bool:
    """Whether a node is elementwise on complex numbers, or makes them, and has a rule."""
    operands = node.operands[1:] if node.primitive.name == "where" else node.operands
    dtypes = [x.type.dtype for x in (*operands, *node.outputs)]
    if node.primitive.name not in COMPLEX_RULES or not any(t.kind == "c" for t in dtypes):
        return False
    return all(number_type(t) is not None for t in dtypes)


def rule(name: str) -> Callable[[Rule], Rule]:
    """Register a rule."""

    def note(write: Rule) -> Rule:
        COMPLEX_RULES[name] = write
        return write

    return note


def _times(e: Emitter, x: Reg, y: Reg) -> Reg:
    (a, b), (c, d) = parts(x), parts(y)
    real = e.op("fsub", e.op("fmul", a, c), e.op("fmul", b, d))
    return join(e, real, e.op("fadd", e.op("fmul", a, d), e.op("fmul", b, c)))


def combine(e: Emitter, name: str, x: Reg, y: Reg) -> Reg:
    """The sum or the product of two numbers."""
    if name == "prod":
        return _times(e, x, y)
    (a, b), (c, d) = parts(x), parts(y)
    return join(e, e.op("fadd", a, c), e.op("fadd", b, d))


@rule("add")
def _add(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return combine(e, "sum", x[0], x[1])


@rule("sub")
def _sub(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    pairs = zip(parts(x[0]), parts(x[1]), strict=True)
    return join(e, *[e.op("fsub", p, q) for p, q in pairs])


@rule("mul")
def _mul(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return _times(e, x[0], x[1])


@rule("square")
def _square(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return _times(e, x[0], x[0])


@rule("neg")
def _neg(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return join(e, *[e.op("fneg", p) for p in parts(x[0])])


@rule("conj")
def _conj(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    real, imag = parts(x[0])
    return join(e, real, e.op("fneg", imag))


@rule("real")
def _real(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return parts(x[0])[0]


@rule("imag")
def _imag(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return parts(x[0])[1]


@rule("join_parts")
def _join_parts(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return join(e, *x)


@rule("stop_gradient")
def _same(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return x[0]


@rule("where")
def _where(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return e.select(*x)


@rule("abs")
def _abs(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return apply(e, "hypot", *parts(x[0]))


def _divided(e: Emitter, x: Reg, y: Reg) -> Reg:
    """Smith's way, as NumPy has it: no overflow where the quotient has none."""
    (a, b), (c, d) = parts(x), parts(y)
    kind = a.kind
    size_c, size_d = e.intrinsic("fabs", c), e.intrinsic("fabs", d)
    first = e.op("fcmp oge", size_c, size_d, kind="i1")
    large, small = e.select(first, c, d), e.select(first, d, c)
    ratio = e.op("fdiv", small, large)
    scale = e.op("fdiv", e.const(1.0, kind), e.op("fadd", large, e.op("fmul", small, ratio)))
    aside, bside = e.op("fmul", a, ratio), e.op("fmul", b, ratio)
    real = e.select(first, e.op("fadd", a, bside), e.op("fadd", aside, b))
    imag = e.select(first, e.op("fsub", b, aside), e.op("fsub", bside, a))
    nothing = e.op("fcmp oeq", e.op("fadd", size_c, size_d), e.const(0.0, kind), kind="i1")
    return join(
        e,
        e.select(nothing, e.op("fdiv", a, size_c), e.op("fmul", real, scale)),
        e.select(nothing, e.op("fdiv", b, size_c), e.op("fmul", imag, scale)),
    )


@rule("div")
def _div(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return _divided(e, x[0], x[1])


@rule("reciprocal")
def _reciprocal(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    c, d = parts(x[0])
    one = e.const(1.0, c.kind)
    first = e.op("fcmp ole", e.intrinsic("fabs", d), e.intrinsic("fabs", c), kind="i1")
    large, small = e.select(first, c, d), e.select(first, d, c)
    ratio = e.op("fdiv", small, large)
    below = e.op("fadd", large, e.op("fmul", small, ratio))
    real = e.op("fdiv", e.select(first, one, ratio), below)
    return join(e, real, e.op("fdiv", e.op("fneg", e.select(first, ratio, one)), below))


def _is_zero(e: Emitter, x: Reg) -> Reg:
    zero = e.const(0.0, parts(x)[0].kind)
    return e.op("and", *[e.op("fcmp oeq", p, zero, kind="i1") for p in parts(x)])


@rule("multiply_no_nan")
def _multiply_no_nan(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    either = e.op("or", _is_zero(e, x[0]), _is_zero(e, x[1]))
    return e.select(either, e.const(0, x[0].kind), _times(e, x[0], x[1]))


@rule("divide_no_nan")
def _divide_no_nan(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return e.select(_is_zero(e, x[0]), e.const(0, x[0].kind), _divided(e, x[0], x[1]))


@rule("equal")
def _equal(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    pairs = zip(parts(x[0]), parts(x[1]), strict=True)
    return e.op("and", *[e.op("fcmp oeq", p, q, kind="i1") for p, q in pairs])


@rule("not_equal")
def _not_equal(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    pairs = zip(parts(x[0]), parts(x[1]), strict=True)
    return e.op("or", *[e.op("fcmp une", p, q, kind="i1") for p, q in pairs])


@rule("isnan")
def _isnan(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return e.op("fcmp uno", *parts(x[0]), kind="i1")


def _sized(e: Emitter, x: Reg, test: str, joined: str) -> Reg:
    infinity = e.const(float("inf"), parts(x)[0].kind)
    sizes = [e.intrinsic("fabs", p) for p in parts(x)]
    return e.op(joined, *[e.op(f"fcmp {test}", s, infinity, kind="i1") for s in sizes])


@rule("isinf")
def _isinf(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return _sized(e, x[0], "oeq", "or")


@rule("isfinite")
def _isfinite(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    return _sized(e, x[0], "olt", "and")


@rule("cast")
def _cast(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg:
    source, target = t[0], out
    if source.kind != "c":
        real = np.dtype(f"f{target.itemsize // 2}")
        return join(e, cast(e, x[0], source, real), e.const(0.0, COMPLEX_PARTS[_kind(target)]))
    narrow = np.dtype(f"f{source.itemsize // 2}")
    if target.kind == "c":
        real = np.dtype(f"f{target.itemsize // 2}")
        return join(e, *[cast(e, p, narrow, real) for p in parts(x[0])])
    if target.kind == "b":
        return e.op("or", *[truth(e, p) for p in parts(x[0])])
    return cast(e, parts(x[0])[0], narrow, target)


def _kind(dtype: np.dtype[Any]) -> str:
    kind = complex_kind(dtype)
    assert kind is not None
    return kind


def _function(name: str, routine: str) -> None:
    @rule(name)
    def write(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg | None:
        if not _USUAL_ABI:
            return None
        wide = [p if p.kind == "double" else e.convert("fpext", p, "double") for p in parts(x[0])]
        real, imag = _call(e, routine, *wide)
        if parts(x[0])[0].kind != "double":
            real, imag = (e.convert("fptrunc", p, "float") for p in (real, imag))
        return join(e, real, imag)

    PRICE.setdefault(name, 15)


def _call(e: Emitter, routine: str, real: Reg, imag: Reg) -> tuple[Reg, Reg]:
    """A function of one complex double, lane by lane."""
    pair = "{ double, double }"
    e.declare(f"@{routine}", f"declare {pair} @{routine}(double, double) nounwind memory(none)")
    lanes, level, same = e.alike(real, imag)
    made = [Reg("poison", "double", lanes, level) for _ in range(2)]
    for lane in range(lanes):
        given = [f"double {e.lane(reg, lane).name}" for reg in same]
        both = e.make(pair, 1, level, f"call {pair} @{routine}({', '.join(given)})")
        for i in range(2):
            one = e.make("double", 1, level, f"extractvalue {pair} {both.name}, {i}")
            if lanes > 1:
                type_ = made[i].type
                text = f"insertelement {type_} {made[i].name}, double {one.name}, i64 {lane}"
                one = e.make("double", lanes, level, text)
            made[i] = one
    return made[0], made[1]


for _name, _routine in _LIBM.items():
    _function(_name, _routine)
