"""Graphs, loops and branches of straight code: what a loop carries stays in registers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint.graph.graph import Graph, Literal, Node, Operand, Value
from adjoint.lower import signals
from adjoint.lower.emit import Reg, Scope, reg_type
from adjoint.lower.layout import Place
from adjoint.lower.maps import truth
from adjoint.lower.reduce import is_reduction
from adjoint.lower.straight_nodes import Given, StraightNodes
from adjoint.lower.straight_values import DeclinedError, Held
from adjoint.lower.widths import fitting

_MICROSECONDS = 4e-4  # of an instruction, roughly


class StraightWriter(StraightNodes):
    """Writes graphs."""

    polls = False  # some loop asks for signals

    def __init__(self, features: frozenset[str], literal: Callable[[Literal], Place]) -> None:
        super().__init__(features, literal)
        self.wanted: dict[Value, Place] = {}  # where results are to be
        self.written: list[Place] = []  # of those, what loops write round by round
        self.late: list[tuple[Reg, Place]] = []  # the others, written at the end

    # *** results ***

    def result(self, found: Given, want: Place) -> None:
        """Let a result be written where it is wanted, after all that is read has been read."""
        if found is want:
            return
        held = self.of_given(found)
        if reg_type(want.dtype) != held.kind:
            raise DeclinedError
        self.late.append((self.full(held), want))

    def finish(self) -> list[Place]:
        """Write the results; returns where."""
        for reg, place in self.late:
            self.put(place, reg)
        return [place for _, place in self.late]

    # *** graphs ***

    def graph(self, graph: Graph, inputs: Sequence[Given]) -> list[Given]:
        """Write a graph; returns its results."""
        self.env.update(zip(graph.inputs, inputs, strict=True))
        live = _live(graph)
        self._find_factors(graph, live)
        for node in live:
            self.any(node)
        return [self.given(operand) for operand in graph.outputs]

    def any(self, node: Node) -> None:
        """Write a node of any kind."""
        name = node.primitive.name
        if node.output in self.factors:
            return
        if name == "call":
            results = self.graph(node.settings["graph"], [self.given(x) for x in node.operands])
            self.env.update(zip(node.outputs, results, strict=True))
        elif name == "scan":
            self._scan(node)
        elif name == "while_loop":
            self._while(node)
        elif name == "cond":
            self._cond(node)
        else:
            self.node(node)

    def _find_factors(self, graph: Graph, live: list[Node]) -> None:
        """Products that are only summed are never made: their factors are multiplied there."""
        uses: dict[Operand, int] = {}
        for operand in [x for node in live for x in node.operands] + list(graph.outputs):
            uses[operand] = uses.get(operand, 0) + 1
        makers: dict[Operand, Node] = {node.outputs[0]: node for node in live}
        for node in live:
            if node.primitive.name != "sum" or not is_reduction(node):
                continue
            maker = makers.get(node.operands[0])
            if maker is None or uses[node.operands[0]] != 1:
                continue
            dtype = maker.output.type.dtype
            number = dtype.kind in "iuf" and dtype.itemsize > 2
            if number and maker.primitive.name in ("mul", "square"):
                self.factors[maker.output] = maker

    # *** loops ***

    def _scan(self, node: Node) -> None:
        settings = node.settings
        graph: Graph = settings["graph"]
        n_constants, n_carry = settings["n_constants"], settings["n_carry"]
        length = settings["length"]
        if length == 0 or any(v.type.size == 0 for v in (*graph.inputs, *node.outputs)):
            raise DeclinedError
        given = [self.given(x) for x in node.operands]
        tables = []
        for operand, found in zip(
            node.operands[n_constants + n_carry :], given[n_constants + n_carry :], strict=True
        ):
            if isinstance(found, Held):
                found = self.spilled(found, operand.type.dtype)
            tables.append(found)
        stacked = []
        for value in node.outputs[n_carry:]:
            place = self.wanted.get(value)
            if place is None:
                place = self.fresh_stack(value.type.shape, value.type.dtype)
            else:
                self.written.append(place)
            stacked.append(place)
        carry = [self.of(x) for x in node.operands[n_constants : n_constants + n_carry]]

        def body(counter: str, state: list[Given]) -> list[Held]:
            rows: list[Given] = [place.row(counter) for place in tables]
            results = self.graph(graph, [*given[:n_constants], *state, *rows])
            held = [self.of_given(x) for x in results]
            for place, row in zip(stacked, held[n_carry:], strict=True):
                self.put(place.row(counter), self.full(row))
            return held[:n_carry]

        last = self._counted(length, settings["reverse"], carry, body)
        self.env.update(zip(node.outputs, [*last, *stacked], strict=True))

    def _counted(
        self,
        length: int,
        reverse: bool,
        carry: list[Held],
        body: Callable[[str, list[Given]], list[Held]],
    ) -> list[Held]:
        """A loop of a known number of rounds."""
        tag = self.fresh("loop")[1:]
        first = [self.full(x) for x in carry]
        before = self.spent
        phis = self._open(tag, first)
        counter = f"%{tag}.t" if reverse else f"%{tag}.i"
        self.scopes[-1].memo["counter"] = counter
        state: list[Given] = [_like(x, phi) for x, phi in zip(carry, phis, strict=True)]
        following = [self.full(x) for x in body(counter, state)]
        if _rounds(self.spent - before) < length:
            self._hear(f"%{tag}.i", _rounds(self.spent - before))
        scope = self._close()
        index = [f"{counter} = sub nsw i64 {length - 1}, %{tag}.i"] if reverse else []
        self.scopes[-1].lines += [
            f"br label %{tag}.pre",
            f"{tag}.pre:",
            f"br label %{tag}",
            f"{tag}:",
            f"%{tag}.i = phi i64 [ 0, %{tag}.pre ], [ %{tag}.next, %{tag}.latch ]",
            *_phi_lines(tag, phis, first, following),
            *index,
            *scope.lines,
            f"br label %{tag}.latch",
            f"{tag}.latch:",
            f"%{tag}.next = add nuw nsw i64 %{tag}.i, 1",
            f"%{tag}.more = icmp ult i64 %{tag}.next, {length}",
            f"br i1 %{tag}.more, label %{tag}, label %{tag}.exit",
            f"{tag}.exit:",
        ]
        return [self._outside(x, reg) for x, reg in zip(carry, following, strict=True)]

    def _while(self, node: Node) -> None:
        settings = node.settings
        n_test, n_body = settings["n_condition"], settings["n_body"]
        given = [self.given(x) for x in node.operands]
        carry = [self.of(x) for x in node.operands[n_test + n_body :]]
        tag = self.fresh("while")[1:]
        first = [self.full(x) for x in carry]
        before, checks = self.spent, len(self.checks)
        phis = self._open(tag, first)
        state: list[Given] = [_like(x, phi) for x, phi in zip(carry, phis, strict=True)]
        (flag,) = self.graph(settings["condition"], [*given[:n_test], *state])
        go = truth(self, self.full(self.of_given(flag)))
        self.line(f"br i1 {go.name}, label %{tag}.body, label %{tag}.exit")
        self.line(f"{tag}.body:")
        results = self.graph(settings["body"], [*given[n_test : n_test + n_body], *state])
        following = [self.full(self.of_given(x)) for x in results]
        if len(self.checks) > checks:
            raise DeclinedError  # a bad index must also end the loop
        self._hear(f"%{tag}.i", _rounds(self.spent - before))
        scope = self._close()
        self.scopes[-1].lines += [
            f"br label %{tag}.pre",
            f"{tag}.pre:",
            f"br label %{tag}",
            f"{tag}:",
            f"%{tag}.i = phi i64 [ 0, %{tag}.pre ], [ %{tag}.next, %{tag}.latch ]",
            *_phi_lines(tag, phis, first, following),
            *scope.lines,
            f"br label %{tag}.latch",
            f"{tag}.latch:",
            f"%{tag}.next = add i64 %{tag}.i, 1",
            f"br label %{tag}",
            f"{tag}.exit:",
        ]
        last = [self._outside(x, reg) for x, reg in zip(carry, phis, strict=True)]
        self.env.update(zip(node.outputs, last, strict=True))

    def _open(self, tag: str, first: list[Reg]) -> list[Reg]:
        """Begin the inside of a loop; returns what it carries."""
        self.scopes.append(Scope())
        return [Reg(f"%{tag}.c{i}", reg.kind, reg.lanes, self.level) for i, reg in enumerate(first)]

    def _close(self) -> Scope:
        return self.scopes.pop()

    def _outside(self, like: Held, reg: Reg) -> Held:
        """What a loop carried, once it has ended."""
        return _like(like, reg._replace(level=max(self.level, self.floor)))

    def _hear(self, counter: str, rounds: int) -> None:
        """After some rounds, let Python hear of signals; an exception ends the function."""
        if not signals.USABLE:
            return
        self.polls = True
        tag = self.fresh("ask")[1:]
        self.scopes[-1].lines += [
            f"%{tag}.some = and i64 {counter}, {rounds - 1}",
            f"%{tag}.due = icmp eq i64 %{tag}.some, {rounds - 1}",
            f"br i1 %{tag}.due, label %{tag}.do, label %{tag}.on",
            f"{tag}.do:",
            f"%{tag}.code = call i64 @poll(ptr %errors)",
            f"%{tag}.bad = icmp ne i64 %{tag}.code, 0",
            f"br i1 %{tag}.bad, label %{tag}.leave, label %{tag}.on",
            f"{tag}.leave:",
            f"ret i64 %{tag}.code",
            f"{tag}.on:",
        ]

    # *** branches ***

    def _cond(self, node: Node) -> None:
        flag = truth(self, self.full(self.of(node.operands[0])))
        given = [self.given(x) for x in node.operands[1:]]
        tag = self.fresh("if")[1:]
        sides: list[tuple[list[Reg], list[str]]] = []
        for name in ("on_true", "on_false"):
            before = self.floor
            self.scopes.append(Scope())
            self.floor = self.level
            results = self.graph(node.settings[name], given)
            regs = [self.full(self.of_given(x)) for x in results]
            self.floor = before
            sides.append((regs, self._close().lines))
        (yes, on_true), (no, on_false) = sides
        merged = []
        phis = []
        for i, (a, b) in enumerate(zip(yes, no, strict=True)):
            reg = Reg(f"%{tag}.r{i}", a.kind, a.lanes, max(self.level, self.floor))
            phis.append(
                f"{reg.name} = phi {reg.type} [ {a.name}, %{tag}.true.end ], "
                f"[ {b.name}, %{tag}.false.end ]"
            )
            merged.append(reg)
        self.scopes[-1].lines += [
            f"br i1 {flag.name}, label %{tag}.true, label %{tag}.false",
            f"{tag}.true:",
            *on_true,
            f"br label %{tag}.true.end",
            f"{tag}.true.end:",
            f"br label %{tag}.exit",
            f"{tag}.false:",
            *on_false,
            f"br label %{tag}.false.end",
            f"{tag}.false.end:",
            f"br label %{tag}.exit",
            f"{tag}.exit:",
            *phis,
        ]
        for value, reg in zip(node.outputs, merged, strict=True):
            self.env[value] = _whole(reg, value.type.shape)

    # *** the function ***

    def function(self, name: str, parameters: Sequence[str]) -> str:
        """The whole function: it returns 0, or what ended it before its time."""
        assert len(self.scopes) == 1
        body = "\n  ".join([*self.allocas, *self.scopes[0].lines, "ret i64 0"])
        return f"define internal i64 {name}({', '.join(parameters)}) #0 {{\n  {body}\n}}\n"


def _live(graph: Graph) -> list[Node]:
    needed: set[Any] = set(graph.outputs)
    live = []
    for node in reversed(graph.nodes):
        if any(value in needed for value in node.outputs):
            needed.update(node.operands)
            live.append(node)
    live.reverse()
    return live


def _whole(reg: Reg, shape: tuple[int, ...]) -> Held:
    size = int(np.prod(shape, dtype=np.int64))
    assert fitting(size) == reg.lanes
    return Held(reg, np.arange(size).reshape(shape))


def _like(held: Held, reg: Reg) -> Held:
    return _whole(reg, held.at.shape)


def _phi_lines(tag: str, phis: list[Reg], first: list[Reg], following: list[Reg]) -> list[str]:
    return [
        f"{phi.name} = phi {phi.type} [ {a.name}, %{tag}.pre ], [ {b.name}, %{tag}.latch ]"
        for phi, a, b in zip(phis, first, following, strict=True)
    ]


def _rounds(instructions: int) -> int:
    """Rounds between looks at the clock, a power of two."""
    return signals.rounds_of(max(instructions, 1) * _MICROSECONDS)
