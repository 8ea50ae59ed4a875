"""The same cart with a critic that learns what a state is worth."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint import optim
from adjoint.gallery.cartpole import (
    LONGEST,
    log_chance,
    mlp,
    play,
    start_layers,
    trial,
)
from adjoint.gallery.experiment import Array, Data, Experiment, Report, at_least, claim
from adjoint.gallery.tools import curves

EPISODES, DISCOUNT, TRACE = 16, 0.99, 0.95


def train(rounds: int, seed: int) -> tuple[Any, Array, Array]:
    """Advantages by the critic's differences; both nets learn from every round."""
    rng = np.random.default_rng(seed)
    method = optim.adam(1e-2)
    first = rng.uniform(-0.05, 0.05, (rounds, EPISODES, 4))
    luck = rng.random((rounds, LONGEST, EPISODES))

    def learn(state: Any, chances: Any) -> Any:
        nets, memory = state
        states, right, played = play(nets["actor"], *chances)
        # The critic speaks in units of the longest possible sum of rewards, 1 / (1 − discount).
        worth = mlp(nets["critic"], states)
        up = np.concatenate([played[1:], np.ones((1, EPISODES))])  # the last step is cut, not lost
        following = np.concatenate([worth[1:], worth[-1:]]) * up
        surprise = played * ((1 - DISCOUNT) + DISCOUNT * following - worth)

        def gather(sum_after: Array, now: Array) -> tuple[Array, Array]:
            total = now + DISCOUNT * TRACE * sum_after
            return total, total

        _, advantage = ad.scan(gather, np.zeros(EPISODES), surprise, reverse=True)
        goal = worth + advantage
        count = np.sum(played)
        spread = np.sqrt(np.sum(played * advantage**2) / count) + 1e-8

        def loss(nets: Any) -> Array:
            chance = log_chance(nets["actor"], states, right)
            critic = np.sum(played * (mlp(nets["critic"], states) - goal) ** 2) / count
            return critic - np.sum(played * advantage / spread * chance) / count

        error = np.sum(played * (worth - goal) ** 2) / count
        return method.update(ad.grad(loss)(nets), memory, nets), (count / EPISODES, error)

    nets = {"actor": start_layers(rng, 32), "critic": start_layers(rng, 32)}
    start = (nets, method.init(nets))
    (nets, _), (lengths, errors) = ad.jit(lambda s, f, u: ad.scan(learn, s, (f, u)))(
        start, first, luck
    )
    return nets, lengths, errors


def run(rounds: int, seeds: int) -> Report:
    """The best of a few seeds by its last rounds."""
    found = [train(rounds, seed) for seed in range(seeds)]
    nets, _, _ = max(found, key=lambda one: float(one[1][-10:].mean()))
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
    lines = {f"seed {i}": (np.arange(rounds), one[1]) for i, one in enumerate(found)}
    return Report(figures, curves(lines, f"round of {EPISODES} episodes", "mean reward"))


def short(data: Data) -> Report:
    """200 rounds, one seed."""
    return run(200, 1)


def full(data: Data) -> Report:
    """400 rounds, five seeds."""
    return run(400, 5)


EXPERIMENT = Experiment(
    "actor_critic",
    "Actor and critic on the cart and pole",
    "Barto, Sutton & Anderson 1983; Mnih et al. 2016; solved at 475 by gymnasium's CartPole-v1.",
    short,
    full,
)
