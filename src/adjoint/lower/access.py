"""Reading and writing memory inside kernels: one element, or the lanes of a vector.

Neighbouring lanes lie side by side, at one place, or anywhere; each has its instruction.
Under a mask nothing is touched where it is off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from adjoint.lower.emit import (
    Reg,
    complex_kind,
    join,
    memory_type,
    parts,
    reg_type,
    size_of,
)
from adjoint.lower.index import Index
from adjoint.lower.layout import Place
from adjoint.lower.loops import LoopWriter


class MemoryWriter(LoopWriter):
    """An emitter that reads and writes places.

    Args:
        features: the processor's features.
        pointer: gives the register that points at element 0 of a place.
        probing: note every address instead of writing text for anyone to read.
    """

    def __init__(
        self, features: frozenset[str], pointer: Callable[[Place], str], probing: bool = False
    ) -> None:
        super().__init__(features)
        self.pointer = pointer
        self.probing = probing
        self.forms: set[Index] = set()
        self.gate: Reg | None = None  # the part of a mask that is the same for all lanes
        self.spare: dict[str, str] = {}  # memory read where the gate is shut, by type

    def address(self, place: Place, where: Index) -> tuple[str, int]:
        """A pointer register for a scalar or the first lane, and the level it is known at."""
        base = self.pointer(place)
        key = ("address", base, place.dtype, where)
        found = self.recall(key)
        if found is None:
            offset = self.index(where)
            kind = memory_type(reg_type(place.dtype) or "i8")
            found = self.make(
                "ptr",
                1,
                offset.level,
                f"getelementptr inbounds {kind}, ptr {base}, i64 {offset.name}",
            )
            self.remember(key, found)
        return found.name, found.level

    def load(self, place: Place, where: Index, mask: Reg | None) -> Reg:
        """The element, or the lanes' elements, at an offset in elements."""
        if complex_kind(place.dtype) is not None:
            return self._load_complex(parts_of(place), where, mask)
        kind = reg_type(place.dtype)
        assert kind is not None
        stored = memory_type(kind)
        stride = self.lane_stride(where)
        lanes = self.vector.lanes
        align = size_of(kind)
        if stride == 0:
            pointer, level = self.address(place, where)
            if mask is None:
                found = self.make(stored, 1, level, f"load {stored}, ptr {pointer}, align {align}")
            else:
                found = self._guarded(pointer, stored, max(level, mask.level), mask)
        elif stride == 1:
            pointer, level = self.address(place, where)
            type_ = f"<{lanes} x {stored}>"
            if mask is not None and self.gate is not None:
                # A masked load from unmapped memory is slow even with all lanes off.
                pointer, level = self._gated(pointer, type_, level, self.gate)
                mask = None if mask is self.gate else mask
            if mask is None:
                found = self.make(
                    stored, lanes, level, f"load {type_}, ptr {pointer}, align {align}"
                )
            else:
                on = self.spread(mask, lanes)
                name = f"@llvm.masked.load.v{lanes}{_short(stored)}.p0"
                self.declare(
                    name, f"declare {type_} {name}(ptr, i32 immarg, <{lanes} x i1>, {type_})"
                )
                found = self.make(
                    stored,
                    lanes,
                    max(level, on.level),
                    f"call {type_} {name}(ptr {pointer}, i32 {align}, {on.type} {on.name}, "
                    f"{type_} zeroinitializer)",
                )
        else:
            offsets = self.lane_offsets(where) if mask is None or mask is self.vector.mask else None
            if offsets is not None and max(offsets) - min(offsets) < _MOST_LOADS * lanes:
                found = self._picked(place, where, stored, align, offsets)
            else:
                found = self._gathered(place, where, stored, align, mask)
        return self.convert("trunc", found, "i1") if kind == "i1" else found

    def _load_complex(self, place: Place, where: Index, mask: Reg | None) -> Reg:
        """Parts that alternate, taken apart; ``place`` is seen as real numbers."""
        lanes = self.vector.lanes
        if self.lane_stride(where) != 1 or lanes == 1:
            first, second = (self.load(place, where * 2 + i, mask) for i in range(2))
            return join(self, first, second)
        kind = reg_type(place.dtype)
        assert kind is not None
        pointer, level = self.address(place, where * 2)
        type_, align = f"<{2 * lanes} x {kind}>", size_of(kind)
        if mask is not None and self.gate is not None:
            pointer, level = self._gated(pointer, type_, level, self.gate)
            mask = None if mask is self.gate else mask
        text = f"load {type_}, ptr {pointer}, align {align}"
        if mask is not None:
            on = self._twice(self.spread(mask, lanes))
            name = f"@llvm.masked.load.v{2 * lanes}{_short(kind)}.p0"
            self.declare(
                name, f"declare {type_} {name}(ptr, i32 immarg, <{2 * lanes} x i1>, {type_})"
            )
            text = (
                f"call {type_} {name}(ptr {pointer}, i32 {align}, {on.type} {on.name}, "
                f"{type_} zeroinitializer)"
            )
            level = max(level, on.level)
        both = self.make(kind, 2 * lanes, level, text)
        found = []
        for i in range(2):
            picks = ", ".join(f"i32 {2 * k + i}" for k in range(lanes))
            text = f"shufflevector {type_} {both.name}, {type_} poison, <{lanes} x i32> <{picks}>"
            found.append(self.make(kind, lanes, level, text))
        return join(self, *found)

    def _twice(self, mask: Reg) -> Reg:
        """A mask with every lane doubled."""
        picks = ", ".join(f"i32 {k // 2}" for k in range(2 * mask.lanes))
        return self.make(
            "i1",
            2 * mask.lanes,
            mask.level,
            f"shufflevector {mask.type} {mask.name}, {mask.type} poison, "
            f"<{2 * mask.lanes} x i32> <{picks}>",
        )

    def _store_complex(self, place: Place, where: Index, reg: Reg) -> None:
        """Parts joined so that they alternate; ``place`` is seen as real numbers."""
        lanes, mask = self.vector.lanes, self.vector.mask
        if self.lane_stride(where) != 1 or lanes == 1:
            for i, part in enumerate(parts(reg)):
                self.store(place, where * 2 + i, part)
            return
        real, imag = parts(self.spread(reg, lanes))
        picks = ", ".join(f"i32 {k // 2 + (k % 2) * lanes}" for k in range(2 * lanes))
        both = self.make(
            real.kind,
            2 * lanes,
            self.level,
            f"shufflevector {real.type} {real.name}, {imag.type} {imag.name}, "
            f"<{2 * lanes} x i32> <{picks}>",
        )
        pointer, _ = self.address(place, where * 2)
        align = size_of(real.kind)
        if mask is None:
            self.line(f"store {both.type} {both.name}, ptr {pointer}, align {align}")
            return
        on = self._twice(self.spread(mask, lanes))
        name = f"@llvm.masked.store.v{2 * lanes}{_short(real.kind)}.p0"
        self.declare(name, f"declare void {name}({both.type}, ptr, i32 immarg, {on.type})")
        self.line(
            f"call void {name}({both.type} {both.name}, ptr {pointer}, i32 {align}, "
            f"{on.type} {on.name})"
        )

    def _guarded(self, pointer: str, stored: str, level: int, mask: Reg) -> Reg:
        """One element that may only be read if the mask (any lane of it) holds."""
        one = mask if mask.lanes == 1 else self.any_lane(mask)
        safe, level = self._gated(pointer, stored, level, one)
        return self.make(stored, 1, level, f"load {stored}, ptr {safe}, align {_SIZE[stored]}")

    def _gated(self, pointer: str, type_: str, level: int, gate: Reg) -> tuple[str, int]:
        """A pointer where a condition holds, else one to zeros of our own; and its level."""
        slot = self.spare.get(type_)
        if slot is None:
            slot = self.spare[type_] = self.fresh("spare")
            self.allocas.append(f"{slot} = alloca {type_}, align 64")
            self.allocas.append(f"store {type_} zeroinitializer, ptr {slot}, align 64")
        text = f"select i1 {gate.name}, ptr {pointer}, ptr {slot}"
        safe = self.make("ptr", 1, max(level, gate.level), text)
        return safe.name, safe.level

    def any_lane(self, mask: Reg) -> Reg:
        """Whether any lane of a mask is on."""
        name = f"@llvm.vector.reduce.or.v{mask.lanes}i1"
        self.declare(name, f"declare i1 {name}(<{mask.lanes} x i1>)")
        return self.make("i1", 1, mask.level, f"call i1 {name}({mask.type} {mask.name})")

    def _picked(
        self, place: Place, where: Index, stored: str, align: int, offsets: tuple[int, ...]
    ) -> Reg:
        """Lanes that lie near each other: all that lies between is read, and put in order.

        Nothing outside the first and the last element that is wanted is touched.
        """
        lanes, low, high = self.vector.lanes, min(offsets), max(offsets)
        width = lanes
        while width > high - low + 1:
            width //= 2
        starts = [min(i, high + 1 - width) for i in range(low, high + 1, width)]
        pieces = []
        for start in starts:
            pointer, level = self.address(place, where + start)
            text = f"load <{width} x {stored}>, ptr {pointer}, align {align}"
            pieces.append(self.make(stored, width, level, text))
        owners = [min((k - low) // width, len(starts) - 1) for k in offsets]
        at = [k - starts[owner] for k, owner in zip(offsets, owners, strict=True)]
        found = pieces[0]
        for n, piece in enumerate(pieces[1:] or pieces, 1):
            stays = range(lanes) if n > 1 else at
            picks = [
                width + new if owner == n else old
                for old, new, owner in zip(stays, at, owners, strict=False)
            ]
            found = self._shuffled(found, piece, picks)
        return found

    def _shuffled(self, a: Reg, b: Reg, picks: list[int]) -> Reg:
        """Lanes of two vectors; those beyond the picks are not looked at."""
        lanes = self.vector.lanes
        width = a.lanes
        picks = [k if k < 2 * width else 0 for k in picks] + [0] * (lanes - len(picks))
        chosen = ", ".join(f"i32 {k}" for k in picks)
        text = f"shufflevector {a.type} {a.name}, {b.type} {b.name}, <{lanes} x i32> <{chosen}>"
        return self.make(a.kind, lanes, max(a.level, b.level), text)

    def _gathered(
        self, place: Place, where: Index, stored: str, align: int, mask: Reg | None
    ) -> Reg:
        lanes = self.vector.lanes
        offsets = self.index(where, lanes)
        base = self.pointer(place)
        pointers = self.make(
            "ptr",
            lanes,
            offsets.level,
            f"getelementptr {stored}, ptr {base}, {offsets.type} {offsets.name}",
        )
        on = self.spread(mask or self.const(1, "i1"), lanes)
        type_ = f"<{lanes} x {stored}>"
        name = f"@llvm.masked.gather.v{lanes}{_short(stored)}.v{lanes}p0"
        self.declare(
            name,
            f"declare {type_} {name}(<{lanes} x ptr>, i32 immarg, <{lanes} x i1>, {type_})",
        )
        return self.make(
            stored,
            lanes,
            max(pointers.level, on.level),
            f"call {type_} {name}({pointers.type} {pointers.name}, i32 {align}, "
            f"{on.type} {on.name}, {type_} zeroinitializer)",
        )

    def store(self, place: Place, where: Index, reg: Reg) -> None:
        """Put an element, or the lanes' elements, at an offset in elements."""
        if self.probing:
            self.forms.add(where)
        if reg.imag is not None:
            self._store_complex(parts_of(place), where, reg)
            return
        kind = reg.kind
        stored = memory_type(kind)
        if kind == "i1":
            reg = self.convert("zext", reg, "i8")
        align = size_of(kind)
        stride = self.lane_stride(where)
        lanes, mask = self.vector.lanes, self.vector.mask
        if stride == 0:
            # All lanes hold the same number and the same address: one store.
            pointer, _ = self.address(place, where)
            self.line(f"store {stored} {reg.name}, ptr {pointer}, align {align}")
            return
        reg = self.spread(reg, lanes)
        if stride == 1:
            pointer, _ = self.address(place, where)
            if mask is None:
                self.line(f"store {reg.type} {reg.name}, ptr {pointer}, align {align}")
                return
            name = f"@llvm.masked.store.v{lanes}{_short(stored)}.p0"
            self.declare(name, f"declare void {name}({reg.type}, ptr, i32 immarg, <{lanes} x i1>)")
            self.line(
                f"call void {name}({reg.type} {reg.name}, ptr {pointer}, i32 {align}, "
                f"{mask.type} {mask.name})"
            )
            return
        offsets = self.index(where, lanes)
        pointers = self.make(
            "ptr",
            lanes,
            self.level,
            f"getelementptr {stored}, ptr {self.pointer(place)}, {offsets.type} {offsets.name}",
        )
        on = mask or self.spread(self.const(1, "i1"), lanes)
        name = f"@llvm.masked.scatter.v{lanes}{_short(stored)}.v{lanes}p0"
        self.declare(
            name,
            f"declare void {name}({reg.type}, <{lanes} x ptr>, i32 immarg, <{lanes} x i1>)",
        )
        self.line(
            f"call void {name}({reg.type} {reg.name}, {pointers.type} {pointers.name}, "
            f"i32 {align}, {on.type} {on.name})"
        )


def parts_of(place: Place) -> Place:
    """A place of complex numbers seen as real ones; only its memory counts, not its axes."""
    real = np.dtype(f"f{place.dtype.itemsize // 2}")
    moving = tuple((name, stride * 2) for name, stride in place.moving)
    return replace(place, dtype=real, moving=moving)


_MOST_LOADS = 4  # of vectors between whose elements lanes are picked
_SIZE = {"half": 2, "float": 4, "double": 8, "i8": 1, "i16": 2, "i32": 4, "i64": 8}


def _short(kind: str) -> str:
    return {"half": "f16", "float": "f32", "double": "f64"}.get(kind, kind)
