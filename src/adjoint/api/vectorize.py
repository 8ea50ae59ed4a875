"""vmap: a function of one example becomes a function of many."""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api.asked import described, function_wanted
from adjoint.differentiate.batch import batch_graph
from adjoint.differentiate.merge import merge_scans
from adjoint.differentiate.replay import replay
from adjoint.errors import StructureError
from adjoint.graph.source import source_here
from adjoint.graph.types import ArrayType
from adjoint.rewrite.reroll import rolled_up
from adjoint.trace.record import argument_payload, record_graph


def vmap(f: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """Apply f to each example along an axis of its arguments, all at once.

    ``vmap(f)(xs)[i] = f(xs[i])``. While f runs, the arguments have the shape of one example
    and no values: decisions need ``np.where`` or ``ad.cond``.

    Args:
        f: a function of trees of arrays.
        in_axes: the axis of examples: one for all arguments, or one for each argument, or for
            each part of one in a tree like it; None for what is the same for all examples.
        out_axes: where the axis stands in the results, in the same way; None for results that
            are the same for all examples, and have no such axis.

    Raises:
        StructureError: the arguments have different numbers of examples, or none an axis.

    >>> import numpy as np
    >>> vmap(np.dot)(np.ones((3, 2)), np.arange(6.0).reshape(3, 2))
    array([1., 5., 9.])
    """
    function_wanted(f, "vmap")

    @functools.wraps(f)
    def mapped(*args: Any, **options: Any) -> Any:
        if options:
            raise StructureError(
                "named arguments have no axis of examples",
                function="vmap",
                got=", ".join(options),
                remedy="bind them first: vmap(functools.partial(f, name=value))",
            )
        axes = tuple(in_axes) if isinstance(in_axes, list | tuple) else (in_axes,) * len(args)
        if len(axes) != len(args):
            raise StructureError(
                "in_axes must be one axis or one for each argument",
                function="vmap",
                got=f"{len(axes)} axes for {len(args)} arguments",
            )
        leaves, places, trees = _leaves(args, axes)
        payloads = _examples(leaves, places)
        size = _batch_size([x for x, _ in payloads])
        types = [ArrayType(x.shape[1:], x.dtype) for x, _ in payloads]
        weak = [is_weak for _, is_weak in payloads]
        structure = tree.structure((0.0,) * len(types))

        def one_example(*given: Any) -> Any:
            rest = iter(given)
            parts = iter(
                [x if k is None else next(rest) for x, k in zip(leaves, places, strict=True)]
            )
            return f(
                *(
                    argument if shape is None else tree.unflatten(shape, islice(parts, count))
                    for argument, (shape, count) in zip(args, trees, strict=True)
                )
            )

        recording = record_graph(one_example, types, structure, "vmap", weak=weak)
        flags = [True] * len(payloads) + [False] * len(recording.captured)
        one = merge_scans(rolled_up(recording.graph))
        graph, has_axis = batch_graph(one, flags, size)
        # The user's np.errstate has ended, and where a value is chosen both are computed.
        with np.errstate(all="ignore"):
            results = replay(graph, [x for x, _ in payloads] + recording.captured)
        outs = []
        targets: list[int | None] = [out_axes] * len(results)
        if not (out_axes is None or isinstance(out_axes, int | np.integer)):
            like = tree.unflatten(recording.structure, [0.0] * len(results))
            targets = _axis_of_each(out_axes, like, "out_axes")
        for y, flag, target in zip(results, has_axis, targets, strict=True):
            if target is None:
                outs.append(_of_all(y, flag))
                continue
            if not flag:
                y = np.broadcast_to(y, (size, *np.shape(y)))
                y = _owned(y)
            _axis_wanted(y, target, "out_axes")
            outs.append(y if target == 0 else np.moveaxis(y, 0, target))
        return tree.unflatten(recording.structure, outs)

    return mapped


def _owned(y: Any) -> Any:
    return y.copy() if type(y) is np.ndarray else y


def _of_all(y: Any, differs: bool) -> Any:
    """A result without an axis of examples."""
    if differs:
        raise StructureError(
            "a result that depends on the example has an axis of examples",
            function="vmap",
            got="out_axes=None for it",
            remedy="say where the axis is to stand, or reduce it: vmap(f)(xs).mean(axis=0)",
        )
    return _owned(y)


def _axis_of_each(axes: Any, whole: Any, name: str) -> list[int | None]:
    """The axis of every leaf of a tree, by a tree of axes that may end above the leaves."""
    if axes is None or isinstance(axes, int | np.integer):
        return [axes if axes is None else int(axes)] * len(tree.leaves(whole))
    inner, outer = tree.children(axes), tree.children(whole)
    if inner is not None and outer is not None and len(inner) == len(outer):
        pairs = zip(inner, outer, strict=True)
        return [axis for part, of in pairs for axis in _axis_of_each(part, of, name)]
    flat = tree.leaves(axes)
    if len(flat) != len(tree.leaves(whole)):
        raise StructureError(
            f"{name} must be one axis, or a tree of axes like that of the arrays",
            function="vmap",
            source=source_here(),
            got=f"{len(flat)} axes for {len(tree.leaves(whole))} arrays",
        )
    return flat


def _leaves(args: Any, axes: Any) -> tuple[list[Any], list[int | None], list[Any]]:
    """Leaves of the arguments with their axes; and how many make up which tree.

    An argument that is the same for all examples is none: it is handed on as it is.
    """
    leaves: list[Any] = []
    places: list[int | None] = []
    trees: list[Any] = []
    for argument, axis in zip(args, axes, strict=True):
        if axis is None:
            trees.append((None, 0))
            continue
        found, structure = tree.flatten(argument)
        leaves += found
        places += _axis_of_each(axis, argument, "in_axes")
        trees.append((structure, len(found)))
    return leaves, places, trees


def _examples(leaves: list[Any], places: list[int | None]) -> list[tuple[Any, bool]]:
    """The leaves that have an axis of examples, with that in front."""
    payloads = []
    for leaf, place in zip(leaves, places, strict=True):
        if place is None:
            continue
        x, weak = argument_payload(leaf, "vmap")
        if len(x.shape) == 0:
            raise StructureError(
                "an argument to map over has no axis",
                function="vmap",
                got=f"a number ({leaf!r})",
                remedy="set its in_axes to None",
            )
        _axis_wanted(x, place, "in_axes")
        payloads.append((x if place == 0 else np.moveaxis(x, place, 0), weak))
    return payloads


def _axis_wanted(x: Any, axis: int, name: str) -> None:
    if not -len(x.shape) <= axis < len(x.shape):
        raise StructureError(
            "there is no such axis for the examples",
            function="vmap",
            source=source_here(),
            got=f"{name}={axis} for {described(x)}",
            wanted=f"an axis from 0 to {len(x.shape) - 1}",
        )


def _batch_size(shown: list[Any]) -> int:
    sizes = {x.shape[0] for x in shown}
    if len(sizes) != 1:
        raise StructureError(
            "the arguments must have the same number of examples",
            function="vmap",
            source=source_here(),
            got=" and ".join(f"{x.shape[0]} (of {described(x)})" for x in shown)
            or "no argument with an axis",
            remedy="set in_axes to None for an argument that is the same for all examples",
        )
    return int(sizes.pop())
