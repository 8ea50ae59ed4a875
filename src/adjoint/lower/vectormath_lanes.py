"""Writing straight-line vector code: a function body, and values that stand for registers.

A :class:`Lanes` is a register with one number in each of ``width`` lanes. Python operators on
it write instructions; Python numbers are spread over the lanes. Nothing here carries a
fast-math flag, so error-free transformations keep their meaning.
"""

from __future__ import annotations

import struct
from typing import Any

_FLOATS = {"float": 32, "double": 64}
_SHORT = {"float": "f32", "double": "f64"}
INTEGER = {"float": "i32", "double": "i64"}


def constant(value: float, kind: str) -> str:
    """A number as LLVM writes it; a float is rounded to its kind first."""
    if kind == "i1":
        return "true" if value else "false"
    if kind not in _FLOATS:
        return str(int(value))
    if kind == "float":
        value = struct.unpack("f", struct.pack("f", value))[0]
    return f"0x{struct.unpack('Q', struct.pack('d', value))[0]:016X}"


class Body:
    """The lines of one function whose values all have ``width`` lanes (1: scalars)."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.lines: list[str] = []
        self.block = "entry"
        self._count = 0

    def type(self, kind: str) -> str:
        """The LLVM type of a register of some kind (float, double, i1, i32, i64)."""
        return kind if self.width == 1 else f"<{self.width} x {kind}>"

    def suffix(self, kind: str) -> str:
        """The part of an intrinsic's name that tells its type."""
        short = _SHORT.get(kind, kind)
        return short if self.width == 1 else f"v{self.width}{short}"

    def start(self, stem: str) -> None:
        """Begin a block; the one before must have ended in a branch."""
        self.lines.append(f"{stem}:")
        self.block = stem

    def make(self, kind: str, text: str) -> Lanes:
        """Write an instruction that has a result."""
        self._count += 1
        name = f"%t{self._count}"
        self.lines.append(f"{name} = {text}")
        return Lanes(self, name, kind)

    def spread(self, value: Any, kind: str) -> Lanes:
        """A constant in every lane; a register is returned as it is."""
        if isinstance(value, Lanes):
            return value
        text = constant(value, kind)
        return Lanes(self, text if self.width == 1 else f"splat ({kind} {text})", kind)

    def call(self, intrinsic: str, kind: str, *operands: Lanes, tail: str = "") -> Lanes:
        """An intrinsic that is overloaded on the type of its result alone, or nearly."""
        given = ", ".join([f"{x.type} {x.name}" for x in operands] + ([tail] if tail else []))
        return self.make(
            kind, f"call {self.type(kind)} @llvm.{intrinsic}.{self.suffix(kind)}({given})"
        )


