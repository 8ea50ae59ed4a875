"""Sparse Jacobians: their pattern is found, coloured, and filled by a few products."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api.gradients import Argnums, Run, positions
from adjoint.api.matrices import batched_derivative
from adjoint.differentiate.colouring import colour_lines, full_lines
from adjoint.differentiate.replay import replay
from adjoint.differentiate.sparsity import deciding, pattern_of
from adjoint.differentiate.tape import Derivative
from adjoint.errors import UnsupportedError
from adjoint.graph.source import source_here
from adjoint.graph.types import ArrayType, type_of
from adjoint.trace.recorder import innermost

_CHUNK_BYTES = 1 << 26  # of seeds and results in one batch of products


def sparse_jacobian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that gives the Jacobian as SciPy sparse matrices in CSR form.

    A block is [elements of the output, elements of the input], both in C order; trees of
    inputs and outputs give trees of blocks. Which entries can differ from zero at the point is
    found by following the run; then columns without a common row (or rows without a common
    column, if they need fewer) share one product.

    Args:
        f: a function of trees.
        argnums: which arguments to differentiate.

    >>> import numpy as np
    >>> sparse_jacobian(lambda x: x[1:] * x[:-1])(np.array([1.0, 2.0, 3.0])).toarray()
    array([[2., 1., 0.],
           [0., 3., 2.]])
    """

    @functools.wraps(f)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        places = positions(argnums, len(args), "jacobian")
        run = Run(f, args, kwargs, places, "jacobian")
        if innermost([*run.tape.recorder.payloads[: len(run.leaves)], *run.result]) is not None:
            raise UnsupportedError(
                "a sparse matrix cannot be made inside another transformation",
                function="jacobian",
                source=source_here(),
                remedy="take mode='forward' or 'reverse' there",
            )
        ins = [type_of(x) for x in run.tape.recorder.payloads[: len(run.leaves)]]
        outs = [type_of(x) for x in run.result]
        whole = _whole(run, ins, outs)
        rows = []
        for i in range(len(outs)):
            blocks = [_block(whole, outs, ins, i, j) for j in range(len(ins))]
            trees, at = [], 0
            for structure, count in run.trees:
                trees.append(tree.unflatten(structure, blocks[at : at + count]))
                at += count
            rows.append(trees[0] if isinstance(argnums, int) else tuple(trees))
        return tree.unflatten(run.structure, rows)

    return transformed


def _offsets(kinds: Sequence[ArrayType]) -> list[int]:
    return [0, *np.cumsum([kind.size for kind in kinds]).tolist()]


def _block(whole: Any, outs: Sequence[ArrayType], ins: Sequence[ArrayType], i: int, j: int) -> Any:
    top, left = _offsets(outs), _offsets(ins)
    dtype = np.result_type(outs[i].dtype, ins[j].dtype)
    if len(outs) == len(ins) == 1:
        return whole.astype(dtype, copy=False)
    return whole[top[i] : top[i + 1], left[j] : left[j + 1]].astype(dtype, copy=False)


def _whole(run: Run, ins: Sequence[ArrayType], outs: Sequence[ArrayType]) -> Any:
    """All blocks as one matrix.

    Mostly by one mode, in which lines of one colour share a product. Lines that would need
    many colours, because they are nearly full, are found by the other mode, one by one.
    """
    from scipy import sparse

    shape = (sum(t.size for t in outs), sum(t.size for t in ins))
    dtype = np.result_type(*(t.dtype for t in [*ins, *outs] if t.is_differentiable))
    forward = run.tape.pushforward()
    if 0 in shape or not forward.active_outputs:
        return sparse.csr_array(shape, dtype=dtype)
    plan = _plan(forward, run.tape.residuals(forward), outs, shape)
    first, second = (_pushed, _pulled) if plan.by_rows else (_pulled, _pushed)
    data = np.empty(len(plan.indices), dtype)
    flat = first(run, ins, outs, plan.colours, plan.count, dtype)
    data[plan.rest] = flat.reshape(-1)[plan.rest_at]
    if plan.n_full:
        flat = second(run, ins, outs, plan.alone, plan.n_full, dtype)
        data[plan.those] = flat.reshape(-1)[plan.those_at]
    found = sparse.csr_array(shape, dtype=dtype)
    # The plan's arrays are sorted and whole; each matrix gets indices of its own.
    found.data, found.indices, found.indptr = data, plan.indices.copy(), plan.indptr.copy()
    return found


@dataclass(frozen=True)
class _Plan:
    """Where entries may differ from zero, and which products give them.

    Lines are what a colour may meet once: rows, or columns. ``rest`` are the entries of lines
    that are coloured, ``those`` the entries of lines that are nearly full and taken one by
    one; ``rest_at`` and ``those_at`` tell where they lie among the products' results.
    """

    indptr: Any
    indices: Any
    by_rows: bool
    colours: Any
    count: int
    rest: Any
    rest_at: Any
    alone: Any
    n_full: int
    those: Any
    those_at: Any


