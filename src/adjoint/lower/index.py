"""Index arithmetic while kernels are written: sums of loop variables times constants.

Every index into an array is ``const + sum(coefficient * atom)``. An atom is a loop variable,
a floor quotient of such a sum, or a number only known while running (an index that was
loaded). Remainders need no atom: ``m mod c = m - c (m div c)``, so that splitting an index
and joining it again gives back the index itself, and a reshape costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import gcd
from typing import Any


class Index:
    """``const + sum(terms[atom] * atom)``; immutable and hashable."""

    __slots__ = ("_hash", "const", "terms")

    def __init__(self, const: int = 0, terms: dict[Atom, int] | None = None) -> None:
        self.const = const
        self.terms: dict[Atom, int] = terms or {}
        self._hash = hash((const, frozenset(self.terms.items())))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Index):
            return NotImplemented
        return self.const == other.const and self.terms == other.terms

    def __add__(self, other: Index | int) -> Index:
        if isinstance(other, int):
            return Index(self.const + other, self.terms)
        if not other.terms:
            return Index(self.const + other.const, self.terms)
        terms = dict(self.terms)
        for atom, coefficient in other.terms.items():
            total = terms.get(atom, 0) + coefficient
            if total:
                terms[atom] = total
            else:
                del terms[atom]
        return Index(self.const + other.const, terms)

    def __sub__(self, other: Index | int) -> Index:
        return self + other * -1

    def __mul__(self, factor: int) -> Index:
        if factor == 0:
            return Index(0)
        if factor == 1:
            return self
        return Index(self.const * factor, {a: c * factor for a, c in self.terms.items()})

    def __repr__(self) -> str:
        parts = [f"{c}*{a}" if c != 1 else f"{a}" for a, c in self.terms.items()]
        return " + ".join([*parts, *([str(self.const)] if self.const or not parts else [])])

    def bounds(self) -> tuple[int, int]:
        """The smallest and the largest value it can take (possibly too wide)."""
        low = high = self.const
        rest = self.terms
        for atom, coefficient in self.terms.items():
            if not isinstance(atom, Quotient) or coefficient % atom.divisor:
                continue
            times = coefficient // -atom.divisor
            inner = atom.index
            if times > 0 and all(rest.get(a) == c * times for a, c in inner.terms.items()):
                # times * (inner - divisor * (inner div divisor)): a remainder
                rest = {a: c for a, c in rest.items() if a is not atom and a not in inner.terms}
                low -= times * inner.const
                high += times * (atom.divisor - 1 - inner.const)
        for atom, coefficient in rest.items():
            first, last = atom.bounds()
            low += coefficient * (first if coefficient > 0 else last)
            high += coefficient * (last if coefficient > 0 else first)
        return low, high

    def div(self, divisor: int) -> Index:
        """Floor quotient by a positive constant."""
        if divisor == 1:
            return self
        whole = {a: c // divisor for a, c in self.terms.items() if c % divisor == 0}
        rest = Index(self.const % divisor, {a: c for a, c in self.terms.items() if c % divisor})
        quotient = Index(self.const // divisor, whole)
        low, high = rest.bounds()
        if low // divisor == high // divisor:
            return quotient + low // divisor
        coarse = rest._without_remainder(divisor)
        if coarse is not None:
            part, common = coarse
            return quotient + part.div(divisor // common)
        if len(rest.terms) == 1:
            ((atom, coefficient),) = rest.terms.items()
            if isinstance(atom, Quotient) and coefficient == 1:
                # (x div a + c) div b = (x + a c) div (a b)
                inner = atom.index + rest.const * atom.divisor
                return quotient + inner.div(atom.divisor * divisor)
        return quotient + Index(0, {Quotient(rest, divisor): 1})

    def _without_remainder(self, divisor: int) -> tuple[Index, int] | None:
        """``self div g`` and g, a factor of the divisor, if that quotient is no true one.

        So it is where the terms that g does not divide only count from 0 to g - 1.
        """
        for factor in sorted({abs(c) for c in self.terms.values()}, reverse=True):
            common = gcd(factor, divisor)
            if common == 1:
                continue
            fine = {a: c for a, c in self.terms.items() if c % common}
            low, high = Index(self.const % common, fine).bounds()
            if low >= 0 and high < common:
                whole = {a: c // common for a, c in self.terms.items() if c % common == 0}
                return Index(self.const // common, whole), common
        return None

    def mod(self, divisor: int) -> Index:
        """Remainder by a positive constant, never negative."""
        return self - self.div(divisor) * divisor

    def atoms(self) -> Iterable[Atom]:
        """Every loop variable and loaded number it depends on, through quotients too."""
        pending = list(self.terms)
        while pending:
            atom = pending.pop()
            if isinstance(atom, Quotient):
                pending.extend(atom.index.terms)
            else:
                yield atom

    def coefficient(self, atom: Atom) -> int | None:
        """The factor of a variable, 0 if it is absent, None if the index is not affine in it."""
        for other in self.terms:
            if isinstance(other, Quotient) and any(a is atom for a in other.index.atoms()):
                return None
        return self.terms.get(atom, 0)

    def merges(self, outer: Atom, inner: Atom, extent: int) -> bool:
        """Whether it depends on two variables only through ``outer * extent + inner``."""
        pending = [self]
        while pending:
            index = pending.pop()
            if index.terms.get(outer, 0) != index.terms.get(inner, 0) * extent:
                return False
            pending.extend(atom.index for atom in index.terms if isinstance(atom, Quotient))
        return True


class Var:
    """A loop variable: 0 <= value < extent; compared by identity."""

    __slots__ = ("extent", "level", "name")

    def __init__(self, name: str, extent: int, level: int) -> None:
        self.name = name
        self.extent = extent
        self.level = level  # depth of the scope in which it is known

    def bounds(self) -> tuple[int, int]:
        """The smallest and the largest value."""
        return 0, self.extent - 1

    def __repr__(self) -> str:
        return self.name


class Loaded:
    """An index read from an array, already checked: 0 <= value < extent."""

    __slots__ = ("extent", "reg")

    def __init__(self, reg: Any, extent: int) -> None:
        self.reg = reg
        self.extent = extent

    def bounds(self) -> tuple[int, int]:
        """The smallest and the largest value."""
        return 0, self.extent - 1

    def __repr__(self) -> str:
        return f"[{self.reg.name}]"


class Quotient:
    """``index div divisor``, rounded down; equal for equal parts."""

    __slots__ = ("_hash", "divisor", "index")

    def __init__(self, index: Index, divisor: int) -> None:
        self.index = index
        self.divisor = divisor
        self._hash = hash((index, divisor))

    def bounds(self) -> tuple[int, int]:
        """The smallest and the largest value."""
        low, high = self.index.bounds()
        return low // self.divisor, high // self.divisor

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Quotient):
            return NotImplemented
        return self.divisor == other.divisor and self.index == other.index

    def __repr__(self) -> str:
        return f"(({self.index}) div {self.divisor})"


Atom = Var | Loaded | Quotient
ZERO = Index(0)


def var_index(var: Var) -> Index:
    """A loop variable as an index."""
    return Index(0, {var: 1})


def dot(indices: Sequence[Index], strides: Sequence[int], offset: int = 0) -> Index:
    """``offset + sum(stride * index)``: the place of an element."""
    total = Index(offset)
    for index, stride in zip(indices, strides, strict=True):
        if stride:
            total = total + index * stride
    return total


def c_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Strides in elements of an array in C order."""
    strides = []
    step = 1
    for extent in reversed(shape):
        strides.append(step)
        step *= max(extent, 1)
    return tuple(reversed(strides))


