"""From a graph to steps with places: every value gets its storage, every node its step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from adjoint.graph.graph import Graph, Literal, Node, Operand, Value
from adjoint.graph.primitive import primitives
from adjoint.lower import blas, custom, linalg, straight
from adjoint.lower.convolution import ConvolutionShape, Phase
from adjoint.lower.convolution_forward import forward, input_gradient
from adjoint.lower.convolution_weight import weight_gradient
from adjoint.lower.emit import reg_type
from adjoint.lower.expr import FaultError, uniform_value
from adjoint.lower.kernel import Kernel, Stage
from adjoint.lower.kernel_text import plan_sharing, probe_kernel
from adjoint.lower.layout import Buffer, Place, arena, whole
from adjoint.lower.schedule import Scheduler, view_of
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
    reads,
    walk,
    writes,
)

Places = dict[Operand, Place]
_BYTE = np.dtype(np.uint8)
_CONVOLUTIONS: dict[str, Callable[..., list[Phase]]] = {
    "convolution": forward,
    "convolution_input": input_gradient,
    "convolution_weight": weight_gradient,
}


def vector_registers(features: frozenset[str]) -> tuple[int, int]:
    """Bytes of a vector register, and how many of them there are."""
    if "avx512f" in features:
        return 64, 32
    return (32, 16) if "avx2" in features else (16, 32)


class Lowering:
    """What all regions of one program share."""

    def __init__(self, features: frozenset[str], first_literal: int, threads: int) -> None:
        self.features = features
        self.threads = threads
        self.literals: list[Literal] = []
        self.first_literal = first_literal
        self.python: list[PythonStep] = []
        self.factors: linalg.Factors = {}  # of matrices of the graph that is being lowered
        self._literal_places: dict[Any, Place] = {}
        self._phases: dict[Any, list[Phase]] = {}
        self._counters = 0

    def literal(self, literal: Literal) -> Place:
        """Where a constant array lies: it is handed in at every call."""
        found = self._literal_places.get(literal.key)
        if found is None:
            slot = self.first_literal + len(self.literals)
            self.literals.append(literal)
            buffer = Buffer("argument", literal.value.nbytes, slot, writable=False)
            found = whole(buffer, literal.type.shape, literal.type.dtype)
            self._literal_places[literal.key] = found
        return found

    def counter(self) -> str:
        """A fresh name for a loop counter."""
        self._counters += 1
        return f"%t{self._counters}"

    # *** a graph ***

    def region(
        self, graph: Graph, inputs: Sequence[Place], wants: Sequence[Place | None]
    ) -> tuple[list[Step], list[Place]]:
        """Steps for a graph.

        Args:
            graph: what to compute.
            inputs: where its inputs lie.
            wants: where results should be written if they are made here; such a place must
                not be read by the graph.

        Returns:
            The steps, and where each result lies.
        """
        done = straight.region(self, graph, inputs, wants)
        if done is not None:
            return done
        opaque: frozenset[Node] = frozenset()
        around = self.factors
        while True:
            self.factors = {}
            try:
                return self._try(graph, inputs, wants, opaque)
            except FaultError as fault:
                opaque |= {fault.node}
            finally:
                self.factors = around

    def _try(
        self,
        graph: Graph,
        inputs: Sequence[Place],
        wants: Sequence[Place | None],
        opaque: frozenset[Node],
    ) -> tuple[list[Step], list[Place]]:
        env: Places = dict(zip(graph.inputs, inputs, strict=True))
        plan = Scheduler(graph, env, opaque).run()
        wanted: dict[Value, Place] = {}
        for operand, want in zip(graph.outputs, wants, strict=True):
            if want is None or not isinstance(operand, Value) or operand in env:
                continue
            made: Operand = operand
            place: Place | None = want
            while isinstance(made, Value) and (node := plan.views.get(made)) is not None:
                # It is made in another shape, which only a contiguous place can take.
                (made,) = node.operands
                contiguous = node.primitive.name == "reshape" and want.is_contiguous
                place = place.reshaped(made.type.shape) if place and contiguous else None
            if place is not None and isinstance(made, Value) and made not in env:
                wanted.setdefault(made, place)
        steps: list[Step] = []

        def home(value: Value) -> Place:
            place = wanted.get(value)
            if place is None or place.shape != value.type.shape:
                place = arena(value.type.shape, value.type.dtype)
            env[value] = place
            return place

        def place_of(operand: Operand) -> Place:
            found = env.get(operand)
            if found is None:
                if isinstance(operand, Literal):
                    found = self.literal(operand)
                else:
                    node = plan.views[operand]
                    view = view_of(node, place_of(node.operands[0]))
                    assert view is not None
                    found = view
                env[operand] = found
            return found

        for item in plan.items:
            if isinstance(item, Kernel):
                for node in item.nodes:
                    if node.output in plan.stored:
                        item.stores[node.output] = home(node.output)
                self._kernel(item, plan.inline, env, place_of, steps)
            else:
                ins = [place_of(x) for x in item.operands]
                steps += self._call(item, ins, [home(v) for v in item.outputs])
        results = [place_of(operand) for operand in graph.outputs]
        return steps, results

    def _kernel(
        self,
        kernel: Kernel,
        inline: dict[Value, Node],
        env: Places,
        place_of: Callable[[Operand], Place],
        steps: list[Step],
    ) -> None:
        """A kernel step; places of everything its expressions may touch are made known."""
        pending: list[Operand] = [x for node in kernel.nodes for x in node.operands]
        seen: set[Operand] = set()
        here: dict[Value, Node] = {}  # of those computed in place, the few that are this kernel's
        mine = {node.output for node in kernel.nodes}
        while pending:
            operand = pending.pop()
            if operand in seen or (isinstance(operand, Value) and operand in mine):
                continue
            seen.add(operand)
            if isinstance(operand, Value) and operand in inline:
                here[operand] = inline[operand]
                pending.extend(inline[operand].operands)
            elif operand not in env and (
                not isinstance(operand, Literal) or uniform_value(operand) is None
            ):
                place_of(operand)
        step = KernelStep(kernel, here, env)
        probe_kernel(kernel, here, env, self.features)
        if kernel.stores:
            plan_sharing(kernel, self.threads)
            steps.append(step)

    # *** calls ***

    def _call(self, node: Node, ins: list[Place], outs: list[Place]) -> list[Step]:
        name = node.primitive.name
        special = {
            "scan": self._scan,
            "while_loop": self._while,
            "cond": self._cond,
            "call": self._inline_call,
            "matmul": self._matmul,
            "convolution": self._convolution,
            "convolution_input": self._convolution,
            "convolution_weight": self._convolution,
        }.get(name)
        if special is not None:
            done = straight.node(self, node, ins, outs) or special(node, ins, outs)
            if done is not None:
                return done
        solved = linalg.steps(self, node, ins, outs)
        if solved is not None:
            return solved
        write = custom.writer_for(node)
        if write is not None:
            return [CustomStep(node, ins, [*outs, *custom.scratch(node)], write)]
        return [self._python(node, ins, outs)]

    def _python(self, node: Node, ins: list[Place], outs: list[Place]) -> PythonStep:
        step = PythonStep(node, ins, outs, len(self.python))
        self.python.append(step)
        return step

    def copy(self, source: Place, target: Place) -> list[Step]:
        """Steps that copy between places of one dtype and shape."""
        if source.size == 0:
            return []
        if source.is_contiguous and target.is_contiguous:
            return [CopyStep(source, target)]
        if reg_type(source.dtype) is None:
            if source.dtype.kind == "c" and source.dtype.itemsize in (8, 16):
                return self.copy(_parts(source), _parts(target))
            raise NotImplementedError(f"a strided copy of {source.dtype}")
        before, after = Value(_type(source)), Value(_type(target))
        node = Node(primitives["stop_gradient"], (before,), (), (after,))
        axes = tuple(range(len(source.shape)))
        kernel = Kernel(source.shape, len(source.shape), axes, [Stage(False, [node])])
        kernel.stores[after] = target
        places: Places = {before: source, after: target}
        probe_kernel(kernel, {}, places, self.features)
        return [KernelStep(kernel, {}, places)]

    def _contiguous(self, place: Place, steps: list[Step]) -> Place:
        if place.is_contiguous:
            return place
        fresh = arena(place.shape, place.dtype)
        steps += self.copy(place, fresh)
        return fresh

    # *** products ***

    def _matmul(self, node: Node, ins: list[Place], outs: list[Place]) -> list[Step] | None:
        a, b = ins
        (c,) = outs
        if blas.routine(c.dtype) is None:
            return None
        if c.size == 0:
            return []
        if a.shape[-1] == 0:
            return self._zeros(c)
        if len(a.shape) == 1:
            a = _with_axis(a, 0)
            c = _with_axis(c, len(c.shape) - (len(b.shape) > 1))
        if len(b.shape) == 1:
            b = _with_axis(b, 1)
            c = _with_axis(c, len(c.shape))
        steps: list[Step] = []
        if not c.is_contiguous:
            fresh = arena(c.shape, c.dtype)
            return [*self._products(a, b, fresh, steps), *self.copy(fresh, c)]
        return self._products(a, b, c, steps)

    def _products(self, a: Place, b: Place, c: Place, steps: list[Step]) -> list[Step]:
        if blas.layout_of(a) is None:
            a = self._contiguous(a, steps)
        if blas.layout_of(b) is None:
            b = self._contiguous(b, steps)
        loops: list[tuple[str, int]] = []
        while len(c.shape) > 2:
            counter = self.counter()
            loops.append((counter, c.shape[0]))
            a, b, c = a.row(counter), b.row(counter), c.row(counter)
        inner: list[Step] = [ProductStep(a, b, c)]
        for counter, length in reversed(loops):
            inner = [LoopStep(counter, length, False, inner, independent=True)]
        return steps + inner

    def _zeros(self, place: Place) -> list[Step]:
        zero = self.literal(Literal(np.zeros(place.shape, place.dtype)))
        return self.copy(zero, place)

    def _convolution(self, node: Node, ins: list[Place], outs: list[Place]) -> list[Step] | None:
        (out,) = outs
        if out.dtype.kind != "f" or out.dtype.itemsize not in (4, 8):
            return None
        name, settings = node.primitive.name, node.settings
        x = tuple(settings["shape"]) if name == "convolution_input" else ins[0].shape
        w = tuple(settings["shape"]) if name == "convolution_weight" else ins[1].shape
        shape = ConvolutionShape(
            x[0], x[1], w[0], x[2:], w[2:], tuple(settings["stride"]),
            tuple(settings["padding"]), tuple(settings["dilation"]), settings["groups"],
            str(out.dtype),
        )  # fmt: skip
        phases = self._phases.get((name, shape))
        if phases is None:
            phases = _CONVOLUTIONS[name](
                f"@convolution{len(self._phases)}", shape, *vector_registers(self.features)
            )
            self._phases[name, shape] = phases
        steps: list[Step] = []
        ins = [self._contiguous(place, steps) for place in ins]
        target = out if out.is_contiguous else arena(out.shape, out.dtype)
        scratch = -(-max(p.scratch for p in phases) // 64) * 64
        step = PhaseStep(
            phases,
            ins,
            target,
            arena((scratch * self.threads,), _BYTE),
            arena((max(p.shared for p in phases),), _BYTE),
            prod(w) * x[0] * prod(shape.positions),
        )
        return [*steps, step, *([] if target is out else self.copy(target, out))]

    # *** control ***

    def _inline_call(self, node: Node, ins: list[Place], outs: list[Place]) -> list[Step]:
        steps, results = self.region(node.settings["graph"], ins, outs)
        return steps + self._deliver(results, outs)

    def _deliver(self, results: Sequence[Place], outs: Sequence[Place]) -> list[Step]:
        """Copies of results that were not written where they are wanted."""
        steps: list[Step] = []
        for result, out in zip(results, outs, strict=True):
            if result is not out:
                steps += self.copy(result, out)
        return steps

    def _scan(self, node: Node, ins: list[Place], outs: list[Place]) -> list[Step]:
        settings = node.settings
        graph: Graph = settings["graph"]
        n_constants, n_carry = settings["n_constants"], settings["n_carry"]
        counter = self.counter()
        carry = outs[:n_carry]
        first = ins[n_constants : n_constants + n_carry]
        steps = self._deliver(first, carry)
        if settings["length"] == 0:
            return steps
        rows = [place.row(counter) for place in ins[n_constants + n_carry :]]
        stacked = [place.row(counter) for place in outs[n_carry:]]
        wants = [*[None] * n_carry, *stacked]
        body, results = self.region(graph, [*ins[:n_constants], *carry, *rows], wants)
        body += self._deliver(results[n_carry:], stacked)
        body += self._carry_over(body, results[:n_carry], carry)
        steps.append(LoopStep(counter, settings["length"], settings["reverse"], body, carry))
        return steps

    def _carry_over(
        self, body: list[Step], results: Sequence[Place], carry: Sequence[Place]
    ) -> list[Step]:
        """Make the results the next carry: in place where possible, by copies otherwise."""
        copies: list[tuple[Place, Place]] = []
        for at, (result, target) in enumerate(zip(results, carry, strict=True)):
            if result is target:
                continue
            others = [*results[:at], *results[at + 1 :], *carry[:at], *carry[at + 1 :]]
            lying = {other.buffer.root() for other in others}
            # A carry that goes on as another one is still read after the last step, and two
            # carries with one new value have a place each: those are copied.
            apart = target.buffer.root() not in lying and result.buffer.root() not in lying
            if not (apart and merge_into(body, result, target)):
                copies.append((result, target))
        targets = {target.buffer.root() for target in carry}
        steps: list[Step] = []
        last: list[Step] = []
        for result, target in copies:
            if result.buffer.root() in targets:
                # It lies where another carry will be written: out of the way first.
                fresh = arena(result.shape, result.dtype)
                steps += self.copy(result, fresh)
                result = fresh
            last += self.copy(result, target)
        return steps + last

    def _while(self, node: Node, ins: list[Place], outs: list[Place]) -> list[Step]:
        settings = node.settings
        n_test, n_body = settings["n_condition"], settings["n_body"]
        carry = outs
        steps = self._deliver(ins[n_test + n_body :], carry)
        test, (flag,) = self.region(settings["condition"], [*ins[:n_test], *carry], [None])
        body, results = self.region(
            settings["body"], [*ins[n_test : n_test + n_body], *carry], [None] * len(carry)
        )
        body += self._carry_over(body, results, carry)
        steps.append(WhileStep(test, flag, body, carry))
        return steps

    def _cond(self, node: Node, ins: list[Place], outs: list[Place]) -> list[Step]:
        branches = []
        for name in ("on_true", "on_false"):
            steps, results = self.region(node.settings[name], ins[1:], outs)
            branches.append(steps + self._deliver(results, outs))
        return [BranchStep(ins[0], branches[0], branches[1])]


def merge_into(body: list[Step], result: Place, target: Place) -> bool:
    """Let a result be written straight over the carry it replaces, if nobody minds."""
    buffer = result.buffer.root()
    if buffer.kind != "arena" or not result.is_whole or not target.is_whole:
        return False
    old = target.buffer.root()
    if result.dtype != target.dtype or old is buffer or buffer.nbytes != old.nbytes:
        return False
    makers = [i for i, step in enumerate(body) for p in writes(step) if p.buffer.root() is buffer]
    if len(makers) != 1:
        return False
    at = makers[0]
    for step in walk(body[at + 1 :]):
        if any(p.buffer.root() is old for p in (*reads(step), *writes(step))):
            return False
    if any(p.buffer.root() is old for step in walk(body[:at]) for p in writes(step)):
        return False
    step = body[at]
    if isinstance(step, KernelStep):
        if len(step.kernel.stages) > 1 or result.shape != step.kernel.space:
            return False
        for operand, pointwise in step.kernel.reads:
            place = step.places[operand]
            if place.buffer.root() is old and not (pointwise and place.is_whole):
                return False
    elif isinstance(step, StraightStep):
        if all(p.buffer.root() is not buffer for p in step.late):
            return False
    elif isinstance(step, CustomStep) and step.over_first and step.ins[0].is_whole:
        if any(p.buffer.root() is old for p in step.ins[1:]):
            return False
    elif any(p.buffer.root() is old for inner in walk([step]) for p in reads(inner)):
        return False
    buffer.merged = old
    return True


def _with_axis(place: Place, at: int) -> Place:
    """An axis of length 1 more."""
    from dataclasses import replace

    shape = (*place.shape[:at], 1, *place.shape[at:])
    strides = (*place.strides[:at], 0, *place.strides[at:])
    return replace(place, shape=shape, strides=strides)


def _parts(place: Place) -> Place:
    """A complex place as pairs of real numbers."""
    from dataclasses import replace

    real = np.dtype(f"f{place.dtype.itemsize // 2}")
    return replace(
        place,
        dtype=real,
        shape=(*place.shape, 2),
        strides=(*[s * 2 for s in place.strides], 1),
        offset=place.offset * 2,
        moving=tuple((name, stride * 2) for name, stride in place.moving),
    )


def _type(place: Place) -> Any:
    from adjoint.graph.types import ArrayType

    return ArrayType(place.shape, place.dtype)
