"""Small arrays in registers: straight code without loops over elements.

A value is one vector of all its elements (a number alone is a scalar), the number of lanes a
power of two. Reshapes, slices, broadcasts and permutations only change which lane of which
vector an element is; where an operation needs its operands side by side, one shuffle brings
them there. Lanes beyond the last element hold anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adjoint.lower.emit import Emitter, Reg, memory_type, reg_type, size_of
from adjoint.lower.layout import Buffer, Place, whole
from adjoint.lower.widths import fitting

MOST_BYTES = 512  # of one value in registers
MOST_SPENT = 1500  # instructions of a piece of straight code, by forecast
MOST_READ = 1 << 14  # elements of an array in memory that is read element by element
MOST_STACK = 1 << 16  # bytes
_LIBRARY = 25  # instructions of an elementary function, roughly

Positions = NDArray[np.int64]


class DeclinedError(Exception):
    """This is not for straight code."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Numbers in memory: where position 0 is, and the level at which they may be read."""

    pointer: str
    kind: str
    level: int


@dataclass(frozen=True, eq=False, slots=True)
class Held:
    """An array: for each element its lane in a register, or its position in memory."""

    source: Reg | Memory
    at: Positions

    @property
    def kind(self) -> str:
        """The LLVM type of an element."""
        return self.source.kind


