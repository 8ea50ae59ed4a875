"""Writing the loops of product kernels as LLVM IR."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

_SHORT = {"float": "f32", "double": "f64"}


def vector_type(kind: str, lanes: int) -> str:
    """A vector of numbers; one lane is the plain number."""
    return kind if lanes == 1 else f"<{lanes} x {kind}>"


def mangled(kind: str, lanes: int) -> str:
    """How an intrinsic's name tells the type."""
    return _SHORT[kind] if lanes == 1 else f"v{lanes}{_SHORT[kind]}"


@dataclass(frozen=True)
class Output:
    """A vector of finished outputs, neighbours along the columns.

    Args:
        value: the register.
        kind: ``float`` or ``double``.
        lanes: how many; the register's type is the kind itself for 1.
        used: how many lanes lie inside the matrix; the rest is not stored.
        row: the row, an i64.
        column: the column of lane 0, an i64.
        swapped: whether row and column have changed places: neighbours lie along the rows.
    """

    value: str
    kind: str
    lanes: int
    used: int
    row: str
    column: str
    swapped: bool = False

    @property
    def type(self) -> str:
        """The register's LLVM type."""
        return vector_type(self.kind, self.lanes)


class Text:
    """The lines of one function, in blocks."""

    def __init__(self, symbol: str = "") -> None:
        self.metadata: list[str] = []
        # Numbers of metadata are shared by a module, to which others add their functions.
        self._first_metadata = (zlib.crc32(symbol.encode()) & 0x3FFFFFFF) | 0x10000000
        self.lines: list[str] = []
        self.functions: list[str] = []  # whole ones that this one calls
        self.block = "entry"
        self._count = 0

    def fresh(self, stem: str = "v") -> str:
        """A new name, without its ``%``."""
        self._count += 1
        return f"{stem}{self._count}"

    def make(self, text: str) -> str:
        """An instruction with a result; gives its register."""
        name = "%" + self.fresh()
        self.lines.append(f"{name} = {text}")
        return name

    def line(self, text: str) -> None:
        """An instruction without a result."""
        self.lines.append(text)

    def start(self, label: str) -> None:
        """Begin a block; the one before must have ended in a branch."""
        self.lines.append(f"{label}:")
        self.block = label

    # *** numbers ***

    def plus(self, a: str, b: str) -> str:
        """The sum of two i64, folded where both are known."""
        if a.lstrip("-").isdigit() and b.lstrip("-").isdigit():
            return str(int(a) + int(b))
        if "0" in (a, b):
            return b if a == "0" else a
        return self.make(f"add nsw i64 {a}, {b}")

    def times(self, a: str, by: int) -> str:
        """An i64 times a constant."""
        if a.lstrip("-").isdigit():
            return str(int(a) * by)
        return a if by == 1 else self.make(f"mul nsw i64 {a}, {by}")

    def at(self, kind: str, pointer: str, index: str) -> str:
        """The address of an element."""
        if index == "0":
            return pointer
        return self.make(f"getelementptr inbounds {kind}, ptr {pointer}, i64 {index}")

    def mask(self, lanes: int, used: int) -> str:
        """A constant mask whose first lanes are on."""
        bits = ", ".join(f"i1 {'true' if i < used else 'false'}" for i in range(lanes))
        return f"<{lanes} x i1> <{bits}>"

    def load(self, kind: str, lanes: int, pointer: str, used: int) -> str:
        """Neighbouring elements; lanes beyond those used are 0."""
        size = 4 if kind == "float" else 8
        type_ = vector_type(kind, lanes)
        if used == lanes:
            return self.make(f"load {type_}, ptr {pointer}, align {size}")
        if used == 1:
            one = self.make(f"load {kind}, ptr {pointer}, align {size}")
            return self.make(f"insertelement {type_} zeroinitializer, {kind} {one}, i64 0")
        return self.make(
            f"call {type_} @llvm.masked.load.{mangled(kind, lanes)}.p0(ptr {pointer}, "
            f"i32 {size}, {self.mask(lanes, used)}, {type_} zeroinitializer)"
        )

    def store(self, kind: str, lanes: int, value: str, pointer: str, used: int) -> None:
        """Write the lanes that are used."""
        size = 4 if kind == "float" else 8
        type_ = vector_type(kind, lanes)
        if used == lanes:
            self.line(f"store {type_} {value}, ptr {pointer}, align {size}")
        elif used == 1:
            one = self.make(f"extractelement {type_} {value}, i64 0")
            self.line(f"store {kind} {one}, ptr {pointer}, align {size}")
        else:
            self.line(
                f"call void @llvm.masked.store.{mangled(kind, lanes)}.p0({type_} {value}, "
                f"ptr {pointer}, i32 {size}, {self.mask(lanes, used)})"
            )

    def spread(self, kind: str, lanes: int, pointer: str) -> str:
        """One element of memory in every lane."""
        size = 4 if kind == "float" else 8
        one = self.make(f"load {kind}, ptr {pointer}, align {size}")
        if lanes == 1:
            return one
        type_ = vector_type(kind, lanes)
        first = self.make(f"insertelement {type_} poison, {kind} {one}, i64 0")
        zeros = f"<{lanes} x i32> zeroinitializer"
        return self.make(f"shufflevector {type_} {first}, {type_} poison, {zeros}")

    def fma(self, kind: str, lanes: int, a: str, b: str, c: str) -> str:
        """The product plus c, with one rounding."""
        t = vector_type(kind, lanes)
        name = f"@llvm.fma.{mangled(kind, lanes)}"
        return self.make(f"call {t} {name}({t} {a}, {t} {b}, {t} {c})")

    def shuffle(self, kind: str, lanes: int, a: str, b: str, picks: Sequence[int]) -> str:
        """Elements of two vectors by number."""
        t = vector_type(kind, lanes)
        numbers = ", ".join(f"i32 {i}" for i in picks)
        return self.make(f"shufflevector {t} {a}, {t} {b}, <{len(picks)} x i32> <{numbers}>")

    # *** control ***

    def loop(
        self,
        begin: str,
        end: str,
        carried: Sequence[tuple[str, str]],
        body: Callable[[str, list[str]], list[str] | None],
        checked: bool = False,
        rolled: bool = False,
    ) -> list[str]:
        """Run ``body(i, values)`` for ``begin <= i < end``, handing its results on.

        Args:
            begin: an i64.
            end: an i64, above ``begin`` unless ``checked``.
            carried: type and first value of what goes from turn to turn.
            body: writes one turn; gives the new values, or nothing if none are carried.
            checked: whether the range may be empty; then nothing can be carried.
            rolled: whether turns must not be put side by side: values that they have in
                common would be kept in registers that are needed for other things.
        """
        label = self.fresh("L")
        exit_ = f"{label}.exit"
        if checked:
            some = self.make(f"icmp slt i64 {begin}, {end}")
            self.line(f"br i1 {some}, label %{label}.pre, label %{exit_}")
        else:
            self.line(f"br label %{label}.pre")
        self.start(f"{label}.pre")
        self.line(f"br label %{label}")
        self.start(label)
        index = f"%{label}.i"
        names = [f"%{self.fresh(f'{label}.c')}" for _ in carried]
        at = len(self.lines)
        results = body(index, names) or []
        latch = f"{label}.latch"
        self.line(f"br label %{latch}")
        self.start(latch)
        heads = [f"{index} = phi i64 [ {begin}, %{label}.pre ], [ {index}.next, %{latch} ]"]
        for name, (type_, first), result in zip(names, carried, results, strict=True):
            heads.append(f"{name} = phi {type_} [ {first}, %{label}.pre ], [ {result}, %{latch} ]")
        self.lines[at:at] = heads
        self.line(f"{index}.next = add nsw i64 {index}, 1")
        self.line(f"{index}.more = icmp slt i64 {index}.next, {end}")
        note = f", !llvm.loop !{self._unroll_note()}" if rolled else ""
        self.line(f"br i1 {index}.more, label %{label}, label %{exit_}{note}")
        self.start(exit_)
        return results

    def _unroll_note(self) -> int:
        """Metadata that forbids unrolling one loop."""
        own = self._first_metadata + 2 * len(self.metadata)
        self.metadata.append(
            f"!{own} = distinct !{{!{own}, !{own + 1}}}\n"
            f'!{own + 1} = !{{!"llvm.loop.unroll.disable"}}\n'
        )
        return own

    def choose(self, number: str, cases: Sequence[Callable[[], None]]) -> None:
        """Run the case of an i64 below ``len(cases)``."""
        if len(cases) == 1:
            cases[0]()
            return
        label = self.fresh("S")
        targets = " ".join(f"i64 {i}, label %{label}.{i}" for i in range(len(cases)))
        self.line(f"switch i64 {number}, label %{label}.0 [ {targets} ]")
        for i, case in enumerate(cases):
            self.start(f"{label}.{i}")
            case()
            self.line(f"br label %{label}.done")
        self.start(f"{label}.done")


