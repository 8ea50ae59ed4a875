"""Optimisers around an optimiser: clipping, decay, accumulation, averages, groups, plateaus.

Each takes the optimiser it wraps first, so they nest:
``clip_by_norm(weight_decay(sgd(0.1), l2=1e-4), 1.0)`` clips what the loss gives, then adds the
decay, then steps.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.errors import StructureError
from adjoint.optim.optimizer import Optimizer, State, as_optimizer, fit
from adjoint.optim.paths import matches, names
from adjoint.settings import check_range, inside


class _Wrapper(Optimizer):
    """An optimiser that passes on to an inner one what it does not change."""

    inner: Optimizer

    def __post_init__(self) -> None:
        """Refuse an inner optimiser that is none, and settings that lie outside."""
        name = self.spoken_name()
        remedy = f"the optimiser comes first: {name}(optim.adam(1e-3), ...)"
        object.__setattr__(self, "inner", as_optimizer(self.inner, name, remedy))
        super().__post_init__()

    def init(self, parameters: Any) -> State:
        """The inner state."""
        return self.inner.init(parameters)

    def update(self, gradients: Any, state: State, parameters: Any) -> tuple[Any, State]:
        """The inner step."""
        return self.inner.update(gradients, state, parameters)

    def observe(self, state: State, value: Any) -> State:
        """The inner optimiser takes note."""
        return self.inner.observe(state, value)

    def evaluation(self, state: State, parameters: Any) -> Any:
        """What the inner optimiser evaluates with."""
        return self.inner.evaluation(state, parameters)


def global_norm(gradients: Any) -> Any:
    """Euclidean length of all arrays of a tree taken together."""
    total: Any = 0.0
    for leaf in tree.leaves(gradients):
        total = total + np.sum(np.square(np.abs(leaf)))
    return np.sqrt(total)


class ClipByNorm(_Wrapper):
    """Gradients longer than ``limit``, all arrays taken together, are shortened to it.

    Args:
        inner: the optimiser.
        limit: the greatest length.
    """

    ranges = inside(limit="(0, inf]")

    inner: Optimizer
    limit: float = 1.0

    def update(self, gradients: Any, state: State, parameters: Any) -> tuple[Any, State]:
        """Shorten, then step."""
        norm = global_norm(gradients)
        # Written so that a norm of 0 divides nothing and a NaN stays one.
        factor = np.where(norm <= self.limit, 1.0, self.limit / np.where(norm == 0, 1.0, norm))
        clipped = tree.tree_map(lambda g: g * fit(factor, g), gradients)
        return self.inner.update(clipped, state, parameters)


class ClipByValue(_Wrapper):
    """Every number of the gradient is kept within +-``limit``.

    Args:
        inner: the optimiser.
        limit: the greatest absolute value.
    """

    ranges = inside(limit="(0, inf]")

    inner: Optimizer
    limit: float = 1.0

    def update(self, gradients: Any, state: State, parameters: Any) -> tuple[Any, State]:
        """Clip, then step."""
        clipped = tree.tree_map(lambda g: np.clip(g, -self.limit, self.limit), gradients)
        return self.inner.update(clipped, state, parameters)


WEIGHTS = ("*weight*", "*recurrent*")
"""The paths of weights, as the layers of :mod:`adjoint.nn` name them; biases are none."""


def _check_some(only: tuple[str, ...], parameters: Any, function: str) -> None:
    """Refuse patterns that no parameter fits, which would go unnoticed."""
    found = names(parameters)
    if not any(matches(path, only) for path in found):
        raise StructureError(
            "no parameter is treated",
            function=function,
            got=f"only={only}, and parameters {', '.join(found)}"[:300],
            remedy='name them, such as only=("W*",), or only=("*",) for all',
        )


class WeightDecay(_Wrapper):
    """Adds ``l2 p + l1 sign(p)`` to the gradient: the penalty ``l2 |p|^2 / 2 + l1 |p|``.

    Args:
        inner: the optimiser.
        l2: pulls weights towards 0 in proportion.
        l1: pulls them all with one force, so that small ones end at 0.
        only: patterns of the paths that decay, ``*`` for any text; the default is weights,
            not biases.
    """

    ranges = inside(l2="[0, inf)", l1="[0, inf)")

    inner: Optimizer
    l2: float = 0.0
    l1: float = 0.0
    only: tuple[str, ...] = WEIGHTS

    def init(self, parameters: Any) -> State:
        """The inner state."""
        _check_some(self.only, parameters, "weight_decay")
        return self.inner.init(parameters)

    def update(self, gradients: Any, state: State, parameters: Any) -> tuple[Any, State]:
        """Add the penalty's gradient, then step."""
        slopes, shape = tree.flatten(gradients)
        found = zip(names(parameters), slopes, tree.leaves(parameters), strict=True)
        new = [
            g + self.l2 * p + self.l1 * np.sign(p) if matches(path, self.only) else g
            for path, g, p in found
        ]
        return self.inner.update(tree.unflatten(shape, new), state, parameters)


