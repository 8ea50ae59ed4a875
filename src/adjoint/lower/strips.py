"""Loops whose rows never meet: each thread runs all rounds for rows of its own.

In a recurrent net every example of the batch goes through the steps by itself. A loop in which
each step computes row i of its results from row i of what the loop writes, and from things
the loop does not write, may be turned inside out: strips of rows outside, rounds inside. The
strips run at the same time and their threads wait for each other once, not in every round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import gcd, prod

from adjoint.lower.kernel import Kernel
from adjoint.lower.kernel_text import shared_steps
from adjoint.lower.layout import Buffer, Place
from adjoint.lower.module import emitted_shape
from adjoint.lower.steps import CopyStep, KernelStep, LoopStep, ProductStep, Step, nested, writes
from adjoint.lower.threads import price_of
from adjoint.lower.widths import fitting

_FEWEST = 4  # rows of a strip
_LEAST = 1.0  # microseconds of a round: shorter ones had better stay on one thread


@dataclass
class Change:
    """A list of steps that was changed, and how it and the kernels' loops were before."""

    body: list[Step]
    before: list[Step]
    kernels: list[tuple[Kernel, list[list[int]], int, int, dict[int, list[int]]]] = field(
        default_factory=list
    )

    def cut(self, steps: Sequence[Step], strips: int) -> None:
        """Let kernels run over strips of rows."""
        for step in steps:
            if isinstance(step, KernelStep):
                kernel = step.kernel
                form = kernel.groups, kernel.lanes, kernel.shared, kernel.cuts
                self.kernels.append((kernel, *form))
                _cut(kernel, strips)


def undo(changes: list[Change]) -> None:
    """Take back what was changed."""
    for change in reversed(changes):
        change.body[:] = change.before
        for kernel, groups, lanes, shared, cuts in change.kernels:
            kernel.groups, kernel.lanes = groups, lanes
            kernel.shared, kernel.cuts = shared, cuts


def split_loops(steps: list[Step], threads: int) -> list[Change]:
    """Turn loops inside out where that is possible.

    Args:
        steps: changed in place.
        threads: how many there may be.

    Returns:
        What was done, for ``undo``.
    """
    done: list[Change] = []
    pending = [steps]
    while pending:
        body = pending.pop()
        for at, step in enumerate(body):
            if isinstance(step, LoopStep) and not step.independent and _is_cut(step, threads):
                done.append(Change(body, list(body)))
                done[-1].cut(step.body, threads)
                counter = f"{step.counter}.strip"
                body[at] = LoopStep(counter, threads, False, [step], [], True, strips=True)
                continue
            pending.extend(nested(step))
    return done


@dataclass
class Rows:
    """What is known of some steps: how many rows, and how far apart they lie in buffers."""

    count: int
    written: set[Buffer]
    pitch: dict[Buffer, int] = field(default_factory=dict)  # bytes

    def aligned(self, place: Place) -> bool:
        """Whether a place's rows are rows of its buffer, the same ones at all its uses."""
        if not place.shape or place.shape[0] != self.count:
            return False
        pitch = place.strides[0]
        reach = sum((n - 1) * s for n, s in zip(place.shape[1:], place.strides[1:], strict=True))
        if pitch <= 0 or place.offset >= pitch or place.offset + reach >= pitch:
            return False
        if any(s < 0 for s in place.strides) or any(
            step % (pitch * self.count) for _, step in place.moving
        ):
            return False
        nbytes = pitch * place.dtype.itemsize
        return self.pitch.setdefault(place.buffer.root(), nbytes) == nbytes

    def is_written(self, place: Place) -> bool:
        """Whether the steps write to the place's buffer."""
        return place.buffer.root() in self.written

    def keeps(self, step: Step) -> bool:
        """Whether a step needs, of what is written here, only the row it is at."""
        if isinstance(step, CopyStep):
            return step.source.shape == step.target.shape and (
                not self.is_written(step.source) or self.aligned(step.source)
            )
        if isinstance(step, ProductStep):
            if self.is_written(step.b) or emitted_shape(step.a, step.b, step.c) is None:
                return False
            if step.edge and not (self.aligned(step.c) and self._kernel_keeps(step.edge)):
                return False
            return not self.is_written(step.a) or self.aligned(step.a)
        return isinstance(step, KernelStep) and self._kernel_keeps(step)

    def _kernel_keeps(self, step: KernelStep) -> bool:
        kernel = step.kernel
        if kernel.block or not kernel.groups or kernel.groups[0][0] != 0 or kernel.order[0] != 0:
            return False
        if kernel.prefix == 0 or kernel.space[0] != self.count:
            return False
        if any(self.is_written(step.places[x]) for x in kernel.other_rows):
            return False
        read = [step.places[x] for x, _ in kernel.reads]
        return all(self.aligned(place) for place in read if self.is_written(place))


def divides(rows: int, threads: int) -> bool:
    """Whether so many rows can be cut into strips."""
    return rows % threads == 0 and rows // threads >= _FEWEST


def _is_cut(loop: LoopStep, threads: int) -> bool:
    """Whether a loop can be cut into strips of rows."""
    if not loop.body or not all(
        isinstance(step, KernelStep | ProductStep | CopyStep) for step in loop.body
    ):
        return False
    if sum(price_of(step) for step in loop.body) < _LEAST:
        return False
    shapes = [place.shape for step in loop.body for place in writes(step)]
    if any(not shape for shape in shapes) or len({shape[0] for shape in shapes}) != 1:
        return False
    if not divides(shapes[0][0], threads):
        return False
    written = {place.buffer.root() for step in loop.body for place in writes(step)}
    rows = Rows(shapes[0][0], written)
    if not all(rows.aligned(place) for step in loop.body for place in writes(step)):
        return False
    return all(rows.keeps(step) for step in loop.body)


def strip_form(kernel: Kernel, strips: int) -> tuple[list[list[int]], int, float]:
    """Loops and lanes with which vectors along the rows end where a strip ends.

    Returns:
        The groups, the lanes, and how many vectors there are for one of the loops as they were.
    """
    kept = [group for group in kernel.groups if group[-1] < kernel.prefix]
    if kernel.across or len(kept) != 1:
        return kernel.groups, kernel.lanes, 1.0
    extent = prod(kernel.space[axis] for axis in kept[0])
    whole = min(kernel.lanes, fitting(extent))
    lanes = gcd(extent // strips, whole)
    rows = kernel.space[0]
    apart = rows * -(-extent // rows // whole)
    if len(kept[0]) > 1 and len(kernel.groups) == 1 and apart < extent // lanes:
        # Whole rows, the last vector of each not full, are done sooner.
        return [[0], kept[0][1:]], kernel.lanes, apart * whole / extent
    return kernel.groups, lanes, whole / lanes


def _cut(kernel: Kernel, strips: int) -> None:
    kernel.groups, kernel.lanes, _ = strip_form(kernel, strips)
    if len(kernel.space) == 1:
        kernel.cuts = {}  # what is left over at a cut would be done by every strip
    kernel.shared = shared_steps(kernel)
