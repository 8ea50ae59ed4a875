"""Timing contenders in turn: what a row is, and what was measured of it."""

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
_LONG, _FAR_BEHIND = 0.3, 8.0  # seconds of one timing; times the fastest contender
# Threads of a contender that has run go on looking for work and take a core from the next one,
# those of OpenBLAS for 2^28 cycles. Where steps are long enough for threads, they are waited for.
_CALM, _THREADS_FROM = 0.15, 20.0  # seconds; microseconds of the floor of a step


class MissingPeerError(Exception):
    """This peer cannot do this row: it is not installed, or has no such thing."""


@dataclass(frozen=True)
class Row:
    """One size of one family.

    Args:
        family: such as ``"mlp"``.
        name: the size, in words.
        contenders: makers, by name; called once, so that set-up is not timed. A maker may
            raise ImportError or MissingPeerError: the row goes on without that peer.
        flops: of one step.
        bytes: that one step must move, if nothing is kept in cache.
        tolerance: relative, of the losses after ``check`` steps.
        check: steps after which the losses are compared.
        bar: the ratio (fastest peer over ours) that this row is to reach; if not given, 2
            where the floor lies under 100 us, else 1.
        unit: timed step counts are multiples of this, such as the batches of an epoch.
        cost: makes our function alone, and our function with its gradient.
        cost_bar: the most that the gradient may cost, in times of the function.
    """

    family: str
    name: str
    contenders: dict[str, Callable[[], Contender]]
    flops: float
    bytes: float
    dtype: str = "float32"
    tolerance: float = 1e-3
    check: int = 4
    bar: float | None = None
    unit: int = 1
    cost: Callable[[], tuple[Contender, Contender]] | None = None
    cost_bar: float = 4.0


# The rows of a family, by name. A row holds its data, so it is made when its turn comes.
Rows = dict[str, Callable[[], Row]]


@dataclass
class Result:
    """What was measured of a row: microseconds a step, by contender."""

    row: Row
    times: dict[str, float] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)  # seconds until the first losses
    floor: float = 0.0
    gradient_cost: float = float("nan")
    disagree: list[str] = field(default_factory=list)

    @property
    def ours(self) -> str:
        """Our faster form: with threads, or without."""
        mine = {name: t for name, t in self.times.items() if name.startswith(OURS)}
        return min(mine, key=mine.__getitem__)

    @property
    def peer(self) -> str | None:
        """The fastest peer."""
        peers = {name: t for name, t in self.times.items() if not name.startswith(OURS)}
        return min(peers, key=peers.__getitem__) if peers else None

    @property
    def ratio(self) -> float:
        """The fastest peer's time over ours."""
        return self.times[self.peer] / self.times[self.ours] if self.peer else float("nan")

    @property
    def bar(self) -> float:
        """The ratio to reach."""
        if self.row.bar is not None:
            return self.row.bar
        return 2.0 if self.floor < 100 else 1.0

    @property
    def falls_short(self) -> bool:
        """Whether the row is slower than its bar, or its gradient dearer."""
        return self.ratio < self.bar or self.gradient_cost > self.row.cost_bar


def measure(
    row: Row, floor: Floor, *, rounds: int = 7, seconds: float = 0.06, compiled: bool = False
) -> Result:
    """Check that the contenders agree, then time them in turn.

    Args:
        row: what to run.
        floor: the machine's peaks.
        rounds: how many times each is timed; the median counts.
        seconds: about how long one timing lasts.
        compiled: with the compiled forms of PyTorch, which take half a minute to start.
    """
    result = Result(row, floor=floor.microseconds(row.flops, row.bytes, row.dtype))
    ready: dict[str, Contender] = {}
    losses: dict[str, float] = {}
    for name, make in row.contenders.items():
        if "compile" in name and not compiled:
            continue
        start = time.perf_counter()
        try:
            run = make()
            losses[name] = float(run(row.check))
        except (ImportError, MissingPeerError):
            continue
        except Exception as error:  # one peer's failure must not end a run of ten minutes
            if name.startswith(OURS):
                raise
            result.disagree.append(f"{name} fails: {type(error).__name__}: {error}"[:120])
            continue
        result.first[name] = time.perf_counter() - start
        ready[name] = run
    wanted = statistics.median(losses.values())
    for name, loss in losses.items():
        if not abs(loss - wanted) <= row.tolerance * max(abs(wanted), 1e-6):
            result.disagree.append(f"{name} differs: {loss:.8g} against {wanted:.8g}")
    calm = _CALM if result.floor > _THREADS_FROM else 0.0
    result.times = _in_turn(ready, rounds, seconds, row.unit, calm)
    if row.cost is not None:
        function, gradient = row.cost()
        for run in (function, gradient):
            run(1)  # compiled before it is timed
        pair = _in_turn({"function": function, "gradient": gradient}, rounds, seconds, 1, calm)
        result.gradient_cost = pair["gradient"] / pair["function"]
    return result


def _in_turn(
    ready: dict[str, Contender], rounds: int, seconds: float, unit: int, calm: float = 0.0
) -> dict[str, float]:
    """Medians in microseconds a step, the contenders in another order every round.

    Who takes long and is far behind is timed once. Before each timing there is a calm.
    """
    found = {name: _calibrate(run, unit, seconds, calm) for name, run in ready.items()}
    fastest = min(each for _, each in found.values())
    samples: dict[str, list[float]] = {name: [] for name in ready}
    order = []
    for name, (count, each) in found.items():
        if each * count > _LONG and each > _FAR_BEHIND * fastest:
            samples[name].append(each)
        else:
            order.append(name)
    rng = np.random.default_rng(0)
    for _ in range(rounds):
        rng.shuffle(order)
        gc.collect()
        for name in order:
            count = found[name][0]
            samples[name].append(_seconds(ready[name], count, calm) / count)
    return {name: statistics.median(t) * 1e6 for name, t in samples.items()}


def _calibrate(run: Contender, unit: int, seconds: float, calm: float) -> tuple[int, float]:
    """How many steps take about the wanted time, and how many seconds a step takes."""
    n = unit
    if unit > 1:
        run(n)  # compiles what the check of a few steps did not need
    while True:
        taken = _seconds(run, n, calm)
        if taken < _LONG:
            # Once more: what is called often may have been compiled again meanwhile.
            taken = min(taken, _seconds(run, n, calm))
        if taken > seconds / 4 or n > 1_000_000:
            count = unit * max(1, round(n / unit * seconds / max(taken, 1e-9)))
            return count, taken / n
        n *= 4


def _seconds(run: Contender, n: int, calm: float) -> float:
    time.sleep(calm)
    start = time.perf_counter()
    run(n)
    return time.perf_counter() - start
