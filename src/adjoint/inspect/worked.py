"""Worked numbers: the arithmetic of single nodes, forward and back, as rows of equations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adjoint.graph.graph import Literal, Node, Operand, Value
from adjoint.inspect import formulas
from adjoint.inspect.digits import array, factor, indices, is_small, number, place, summary
from adjoint.inspect.recording import Cotangents, Recorded

_TERMS = 6  # of a sum that are written out


@dataclass(frozen=True)
class Row:
    """One equation: ``name = steps[0] = steps[1] ...``."""

    name: str
    steps: tuple[str, ...]

    def __str__(self) -> str:
        return " = ".join((self.name, *self.steps))


@dataclass(frozen=True)
class Block:
    """What one operation does, and the line it comes from.

    Args:
        head: the equation in names.
        source: the user's line, where it is known.
        rows: the same with numbers.
    """

    head: str
    source: str
    rows: tuple[Row, ...] = ()


@dataclass
class Writer:
    """Names for the values of a run, and the style of numbers.

    Args:
        run: what was recorded.
        digits: significant digits.
        limit: arrays of up to this many elements are worked element by element.
    """

    run: Recorded
    digits: int
    limit: int
    names: dict[Operand, str] = field(default_factory=dict)
    shared: set[Value] = field(default_factory=set)  # used more than once

    def name_nodes(self) -> None:
        """v1, v2, ... in the order of the run; stretched constants keep their own names."""
        count = 0
        for node in self.run.graph.nodes:
            if self.is_silent(node):
                self.names[node.output] = self.name(node.operands[0])
                continue
            for value in node.outputs:
                count += 1
                self.names[value] = f"v{count}"

    def is_silent(self, node: Node) -> bool:
        """Whether a node only stretches or converts what has no derivative."""
        is_move = node.primitive.name in ("broadcast", "cast")
        return is_move and node.output not in self.run.active

    def name(self, operand: Operand) -> str:
        """What a value is called; constants are called by their numbers."""
        known = self.names.get(operand)
        if known is None:
            assert isinstance(operand, Literal)
            is_short = operand.value.size <= 4
            known = array(operand.value, self.digits) if is_short else summary(operand.value)
            if operand.value.ndim == 0:
                known = factor(operand.value[()], self.digits)
            elif not is_short:
                known = f"({known})"
            self.names[operand] = known
        return known

    def shown(self, x: Any) -> str:
        """A value in one line."""
        return array(x, self.digits, self.limit)

    def forward(self, node: Node) -> Block:
        """How a node's value comes about."""
        named = [self.name(o) for o in node.operands]
        made = ", ".join(self.names[v] for v in node.outputs)
        head = f"{made} = {formulas.expression(node, named)}"
        outs = [self.run.values[v] for v in node.outputs]
        rows: list[Row] = []
        if len(outs) == 1 and is_small(outs[0], self.limit) and self._has_arithmetic(node):
            out = np.asarray(outs[0])
            for index in indices(out.shape):
                middle = self._element(node, index)
                name = self.names[node.output] + place(index)
                rows.append(Row(name, (middle, number(out[index], self.digits))))
        else:
            for value, x in zip(node.outputs, outs, strict=True):
                rows.append(Row(self.names[value], (self.shown(x),)))
        return Block(head, _line(node), tuple(rows))

    def _has_arithmetic(self, node: Node) -> bool:
        name = node.primitive.name
        return formulas.is_pointwise(node) or name == "sum" or _is_plain_product(node)

    def _element(self, node: Node, index: tuple[int, ...]) -> str:
        values = [np.asarray(self.run.value(o)) for o in node.operands]
        if formulas.is_pointwise(node):
            numbers = [factor(x[index], self.digits) for x in values]
            return formulas.expression(node, numbers)
        if node.primitive.name == "sum":
            at = iter(index)
            axes = node.settings["axes"]
            pick = tuple([slice(None) if i in axes else next(at) for i in range(values[0].ndim)])
            return self._sum([factor(x, self.digits) for x in values[0][pick].ravel()])
        x, y = values
        row = x[index[0]] if x.ndim == 2 else x
        column = y[:, index[-1]] if y.ndim == 2 else y
        return self._products(row, column)

    def _products(self, xs: Any, ys: Any) -> str:
        d = self.digits
        pairs = zip(xs, ys, strict=True)
        return self._sum([f"{factor(a, d)} · {factor(b, d)}" for a, b in pairs])

    def _sum(self, terms: Sequence[str]) -> str:
        if not terms:
            return "0"
        if len(terms) <= _TERMS:
            return " + ".join(terms)
        return " + ".join([*terms[: _TERMS - 2], "…", terms[-1]]) + f" ({len(terms)} terms)"

    # *** the way back ***

    def backward(self, node: Node, flow: Cotangents) -> list[Block]:
        """What a node hands back to each operand that has a derivative."""
        blocks = []
        arriving = [flow.total[v] for v in node.outputs if v in flow.total]
        for which, operand in enumerate(node.operands):
            share = flow.shares.get((node, which))
            if share is None or not isinstance(operand, Value):
                continue
            blocks.append(self._share(node, which, operand, share, arriving))
        return blocks

    def arrival(self, value: Value, uses: Sequence[tuple[Node, int]], flow: Cotangents) -> Block:
        """A cotangent that comes from several uses: the sum of their shares."""
        total = np.asarray(flow.total[value])
        name = f"δ{self.names[value]}"
        head = f"{name} is the sum of {len(uses)} shares"
        if not is_small(total, self.limit):
            return Block(head, "", (Row(name, (self.shown(total),)),))
        shares = [np.asarray(flow.shares[use]) for use in uses]
        rows = []
        for index in indices(total.shape):
            parts = self._sum([factor(share[index], self.digits) for share in shares])
            rows.append(Row(name + place(index), (parts, number(total[index], self.digits))))
        return Block(head, "", tuple(rows))

    def _share(
        self, node: Node, which: int, operand: Value, share: Any, arriving: list[Any]
    ) -> Block:
        named = [self.name(o) for o in node.operands]
        out = self.names[node.outputs[0]]
        delta = f"δ{out}"
        words = formulas.partial(node, which, named, out)
        if words is not None:
            rule = delta if words == "1" else f"{delta} · {_bracketed(words)}"
        else:
            rule = self._rule(node, which, named, delta)
        name = f"δ{self.names[operand]}"
        if operand in self.shared:
            name = f"a share of {name}"
        head = f"{name} ← {rule}"
        rows: list[Row] = []
        y_bar = arriving[0] if len(arriving) == 1 else None
        if y_bar is not None and is_small(share, self.limit):
            rows = self._elements(node, which, name, share, y_bar)
        if not rows:
            rows = [Row(name, (self.shown(share),))]
        return Block(head, _line(node), tuple(rows))

    def _rule(self, node: Node, which: int, named: list[str], delta: str) -> str:
        if _is_plain_product(node):
            x, y = node.operands
            outer = "outer product of {} and {}"
            if which == 0:
                is_outer = x.type.ndim == 2 and y.type.ndim == 1
                return outer.format(delta, named[1]) if is_outer else f"{delta} @ {named[1]}ᵀ"
            is_outer = x.type.ndim == 1 and y.type.ndim == 2
            return outer.format(named[0], delta) if is_outer else f"{named[0]}ᵀ @ {delta}"
        name = node.primitive.name
        if name == "sum":
            return f"{delta}, repeated to {list(node.operands[which].type.shape)}"
        if name == "broadcast":
            return f"{delta}, summed over what was repeated"
        if name == "slice":
            return f"{delta} at its place, 0 elsewhere"
        if name in formulas.MOVES:
            return f"{delta}, put back"
        return f"{delta} · ∂{name}/∂{named[which]}"

    def _elements(self, node: Node, which: int, name: str, share: Any, y_bar: Any) -> list[Row]:
        share, bars = np.asarray(share), np.asarray(y_bar)
        d = self.digits
        rows = []
        if formulas.is_pointwise(node) and bars.shape == share.shape:
            values = [self.run.value(o) for o in node.operands]
            out = self.run.values[node.output]
            partials = formulas.partial_values(node, which, values, out)
            if partials is None:
                return []
            slopes = np.broadcast_to(partials, share.shape)
            for index in indices(share.shape):
                words = formulas.partial(
                    node,
                    which,
                    [factor(np.asarray(x)[index], d) for x in values],
                    factor(np.asarray(out)[index], d),
                )
                steps = [f"{factor(bars[index], d)} · {factor(slopes[index], d)}"]
                if words is not None and any(sign in words for sign in " ("):
                    steps.insert(0, f"{factor(bars[index], d)} · {_bracketed(words)}")
                if words == "1":
                    steps = []
                rows.append(Row(name + place(index), (*steps, number(share[index], d))))
        elif _is_plain_product(node):
            x, y = (np.asarray(self.run.value(o)) for o in node.operands)
            for index in indices(share.shape):
                pairs = _product_terms(which, x, y, bars, index)
                rows.append(
                    Row(name + place(index), (self._products(*pairs), number(share[index], d)))
                )
        return rows


