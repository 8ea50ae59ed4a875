"""Texts as numbers, and how well counting pairs of letters predicts them."""

from __future__ import annotations

import numpy as np

from adjoint.gallery.experiment import Array, Data

SHAKESPEARE = "text/tinyshakespeare.txt"
NAMES = "text/names.txt"


def shakespeare(data: Data) -> tuple[Array, Array, str]:
    """The first nine tenths and the last as numbers of letters, and the letters."""
    text = data.path(SHAKESPEARE).read_text(encoding="utf-8")
    letters = "".join(sorted(set(text)))
    place = {letter: i for i, letter in enumerate(letters)}
    codes = np.array([place[letter] for letter in text])
    cut = int(0.9 * len(codes))
    return codes[:cut], codes[cut:], letters


def pair_loss(train: Array, held: Array, letters: int) -> float:
    """Mean −log chance of each letter given the one before, by counts (one added to each)."""
    counts = np.ones((letters, letters))
    np.add.at(counts, (train[:-1], train[1:]), 1)
    chances = counts / counts.sum(1, keepdims=True)
    return float(-np.mean(np.log(chances[held[:-1], held[1:]])))


def windows(rng: np.random.Generator, codes: Array, steps: int, batch: int, length: int) -> Array:
    """[steps, batch, length + 1]: random stretches of a text."""
    first = rng.integers(0, len(codes) - length - 1, (steps, batch, 1))
    return codes[first + np.arange(length + 1)]
