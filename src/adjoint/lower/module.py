"""The LLVM module of a program: one function for each kernel, and one that runs them."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from adjoint.graph.graph import Node, Operand
from adjoint.lower import blas, products, signals, teams, threads, vectormath
from adjoint.lower.control import ControlWriter
from adjoint.lower.edges import split_of, tile_place
from adjoint.lower.expr import Writer
from adjoint.lower.kernel_text import finish_checks, write_finish, write_kernel
from adjoint.lower.layout import Place
from adjoint.lower.linalg import FAULTS
from adjoint.lower.parts import in_parts
from adjoint.lower.pieces import in_pieces
from adjoint.lower.products_edge import Edge
from adjoint.lower.region import vector_registers
from adjoint.lower.sites import IndexSite, MatrixSite, Site
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
    writes,
)

_PAGE = 4096  # bytes
_MOST_INLINED = 200  # calls of functions of vectors: each is long, and saves a little time
PROGRAM = "adjoint_program"
WORKER = "adjoint_worker"

_ALONE = f"""define i64 @{PROGRAM}(ptr %args, ptr %arena) #0 {{
  %code = call i64 @{WORKER}(ptr %args, ptr %arena, i64 0, i64 1)
  ret i64 %code
}}
"""
_REPORT = """define internal void @report(ptr %errors, i64 %code, i64 %low, i64 %high, i64 %n) #0 {
  %negative = sub i64 0, %n
  %under = icmp slt i64 %low, %negative
  %over = icmp sge i64 %high, %n
  %bad = or i1 %under, %over
  br i1 %bad, label %note, label %done
note:
  %old = load i64, ptr %errors
  %first = icmp eq i64 %old, 0
  br i1 %first, label %write, label %done
write:
  %index = select i1 %over, i64 %high, i64 %low
  store i64 %code, ptr %errors
  %at = getelementptr i64, ptr %errors, i64 1
  store i64 %index, ptr %at
  br label %done
