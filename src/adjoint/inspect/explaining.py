"""``explain``: one step of backpropagation worked by hand, checked against the engine."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api.gradients import value_and_grad, vjp
from adjoint.api.taped import like
from adjoint.errors import DTypeError, GradientCheckError, StructureError
from adjoint.graph.graph import Node, Value
from adjoint.graph.types import type_of
from adjoint.inspect import latex, page
from adjoint.inspect.digits import array, factor, indices, is_small, norm, number, place
from adjoint.inspect.recording import Cotangents, Pen, Recorded, backward, is_floating
from adjoint.inspect.worked import Block, Row, Writer
from adjoint.nn.module import is_module, parameters, with_leaves


@dataclass(frozen=True)
class Explanation:
    """The arithmetic of one run, forward and back.

    Args:
        title: what was explained.
        value: what the function returned.
        gradients: by the name of each argument (of each leaf, for trees).
        arguments: their values, as equations.
        forward: one block for each operation, in order.
        backward: the way back, in order.
        results: the gradients as equations.
        update: the arguments after one step of gradient descent; empty without a rate.
        check: what the comparison with the engine found.
    """

    title: str
    value: Any
    gradients: dict[str, Any]
    arguments: tuple[Row, ...]
    forward: tuple[Block, ...]
    backward: tuple[Block, ...]
    results: tuple[Row, ...]
    update: tuple[Row, ...]
    check: str

    def sections(self) -> Iterator[tuple[str, tuple[Block, ...]]]:
        """Headings and what stands below them."""
        yield "arguments", (Block("", "", self.arguments),)
        yield "forward", self.forward
        yield "backward", self.backward
        yield "gradients", (Block("", "", self.results),)
        if self.update:
            yield "after one step", (Block("", "", self.update),)

    def text(self) -> str:
        """All of it as plain text."""
        lines = [self.title]
        for heading, blocks in self.sections():
            lines += ["", heading]
            source = ""
            for block in blocks:
                if block.source and block.source != source:
                    lines += ["", f"  {block.source}"]
                source = block.source
                if block.head:
                    lines.append(f"    {block.head}")
                indent = "        " if block.head else "    "
                lines += [f"{indent}{row}" for row in block.rows]
        return "\n".join([*lines, "", self.check, ""])

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write one page that needs nothing else; the file is replaced as a whole."""
        page.write(path, self.title, page.explanation(self))

    def to_latex(self) -> str:
        """The equations as ``align*`` environments of amsmath."""
        return latex.explanation(self)

    def __str__(self) -> str:
        return self.text()


def explain(
    f: Callable[..., Any],
    *args: Any,
    argnums: int | Sequence[int] | None = None,
    rate: float | None = None,
    digits: int = 9,
    limit: int = 12,
) -> Explanation:
    """Work one step of backpropagation by hand, with every number.

    The gradients are compared with those of :func:`adjoint.grad` before anything is shown.

    Args:
        f: a function, a model called with ``args``, or a model with ``args`` being
            ``loss, X, y``. A result that is not one number is explained for its sum.
        args: the arguments.
        argnums: which to differentiate; by default all floating ones. Of a model always the
            trainable parameters.
        rate: of gradient descent; with it the arguments after one step are shown too.
        digits: significant digits.
        limit: arrays of up to this many elements are worked element by element.

    Returns:
        The explanation: ``.text()``, ``.to_html(path)``, ``.to_latex()``, and the numbers in
        ``.value`` and ``.gradients``.

    Raises:
        GradientCheckError: the worked gradients are not the engine's.
        StructureError: nothing can be differentiated.

    >>> explanation = explain(lambda w, x: (w * x) ** 2, 3.0, 2.0, rate=0.1)
    >>> explanation.gradients
    {'w': 24.0, 'x': 36.0}
    >>> print(explanation.text().partition("gradients")[2].partition("after")[0].strip())
    ∂/∂w = 24
        ∂/∂x = 36
    """
    if digits < 1 or limit < 0:
        raise StructureError(
            "digits must be 1 or more and limit 0 or more",
            function="explain",
            got=f"digits={digits}, limit={limit}",
        )
    call, given, names, moving, title = _problem(f, args, argnums)
    if not any(moving):
        raise StructureError(
            "no argument is floating or complex, so there is no gradient to explain",
            function="explain",
            got=", ".join(type(a).__name__ for a in args) or "no arguments",
            remedy="pass floats: 3.0 for 3",
        )
    run = Pen("explain").record(call, given, moving)
    seeds = [_seed(run.value(o)) for o in run.results]
    flow = backward(run, seeds)
    gradients = {
        name: like(leaf, flow.total[value])
        for name, leaf, value, moves in zip(
            names, _floating(given), run.graph.inputs, moving, strict=True
        )
        if moves
    }
    with np.errstate(all="ignore"):
        value = call(*given)
    check = _checked(call, given, moving, gradients, value)
    writer = Writer(run, digits, limit)
    writer.names.update(zip(run.graph.inputs, names, strict=True))
    writer.name_nodes()
    result = ", ".join(writer.shown(run.value(o)) for o in run.results)
    return Explanation(
        f"{title} = {result}",
        value,
        gradients,
        tuple(Row(name, (writer.shown(x),)) for name, x in zip(names, run.leaves, strict=True)),
        tuple(writer.forward(n) for n in run.graph.nodes if not writer.is_silent(n)),
        tuple(_way_back(run, flow, writer)),
        tuple(Row(f"∂/∂{name}", (writer.shown(g),)) for name, g in gradients.items()),
        tuple(_updates(run, names, gradients, rate, writer)),
        check,
    )


