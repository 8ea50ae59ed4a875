"""vmap: a function of one example becomes a function of many."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
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

Axes = int | None | Sequence[Any]


def vmap(f: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """Apply f to each example along an axis of its arguments, all at once.

    ``vmap(f)(xs)[i] = f(xs[i])``. While f runs, the arguments have the shape of one example
    and no values: decisions need ``np.where`` or ``ad.cond``.

    Args:
        f: a function of trees of arrays.
        in_axes: the axis of examples in every leaf: one for all arguments, or one for each
            argument; None for arguments that are the same for all examples.
        out_axes: where the axis stands in the results.

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
        payloads, batched, constants = _examples(args, axes)
        size = _batch_size(payloads, batched)
        types, weak = [], []
        for (x, is_weak), flag in zip(payloads, batched, strict=True):
            shape = x.shape[1:] if flag else x.shape
            types.append(ArrayType(shape, x.dtype))
            weak.append(is_weak)
        mapped_args = [a for a, axis in zip(args, axes, strict=True) if axis is not None]
        _, structure = tree.flatten(tuple(mapped_args))

        def one_example(*given: Any) -> Any:
            rest = iter(given)
            return f(
                *(
                    c if axis is None else next(rest)
                    for c, axis in zip(constants, axes, strict=True)
                )
            )

        recording = record_graph(one_example, types, structure, "vmap", weak=weak)
        flags = batched + [False] * len(recording.captured)
        one = merge_scans(rolled_up(recording.graph))
        graph, has_axis = batch_graph(one, flags, size)
        # The user's np.errstate has ended, and where a value is chosen both are computed.
        with np.errstate(all="ignore"):
            results = replay(graph, [x for x, _ in payloads] + recording.captured)
        outs = []
        targets = _out_axes(out_axes, recording.structure)
        for y, flag, target in zip(results, has_axis, targets, strict=True):
            if not flag:
                y = np.broadcast_to(y, (size, *np.shape(y)))
                y = _owned(y)
            _axis_wanted(y, target, "out_axes")
            outs.append(y if target == 0 else np.moveaxis(y, 0, target))
        return tree.unflatten(recording.structure, outs)

    return mapped


def _owned(y: Any) -> Any:
    return y.copy() if type(y) is np.ndarray else y


def _out_axes(out_axes: Any, structure: tree.TreeDef) -> list[int]:
    if isinstance(out_axes, int):
        return [out_axes] * structure.num_leaves
    axes = tree.leaves(out_axes)
    if len(axes) != structure.num_leaves:
        raise StructureError(
            "out_axes must be one axis or one for each result",
            function="vmap",
            got=f"{len(axes)} axes for {structure.num_leaves} results",
        )
    return axes


def _examples(args: Any, axes: Any) -> tuple[list[Any], list[bool], list[Any]]:
    """Leaves of the mapped arguments with the axis in front; the others as they are."""
    payloads, batched, constants = [], [], []
    for argument, axis in zip(args, axes, strict=True):
        constants.append(argument if axis is None else None)
        if axis is None:
            continue
        leaves = tree.leaves(argument)
        places = [axis] * len(leaves) if isinstance(axis, int) else tree.leaves(axis)
        for leaf, place in zip(leaves, places, strict=True):
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
            batched.append(True)
    return payloads, batched, constants


def _axis_wanted(x: Any, axis: int, name: str) -> None:
    if not -len(x.shape) <= axis < len(x.shape):
        raise StructureError(
            "there is no such axis for the examples",
            function="vmap",
            source=source_here(),
            got=f"{name}={axis} for {described(x)}",
            wanted=f"an axis from 0 to {len(x.shape) - 1}",
        )


def _batch_size(payloads: list[Any], batched: list[bool]) -> int:
    shown = [x for (x, _), flag in zip(payloads, batched, strict=True) if flag]
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
