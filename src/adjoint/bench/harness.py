"""Timing contenders in turn, and the table of ratios."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from adjoint.run.floor import Floor

# A contender runs n steps from the start and returns the last loss (or any checksum).
Contender = Callable[[int], float]
OURS = "adjoint"


@dataclass(frozen=True)
class Row:
    """One size of one family.

    Args:
        family: such as ``"mlp"``.
        name: the size, in words.
        contenders: makers, by name; called once, so that set-up is not timed. A maker may
            raise ImportError: that peer is not installed.
        flops: of one step.
        bytes: that one step must move, if nothing is kept in cache.
        tolerance: relative, of the losses after ``check`` steps.
        check: steps after which the losses are compared.
        bar: the ratio (fastest peer over ours) that this row is to reach.
        unit: timed step counts are multiples of this, such as the batches of an epoch.
    """

    family: str
    name: str
    contenders: dict[str, Callable[[], Contender]]
    flops: float
    bytes: float
    dtype: str = "float32"
    tolerance: float = 1e-3
    check: int = 4
    bar: float = 1.0
    unit: int = 1


@dataclass
class Result:
    """What was measured of a row: microseconds a step, by contender."""

    row: Row
    times: dict[str, float] = field(default_factory=dict)
    cold: dict[str, float] = field(default_factory=dict)
    floor: float = 0.0
    disagree: list[str] = field(default_factory=list)

    @property
    def peer(self) -> str | None:
        """The fastest peer."""
        peers = {name: t for name, t in self.times.items() if not name.startswith(OURS)}
        return min(peers, key=peers.__getitem__) if peers else None

    @property
    def ratio(self) -> float:
        """The fastest peer's time over ours."""
        ours = min(t for name, t in self.times.items() if name.startswith(OURS))
        return self.times[self.peer] / ours if self.peer else float("nan")


def measure(
    row: Row, floor: Floor, *, rounds: int = 7, seconds: float = 0.06, only: str | None = None
) -> Result:
    """Check that the contenders agree, then time them in turn.

    Args:
        row: what to run.
        floor: the machine's peaks.
        rounds: how many times each is timed; the median counts.
        seconds: about how long one timing lasts.
        only: names of contenders to keep contain this word (ours are always kept).
    """
    result = Result(row, floor=floor.microseconds(row.flops, row.bytes, row.dtype))
    ready: dict[str, Contender] = {}
    losses: dict[str, float] = {}
    for name, make in row.contenders.items():
        if only and only not in name and not name.startswith(OURS):
            continue
        start = time.perf_counter()
        try:
            run = make()
        except ImportError:
            continue
        losses[name] = float(run(row.check))
        result.cold[name] = time.perf_counter() - start
        ready[name] = run
    wanted = statistics.median(losses.values())
    for name, loss in losses.items():
        if not abs(loss - wanted) <= row.tolerance * max(abs(wanted), 1e-6):
            result.disagree.append(f"{name}: {loss:.8g} against {wanted:.8g}")
    counts = {name: _calibrate(run, row.unit, seconds) for name, run in ready.items()}
    samples: dict[str, list[float]] = {name: [] for name in ready}
    order = list(ready)
    rng = np.random.default_rng(0)
    for _ in range(rounds):
        rng.shuffle(order)
        for name in order:
            gc.collect()
            start = time.perf_counter()
            ready[name](counts[name])
            samples[name].append((time.perf_counter() - start) / counts[name])
    result.times = {name: statistics.median(t) * 1e6 for name, t in samples.items()}
    return result


def _calibrate(run: Contender, unit: int, seconds: float) -> int:
    """How many steps take about the wanted time."""
    n = unit
    run(n)  # compiles what has not been compiled yet
    while True:
        start = time.perf_counter()
        run(n)
        taken = time.perf_counter() - start
        if taken > seconds / 4 or n > 1_000_000:
            return unit * max(1, round(n / unit * seconds / max(taken, 1e-9)))
        n *= 4


def report(results: list[Result], floor: Floor) -> str:
    """The table, as Markdown."""
    lines = [
        f"GEMM peak {floor.gemm_float32:.0f} GFLOP/s float32, {floor.gemm_float64:.0f} float64; "
        f"bandwidth {floor.bandwidth:.0f} GB/s.",
        "",
        "| row | ours us | fastest peer | peer us | ratio | bar | floor us | over floor | others |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        ours = min(t for n, t in result.times.items() if n.startswith(OURS))
        others = ", ".join(
            f"{name} {t:.4g}"
            for name, t in sorted(result.times.items(), key=lambda item: item[1])
            if name != result.peer and t != ours
        )
        peer = result.times[result.peer] if result.peer else float("nan")
        lines.append(
            f"| {result.row.family} {result.row.name} | {ours:.4g} | {result.peer} | {peer:.4g} "
            f"| {result.ratio:.2f} | {result.row.bar} | {result.floor:.3g} "
            f"| {ours / result.floor if result.floor else float('nan'):.1f} | {others} |"
        )
        lines += [f"| | losses differ: {text} | | | | | | | |" for text in result.disagree]
    return "\n".join(lines)
