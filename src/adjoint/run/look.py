"""A compiled program as text, stage by stage, and what it costs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import prod
from pathlib import Path

from adjoint.graph.graph import Graph
from adjoint.graph.text import format_graph
from adjoint.lower import Lowered
from adjoint.lower.describe import show_memory, show_steps
from adjoint.lower.steps import (
    CopyStep,
    CustomStep,
    KernelStep,
    LoopStep,
    PhaseStep,
    ProductStep,
    PythonStep,
    Step,
    nested,
    reads,
    writes,
)
from adjoint.rewrite import stages
from adjoint.run import native


@dataclass(frozen=True)
class Cost:
    """What one call does.

    Args:
        flops: floating-point operations; a multiplication and an addition are two.
        bytes: read and written by all steps, each array once for each step.
        arena: bytes of memory besides arguments and results.
        launches: steps that run, loops counted.
    """

    flops: int
    bytes: int
    arena: int
    launches: int

    def __str__(self) -> str:
        return (
            f"{self.flops:,} flops, {self.bytes:,} bytes moved, "
            f"{self.arena:,} bytes of scratch memory, {self.launches:,} steps"
        )


def cost_of(lowered: Lowered) -> Cost:
    """Counted from the steps; the length of a while loop is not known and taken as 1."""
    flops = moved = launches = 0
    pending: list[tuple[Step, int]] = [(step, 1) for step in lowered.steps]
    while pending:
        step, times = pending.pop()
        inside = nested(step)
        if isinstance(step, LoopStep):
            times *= step.length
        pending.extend((inner, times) for part in inside for inner in part)
        if inside:
            continue
        launches += times
        places = {id(p): p for p in (*reads(step), *writes(step))}
        moved += times * sum(p.size * p.dtype.itemsize for p in places.values())
        if isinstance(step, ProductStep):
            flops += times * 2 * prod(step.c.shape) * step.a.shape[1]
        elif isinstance(step, PhaseStep):
            flops += times * 2 * step.work
        elif isinstance(step, KernelStep):
            flops += times * step.kernel.size * step.kernel.price
        elif isinstance(step, CustomStep | PythonStep | CopyStep):
            flops += times * sum(p.size for p in writes(step))
    return Cost(flops, moved, lowered.arena_bytes, launches)


def texts(graph: Graph, lowered: Lowered) -> dict[str, str]:
    """Every stage by name, in order: graphs after each pass, kernels, memory, LLVM, assembly."""
    found = {f"graph: {name}": format_graph(g, shorten=True) for name, g in stages(graph)}
    found["kernels"] = show_steps(lowered.steps)
    found["memory"] = show_memory(lowered.steps, lowered.arena_bytes)
    found["llvm"] = lowered.text
    module = native.optimise(lowered.text)
    found["llvm, after its passes"] = str(module)
    found["assembly"] = native.assembly(module)
    return found


def dump(graph: Graph, lowered: Lowered, key: str) -> None:
    """Write the stages to the folder that ``ADJOINT_DUMP`` names, if it is set."""
    where = os.environ.get("ADJOINT_DUMP", "")
    if not where:
        return
    folder = Path(where) / key[:16]
    folder.mkdir(parents=True, exist_ok=True)
    for i, (name, text) in enumerate(texts(graph, lowered).items()):
        plain = name.replace(": ", "-").replace(", ", "-").replace(" ", "-")
        (folder / f"{i:02}-{plain}.txt").write_text(text, encoding="utf-8")
    (folder / "cost.txt").write_text(f"{cost_of(lowered)}\n", encoding="utf-8")
