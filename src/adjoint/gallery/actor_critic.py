"""The same cart with a critic that learns what a state is worth."""

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
    mlp,
    play,
    practise,
    start_layers,
    to_come,
    trial,
)
from adjoint.gallery.experiment import Array, Experiment, Report, at_least, claim

DISCOUNT, TRACE = 0.99, 0.95


def train(rounds: int, seed: int) -> tuple[Any, Array]:
    """Advantages by the critic's differences; both nets learn from every round."""
    rng = np.random.default_rng(seed)
    method = optim.adam(1e-2)
    first, luck = begin(rng, rounds)

    def learn(state: Any, chances: Any) -> Any:
        nets, memory = state
        states, right, played = play(nets["actor"], *chances)
        # The critic speaks in units of the longest possible sum of rewards, 1 / (1 − discount).
        worth = mlp(nets["critic"], states)
        up = np.concatenate([played[1:], np.ones((1, EPISODES))])  # the last step is cut, not lost
        following = np.concatenate([worth[1:], worth[-1:]]) * up
        surprise = played * ((1 - DISCOUNT) + DISCOUNT * following - worth)
        advantage = to_come(surprise, DISCOUNT * TRACE)
        goal = worth + advantage
        count = np.sum(played)
        spread = np.sqrt(np.sum(played * advantage**2) / count) + 1e-8

        def loss(nets: Any) -> Array:
            chance = log_chance(nets["actor"], states, right)
            critic = np.sum(played * (mlp(nets["critic"], states) - goal) ** 2) / count
            return critic - np.sum(played * advantage / spread * chance) / count

        return method.update(ad.grad(loss)(nets), memory, nets), count / EPISODES

    nets = {"actor": start_layers(rng, 32), "critic": start_layers(rng, 32)}
    return practise(learn, nets, method, first, luck)


def run(rounds: int, seeds: int) -> Report:
    """The best of a few seeds by its last rounds."""
    nets, drawn = best_of_seeds(train, rounds, seeds)
    upright = float(mlp(nets["critic"], np.zeros(4)))
    falling = float(mlp(nets["critic"], np.array([2.2, 1.5, 0.18, 1.5])))
    figures = (
        at_least("mean reward of 100 episodes", 475, trial(nets["actor"], 100), ".1f"),
        claim(
            "the critic: worth upright, and about to fall",
            "more upright",
            f"{upright:.2f}, {falling:.2f}",
            upright > falling + 0.1,
        ),
    )
    return Report(figures, drawn)


EXPERIMENT = Experiment(
    "actor_critic",
    "Actor and critic on the cart and pole",
    "Barto, Sutton & Anderson 1983; Mnih et al. 2016; solved at 475 by gymnasium's CartPole-v1.",
    short=lambda data: run(200, 1),  # 200 rounds, one seed
    full=lambda data: run(400, 5),  # 400 rounds, five seeds
)
