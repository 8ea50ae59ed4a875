"""Loops that go on without the other threads while those are late.

Threads that meet every few microseconds make no headway on a busy machine: each meeting waits
until all of them are running at once. So a long loop of short rounds goes by stretches, and
before each thread 0 decides whether all work on it or itself alone. While nobody had to wait
for longer than a barrier spins, all do; otherwise the other way is tried, and what took less
time goes on. What turned out slower is tried again after twice as many stretches. The bits are
the same whoever works.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from adjoint.lower import signals
from adjoint.lower.steps import (
    CopyStep,
    CustomStep,
    KernelStep,
    LoopStep,
    PhaseStep,
    ProductStep,
    walk,
)
from adjoint.lower.threads import LATE_AT, STATUS_AT

if TYPE_CHECKING:
    from adjoint.lower.control import ControlWriter

_SHORT = 200.0  # microseconds of a round, by forecast: in longer ones a barrier matters little
_LOOKS = 4  # stretches between looks for signals
_FEWEST = 4  # stretches of a loop: shorter ones are a matter for the choice between calls
_MOST = 64  # stretches before the slower way is tried again
# In the header: who works on the next stretch, who does it sooner, whether the last was a
# trial, stretches until the next one, how many there were, when the last ended, and how long the
# way that is thought better took.
_TEAM_AT, _BEST_AT, _TRIAL_AT, _COUNT_AT, _PATIENCE_AT, _CLOCK_AT, _TOOK_AT = range(128, 184, 8)
# The rounds that are done, and who works next as all are told: thread 0 writes them only before
# it meets the others, who read them only after.
_DONE_AT, _TOLD_AT = 184, 88

_FIELDS = "\n".join(
    f"  %{name}.at = getelementptr i8, ptr %arena, i64 {at}"
    for name, at in (
        ("late", LATE_AT),
        ("status", STATUS_AT),
        ("told", _TOLD_AT),
        ("team", _TEAM_AT),
        ("best", _BEST_AT),
        ("trial", _TRIAL_AT),
        ("count", _COUNT_AT),
        ("patience", _PATIENCE_AT),
        ("clock", _CLOCK_AT),
        ("took", _TOOK_AT),
    )
)
_DECIDE = f"""
define internal i64 @nanoseconds() noinline #0 {{
  %time = alloca [2 x i64], align 8
  %ignored = call i32 @clock_gettime(i32 0, ptr %time)
  %seconds = load i64, ptr %time
  %parts.at = getelementptr i64, ptr %time, i64 1
  %parts = load i64, ptr %parts.at
  %billions = mul i64 %seconds, 1000000000
  %now = add i64 %billions, %parts
  ret i64 %now
}}
define internal void @begin(ptr %arena, i64 %threads) noinline #0 {{
{_FIELDS}
  store atomic i64 0, ptr %late.at monotonic, align 8
  store i64 0, ptr %status.at
  store i64 %threads, ptr %told.at
  store i64 %threads, ptr %team.at
  store i64 %threads, ptr %best.at
  store i64 0, ptr %trial.at
  store i64 1, ptr %count.at
  store i64 1, ptr %patience.at
  %now = call i64 @nanoseconds()
  store i64 %now, ptr %clock.at
  ret void
}}
define internal void @decide(ptr %arena, i64 %threads) noinline #0 {{
{_FIELDS}
  %now = call i64 @nanoseconds()
  %before = load i64, ptr %clock.at
  store i64 %now, ptr %clock.at
  %took = sub i64 %now, %before
  %late = load atomic i64, ptr %late.at monotonic, align 8
  store atomic i64 0, ptr %late.at monotonic, align 8
  %best = load i64, ptr %best.at
  %alone = icmp eq i64 %best, 1
  %trial = load i64, ptr %trial.at
  %tried = icmp ne i64 %trial, 0
  br i1 %tried, label %compare, label %usual
usual:
  store i64 %took, ptr %took.at
  %waited = icmp ne i64 %late, 0
  %doubt = or i1 %alone, %waited
  br i1 %doubt, label %doubtful, label %done
doubtful:
  %count = load i64, ptr %count.at
  %left = sub i64 %count, 1
  store i64 %left, ptr %count.at
  %now.try = icmp sle i64 %left, 0
  br i1 %now.try, label %try, label %done
try:
  %other = select i1 %alone, i64 %threads, i64 1
  store i64 %other, ptr %team.at
  store i64 1, ptr %trial.at
  br label %done
compare:
  store i64 0, ptr %trial.at
  %usually = load i64, ptr %took.at
  %better = icmp slt i64 %took, %usually
  %patience = load i64, ptr %patience.at
  %twice = mul i64 %patience, 2
  %long = icmp sgt i64 %twice, {_MOST}
  %most = select i1 %long, i64 {_MOST}, i64 %twice
  %next = select i1 %better, i64 2, i64 %most
  %team = load i64, ptr %team.at
  %winner = select i1 %better, i64 %team, i64 %best
  store i64 %winner, ptr %best.at
  store i64 %winner, ptr %team.at
  store i64 %next, ptr %patience.at
  store i64 %next, ptr %count.at
  br label %done
