"""A function run once, with what it did on a tape: where every derivative begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api.asked import Argnums, not_differentiable, with_aux
from adjoint.differentiate.tape import Tape, payload_of
from adjoint.rewrite.reroll import rolled_up
from adjoint.trace.indexing import concrete_value
from adjoint.trace.record import argument_payload, current
from adjoint.trace.recorder import Recorder, TracedCore, capture, plain
from adjoint.trace.replacing import as_called, look_at_function
from adjoint.trace.session import session
from adjoint.trace.slots import closing
from adjoint.trace.views import without_axes


class Run:
    """A function recorded at a point, with respect to some of its arguments."""

    __slots__ = ("aux", "leaves", "recorder", "result", "structure", "tape", "trees")

    def __init__(
        self,
        f: Callable[..., Any],
        args: Sequence[Any],
        kwargs: dict[str, Any],
        argnums: tuple[int, ...],
        name: str,
        has_aux: bool = False,
    ) -> None:
        found = [x for i in argnums for x in tree.leaves(args[i])]
        # Where values are not known (inside jit, vmap), loops that Python unrolls are rolled up.
        unknown = any(isinstance(x, TracedCore) and concrete_value(x) is None for x in found)
        recorder = self.recorder = Recorder(
            name, concrete=True, keep_all=unknown, transforming=False
        )
        call = list(args)
        self.leaves: list[Any] = []
        self.trees = []
        for position in argnums:
            leaves, structure = tree.flatten(args[position])
            made = []
            for leaf in leaves:
                payload, weak = argument_payload(leaf, name)
                if payload.dtype.kind not in "fc":
                    raise not_differentiable(payload, args[position], leaf, position, name)
                stand_in = recorder.input(payload, weak=weak)
                made.append(without_axes(stand_in) if isinstance(payload, np.ndarray) else stand_in)
            call[position] = tree.unflatten(structure, made)
            self.leaves += leaves
            self.trees.append((structure, len(leaves)))
        for position in range(len(args)):
            if position not in argnums:
                call[position] = borrowed(args[position])
        with closing(recorder):
            look_at_function(f)
            with session:
                result = as_called(f)(*call, **kwargs)
            if has_aux:
                result, aux = with_aux(f, result, name)
            outputs, self.structure = tree.flatten(result)
            outputs = [current(x) for x in outputs]
            self.tape = Tape(recorder, len(self.leaves), outputs)
            self.result = [payload_of(x, recorder) for x in outputs]
            further = self.aux = None
            if has_aux:  # the second result
                further = tree.tree_map(current, aux)
                self.aux = tree.tree_map(lambda x: payload_of(x, recorder), further)
        if unknown:
            self._roll_up(further)

    def _roll_up(self, further: Any) -> None:
        """Have unrolled loops as scans before they are differentiated."""
        recorder = self.recorder
        leaves, structure = tree.flatten(further)
        mine = [isinstance(x, TracedCore) and x.recorder is recorder for x in leaves]
        found = self.tape.change(
            rolled_up, [x for x, flag in zip(leaves, mine, strict=True) if flag]
        )
        if found is None:
            return
        n = len(self.result)
        self.result = [x if y is None else y for x, y in zip(self.result, found[:n], strict=True)]
        rest = iter(found[n:])
        kept = tree.leaves(self.aux)
        self.aux = tree.unflatten(
            structure, [next(rest) if flag else x for x, flag in zip(kept, mine, strict=True)]
        )

    def value(self) -> Any:
        """What the function returned."""
        return tree.unflatten(self.structure, self.result)

    def gather(self, cotangents: Sequence[Any]) -> list[Any]:
        """Cotangents of the leaves as one tree for each argument."""
        return self.as_trees(
            [like(leaf, x) for leaf, x in zip(self.leaves, cotangents, strict=True)]
        )

    def as_trees(self, made: Sequence[Any]) -> list[Any]:
        """Something for each leaf as one tree for each argument."""
        trees, at = [], 0
        for structure, count in self.trees:
            trees.append(tree.unflatten(structure, made[at : at + count]))
            at += count
        return trees

    def as_matrices(self, blocks: Sequence[Sequence[Any]], argnums: Argnums) -> Any:
        """Something for each leaf of the result and each leaf of the arguments, as trees."""
        rows = [self.as_trees(row) for row in blocks]
        chosen = [row[0] if isinstance(argnums, int) else tuple(row) for row in rows]
        return tree.unflatten(self.structure, chosen)


def borrowed(argument: Any) -> Any:
    """An argument that is not differentiated; recorded values may be written into its copies.

    Its arrays become stand-ins of no recording: they compute as they are, are copied before
    anything is written, and so leave the caller's as they were.
    """
    if type(argument) is np.ndarray:
        if argument.dtype.kind not in "fc" or argument.ndim == 0:
            return argument
        made = plain(argument)
        capture(made)
        return made
    if type(argument) in (list, tuple):
        return type(argument)([borrowed(part) for part in argument])
    if type(argument) is dict:
        return {key: borrowed(part) for key, part in argument.items()}
    return argument


def like(leaf: Any, x: Any) -> Any:
    """A derivative in the form of the argument it belongs to: number, scalar or array."""
    if isinstance(x, TracedCore):
        return x
    if type(leaf) is np.ndarray:
        if type(x) is not np.ndarray:
            return np.array(x)
        return x if x.flags.writeable else x.copy()
    if type(leaf) in (float, complex):
        return type(leaf)(x)
    if isinstance(leaf, np.generic):
        return x[()] if isinstance(x, np.ndarray) else x
    return np.array(x)
