"""A chain of labels that depend on each other, trained by conjugate gradients."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

import adjoint as ad
from adjoint.gallery.experiment import Array, Experiment, Report, at_least, claim, close
from adjoint.gallery.tools import curves

STATES, SYMBOLS, LENGTH = 4, 6, 20


def sample(rng: np.random.Generator, n: int) -> tuple[Array, Array, Array, Array]:
    """Sequences of a hidden Markov chain: symbols, labels, and the two tables of it."""
    moves = 0.1 * np.ones((STATES, STATES)) + 0.6 * np.roll(np.eye(STATES), 1, axis=1)
    emits = rng.dirichlet(0.4 * np.ones(SYMBOLS), STATES)
    labels = np.zeros((n, LENGTH), int)
    symbols = np.zeros((n, LENGTH), int)
    for i in range(n):
        state = int(rng.integers(STATES))
        for t in range(LENGTH):
            labels[i, t], symbols[i, t] = state, rng.choice(SYMBOLS, p=emits[state])
            state = int(rng.choice(STATES, p=moves[state]))
    return symbols, labels, moves, emits


def log_partition(scores: Array, moves: Array) -> Array:
    """Log of the sum over all labellings, [batch, time, states] to [batch]."""

    def step(alpha: Array, score: Array) -> tuple[Array, None]:
        paths = alpha[:, :, None] + moves
        top = np.max(paths, axis=1)
        return top + np.log(np.sum(np.exp(paths - top[:, None]), axis=1)) + score, None

    alpha, _ = ad.scan(step, scores[:, 0], np.moveaxis(scores[:, 1:], 1, 0))
    top = np.max(alpha, axis=1)
    return top + np.log(np.sum(np.exp(alpha - top[:, None]), axis=1))


def run(sequences: int) -> Report:
    """Learn; compare with labels by themselves and with the chain that made the data."""
    rng = np.random.default_rng(0)
    symbols, labels, moves, emits = sample(rng, sequences + 300)
    seen = np.eye(SYMBOLS)[symbols]
    wanted = np.eye(STATES)[labels]
    train, held = slice(0, sequences), slice(sequences, None)

    def loss(p: Any) -> Array:
        W, T = p
        scores = seen[train] @ W
        right = np.sum(scores * wanted[train], (1, 2))
        right = right + np.sum((wanted[train][:, :-1] @ T) * wanted[train][:, 1:], (1, 2))
        return np.mean(log_partition(scores, T) - right) + 1e-4 * (np.sum(W**2) + np.sum(T**2))

    history: list[float] = []
    start = (np.zeros((SYMBOLS, STATES)), np.zeros((STATES, STATES)))
    found = ad.minimize(loss, start, method="cg", callback=lambda p: history.append(float(loss(p))))

    def marginals(W: Array, T: Array) -> Array:
        # The slope of log Z by the scores is the probability of each label.
        return ad.grad(lambda s: np.sum(log_partition(s, T)))(seen[held] @ W)

    def accuracy(p: Array) -> float:
        return float(np.mean(np.argmax(p, axis=-1) == labels[held]))

    chain = accuracy(marginals(*found.x))
    true = accuracy(marginals(np.log(emits.T + 1e-12), np.log(moves)))
    counts = np.einsum("ntk,nts->ks", seen[train], wanted[train])
    alone = accuracy(np.eye(STATES)[np.argmax(counts, axis=1)][symbols[held]])
    small = rng.standard_normal((1, 5, 3))
    table = rng.standard_normal((3, 3))
    each = [
        sum(small[0, t, k] for t, k in enumerate(path))
        + sum(table[a, b] for a, b in itertools.pairwise(path))
        for path in np.ndindex(3, 3, 3, 3, 3)
    ]
    gap = abs(float(log_partition(small, table)[0]) - float(np.log(np.sum(np.exp(each)))))
    figures = (
        close("gap of log Z to the sum over all 243 labellings", 0, gap, 1e-12, ".0e"),
        claim(
            "slope at the end of the descent",
            "small",
            f"{np.abs(found.jac[0]).max():.0e}",
            np.abs(found.jac[0]).max() < 1e-3,
        ),
        at_least("held-out labels right, the chain that made them", true, chain, ".3f", slack=0.01),
        at_least("… and above each symbol by itself", alone + 0.05, chain, ".3f"),
    )
    lines = {"": (np.arange(len(history)), np.array(history))}
    return Report(figures, curves(lines, "step of conjugate gradients", "negative log likelihood"))


EXPERIMENT = Experiment(
    "crf",
    "A conditional random field by conjugate gradients",
    "Lafferty, McCallum & Pereira 2001.",
    short=lambda data: run(300),  # 300 sequences
    full=lambda data: run(2000),  # 2000 sequences
)
