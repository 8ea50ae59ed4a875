"""Sparse Jacobians: their pattern is found, coloured, and filled by a few products."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint.api.asked import Argnums, positions
from adjoint.api.compiled import Jitted
from adjoint.api.matrices import batched_derivative
from adjoint.api.matrices import products as along
from adjoint.api.sparse_plan import Plan, Products, make_plan
from adjoint.api.taped import Run
from adjoint.differentiate.replay import replay
from adjoint.differentiate.sparsity import deciding
from adjoint.differentiate.tape import Derivative
from adjoint.graph.graph import Graph
from adjoint.graph.types import ArrayType, type_of
from adjoint.trace.indexing import concrete_value
from adjoint.trace.recorder import TracedCore, innermost

_CHUNK_BYTES = 1 << 26  # of seeds and results in one batch of products
# A program that has computed this many elements in NumPy is compiled, unless it is very long:
# compiling takes about as long as they did.
_HOT, _LONG = 20_000_000, 2000


class _DecidedByValuesError(Exception):
    """The pattern cannot be found before the values are there."""


def sparse_jacobian(
    f: Callable[..., Any], argnums: Argnums = 0, *, symmetric: bool = False, jitted: bool = False
) -> Callable[..., Any]:
    """The function that gives the Jacobian as SciPy sparse matrices in CSR form.

    A block is [elements of the output, elements of the input], both in C order; trees of
    inputs and outputs give trees of blocks. Which entries can differ from zero at the point is
    found by following the run; then columns without a common row (or rows without a common
    column, if they need fewer) share one product.

    Args:
        f: a function of trees.
        argnums: which arguments to differentiate.
        symmetric: f is a gradient: its outputs are like the arguments, its Jacobian is
            symmetric, and a star colouring may need still fewer products.
        jitted: all of it is one native program, unless the pattern depends on values.

    >>> import numpy as np
    >>> sparse_jacobian(lambda x: x[1:] * x[:-1])(np.array([1.0, 2.0, 3.0])).toarray()
    array([[2., 1., 0.],
           [0., 3., 2.]])
    """
    make = functools.partial(_jacobian, f, argnums, symmetric)
    if not jitted:
        return functools.wraps(f)(functools.partial(make, False))
    program = Jitted(functools.partial(make, True), threads=getattr(f, "_threads", None))
    decided_by_values = False

    @functools.wraps(f)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        nonlocal decided_by_values
        if not decided_by_values:
            try:
                return program(*args, **kwargs)
            except _DecidedByValuesError:
                decided_by_values = True
        return make(False, *args, **kwargs)

    return transformed


def _jacobian(
    f: Callable[..., Any],
    argnums: Argnums,
    symmetric: bool,
    before: bool,
    /,
    *args: Any,
    **kwargs: Any,
) -> Any:
    """The blocks at a point; ``before``: the pattern must not depend on values."""
    places = positions(argnums, len(args), "jacobian")
    run = Run(f, args, kwargs, places, "jacobian")
    ins = [type_of(x) for x in run.tape.recorder.payloads[: len(run.leaves)]]
    outs = [type_of(x) for x in run.result]
    blocks = _blocks(run, ins, outs, symmetric, before)
    return run.as_matrices(blocks, argnums)


def _blocks(
    run: Run, ins: Sequence[ArrayType], outs: Sequence[ArrayType], symmetric: bool, before: bool
) -> list[list[Any]]:
    forward = run.tape.pushforward()
    plan = _plan(forward, run.tape.residuals(forward), ins, outs, symmetric, before)
    parts = []
    for products in plan.products:
        derivative = forward if products.forward else run.tape.pullback()
        flat = _flat(run, derivative, products)
        parts.append(np.reshape(flat, (-1,))[products.at])
    if plan.order is not None:
        data = np.concatenate(parts)[plan.order]
    else:
        data = parts[0] if parts else np.zeros(0)
    return [
        [block.matrix(data if block.entries is None else data[block.entries]) for block in row]
        for row in plan.blocks
    ]


def _plan(
    forward: Derivative,
    residuals: Sequence[Any],
    ins: Sequence[ArrayType],
    outs: Sequence[ArrayType],
    symmetric: bool,
    before: bool,
) -> Plan:
    """The plan of a derivative; kept for the next point if nothing that matters differs."""
    known = [_known(x) for x in residuals]
    looked_at = deciding(forward.graph, known)
    if before and any(isinstance(x, ArrayType) for x in looked_at):
        raise _DecidedByValuesError
    values = [
        x if isinstance(x, ArrayType) else (np.shape(x), np.asarray(x).tobytes()) for x in looked_at
    ]
    key = (tuple(ins), tuple(outs), symmetric, *values)
    # The last plan only: masks that change at every point would fill the memory.
    kept: dict[str, Any] = forward.graph.memo("sparse plan", lambda _: {"key": None})
    if kept["key"] != key:
        kept.update(key=key, plan=make_plan(forward, known, ins, outs, symmetric))
    plan: Plan = kept["plan"]
    return plan


def _known(x: Any) -> Any:
    """A residual's value, or its type where values are not known."""
    if not isinstance(x, TracedCore):
        return x
    value = concrete_value(x)
    return type_of(x) if value is None else value


def _flat(run: Run, derivative: Derivative, products: Products) -> Any:
    """The derivative along the sum of the directions of each colour: [colours, targets]."""
    residuals = run.tape.residuals(derivative)
    kinds = derivative.graph.input_types[len(residuals) :]
    targets = derivative.graph.output_types
    each = 8 * sum(t.size for t in [*kinds, *targets])
    width = max(1, min(products.count, _CHUNK_BYTES // max(each, 1)))
    n_chunks = -(-products.count // width)
    width = -(-products.count // n_chunks)
    graph, flags = batched_derivative(derivative, len(residuals), width)
    chunks = []
    for k in range(n_chunks):
        seeds = products.seeds(kinds, k * width, width)
        results = along(graph, residuals, seeds, _evaluate)
        rows = []
        for kind, y, flag in zip(targets, results, flags, strict=True):
            row = np.reshape(y, (width if flag else 1, kind.size))
            rows.append(row if flag else np.broadcast_to(row, (width, kind.size)))
        chunks.append(rows[0] if len(rows) == 1 else np.concatenate(rows, axis=1))
    return chunks[0] if len(chunks) == 1 else np.concatenate(chunks)


class _Heat:
    """How much a program has computed in NumPy, and its native form when that was much."""

    __slots__ = ("elements", "native")

    def __init__(self, _: Graph) -> None:
        self.elements = 0
        self.native: Any = None


def _evaluate(graph: Graph, arguments: Sequence[Any]) -> Sequence[Any]:
    """The program of some products: in NumPy at first, natively when it has been used much."""
    if innermost(arguments) is not None:
        return replay(graph, arguments)
    heat: _Heat = graph.memo("heat", _Heat)
    if heat.native is None:
        if heat.elements < _HOT or len(graph.nodes) > _LONG:
            heat.elements += sum(value.type.size for node in graph.nodes for value in node.outputs)
            return replay(graph, arguments)
        from adjoint.run import compile_graph

        heat.native = compile_graph(graph)
    made: Sequence[Any] = heat.native(arguments)
    return made