def unravel(flat: Index, shape: Sequence[int]) -> tuple[Index, ...]:
    """The indices of the element number ``flat`` of an array in C order."""
    if 0 in shape:
        return (ZERO,) * len(shape)  # there is no element; only the text must be well formed
    found = []
    for i, extent in enumerate(shape):
        step = 1
        for later in shape[i + 1 :]:
            step *= later
        part = flat.div(step)
        found.append(ZERO if extent == 1 else part if i == 0 else part.mod(extent))
    return tuple(found)


def crossings(index: Index, levels: Sequence[int]) -> list[tuple[Var, int]]:
    """Where an index of one loop variable first reaches a level, or first has left it."""
    if len(index.terms) != 1:
        return []
    ((atom, sign),) = index.terms.items()
    start, divisor = Index(0), 1
    if isinstance(atom, Quotient):
        start, divisor = atom.index, atom.divisor
        if len(start.terms) != 1:
            return []
        ((atom, factor),) = start.terms.items()
        if factor != 1:
            return []
    if not isinstance(atom, Var) or sign not in (1, -1):
        return []
    found = []
    for level in levels:
        # sign * ((v + start) div divisor) + const: the first v on the other side of the level.
        whole = level - index.const if sign == 1 else index.const - level + 1
        place = whole * divisor - start.const
        if 0 < place < atom.extent:
            found.append((atom, place))
    return found