def _plan(
    forward: Derivative, residuals: Sequence[Any], outs: Sequence[ArrayType], shape: tuple[int, int]
) -> _Plan:
    """The plan of a derivative; kept for the next point if nothing that matters differs."""
    key = tuple(
        [(np.shape(x), np.asarray(x).tobytes()) for x in deciding(forward.graph, residuals)]
    )
    # The last plan only: masks that change at every point would fill the memory.
    kept: dict[str, Any] = forward.graph.memo("sparse plan", lambda _: {"key": None})
    if kept["key"] != key:
        kept.update(key=key, plan=_new_plan(forward, residuals, outs, shape))
    plan: _Plan = kept["plan"]
    return plan


def _new_plan(
    forward: Derivative, residuals: Sequence[Any], outs: Sequence[ArrayType], shape: tuple[int, int]
) -> _Plan:
    from scipy import sparse

    found = pattern_of(forward.graph, residuals)
    by_output = dict(zip(forward.active_outputs, found, strict=True))
    empty = [sparse.csr_array((t.size, shape[1]), dtype=bool) for t in outs]
    pattern = sparse.vstack([by_output.get(i, e) for i, e in enumerate(empty)], format="csr")
    pattern.sum_duplicates()
    rows = np.repeat(np.arange(shape[0]), np.diff(pattern.indptr))
    columns = pattern.indices
    by_rows, by_columns = full_lines(rows, shape[0]), full_lines(columns, shape[1])
    chosen = by_rows.cost <= by_columns.cost
    if chosen:
        lines, others, full, n = rows, columns, by_rows.full, shape
    else:
        lines, others, full, n = columns, rows, by_columns.full, shape[::-1]
    is_full = np.zeros(n[0], bool)
    is_full[full] = True
    rest = np.flatnonzero(~is_full[lines])
    colours, count = colour_lines(lines[rest], others[rest], n)
    alone = np.full(n[0], -1)
    alone[full] = np.arange(len(full))
    those = np.flatnonzero(is_full[lines])
    return _Plan(
        pattern.indptr,
        columns,
        chosen,
        colours,
        count,
        rest,
        colours[others[rest]] * n[0] + lines[rest],
        alone,
        len(full),
        those,
        alone[lines[those]] * n[1] + others[those],
    )


def _pushed(run: Run, ins: Any, outs: Any, colours: Any, count: int, dtype: Any) -> Any:
    """Forward products with the directions of each colour: [colours, elements of outputs]."""
    derivative, top = run.tape.pushforward(), _offsets(outs)
    whole = np.zeros((count, top[-1]), dtype)
    live = [outs[i] for i in derivative.active_outputs]
    flat = _products(run, derivative, ins, live, colours, count, dtype)
    at = 0
    for i in derivative.active_outputs:
        whole[:, top[i] : top[i + 1]] = flat[:count, at : at + outs[i].size]
        at += outs[i].size
    return whole


def _pulled(run: Run, ins: Any, outs: Any, colours: Any, count: int, dtype: Any) -> Any:
    """Reverse products with the directions of each colour: [colours, elements of inputs]."""
    derivative, top = run.tape.pullback(), _offsets(outs)
    live = [outs[i] for i in derivative.active_outputs]
    mine = np.concatenate([colours[top[i] : top[i + 1]] for i in derivative.active_outputs])
    return _products(run, derivative, live, ins, mine, count, dtype)


def _products(
    run: Run,
    derivative: Derivative,
    sources: Sequence[ArrayType],
    targets: Sequence[ArrayType],
    colours: Any,
    count: int,
    dtype: Any,
) -> Any:
    """The derivative along the sum of the directions of each colour: [colours, targets].

    Directions without a colour have -1.
    """
    residuals = run.tape.residuals(derivative)
    n_sources, n_targets = sum(t.size for t in sources), sum(t.size for t in targets)
    width = max(1, min(count, _CHUNK_BYTES // (8 * (n_sources + n_targets))))
    n_chunks = -(-count // width)
    width = -(-count // n_chunks)
    flat = np.empty((n_chunks * width, n_targets), dtype)
    graph, flags = batched_derivative(derivative, len(residuals), width)
    for first in range(0, n_chunks * width, width):
        seeds, at = [], 0
        for kind in sources:
            mine = colours[at : at + kind.size] - first
            seed = np.zeros((width, kind.size), kind.dtype)
            inside = np.flatnonzero((mine >= 0) & (mine < width))
            seed[mine[inside], inside] = 1
            seeds.append(seed.reshape(width, *kind.shape))
            at += kind.size
        results = replay(graph, [*residuals, *seeds])
        at = 0
        for kind, y, flag in zip(targets, results, flags, strict=True):
            part = np.reshape(y, (width, kind.size)) if flag else np.reshape(y, (1, kind.size))
            flat[first : first + width, at : at + kind.size] = part
            at += kind.size
    return flat
