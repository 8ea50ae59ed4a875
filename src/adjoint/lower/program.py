"""A graph as an LLVM module, with all that a call of it needs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from adjoint.graph.graph import Graph, Literal
from adjoint.lower import blas, donate, linalg, memory, runs, strips, threads
from adjoint.lower.edges import join_edges
from adjoint.lower.entry import MOST_ARGUMENTS, entry_text
from adjoint.lower.kernel_text import LONG
from adjoint.lower.layout import Buffer, whole
from adjoint.lower.module import PROGRAM, ModuleWriter
from adjoint.lower.region import Lowering, vector_registers
from adjoint.lower.sites import Site
from adjoint.lower.steps import KernelStep, PythonStep, Step, walk


@dataclass(slots=True)
class Lowered:
    """A program before LLVM: its text, and all that a call needs."""

    text: str
    arena_bytes: int
    literals: list[Literal]
    python: list[PythonStep]
    sites: list[Site]
    steps: list[Step]
    routines: set[str] = field(default_factory=set)  # of SciPy, by name
    blas: bool = False  # whether some of them would take threads of their own
    threads: int = 1
    in_place: list[tuple[int, int]] = field(default_factory=list)  # (result, donated input)


def lower_graph(
    graph: Graph,
    features: frozenset[str],
    most_threads: int = 1,
    donated: Sequence[int] = (),
) -> Lowered:
    """A graph as an LLVM module.

    The table of pointers of a call holds the inputs, the outputs, the Python entry, and the
    constant arrays, in this order. Results may be written over donated inputs.
    """
    n_inputs, n_outputs = len(graph.inputs), len(graph.outputs)
    lowering = Lowering(features, n_inputs + n_outputs + 1, most_threads)
    inputs = []
    for slot, value in enumerate(graph.inputs):
        nbytes = value.type.size * value.type.dtype.itemsize
        buffer = Buffer("argument", nbytes, slot, writable=False)
        inputs.append(whole(buffer, value.type.shape, value.type.dtype))
    wants = []
    for slot, operand in enumerate(graph.outputs, n_inputs):
        nbytes = operand.type.size * operand.type.dtype.itemsize
        buffer = Buffer("argument", nbytes, slot)
        wants.append(whole(buffer, operand.type.shape, operand.type.dtype))
    steps, results = lowering.region(graph, inputs, wants)
    steps += lowering._deliver(results, wants)
    in_place = donate.share(steps, inputs, wants, donated)
    join_edges(steps, *vector_registers(features))
    split: list[strips.Change] = []
    if most_threads > 1:
        split = strips.split_loops(steps, most_threads) + runs.join_runs(steps, most_threads)
    several = most_threads > 1 and threads.saving(steps, most_threads) > threads.START
    if not several:
        strips.undo(split)
    memory.reuse_in_place(steps)
    size = memory.place_buffers(steps)
    if not several:
        for step in walk(steps):
            if isinstance(step, KernelStep) and threads.price_of(step) < LONG:
                step.kernel.shared = 0
    width = "512" if "avx512f" in features else "256"
    attributes = f'"prefer-vector-width"="{width}"'
    writer = ModuleWriter(features, attributes, n_inputs + n_outputs, several)
    text = writer.text(steps)
    if n_inputs + n_outputs <= MOST_ARGUMENTS:
        text += entry_text(
            "" if several else PROGRAM, graph.input_types, n_outputs, 1 + len(lowering.literals)
        )
    routines = {name for name in blas.GEMM.values() if f"@adjoint_{name}(" in text}
    gemm = bool(routines)
    routines |= set(re.findall(r'call \w+ @"((?:special|lapack)\.\w+)"', text))
    return Lowered(
        text,
        size,
        lowering.literals,
        lowering.python,
        writer.sites,
        steps,
        routines,
        gemm or any(map(linalg.may_share, walk(steps))),
        most_threads if several else 1,
        in_place,
    )
