"""Runs of small steps whose rows never meet: each thread does all of them for rows of its own.

In a network every example of a batch goes forward and back by itself, and so does every row of
a weight's gradient through the optimiser. Steps that compute row i of their results from row i
of what the others in the run compute are put side by side and cut into strips of rows, one for
each thread. The threads then meet once after the run, not between its steps, and each thread
reads what it has written itself.

Steps that need more than that (sums over the batch) wait until the run is over, where nothing
in it depends on them. Only small steps are moved: what takes long pays for its barrier, and
had better stay where its memory is used.
"""

from __future__ import annotations

from itertools import groupby

from adjoint.lower.layout import Buffer
from adjoint.lower.steps import (
    CopyStep,
    CustomStep,
    KernelStep,
    LoopStep,
    PhaseStep,
    ProductStep,
    Step,
    nested,
    reads,
    walk,
    writes,
)
from adjoint.lower.strips import Change, Rows, divides, strip_form
from adjoint.lower.threads import price_of, saving

_DEAREST = 40.0  # microseconds of a step in a run, by forecast
_LEAST = 2.0  # of a run that is worth a barrier
_TINY = 64  # elements of a result that is computed before a run, if it can be
_MOST_BYTES = 1 << 20  # written by a run: its memory is not used again before its end
_MOST_STEPS = 400  # that are looked at together
_WASTE = 1.5  # vectors for one, where rows do not fill them


def join_runs(steps: list[Step], threads: int) -> list[Change]:
    """Put runs of rows together wherever that saves time.

    Args:
        steps: changed in place, with the steps inside them.
        threads: how many there may be.

    Returns:
        What was done, for ``undo``.
    """
    done: list[Change] = []
    pending = [steps]
    while pending:
        body = pending.pop()
        pending += [
            inner
            for step in body
            if not (isinstance(step, LoopStep) and step.independent)
            for inner in nested(step)
        ]
        joined = _joined(body, threads, f"%run{len(done)}")
        if len(joined) < len(body) and saving(joined, threads) > saving(body, threads):
            change = Change(body, list(body))
            for step in joined:
                if isinstance(step, LoopStep) and step.strips:
                    change.cut(step.body, threads)
            body[:] = joined
            done.append(change)
    return done


def _joined(body: list[Step], threads: int, name: str) -> list[Step]:
    joined: list[Step] = []
    for movable, steps in groupby(body, _is_movable):
        found = list(steps)
        while movable and found:
            part, found = found[:_MOST_STEPS], found[_MOST_STEPS:]
            joined += _Joiner(part, threads, f"{name}.{len(joined)}").run()
        joined += found
    return joined


def _is_movable(step: Step) -> bool:
    """Whether it is known what a step touches, and nothing else depends on its place."""
    if isinstance(step, LoopStep):
        return all(_is_movable(inner) for inner in walk(step.body) if inner is not step)
    return isinstance(step, KernelStep | ProductStep | PhaseStep | CopyStep | CustomStep)


def _is_tiny(step: Step) -> bool:
    places = (*writes(step), *reads(step))
    return isinstance(step, KernelStep) and all(place.size <= _TINY for place in places)


class _Run:
    """Steps of one run so far: whose rows, what they write, and what they read loosely."""

    def __init__(self, rows: int, threads: int) -> None:
        self.rows = Rows(rows, set())
        self.threads = threads
        self.bytes = 0
        self.loose: set[Buffer] = set()

    def take(self, step: Step) -> bool:
        """Let a step join if it keeps to the rows."""
        if not isinstance(step, KernelStep | ProductStep):
            return False
        if isinstance(step, KernelStep) and strip_form(step.kernel, self.threads)[2] > _WASTE:
            return False
        outs = writes(step)
        targets = {place.buffer.root() for place in outs}
        size = sum(buffer.nbytes for buffer in targets - self.rows.written)
        if targets & self.loose or self.bytes + size > _MOST_BYTES:
            return False
        rows = Rows(self.rows.count, self.rows.written | targets, dict(self.rows.pitch))
        if not all(rows.aligned(place) for place in outs) or not rows.keeps(step):
            return False
        self.rows = rows
        self.bytes += size
        self.loose |= {p.buffer.root() for p in reads(step) if not rows.is_written(p)}
        return True


class _Joiner:
    """Puts runs together in a list of steps of which it is known what depends on what."""

    def __init__(self, steps: list[Step], threads: int, name: str) -> None:
        self.steps = steps
        self.threads = threads
        self.name = name
        self.before = _dependences(steps)
        self.left = list(range(len(steps)))
        self.done: set[int] = set()
        self.tiny = [at for at, step in enumerate(steps) if _is_tiny(step)]

    def run(self) -> list[Step]:
        """The steps in their new order."""
        joined: list[Step] = []
        while self.left:
            first = self.left[0]
            tiny = self._ready_tiny()
            run = [] if first in tiny else self._run_from(first, tiny)
            if not run:
                joined.append(self._next(first))
                continue
            joined += [self._next(at) for at in tiny]
            counter = f"{self.name}.{len(joined)}"
            steps = [self._next(at) for at in run]
            joined.append(LoopStep(counter, self.threads, False, steps, [], True, strips=True))
        return joined

    def _next(self, at: int) -> Step:
        self.left.remove(at)
        self.done.add(at)
        if at in self.tiny:
            self.tiny.remove(at)
        return self.steps[at]

    def _ready_tiny(self) -> list[int]:
        """Small results that need nothing else: a run need not be parted for them."""
        ready = set(self.done)
        found: list[int] = []
        for at in self.tiny:
            if self.before[at] <= ready:
                found.append(at)
                ready.add(at)
        return found

    def _run_from(self, first: int, tiny: list[int]) -> list[int]:
        """The run that begins with a step, if it is worth it."""
        shapes = [place.shape for place in writes(self.steps[first])]
        if not shapes or not shapes[0] or not divides(shapes[0][0], self.threads):
            return []
        run = _Run(shapes[0][0], self.threads)
        ready = self.done.union(tiny)
        taken: list[int] = []
        for at in self.left:
            step = self.steps[at]
            good = self.before[at] <= ready and at not in ready
            if good and 0 < price_of(step) <= _DEAREST and run.take(step):
                taken.append(at)
                ready.add(at)
            elif at == first:
                return []
        if len(taken) < 2 or sum(price_of(self.steps[at]) for at in taken) < _LEAST:
            return []
        return taken


def _dependences(steps: list[Step]) -> list[set[int]]:
    """The steps that must run before each: who wrote what it reads, who touched what it writes."""
    before: list[set[int]] = []
    wrote: dict[Buffer, int] = {}
    read: dict[Buffer, list[int]] = {}
    for at, step in enumerate(steps):
        ins = {p.buffer.root() for inner in walk([step]) for p in reads(inner)}
        outs = {p.buffer.root() for inner in walk([step]) for p in writes(inner)}
        needs = {wrote[buffer] for buffer in ins | outs if buffer in wrote}
        for buffer in outs:
            needs.update(read.pop(buffer, ()))
            wrote[buffer] = at
        for buffer in ins:
            read.setdefault(buffer, []).append(at)
        before.append(needs - {at})
    return before
