"""Loops in several sweeps over the same rounds: what the derivatives of loops are.

``differentiate/loops.py`` says how they arise. A step of sweep p takes (its constants, the
states that sweeps 0 ... p-1 had when they entered the round, its own state, its rows) and gives
(its next state, a row of results).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import comb
from typing import Any

import numpy as np

from adjoint.graph.evaluate import Program, program_of
from adjoint.graph.graph import Graph
from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType


def cut(flat: Sequence[Any], counts: Sequence[int]) -> list[list[Any]]:
    """A list as consecutive lists of these lengths."""
    rest = iter(flat)
    return [[next(rest) for _ in range(n)] for n in counts]


def _joined(lists: Sequence[Sequence[Any]]) -> list[Any]:
    return [x for part in lists for x in part]


# *** while ***


def _while_type(
    *types: ArrayType,
    condition: Graph,
    steps: tuple[Graph, ...],
    reverse: tuple[bool, ...],
    n_condition: int,
    n_constants: tuple[int, ...],
) -> tuple[ArrayType, ...]:
    states = types[n_condition + sum(n_constants) :]
    results = sum((step.output_types for step in steps), ())
    if states != results or reverse[0]:
        raise ValueError(f"while_sweeps from {', '.join(map(str, states))}")
    return results


def _while_sweeps(
    *xs: Any,
    condition: Graph,
    steps: tuple[Graph, ...],
    reverse: tuple[bool, ...],
    n_condition: int,
    n_constants: tuple[int, ...],
) -> tuple[Any, ...]:
    n = len(steps)
    parts = cut(xs, [n_condition, *n_constants, *(len(step.outputs) for step in steps)])
    of_test, constants, states = parts[0], parts[1 : 1 + n], parts[1 + n :]
    test, step = program_of(condition), program_of(steps[0])
    # What each sweep before the last had when it entered a round.
    history: list[list[list[Any]]] = [[]]
    state = states[0]
    while bool(test(of_test + state)[0]):
        history[0].append(state)
        state = step(constants[0] + state)
    states[0] = state
    rounds = range(len(history[0]))
    for p in range(1, n):
        run, state = program_of(steps[p]), states[p]
        entered: list[Any] = [None] * len(rounds)
        for k in reversed(rounds) if reverse[p] else rounds:
            entered[k] = state
            state = run(constants[p] + _joined([earlier[k] for earlier in history]) + state)
        states[p] = state
        if p + 1 < n:
            history.append(entered)
    return tuple(_joined(states))


while_sweeps = Primitive(
    "while_sweeps",
    "control",
    _while_type,
    _while_sweeps,
    ("condition", "steps", "reverse", "n_condition", "n_constants"),
    several=True,
    doc="a while_loop, then further sweeps over its rounds, forwards or backwards",
)

# *** scan ***


def _scan_type(
    *types: ArrayType,
    steps: tuple[Graph, ...],
    reverse: tuple[bool, ...],
    n_constants: tuple[int, ...],
    n_states: tuple[int, ...],
    length: int,
    snapshots: int,
) -> tuple[ArrayType, ...]:
    first = sum(n_constants)
    states = types[first : first + sum(n_states)]
    results = _joined([s.output_types[:n] for s, n in zip(steps, n_states, strict=True)])
    if list(states) != results or any(
        row.shape[0] != length for row in types[first + len(states) :]
    ):
        raise ValueError(f"scan_sweeps from {', '.join(map(str, types))}")
    rows = _joined([s.output_types[n:] for s, n in zip(steps, n_states, strict=True)])
    return states + tuple([ArrayType((length, *y.shape), y.dtype) for y in rows])


class _Sweep:
    """One sweep at work."""

    def __init__(
        self, step: Graph, n_states: int, constants: list[Any], rows: list[Any], length: int
    ) -> None:
        self.run: Program = program_of(step)
        self.n_states, self.constants, self.rows = n_states, constants, rows
        kinds = step.output_types[n_states:]
        self.results = [np.empty((length, *y.shape), y.dtype) for y in kinds]

    def __call__(self, k: int, seen: list[Any], state: list[Any], keep: bool = True) -> list[Any]:
        """The state after round k; its row of results is kept where asked for."""
        outputs = self.run(self.constants + seen + state + [x[k] for x in self.rows])
        if keep:
            for whole, y in zip(self.results, outputs[self.n_states :], strict=True):
                whole[k] = y
        return outputs[: self.n_states]


def _scan_sweeps(
    *xs: Any,
    steps: tuple[Graph, ...],
    reverse: tuple[bool, ...],
    n_constants: tuple[int, ...],
    n_states: tuple[int, ...],
    length: int,
    snapshots: int,
) -> tuple[Any, ...]:
    n = len(steps)
    n_rows = _row_counts(steps, n_constants, n_states)
    parts = cut(xs, [*n_constants, *n_states, *n_rows])
    constants, states, rows = parts[:n], parts[n : 2 * n], parts[2 * n :]
    sweeps = [
        _Sweep(step, count, given, row, length)
        for step, count, given, row in zip(steps, n_states, constants, rows, strict=True)
    ]
    if snapshots and n == 2 and reverse[0] != reverse[1]:
        _there_and_back(sweeps[0], sweeps[1], states, reverse[0], length, snapshots)
    else:
        _all_kept(sweeps, states, reverse, length)
    return tuple(_joined(states) + _joined([sweep.results for sweep in sweeps]))


def _row_counts(
    steps: Sequence[Graph], n_constants: Sequence[int], n_states: Sequence[int]
) -> list[int]:
    before = 0
    counts = []
    for step, constants, states in zip(steps, n_constants, n_states, strict=True):
        before += states
        counts.append(len(step.inputs) - constants - before)
    return counts


def _all_kept(
    sweeps: Sequence[_Sweep], states: list[list[Any]], reverse: Sequence[bool], length: int
) -> None:
    """Every state that a later sweep may look at is kept."""
    history: list[list[Any]] = []
    for p, sweep in enumerate(sweeps):
        state, last = states[p], p + 1 == len(sweeps)
        entered: list[Any] = [None] * (0 if last else length)
        for k in reversed(range(length)) if reverse[p] else range(length):
            if not last:
                entered[k] = state
            state = sweep(k, _joined([earlier[k] for earlier in history]), state)
        states[p] = state
        history.append(entered)


def _there_and_back(
    there: _Sweep,
    back: _Sweep,
    states: list[list[Any]],
    reverse: bool,
    length: int,
    snapshots: int,
) -> None:
    """The first sweep is run again from a few of its states; no others are kept."""
    kept: dict[int, list[Any]] = {0: states[0]}
    state, bar = states[0], states[1]
    at = 0
    final: list[Any] | None = states[0] if length == 0 else None
    for action, i in binomial_schedule(length, snapshots):
        if action == "save":
            kept[at] = state
        elif action == "restore":
            state, at = kept[i], i
        elif action == "drop":
            del kept[i]
        elif action == "advance":
            state = there(length - 1 - at if reverse else at, [], state)
            at += 1
        else:
            k = length - 1 - i if reverse else i
            if final is None:
                final = there(k, [], state)
            bar = back(k, state, bar)
    assert final is not None
    states[0], states[1] = final, bar


scan_sweeps = Primitive(
    "scan_sweeps",
    "control",
    _scan_type,
    _scan_sweeps,
    ("steps", "reverse", "n_constants", "n_states", "length", "snapshots"),
    several=True,
    doc="sweeps over the rows of arrays, forwards or backwards; of two in opposite directions "
    "the first is run again from so many snapshots of its state, where not 0",
)

# *** which states to keep ***


def longest(snapshots: int, repeats: int) -> int:
    """The most rounds that can be reversed: C(s + r, s)."""
    return comb(snapshots + repeats, snapshots) if snapshots >= 0 and repeats >= 0 else 0


def least_steps(length: int, snapshots: int) -> int:
    """The fewest rounds to run again: ``r l - C(s + r, s + 1)``, with the least r that does.

    >>> least_steps(10, 3), least_steps(100, 10)
    (15, 222)
    """
    repeats = 0
    while longest(snapshots, repeats) < length:
        repeats += 1
    return repeats * length - longest(snapshots + 1, repeats - 1) if length else 0


def _split(length: int, snapshots: int) -> int:
    """Where to put the next snapshot."""
    repeats = 0
    while longest(snapshots, repeats) < length:
        repeats += 1
    return min(longest(snapshots, repeats - 1), length - longest(snapshots - 1, repeats - 1))


def binomial_schedule(length: int, snapshots: int) -> Iterator[tuple[str, int]]:
    """How to go through rounds backwards with few states kept.

    The state before round 0 is the first snapshot and is there already.

    Args:
        length: the number of rounds.
        snapshots: how many states may be kept at a time, the first one included.

    Yields:
        ``("advance", k)`` runs round k, ``("save", k)`` keeps the state before round k,
        ``("restore", k)`` goes back to it, ``("drop", k)`` forgets it, and ``("reverse", k)``
        is told with the state before round k at hand, for k from the last round to 0.

    >>> [f"{what} {k}" for what, k in binomial_schedule(2, 1)]
    ['advance 0', 'reverse 1', 'restore 0', 'reverse 0']
    """
    at = 0
    work: list[tuple[str, int, int, int]] = [("part", 0, length, max(1, snapshots))]
    while work:
        what, start, stop, free = work.pop()
        if what == "drop":
            yield "drop", start
            continue
        if start == stop:
            continue
        if at != start:
            yield "restore", start
            at = start
        if stop - start == 1:
            yield "reverse", start
            continue
        middle = stop - 1 if free == 1 else start + _split(stop - start, free)
        for k in range(start, middle):
            yield "advance", k
        at = middle
        work.append(("part", start, middle, free))
        if free == 1:
            yield "reverse", middle
            continue
        yield "save", middle
        work.append(("drop", middle, middle, 0))
        work.append(("part", middle, stop, free - 1))