class MaxNorm(_Wrapper):
    """After each step, the weights into one unit are brought to a length of at most ``limit``.

    Args:
        inner: the optimiser.
        limit: the greatest length of a column of a weight [in, out] (Srebro, 2005; used with
            dropout by Hinton et al., 2012).
        only: patterns of the paths that are held.
    """

    ranges = inside(limit="(0, inf]")

    inner: Optimizer
    limit: float = 3.0
    only: tuple[str, ...] = WEIGHTS

    def init(self, parameters: Any) -> State:
        """The inner state."""
        _check_some(self.only, parameters, "max_norm")
        return self.inner.init(parameters)

    def update(self, gradients: Any, state: State, parameters: Any) -> tuple[Any, State]:
        """Step, then shorten."""
        stepped, state = self.inner.update(gradients, state, parameters)
        leaves, shape = tree.flatten(stepped)
        held = [
            self._hold(leaf) if np.ndim(leaf) > 1 and matches(path, self.only) else leaf
            for path, leaf in zip(names(stepped), leaves, strict=True)
        ]
        return tree.unflatten(shape, held), state

    def _hold(self, weight: Any) -> Any:
        inputs = tuple(range(weight.ndim - 1))
        norm = np.sqrt(np.sum(weight * weight, axis=inputs, keepdims=True))
        return weight * np.where(
            norm <= self.limit, 1, self.limit / np.where(norm == 0, 1, norm)
        ).astype(weight.dtype)


class Accumulate(_Wrapper):
    """One inner step for the mean gradient of every ``every`` calls.

    Args:
        inner: the optimiser.
        every: calls to a step.
    """

    ranges = inside(every="whole [1, inf)")

    inner: Optimizer
    every: int = 1

    def init(self, parameters: Any) -> State:
        """The inner state, the sum so far and how many calls it holds."""
        return {
            "inner": self.inner.init(parameters),
            "sum": tree.tree_map(np.zeros_like, parameters),
            "count": np.zeros((), np.int64),
        }

    def update(self, gradients: Any, state: State, parameters: Any) -> tuple[Any, State]:
        """Add, and step if it is time."""
        total = tree.tree_map(lambda s, g: s + fit(g, s), state["sum"], gradients)
        count = state["count"] + 1
        due = count == self.every
        mean = tree.tree_map(lambda s: s / self.every, total)
        # Both ways are worked out and one is chosen: the step must not branch on a value.
        stepped, inner = self.inner.update(mean, state["inner"], parameters)

        def choose(new: Any, old: Any) -> Any:
            return np.where(due, new, old)

        return tree.tree_map(choose, stepped, parameters), {
            "inner": tree.tree_map(choose, inner, state["inner"]),
            "sum": tree.tree_map(lambda s: np.where(due, 0, s), total),
            "count": np.where(due, 0, count),
        }

    def observe(self, state: State, value: Any) -> State:
        """The inner optimiser takes note."""
        return {**state, "inner": self.inner.observe(state["inner"], value)}

    def evaluation(self, state: State, parameters: Any) -> Any:
        """What the inner optimiser evaluates with."""
        return self.inner.evaluation(state["inner"], parameters)


