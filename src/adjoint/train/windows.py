"""Truncated backpropagation through time: long sequences learned window by window.

Each window is one update; the state of the recurrent layers goes on from window to window,
its derivative does not (Williams and Peng, 1990).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adjoint import nn, tree
from adjoint.api import scan
from adjoint.errors import StructureError
from adjoint.graph.types import ArrayType
from adjoint.nn import random
from adjoint.trace.record import record_graph

if TYPE_CHECKING:
    from adjoint.train.problem import Carry, Problem


class _Continued(nn.Module):
    """A model called as ``(inputs, state) -> (output, state)``."""

    model: Any

    def __call__(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        return continued(self.model, inputs if isinstance(inputs, tuple) else (inputs,), state)


def continued(model: Any, inputs: tuple[Any, ...], state: Any) -> tuple[Any, Any]:
    """Run a model on one window, from the state in which the last one ended.

    Args:
        model: has ``run(*inputs, initial=state) -> (output, state)`` as recurrent layers do, or
            is a Sequential of layers, some of which have it.
        inputs: the arguments of the model; arrays [batch, time, ...].
        state: as returned before, None at the start.
    """
    if hasattr(model, "run"):
        output, state = model.run(*inputs, initial=state)
        return output, state
    if not isinstance(model, nn.Sequential):
        return model(*inputs), ()
    (x,), states = inputs, []
    for number, layer in enumerate(model.layers):
        x, new = continued(layer, (x,), None if state is None else state[number])
        states.append(new)
    return x, tuple(states)


def run_windowed(
    problem: Problem, carry: Carry, key: Any, batch: Any, window: int
) -> tuple[Carry, dict[str, Any]]:
    """All windows of a batch of sequences, one update each.

    Args:
        problem: what is learned.
        carry: as for a step.
        key: of the batch.
        batch: inputs and targets, trees of [batch, time, ...], and maybe weights [batch] or
            [batch, time]; the last window may be shorter.
        window: its length.

    Returns:
        The next carry, and the losses: means over the windows by their lengths, or by the sums
        of their weights.
    """
    length = _time(batch)
    whole = length // window
    lasting = {name: x for name, x in batch.items() if name == "weights" and x.ndim == 1}
    timed = {name: x for name, x in batch.items() if name not in lasting}

    def one(pair: Any, row: Any) -> Any:
        carry, state = pair
        number, part = row
        part = {**part, **lasting}

        def forward(model: Any) -> Any:
            (output, new), wrapped = nn.apply(
                _Continued(model),
                part["inputs"],
                state,
                training=True,
                key=random.fold_in(key, number),
            )
            return output, wrapped.model, new

        weights = part.get("weights")
        carry, losses, new = problem.learn(carry, forward, part["targets"], weights)
        share: Any = np.float64(1)
        if "weights" in timed:
            share = np.sum(part["weights"], dtype=np.float64)
        return (carry, new), (losses, share)

    def cut(x: Any) -> Any:
        """[batch, time, ...] -> [windows, batch, window, ...]."""
        pieces = x[:, : whole * window].reshape(x.shape[0], whole, window, *x.shape[2:])
        return np.swapaxes(pieces, 0, 1)

    def slices(start: int, stop: int | None) -> Any:
        return tree.tree_map(lambda x: x[:, start:stop], timed)

    pair = carry, _start(problem, carry, slices(0, min(window, length))["inputs"])
    found = []
    if whole:
        pair, rows = scan(one, pair, (np.arange(whole), tree.tree_map(cut, timed)))
        found.append((rows, window))
    if rest := length - whole * window:
        pair, row = one(pair, (np.full((), whole), slices(length - rest, None)))
        found.append((row, rest))
    # A weighed window counts by its weights, another by its length.
    counts = [share * (1 if "weights" in timed else steps) for (_, share), steps in found]
    return pair[0], _means([losses for (losses, _), _ in found], counts)


def _means(losses: list[dict[str, Any]], counts: list[Any]) -> dict[str, Any]:
    """Means of losses by name, each [windows] or [], by what the windows count."""
    total: Any = sum(np.sum(count) for count in counts)
    total = np.where(total == 0, 1, total)
    return {
        name: sum(np.sum(x[name] * count) for x, count in zip(losses, counts, strict=True)) / total
        for name in losses[0]
    }


def _time(batch: Any) -> Any:
    arrays = tree.leaves([batch["inputs"], batch["targets"]])
    lengths = {x.shape[1] if x.ndim >= 2 else None for x in arrays}
    weights = batch.get("weights")
    if weights is not None and weights.ndim > 1:
        lengths.add(weights.shape[1])
    if len(lengths) != 1 or None in lengths:
        raise StructureError(
            "truncated backpropagation needs inputs and a target for each step of time",
            function="fit",
            got=", ".join(str(tuple(x.shape)) for x in arrays),
            wanted="arrays [batch, time, ...] of the same time",
            remedy="repeat along time what is the same at every step",
        )
    return lengths.pop()


def _start(problem: Problem, carry: Carry, inputs: Any) -> Any:
    """Zeros in the form of the model's state."""

    def state(inputs: Any) -> Any:
        (_, new), _ = nn.apply(
            _Continued(problem.parts.join(carry["parameters"], carry["states"])),
            inputs,
            None,
            training=True,
            key=random.key(0),
        )
        return new

    # Recorded only to learn the shapes.
    kinds = [ArrayType(tuple(x.shape), x.dtype) for x in tree.leaves(inputs)]
    recording = record_graph(state, kinds, tree.structure((inputs,)), "fit")
    zeros = [np.zeros(t.shape, t.dtype) for t in recording.graph.output_types]
    return tree.unflatten(recording.structure, zeros)
