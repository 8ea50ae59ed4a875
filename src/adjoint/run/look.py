"""A compiled program as text, stage by stage, and what it costs."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

from adjoint.graph.graph import Graph, Node, Operand, Value
from adjoint.graph.text import format_graph
from adjoint.lower import Lowered
from adjoint.lower.describe import show_memory, show_steps
from adjoint.lower.maps import PRICE
from adjoint.lower.reduce import is_reduction
from adjoint.lower.steps import (
    CustomStep,
    KernelStep,
    LoopStep,
    PhaseStep,
    ProductStep,
    PythonStep,
    Step,
    StraightStep,
    WhileStep,
    nested,
    reads,
    writes,
)
from adjoint.rewrite import stages
from adjoint.run import native
from adjoint.run.floor import machine_floor


@dataclass(frozen=True)
class Cost:
    """What one call does.

    Args:
        flops: floating-point operations by dtype: a multiplication and an addition are two, a
            transcendental function counts as the additions it takes about as long as.
        bytes: read and written by all steps, each array once for each step.
        least_bytes: of the arguments, constants and results alone.
        arena: bytes of memory besides arguments and results.
        launches: steps that run, loops counted.
        python: how often a call leaves machine code for Python, by primitive.
        open_loops: while loops, whose rounds are not known and are counted once.
    """

    by_dtype: dict[str, int]
    bytes: int
    least_bytes: int
    arena: int
    launches: int
    python: dict[str, int] = field(default_factory=dict)
    open_loops: int = 0

    @property
    def flops(self) -> int:
        """Operations of all dtypes."""
        return sum(self.by_dtype.values())

    @property
    def floor(self) -> float:
        """The least seconds for this work on this machine, with all its cores.

        The slower of arithmetic at the speed of a large matrix product, and arguments and
        results at the speed of far memory. Both speeds are measured once in this process.
        """
        peaks = machine_floor()
        double = self.by_dtype.get("float64", 0)
        seconds = double / peaks.gemm_float64 + (self.flops - double) / peaks.gemm_float32
        return max(seconds, self.least_bytes / peaks.bandwidth) * 1e-9

    def text(self) -> str:
        """What was counted, in one line for each kind."""
        lines = [
            f"{self.flops:,} flops",
            f"{self.bytes:,} bytes moved, {self.least_bytes:,} of arguments and results",
            f"{self.arena:,} bytes of scratch memory",
            f"{self.launches:,} steps",
        ]
        if self.open_loops:
            lines.append(f"{self.open_loops} while loops, taken as one round each")
        if self.python:
            calls = ", ".join(f"{name} x{count:,}" for name, count in self.python.items())
            lines.append(f"run by NumPy, called from machine code: {calls}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return f"{self.text()}\nfloor on this machine {self.floor * 1e6:.3g} us"


def cost_of(graph: Graph, lowered: Lowered) -> Cost:
    """Counted from the steps; the length of a while loop is not known and taken as 1."""
    flops: Counter[str] = Counter()
    python: Counter[str] = Counter()
    moved = launches = open_loops = 0
    pending: list[tuple[Step, int]] = [(step, 1) for step in lowered.steps]
    while pending:
        step, times = pending.pop()
        inside = nested(step)
        open_loops += isinstance(step, WhileStep)
        if isinstance(step, StraightStep):
            counted, loops = _straight_flops(step)
            open_loops += loops
            flops.update({name: times * count for name, count in counted.items()})
        if isinstance(step, LoopStep):
            times *= step.length
        pending.extend((inner, times) for part in inside for inner in part)
        if inside:
            continue
        launches += times
        places = {id(p): p for p in (*reads(step), *writes(step))}
        moved += times * sum(p.size * p.dtype.itemsize for p in places.values())
        for dtype, count in _flops(step).items():
            flops[dtype] += times * count
        if isinstance(step, PythonStep):
            python[step.node.primitive.name] += times
    types = [*graph.input_types, *graph.output_types, *[x.type for x in lowered.literals]]
    least = sum(t.size * t.dtype.itemsize for t in types)
    by_dtype = {name: count for name, count in flops.items() if count}
    return Cost(by_dtype, moved, least, lowered.arena_bytes, launches, dict(python), open_loops)


def _flops(step: Step) -> dict[str, int]:
    """Operations of one run of a step, by dtype."""
    if isinstance(step, ProductStep):
        times = 8 if step.c.dtype.kind == "c" else 2
        found = Counter({_real(step.c.dtype): times * prod(step.c.shape) * step.a.shape[1]})
        return found + Counter(_kernel_flops(step.edge) if step.edge else {})
    if isinstance(step, PhaseStep):
        return {_real(step.out.dtype): 2 * step.work}
    if isinstance(step, KernelStep):
        return _kernel_flops(step)
    if isinstance(step, CustomStep | PythonStep):
        return {_real(p.dtype): p.size for p in writes(step) if p.dtype.kind in "fc"}
    return {}


def _straight_flops(step: StraightStep) -> tuple[Counter[str], int]:
    """The same for straight code with the loops inside, and how many while loops these are."""
    found: Counter[str] = Counter()
    loops = 0
    pending = [(node, 1) for node in step.nodes]
    while pending:
        node, times = pending.pop()
        name, out = node.primitive.name, node.output.type
        loops += name == "while_loop"
        inside = times * (node.settings["length"] if name == "scan" else 1)
        graphs = [a for a in node.attributes if isinstance(a, Graph)]
        pending += [(inner, inside) for graph in graphs for inner in graph.nodes]
        if graphs or out.dtype.kind != "f":
            continue
        if name == "matmul":
            count = 2 * out.size * node.operands[0].type.shape[-1]
        elif is_reduction(node):
            count = node.operands[0].type.size
        else:
            count = out.size * PRICE.get(name, 0)
        found[_real(out.dtype)] += times * count
    return found, loops


def _real(dtype: Any) -> str:
    """The dtype of the numbers that are added: a complex one is two."""
    size = dtype.itemsize // 2 if dtype.kind == "c" else dtype.itemsize
    return "float64" if size >= 8 else "float32"


def _kernel_flops(step: KernelStep) -> dict[str, int]:
    """Every node of a kernel once, and what is computed in place for it."""
    found: Counter[str] = Counter()
    seen: set[Node] = set()
    pending = list(step.kernel.nodes)
    while pending:
        node = pending.pop()
        if node in seen:
            continue
        seen.add(node)
        operands: list[Operand] = list(node.operands)
        pending.extend(
            step.inline[x] for x in operands if isinstance(x, Value) and x in step.inline
        )
        types = [node.output.type, operands[0].type] if operands else [node.output.type]
        if not any(t.dtype.kind in "fc" for t in types):
            continue
        dtype = next(t.dtype for t in types if t.dtype.kind in "fc")
        if is_reduction(node):
            found[_real(dtype)] += operands[0].type.size
        else:
            found[_real(dtype)] += node.output.type.size * PRICE.get(node.primitive.name, 0)
    return found


class Look:
    """A program seen from inside; every part is text, worked out when it is asked for.

    ``str(look)`` is the kernels, the memory plan and the cost; ``look.text()`` is everything.
    """

    def __init__(self, graph: Graph, lowered: Lowered) -> None:
        self.graph = graph
        self.lowered = lowered

    @cached_property
    def graphs(self) -> dict[str, str]:
        """The graph as recorded, and after each pass that changed it, by the pass's name."""
        return {name: format_graph(g, shorten=True) for name, g in stages(self.graph)}

    @cached_property
    def kernels(self) -> str:
        """What is run in which order: fused loops, products, calls, loops and branches."""
        return show_steps(self.lowered.steps)

    @cached_property
    def memory(self) -> str:
        """The arena: where each buffer lies, and from which step to which it lives."""
        return show_memory(self.lowered.steps, self.lowered.arena_bytes)

    @property
    def llvm(self) -> str:
        """The program in LLVM's language, as it was written."""
        return self.lowered.text

    @cached_property
    def _module(self) -> Any:
        return native.optimise(self.lowered.text)

    @cached_property
    def optimised(self) -> str:
        """The program in LLVM's language, after LLVM's passes."""
        return str(self._module)

    @cached_property
    def assembly(self) -> str:
        """The machine code for this processor."""
        return native.assembly(self._module)

    @cached_property
    def cost(self) -> Cost:
        """Operations, bytes and memory of one call."""
        return cost_of(self.graph, self.lowered)

    @property
    def python(self) -> tuple[str, ...]:
        """Primitives without machine code here: their NumPy reference is called back."""
        return tuple(dict.fromkeys(step.node.primitive.name for step in self.lowered.python))

    def stages(self) -> dict[str, str]:
        """All the texts by name, in the order in which they are made."""
        return {
            **{f"graph: {name}": text for name, text in self.graphs.items()},
            "kernels": self.kernels,
            "memory": self.memory,
            "llvm": self.llvm,
            "llvm, after its passes": self.optimised,
            "assembly": self.assembly,
            "cost": self.cost.text(),
        }

    def text(self) -> str:
        """All stages, one below the other."""
        return "\n\n".join(f"*** {name} ***\n{text}" for name, text in self.stages().items())

    def __str__(self) -> str:
        return f"{self.kernels}\n\n{self.memory}\n\n{self.cost.text()}"


def dump(graph: Graph, lowered: Lowered, key: str) -> None:
    """Write the stages to the folder that ``ADJOINT_DUMP`` names, if it is set."""
    where = os.environ.get("ADJOINT_DUMP", "")
    if not where:
        return
    folder = Path(where) / key[:16]
    folder.mkdir(parents=True, exist_ok=True)
    for i, (name, text) in enumerate(Look(graph, lowered).stages().items()):
        plain = name.replace(": ", "-").replace(", ", "-").replace(" ", "-")
        (folder / f"{i:02}-{plain}.txt").write_text(f"{text}\n", encoding="utf-8")
