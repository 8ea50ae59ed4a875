"""Writing LLVM IR: scopes, loops, vectors.

A kernel is a nest of loops. Each open loop has a *scope* that collects lines; an instruction
goes to the outermost scope in which all its operands are known, so whatever does not depend
on an inner loop stands outside it without a pass having to find out. A register is a
scalar or, inside the vector loop, a vector of ``lanes`` neighbouring elements; the two are
mixed freely, scalars are spread when they meet a vector.

Loop counters are phi nodes; accumulators are stack slots, which LLVM turns into registers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from adjoint.lower.index import Index, Loaded, Quotient, Var
from adjoint.lower.registers import (
    COMPLEX_PARTS,
    FLOATS,
    Reg,
    complex_kind,
    literal,
    memory_type,
    number_type,
    parts,
    reg_type,
    size_of,
)

__all__ = [
    "COMPLEX_PARTS",
    "FLOATS",
    "Emitter",
    "Reg",
    "Scope",
    "Vector",
    "complex_kind",
    "join",
    "literal",
    "memory_type",
    "number_type",
    "parts",
    "reg_type",
    "size_of",
]


class Scope:
    """The inside of a loop while it is being written."""

    __slots__ = ("lines", "memo")

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.memo: dict[Any, Any] = {}


class Vector(NamedTuple):
    """The loop whose steps are vectors.

    Its variable, lanes, which lanes count (None: all) and how many these are. In lane 0 the
    variable is a multiple of ``multiple``, and 0 if that is 0.
    """

    var: Var | None
    lanes: int
    mask: Reg | None
    used: int = 1
    multiple: int = 0


class Emitter:
    """Collects the text of one function."""

    def __init__(self, features: frozenset[str]) -> None:
        self.features = features
        self.scopes: list[Scope] = [Scope()]
        self.allocas: list[str] = []
        self.epilogue: list[str] = []
        self.declarations: dict[str, str] = {}
        self.vector: Vector = Vector(None, 1, None)
        self._count = 0
        self.library: dict[str, str] = {}  # functions that are called, with their text
        self.sites: list[int] = []  # numbers of the places where a check may fail

    # *** plumbing ***

    def fresh(self, stem: str = "v") -> str:
        """A new name."""
        self._count += 1
        return f"%{stem}{self._count}"

    @property
    def level(self) -> int:
        """The depth of the innermost open scope."""
        return len(self.scopes) - 1

    def line(self, text: str, level: int | None = None) -> None:
        """Append an instruction to a scope, the innermost unless told."""
        self.scopes[-1 if level is None else level].lines.append(text)

    def recall(self, key: Any) -> Any:
        """What was remembered under a key in a scope that is still open."""
        for scope in reversed(self.scopes):
            found = scope.memo.get(key)
            if found is not None:
                return found
        return None

    def remember(self, key: Any, reg: Any, level: int | None = None) -> None:
        """Remember a result in the scope where it is known."""
        self.scopes[reg.level if level is None else level].memo[key] = reg

    def declare(self, name: str, text: str) -> None:
        """Note an outside function that is called."""
        self.declarations[name] = text

    # *** instructions ***

    def const(self, value: Any, kind: str) -> Reg:
        """A constant."""
        part = COMPLEX_PARTS.get(kind)
        if part is not None:
            real, imag = (Reg(literal(x, part), part, 1, 0) for x in (value.real, value.imag))
            return join(self, real, imag)
        return Reg(literal(value, kind), kind, 1, 0)

    def make(self, kind: str, lanes: int, level: int, text: str) -> Reg:
        """An instruction with a result."""
        name = self.fresh()
        self.scopes[level].lines.append(f"{name} = {text}")
        return Reg(name, kind, lanes, level)

    def spread(self, reg: Reg, lanes: int) -> Reg:
        """A vector all of whose lanes hold the number."""
        if reg.lanes == lanes:
            return reg
        if reg.imag is not None:
            return join(self, *[self.spread(x, lanes) for x in parts(reg)])
        key = ("spread", reg, lanes)
        found: Reg | None = self.recall(key)
        if found is None:
            one = self.make(
                reg.kind,
                lanes,
                reg.level,
                f"insertelement <{lanes} x {reg.kind}> poison, {reg.type} {reg.name}, i64 0",
            )
            found = self.make(
                reg.kind,
                lanes,
                reg.level,
                f"shufflevector {one.type} {one.name}, {one.type} poison, "
                f"<{lanes} x i32> zeroinitializer",
            )
            self.remember(key, found)
        return found

    def alike(self, *regs: Reg) -> tuple[int, int, list[Reg]]:
        """Lanes and level of an instruction on these registers, spread to equal lanes."""
        lanes = max(reg.lanes for reg in regs)
        level = max(reg.level for reg in regs)
        if lanes > 1:
            regs = tuple([self.spread(reg, lanes) for reg in regs])
        return lanes, level, list(regs)

    def op(self, opcode: str, *regs: Reg, kind: str | None = None) -> Reg:
        """``opcode type a, b``: arithmetic, or a comparison if ``kind`` says so."""
        lanes, level, same = self.alike(*regs)
        names = ", ".join(reg.name for reg in same)
        return self.make(kind or same[0].kind, lanes, level, f"{opcode} {same[0].type} {names}")

    def convert(self, opcode: str, reg: Reg, kind: str) -> Reg:
        """``opcode type a to kind``."""
        target = kind if reg.lanes == 1 else f"<{reg.lanes} x {kind}>"
        return self.make(kind, reg.lanes, reg.level, f"{opcode} {reg.type} {reg.name} to {target}")

    def select(self, which: Reg, yes: Reg, no: Reg) -> Reg:
        """``yes`` where ``which`` holds, else ``no``."""
        if yes.imag is not None:
            pairs = zip(parts(yes), parts(no), strict=True)
            return join(self, *[self.select(which, x, y) for x, y in pairs])
        lanes, level, (c, a, b) = self.alike(which, yes, no)
        return self.make(
            a.kind,
            lanes,
            level,
            f"select {c.type} {c.name}, {a.type} {a.name}, {b.type} {b.name}",
        )

    def intrinsic(self, name: str, *regs: Reg, tail: str = "") -> Reg:
        """``llvm.name`` on registers of one type; ``tail`` is appended to the arguments."""
        lanes, level, same = self.alike(*regs)
        suffix = _mangled(same[0].kind, lanes)
        full = f"@llvm.{name}.{suffix}"
        types = ", ".join([r.type for r in same] + ([tail.split()[0]] if tail else []))
        self.declare(full, f"declare {same[0].type} {full}({types})")
        given = ", ".join([f"{r.type} {r.name}" for r in same] + ([tail] if tail else []))
        return self.make(same[0].kind, lanes, level, f"call {same[0].type} {full}({given})")

    def lane(self, reg: Reg, lane: int) -> Reg:
        """One number of a vector; a number as it is."""
        if reg.lanes == 1:
            return reg
        text = f"extractelement {reg.type} {reg.name}, i64 {lane}"
        return self.make(reg.kind, 1, reg.level, text)

    def call(self, function: str, kind: str, *regs: Reg) -> Reg:
        """A call of an outside scalar function, lane by lane."""
        lanes, level, same = self.alike(*regs)
        types = ", ".join(reg.kind for reg in same)
        self.declare(f"@{function}", f"declare {kind} @{function}({types}) nounwind memory(none)")
        if lanes == 1:
            given = ", ".join(f"{r.kind} {r.name}" for r in same)
            return self.make(kind, 1, level, f"call {kind} @{function}({given})")
        result = Reg("poison", kind, lanes, level)
        for lane in range(lanes):
            parts = [f"{reg.kind} {self.lane(reg, lane).name}" for reg in same]
            value = self.make(kind, 1, level, f"call {kind} @{function}({', '.join(parts)})")
            result = self.make(
                kind,
                lanes,
                level,
                f"insertelement {result.type} {result.name}, {kind} {value.name}, i64 {lane}",
            )
        return result

    # *** indices ***

    def index(self, index: Index, lanes: int = 1) -> Reg:
        """An index as i64; with ``lanes``, one for each lane of the vector loop."""
        key = ("index", index, lanes)
        found: Reg | None = self.recall(key)
        if found is not None:
            return found
        total: Reg | None = None
        for atom, coefficient in sorted(index.terms.items(), key=lambda t: self._level_of(t[0])):
            part = self._atom(atom, lanes)
            if coefficient != 1:
                part = self.op("mul nsw", part, self.const(coefficient, "i64"))
            total = part if total is None else self.op("add nsw", total, part)
        if total is None:
            total = self.const(index.const, "i64")
        elif index.const:
            total = self.op("add nsw", total, self.const(index.const, "i64"))
        self.remember(key, total)
        return total

    def _level_of(self, atom: Any) -> int:
        if isinstance(atom, Var):
            return atom.level
        if isinstance(atom, Loaded):
            level: int = atom.reg.level
            return level
        return max((self._level_of(a) for a in atom.index.terms), default=0)

    def _atom(self, atom: Any, lanes: int) -> Reg:
        if isinstance(atom, Loaded):
            reg: Reg = atom.reg
            return reg
        if isinstance(atom, Var):
            if atom.name == "%lane":
                base = self.const(0, "i64")
            else:
                base = Reg(atom.name, "i64", 1, atom.level)
            if lanes > 1 and atom is self.vector.var:
                steps = ", ".join(f"i64 {k}" for k in range(lanes))
                return self.op("add nsw", base, Reg(f"<{steps}>", "i64", lanes, 0))
            return base
        whole = self.index(atom.index, lanes)
        low, _ = atom.index.bounds()
        by = self.const(atom.divisor, "i64")
        if low >= 0:
            return self.op("udiv", whole, by)
        # Floor, not truncation: shift into the positive numbers first.
        shift = -(low // atom.divisor)
        moved = self.op("add", whole, self.const(shift * atom.divisor, "i64"))
        return self.op("sub", self.op("udiv", moved, by), self.const(shift, "i64"))

    def lane_stride(self, index: Index) -> int | None:
        """How far apart neighbouring lanes are; None if not evenly."""
        offsets = self.lane_offsets(index)
        if offsets is None or self.vector.lanes == 1:
            return None if offsets is None else 0
        step = offsets[1] - offsets[0]
        return step if all(b - a == step for a, b in pairwise(offsets)) else None

    def lane_offsets(self, index: Index) -> tuple[int, ...] | None:
        """How far from lane 0 the lanes that count are; None if that is not known beforehand."""
        var, used = self.vector.var, self.vector.used
        if self.vector.lanes == 1 or var is None:
            return (0,)
        found = [index.terms.get(var, 0) * k for k in range(used)]
        for atom, coefficient in index.terms.items():
            if isinstance(atom, Loaded) and atom.reg.lanes > 1:
                return None
            if isinstance(atom, Quotient):
                steps = self._quotient_steps(atom, var)
                if steps is None:
                    return None
                found = [x + coefficient * y for x, y in zip(found, steps, strict=True)]
        return tuple(found)

    def _quotient_steps(self, atom: Quotient, var: Var) -> list[int] | None:
        """How much larger a quotient is in each lane, if lane 0's remainder is known."""
        lanes = range(self.vector.used)
        inner = atom.index
        atoms = list(inner.atoms())
        if any(isinstance(a, Loaded) and a.reg.lanes > 1 for a in atoms):
            return None
        if not any(a is var for a in atoms):
            return [0 for _ in lanes]
        for other, coefficient in inner.terms.items():
            if isinstance(other, Quotient) and any(a is var for a in other.index.atoms()):
                return None
            if coefficient * (self.vector.multiple if other is var else 1) % atom.divisor:
                return None
        first, step = inner.const % atom.divisor, inner.terms.get(var, 0)
        return [(first + step * k) // atom.divisor for k in lanes]

    # *** accumulators ***

    def slot(self, kind: str, lanes: int, first: Reg) -> str:
        """A stack slot that starts with a value."""
        if first.imag is not None:
            real, imag = parts(first)
            return f"{self.slot(real.kind, lanes, real)} {self.slot(imag.kind, lanes, imag)}"
        name = self.fresh("acc")
        type_ = kind if lanes == 1 else f"<{lanes} x {kind}>"
        self.allocas.append(f"{name} = alloca {type_}, align 64")
        start = self.spread(first, lanes) if lanes > 1 else first
        self.line(f"store {type_} {start.name}, ptr {name}, align 64")
        return name

    def read(self, slot: str, kind: str, lanes: int) -> Reg:
        """What a slot holds now."""
        part = COMPLEX_PARTS.get(kind)
        if part is not None:
            return join(self, *[self.read(half, part, lanes) for half in slot.split()])
        type_ = kind if lanes == 1 else f"<{lanes} x {kind}>"
        return self.make(kind, lanes, self.level, f"load {type_}, ptr {slot}, align 64")

    def write(self, slot: str, reg: Reg) -> None:
        """Put a value into a slot."""
        if reg.imag is not None:
            for half, part in zip(slot.split(), parts(reg), strict=True):
                self.write(half, part)
            return
        self.line(f"store {reg.type} {reg.name}, ptr {slot}, align 64")

    @property
    def site_parameters(self) -> list[str]:
        """Parameters for the numbers of sites."""
        return [f"i64 %site{i}." for i in range(len(self.sites))]

    def with_sites(self, text: str) -> str:
        """The text of a function with the numbers of sites in it, instead of parameters."""
        for parameter, number in zip(self.site_parameters, self.sites, strict=True):
            text = text.replace(parameter, f"i64 {number}")
        return text

    def function(self, name: str, parameters: Sequence[str]) -> str:
        """The whole function as text."""
        assert len(self.scopes) == 1
        body = "\n  ".join([*self.allocas, *self.scopes[0].lines, *self.epilogue, "ret void"])
        return f"define internal void {name}({', '.join(parameters)}) #0 {{\n  {body}\n}}\n"


def join(e: Emitter, real: Reg, imag: Reg) -> Reg:
    """A complex register of two real ones."""
    lanes, level, (a, b) = e.alike(real, imag)
    return Reg(a.name, f"c{a.kind}", lanes, level, Reg(b.name, b.kind, lanes, level))


def _mangled(kind: str, lanes: int) -> str:
    short = {"half": "f16", "float": "f32", "double": "f64"}.get(kind, kind)
    return short if lanes == 1 else f"v{lanes}{short}"
