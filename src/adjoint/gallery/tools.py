"""What several entries share: small nets, many starts at once, mini-batches, curves."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import adjoint as ad
from adjoint import nn, tree
from adjoint.gallery.experiment import Array, Data
from adjoint.train import EarlyStopping


def logistic(x: Array) -> Array:
    """The logistic function."""
    return nn.sigmoid(x)


def uniform_layers(
    rng: np.random.Generator, starts: int, sizes: tuple[int, ...], spread: float
) -> Any:
    """Random starts of a layered net.

    Args:
        rng: draws them.
        starts: how many.
        sizes: units in each layer, the input first.
        spread: weights and biases are uniform in ± spread.

    Returns:
        For each layer (W [starts, n, m], b [starts, m]).
    """
    return [
        (
            rng.uniform(-spread, spread, (starts, n, m)),
            rng.uniform(-spread, spread, (starts, m)),
        )
        for n, m in itertools.pairwise(sizes)
    ]


def layered(layers: Any, x: Array, squash: Callable[[Array], Array] = logistic) -> Array:
    """The output of a layered net with one squashing function throughout."""
    for W, b in layers:
        x = squash(x @ W + b)
    return x


class BestUntil(EarlyStopping):
    """Keeps the best net, and ends the run as Ctrl-C does when its time is over."""

    def __init__(self, epochs: int, data: Data | None, monitor: str) -> None:
        super().__init__(epochs, monitor=monitor)
        self._until = float("inf") if data is None else data.until

    def on_start(self, run: Any) -> None:
        """There may be no time at all."""
        super().on_start(run)
        self._look(run)

    def on_epoch(self, run: Any, row: Any) -> None:
        """Compare, and look at the clock."""
        super().on_epoch(run, row)
        self._look(run)

    def _look(self, run: Any) -> None:
        if time.monotonic() > self._until and run.epoch < run.epochs:
            raise KeyboardInterrupt


class Descent(NamedTuple):
    """Many descents.

    Args:
        sweep: [starts], the sweep after which each was solved, or -1.
        losses: [starts, sweeps].
        parameters: the last ones; every leaf [starts, ...].
    """

    sweep: Array
    losses: Array
    parameters: Any

    @property
    def solved(self) -> int:
        """How many starts got there."""
        return int(np.sum(self.sweep >= 0))

    @property
    def median(self) -> float:
        """The median number of sweeps of those that did."""
        return float(np.median(self.sweep[self.sweep >= 0])) if self.solved else float("inf")


def descend(
    loss: Callable[[Any], Array],
    is_solved: Callable[[Any], Array],
    starts: Any,
    rate: float,
    momentum: float,
    sweeps: int,
    stop_when_solved: bool = True,
) -> Descent:
    """Batch gradient descent with momentum from many starts, as one native call.

    Args:
        loss: of the parameters, over the whole training set.
        is_solved: of the parameters, a truth value.
        starts: parameters; every leaf has the starts along axis 0.
        rate: the learning rate.
        momentum: the share of the last step that is kept.
        sweeps: how many sweeps through the training set.
        stop_when_solved: whether a net is left as it is once it is solved.
    """

    def sweep(carry: Any, t: Array) -> Any:
        parameters, velocity, when = carry
        value, slope = ad.value_and_grad(loss)(parameters)
        when = np.where((when < 0) & is_solved(parameters), t, when)
        pace = np.where(when < 0, 1.0, 0.0) if stop_when_solved else 1.0
        velocity = tree.tree_map(lambda v, g: momentum * v - rate * g, velocity, slope)
        parameters = tree.tree_map(lambda p, v: p + pace * v, parameters, velocity)
        return (parameters, velocity, when), value

    def run(start: Any) -> Any:
        carry = (start, tree.tree_map(np.zeros_like, start), np.float64(-1))
        (parameters, _, when), losses = ad.scan(sweep, carry, np.arange(float(sweeps)))
        return when, losses, parameters

    return Descent(*ad.jit(ad.vmap(run))(starts))


def minibatches(rng: np.random.Generator, rows: int, size: int) -> Array:
    """One epoch's order: [rows // size, size] row numbers, each at most once."""
    return rng.permutation(rows)[: rows // size * size].reshape(-1, size)


def train_epochs(
    loss: Callable[..., Array],
    optimizer: Any,
    parameters: Any,
    arrays: tuple[Array, ...],
    size: int,
    epochs: int,
    seed: int = 0,
    after: Callable[[int, Any], None] | None = None,
) -> Any:
    """Mini-batch training; an epoch is one native call.

    Args:
        loss: of (parameters, rows of each array).
        optimizer: one of :mod:`adjoint.optim`.
        parameters: the first ones.
        arrays: training data, examples along axis 0.
        size: rows in a mini-batch.
        epochs: how many.
        seed: of the shuffling.
        after: called with the number of the epoch, from 0, and the parameters.

    Returns:
        The last parameters.
    """

    @ad.jit
    def epoch(state: Any, order: Array, *arrays: Array) -> Any:
        def step(state: Any, rows: Array) -> Any:
            parameters, memory = state
            slope = ad.grad(loss)(parameters, *[a[rows] for a in arrays])
            return optimizer.update(slope, memory, parameters), None

        return ad.scan(step, state, order)[0]

    rng = np.random.default_rng(seed)
    state = (parameters, optimizer.init(parameters))
    for number in range(epochs):
        state = epoch(state, minibatches(rng, len(arrays[0]), size), *arrays)
        if after is not None:
            after(number, state[0])
    return state[0]


def curves(
    lines: dict[str, tuple[Array, Array]],
    xlabel: str,
    ylabel: str,
    yscale: str = "linear",
    xscale: str = "linear",
) -> Callable[[Any], None]:
    """A picture of labelled lines, each (x, y)."""

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for label, (x, y) in lines.items():
            axes.plot(x, y, label=label)
        axes.set(xlabel=xlabel, ylabel=ylabel, yscale=yscale, xscale=xscale)
        if any(label and not label.startswith("_") for label in lines):
            axes.legend()

    return draw


def bits(n: int) -> Array:
    """All 2**n words of n bits, [2**n, n], as numbers 0.0 and 1.0."""
    words = np.arange(2**n)[:, None] >> np.arange(n)[::-1]
    return (words & 1).astype(float)


def half_squares(net: Callable[[Any, Array], Array], X: Array, T: Array) -> Callable[[Any], Array]:
    """The error of 1986 as a function of the parameters: half the sum of squares."""
    return lambda p: 0.5 * np.sum((net(p, X) - T) ** 2)


def all_within(
    net: Callable[[Any, Array], Array], X: Array, T: Array, distance: float = 0.5
) -> Callable[[Any], Array]:
    """Whether every output is nearer to its target than ``distance``."""
    return lambda p: np.max(np.abs(net(p, X) - T)) < distance


def skipping(layers: Any, x: Array) -> Array:
    """One hidden layer, and the input joined on straight to the outputs as well."""
    (W, b), (V, c) = layers
    return logistic(np.concatenate([x, logistic(x @ W + b)], axis=-1) @ V + c)


def skipping_starts(
    rng: np.random.Generator, starts: int, sizes: tuple[int, int, int], spread: float
) -> Any:
    """Random starts for :func:`skipping`: inputs, hidden units, outputs."""
    n, hidden, m = sizes
    first = uniform_layers(rng, starts, (n, hidden), spread)
    return first + uniform_layers(rng, starts, (n + hidden, m), spread)


def descend_by_width(
    net: Callable[[Any, Array], Array],
    begin: Callable[..., Any],
    problem: tuple[Array, Array],
    starts: int,
    widths: tuple[int, ...],
    *,
    rate: float,
    spread: float,
    sweeps: int = 5000,
    rng: np.random.Generator | None = None,
) -> dict[int, Descent]:
    """Descents of nets with one hidden layer of several widths, with momentum 0.9.

    Args:
        net: :func:`layered` or :func:`skipping`.
        begin: :func:`uniform_layers` or :func:`skipping_starts`.
        problem: inputs and targets.
        starts: of each width.
        widths: hidden units.
        rate: the learning rate.
        spread: of the starts.
        sweeps: at most.
        rng: draws the starts; from seed 0 by default.
    """
    X, T = problem
    rng = np.random.default_rng(0) if rng is None else rng
    return {
        width: descend(
            half_squares(net, X, T),
            all_within(net, X, T),
            begin(rng, starts, (X.shape[1], width, T.shape[1]), spread),
            rate=rate,
            momentum=0.9,
            sweeps=sweeps,
        )
        for width in widths
    }


def histogram(counts: dict[str, Array], xlabel: str) -> Callable[[Any], None]:
    """A picture of how sweeps to solution are spread; what was not solved is left out."""

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        solved = {label: c[c >= 0] for label, c in counts.items() if np.any(c >= 0)}
        top = max(np.quantile(c, 0.98) for c in solved.values())
        for label, c in solved.items():
            axes.hist(np.minimum(c, top), bins=np.linspace(0, top, 41), alpha=0.6, label=label)
        axes.set(xlabel=xlabel, ylabel="starts")
        axes.legend()

    return draw
