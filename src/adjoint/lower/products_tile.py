"""How the outputs of a small product are cut into register tiles."""

from __future__ import annotations

from dataclasses import dataclass

# Fused multiply-adds that must be under way at once to hide their latency.
_IN_FLIGHT = 8
_LOAD_COST = 0.35
_TILE_COST = 6.0


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


def tile(m: int, n: int, k: int, lanes: int, registers: int) -> Tiling:
    """The tiling with the least estimated time among those that fit the registers."""
    vectors = -(-n // lanes)
    best: tuple[float, int, int] | None = None
    for v in range(1, min(vectors, registers // 2) + 1):
        for r in range(1, min(m, registers) + 1):
            # Accumulators, the vectors of B, one spread element of A.
            if r * v + v + 1 > registers:
                break
            cost = _cost(Split(m, -(-m // r)), Split(vectors, -(-vectors // v)), k)
            if best is None or cost < best[0]:
                best = (cost, -(-m // r), -(-vectors // v))
    assert best is not None
    last = n - (vectors - 1) * lanes
    return Tiling(lanes, Split(m, best[1]), Split(vectors, best[2]), last)


def _cost(rows: Split, vectors: Split, k: int) -> float:
    total = 0.0
    for r, r_count in _runs(rows):
        for v, v_count in _runs(vectors):
            step = max(float(r * v), _IN_FLIGHT) + _LOAD_COST * (r + v)
            total += r_count * v_count * (k * step + _TILE_COST + r * v)
    return total


def _runs(split: Split) -> list[tuple[int, int]]:
    both = [(split.short + 1, split.longer), (split.short, split.parts - split.longer)]
    return [(length, count) for length, count in both if count]
