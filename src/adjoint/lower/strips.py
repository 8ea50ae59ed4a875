"""Loops whose rows never meet: each thread runs all rounds for rows of its own.

In a recurrent net every example of the batch goes through the steps by itself. A loop in which
each step computes row i of its results from row i of what the loop writes, and from things
the loop does not write, may be turned inside out: strips of rows outside, rounds inside. The
strips run at the same time and their threads wait for each other once, not in every round.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import gcd

from adjoint.lower.kernel import Kernel
from adjoint.lower.kernel_text import shared_steps
from adjoint.lower.layout import Buffer, Place
from adjoint.lower.module import emitted_shape
from adjoint.lower.steps import CopyStep, KernelStep, LoopStep, ProductStep, Step, nested, writes
from adjoint.lower.threads import price_of

_FEWEST = 4  # rows of a strip
_LEAST = 1.0  # microseconds of a round: shorter ones had better stay on one thread


def split_loops(steps: list[Step], threads: int) -> list[tuple[list[Step], int]]:
    """Turn loops inside out where that is possible.

    Args:
        steps: changed in place.
        threads: how many there may be.

    Returns:
        Where it was done: a list of steps and a position, for ``undo``.
    """
    done: list[tuple[list[Step], int]] = []
    pending = [steps]
    while pending:
        body = pending.pop()
        for at, step in enumerate(body):
            if isinstance(step, LoopStep) and not step.independent:
                count = _strips(step, threads)
                if count:
                    counter = f"{step.counter}.strip"
                    body[at] = LoopStep(counter, count, False, [step], [], True, strips=True)
                    done.append((body, at))
                    continue
            pending.extend(nested(step))
    return done


def undo(done: list[tuple[list[Step], int]]) -> None:
    """Take back what ``split_loops`` did."""
    for body, at in done:
        step = body[at]
        assert isinstance(step, LoopStep)
        body[at] = step.body[0]


@dataclass
class _Rows:
    """What is known of a loop: how many rows, and how far apart they lie in its buffers."""

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
        """Whether the loop writes to the place's buffer."""
        return place.buffer.root() in self.written


def _strips(loop: LoopStep, threads: int) -> int:
    """Into how many strips of rows a loop can be cut; 0 if it cannot."""
    if not loop.body or not all(
        isinstance(step, KernelStep | ProductStep | CopyStep) for step in loop.body
    ):
        return 0
    if sum(price_of(step) for step in loop.body) < _LEAST:
        return 0
    shapes = [place.shape for step in loop.body for place in writes(step)]
    if any(not shape for shape in shapes) or len({shape[0] for shape in shapes}) != 1:
        return 0
    rows = shapes[0][0]
    if rows % threads or rows // threads < _FEWEST:
        return 0
    written = {place.buffer.root() for step in loop.body for place in writes(step)}
    about = _Rows(rows, written)
    if not all(about.aligned(place) for step in loop.body for place in writes(step)):
        return 0
    if not all(_keeps_rows(step, about) for step in loop.body):
        return 0
    for step in loop.body:
        if isinstance(step, KernelStep):
            step.kernel.lanes = _lanes(step.kernel, threads)
            step.kernel.shared = shared_steps(step.kernel)
    return threads


def _keeps_rows(step: Step, rows: _Rows) -> bool:
    """Whether a step needs, of what the loop writes, only the row it is at."""
    if isinstance(step, CopyStep):
        return step.source.shape == step.target.shape and (
            not rows.is_written(step.source) or rows.aligned(step.source)
        )
    if isinstance(step, ProductStep):
        if rows.is_written(step.b) or emitted_shape(step.a, step.b, step.c) is None:
            return False
        return not rows.is_written(step.a) or rows.aligned(step.a)
    assert isinstance(step, KernelStep)
    return _kernel_keeps_rows(step, rows)


def _kernel_keeps_rows(step: KernelStep, rows: _Rows) -> bool:
    kernel = step.kernel
    if kernel.block or not kernel.groups or kernel.groups[0][0] != 0 or kernel.order[0] != 0:
        return False
    if kernel.prefix == 0 or kernel.space[0] != rows.count:
        return False
    if any(rows.is_written(step.places[x]) for x in kernel.other_rows):
        return False
    read = [step.places[x] for x, _ in kernel.reads]
    return all(rows.aligned(place) for place in read if rows.is_written(place))


def _lanes(kernel: Kernel, strips: int) -> int:
    """Lanes of a kernel's vectors; fewer if vectors along the rows would cross into a strip."""
    if kernel.across or len(kernel.groups) > 1:
        return kernel.lanes
    return gcd(kernel.size // strips, kernel.lanes)