def _problem(
    f: Any, args: tuple[Any, ...], argnums: int | Sequence[int] | None
) -> tuple[Callable[..., Any], tuple[Any, ...], list[str], list[bool], str]:
    """The function of floating leaves, its arguments, their names, which move, and a title."""
    if is_module(f):
        return _model_problem(f, args)
    labels = _labels(f, len(args))
    wanted = range(len(args)) if argnums is None else argnums
    chosen = {i % len(args) for i in ((wanted,) if isinstance(wanted, int) else wanted)}
    names, moving = [], []
    for i, (label, argument) in enumerate(zip(labels, args, strict=True)):
        for path, leaf in zip(tree.paths(argument), tree.leaves(argument), strict=True):
            if is_floating(leaf):
                names.append(f"{label}.{path}" if path[:1] not in ("", "[") else label + path)
                moving.append(i in chosen)
    title = f"{getattr(f, '__name__', type(f).__name__)}({', '.join(labels)})"
    return f, args, names, moving, title


def _model_problem(
    model: Any, args: tuple[Any, ...]
) -> tuple[Callable[..., Any], tuple[Any, ...], list[str], list[bool], str]:
    weights = parameters(model)
    with_loss = bool(args) and callable(args[0]) and not is_module(args[0])
    inputs = args[1:] if with_loss else args
    if with_loss and len(inputs) != 2:
        raise StructureError(
            "a model with a loss is explained on inputs and targets",
            function="explain",
            got=f"{len(inputs)} arguments after the loss",
            wanted="explain(model, loss, X, y)",
        )

    # A list, because trees sort the keys of a dict.
    def call(leaves: list[Any], *inputs: Any) -> Any:
        moved = with_leaves(model, dict(zip(weights, leaves, strict=True)))
        return args[0](moved(inputs[0]), inputs[1]) if with_loss else moved(*inputs)

    labels = ["X", "y"] if with_loss else [f"x{i}" for i in range(len(inputs))]
    names = list(weights)
    for label, argument in zip(labels, inputs, strict=True):
        for path, leaf in zip(tree.paths(argument), tree.leaves(argument), strict=True):
            if is_floating(leaf):
                names.append(f"{label}{path}")
    moving = [True] * len(weights) + [False] * (len(names) - len(weights))
    name = type(model).__name__
    if with_loss:
        title = f"{getattr(args[0], '__name__', 'loss')}({name}(X), y)"
    else:
        title = f"{name}({', '.join(labels)})"
    return call, (list(weights.values()), *inputs), names, moving, title


