"""A reward without a derivative: the chances of the pushes have one."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint import optim
from adjoint.gallery.cartpole import LONGEST, log_chance, play, start_layers, trial
from adjoint.gallery.experiment import Array, Data, Experiment, Report, at_least
from adjoint.gallery.tools import curves

EPISODES = 16


def train(rounds: int, seed: int) -> tuple[Any, Array]:
    """REINFORCE: the whole of it, cart and all, is one native call."""
    rng = np.random.default_rng(seed)
    method = optim.adam(1e-2)
    first = rng.uniform(-0.05, 0.05, (rounds, EPISODES, 4))
    luck = rng.random((rounds, LONGEST, EPISODES))

    def learn(state: Any, chances: Any) -> Any:
        policy, memory = state
        states, right, played = play(policy, *chances)

        def to_come(sum_after: Array, reward: Array) -> tuple[Array, Array]:
            total = reward + 0.99 * sum_after
            return total, total

        _, returns = ad.scan(to_come, np.zeros(EPISODES), played, reverse=True)
        mean = np.sum(returns * played) / np.sum(played)
        spread = np.sqrt(np.sum(played * (returns - mean) ** 2) / np.sum(played)) + 1e-8
        worth = played * (returns - mean) / spread

        def loss(policy: Any) -> Array:
            return -np.sum(worth * log_chance(policy, states, right)) / np.sum(played)

        length = np.sum(played) / EPISODES
        return method.update(ad.grad(loss)(policy), memory, policy), length

    policy = start_layers(rng, 32)
    start = (policy, method.init(policy))
    (policy, _), lengths = ad.jit(lambda s, f, u: ad.scan(learn, s, (f, u)))(start, first, luck)
    return policy, lengths


def run(rounds: int, seeds: int) -> Report:
    """The best of a few seeds by its last rounds."""
    found = [train(rounds, seed) for seed in range(seeds)]
    policy, _ = max(found, key=lambda pair: float(pair[1][-10:].mean()))
    figures = (at_least("mean reward of 100 episodes", 475, trial(policy, 100), ".1f"),)
    lines = {f"seed {i}": (np.arange(rounds), lengths) for i, (_, lengths) in enumerate(found)}
    return Report(figures, curves(lines, f"round of {EPISODES} episodes", "mean reward"))


def short(data: Data) -> Report:
    """200 rounds, one seed."""
    return run(200, 1)


def full(data: Data) -> Report:
    """400 rounds, five seeds."""
    return run(400, 5)


EXPERIMENT = Experiment(
    "policy_gradient",
    "Policy gradient on the cart and pole",
    "Williams, Machine Learning 8, 1992; solved at 475 by gymnasium's CartPole-v1.",
    short,
    full,
)
