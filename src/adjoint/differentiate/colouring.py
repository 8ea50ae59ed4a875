"""Which lines of a sparse matrix may share one product."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


def colour_lines(lines: Any, others: Any, shape: tuple[int, int]) -> tuple[Any, int]:
    """Colours for the others such that no line meets two of one colour.

    Greedy, in order: for each line a whole number holds, bit by bit, the colours that it has
    met already.

    Args:
        lines: the line of each entry.
        others: what crosses it there: columns where the lines are rows, or the reverse.
        shape: how many lines there are, and how many others.

    Returns:
        The colours, and their number.

    >>> colour_lines(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 2]), (2, 3))
    (array([0, 1, 0]), 2)
    """
    order = np.argsort(others, kind="stable")
    starts = np.searchsorted(others[order], np.arange(shape[1] + 1)).tolist()
    met = lines[order].tolist()
    seen = [0] * shape[0]
    colours = []
    for j in range(shape[1]):
        mine = met[starts[j] : starts[j + 1]]
        taken = 0
        for i in mine:
            taken |= seen[i]
        free = ~taken & (taken + 1)  # the lowest bit that is not set
        for i in mine:
            seen[i] |= free
        colours.append(free.bit_length() - 1)
    return np.array(colours, np.intp), max(colours, default=-1) + 1


class FullLines(NamedTuple):
    """Lines better taken one by one, and how many products there are then at least."""

    full: Any
    cost: int


def full_lines(lines: Any, count: int) -> FullLines:
    """Which lines to leave out, so that they and the colours of the rest are fewest.

    The widest line that is left sets the least number of colours.
    """
    width = np.bincount(lines, minlength=count)
    order = np.argsort(-width, kind="stable")
    cost = np.arange(count + 1) + np.append(width[order], 0)
    k = int(np.argmin(cost))
    return FullLines(order[:k], int(cost[k]))