def _labels(f: Any, count: int) -> list[str]:
    try:
        kinds = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # built-in functions have none
        kinds = ()  # type: ignore[assignment]
    usual = [p.name for p in kinds if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [usual[i] if i < len(usual) else f"x{i}" for i in range(count)]


def _floating(args: Sequence[Any]) -> list[Any]:
    return [leaf for leaf in tree.leaves(tuple(args)) if is_floating(leaf)]


def _seed(result: Any) -> Any:
    kind = type_of(result)
    if not kind.is_differentiable:
        raise DTypeError(
            f"the result has the dtype {kind.dtype}, which has no derivative", function="explain"
        )
    return np.ones(kind.shape, kind.dtype)[()]


def _checked(
    call: Callable[..., Any],
    given: Sequence[Any],
    moving: Sequence[bool],
    gradients: dict[str, Any],
    value: Any,
) -> str:
    """Compare with the engine's own gradient.

    Raises:
        GradientCheckError: they differ by more than rounding.
    """
    flat, structure = tree.flatten(tuple(given))
    places = [i for i, leaf in enumerate(flat) if is_floating(leaf)]

    def of_leaves(*leaves: Any) -> Any:
        full = list(flat)
        for i, leaf in zip(places, leaves, strict=True):
            full[i] = leaf
        return call(*tree.unflatten(structure, full))

    leaves = [flat[i] for i in places]
    chosen = tuple(i for i, moves in enumerate(moving) if moves)
    result = tree.leaves(value)
    with np.errstate(all="ignore"):
        if len(result) == 1 and type_of(result[0]).shape == () and np.isrealobj(result[0]):
            engine = value_and_grad(of_leaves, argnums=chosen)(*leaves)[1]
        else:
            out, pullback = vjp(of_leaves, *leaves)
            pulled = pullback(tree.tree_map(_seed, out))
            engine = [pulled[i] for i in chosen]
    largest = 0.0
    for (name, ours), theirs in zip(gradients.items(), engine, strict=True):
        miss = _distance(ours, theirs)
        largest = max(largest, miss)
        eps = float(np.finfo(np.asarray(ours).dtype).eps)
        if not miss <= 1e4 * eps * max(norm(theirs), eps):
            raise GradientCheckError(
                f"the worked gradient of {name} is not the engine's",
                function="explain",
                got=array(ours),
                wanted=array(theirs),
                remedy="the function must give the same result each time: seed what it draws",
            )
    return f"checked against ad.grad: largest difference {number(largest, 3)}"


def _distance(a: Any, b: Any) -> float:
    """The norm of the difference; what is not finite must be the same in both."""
    a, b = np.asarray(a), np.asarray(b)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):
        return norm(np.where(same, 0, a - b)) if not np.isnan((a - b)[~same]).any() else np.inf


def _way_back(run: Recorded, flow: Cotangents, writer: Writer) -> Iterator[Block]:
    uses: dict[Value, list[tuple[Node, int]]] = {}
    for node in run.graph.nodes:
        for which, operand in enumerate(node.operands):
            if isinstance(operand, Value) and (node, which) in flow.shares:
                uses.setdefault(operand, []).append((node, which))
    starts = [o for o in run.results if isinstance(o, Value) and o in run.active]
    yield Block(
        "it starts with 1: δ is the derivative of the result with respect to what follows it",
        "",
        tuple(Row(f"δ{writer.names[o]}", (writer.shown(flow.total[o]),)) for o in starts),
    )
    writer.shared.update(value for value, found in uses.items() if len(found) > 1)
    for node in reversed(run.graph.nodes):
        live = [v for v in node.outputs if v in run.active and (v in uses or v in starts)]
        if not live:
            continue
        for value in live:
            if value in writer.shared:
                yield writer.arrival(value, uses[value], flow)
        yield from writer.backward(node, flow)
    for value in run.graph.inputs:
        if value in writer.shared:
            yield writer.arrival(value, uses[value], flow)


def _updates(
    run: Recorded,
    names: Sequence[str],
    gradients: dict[str, Any],
    rate: float | None,
    writer: Writer,
) -> Iterator[Row]:
    if rate is None:
        return
    d = writer.digits
    for name, leaf in zip(names, run.leaves, strict=True):
        if name not in gradients:
            continue
        before, slope = np.asarray(leaf), np.asarray(gradients[name])
        after = before - np.asarray(rate, before.dtype) * slope
        if not is_small(after, writer.limit):
            yield Row(name, (writer.shown(after),))
            continue
        for index in indices(after.shape):
            step = f"{number(before[index], d)} − {number(rate, d)} · {factor(slope[index], d)}"
            yield Row(name + place(index), (step, number(after[index], d)))