done:
  ret void
}
"""


def emitted_shape(a: Place, b: Place, c: Place) -> products.Shape | None:
    """The product as one for emitted code; None if it is a matter for BLAS."""
    m, n = c.shape
    k = a.shape[1]
    if c.dtype.kind != "f" or c.dtype.itemsize not in (4, 8):
        return None
    at, lda = blas.layout_of(a)  # type: ignore[misc]
    bt, ldb = blas.layout_of(b)  # type: ignore[misc]
    ldc = max(c.strides[0] if m > 1 else n, n)
    return products.Shape(m, n, k, str(c.dtype), at, bt, lda, ldb, ldc)


class ModuleWriter(ControlWriter):
    """Writes kernels and calls, and the whole module."""

    def __init__(
        self, features: frozenset[str], attributes: str, python_slot: int, several: bool
    ) -> None:
        super().__init__(several)
        self.features = features
        self.attributes = attributes
        self.python_slot = python_slot
        self.kernels: dict[str, str] = {}  # text of a kernel without its name -> name
        self.functions: list[str] = []
        self.phase_texts: dict[str, str] = {}
        self.products: dict[tuple[products.Shape, int, Edge | None], products.SmallProduct] = {}
        self.declarations: dict[str, str] = {}
        self.library: dict[str, str] = {}
        self.constants: dict[str, str] = {}
        self.sites: list[Site] = []
        self.site_numbers: dict[Any, int] = {}
        self.calls_python = False
        self.straights = 0  # pieces of straight code

    def write_step(self, step: Step) -> None:
        """Write one step."""
        _WRITERS[type(step)](self, step)

    def _site(self, node: Node, which: int) -> tuple[int, int]:
        name = node.primitive.name
        key = (node, which)
        if name in FAULTS:
            if key not in self.site_numbers:
                self.sites.append(MatrixSite(FAULTS[name], node.source))
                self.site_numbers[key] = len(self.sites)
            return 1, self.site_numbers[key]
        first = {"gather": 1, "scatter_add": 1, "scatter_set": 2}[name]
        axis = node.settings["axes"][which - first]
        shape = node.settings["shape"] if name == "scatter_add" else node.operands[0].type.shape
        if key not in self.site_numbers:
            self.sites.append(IndexSite(axis, shape[axis], node.source))
            self.site_numbers[key] = len(self.sites)
        return shape[axis], self.site_numbers[key]

    def _function(
        self,
        make: Callable[[str], tuple[str, list[Place], Writer]],
        shared: int = 0,
        price: float = 0.0,
    ) -> None:
        text, parameters, writer = make("@NAME")
        name = self._named(text, writer)
        given = ["ptr %arena", *(f"ptr {self.pointer(p)}" for p in parameters)]
        given += [f"i64 {number}" for number in writer.sites]

        def call(*part: str) -> None:
            self.lines.append(f"call void {name}({', '.join([*given, *part])})")

        if not shared:
            call()
            return
        in_pieces(
            self,
            self.rows_part(shared),
            signals.piece_of(price, shared),
            lambda begin, end, last: call(f"i64 {begin}", f"i64 {end}", f"i1 {last}"),
        )

    def _named(self, text: str, writer: Writer) -> str:
        """The function with such a text; it is written only once."""
        self.declarations.update(writer.declarations)
        self.library.update(writer.library)
        name = self.kernels.get(text)
        if name is None:
            name = self.kernels[text] = f"@kernel{len(self.kernels)}"
            self.functions.append(text.replace("@NAME", name, 1))
        return name

    def kernel(self, step: KernelStep) -> None:
        """A fused kernel."""
        self._function(
            lambda name: write_kernel(
                step.kernel, step.inline, step.places, name, self.features, self._site
            ),
            step.kernel.shared,
            threads.price_of(step),
        )
        if not step.kernel.block:
            return

        def finish() -> None:
            self._function(lambda name: write_finish(step.kernel, name, self.features))

        if self.several and step.kernel.shared:
            self.meet()
            self.traffic.note([], writes(step), threads.FIRST)
            self.by_first(finish)
        else:
            finish()

    def straight(self, step: StraightStep) -> None:
        """A piece of straight code: it may be told to stop by a signal."""
        writer = step.writer
        finish_checks(writer, self._site)
        self.declarations.update(writer.declarations)
        self.library.update(writer.library)
        self.polls |= writer.polls
        names = ["ptr %errors", *(f"ptr {name}" for name, _ in writer.parameters.values())]
        name = f"@straight{self.straights}"
        self.straights += 1
        self.functions.append(writer.with_sites(writer.function(name, names)))
        given = [f"ptr {self.pointer(place)}" for _, place in writer.parameters.values()]
        call = f"call i64 {name}({', '.join(['ptr %arena', *given])})"
        if writer.polls:
            self.leave_unless_fine(call)
        else:
            self.lines.append(call)

    def custom(self, step: CustomStep) -> None:
        """A hand-written loop nest."""
        # A step that does a part of a node's work has places of its own, and asks for no values.
        places: dict[Operand, Place] = dict(zip(step.node.operands, step.ins, strict=False))

        def make(name: str) -> tuple[str, list[Place], Writer]:
            parameters: dict[Any, tuple[str, Place]] = {}

            def pointer(place: Place) -> str:
                key = (place.buffer.root(), place.moving)
                if key not in parameters:
                    parameters[key] = (f"%b{len(parameters)}", place)
                return parameters[key][0]

            writer = Writer(self.features, {}, places, pointer)
            step.write(writer, step.node, step.ins, step.outs)
            finish_checks(writer, self._site)
            declared = ["ptr %errors", *(f"ptr {p}" for p, _ in parameters.values())]
            text = writer.function(name, declared + writer.site_parameters)
            return text, [place for _, place in parameters.values()], writer

        self._function(make)

    def product(self, step: ProductStep) -> None:
        """A matrix product."""
        shape = emitted_shape(step.a, step.b, step.c)
        if self.strip is not None and shape is not None:
            counter, strips = self.strip
            a, c = (place.strip(counter, strips) for place in (step.a, step.c))
            part = emitted_shape(a, step.b, c)
            assert part is not None
            above = "0"
            if step.edge:
                above = self.fresh("%m")
                self.lines.append(f"{above} = mul i64 {counter}, {part.m}")
            self._emitted(replace(step, a=a, c=c), part, False, shape.m, above)
            return
        if shape is not None:
            self._emitted(step, shape, threads.is_shared(step))
            return
        pointers = (self.element(step.a), self.element(step.b), self.element(step.c))
        if self.several and not self.split and threads.is_shared(step):
            # BLAS does not promise the same bits for parts of a product: one thread does all.
            self.by_first(lambda: self._blas(step, pointers))
            return
        self._blas(step, pointers)

    def _blas(self, step: ProductStep, pointers: tuple[str, str, str]) -> None:
        self.lines += blas.product_lines(step.a, step.b, step.c, pointers, self.constants)

    def _emitted(
        self,
        step: ProductStep,
        shape: products.Shape,
        shared: bool,
        rows: int = 0,
        above: str = "0",
    ) -> None:
        """A product as code of its own, or the part of one of so many rows below others."""
        edge, further = self._edge(step, shape, rows)
        made = self.products.get((shape, rows, edge))
        if made is None:
            vector_bytes, registers = vector_registers(self.features)
            made = products.deep_product(
                f"@product{len(self.products)}",
                shape,
                vector_bytes=vector_bytes,
                registers=registers,
                attributes="#0",
                rows=rows,
                edge=edge,
            )
            self.products[shape, rows, edge] = made
            self.functions.append(made.text)
        c = self.element(step.c) if step.stored else "null"
        given = ", ".join(f"ptr {p}" for p in (self.element(step.a), self.element(step.b), c))
        bounds = self.part(made.units) if shared else ("0", str(made.units), "true")
        price = threads.price_of_product(shape.m, shape.n, shape.k, int(shape.dtype[-2:]) // 8)
        if edge:
            further = [f"i64 {above}", *(f"ptr {p}" for p in further)]
        self._units(made.symbol, given, bounds, signals.piece_of(price, made.units), further)

    def _units(
        self,
        symbol: str,
        given: str,
        bounds: tuple[str, str, str],
        piece: int,
        further: Sequence[str] = (),
    ) -> None:
        """A function for some units of its work."""

        def call(begin: str, end: str, last: str) -> None:
            part = [given, f"i64 {begin}", f"i64 {end}", *further]
            self.lines.append(f"call void {symbol}({', '.join(part)})")

        in_pieces(self, bounds, piece, call)

    def _edge(
        self, step: ProductStep, shape: products.Shape, part: int
    ) -> tuple[Edge | None, list[str]]:
        """What a product's tiles go on with, and the pointers it takes."""
        if step.edge is None:
            return None, []
        rows = part or shape.m
        kernel, inline = step.edge.kernel, step.edge.inline
        places: Mapping[Operand, Place] = step.edge.places
        if not step.stored:
            lead = products.tile_lead(shape, *vector_registers(self.features), part)
            tiles = {
                x: tile_place(places[x], rows, lead)
                for x, _ in kernel.reads
                if places[x].buffer.root() is step.c.buffer.root()
            }
            places = ChainMap(tiles, step.edge.places)
        split = split_of(kernel.space, rows)
        assert split is not None
        text, taken, writer = write_kernel(
            kernel, inline, places, "@NAME", self.features, self._site, split
        )
        name = self._named(text, writer)
        pointers = ["%arena", *(self.pointer(p) for p in taken)]
        far = {places[x].buffer.root() for x, same in kernel.reads if same}
        far |= {place.buffer.root() for place in kernel.stores.values()}
        streams = tuple(
            (i, place.dtype.itemsize)
            for i, place in enumerate(taken, 1)
            if place.buffer.root() in far and place.size == kernel.size and place.is_contiguous
        )
        return Edge(name, len(pointers), step.stored, streams), pointers

    def phases(self, step: PhaseStep) -> None:
        """A convolution."""
        a, b, c = (self.element(p) for p in (*step.ins, step.out))
        shared, scratch = self.element(step.shared), self.element(step.scratch)
        split = self.several and not self.split and threads.is_shared(step)
        if split:
            mine, offset = self.fresh("%m"), self.fresh("%m")
            size = -(-max(p.scratch for p in step.phases) // 64) * 64
            self.lines.append(f"{offset} = mul i64 %thread, {size}")
            self.lines.append(f"{mine} = getelementptr i8, ptr {scratch}, i64 {offset}")
            scratch = mine
        for i, phase in enumerate(step.phases):
            if phase.symbol not in self.phase_texts:
                self.phase_texts[phase.symbol] = phase.text
            if split and i:
                self.meet()
                self.traffic.note(reads(step), writes(step), threads.ALL)
            bounds = self.part(phase.units) if split else ("0", str(phase.units), "true")
            given = ", ".join(f"ptr {p}" for p in (a, b, c, scratch, shared))
            piece = signals.piece_of(threads.price_of(step), phase.units)
            self._units(phase.symbol, given, bounds, piece)

    def copy(self, step: CopyStep) -> None:
        """Contiguous elements from here to there."""
        places = (step.source, step.target)
        if self.strip is not None:
            counter, strips = self.strip
            places = (step.source.strip(counter, strips), step.target.strip(counter, strips))
        size = str(places[0].size * places[0].dtype.itemsize)
        name = "@llvm.memcpy.p0.p0.i64"
        self.declarations[name] = f"declare void {name}(ptr, ptr, i64, i1)"
        source, target = (self.element(place) for place in places)
        if self.several and not self.split and threads.is_shared(step):
            source, target, size = self._copied_part(source, target, int(size))
        self.lines.append(f"call void {name}(ptr {target}, ptr {source}, i64 {size}, i1 false)")

    def _copied_part(self, source: str, target: str, size: int) -> tuple[str, str, str]:
        """Where this thread's part of some bytes lies, and its length: whole pages."""
        begin, end, _ = self.part(-(-size // _PAGE))
        first, stop, over, last, here, there, length = (self.fresh("%m") for _ in range(7))
        self.lines += [
            f"{first} = mul i64 {begin}, {_PAGE}",
            f"{stop} = mul i64 {end}, {_PAGE}",
            f"{over} = icmp ugt i64 {stop}, {size}",
            f"{last} = select i1 {over}, i64 {size}, i64 {stop}",
            f"{here} = getelementptr inbounds i8, ptr {source}, i64 {first}",
            f"{there} = getelementptr inbounds i8, ptr {target}, i64 {first}",
            f"{length} = sub i64 {last}, {first}",
        ]
        return here, there, length

    def python(self, step: PythonStep) -> None:
        """A call back into Python; a failure there ends the program."""
        places = [*step.ins, *step.outs]
        table = self.fresh("%table")
        self.allocas.append(f"{table} = alloca [{max(len(places), 1)} x ptr], align 8")
        for i, place in enumerate(places):
            at = self.fresh("%m")
            pointer = self.element(place)
            self.lines.append(f"{at} = getelementptr ptr, ptr {table}, i64 {i}")
            self.lines.append(f"store ptr {pointer}, ptr {at}")
        function = self.arguments.setdefault(self.python_slot, f"%arg{self.python_slot}")
        self.calls_python = True
        self.leave_unless_fine(
            f"call i64 @python(ptr {function}, i64 {step.number}, ptr {table}, ptr %arena)"
        )

    def _library(self) -> list[str]:
        """Functions of vectors: written into their callers, unless that makes a long program."""
        calls = sum(text.count(f"{name}(") for text in self.functions for name in self.library)
        if calls <= _MOST_INLINED:
            return list(self.library.values())
        return [vectormath.by_itself(text) for text in self.library.values()]

    def _write_all(self, steps: list[Step]) -> None:
        """The program's steps; of a long program for one thread, in parts."""
        if self.several:
            self.write(steps)
            return
        written = []
        for step in steps:
            self.write([step])
            written.append(self.lines)
            self.lines = []
        self.lines, functions = in_parts(written)
        self.functions += functions

    def text(self, steps: list[Step]) -> str:
        """The module."""
        self.allocas: list[str] = []
        self._write_all(steps)
        loads = []
        for slot, name in sorted(self.arguments.items()):
            loads.append(f"{name}.at = getelementptr ptr, ptr %args, i64 {slot}")
            loads.append(f"{name} = load ptr, ptr {name}.at")
        clear, wait = ["store i64 0, ptr %arena"], []
        if self.several:
            body, self.lines = self.lines, ["%is.first = icmp eq i64 %thread, 0"]
            self.by_first(lambda: self.lines.extend(["store i64 0, ptr %arena"]))
            self.meet()
            clear, self.lines = self.lines, body
            wait = ["call void @barrier(ptr %arena, i64 %threads)"]
        ending = ["%code = load i64, ptr %arena", "ret i64 %code"]
        body_text = "\n  ".join([*self.allocas, *loads, *clear, *self.lines, *wait, *ending])
        given = "ptr noalias %args, ptr noalias %arena"
        name = PROGRAM
        if self.several:
            given, name = f"{given}, i64 %thread, i64 %threads", WORKER
        main = f"define i64 @{name}({given}) #0 {{\n  {body_text}\n}}\n"
        if self.several:
            main = threads.barrier_text(self.features) + main + _ALONE
        self.declarations.pop("@report", None)
        parts = [
            *sorted(self.constants.values()),
            *sorted(self.declarations.values()),
            *self._library(),
            _REPORT,
            signals.text(self.polls, self.calls_python),
            teams.text() if self.adapts else "",
            *self.functions,
            *self.phase_texts.values(),
            main,
            f"attributes #0 = {{ nounwind {self.attributes} }}\n",
        ]
        return "\n".join(parts)


_WRITERS: dict[type, Callable[[ModuleWriter, Any], None]] = {
    KernelStep: ModuleWriter.kernel,
    CustomStep: ModuleWriter.custom,
    ProductStep: ModuleWriter.product,
    PhaseStep: ModuleWriter.phases,
    StraightStep: ModuleWriter.straight,
    CopyStep: ModuleWriter.copy,
    PythonStep: ModuleWriter.python,
    LoopStep: ModuleWriter.loop,
    WhileStep: ModuleWriter.repeat,
    BranchStep: ModuleWriter.branch,
}
