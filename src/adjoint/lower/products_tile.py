"""How the outputs of a small product are cut into register tiles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adjoint.lower.products import Shape

# Fused multiply-adds that must be under way at once to hide their latency.
_IN_FLIGHT = 8
_LOAD_COST = 0.35
_TILE_COST = 6.0
# The first cache as nearly every processor has it.
_LINE, _SETS, _WAYS = 64, 64, 8


@dataclass(frozen=True)
class Split:
    """``total`` things in ``parts`` runs as even as can be: the first ``longer`` have one more."""

    total: int
    parts: int

    @property
    def short(self) -> int:
        """The length of the later runs."""
        return self.total // self.parts

    @property
    def longer(self) -> int:
        """How many runs have one more."""
        return self.total % self.parts

    def lengths(self) -> list[int]:
        """Every run's length, in order."""
        return [self.short + (i < self.longer) for i in range(self.parts)]

    def starts(self) -> list[int]:
        """Where every run starts."""
        return [i * self.short + min(i, self.longer) for i in range(self.parts)]


@dataclass(frozen=True)
class Spread(Split):
    """The longer runs lie among the others, so that half of the runs is half of the work."""

    def starts(self) -> list[int]:
        """Where every run starts."""
        return [i * self.total // self.parts for i in range(self.parts)]

    def lengths(self) -> list[int]:
        """Every run's length, in order."""
        return [b - a for a, b in pairwise([*self.starts(), self.total])]


@dataclass(frozen=True)
class Tiling:
    """Rows and column vectors of a product's tiles.

    Args:
        lanes: of a vector.
        rows: the rows, split into tiles.
        vectors: the vectors of a row, split into panels.
        last: used lanes of the last vector of a row.
    """

    lanes: int
    rows: Split
    vectors: Split
    last: int

    @property
    def units(self) -> int:
        """How many tiles there are."""
        return self.rows.parts * self.vectors.parts


def lanes_for(n: int, size: int, vector_bytes: int) -> int:
    """Lanes of the vectors along n columns: no wider than the columns need."""
    lanes = vector_bytes // size
    while lanes > 1 and lanes // 2 >= n:
        lanes //= 2
    return lanes


@lru_cache(maxsize=1024)
def tile(shape: Shape, lanes: int, registers: int, most_rows: int, depth: int = 0) -> Tiling:
    """The tiling with the least estimated time among those that fit the registers."""
    m, n = shape.m, shape.n
    vectors = -(-n // lanes)
    last = n - (vectors - 1) * lanes
    highest = min(m, registers, most_rows, _rows_in_cache(shape, depth or shape.k))
    best: tuple[float, int, int] | None = None
    for v in range(1, min(vectors, registers // 2) + 1):
        for r in range(1, highest + 1):
            # Accumulators, the vectors of B, one spread element of A.
            if r * v + v + 1 > registers:
                break
            rows, columns = Split(m, -(-m // r)), Split(vectors, -(-vectors // v))
            cost = outer_cost(Tiling(lanes, rows, columns, last), depth or shape.k)
            if best is None or cost < best[0]:
                best = (cost, rows.parts, columns.parts)
    assert best is not None
    return Tiling(lanes, Split(m, best[1]), Spread(vectors, best[2]), last)


def outer_cost(tiling: Tiling, k: int) -> float:
    """Estimated cycles of a product by outer products."""
    total = 0.0
    for r, r_count in _runs(tiling.rows):
        for v, v_count in _runs(tiling.vectors):
            step = max(float(r * v), _IN_FLIGHT) + _LOAD_COST * (r + v)
            total += r_count * v_count * (k * step + _TILE_COST + r * v)
    return total


def dot_cost(shape: Shape, lanes: int, tile: tuple[int, int]) -> float:
    """Estimated cycles of a product by dot products."""
    total = 0.0
    steps = -(-shape.k // lanes)
    for r, r_count in _runs(Split(shape.m, -(-shape.m // tile[0]))):
        for c, c_count in _runs(Split(shape.n, -(-shape.n // tile[1]))):
            step = max(float(r * c), _IN_FLIGHT) + _LOAD_COST * (r + c)
            total += r_count * c_count * (steps * step + _TILE_COST + 4 * r * c)
    return total


def transpose_cost(rows: int, columns: int, lanes: int) -> float:
    """Estimated cycles of transposing a matrix in registers, block by block."""
    blocks = -(-rows // lanes) * -(-columns // lanes)
    return blocks * lanes * (lanes.bit_length() + 1.0)


def _rows_in_cache(shape: Shape, depth: int) -> int:
    """How many rows of op(A) can be read side by side without evicting each other.

    Rows whose distance is a large power of two fall into few sets of the first cache.
    """
    stride = shape.a_strides[0] * shape.size
    if shape.a_strides[0] == 1 or depth * shape.size <= _LINE:
        return shape.m
    taken: dict[int, int] = {}
    for row in range(min(shape.m, 2 * _WAYS)):
        place = row * stride // _LINE % _SETS
        taken[place] = taken.get(place, 0) + 1
        if taken[place] > _WAYS - 2:
            return row
    return shape.m


def _runs(split: Split) -> list[tuple[int, int]]:
    both = [(split.short + 1, split.longer), (split.short, split.parts - split.longer)]
    return [(length, count) for length, count in both if count]