class StraightEmitter(Emitter):
    """Writes straight code.

    Args:
        features: the processor's features.
    """

    def __init__(self, features: frozenset[str]) -> None:
        super().__init__(features)
        self.width = 64 if "avx512f" in features else 32 if "avx2" in features else 16
        self.floor = 0  # nothing is moved out of the branch that begins at this level
        self.spent = 0
        self.bound = float(MOST_SPENT)
        self.stack = 0
        self.parameters: dict[Any, tuple[str, Place]] = {}
        self.stacks: dict[Buffer, tuple[str, int]] = {}
        self.checks: dict[Any, list[str]] = {}

    # *** instructions ***

    def registers(self, lanes: int, kind: str) -> int:
        """How many registers a vector takes."""
        return max(1, lanes * _bytes(kind) // self.width)

    def make(self, kind: str, lanes: int, level: int, text: str) -> Reg:
        """An instruction with a result; there is a bound to how many there may be."""
        if lanes * _bytes(kind) > MOST_BYTES:
            raise DeclinedError
        call = text.startswith("call ") and "@llvm." not in text
        self.spent += self.registers(lanes, kind) * (_LIBRARY if call else 1)
        if self.spent > self.bound:
            raise DeclinedError
        return super().make(kind, lanes, max(level, self.floor), text)

    # *** where things are ***

    def pointer(self, place: Place) -> tuple[str, int]:
        """The address of element 0 of a place's buffer, moved to the current rows."""
        buffer = place.buffer.root()
        if buffer in self.stacks:
            name, level = self.stacks[buffer]
            moving = place.moving
        else:
            inside = {scope.memo.get("counter") for scope in self.scopes}
            outer = tuple(m for m in place.moving if m[0] not in inside)
            moving = tuple(m for m in place.moving if m[0] in inside)
            key = (buffer, outer, place.dtype)
            if key not in self.parameters:
                self.parameters[key] = (f"%b{len(self.parameters)}", _moved_by(place, outer))
            name, level = self.parameters[key][0], 0
        for counter, stride in moving:
            row = ("row", name, counter, stride, place.dtype)
            known = self.recall(row)
            if known is None:
                level = max(level, self._level_of_counter(counter))
                by = self.make(
                    "i64", 1, level, f"mul nsw i64 {counter}, {stride * place.dtype.itemsize}"
                )
                known = self.make("ptr", 1, level, f"getelementptr i8, ptr {name}, i64 {by.name}")
                self.remember(row, known)
            name, level = known.name, max(level, known.level)
        return name, level

    def _level_of_counter(self, counter: str) -> int:
        for level, scope in enumerate(self.scopes):
            if scope.memo.get("counter") == counter:
                return level
        return 0

    def held(self, place: Place) -> Held:
        """The elements of a place."""
        if place.size > MOST_READ:
            raise DeclinedError
        kind = reg_type(place.dtype)
        if kind is None:
            raise DeclinedError
        name, level = self.pointer(place)
        at = np.full((), place.offset, np.int64)
        for extent, stride in zip(place.shape, place.strides, strict=True):
            at = at[..., None] + np.arange(extent) * stride
        return Held(Memory(name, kind, level), at.reshape(place.shape))

    def fresh_stack(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Place:
        """Memory of this function, for what registers cannot hold."""
        place = whole(Buffer("stack", 0), shape, dtype)
        nbytes = place.size * dtype.itemsize
        self.stack += nbytes
        if self.stack > MOST_STACK:
            raise DeclinedError
        name = self.fresh("stack")
        self.allocas.append(f"{name} = alloca [{nbytes} x i8], align 64")
        self.stacks[place.buffer] = (name, self.level)
        return place

    def spilled(self, held: Held, dtype: np.dtype[Any]) -> Place:
        """A value in memory."""
        place = self.fresh_stack(held.at.shape, dtype)
        self.put(place, self.full(held))
        return place

    # *** registers ***

    def constant(self, values: NDArray[Any], kind: str) -> Held:
        """Known numbers."""
        flat = values.reshape(-1)
        lanes = fitting(flat.size)
        if flat.size == 0 or lanes * size_of(kind) > MOST_BYTES:
            raise DeclinedError
        if lanes == 1:
            return Held(self.const(flat[0], kind), np.zeros(values.shape, np.int64))
        padded = [*flat, *[flat[-1]] * (lanes - flat.size)]
        text = ", ".join(f"{kind} {self.const(x, kind).name}" for x in padded)
        reg = Reg(f"<{text}>", kind, lanes, 0)
        return Held(reg, np.arange(flat.size).reshape(values.shape))

    def gathered(self, held: Held) -> Reg:
        """The elements side by side; a scalar if all are one and the same element."""
        at = held.at.reshape(-1)
        if (at == at[0]).all():
            return self.element(held.source, int(at[0]))
        return self.lanes(held.source, at, fitting(at.size))

    def full(self, held: Held) -> Reg:
        """The elements side by side, a vector unless there is only one."""
        reg = self.gathered(held)
        return self.spread(reg, fitting(held.at.size))

    def element(self, source: Reg | Memory, at: int) -> Reg:
        """One element."""
        if isinstance(source, Memory):
            return self._load(source, np.array([at]))
        if source.lanes == 1:
            return source
        key = ("element", source, at)
        found: Reg | None = self.recall(key)
        if found is None:
            text = f"extractelement {source.type} {source.name}, i64 {at}"
            found = self.make(source.kind, 1, source.level, text)
            self.remember(key, found)
        return found

    def lanes(self, source: Reg | Memory, at: Positions, lanes: int) -> Reg:
        """A vector whose lane i is element ``at[i]``; any number where that is negative."""
        if isinstance(source, Memory):
            used = np.unique(at[at >= 0])
            loaded = self._load(source, used)
            at = np.where(at < 0, -1, np.searchsorted(used, at))
            return self.lanes(loaded, at, lanes)
        if source.lanes == 1:
            return self.spread(source, lanes)
        wanted = np.full(lanes, -1)
        wanted[: at.size] = at
        if lanes == source.lanes and ((wanted == np.arange(lanes)) | (wanted < 0)).all():
            return source
        key = ("lanes", source, wanted.tobytes())
        found: Reg | None = self.recall(key)
        if found is None:
            found = self._shuffle(source, source, wanted, lanes)
            self.remember(key, found)
        return found

    def _shuffle(self, x: Reg, y: Reg, at: Positions, lanes: int) -> Reg:
        picks = ", ".join(f"i32 {k}" if k >= 0 else "i32 poison" for k in at)
        second = "poison" if x is y else y.name
        return self.make(
            x.kind,
            lanes,
            max(x.level, y.level),
            f"shufflevector {x.type} {x.name}, {x.type} {second}, <{lanes} x i32> <{picks}>",
        )

    def merged(self, parts: list[Held], which: Positions, at: Positions) -> Held:
        """An array whose element i is element ``at[i]`` of the source of part ``which[i]``."""
        sources = [part.source for part in parts]
        first = {id(s): sources.index(s) for s in sources}
        which = np.array([first[id(s)] for s in sources])[which]
        numbers = np.unique(which)
        if len(numbers) == 1:
            return Held(sources[numbers[0]], at)
        shape, which, at = which.shape, which.reshape(-1), at.reshape(-1)
        lanes = fitting(at.size)
        total: Reg | None = None
        for number in numbers:
            mine = np.where(which == number, at, -1)
            reg = self._part(sources[number], mine, lanes)
            if total is None:
                total = self.spread(reg, lanes)
                continue
            places = np.flatnonzero(mine >= 0)
            if reg.lanes == 1 and len(places) == 1:
                total = self.make(
                    total.kind,
                    lanes,
                    max(total.level, reg.level),
                    f"insertelement {total.type} {total.name}, {reg.kind} {reg.name}, "
                    f"i64 {places[0]}",
                )
                continue
            picks = np.arange(lanes)
            picks[places] += lanes
            total = self._shuffle(total, self.spread(reg, lanes), picks, lanes)
        assert total is not None
        return Held(total, np.arange(at.size).reshape(shape))

    def _part(self, source: Reg | Memory, at: Positions, lanes: int) -> Reg:
        """A vector with some elements at their places, or the scalar that all of them are."""
        used = np.unique(at[at >= 0])
        if len(used) == 1:
            return self.element(source, int(used[0]))
        return self.lanes(source, at, lanes)

    # *** memory ***

    def _load(self, memory: Memory, at: Positions) -> Reg:
        """Elements of memory, side by side."""
        key = ("load", memory, at.tobytes())
        found: Reg | None = self.recall(key)
        if found is not None:
            return found
        low, high = int(at.min()), int(at.max())
        span = high - low + 1
        if len(at) == 1:
            found = self._run(memory, low, 1)
        elif span == len(at) and (np.diff(at) == 1).all():
            found = self._run(memory, low, span)
        elif span <= 2 * fitting(len(at)) and fitting(span) * size_of(memory.kind) <= MOST_BYTES:
            block = self._run(memory, low, span)
            found = self.lanes(block, at - low, fitting(len(at)))
        else:
            lanes = fitting(len(at))
            found = Reg("poison", memory.kind, lanes, memory.level)
            for lane, place in enumerate(at):
                one = self._run(memory, int(place), 1)
                found = self.make(
                    memory.kind,
                    lanes,
                    one.level,
                    f"insertelement {found.type} {found.name}, {one.kind} {one.name}, i64 {lane}",
                )
        self.remember(key, found)
        return found

    def _at(self, memory: Memory, offset: int) -> str:
        if not offset:
            return memory.pointer
        kind = memory_type(memory.kind)
        text = f"getelementptr inbounds {kind}, ptr {memory.pointer}, i64 {offset}"
        return self.make("ptr", 1, memory.level, text).name

    def _run(self, memory: Memory, first: int, count: int) -> Reg:
        """Neighbouring elements."""
        stored, align = memory_type(memory.kind), size_of(memory.kind)
        lanes = fitting(count)
        pointer = self._at(memory, first)
        if lanes == count:
            type_ = stored if lanes == 1 else f"<{lanes} x {stored}>"
            text = f"load {type_}, ptr {pointer}, align {align}"
        elif "avx512vl" in self.features:
            type_ = f"<{lanes} x {stored}>"
            name = f"@llvm.masked.load.v{lanes}{_short(stored)}.p0"
            self.declare(name, f"declare {type_} {name}(ptr, i32 immarg, <{lanes} x i1>, {type_})")
            text = (
                f"call {type_} {name}(ptr {pointer}, i32 {align}, <{lanes} x i1> "
                f"{_mask(count, lanes)}, {type_} zeroinitializer)"
            )
        else:
            whole_part = lanes // 2
            low = self._run(memory, first, whole_part)
            high = self._run(memory, first + whole_part, count - whole_part)
            at = np.concatenate([np.arange(whole_part), np.full(whole_part, -1)])
            total = self.lanes(low, at, lanes)
            back = np.full(lanes, -1)
            back[whole_part:count] = np.arange(count - whole_part)
            wide = self.lanes(high, back, lanes)
            picks = np.arange(lanes)
            picks[whole_part:] += lanes
            return self._shuffle(total, wide, picks, lanes)
        found = self.make(stored, lanes, memory.level, text)
        return self.convert("trunc", found, "i1") if memory.kind == "i1" else found

    def put(self, place: Place, reg: Reg) -> None:
        """Write a value's elements into memory, here and now."""
        if reg_type(place.dtype) != reg.kind:
            raise DeclinedError
        name, level = self.pointer(place)
        memory = Memory(name, reg.kind, level)
        if reg.kind == "i1":
            reg = self.convert("zext", reg, "i8")
        at = self.held(place).at.reshape(-1)
        start = 0
        while start < len(at):
            end = start + 1
            while end < len(at) and at[end] == at[end - 1] + 1:
                end += 1
            self._put_run(memory, int(at[start]), reg, start, end)
            start = end

    def _put_run(self, memory: Memory, first: int, reg: Reg, start: int, end: int) -> None:
        """Lanes ``start`` to ``end`` of a register into neighbouring places."""
        align, count = size_of(memory.kind), end - start
        lanes = fitting(count)
        if reg.lanes > 1:
            if lanes == 1:
                reg = self.element(reg, start)
            elif start or lanes < reg.lanes:
                reg = self.lanes(reg, np.arange(start, end), lanes)
        if lanes == count:
            self._note_store(
                f"store {reg.type} {reg.name}, ptr {self._at(memory, first)}, align {align}"
            )
        elif "avx512vl" in self.features:
            name = f"@llvm.masked.store.v{lanes}{_short(reg.kind)}.p0"
            self.declare(name, f"declare void {name}({reg.type}, ptr, i32 immarg, <{lanes} x i1>)")
            self._note_store(
                f"call void {name}({reg.type} {reg.name}, ptr {self._at(memory, first)}, "
                f"i32 {align}, <{lanes} x i1> {_mask(count, lanes)})"
            )
        else:
            half = lanes // 2
            self._put_run(memory, first, reg, 0, half)
            self._put_run(memory, first + half, reg, half, count)

    def _note_store(self, text: str) -> None:
        self.spent += 1
        self.line(text)


def _moved_by(place: Place, moving: tuple[tuple[str, int], ...]) -> Place:
    return replace(place, moving=moving)


def _bytes(kind: str) -> int:
    return 8 if kind == "ptr" else size_of(kind)


def _short(kind: str) -> str:
    return {"half": "f16", "float": "f32", "double": "f64"}.get(kind, kind)


def _mask(count: int, lanes: int) -> str:
    return "<" + ", ".join(f"i1 {'true' if k < count else 'false'}" for k in range(lanes)) + ">"
