"""Sweeps over a loop's rounds as plain loops, so that machine code can be made of them.

A scan of two sweeps in opposite directions with snapshots becomes one scan over the actions of
the binomial schedule: each reads a state from one of a few places and either goes one round
on, leaving the new state in a place, or takes one round back. Other scans of sweeps become a
scan for each sweep, which stacks the states that later ones see.

The backward sweep of a while loop, whose number of rounds is found as it runs, goes over
stretches of rounds: a few states are kept on the way there, evenly spaced and fewer as the
loop goes on; from them the states of one stretch at a time are made again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint.differentiate.loops import Lists, Sweeps, joined, recorded, sweeps_of
from adjoint.differentiate.replay import replay
from adjoint.graph.graph import Graph, Node, Operand
from adjoint.graph.types import ArrayType
from adjoint.primitives import control
from adjoint.primitives.linear import gather, scatter_set
from adjoint.primitives.sweeps import binomial_schedule, cut, scan_sweeps, while_sweeps
from adjoint.rewrite.builder import Builder, rebuild
from adjoint.rewrite.control import splice

_KEPT_BYTES = 1 << 18  # of the states a while loop keeps
_FEWEST_KEPT, _MOST_KEPT = 64, 1024

Counter = ArrayType((), np.dtype(np.int64))


def loops_of_sweeps(graph: Graph) -> Graph:
    """The graph with sweeps as scans and while loops, where there is a way."""
    if not any(node.primitive in (scan_sweeps, while_sweeps) for node in graph.nodes):
        return graph
    return rebuild(graph, Builder(), _as_loops)


def _as_loops(b: Builder, node: Node, operands: tuple[Operand, ...]) -> Sequence[Operand] | None:
    s = node.settings
    if node.primitive is scan_sweeps:
        there_and_back = len(s["steps"]) == 2 and s["reverse"][0] != s["reverse"][1]
        write = _scheduled if there_and_back and s["length"] else _one_by_one
    elif node.primitive is while_sweeps and s["reverse"] == (False, True):
        write = _there_and_back
    else:
        return None

    def make(heads: list[Any]) -> list[Any]:
        return write(sweeps_of(node, heads))

    return splice(b, recorded("sweeps", [x.type for x in operands], make), operands)


def _scan(
    body: Graph, constants: list[Any], carry: list[Any], rows: list[Any], length: int, reverse: bool
) -> list[Any]:
    operands = [*constants, *carry, *rows]
    counts = {"n_constants": len(constants), "n_carry": len(carry)}
    return list(control.scan(*operands, graph=body, **counts, length=length, reverse=reverse))


def _repeat(
    test: Callable[[list[Any]], Any],
    body: Callable[[list[Any]], list[Any]],
    constants: list[Any],
    carry: list[Any],
) -> list[Any]:
    """While test(constants + carry): carry = body(constants + carry)."""
    kinds = [_type(x) for x in (*constants, *carry)]
    return list(
        control.while_loop(
            *constants,
            *constants,
            *carry,
            condition=recorded("sweeps", kinds, lambda heads: [test(heads)]),
            body=recorded("sweeps", kinds, body),
            n_condition=len(constants),
            n_body=len(constants),
        )
    )


def _type(x: Any) -> ArrayType:
    return ArrayType(x.shape, x.dtype)


def _at(stack: Any, k: Any) -> Any:
    return np.reshape(gather(stack, np.reshape(k, (1,)), axes=(0,)), stack.shape[1:])


def _put(stack: Any, k: Any, x: Any) -> Any:
    return scatter_set(stack, np.reshape(x, (1, *x.shape)), np.reshape(k, (1,)), axes=(0,))


def _stack(first: Any, places: int) -> Any:
    """Places for states, with one state in the first."""
    empty = np.broadcast_to(np.zeros((), first.dtype), (places, *first.shape))
    return _put(empty, np.zeros((), np.int64), first)


# *** scans ***


def _one_by_one(sweeps: Sweeps) -> list[Any]:
    """Each sweep sees the stacked states of those before it."""
    last: Lists = []
    stacks: Lists = []
    history: list[Any] = []
    for p, step in enumerate(sweeps.steps):
        n = len(sweeps.states[p])
        kinds = [v.type for v in step.inputs]
        n_own, n_seen = len(sweeps.constants[p]), len(history)
        sizes = [n_own, n, n_seen, len(kinds) - n_own - n - n_seen]

        def body(heads: list[Any], step: Graph = step, sizes: list[int] = sizes) -> list[Any]:
            own, state, seen, rows = cut(heads, sizes)
            outputs = replay(step, [*own, *seen, *state, *rows])
            return [*outputs, *state]

        own, seen, state, rows = cut(kinds, [n_own, n_seen, n, sizes[3]])
        made = _scan(
            recorded("sweeps", [*own, *state, *seen, *rows], body),
            sweeps.constants[p],
            sweeps.states[p],
            [*history, *sweeps.rows[p]],
            sweeps.length,
            sweeps.reverse[p],
        )
        n_results = len(step.outputs) - n
        last.append(made[:n])
        stacks.append(made[n : n + n_results])
        history = [*history, *made[n + n_results :]]
    return sweeps.in_order(last, stacks)


def actions(length: int, snapshots: int) -> list[tuple[int, int, int, bool]]:
    """The binomial schedule as (read from place, write to place, round, take it back).

    >>> actions(2, 1)
    [(0, 1, 0, False), (1, 1, 1, True), (0, 1, 0, True)]
    """
    working = snapshots
    place, free = {0: 0}, list(range(snapshots - 1, 0, -1))
    now = 0
    found: list[tuple[int, int, int, bool]] = []
    for what, k in binomial_schedule(length, snapshots):
        if what == "advance":
            found.append((now, working, k, False))
            now = working
        elif what == "save":
            now = place[k] = free.pop()
            found[-1] = (found[-1][0], now, *found[-1][2:])
        elif what == "restore":
            now = place[k]
        elif what == "drop":
            free.append(place.pop(k))
        else:
            found.append((now, working, k, True))
    return found


def _scheduled(sweeps: Sweeps) -> list[Any]:
    there, back = sweeps.steps
    (c0, c1), (x0, bars0), (r0, r1) = sweeps.constants, sweeps.states, sweeps.rows
    ahead = _scan(there, c0, x0, r0, sweeps.length, sweeps.reverse[0])
    kinds = [o.type for o in back.outputs[len(bars0) :]]
    blank = [np.zeros((sweeps.length, *t.shape), t.dtype) for t in kinds]
    sizes = [len(part) for part in (c0, c1, r0, r1, x0, bars0, blank)]
    branches = _branches(sweeps)

    def body(heads: list[Any]) -> list[Any]:
        own0, own1, rows0, rows1, kept, bars, results, table = cut(heads, [*sizes, 4])
        source, target, k, takes_back = table
        arguments = [*own0, *own1, *[_at(x, source) for x in kept], *bars]
        arguments += [_at(x, k) for x in (*rows0, *rows1)]
        made = control.cond(takes_back, *arguments, **branches)
        states, bars, rows = cut(made, [len(kept), len(bars), len(results)])
        kept = [_put(x, target, y) for x, y in zip(kept, states, strict=True)]
        return [*kept, *bars, *[_put(x, k, y) for x, y in zip(results, rows, strict=True)]]

    plan = actions(sweeps.length, sweeps.snapshots)
    columns = [np.array(column) for column in zip(*plan, strict=True)]
    if sweeps.reverse[0]:
        columns[2] = sweeps.length - 1 - columns[2]
    constants = [*c0, *c1, *r0, *r1]
    carry = [*[_stack(x, sweeps.snapshots + 1) for x in x0], *bars0, *blank]
    types = [_type(x) for x in (*constants, *carry)]
    types += [ArrayType((), column.dtype) for column in columns]
    graph = recorded("sweeps", types, body)
    made = _scan(graph, constants, carry, columns, len(plan), False)
    _, bars, results = cut(made, [len(x0), len(bars0), len(blank)])
    return sweeps.in_order([ahead[: len(x0)], bars], [ahead[len(x0) :], results])


def _branches(sweeps: Sweeps) -> dict[str, Graph]:
    """One round on, and one round back, from the same inputs to outputs of the same types."""
    there, back = sweeps.steps
    groups = [*sweeps.constants, *sweeps.states]
    kinds = [_type(x) for part in groups for x in part]
    kinds += [ArrayType(x.shape[1:], x.dtype) for part in sweeps.rows for x in part]
    sizes = [len(part) for part in (*groups, *sweeps.rows)]
    results = [o.type for o in back.outputs[len(sweeps.states[1]) :]]

    def on(heads: list[Any]) -> list[Any]:
        own, _, state, bars, rows, _ = cut(heads, sizes)
        moved = replay(there, [*own, *state, *rows])[: len(state)]
        return [*moved, *bars, *[np.zeros(t.shape, t.dtype) for t in results]]

    def taken_back(heads: list[Any]) -> list[Any]:
        _, own, state, bars, _, rows = cut(heads, sizes)
        return [*state, *replay(back, [*own, *state, *bars, *rows])]

    return {
        "on_true": recorded("sweeps", kinds, taken_back),
        "on_false": recorded("sweeps", kinds, on),
    }


# *** while loops ***


def _there_and_back(sweeps: Sweeps) -> list[Any]:
    state_bytes = sum(x.size * x.dtype.itemsize for x in sweeps.states[0])
    places = int(np.clip(_KEPT_BYTES // max(state_bytes, 1), _FEWEST_KEPT, _MOST_KEPT))
    places -= places % 2  # every second one is forgotten when they are full
    rounds, stride, kept, last = _ahead(sweeps, places)
    bars = _back(sweeps, places, rounds, stride, kept)
    return joined([last, bars])


def _ahead(sweeps: Sweeps, places: int) -> tuple[Any, Any, list[Any], list[Any]]:
    """The loop itself: gives its rounds, how many lie between kept states, these, and the end.

    The states at multiples of the stride are kept; when there is no place left, the stride is
    doubled and every second one is forgotten. What is not to be kept goes to a place more.
    """
    step, test = sweeps.steps[0], sweeps.condition
    assert test is not None
    n, n_test, n_own = len(sweeps.states[0]), len(sweeps.of_test), len(sweeps.constants[0])
    sizes = [n_test, n_own, 1, 1, n, n]

    def goes_on(heads: list[Any]) -> Any:
        of_test, _, _, _, _, state = cut(heads, sizes)
        return replay(test, [*of_test, *state])[0]

    def has_place(heads: list[Any]) -> Any:
        _, _, (k,), (stride,), _, _ = cut(heads, sizes)
        return np.logical_and(goes_on(heads), k < places * stride)

    def one(heads: list[Any]) -> list[Any]:
        _, own, (k,), (stride,), kept, state = cut(heads, sizes)
        place = np.where(k % stride == 0, k // stride, places)
        kept = [_put(whole, place, x) for whole, x in zip(kept, state, strict=True)]
        return [k + 1, stride, *kept, *replay(step, [*own, *state])]

    def many(heads: list[Any]) -> list[Any]:
        constants = heads[: n_test + n_own]
        k, stride, *rest = _repeat(has_place, one, constants, heads[n_test + n_own :])
        kept, state = cut(rest, [n, n])
        kinds = [_type(x) for x in kept]
        full = k == places * stride
        halved = control.cond(
            full,
            *kept,
            on_true=recorded("sweeps", kinds, lambda xs: [_halved(x, places) for x in xs]),
            on_false=recorded("sweeps", kinds, lambda xs: xs),
        )
        return [k, np.where(full, 2 * stride, stride), *halved, *state]

    counters = [np.zeros((), np.int64), np.ones((), np.int64)]
    kept = [_stack(x, places + 1) for x in sweeps.states[0]]
    constants = [*sweeps.of_test, *sweeps.constants[0]]
    k, stride, *rest = _repeat(goes_on, many, constants, [*counters, *kept, *sweeps.states[0]])
    kept, state = cut(rest, [n, n])
    return k, stride, kept, state


def _halved(x: Any, places: int) -> Any:
    return np.concatenate([x[0:places:2], x[places // 2 :]])


def _back(sweeps: Sweeps, places: int, rounds: Any, stride: Any, kept: list[Any]) -> list[Any]:
    """Stretch by stretch from the end: the states of one are made again, then taken back."""
    there, back = sweeps.steps
    n, n_bars = len(sweeps.states[0]), len(sweeps.states[1])
    n0, n1 = len(sweeps.constants[0]), len(sweeps.constants[1])

    def advanced(own: list[Any], state: list[Any], start: Any, stop: Any) -> list[Any]:
        made = _repeat(
            lambda xs: xs[n0 + 1] < xs[n0],
            lambda xs: [xs[n0 + 1] + 1, *replay(there, [*xs[:n0], *xs[n0 + 2 :]])],
            [*own, stop],
            [start, *state],
        )
        return made[1:]

    def noted(own: list[Any], state: list[Any], tape: list[Any], low: Any, stop: Any) -> list[Any]:
        """The states of rounds low to stop - 1, at places 0 and on."""

        def one(heads: list[Any]) -> list[Any]:
            mine, (base, _, k), states, tapes = cut(heads, [n0, 3, n, n])
            tapes = [_put(t, k - base, x) for t, x in zip(tapes, states, strict=True)]
            return [k + 1, *replay(there, [*mine, *states]), *tapes]

        goes_on = lambda xs: xs[n0 + 2] < xs[n0 + 1] - 1  # noqa: E731
        k, *rest = _repeat(goes_on, one, [*own, low, stop], [low, *state, *tape])
        states, tapes = cut(rest, [n, n])
        return [_put(t, k - low, x) for t, x in zip(tapes, states, strict=True)]

    def reversed_(own: list[Any], tape: list[Any], bars: list[Any], low: Any, stop: Any) -> Any:
        def one(heads: list[Any]) -> list[Any]:
            mine, tapes, (base, k), cotangents = cut(heads, [n1, n, 2, n_bars])
            states = [_at(t, k - base) for t in tapes]
            return [k - 1, *replay(back, [*mine, *states, *cotangents])]

        at = n1 + n
        goes_on = lambda xs: xs[at + 1] >= xs[at]  # noqa: E731
        return _repeat(goes_on, one, [*own, *tape, low], [stop - 1, *bars])[1:]

    def stretch(heads: list[Any]) -> list[Any]:
        own0, own1, (gap,), saved, (high,), tape, bars = cut(heads, [n0, n1, 1, n, 1, n, n_bars])
        place = (high - 1) // gap
        low = np.maximum(place * gap, high - places)
        state = advanced(own0, [_at(x, place) for x in saved], place * gap, low)
        tape = noted(own0, state, tape, low, high)
        return [low, *tape, *reversed_(own1, tape, bars, low, high)]

    constants = [*sweeps.constants[0], *sweeps.constants[1], stride, *kept]
    tape = [_stack(x, places) for x in sweeps.states[0]]
    at = len(constants)
    made = _repeat(lambda xs: xs[at] > 0, stretch, constants, [rounds, *tape, *sweeps.states[1]])
    return made[1 + n :]
