"""Batch: a graph for one example becomes the graph for many, along a new leading axis.

A second table beside the primitives: each rule gets its operands with the batch axis in
front, those that have one, and gives results with it in front.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint.differentiate.replay import replay, value_of
from adjoint.errors import NoDerivativeError
from adjoint.graph.graph import Graph, Literal, Node, Value
from adjoint.graph.primitive import Primitive
from adjoint.primitives import (
    choose,
    control,
    eigenvalues,
    factorizations,
    fft,
    linalg,
    linear,
    products,
    sequences,
    singular_values,
    sweeps,
)
from adjoint.primitives.linear import broadcast, permute_axes, reshape
from adjoint.primitives.products import split_subscripts
from adjoint.trace.recorder import Recorder, bind

# (node, operands, which are batched, batch size) -> output, or tuple of outputs
BatchRule = Callable[[Node, list[Any], list[bool], int], Any]
rules: dict[str, BatchRule] = {}


def batch_rule(*rows: Primitive) -> Callable[[BatchRule], BatchRule]:
    """Note a rule for some primitives."""

    def note(rule: BatchRule) -> BatchRule:
        for row in rows:
            rules[row.name] = rule
        return rule

    return note


def batch_graph(graph: Graph, batched: Sequence[bool], size: int) -> tuple[Graph, list[bool]]:
    """The graph over a batch.

    Args:
        graph: for one example.
        batched: which inputs get a leading axis.
        size: its length.

    Returns:
        The graph, and which of its outputs have the axis.
    """
    recorder = Recorder("vmap", concrete=False, keep_all=True)
    values: dict[Value, Any] = {}
    has_axis: dict[Any, bool] = {}
    for value, flag in zip(graph.inputs, batched, strict=True):
        kind = value.type._replace(shape=(size, *value.type.shape)) if flag else value.type
        values[value] = recorder.input(kind)
        has_axis[value] = flag
    for node in graph.nodes:
        recorder.source = node.source
        operands = [value_of(o, values) for o in node.operands]
        flags = [not isinstance(o, Literal) and has_axis[o] for o in node.operands]
        if not any(flags):
            result = bind(node.primitive, operands, node.attributes)
        else:
            result = _rule_of(node)(node, operands, flags, size)
        results = result if node.primitive.several else (result,)
        for value, made in zip(node.outputs, results, strict=True):
            values[value] = made
            has_axis[value] = any(flags)
    outputs = [recorder.index_of(value_of(o, values)) for o in graph.outputs]
    flags = [not isinstance(o, Literal) and has_axis[o] for o in graph.outputs]
    made = recorder.graph(outputs, range(len(graph.inputs)), inline=1 << 62)
    recorder.closed = True
    return made.graph, flags


def _rule_of(node: Node) -> BatchRule:
    if node.primitive.stretches:
        return _stretching
    rule = rules.get(node.primitive.name)
    if rule is None:
        raise NoDerivativeError(
            f"{node.primitive.name} has no batching rule",
            function="vmap",
            source=node.source,
            remedy="write a Python loop and np.stack in place of vmap",
        )
    return rule


def everywhere(operands: list[Any], flags: list[bool], size: int) -> list[Any]:
    """All operands with the batch axis."""
    return [
        x
        if flag
        else broadcast(x if hasattr(x, "shape") else np.asarray(x), shape=(size, *np.shape(x)))
        for x, flag in zip(operands, flags, strict=True)
    ]


def _stretching(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    return bind(node.primitive, everywhere(operands, flags, size), node.attributes)


@batch_rule(linear.cast, linear.real, linear.imag, choose.stop_gradient)
def _as_it_is(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    return bind(node.primitive, operands, node.attributes)


@batch_rule(linear.sum_, choose.max_, choose.min_, choose.prod, choose.any_, choose.all_)
def _over_axes(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    axes = tuple(axis + 1 for axis in node.settings["axes"])
    return node.primitive(operands[0], axes=axes)


@batch_rule(
    linear.cumsum, choose.cumprod, choose.argmax, choose.argmin, choose.argsort, choose.sort
)
def _along_axis(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    settings = node.settings
    settings["axis"] += 1
    return node.primitive(operands[0], **settings)


@batch_rule(linear.reshape)
def _reshape(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    return reshape(operands[0], shape=(size, *node.settings["shape"]))


@batch_rule(linear.broadcast)
def _broadcast(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    (x,) = operands
    shape = node.settings["shape"]
    missing = len(shape) + 1 - len(x.shape)
    if missing:
        x = reshape(x, shape=(size, *(1,) * missing, *x.shape[1:]))
    return broadcast(x, shape=(size, *shape))


@batch_rule(linear.permute_axes)
def _permute_axes(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    return permute_axes(operands[0], axes=(0, *(axis + 1 for axis in node.settings["axes"])))


@batch_rule(linear.slice_, linear.unslice, linear.set_slice)
def _slice(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    settings = node.settings
    settings["start"] = (0, *settings["start"])
    settings["step"] = (1, *settings["step"])
    if "shape" in settings:
        settings["shape"] = (size, *settings["shape"])
    return node.primitive(*everywhere(operands, flags, size), **settings)


@batch_rule(linear.concatenate)
def _concatenate(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    return linear.concatenate(*everywhere(operands, flags, size), axis=node.settings["axis"] + 1)


# *** elements by index ***


def _with_examples(indices: list[Any], flags: list[bool], size: int) -> list[Any]:
    """Index arrays over the batch, and one more that counts the examples."""
    spread = everywhere(indices, flags, size)
    shape = spread[0].shape
    count = np.arange(size).reshape((size,) + (1,) * (len(shape) - 1))
    return [np.broadcast_to(count, shape), *spread]


def _index_order(node: Node, shape: tuple[int, ...], common: int) -> tuple[int, ...] | None:
    """How (batch, index axes, others) must be permuted to the order of one example's result.

    None if it is that order already.
    """
    axes = node.settings["axes"]
    if axes != tuple(range(axes[0], axes[0] + len(axes))) or axes[0] == 0:
        return None
    at = axes[0]
    rest = len(shape) - len(axes)
    lead = range(1 + common, 1 + common + at)
    index = range(1, 1 + common)
    tail = range(1 + common + at, 1 + common + rest)
    return (0, *lead, *index, *tail)


@batch_rule(linear.gather)
def _gather(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    axes = node.settings["axes"]
    shape = node.operands[0].type.shape
    x = everywhere(operands[:1], flags[:1], size)[0]
    indices = _with_examples(operands[1:], flags[1:], size)
    result = linear.gather(x, *indices, axes=(0, *(axis + 1 for axis in axes)))
    order = _index_order(node, shape, node.operands[1].type.ndim)
    return result if order is None else permute_axes(result, axes=order)


def _scatter_operand(node: Node, y: Any, shape: tuple[int, ...], common: int) -> Any:
    order = _index_order(node, shape, common)
    if order is None:
        return y
    return permute_axes(y, axes=tuple(order.index(i) for i in range(len(order))))


@batch_rule(linear.scatter_add)
def _scatter_add(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    settings = node.settings
    y = everywhere(operands[:1], flags[:1], size)[0]
    indices = _with_examples(operands[1:], flags[1:], size)
    y = _scatter_operand(node, y, settings["shape"], node.operands[1].type.ndim)
    axes = (0, *(axis + 1 for axis in settings["axes"]))
    return linear.scatter_add(y, *indices, axes=axes, shape=(size, *settings["shape"]))


@batch_rule(linear.scatter_set)
def _scatter_set(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    x, y = everywhere(operands[:2], flags[:2], size)
    indices = _with_examples(operands[2:], flags[2:], size)
    shape = node.operands[0].type.shape
    y = _scatter_operand(node, y, shape, node.operands[2].type.ndim)
    axes = (0, *(axis + 1 for axis in node.settings["axes"]))
    return linear.scatter_set(x, y, *indices, axes=axes)


# *** products and linear algebra ***


@batch_rule(products.matmul)
def _matmul(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    x, y = operands
    ranks = [len(o.type.shape) for o in node.operands]
    shape = (size, *node.outputs[0].type.shape)
    if not flags[1] and ranks[0] <= 2 and ranks[1] == 2:
        # One matrix for all examples: their rows are the rows of a single product.
        return _fitted(products.matmul(reshape(x, shape=(_rows(x), x.shape[-1])), y), shape)
    if not flags[0] and ranks == [2, 1]:
        return products.matmul(y, np.swapaxes(x, 0, 1))
    x, y = everywhere(operands, flags, size)
    if ranks[0] == 1:
        x = reshape(x, shape=(size, 1, x.shape[-1]))
    if ranks[1] == 1:
        y = reshape(y, shape=(*y.shape, 1))
    return _fitted(products.matmul(x, y), shape)


def _rows(x: Any) -> int:
    rows = 1
    for n in x.shape[:-1]:
        rows *= n
    return rows


def _fitted(z: Any, shape: tuple[int, ...]) -> Any:
    return z if z.shape == shape else reshape(z, shape=shape)


@batch_rule(products.einsum)
def _einsum(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    inputs, output = split_subscripts(node.settings["subscripts"])
    letter = next(c for c in _LETTERS if c not in node.settings["subscripts"])
    labels = [letter + text if f else text for text, f in zip(inputs, flags, strict=True)]
    equation = ",".join(labels) + "->" + letter + output
    return products.einsum(*operands, subscripts=equation, optimize=True)


_LETTERS = "zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLKJIHGFEDCBA"


@batch_rule(linalg.solve, linalg.inv, linalg.cholesky, linalg.det, linalg.slogdet)
@batch_rule(linalg.cofactor, linalg.cofactor_slope)
def _batched_already(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    return bind(node.primitive, everywhere(operands, flags, size), node.attributes)


@batch_rule(
    eigenvalues.eigh,
    eigenvalues.scipy_eigh,
    eigenvalues.eigvalsh,
    eigenvalues.eig,
    eigenvalues.eigvals,
    singular_values.svd,
    singular_values.svdvals,
    factorizations.qr,
    factorizations.pinv,
    fft.fft,
    fft.ifft,
    fft.rfft,
    fft.irfft,
)
def _last_axes(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    return bind(node.primitive, operands, node.attributes)


@batch_rule(factorizations.lstsq)
def _one_by_one(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    """NumPy solves one system at a time."""
    spread = everywhere(operands, flags, size)
    rows = [bind(node.primitive, [x[i] for x in spread], node.attributes) for i in range(size)]
    return tuple(np.stack(column) for column in zip(*rows, strict=True))


@batch_rule(sequences.convolve, sequences.correlate)
def _sequences(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    """Products with windows of the first sequence, filled up with zeros on both sides."""
    mode, correlates = node.settings["mode"], node.primitive is sequences.correlate
    n, m = (o.type.shape[0] for o in node.operands)
    x, v = everywhere(operands, flags, size)
    padded = linear.unslice(x, start=(0, m - 1), step=(1, 1), shape=(size, n + 2 * (m - 1)))
    start, count = sequences.span(n, m, mode, correlates)
    places = np.arange(start, start + count)[:, None] + np.arange(m)
    windows = linear.gather(padded, places, axes=(1,))
    kernel = v if correlates else np.flip(v, 1)
    return products.einsum(windows, kernel, subscripts="zkm,zm->zk", optimize=False)


# *** control ***


def batched_everywhere(graph: Graph, n_plain: int, size: int) -> Graph:
    """The graph with all inputs and outputs batched, except its first inputs."""
    mask = [i >= n_plain for i in range(len(graph.inputs))]
    inner, flags = batch_graph(graph, mask, size)
    if all(flags):
        return inner
    recorder = Recorder("vmap", concrete=False, keep_all=True)
    heads = [recorder.input(v.type) for v in inner.inputs]
    results = everywhere(replay(inner, heads), flags, size)
    made = recorder.graph(
        [recorder.index_of(x) for x in results], range(len(heads)), inline=1 << 62
    )
    recorder.closed = True
    return made.graph


@batch_rule(control.call)
def _call(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    settings = node.settings
    graph = batched_everywhere(settings["graph"], 0, size)
    return control.call(*everywhere(operands, flags, size), graph=graph, label=settings["label"])


@batch_rule(control.scan)
def _scan(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    settings = node.settings
    n_carry = settings["n_carry"]
    first_row = settings["n_constants"] + n_carry
    spread = everywhere(operands, flags, size)
    rows = [_swap_first(x) for x in spread[first_row:]]
    settings["graph"] = batched_everywhere(settings["graph"], 0, size)
    results = control.scan(*spread[:first_row], *rows, **settings)
    return (*results[:n_carry], *(_swap_first(y) for y in results[n_carry:]))


def _swap_first(x: Any) -> Any:
    return permute_axes(x, axes=(1, 0, *range(2, len(x.shape))))


@batch_rule(control.cond)
def _cond(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    settings = node.settings
    if not flags[0]:
        graphs = {k: batched_everywhere(g, 0, size) for k, g in settings.items()}
        return control.cond(operands[0], *everywhere(operands[1:], flags[1:], size), **graphs)
    # Examples differ in their branch: both are run, and each takes its own.
    spread = everywhere(operands[1:], flags[1:], size)
    true = replay(batched_everywhere(settings["on_true"], 0, size), spread)
    false = replay(batched_everywhere(settings["on_false"], 0, size), spread)
    return tuple(_choose(operands[0], a, b) for a, b in zip(true, false, strict=True))


def _choose(which: Any, a: Any, b: Any) -> Any:
    test = reshape(which, shape=(which.shape[0],) + (1,) * (len(a.shape) - 1))
    return np.where(test, a, b)


@batch_rule(control.while_loop, sweeps.while_sweeps)
def _while(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    """Run until every example is done; those that are done keep their states."""
    from adjoint.differentiate.loops import recorded, sweeps_of

    whole = sweeps_of(node, everywhere(operands, flags, size))
    assert whole.condition is not None
    test = batched_everywhere(whole.condition, 0, size)
    steps = [batched_everywhere(step, 0, size) for step in whole.steps]
    n, n_first = len(whole.of_test), len(steps[0].outputs)

    def masked(p: int) -> Graph:
        step, n_own, n_constants = steps[p], len(steps[p].outputs), len(whole.constants[p])

        def make(heads: list[Any]) -> list[Any]:
            tests, given = heads[:n], heads[n:]
            # Whether a round counts is decided by the state in which the first sweep entered it.
            active = replay(test, [*tests, *given[n_constants : n_constants + n_first]])[0]
            new = replay(step, given)
            old = given[len(given) - n_own :]
            return [_choose(active, b, a) for a, b in zip(old, new, strict=True)]

        return recorded("vmap", [*test.input_types[:n], *step.input_types], make)

    condition = recorded("vmap", test.input_types, lambda xs: [np.any(replay(test, xs)[0])])
    made = whole._replace(
        condition=condition,
        steps=tuple(masked(p) for p in range(len(steps))),
        constants=[[*whole.of_test, *xs] for xs in whole.constants],
    )
    return whole.in_order(*made.emit())


@batch_rule(sweeps.scan_sweeps)
def _scan_sweeps(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    from adjoint.differentiate.loops import sweeps_of

    whole = sweeps_of(node, everywhere(operands, flags, size))
    made = whole._replace(
        steps=tuple(batched_everywhere(step, 0, size) for step in whole.steps),
        rows=[[_swap_first(x) for x in xs] for xs in whole.rows],
    )
    last, stacks = made.emit()
    return whole.in_order(last, [[_swap_first(y) for y in ys] for ys in stacks])
