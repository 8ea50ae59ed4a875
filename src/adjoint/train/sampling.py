"""The order of examples in an epoch: a pure function of the key and the epoch's number."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.nn import random


def shuffled(key: Any, n: int) -> Any:
    """Every example once, in random order."""
    return random.permutation(key, n)


def in_order(key: Any, n: int) -> Any:
    """Every example once, as they stand."""
    return np.arange(n)


def balanced(key: Any, labels: Any) -> Any:
    """As many examples as there are, every class as often (give or take one).

    Of a class that has too many examples some are left out, of one that has too few all are
    repeated in turn; which ones is drawn anew from each key.

    Args:
        key: of :mod:`adjoint.nn.random`.
        labels: [n].
    """
    n = len(labels)
    classes = np.unique(labels)
    places, parts = random.split(key)
    order = random.permutation(places, n)
    # Shuffled too, so that the classes with one example more are not always the first.
    turns = random.permutation(random.fold_in(places, 1), len(classes))
    chosen = np.empty(n, np.int64)
    for i, label in enumerate(classes[turns]):
        members = np.flatnonzero(labels == label)
        members = members[random.permutation(random.fold_in(parts, i), len(members))]
        mine = order[i :: len(classes)]
        chosen[mine] = np.resize(members, len(mine))
    return chosen
