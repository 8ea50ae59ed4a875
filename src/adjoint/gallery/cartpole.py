"""The cart and pole of Barto, Sutton & Anderson, with gymnasium's CartPole-v1 numbers, in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import adjoint as ad
from adjoint.gallery.experiment import Array
from adjoint.gallery.tools import curves

GRAVITY, CART, POLE, HALF_LENGTH, FORCE, TAU = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
WIDEST, STEEPEST, LONGEST = 2.4, 12 * 2 * np.pi / 360, 500
EPISODES = 16  # of a round


def move(state: Array, right: Array) -> Array:
    """One step of 0.02 s: [n, 4] position, speed, angle, angular speed; push right or left."""
    x, v, angle, turn = (state[:, k] for k in range(4))
    force = np.where(right > 0.5, FORCE, -FORCE)
    total = CART + POLE
    push = (force + POLE * HALF_LENGTH * turn**2 * np.sin(angle)) / total
    swing = (GRAVITY * np.sin(angle) - np.cos(angle) * push) / (
        HALF_LENGTH * (4 / 3 - POLE * np.cos(angle) ** 2 / total)
    )
    speed_up = push - POLE * HALF_LENGTH * swing * np.cos(angle) / total
    return np.stack([x + TAU * v, v + TAU * speed_up, angle + TAU * turn, turn + TAU * swing], 1)


def stands(state: Array) -> Array:
    """Whether the pole is up and the cart on the track, 1.0 or 0.0."""
    upright = (np.abs(state[:, 0]) <= WIDEST) & (np.abs(state[:, 2]) <= STEEPEST)
    return np.where(upright, 1.0, 0.0)


def mlp(layers: Any, x: Array) -> Array:
    """One hidden tanh layer, one number out."""
    (W, b), (V, c) = layers
    return (np.tanh(x @ W + b) @ V + c)[..., 0]


def start_layers(rng: np.random.Generator, hidden: int) -> Any:
    """Random layers 4-hidden-1, the last one small."""
    return [
        (rng.standard_normal((4, hidden)) / 2, np.zeros(hidden)),
        (0.1 * rng.standard_normal((hidden, 1)) / np.sqrt(hidden), np.zeros(1)),
    ]


def play(policy: Any, first: Array, luck: Array) -> tuple[Array, Array, Array]:
    """Episodes side by side, at most 500 steps.

    Args:
        policy: layers whose output is the logit of a push to the right.
        first: [n, 4] states.
        luck: [500, n] uniform numbers that decide.

    Returns:
        States [500, n, 4], pushes [500, n], and 1.0 for each step that was played [500, n].
    """

    def step(carry: Any, dice: Array) -> Any:
        state, alive = carry
        right = np.where(dice < 1 / (1 + np.exp(-mlp(policy, state))), 1.0, 0.0)
        new = move(state, right)
        # A fallen pole is left lying: its numbers must not run away.
        after = np.where(alive[:, None] > 0, new, state)
        return (after, alive * stands(after)), (state, right, alive)

    played: tuple[Array, Array, Array] = ad.scan(step, (first, np.ones(len(first))), luck)[1]
    return played


def log_chance(policy: Any, states: Array, right: Array) -> Array:
    """Log of the chance of the pushes that were made."""
    logit = mlp(policy, states)
    return right * logit - np.logaddexp(0, logit)


def practise(
    learn: Callable[[Any, Any], Any], nets: Any, method: Any, first: Array, luck: Array
) -> tuple[Any, Any]:
    """Rounds of episodes, all of them one native call, cart and all.

    Args:
        learn: ((nets, memory), (first, luck)) of one round to the next, and what it has to say.
        nets: the first ones.
        method: one of :mod:`adjoint.optim`.
        first: [rounds, n, 4] states that episodes begin from.
        luck: [rounds, 500, n] uniform numbers.

    Returns:
        The last nets, and what learn said of each round.
    """
    start = (nets, method.init(nets))
    (nets, _), said = ad.jit(lambda s, f, u: ad.scan(learn, s, (f, u)))(start, first, luck)
    return nets, said


def begin(rng: np.random.Generator, rounds: int) -> tuple[Array, Array]:
    """What the rounds of :func:`practise` begin from, and their luck."""
    first = rng.uniform(-0.05, 0.05, (rounds, EPISODES, 4))
    return first, rng.random((rounds, LONGEST, EPISODES))


def to_come(now: Array, share: float) -> Array:
    """What comes from each step on: ``now[t] + share now[t + 1] + share^2 now[t + 2] + ...``."""

    def gather(after: Array, now: Array) -> tuple[Array, Array]:
        total = now + share * after
        return total, total

    sums: Array = ad.scan(gather, np.zeros(now.shape[1]), now, reverse=True)[1]
    return sums


def best_of_seeds(
    train: Callable[[int, int], tuple[Any, Array]], rounds: int, seeds: int
) -> tuple[Any, Callable[[Any], None]]:
    """The nets of the seed that did best in its last rounds, and a picture of all seeds."""
    found = [train(rounds, seed) for seed in range(seeds)]
    nets, _ = max(found, key=lambda pair: float(pair[1][-10:].mean()))
    lines = {f"seed {i}": (np.arange(rounds), lengths) for i, (_, lengths) in enumerate(found)}
    return nets, curves(lines, f"round of {EPISODES} episodes", "mean reward")


def trial(policy: Any, episodes: int) -> float:
    """Mean length of fresh episodes, as the policy plays them, by chance and all."""
    rng = np.random.default_rng(12345)
    first = rng.uniform(-0.05, 0.05, (episodes, 4))
    luck = rng.random((LONGEST, episodes))
    return float(ad.jit(play)(policy, first, luck)[2].sum(0).mean())