class Lanes:
    """A register: its body, its name (or constant) and the kind of its numbers."""

    __slots__ = ("body", "kind", "name")

    def __init__(self, body: Body, name: str, kind: str) -> None:
        self.body = body
        self.name = name
        self.kind = kind

    @property
    def type(self) -> str:
        """The LLVM type."""
        return self.body.type(self.kind)

    @property
    def is_float(self) -> bool:
        """Whether the lanes hold floating-point numbers."""
        return self.kind in _FLOATS

    def like(self, value: Any) -> Lanes:
        """A Python number as a register of this kind."""
        return self.body.spread(value, self.kind)

    def _op(self, opcode: str, other: Any, swapped: bool = False) -> Lanes:
        a, b = self, self.like(other)
        if swapped:
            a, b = b, a
        return self.body.make(self.kind, f"{opcode} {self.type} {a.name}, {b.name}")

    def _arithmetic(self, name: str, other: Any, swapped: bool = False) -> Lanes:
        return self._op(("f" if self.is_float else "") + name, other, swapped)

    def __add__(self, other: Any) -> Lanes:
        return self._arithmetic("add", other)

    def __radd__(self, other: Any) -> Lanes:
        return self._arithmetic("add", other, True)

    def __sub__(self, other: Any) -> Lanes:
        return self._arithmetic("sub", other)

    def __rsub__(self, other: Any) -> Lanes:
        return self._arithmetic("sub", other, True)

    def __mul__(self, other: Any) -> Lanes:
        return self._arithmetic("mul", other)

    def __rmul__(self, other: Any) -> Lanes:
        return self._arithmetic("mul", other, True)

    def __truediv__(self, other: Any) -> Lanes:
        return self._op("fdiv", other)

    def __rtruediv__(self, other: Any) -> Lanes:
        return self._op("fdiv", other, True)

    def __neg__(self) -> Lanes:
        if not self.is_float:
            return 0 - self
        return self.body.make(self.kind, f"fneg {self.type} {self.name}")

    def __abs__(self) -> Lanes:
        return self.body.call("fabs", self.kind, self)

    def __and__(self, other: Any) -> Lanes:
        return self._op("and", other)

    def __or__(self, other: Any) -> Lanes:
        return self._op("or", other)

    def __xor__(self, other: Any) -> Lanes:
        return self._op("xor", other)

    def __invert__(self) -> Lanes:
        return self._op("xor", True if self.kind == "i1" else -1)

    def __lshift__(self, other: Any) -> Lanes:
        return self._op("shl", other)

    def __rshift__(self, other: Any) -> Lanes:
        """Arithmetic shift: the sign is kept."""
        return self._op("ashr", other)

    def shift_down(self, by: int) -> Lanes:
        """Logical shift: zeros come in from above."""
        return self._op("lshr", by)

    # *** comparisons: ordered, so false for NaN, except ``!=`` ***

    def _compare(self, how: str, other: Any) -> Lanes:
        if self.is_float:
            opcode = "fcmp une" if how == "ne" else f"fcmp o{how}"
        else:
            opcode = f"icmp {how if how in ('eq', 'ne') else 's' + how}"
        return self.body.make("i1", f"{opcode} {self.type} {self.name}, {self.like(other).name}")

    def __lt__(self, other: Any) -> Lanes:
        return self._compare("lt", other)

    def __le__(self, other: Any) -> Lanes:
        return self._compare("le", other)

    def __gt__(self, other: Any) -> Lanes:
        return self._compare("gt", other)

    def __ge__(self, other: Any) -> Lanes:
        return self._compare("ge", other)

    def equals(self, other: Any) -> Lanes:
        """Where the two are equal."""
        return self._compare("eq", other)

    def differs(self, other: Any) -> Lanes:
        """Where the two are not equal; NaN differs from everything."""
        return self._compare("ne", other)

    def is_nan(self) -> Lanes:
        """Where a number is not a number."""
        return self.differs(self)

    # *** other views of the same lanes ***

    def _convert(self, opcode: str, kind: str) -> Lanes:
        target = self.body.type(kind)
        return self.body.make(kind, f"{opcode} {self.type} {self.name} to {target}")

    def bits(self) -> Lanes:
        """The representation as integers of the same size."""
        return self._convert("bitcast", INTEGER[self.kind])

    def as_float(self, kind: str) -> Lanes:
        """Integers read as the representation of floating-point numbers."""
        return self._convert("bitcast", kind)

    def to_float(self, kind: str) -> Lanes:
        """Integers as floating-point numbers."""
        return self._convert("sitofp", kind)

    def to_double(self) -> Lanes:
        """Single precision as double."""
        return self._convert("fpext", "double")

    def to_single(self) -> Lanes:
        """Double precision rounded to single."""
        return self._convert("fptrunc", "float")

    def whole_i32(self) -> Lanes:
        """The whole part of numbers that fit 32 bits."""
        return self._convert("fptosi", "i32")

    def to_i32(self) -> Lanes:
        """The low 32 bits of integers."""
        return self if self.kind == "i32" else self._convert("trunc", "i32")


def fma(a: Lanes, b: Any, c: Any) -> Lanes:
    """``a b + c`` with one rounding."""
    return a.body.call("fma", a.kind, a, a.like(b), a.like(c))


def where(mask: Lanes, yes: Any, no: Any) -> Lanes:
    """``yes`` in the lanes where the mask holds, else ``no``; one of them is a register."""
    some = yes if isinstance(yes, Lanes) else no
    yes, no = some.like(yes), some.like(no)
    return mask.body.make(
        some.kind,
        f"select {mask.type} {mask.name}, {some.type} {yes.name}, {some.type} {no.name}",
    )


