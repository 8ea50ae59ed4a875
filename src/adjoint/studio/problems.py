"""Points in the plane in two classes, each set hard in its own way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Points = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def blobs(rng: np.random.Generator, n: int) -> Points:
    """Two clouds that a straight line divides."""
    y = np.arange(n) % 2
    return rng.normal(size=(n, 2)) * 0.35 + np.where(y, 0.8, -0.8)[:, None], y


def xor(rng: np.random.Generator, n: int) -> Points:
    """Opposite corners belong together: no straight line will do."""
    x = rng.uniform(-1.5, 1.5, size=(n, 2))
    return x, (x[:, 0] * x[:, 1] > 0).astype(np.int64)


def circles(rng: np.random.Generator, n: int) -> Points:
    """A disc within a ring."""
    y = np.arange(n) % 2
    angle = rng.uniform(0, 2 * np.pi, n)
    radius = np.where(y, 1.4, 0.5) + rng.normal(size=n) * 0.12
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1), y


def moons(rng: np.random.Generator, n: int) -> Points:
    """Two crescents that reach into each other."""
    y = np.arange(n) % 2
    angle = rng.uniform(0, np.pi, n)
    upper = np.stack([np.cos(angle) - 0.5, np.sin(angle) - 0.25], axis=1)
    lower = np.stack([0.5 - np.cos(angle), 0.25 - np.sin(angle)], axis=1)
    return np.where(y[:, None] == 1, lower, upper) + rng.normal(size=(n, 2)) * 0.1, y


def spirals(rng: np.random.Generator, n: int) -> Points:
    """Two arms wound round each other: the hardest here."""
    y = np.arange(n) % 2
    turn = np.sqrt(rng.uniform(0.02, 1, n)) * 3.2 * np.pi
    angle = turn + np.pi * y
    radius = turn / (3.2 * np.pi) * 1.6
    x = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return x + rng.normal(size=(n, 2)) * 0.03, y


PROBLEMS: dict[str, Callable[[np.random.Generator, int], Points]] = {
    "blobs": blobs,
    "xor": xor,
    "circles": circles,
    "moons": moons,
    "spirals": spirals,
}