def _product_terms(which: int, x: Any, y: Any, bar: Any, index: tuple[int, ...]) -> tuple[Any, Any]:
    """The two lists whose products add up to one element of a matrix product's cotangent."""
    # Written as matrices: x [m, k], y [k, n], bar [m, n].
    rows = bar.reshape(x.shape[0] if x.ndim == 2 else 1, y.shape[1] if y.ndim == 2 else 1)
    left, right = x.reshape(rows.shape[0], -1), y.reshape(-1, rows.shape[1])
    if which == 0:
        i, k = index if x.ndim == 2 else (0, *index)
        return rows[i], right[k]
    k, j = index if y.ndim == 2 else (*index, 0)
    return left[:, k], rows[:, j]


def _is_plain_product(node: Node) -> bool:
    ranks = [o.type.ndim for o in node.operands]
    return node.primitive.name == "matmul" and all(rank in (1, 2) for rank in ranks)


def _bracketed(words: str) -> str:
    """A partial as a factor: sums in brackets."""
    is_sum = any(sign in words for sign in (" + ", " − ", " / ")) or words.startswith(("−", "-"))
    return f"({words})" if is_sum else words


def _line(node: Node) -> str:
    """The user's line as ``file:line in function: text``, without the folders."""
    source = node.source
    if source is None or (source.code is None and source.place is None):
        return ""
    where = f"{source.file.rsplit('/', 1)[-1]}:{source.line} in {source.function}"
    return f"{where}: {source.text}" if source.text else where
