"""Steps and the memory plan as text, for people."""

from __future__ import annotations

from adjoint.graph.graph import Graph, Literal, Node, Operand, Value
from adjoint.lower.kernel import Kernel
from adjoint.lower.layout import Place
from adjoint.lower.memory import lives
from adjoint.lower.steps import (
    BranchStep,
    CopyStep,
    CustomStep,
    KernelStep,
    LoopStep,
    PhaseStep,
    ProductStep,
    PythonStep,
    Step,
    StraightStep,
    WhileStep,
)


class _Names:
    """Short names for values, in order of appearance."""

    def __init__(self) -> None:
        self.known: dict[Operand, str] = {}

    def __call__(self, operand: Operand) -> str:
        if isinstance(operand, Literal) and operand.value.size == 1:
            return repr(operand.value.reshape(-1)[0].item())
        return self.known.setdefault(operand, f"v{len(self.known)}")


def show_place(place: Place) -> str:
    """Where a value lies: ``f32[10,30] arena+128``."""
    buffer = place.buffer.root()
    where = f"argument {buffer.slot}" if buffer.kind == "argument" else f"arena+{buffer.offset}"
    more = "" if place.is_contiguous else f" strides {place.strides}"
    if place.offset:
        more += f" from {place.offset}"
    for counter, stride in place.moving:
        more += f" + {stride} {counter}"
    return f"{_show_type(place)} {where}{more}"


def _show_type(place: Place) -> str:
    return f"{place.dtype}[{','.join(map(str, place.shape))}]"


def show_steps(steps: list[Step]) -> str:
    """Every step on a line of its own, what a kernel computes below it."""
    names = _Names()
    lines: list[str] = []
    pending: list[tuple[int, Step | str]] = [(0, step) for step in reversed(steps)]
    while pending:
        depth, step = pending.pop()
        pad = "  " * depth
        if isinstance(step, str):
            lines.append(pad + step)
        elif isinstance(step, KernelStep):
            lines += [pad + line for line in _kernel(step, names)]
        elif isinstance(step, ProductStep):
            lines += [pad + line for line in _product(step, names)]
        elif isinstance(step, PhaseStep):
            ins = "; ".join(map(show_place, step.ins))
            lines.append(f"{pad}convolution {step.phases[-1].symbol}: {ins}")
            lines.append(f"{pad}  -> {show_place(step.out)}")
        elif isinstance(step, CopyStep):
            lines.append(f"{pad}copy {show_place(step.source)} to {show_place(step.target)}")
        elif isinstance(step, StraightStep):
            lines += [pad + line for line in _straight(step)]
        elif isinstance(step, CustomStep | PythonStep):
            how = "loops" if isinstance(step, CustomStep) else "NumPy"
            ins = "; ".join(map(show_place, step.ins))
            outs = "; ".join(map(show_place, step.outs))
            lines.append(f"{pad}{step.node.primitive.name} by {how}: {ins} -> {outs}")
        else:
            parts: list[str | Step] = []
            if isinstance(step, LoopStep):
                way = "down" if step.reverse else "up"
                parts = [f"loop {step.counter} {way}, {step.length} times:", *step.body]
            elif isinstance(step, WhileStep):
                parts = ["while:", *step.test, "do:", *step.body]
            elif isinstance(step, BranchStep):
                parts = [f"if {show_place(step.flag)}:", *step.on_true, "else:", *step.on_false]
            pending.extend(
                (depth if isinstance(part, str) else depth + 1, part) for part in reversed(parts)
            )
    return "\n".join(lines)


def _straight(step: StraightStep) -> list[str]:
    """What is computed in registers, loops indented."""
    lines = [f"straight code: {'; '.join(map(show_place, step.ins))}"]
    pending: list[tuple[int, Node]] = [(1, node) for node in reversed(step.nodes)]
    while pending:
        depth, node = pending.pop()
        types = ", ".join(str(value.type) for value in node.outputs)
        lines.append(f"{'  ' * depth}{node.primitive.name}: {types}")
        inner = [a for a in node.attributes if isinstance(a, Graph)]
        pending += [(depth + 1, n) for graph in reversed(inner) for n in reversed(graph.nodes)]
    return [*lines, f"  -> {'; '.join(map(show_place, step.outs))}"]


def _product(step: ProductStep, names: _Names) -> list[str]:
    """A product, and what is computed of each tile of it."""
    c = show_place(step.c) if step.stored else f"{_show_type(step.c)} in tiles"
    lines = [f"product {c}", f"  = {show_place(step.a)} @ {show_place(step.b)}"]
    if step.edge:
        lines += ["  then, tile by tile:", *[f"  {line}" for line in _values(step.edge, names)]]
    return lines


def _kernel(step: KernelStep, names: _Names) -> list[str]:
    kernel = step.kernel
    return [f"kernel over {list(kernel.space)}, {_loops(kernel)}", *_values(step, names)]


def _values(step: KernelStep, names: _Names) -> list[str]:
    """What a kernel computes."""
    kernel, lines = step.kernel, []
    for stage in kernel.stages:
        for node in stage.nodes:
            place = kernel.stores.get(node.output)
            where = f"  [{show_place(place)}]" if place else ""
            text = _expression(node.output, step, names, {n.output for n in stage.nodes})
            lines.append(f"  {names(node.output)} = {text}{where}")
    return lines


def _loops(kernel: Kernel) -> str:
    along = "reduced" if kernel.across else "kept"
    return f"prefix {kernel.prefix}, loops {kernel.groups}, {kernel.lanes} lanes along {along} axes"


def _expression(value: Value, step: KernelStep, names: _Names, mine: set[Value]) -> str:
    """The computation of one value, with what is computed in place written out."""
    node = next(n for n in step.kernel.nodes if n.output is value)

    def show(operand: Operand) -> str:
        inner = step.inline.get(operand) if isinstance(operand, Value) else None
        if inner is None or operand in mine:
            return names(operand)
        return f"{inner.primitive.name}({', '.join(map(show, inner.operands))})"

    return f"{node.primitive.name}({', '.join(map(show, node.operands))})"


def show_memory(steps: list[Step], size: int) -> str:
    """Every buffer of the arena with its life."""
    lines = [f"arena of {size} bytes"]
    for buffer, life in sorted(lives(steps).items(), key=lambda item: item[0].offset):
        lines.append(
            f"  {buffer.offset:>10} .. {buffer.offset + buffer.nbytes:<10} "
            f"steps {life.first} to {life.last}"
        )
    return "\n".join(lines)
