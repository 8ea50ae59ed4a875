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
    """A model called as ``(x, state) -> (output, state)``."""

    model: Any

    def __call__(self, x: Any, state: Any) -> tuple[Any, Any]:
        return continued(self.model, x, state)


def continued(model: Any, x: Any, state: Any) -> tuple[Any, Any]:
    """Run a model on one window, from the state in which the last one ended.

    Args:
        model: has ``run(x, initial=state) -> (output, state)`` as recurrent layers do, or is
            a Sequential of layers, some of which have it.
        x: [batch, time, ...].
        state: as returned before, None at the start.
    """
    if hasattr(model, "run"):
        output, state = model.run(x, initial=state)
        return output, state
    if not isinstance(model, nn.Sequential):
        return model(x), ()
    states = []
    for number, layer in enumerate(model.layers):
        x, new = continued(layer, x, None if state is None else state[number])
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
        batch: inputs and targets [batch, time, ...]; the last window may be shorter.
        window: its length.

    Returns:
        The next carry, and the losses: means over the windows by their lengths.
    """
    inputs, targets = batch["inputs"], batch["targets"]
    length = _time(inputs, targets)
    weights = batch.get("weights")
    whole = length // window

    def one(pair: Any, row: Any) -> Any:
        carry, state = pair
        number, x, y = row

        def forward(model: Any) -> Any:
            (output, new), wrapped = nn.apply(
                _Continued(model),
                x,
                state,
                training=True,
                key=random.fold_in(key, number),
            )
            return output, wrapped.model, new

        carry, losses, new = problem.learn(carry, forward, y, weights)
        return (carry, new), losses

    def cut(x: Any) -> Any:
        """[batch, time, ...] -> [windows, batch, window, ...]."""
        pieces = x[:, : whole * window].reshape(x.shape[0], whole, window, *x.shape[2:])
        return np.swapaxes(pieces, 0, 1)

    pair = carry, _start(problem, carry, inputs[:, : min(window, length)])
    sums: dict[str, Any] = {}
    if whole:
        rows = np.arange(whole), cut(inputs), cut(targets)
        pair, losses = scan(one, pair, rows)
        sums = {name: np.sum(values) * window for name, values in losses.items()}
    if rest := length - whole * window:
        row = np.full((), whole), inputs[:, -rest:], targets[:, -rest:]
        pair, losses = one(pair, row)
        sums = {name: sums.get(name, 0.0) + value * rest for name, value in losses.items()}
    return pair[0], {name: total / length for name, total in sums.items()}


def _time(inputs: Any, targets: Any) -> int:
    arrays = all(hasattr(x, "shape") and x.ndim >= 2 for x in (inputs, targets))
    if not arrays or inputs.shape[1] != targets.shape[1]:
        raise StructureError(
            "truncated backpropagation needs a target for each step of time",
            function="fit",
            wanted="inputs and targets [batch, time, ...] of the same time",
        )
    return int(inputs.shape[1])


def _start(problem: Problem, carry: Carry, x: Any) -> Any:
    """Zeros in the form of the model's state."""

    def state(x: Any) -> Any:
        (_, new), _ = nn.apply(
            _Continued(problem.parts.join(carry["parameters"], carry["states"])),
            x,
            None,
            training=True,
            key=random.key(0),
        )
        return new

    # Recorded only to learn the shapes.
    kind = ArrayType(tuple(x.shape), x.dtype)
    recording = record_graph(state, [kind], tree.structure((0.0,)), "fit")
    zeros = [np.zeros(t.shape, t.dtype) for t in recording.graph.output_types]
    return tree.unflatten(recording.structure, zeros)