class Average(_Wrapper):
    """Keeps a running average of the parameters, to evaluate and predict with.

    Args:
        inner: the optimiser.
        decay: a in ``average <- a average + (1-a) p``; None for the plain mean of all steps
            from ``start`` on (Polyak and Ruppert; stochastic weight averaging).
        start: steps before averaging begins.
    """

    ranges = inside(start="whole [0, inf)")

    inner: Optimizer
    decay: float | None = 0.999
    start: int = 0

    def __post_init__(self) -> None:
        """A plain mean has no decay to look at."""
        super().__post_init__()
        if self.decay is not None:
            check_range("average", "[0, 1]", decay=self.decay)

    def init(self, parameters: Any) -> State:
        """The inner state, the average and the number of steps."""
        return {
            "inner": self.inner.init(parameters),
            "average": parameters,
            "step": np.zeros((), np.int64),
        }

    def update(self, gradients: Any, state: State, parameters: Any) -> tuple[Any, State]:
        """Step, then take the new parameters into the average."""
        stepped, inner = self.inner.update(gradients, state["inner"], parameters)
        # The first parameters that count replace what the average started from.
        counted = np.maximum(state["step"] - self.start, 0.0)
        share: Any = 1 / (counted + 1)
        if self.decay is not None:
            share = np.where(counted == 0, 1.0, 1 - self.decay)
        average = tree.tree_map(lambda a, p: a + fit(share, p) * (p - a), state["average"], stepped)
        return stepped, {"inner": inner, "average": average, "step": state["step"] + 1}

    def observe(self, state: State, value: Any) -> State:
        """The inner optimiser takes note."""
        return {**state, "inner": self.inner.observe(state["inner"], value)}

    def evaluation(self, state: State, parameters: Any) -> Any:
        """The average."""
        return state["average"]


class OnPlateau(_Wrapper):
    """The inner steps get smaller when the watched value stops falling.

    ``observe`` is told the value, once an epoch as a rule. Steps are scaled as a whole, which
    for every method here is what scaling its rate does.

    Args:
        inner: the optimiser.
        factor: of the steps, each time.
        patience: observations without improvement that are borne.
        threshold: relative improvement that counts.
        lowest: the scale never falls below.
    """

    ranges = inside(
        factor="[0, 1)", patience="whole [0, inf)", threshold="[0, inf)", lowest="[0, inf)"
    )

    inner: Optimizer
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    lowest: float = 0.0

    def init(self, parameters: Any) -> State:
        """The inner state, the scale, the best value and how long ago it was."""
        return {
            "inner": self.inner.init(parameters),
            "scale": np.ones(()),
            "best": np.full((), math.inf),
            "waited": np.zeros((), np.int64),
        }

    def update(self, gradients: Any, state: State, parameters: Any) -> tuple[Any, State]:
        """A step, scaled."""
        stepped, inner = self.inner.update(gradients, state["inner"], parameters)
        scaled = tree.tree_map(
            lambda new, old: old + fit(state["scale"], old) * (new - old), stepped, parameters
        )
        return scaled, {**state, "inner": inner}

    def observe(self, state: State, value: Any) -> State:
        """Count, and lower the scale when patience is at its end."""
        better = value < state["best"] - self.threshold * np.abs(
            np.where(np.isinf(state["best"]), 0.0, state["best"])
        )
        waited = np.where(better, 0, state["waited"] + 1)
        tired = waited > self.patience
        scale = np.where(
            tired, np.maximum(state["scale"] * self.factor, self.lowest), state["scale"]
        )
        return {
            "inner": self.inner.observe(state["inner"], value),
            "scale": scale,
            "best": np.where(better, value, state["best"]),
            "waited": np.where(tired, 0, waited),
        }

    def evaluation(self, state: State, parameters: Any) -> Any:
        """What the inner optimiser evaluates with."""
        return self.inner.evaluation(state["inner"], parameters)