def horner(x: Lanes, coefficients: tuple[float, ...]) -> Lanes:
    """A polynomial, lowest coefficient first."""
    total = x.like(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        total = fma(x, total, c)
    return total


def copysign(size: Lanes, sign: Lanes) -> Lanes:
    """The size of one with the sign of the other."""
    return size.body.call("copysign", size.kind, size, sign)


def clamp(x: Lanes, low: float, high: float) -> Lanes:
    """``x`` held between two numbers; NaN stays NaN."""
    # Written so that each is one minimum or maximum instruction: both give the second operand
    # when either is NaN.
    x = where(x.like(high) < x, high, x)
    return where(x.like(low) > x, low, x)


def sum_exact(a: Lanes, b: Lanes) -> tuple[Lanes, Lanes]:
    """The rounded sum and its error, for operands in any order of size."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def sum_ordered(a: Lanes, b: Lanes) -> tuple[Lanes, Lanes]:
    """The rounded sum and its error, where |a| >= |b| or a is 0."""
    s = a + b
    return s, b - (s - a)


def product_exact(a: Lanes, b: Any) -> tuple[Lanes, Lanes]:
    """The rounded product and its error."""
    p = a * b
    return p, fma(a, b, -p)


def quotient(a: Lanes, b: Lanes, a_low: Any = 0.0, b_low: Any = 0.0) -> tuple[Lanes, Lanes]:
    """``(a + a_low) / (b + b_low)`` and what the quotient's rounding left over; one division."""
    inverse = 1 / b
    q = a * inverse
    rest = fma(-q, b, a)
    if isinstance(a_low, Lanes):
        rest = rest + a_low
    if isinstance(b_low, Lanes):
        rest = fma(-q, b_low, rest)
    return q, rest * inverse


def rarely(mask: Lanes, usual: Lanes, function: str, operands: tuple[Lanes, ...]) -> Lanes:
    """``usual``, but in the lanes of the mask the result of a scalar instruction.

    The instruction is an intrinsic of LLVM (``llvm.sin``), which calls the C library, or
    ``frem``. All of it stands behind a branch that is taken only if some lane needs it.
    """
    body = usual.body
    some = mask.name
    if body.width > 1:
        some = body.make("i1", f"bitcast {mask.type} {mask.name} to i{body.width}").name
        some = body.make("i1", f"icmp ne i{body.width} {some}, 0").name
    stem = some.lstrip("%")
    body.lines.append(f"{some}.rare = call i1 @llvm.expect.i1(i1 {some}, i1 false)")
    body.lines.append(f"br i1 {some}.rare, label %{stem}.scalar, label %{stem}.done")
    before = body.block
    body.start(f"{stem}.scalar")
    parts = [_scalar(function, usual.kind, operands, lane) for lane in range(body.width)]
    total = parts[0]
    if body.width > 1:
        total = "poison"
        for lane, part in enumerate(parts):
            total = body.make(
                usual.kind,
                f"insertelement {usual.type} {total}, {usual.kind} {part}, i64 {lane}",
            ).name
    chosen = where(mask, Lanes(body, total, usual.kind), usual)
    body.lines.append(f"br label %{stem}.done")
    scalar = body.block
    body.start(f"{stem}.done")
    return body.make(
        usual.kind,
        f"phi {usual.type} [ {usual.name}, %{before} ], [ {chosen.name}, %{scalar} ]",
    )


def _scalar(function: str, kind: str, operands: tuple[Lanes, ...], lane: int) -> str:
    body = operands[0].body
    names = [
        x.name
        if body.width == 1
        else body.make(kind, f"extractelement {x.type} {x.name}, i64 {lane}").name
        for x in operands
    ]
    if function == "frem":
        return body.make(kind, f"frem {kind} {', '.join(names)}").name
    given = ", ".join(f"{kind} {name}" for name in names)
    return body.make(kind, f"call {kind} @{function}.{_SHORT[kind]}({given})").name
