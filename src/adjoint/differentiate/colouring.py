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


def star_colours(rows: Any, columns: Any, n: int, bound: int) -> tuple[Any, int]:
    """Colours of a symmetric matrix's lines such that every two colours form stars only.

    Then each entry is alone in its row, or in its column, among the entries of its colour, and
    can be read from the products with the colours' sums. Greedy, in order; colours are bits.

    Args:
        rows: of the entries, in order of rows.
        columns: of the entries.
        n: how many lines there are.
        bound: give up where so many colours are needed.

    Returns:
        The colours and their number; None and the bound where it was reached.

    >>> star_colours(np.array([0, 0, 1, 2]), np.array([1, 2, 0, 0]), 3, 9)
    (array([0, 1, 1]), 2)
    """
    beside = rows != columns
    starts = np.searchsorted(rows[beside], np.arange(n + 1)).tolist()
    met = columns[beside].tolist()
    colour = [0] * n
    once, twice = [0] * n, [0] * n  # the colours that one, and two, neighbours have
    centres = [0] * n  # the colours of the centres of those stars that a line is a ray of
    for v in range(n):
        mine = met[starts[v] : starts[v + 1]]
        taken, double = once[v], twice[v]
        for w in mine:
            if colour[w]:
                taken |= centres[w]
                if colour[w] & double:
                    taken |= once[w]
        free = ~taken & (taken + 1)
        if free.bit_length() >= bound:
            return None, bound
        colour[v] = free
        for w in mine:
            if not once[w] & free:
                once[w] |= free
            elif twice[w] & free:
                centres[v] |= colour[w]
            else:
                twice[w] |= free
                for x in met[starts[w] : starts[w + 1]] if colour[w] else ():
                    if colour[x] == free:
                        centres[x] |= colour[w]
            if colour[w] & double:
                centres[w] |= free
    colours = np.array([bit.bit_length() - 1 for bit in colour], np.intp)
    return colours, int(colours.max(initial=-1)) + 1


def star_entries(rows: Any, columns: Any, colours: Any, n: int) -> tuple[Any, Any]:
    """For each entry of a symmetric matrix: the colour and the row of the product it stands in."""
    count = int(colours.max(initial=-1)) + 1
    places = rows * count + colours[columns]
    alone = np.bincount(places, minlength=n * count)[places] == 1
    return (
        np.where(alone, colours[columns], colours[rows]),
        np.where(alone, rows, columns),
    )
