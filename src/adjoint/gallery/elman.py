"""Elman's net hears bits one at a time and learns that each third is the XOR of two."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint import tree
from adjoint.gallery.experiment import Array, Experiment, Report, claim, close
from adjoint.gallery.tools import logistic, uniform_layers


def stream(rng: np.random.Generator, bits: int) -> Array:
    """Two random bits, their XOR, two random bits, their XOR …."""
    pairs = rng.integers(0, 2, (bits // 3, 2))
    return np.column_stack([pairs, pairs.sum(1) % 2]).ravel().astype(float)


def predict(layers: Any, bit: Array, context: Array) -> tuple[Array, Array]:
    """The next bit's prediction and the hidden units' new state."""
    (W, b), (V, c) = layers
    hidden = logistic(np.concatenate([bit[None], context]) @ W + b)
    return (logistic(hidden @ V + c))[0], hidden


def run(passes: int, seeds: int) -> Report:
    """Per-bit updates with the context copied, not unrolled, as Elman had it."""
    rng = np.random.default_rng(0)
    bits, test = stream(rng, 3000), stream(rng, 1200)

    def step(carry: Any, pair: Any) -> Any:
        layers, velocity, context = carry
        bit, target = pair

        def loss(layers: Any) -> Any:
            guess, hidden = predict(layers, bit, context)
            return 0.5 * (guess - target) ** 2, hidden

        slope, hidden = ad.grad(loss, has_aux=True)(layers)
        velocity = tree.tree_map(lambda v, g: 0.5 * v - 0.1 * g, velocity, slope)
        layers = tree.tree_map(np.add, layers, velocity)
        return (layers, velocity, hidden), None

    def one_pass(carry: Any, _: Any) -> Any:
        return ad.scan(step, carry, (bits[:-1], bits[1:]))

    def errors(layers: Any) -> Any:
        def hear(context: Array, pair: Any) -> Any:
            guess, hidden = predict(layers, pair[0], context)
            return hidden, (guess - pair[1]) ** 2

        return ad.scan(hear, np.full(2, 0.5), (test[:-1], test[1:]))[1]

    def train(layers: Any) -> Any:
        velocity = tree.tree_map(np.zeros_like, layers)
        carry = (layers, velocity, np.full(2, 0.5))
        (layers, _, _), _ = ad.scan(one_pass, carry, None, length=passes)
        return errors(layers)

    starts = uniform_layers(rng, seeds, (3, 2, 1), 1.0)
    found = ad.jit(ad.vmap(train))(starts)
    by_place = np.stack([found[:, k::3].mean(1) for k in range(3)], axis=1)  # [seeds, 3]
    # Place 0 predicts a second random bit, 1 the XOR, 2 the first bit of the next pair.
    best = int(np.argmin(by_place[:, 1]))
    first, xor, next_pair = by_place[best]
    figures = (
        claim(
            "error dips every third bit",
            "yes",
            f"{first:.3f}, {xor:.3f}, {next_pair:.3f}",
            xor < 0.6 * min(first, next_pair),
        ),
        close(
            "random bits: mean square error of the best guess",
            0.25,
            (first + next_pair) / 2,
            0.04,
            ".3f",
        ),
        claim(
            "seeds whose error dips",
            "—",
            f"{int(np.sum(by_place[:, 1] < 0.22))} of {seeds}",
            bool(np.any(by_place[:, 1] < 0.22)),
        ),
    )
    shape = found[best][: len(found[best]) // 12 * 12].reshape(-1, 12).mean(0)

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.plot(np.arange(1, 13), np.sqrt(shape), "o-")
        axes.set(
            xlabel="bit in a cycle of 12", ylabel="root mean square error", xticks=range(1, 13)
        )

    return Report(figures, draw, "One input, two hidden and two context units, 3000 bits.")


EXPERIMENT = Experiment(
    "elman",
    "Temporal XOR",
    "Elman, Finding Structure in Time, Cognitive Science 14, 1990.",
    short=lambda data: run(300, 16),  # 300 passes, 16 seeds
    full=lambda data: run(600, 50),  # 600 passes, 50 seeds
)
