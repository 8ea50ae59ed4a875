"""Whole derivatives: Jacobians, Hessians, and products with them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api.asked import Argnums, function_wanted, positions
from adjoint.api.compiled import Jitted
from adjoint.api.gradients import derivative_along, with_gradient, without_value
from adjoint.api.taped import Run, like
from adjoint.differentiate.batch import batch_graph
from adjoint.differentiate.replay import replay
from adjoint.differentiate.tape import Derivative
from adjoint.errors import StructureError
from adjoint.graph.graph import Graph
from adjoint.graph.types import type_of

MODES = ("auto", "forward", "reverse", "sparse")


def jacobian(f: Callable[..., Any], argnums: Argnums = 0, mode: str = "auto") -> Callable[..., Any]:
    """The function that gives the derivative of every output by every input.

    ``jacobian(f)(x)[i..., j...] = d f(x)[i...] / d x[j...]``; trees of inputs and outputs
    give trees of such arrays, outputs outside.

    Args:
        f: a function of trees.
        argnums: which arguments to differentiate.
        mode: ``"forward"`` (one pass for each input), ``"reverse"`` (one for each output),
            ``"auto"`` (the fewer), or ``"sparse"`` (a SciPy sparse matrix; the pattern is
            found and coloured automatically, and kept). Of a jitted f, or inside ``jit``, the
            sparse one is a native program.

    Raises:
        StructureError: the mode is unknown.

    >>> import numpy as np
    >>> jacobian(lambda x: x**2)(np.array([1.0, 3.0]))
    array([[2., 0.],
           [0., 6.]])
    >>> jacobian(lambda x: x**2)(3.0)
    6.0
    """
    function_wanted(f, "jacobian")
    if mode not in MODES:
        raise StructureError(
            f"there is no mode {mode!r}", function="jacobian", wanted=f"one of {', '.join(MODES)}"
        )
    if mode == "sparse":
        from adjoint.api.sparse import sparse_jacobian

        return sparse_jacobian(f, argnums, jitted=isinstance(f, Jitted))

    @functools.wraps(f)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        places = positions(argnums, len(args), "jacobian")
        run = Run(f, args, kwargs, places, "jacobian")
        ins = [type_of(x) for x in run.tape.recorder.payloads[: len(run.leaves)]]
        outs = [type_of(x) for x in run.result]
        n_in, n_out = sum(t.size for t in ins), sum(t.size for t in outs)
        forward = n_in < n_out if mode == "auto" else mode == "forward"
        if mode == "auto" and _kinds(ins) != _kinds(outs):
            forward = "c" in _kinds(outs)  # one product for each input; else one for each output
        blocks = _forward(run, ins, outs) if forward else _reverse(run, ins, outs)
        rows = [list(map(_number, run.leaves, row)) for row in blocks]
        return run.as_matrices(rows, argnums)

    return transformed


def _number(leaf: Any, block: Any) -> Any:
    """A block of one element, in the form of the argument it belongs to."""
    if type(block) is not np.ndarray or block.ndim or type(leaf) is np.ndarray:
        return block
    return block.item() if type(leaf) in (float, complex) else block[()]


def _kinds(types: Sequence[Any]) -> set[str]:
    return {t.dtype.kind for t in types if t.is_differentiable}


def _basis(kinds: Sequence[Any], which: Sequence[int]) -> tuple[list[Any], int]:
    """Unit vectors of the product space of some arrays, stacked along a leading axis."""
    total = sum(kinds[i].size for i in which)
    stacks, at = [], 0
    for i in which:
        kind = kinds[i]
        unit = np.zeros((total, kind.size), kind.dtype)
        unit[np.arange(at, at + kind.size), np.arange(kind.size)] = 1
        stacks.append(unit.reshape(total, *kind.shape))
        at += kind.size
    return stacks, total


def batched_derivative(
    derivative: Derivative, n_residuals: int, size: int
) -> tuple[Graph, list[bool]]:
    """The derivative program over many directions; kept with its graph."""

    def make(graph: Graph) -> tuple[Graph, list[bool]]:
        mask = [i >= n_residuals for i in range(len(graph.inputs))]
        return batch_graph(graph, mask, size)

    made: tuple[Graph, list[bool]] = derivative.graph.memo(("batched", size), make)
    return made


def _reverse(run: Run, ins: Sequence[Any], outs: Sequence[Any]) -> list[list[Any]]:
    derivative = run.tape.pullback()
    live = derivative.active_outputs
    seeds, total = _basis(outs, live)
    blocks: list[list[Any]] = [
        [np.zeros(o.shape + i.shape, np.result_type(o.dtype, i.dtype)) for i in ins] for o in outs
    ]
    if not total:
        return blocks
    graph, flags = batched_derivative(derivative, len(derivative.residuals), total)
    results = products(graph, run.tape.residuals(derivative), seeds)
    at = 0
    for k in live:
        n = outs[k].size
        for j, (x_bar, flag) in enumerate(zip(results, flags, strict=True)):
            if flag:
                part = _as_kind(x_bar[at : at + n], blocks[k][j])
                blocks[k][j] = _owned(np.reshape(part, outs[k].shape + ins[j].shape))
        at += n
    return blocks


def products(
    graph: Graph,
    residuals: Sequence[Any],
    seeds: Sequence[Any],
    run: Callable[[Graph, Sequence[Any]], Sequence[Any]] = replay,
) -> Sequence[Any]:
    """The derivative along directions.

    Real results show a complex derivative by its real part only: they are completed by the
    products with the directions times i, which are ``Re(i J)``.
    """
    results = run(graph, [*residuals, *seeds])
    complex_seeds = any(s.dtype.kind == "c" for s in seeds)
    if not complex_seeds or all(y.dtype.kind == "c" for y in results):
        return results
    turned = [s * 1j if s.dtype.kind == "c" else np.zeros_like(s) for s in seeds]
    of_i = run(graph, [*residuals, *turned])
    return [x if x.dtype.kind == "c" else x - 1j * y for x, y in zip(results, of_i, strict=True)]


def _as_kind(part: Any, block: Any) -> Any:
    return part.real if part.dtype.kind == "c" and block.dtype.kind != "c" else part


def _owned(block: Any) -> Any:
    """A block of its own: rows of one result would share memory."""
    return np.array(block) if type(block) is np.ndarray else block


def _forward(run: Run, ins: Sequence[Any], outs: Sequence[Any]) -> list[list[Any]]:
    derivative = run.tape.pushforward()
    blocks: list[list[Any]] = [
        [np.zeros(o.shape + i.shape, np.result_type(o.dtype, i.dtype)) for i in ins] for o in outs
    ]
    seeds, total = _basis(ins, range(len(ins)))
    if not total:
        return blocks
    graph, flags = batched_derivative(derivative, len(derivative.residuals), total)
    results = products(graph, run.tape.residuals(derivative), seeds)
    for k, y_dot, flag in zip(derivative.active_outputs, results, flags, strict=True):
        if not flag:
            continue
        at = 0
        for j, kind in enumerate(ins):
            part = _as_kind(y_dot[at : at + kind.size], blocks[k][j])
            last = np.moveaxis(part, 0, -1)
            block = np.reshape(last, outs[k].shape + kind.shape)
            blocks[k][j] = _owned(block)
            at += kind.size
    return blocks


def hessian(f: Callable[..., Any], argnums: Argnums = 0, mode: str = "auto") -> Callable[..., Any]:
    """The function that gives all second derivatives: forward over reverse.

    ``hessian(f)(x)[i..., j...] = d2 f / dx[i...] dx[j...]``

    Args:
        f: returns one real number.
        argnums: which arguments; several give a tuple of tuples of blocks.
        mode: ``"sparse"`` for a SciPy sparse matrix, found from few products by a star
            colouring; else dense.

    >>> import numpy as np
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    gradient = without_value(with_gradient(f, argnums, False, None, "hessian"))
    if mode == "sparse":
        from adjoint.api.sparse import sparse_jacobian

        return sparse_jacobian(gradient, argnums, symmetric=True, jitted=isinstance(f, Jitted))
    return jacobian(gradient, argnums, mode="forward" if mode == "auto" else mode)


def hvp(f: Callable[..., Any], x: Any, v: Any) -> Any:
    """The Hessian of f at x times v, at a small multiple of the cost of f.

    Args:
        f: a function of one tree, returning one real number.
        x: where.
        v: a tree like x.

    >>> import numpy as np
    >>> hvp(lambda x: np.sum(x**3), np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    gradient = without_value(with_gradient(f, 0, False, None, "hvp"))
    return tree.tree_map(like, x, derivative_along(gradient, x, v, "hvp"))
