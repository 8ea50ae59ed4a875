"""Several threads in one program: who does what, and where they wait for each other.

Every thread runs the whole program. A large kernel's outermost loop is split by thread
number; small steps are done by thread 0 alone. Threads meet at a barrier only where a step
touches memory that another thread may have touched since the last one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from adjoint.lower.kernel_text import WORTH_SHARING, microseconds
from adjoint.lower.layout import Place
from adjoint.lower.steps import (
    CopyStep,
    KernelStep,
    LoopStep,
    PhaseStep,
    ProductStep,
    Step,
    WhileStep,
    nested,
)

STATUS_AT, GO_AT = 16, 24  # in the header: a failure in Python, a loop's decision
ALL, FIRST = "all", "first"  # who runs a step: every thread its part, or thread 0 alone
START = 25.0  # microseconds to save: a shared call is made by Python, not by an entry of its own
_BARRIER = 0.3
_TYPICAL_ROUNDS = 20  # of a loop whose length is not known
_SPINS = 1000  # looks at the barrier before the processor is given to somebody else
BARRIER_AT = 64  # bytes from the arena's start: arrived, then generation
LATE_AT = 80  # how often a thread waited for longer than it spins
_YIELDS = 200  # times of giving way before a thread that waits sleeps for a moment
_NAP = 20  # microseconds

Span = tuple[int, int, int]  # which memory (-1 the arena, else the argument), from, to


def span(place: Place) -> Span:
    """The memory a place's buffer covers."""
    buffer = place.buffer.root()
    if buffer.kind == "argument":
        return buffer.slot, 0, 1
    return -1, buffer.offset, buffer.offset + max(buffer.nbytes, 1)


def _meet(a: Span, b: Span) -> bool:
    return a[0] == b[0] and a[1] < b[2] and b[1] < a[2]


@dataclass(slots=True)
class Traffic:
    """What was read and written since the last barrier, and by whom."""

    # By who did it: what thread 0 does one step after the other needs no look at each other.
    read: dict[str, set[Span]] = field(default_factory=lambda: {ALL: set(), FIRST: set()})
    written: dict[str, set[Span]] = field(default_factory=lambda: {ALL: set(), FIRST: set()})

    def clash(self, reads: list[Place], writes: list[Place], who: str) -> bool:
        """Whether a step must wait for the others first."""
        ins, outs = [span(p) for p in reads], [span(p) for p in writes]
        others = (ALL,) if who == FIRST else (ALL, FIRST)

        def hits(mine: list[Span], theirs: dict[str, set[Span]]) -> bool:
            return any(_meet(a, b) for other in others for b in theirs[other] for a in mine)

        return hits(ins, self.written) or hits(outs, self.written) or hits(outs, self.read)

    def note(self, reads: list[Place], writes: list[Place], who: str) -> None:
        """Remember a step."""
        self.read[who].update([span(p) for p in reads])
        self.written[who].update([span(p) for p in writes])

    def clear(self) -> None:
        """All threads have met."""
        for spans in (*self.read.values(), *self.written.values()):
            spans.clear()

    @property
    def busy(self) -> bool:
        """Whether anything happened since the last barrier."""
        return any((*self.read.values(), *self.written.values()))


def price_of(step: Step) -> float:
    """A rough forecast of a step's time on one core, in microseconds."""
    if isinstance(step, KernelStep):
        return microseconds(step.kernel)
    if isinstance(step, ProductStep):
        m, n = step.c.shape
        after = microseconds(step.edge.kernel) if step.edge else 0.0
        return price_of_product(m, n, step.a.shape[1], step.c.dtype.itemsize) + after
    if isinstance(step, PhaseStep):
        return step.work * step.out.dtype.itemsize * 5e-6
    if isinstance(step, CopyStep):
        return bytes_of(step) * 5e-5
    return 0.0


def price_of_product(m: int, n: int, k: int, itemsize: int) -> float:
    """The same of a matrix product."""
    return m * n * k * itemsize * 5e-6


def bytes_of(step: CopyStep) -> int:
    """What a copy moves."""
    return step.source.size * step.source.dtype.itemsize


def is_shared(step: Step) -> bool:
    """Whether threads split a step."""
    if isinstance(step, KernelStep):
        return bool(step.kernel.shared)
    if isinstance(step, ProductStep):
        return price_of(step) >= WORTH_SHARING
    if isinstance(step, PhaseStep | CopyStep):
        return price_of(step) >= WORTH_SHARING
    return isinstance(step, LoopStep) and step.independent


def saving(steps: list[Step], threads: int) -> float:
    """Microseconds that sharing saves, barriers paid for."""
    total = 0.0
    pending: list[tuple[Step, float, bool]] = [(step, 1.0, False) for step in steps]
    while pending:
        step, times, inside = pending.pop()
        split = inside or is_shared(step)
        if isinstance(step, LoopStep):
            times *= 1 if step.strips else step.length
        elif isinstance(step, WhileStep):
            times *= _TYPICAL_ROUNDS
        if split:
            # Inside a split loop there is no barrier: the threads meet after it.
            barrier = 0.0 if inside else _BARRIER
            total += times * (price_of(step) * (1 - 1 / threads) - barrier)
        pending.extend((inner, times, split) for part in nested(step) for inner in part)
    return total


def barrier_text(features: frozenset[str]) -> str:
    """A barrier: the last to arrive lets the others go on.

    The waiting is bounded spinning, then giving way: on a busy machine the partner may not
    be running at all.
    """
    pause = "call void @llvm.x86.sse2.pause()" if "sse2" in features else ""
    declare = "declare void @llvm.x86.sse2.pause()\n" if pause else ""
    return f"""{declare}declare i32 @sched_yield()
declare i32 @usleep(i32)
define internal void @barrier(ptr %arena, i64 %threads) noinline nounwind {{
  %alone = icmp eq i64 %threads, 1
  br i1 %alone, label %done, label %enter
enter:
  %partners = trunc i64 %threads to i32
  %arrived = getelementptr i8, ptr %arena, i64 {BARRIER_AT}
  %generation = getelementptr i8, ptr %arena, i64 {BARRIER_AT + 8}
  %mine = load atomic i32, ptr %generation acquire, align 4
  %before = atomicrmw add ptr %arrived, i32 1 acq_rel
  %count = add i32 %before, 1
  %is.last = icmp eq i32 %count, %partners
  br i1 %is.last, label %open, label %wait
open:
  store atomic i32 0, ptr %arrived monotonic, align 4
  %old = atomicrmw add ptr %generation, i32 1 release
  ret void
wait:
  %spins = phi i32 [ 0, %enter ], [ %next, %again ]
  %now = load atomic i32, ptr %generation acquire, align 4
  %moved = icmp ne i32 %now, %mine
  br i1 %moved, label %done, label %still
still:
  %next = add i32 %spins, 1
  %long = icmp ugt i32 %spins, {_SPINS}
  br i1 %long, label %yield, label %spin
yield:
  %first = icmp eq i32 %next, {_SPINS + 2}
  %one = zext i1 %first to i64
  %late.at = getelementptr i8, ptr %arena, i64 {LATE_AT}
  %ever = atomicrmw add ptr %late.at, i64 %one monotonic
  %tired = icmp ugt i32 %spins, {_SPINS + _YIELDS}
  br i1 %tired, label %sleep, label %give
sleep:
  %slept = call i32 @usleep(i32 {_NAP})
  br label %again
give:
  %ignored = call i32 @sched_yield()
  br label %again
spin:
  {pause}
  br label %again
again:
  br label %wait
done:
  ret void
}}
"""