def transposed(text: Text, kind: str, lanes: int, rows: list[str]) -> list[str]:
    """A square block in registers, rows for columns."""
    rows = list(rows)
    apart = lanes // 2
    while apart:
        # Swap the off-diagonal quarters of every block of twice that size.
        upper = [j if not j & apart else lanes + j - apart for j in range(lanes)]
        lower = [j + apart if not j & apart else lanes + j for j in range(lanes)]
        for i in range(lanes):
            if not i & apart:
                a, b = rows[i], rows[i + apart]
                rows[i] = text.shuffle(kind, lanes, a, b, upper)
                rows[i + apart] = text.shuffle(kind, lanes, a, b, lower)
        apart //= 2
    return rows


def turned(text: Text, kind: str, lanes: int, block: list[str]) -> list[tuple[str, int]]:
    """Some vectors, rows for columns; every new vector with its lanes."""
    count = len(block)
    while lanes < count:
        block = [text.shuffle(kind, lanes, x, "zeroinitializer", range(2 * lanes)) for x in block]
        lanes *= 2
    block = block + ["zeroinitializer"] * (lanes - count)
    return [(value, lanes) for value in transposed(text, kind, lanes, block)]


def kind_of(text: Text, number: str, lengths: Sequence[Any]) -> tuple[list[Any], str]:
    """The distinct neighbours of a list, and which of them the element ``number`` is."""
    kinds = [lengths[0]]
    which = "0"
    for i in range(1, len(lengths)):
        if lengths[i] != lengths[i - 1]:
            kinds.append(lengths[i])
            beyond = text.make(f"icmp sge i64 {number}, {i}")
            which = text.plus(which, text.make(f"zext i1 {beyond} to i64"))
    return kinds, which
