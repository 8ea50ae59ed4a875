"""Control flow of programs: places, threads, loops and branches, as LLVM text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial

from adjoint.lower import signals, teams, threads
from adjoint.lower.layout import Place
from adjoint.lower.steps import (
    BranchStep,
    LoopStep,
    PythonStep,
    Step,
    StraightStep,
    WhileStep,
    reads,
    walk,
    writes,
)


class ControlWriter(ABC):
    """Writes loops and branches; the steps inside them are another class's matter.

    Args:
        several: whether the program is for several threads.
    """

    def __init__(self, several: bool) -> None:
        self.several = several
        self.traffic = threads.Traffic()
        self.team = "%threads"  # how many work on what is written now
        self.split = False  # inside a loop whose rounds are split among the threads
        self.strip: tuple[str, int] | None = None  # which strip of rows, and of how many
        self.lines: list[str] = []
        self.arguments: dict[int, str] = {}
        self.count = 0
        self.polls = False  # some loop asks for signals
        self.adapts = False  # some loop goes on without late threads

    @abstractmethod
    def write_step(self, step: Step) -> None:
        """Write one step."""

    def fresh(self, stem: str) -> str:
        """A name nobody has."""
        self.count += 1
        return f"{stem}{self.count}"

    # *** places ***

    def pointer(self, place: Place) -> str:
        """The address of element 0 of a place's buffer, moved to the current rows."""
        buffer = place.buffer.root()
        if buffer.kind == "argument":
            name = self.arguments.setdefault(buffer.slot, f"%arg{buffer.slot}")
        else:
            name = self.fresh("%m")
            self.lines.append(
                f"{name} = getelementptr inbounds i8, ptr %arena, i64 {buffer.offset}"
            )
        for counter, stride in place.moving:
            by, moved = self.fresh("%m"), self.fresh("%m")
            self.lines.append(f"{by} = mul i64 {counter}, {stride * place.dtype.itemsize}")
            self.lines.append(f"{moved} = getelementptr inbounds i8, ptr {name}, i64 {by}")
            name = moved
        return name

    def element(self, place: Place) -> str:
        """The address of the place's first element."""
        name = self.pointer(place)
        if place.offset == 0:
            return name
        moved = self.fresh("%m")
        self.lines.append(
            f"{moved} = getelementptr inbounds i8, ptr {name}, "
            f"i64 {place.offset * place.dtype.itemsize}"
        )
        return moved

    # *** steps ***

    def write(self, steps: list[Step]) -> None:
        """All steps, in order. Loops nest only as deep as the user's own."""
        for step in steps:
            alone = isinstance(step, LoopStep | WhileStep | BranchStep | PythonStep)
            alone = alone or (isinstance(step, StraightStep) and step.writer.polls)
            if not self.several or self.split:
                self.write_step(step)
            elif isinstance(step, LoopStep) and step.independent:
                inside = list(walk(step.body))
                self.meet_for(
                    [p for s in inside for p in reads(s)],
                    [p for s in inside for p in writes(s)],
                    threads.ALL,
                )
                self.strip = (step.counter, step.length) if step.strips else None
                self.loop(step, *self.part(step.length)[:2])
                self.strip = None
            elif alone:
                self.write_step(step)
            else:
                who = threads.ALL if threads.is_shared(step) else threads.FIRST
                self.meet_for(reads(step), writes(step), who)
                if who == threads.ALL:
                    self.write_step(step)
                else:
                    self.by_first(partial(self.write_step, step))

    # *** threads ***

    def meet(self) -> None:
        """Wait for all threads."""
        self.lines.append(f"call void @barrier(ptr %arena, i64 {self.team})")
        self.traffic.clear()

    def meet_if_busy(self) -> None:
        """Wait for all threads if there is anything to wait for."""
        if self.several and self.traffic.busy:
            self.meet()

    def meet_for(self, ins: list[Place], outs: list[Place], who: str) -> None:
        """Wait if a step's memory was touched by others, and note that it is touched now."""
        if self.traffic.clash(ins, outs, who):
            self.meet()
        self.traffic.note(ins, outs, who)

    def by_first(self, write: Callable[[], None]) -> None:
        """What only thread 0 does."""
        tag = self.fresh("first")
        self.lines += [f"br i1 %is.first, label %{tag}, label %{tag}.end", f"{tag}:"]
        write()
        self.lines += [f"br label %{tag}.end", f"{tag}.end:"]

    def part(self, count: int) -> tuple[str, str, str]:
        """Where this thread's part of ``count`` rounds begins and ends, and if it is the last."""
        if not self.several or self.split:
            return "0", str(count), "true"
        names = [self.fresh("%p") for _ in range(6)]
        a, b, next_, c, d, last = names
        self.lines += [
            f"{a} = mul i64 %thread, {count}",
            f"{b} = udiv i64 {a}, {self.team}",
            f"{next_} = add i64 %thread, 1",
            f"{c} = mul i64 {next_}, {count}",
            f"{d} = udiv i64 {c}, {self.team}",
            f"{last} = icmp eq i64 {next_}, {self.team}",
        ]
        return b, d, last

    def rows_part(self, count: int) -> tuple[str, str, str]:
        """As ``part``, for steps along the rows of a kernel: in a strip, those of its rows."""
        if self.strip is None:
            return self.part(count)
        counter, strips = self.strip
        first, after = self.fresh("%p"), self.fresh("%p")
        self.lines += [
            f"{first} = mul i64 {counter}, {count // strips}",
            f"{after} = add i64 {first}, {count // strips}",
        ]
        return first, after, "true"

    def loop(self, step: LoopStep, start: str = "0", stop: str = "") -> None:
        """A counted loop, or a part of one whose rounds are split among the threads."""
        whole = self.several and not self.split and not stop and self.team == "%threads"
        stretch = teams.stretch_of(step) if whole else 0
        if stretch:
            self.polls = self.adapts = True
            self.meet_if_busy()
            teams.write_loop(self, step, stretch, partial(self._rounds, step))
            return
        part, self.split = bool(stop), self.split or bool(stop)
        if not self.split:
            self.meet_if_busy()
        self._rounds(step, start, stop or str(step.length), self.team == "%threads")
        self.split = self.split and not part

    def _rounds(self, step: LoopStep, start: str, stop: str, hears: bool = False) -> None:
        """Some rounds of a counted loop, which may look for signals between them."""
        tag = self.fresh("loop")
        n = step.length
        index = [f"{step.counter} = sub nsw i64 {n - 1}, %{tag}.i"] if step.reverse else []
        counter = f"%{tag}.i" if step.reverse else step.counter
        self.lines += [
            f"br label %{tag}.pre",
            f"{tag}.pre:",
            f"%{tag}.any = icmp ult i64 {start}, {stop}",
            f"br i1 %{tag}.any, label %{tag}, label %{tag}.exit",
            f"{tag}:",
            f"{counter} = phi i64 [ {start}, %{tag}.pre ], [ %{tag}.next, %{tag}.latch ]",
            *index,
        ]
        self.write(step.body)
        if not self.split:
            self.meet_if_busy()
        if hears and signals.rounds_between(step.body) < n:
            self.hear(counter, signals.rounds_between(step.body) - 1, tag)
        self.lines += [
            f"br label %{tag}.latch",
            f"{tag}.latch:",
            f"%{tag}.next = add nuw nsw i64 {counter}, 1",
            f"%{tag}.more = icmp ult i64 %{tag}.next, {stop}",
            f"br i1 %{tag}.more, label %{tag}, label %{tag}.exit",
            f"{tag}.exit:",
        ]

    def repeat(self, step: WhileStep) -> None:
        """A loop with a test; a bad index also ends it, for its values mean nothing."""
        tag = self.fresh("while")
        self.meet_if_busy()
        self.lines += [
            f"br label %{tag}.pre",
            f"{tag}.pre:",
            f"br label %{tag}",
            f"{tag}:",
            f"%{tag}.i = phi i64 [ 0, %{tag}.pre ], [ %{tag}.next, %{tag}.latch ]",
        ]
        self.write(step.test)
        self.meet_if_busy()
        go = self._decision(step.flag)
        self.lines += [f"br i1 {go}, label %{tag}.body, label %{tag}.exit", f"{tag}.body:"]
        self.write(step.body)
        self.meet_if_busy()
        self.hear(f"%{tag}.i", signals.rounds_between(step.body) - 1, tag)
        self.lines += [
            f"br label %{tag}.latch",
            f"{tag}.latch:",
            f"%{tag}.next = add i64 %{tag}.i, 1",
            f"br label %{tag}",
            f"{tag}.exit:",
        ]

    def hear(self, counter: str, mask: int, tag: str) -> None:
        """After some rounds, let Python hear of signals; an exception ends the program."""
        if not signals.USABLE:
            return
        self.polls = True
        some, due = self.fresh("%s"), self.fresh("%s")
        ask, on = self.fresh("ask"), self.fresh("heard")
        self.lines += [
            f"{some} = and i64 {counter}, {mask}",
            f"{due} = icmp eq i64 {some}, {mask}",
            f"br i1 {due}, label %{ask}, label %{on}",
            f"{ask}:",
        ]
        if not (self.several and self.split):
            self.leave_unless_fine("call i64 @poll(ptr %arena)")
            self.lines += [f"br label %{on}", f"{on}:"]
            return
        # Threads with rounds of their own do not meet here: each leaves its loop when it sees
        # that the program has failed, and the program returns what stands there.
        bad = self.poll_and_note()
        self.lines += [f"br i1 {bad}, label %{tag}.exit, label %{on}", f"{on}:"]

    def poll_and_note(self) -> str:
        """Thread 0 asks Python and notes an exception; whether there is one, seen by each."""
        code, raised, bad = self.fresh("%s"), self.fresh("%s"), self.fresh("%s")
        note, end = self.fresh("note"), self.fresh("noted")

        def ask() -> None:
            self.lines += [
                f"{code} = call i64 @poll(ptr %arena)",
                f"{raised} = icmp ne i64 {code}, 0",
                f"br i1 {raised}, label %{note}, label %{end}",
                f"{note}:",
                f"store atomic i64 {code}, ptr %arena monotonic, align 8",
                f"br label %{end}",
                f"{end}:",
            ]

        if self.several:
            self.by_first(ask)
        else:
            ask()
        seen = self.fresh("%s")
        self.lines += [
            f"{seen} = load atomic i64, ptr %arena monotonic, align 8",
            f"{bad} = icmp ne i64 {seen}, 0",
        ]
        return bad

    def leave_unless_fine(self, call: str) -> None:
        """A call by thread 0 that may end the program: all return what is not 0."""
        code, bad = self._told_by_first(call), self.fresh("%s")
        leave, go = self.fresh("leave"), self.fresh("go")
        self.lines += [
            f"{bad} = icmp ne i64 {code}, 0",
            f"br i1 {bad}, label %{leave}, label %{go}",
            f"{leave}:",
            f"ret i64 {code}",
            f"{go}:",
        ]

    def _told_by_first(self, call: str) -> str:
        """What a call by thread 0 gave; all learn it before any of them goes on."""
        result = self.fresh("%r")
        if not self.several:
            self.lines.append(f"{result} = {call}")
            return result
        status, code = self.fresh("%r"), self.fresh("%r")
        self.lines.append(f"{status} = getelementptr i8, ptr %arena, i64 {threads.STATUS_AT}")
        self.meet()
        self.by_first(
            lambda: self.lines.extend([f"{code} = {call}", f"store i64 {code}, ptr {status}"])
        )
        self.meet()
        self.lines.append(f"{result} = load i64, ptr {status}")
        self.meet()
        return result

    def _decision(self, flag: Place) -> str:
        """Whether a loop goes on: one thread decides, for all must do the same."""
        go = self.fresh("%e")

        def decide() -> None:
            value = self._flag(flag)
            error, fine = self.fresh("%e"), self.fresh("%e")
            self.lines += [
                f"{error} = load i64, ptr %arena",
                f"{fine} = icmp eq i64 {error}, 0",
                f"{go} = and i1 {fine}, {value}",
            ]
            if self.several:
                self.lines.append(f"store i1 {go}, ptr {at}")

        if not self.several:
            decide()
            return go
        at, known = self.fresh("%e"), self.fresh("%e")
        self.lines.append(f"{at} = getelementptr i8, ptr %arena, i64 {threads.GO_AT}")
        self.by_first(decide)
        self.meet()
        self.lines.append(f"{known} = load i1, ptr {at}")
        self.meet()
        return known

    def branch(self, step: BranchStep) -> None:
        """One of two."""
        tag = self.fresh("if")
        self.meet_if_busy()
        flag = self._flag(step.flag)
        if self.several:
            self.meet()  # nobody may change the flag before all have read it
        self.lines += [f"br i1 {flag}, label %{tag}.true, label %{tag}.false", f"{tag}.true:"]
        self.write(step.on_true)
        self.meet_if_busy()
        self.lines += [f"br label %{tag}.exit", f"{tag}.false:"]
        self.write(step.on_false)
        self.meet_if_busy()
        self.lines += [f"br label %{tag}.exit", f"{tag}.exit:"]

    def _flag(self, place: Place) -> str:
        """Whether a number in memory is not zero."""
        bits = place.dtype.itemsize * 8
        value, flag = self.fresh("%f"), self.fresh("%f")
        pointer = self.element(place)
        if place.dtype.kind == "f":
            kind = {2: "half", 4: "float", 8: "double"}[place.dtype.itemsize]
            test = f"fcmp une {kind} {value}, 0.0"
        else:
            kind, test = f"i{bits}", f"icmp ne i{bits} {value}, 0"
        self.lines += [f"{value} = load {kind}, ptr {pointer}", f"{flag} = {test}"]
        return flag
