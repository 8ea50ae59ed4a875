"""What a program does, in order: kernels, calls, loops and branches, with their places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from adjoint.graph.graph import Node, Operand, Value
from adjoint.lower.convolution import Phase
from adjoint.lower.kernel import Kernel
from adjoint.lower.layout import Place


@dataclass(eq=False, slots=True)
class KernelStep:
    """Run a fused kernel."""

    kernel: Kernel
    inline: dict[Value, Node]
    places: dict[Operand, Place]


@dataclass(eq=False, slots=True)
class CustomStep:
    """A loop nest written by hand: scatter, running sums, orders."""

    node: Node
    ins: list[Place]
    outs: list[Place]
    write: Callable[..., None]

    @property
    def over_first(self) -> bool:
        """Whether the result may lie where the first operand lies."""
        return self.node.primitive.name == "scatter_set"


@dataclass(eq=False, slots=True)
class ProductStep:
    """``c = a @ b`` of two-axis places.

    With an edge, a map is computed for each tile of c as soon as it is finished; c itself is
    stored only if somebody else reads it.
    """

    a: Place
    b: Place
    c: Place
    edge: KernelStep | None = None
    stored: bool = True


@dataclass(eq=False, slots=True)
class PhaseStep:
    """A convolution: functions that follow each other, with memory of their own."""

    phases: list[Phase]
    ins: list[Place]
    out: Place
    scratch: Place  # for each thread a part
    shared: Place
    work: int  # multiplications


@dataclass(eq=False, slots=True)
class StraightStep:
    """Tiny arrays in registers: one function, its loops included."""

    writer: Any  # what has written it
    nodes: list[Node]
    ins: list[Place]
    outs: list[Place]
    late: list[Place]  # results that are written when all has been read


@dataclass(eq=False, slots=True)
class CopyStep:
    """Copy elements; both contiguous, of one dtype."""

    source: Place
    target: Place


@dataclass(eq=False, slots=True)
class PythonStep:
    """Run a node's NumPy reference in Python."""

    node: Node
    ins: list[Place]
    outs: list[Place]
    number: int


@dataclass(eq=False, slots=True)
class LoopStep:
    """Repeat; the counter is the name under which places move."""

    counter: str
    length: int
    reverse: bool
    body: list[Step]
    carry: list[Place] = field(default_factory=list)
    independent: bool = False  # its rounds may run at the same time
    strips: bool = False  # its rounds are strips of rows of the loop inside (lower/strips.py)


@dataclass(eq=False, slots=True)
class WhileStep:
    """Repeat ``body`` while ``test`` leaves true in ``flag``."""

    test: list[Step]
    flag: Place
    body: list[Step]
    carry: list[Place] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class BranchStep:
    """Run one of two lists of steps."""

    flag: Place
    on_true: list[Step]
    on_false: list[Step]


Step = (
    KernelStep
    | CustomStep
    | ProductStep
    | PhaseStep
    | StraightStep
    | CopyStep
    | PythonStep
    | LoopStep
    | WhileStep
    | BranchStep
)


def nested(step: Step) -> list[list[Step]]:
    """The lists of steps inside a step."""
    if isinstance(step, LoopStep):
        return [step.body]
    if isinstance(step, WhileStep):
        return [step.test, step.body]
    if isinstance(step, BranchStep):
        return [step.on_true, step.on_false]
    return []


def reads(step: Step) -> list[Place]:
    """Places a step itself reads (not the steps inside it)."""
    if isinstance(step, KernelStep):
        read = [step.places[operand] for operand, _ in step.kernel.reads]
        return read + list(step.kernel.partials.values())
    if isinstance(step, CustomStep | PythonStep | StraightStep):
        return step.ins
    if isinstance(step, ProductStep):
        return [step.a, step.b, *(_edge_reads(step) if step.edge else ())]
    if isinstance(step, PhaseStep):
        return [*step.ins, step.scratch, step.shared]
    if isinstance(step, CopyStep):
        return [step.source]
    if isinstance(step, LoopStep):
        return step.carry
    if isinstance(step, WhileStep):
        return [step.flag, *step.carry]
    return [step.flag]


def _edge_reads(step: ProductStep) -> list[Place]:
    assert step.edge is not None
    mine = step.c.buffer.root()
    return [p for p in reads(step.edge) if step.stored or p.buffer.root() is not mine]


def writes(step: Step) -> list[Place]:
    """Places a step itself writes."""
    if isinstance(step, KernelStep):
        return [*step.kernel.stores.values(), *step.kernel.partials.values()]
    if isinstance(step, CustomStep | PythonStep | StraightStep):
        return step.outs
    if isinstance(step, ProductStep):
        edge = step.edge.kernel.stores.values() if step.edge else ()
        return [*([step.c] if step.stored else ()), *edge]
    if isinstance(step, PhaseStep):
        return [step.out, step.scratch, step.shared]
    if isinstance(step, CopyStep):
        return [step.target]
    return []


def walk(steps: list[Step]) -> Iterator[Step]:
    """Every step, outer before inner, in order of execution."""
    pending: list[Any] = [iter(steps)]
    while pending:
        step = next(pending[-1], None)
        if step is None:
            pending.pop()
            continue
        yield step
        pending.extend(iter(inner) for inner in reversed(nested(step)))