done:
  ret void
}}
"""


def text() -> str:
    """The functions that such loops call, in a program that looks for signals too."""
    return _DECIDE


def stretch_of(step: LoopStep) -> int:
    """Rounds of a stretch, a power of two; 0 for a loop that all work on all the time."""
    steps = KernelStep | ProductStep | PhaseStep | CopyStep | CustomStep | LoopStep
    if not signals.USABLE or not all(isinstance(inner, steps) for inner in walk(step.body)):
        return 0
    rounds = signals.rounds_between(step.body) // _LOOKS
    if signals.microseconds(step.body) > _SHORT or rounds * _FEWEST > step.length:
        return 0
    return max(rounds, 1)


def write_loop(
    w: ControlWriter, step: LoopStep, stretch: int, rounds: Callable[[str, str], None]
) -> None:
    """The loop by stretches; ``rounds(start, stop)`` writes some of its rounds.

    Thread 0 meets the others only when it has worked with them or wants them back.
    """
    tag = w.fresh("team")
    n = step.length
    w.by_first(lambda: w.lines.append("call void @begin(ptr %arena, i64 %threads)"))
    w.meet()
    w.lines += [
        f"%{tag}.at = getelementptr i8, ptr %arena, i64 {_TEAM_AT}",
        f"%{tag}.told = getelementptr i8, ptr %arena, i64 {_TOLD_AT}",
        f"%{tag}.done = getelementptr i8, ptr %arena, i64 {_DONE_AT}",
        f"%{tag}.status = getelementptr i8, ptr %arena, i64 {STATUS_AT}",
        f"br label %{tag}.pre",
        f"{tag}.pre:",
        f"br label %{tag}",
        f"{tag}:",
        f"%{tag}.i = phi i64 [ 0, %{tag}.pre ], [ %{tag}.next, %{tag}.latch ]",
        f"%{tag}.now = load i64, ptr %{tag}.told",
        f"%{tag}.alone = icmp eq i64 %{tag}.now, 1",
        f"%{tag}.all = xor i1 %{tag}.alone, true",
        f"%{tag}.mine = or i1 %{tag}.all, %is.first",
        f"br i1 %{tag}.mine, label %{tag}.work, label %{tag}.rest",
        f"{tag}.work:",
        f"%{tag}.from = phi i64 [ %{tag}.i, %{tag} ], [ %{tag}.to, %{tag}.on ]",
        f"%{tag}.full = add nuw nsw i64 %{tag}.from, {stretch}",
        f"%{tag}.over = icmp ugt i64 %{tag}.full, {n}",
        f"%{tag}.to = select i1 %{tag}.over, i64 {n}, i64 %{tag}.full",
    ]
    w.team = f"%{tag}.now"
    rounds(f"%{tag}.from", f"%{tag}.to")
    w.team = "%threads"
    w.lines += _alone(tag, n)
    w.by_first(lambda: w.lines.append(f"store i64 %{tag}.to, ptr %{tag}.done"))
    w.lines += [f"br label %{tag}.rest", f"{tag}.rest:"]
    w.meet()
    w.lines += [
        f"%{tag}.next = load i64, ptr %{tag}.done",
        f"%{tag}.failed = load i64, ptr %{tag}.status",
        f"%{tag}.bad = icmp ne i64 %{tag}.failed, 0",
        f"br i1 %{tag}.bad, label %{tag}.leave, label %{tag}.well",
        f"{tag}.leave:",
        f"ret i64 %{tag}.failed",
        f"{tag}.well:",
        f"%{tag}.number = udiv i64 %{tag}.next, {stretch}",
    ]
    w.hear(f"%{tag}.number", _LOOKS - 1, tag)

    def decide() -> None:
        w.lines += [
            f"br i1 %{tag}.alone, label %{tag}.decided, label %{tag}.decide",
            f"{tag}.decide:",
            "call void @decide(ptr %arena, i64 %threads)",
            f"br label %{tag}.decided",
            f"{tag}.decided:",
            f"%{tag}.chosen = load i64, ptr %{tag}.at",
            f"store i64 %{tag}.chosen, ptr %{tag}.told",
        ]

    w.by_first(decide)
    w.meet()
    w.lines += [
        f"br label %{tag}.latch",
        f"{tag}.latch:",
        f"%{tag}.more = icmp ult i64 %{tag}.next, {n}",
        f"br i1 %{tag}.more, label %{tag}, label %{tag}.exit",
        f"{tag}.exit:",
    ]


def _alone(tag: str, n: int) -> list[str]:
    """After a stretch: if thread 0 works alone, go on with the next unless something happened."""
    return [
        f"br i1 %{tag}.alone, label %{tag}.single, label %{tag}.note",
        f"{tag}.single:",
        f"%{tag}.code = call i64 @poll(ptr %arena)",
        f"store i64 %{tag}.code, ptr %{tag}.status",
        "call void @decide(ptr %arena, i64 %threads)",
        f"%{tag}.then = load i64, ptr %{tag}.at",
        f"%{tag}.still = icmp eq i64 %{tag}.then, 1",
        f"%{tag}.fine = icmp eq i64 %{tag}.code, 0",
        f"%{tag}.left = icmp ult i64 %{tag}.to, {n}",
        f"%{tag}.both = and i1 %{tag}.still, %{tag}.fine",
        f"%{tag}.go = and i1 %{tag}.both, %{tag}.left",
        f"br i1 %{tag}.go, label %{tag}.on, label %{tag}.note",
        f"{tag}.on:",
        f"br label %{tag}.work",
        f"{tag}.note:",
    ]
