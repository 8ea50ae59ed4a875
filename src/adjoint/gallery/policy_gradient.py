"""A reward without a derivative: the chances of the pushes have one."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint import optim
from adjoint.gallery.cartpole import (
    EPISODES,
    begin,
    best_of_seeds,
    log_chance,
    play,
    practise,
    start_layers,
    to_come,
    trial,
)
from adjoint.gallery.experiment import Array, Experiment, Report, at_least


def train(rounds: int, seed: int) -> tuple[Any, Array]:
    """REINFORCE: the whole of it, cart and all, is one native call."""
    rng = np.random.default_rng(seed)
    method = optim.adam(1e-2)
    first, luck = begin(rng, rounds)

    def learn(state: Any, chances: Any) -> Any:
        policy, memory = state
        states, right, played = play(policy, *chances)
        returns = to_come(played, 0.99)
        mean = np.sum(returns * played) / np.sum(played)
        spread = np.sqrt(np.sum(played * (returns - mean) ** 2) / np.sum(played)) + 1e-8
        worth = played * (returns - mean) / spread

        def loss(policy: Any) -> Array:
            return -np.sum(worth * log_chance(policy, states, right)) / np.sum(played)

        length = np.sum(played) / EPISODES
        return method.update(ad.grad(loss)(policy), memory, policy), length

    return practise(learn, start_layers(rng, 32), method, first, luck)


def run(rounds: int, seeds: int) -> Report:
    """The best of a few seeds by its last rounds."""
    policy, drawn = best_of_seeds(train, rounds, seeds)
    return Report((at_least("mean reward of 100 episodes", 475, trial(policy, 100), ".1f"),), drawn)


EXPERIMENT = Experiment(
    "policy_gradient",
    "Policy gradient on the cart and pole",
    "Williams, Machine Learning 8, 1992; solved at 475 by gymnasium's CartPole-v1.",
    short=lambda data: run(200, 1),  # 200 rounds, one seed
    full=lambda data: run(400, 5),  # 400 rounds, five seeds
)
