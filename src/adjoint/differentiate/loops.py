"""Derivatives of loops whose number of rounds depends on the data.

Everything here is about one form, the *sweeps* over the rounds k = 0 ... n-1 of a loop. The
first sweep goes forwards while its condition holds, and so finds n. Each further sweep goes
over the same rounds, forwards or backwards, with a state of its own; its step also sees the
states that the earlier sweeps had when they entered that round. A ``while_loop`` is a single
sweep. Its pushforward is a sweep over values and tangents together. Its transpose is the sweep
over the values, then a backward sweep for the cotangents. Both are sweeps again, so every order
of derivative of either mode is one node, whose cost is linear in n.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from adjoint.differentiate.linearize import jvp_graph
from adjoint.differentiate.replay import replay
from adjoint.differentiate.transpose import transpose
from adjoint.graph.graph import Graph, Node, Value
from adjoint.primitives import control
from adjoint.primitives.infer import zeros
from adjoint.trace.recorder import Recorder


class Sweeps(NamedTuple):
    """A node of sweeps with its operands sorted out.

    ``steps[p]`` takes (its constants, the states of sweeps 0 ... p-1, its own state).
    """

    condition: Graph
    steps: tuple[Graph, ...]
    reverse: tuple[bool, ...]
    of_test: list[Any]
    constants: list[list[Any]]
    states: list[list[Any]]

    def emit(self) -> list[Any]:
        """Record it; gives the last states of all sweeps."""
        flat = [*self.of_test, *_joined(self.constants), *_joined(self.states)]
        if len(self.steps) == 1:
            made = control.while_loop(
                *flat,
                condition=self.condition,
                body=self.steps[0],
                n_condition=len(self.of_test),
                n_body=len(self.constants[0]),
            )
        else:
            made = control.while_sweeps(
                *flat,
                condition=self.condition,
                steps=self.steps,
                reverse=self.reverse,
                n_condition=len(self.of_test),
                n_constants=tuple(map(len, self.constants)),
            )
        return list(made)


def _joined(lists: Sequence[Sequence[Any]]) -> list[Any]:
    return [x for part in lists for x in part]


def _cut(flat: Sequence[Any], counts: Sequence[int]) -> list[list[Any]]:
    rest = iter(flat)
    return [[next(rest) for _ in range(n)] for n in counts]


def sweeps_of(node: Node, operands: Sequence[Any]) -> Sweeps:
    """A while_loop or while_sweeps node, with these in the places of its operands."""
    s = node.settings
    if node.primitive is control.while_loop:
        steps, reverse, counts = (s["body"],), (False,), (s["n_body"],)
    else:
        steps, reverse, counts = s["steps"], s["reverse"], s["n_constants"]
    sizes = [s["n_condition"], *counts, *(len(step.outputs) for step in steps)]
    parts = _cut(operands, sizes)
    of_test, constants, states = parts[0], parts[1 : 1 + len(steps)], parts[1 + len(steps) :]
    return Sweeps(s["condition"], steps, reverse, of_test, constants, states)


def recorded(name: str, kinds: Sequence[Any], make: Callable[[list[Any]], Sequence[Any]]) -> Graph:
    """The graph of a function of stand-ins of these types."""
    recorder = Recorder(name, concrete=False, keep_all=True)
    heads = [recorder.input(kind) for kind in kinds]
    results = [recorder.index_of(x) for x in make(heads)]
    made = recorder.graph(results, range(len(heads)), inline=1 << 62)
    recorder.closed = True
    return made.graph


# *** forward ***


def sweeps_jvp(node: Node, primals: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
    """Values and tangents go round together; the condition looks at the values."""
    plain, dots = sweeps_of(node, primals), sweeps_of(node, tangents)
    active = _active_states(plain, dots)
    if not any(map(any, active)):
        return [None] * len(node.outputs)
    steps, constants, states = [], [], []
    for p, step in enumerate(plain.steps):
        live = [t is not None for t in dots.constants[p]]
        steps.append(_step_with_tangents(step, live, active[: p + 1]))
        constants.append([*plain.constants[p], *(t for t in dots.constants[p] if t is not None)])
        first = len(step.inputs) - len(step.outputs)
        states.append(list(plain.states[p]))
        for i, flag in enumerate(active[p]):
            if flag:
                t = dots.states[p][i]
                states[-1].append(zeros(step.inputs[first + i].type) if t is None else t)
    extra = [
        step.outputs[i].type
        for step, flags in zip(plain.steps[:1], active, strict=False)
        for i, flag in enumerate(flags)
        if flag
    ]
    test = plain.condition
    condition = Graph((*test.inputs, *map(Value, extra)), test.nodes, test.outputs)
    results = Sweeps(
        condition, tuple(steps), plain.reverse, plain.of_test, constants, states
    ).emit()
    found: list[Any] = []
    for flags, last in zip(active, _cut(results, [len(s) for s in states]), strict=True):
        moved = iter(last[len(flags) :])
        found += [next(moved) if flag else None for flag in flags]
    return found


def _active_states(plain: Sweeps, dots: Sweeps) -> list[list[bool]]:
    """Which states have a tangent: at the start, or from some round on."""
    active: list[list[bool]] = []
    for p, step in enumerate(plain.steps):
        own = [t is not None for t in dots.states[p]]
        live = [t is not None for t in dots.constants[p]]
        while True:
            _, moved = jvp_graph(step, [*live, *_joined(active), *own], primal_outputs=False)
            joined = [i for i in moved if not own[i]]
            if not joined:
                break
            for i in joined:
                own[i] = True
        active.append(own)
    return active


def _step_with_tangents(step: Graph, live: list[bool], active: list[list[bool]]) -> Graph:
    """A step on values and tangents: each group of inputs is followed by its tangents."""
    groups = [live, *active]
    inputs = _cut([v.type for v in step.inputs], [len(flags) for flags in groups])
    kinds, is_dot = [], []
    for types, flags in zip(inputs, groups, strict=True):
        moving = [t for t, flag in zip(types, flags, strict=True) if flag]
        kinds += [*types, *moving]
        is_dot += [False] * len(types) + [True] * len(moving)
    both, moved = jvp_graph(step, _joined(groups), primal_outputs=True)

    def make(heads: list[Any]) -> list[Any]:
        values = [x for x, flag in zip(heads, is_dot, strict=True) if not flag]
        directions = [x for x, flag in zip(heads, is_dot, strict=True) if flag]
        results = replay(both, [*values, *directions])
        n = len(step.outputs)
        found = dict(zip(moved, results[n:], strict=True))
        for i, flag in enumerate(active[-1]):
            if flag:
                dot = found.get(i)
                results.append(zeros(step.outputs[i].type) if dot is None else dot)
        return results[:n] + results[n + len(moved) :]

    return recorded("jvp", kinds, make)


# *** transposed ***


def sweeps_transpose(
    node: Node, operands: Sequence[Any], bars: Sequence[Any], linear: Sequence[bool]
) -> Sequence[Any]:
    """The sweeps over what is not linear, then for each linear one its transpose.

    The transposed sweeps run in the opposite order and direction. A cotangent enters round k of
    one as the cotangent of what round k of the sweep gave, which is what the states of the
    earlier sweeps at round k need.
    """
    plain, marked = sweeps_of(node, operands), sweeps_of(node, linear)
    masks = _linear_states(plain, marked)
    steps, constants, states = _plain_sweeps(plain, marked.constants, masks)
    n_primal = len(steps)
    reverse = list(plain.reverse)
    bars_of = _cut(bars, [len(step.outputs) for step in plain.steps])
    pulls = [
        _transposed_step(plain.steps[p], marked.constants[p], masks[: p + 1])
        for p in range(n_primal)
    ]
    done: list[int] = []  # sweeps already transposed
    for p in reversed(range(n_primal)):
        if not any(masks[p]):
            continue
        step = plain.steps[p]
        kinds = [step.outputs[i].type for i, flag in enumerate(masks[p]) if flag]
        totals = [step.inputs[i].type for i, flag in enumerate(marked.constants[p]) if flag]
        given = [bars_of[p][i] for i, flag in enumerate(masks[p]) if flag]
        done.append(p)
        steps.append(_adjoint_step(plain, marked, masks, pulls, done))
        constants.append(
            _joined([_unmarked(plain.constants[q], marked.constants[q]) for q in done])
        )
        states.append(
            [zeros(k) if b is None else b for k, b in zip(kinds, given, strict=True)]
            + [zeros(kind) for kind in totals]
        )
        reverse.append(not plain.reverse[p])
    test, n_condition = plain.condition, len(plain.of_test)
    kept = [*test.inputs[:n_condition], *_unmarked(test.inputs[n_condition:], masks[0])]
    condition = Graph(tuple(kept), test.nodes, test.outputs)
    results = Sweeps(
        condition, tuple(steps), tuple(reverse), plain.of_test, constants, states
    ).emit()
    last = dict(zip(done, _cut(results, [len(s) for s in states])[n_primal:], strict=True))
    return _shares(plain, marked, masks, last)


def _unmarked(items: Sequence[Any], marks: Sequence[bool]) -> list[Any]:
    return [x for x, flag in zip(items, marks, strict=True) if not flag]


def _shares(
    plain: Sweeps, marked: Sweeps, masks: list[list[bool]], last: dict[int, list[Any]]
) -> list[Any]:
    """The transposed sweeps' last states, in the places of the operands they belong to."""
    of_constants: list[Any] = []
    of_states: list[Any] = []
    for p, mask in enumerate(masks):
        rest = iter(last.get(p, ()))
        bars = [next(rest) if flag else None for flag in mask]
        of_states += bars
        of_constants += [next(rest, None) if flag else None for flag in marked.constants[p]]
    return [None] * len(plain.of_test) + of_constants + of_states


def _linear_states(plain: Sweeps, marked: Sweeps) -> list[list[bool]]:
    """Which states depend on the linear operands: at the start, or from some round on."""
    masks: list[list[bool]] = []
    for p, step in enumerate(plain.steps):
        own = list(marked.states[p])
        while True:
            flags = [*marked.constants[p], *_joined(masks), *own]
            dependent = {v for v, flag in zip(step.inputs, flags, strict=True) if flag}
            for node in step.nodes:
                if any(o in dependent for o in node.operands):
                    dependent.update(node.outputs)
            joined = [i for i, o in enumerate(step.outputs) if o in dependent and not own[i]]
            if not joined:
                break
            for i in joined:
                own[i] = True
        masks.append(own)
    return masks


def _plain_sweeps(
    plain: Sweeps, marks: list[list[bool]], masks: list[list[bool]]
) -> tuple[list[Graph], list[list[Any]], list[list[Any]]]:
    """The sweeps without their linear states."""
    steps = []
    for p, step in enumerate(plain.steps):
        flags = [*marks[p], *_joined(masks[: p + 1])]
        steps.append(_part(step, _unmarked(step.inputs, flags), _unmarked(step.outputs, masks[p])))
    constants = [_unmarked(xs, flags) for xs, flags in zip(plain.constants, marks, strict=True)]
    states = [_unmarked(xs, flags) for xs, flags in zip(plain.states, masks, strict=True)]
    return steps, constants, states


def _part(step: Graph, inputs: Sequence[Value], outputs: Sequence[Any]) -> Graph:
    """The part of a graph that makes some of its outputs."""
    needed = set(outputs)
    nodes = []
    for node in reversed(step.nodes):
        if any(v in needed for v in node.outputs):
            needed.update(node.operands)
            nodes.append(node)
    return Graph(tuple(inputs), tuple(reversed(nodes)), tuple(outputs))


def _transposed_step(step: Graph, marks: list[bool], masks: list[list[bool]]) -> Graph:
    """From (what is not linear, cotangents of linear outputs) to cotangents of linear inputs."""
    outputs = tuple(o for o, flag in zip(step.outputs, masks[-1], strict=True) if flag)
    only = Graph(step.inputs, step.nodes, outputs)
    return transpose(only, [*marks, *_joined(masks)])


def _adjoint_step(
    plain: Sweeps, marked: Sweeps, masks: list[list[bool]], pulls: list[Graph], done: list[int]
) -> Graph:
    """The step of the transposed sweep of ``done[-1]``.

    It takes (constants of the sweeps in done, plain states of all sweeps, cotangents and totals
    of the sweeps in done) and gives its own cotangents and totals.
    """
    p = done[-1]
    kinds: list[Any] = []
    sizes: list[int] = []

    def group(types: Sequence[Any]) -> None:
        kinds.extend(types)
        sizes.append(len(types))

    for q in done:
        group(
            [
                x.type
                for x in _unmarked(
                    plain.steps[q].inputs[: len(marked.constants[q])], marked.constants[q]
                )
            ]
        )
    for step, mask in zip(plain.steps, masks, strict=True):
        group([o.type for o in _unmarked(step.outputs, mask)])
    for q in done:
        step = plain.steps[q]
        bars = [o.type for o, flag in zip(step.outputs, masks[q], strict=True) if flag]
        totals = [v.type for v, flag in zip(step.inputs, marked.constants[q], strict=False) if flag]
        group([*bars, *totals])

    def make(heads: list[Any]) -> list[Any]:
        parts = _cut(heads, sizes)
        n, n_all = len(done), len(plain.steps)
        saved, cotangents = parts[n : n + n_all], parts[n + n_all :]
        bars: list[Any] = []
        totals: list[Any] = []
        for q, constants, state in zip(done, parts[:n], cotangents, strict=True):
            count = sum(masks[q])
            arguments = [*constants, *_joined(saved[: q + 1]), *state[:count]]
            shares = _cut(
                replay(pulls[q], arguments),
                [sum(marked.constants[q]), *(sum(mask) for mask in masks[: q + 1])],
            )
            mine = shares[1 + p]
            bars = [a + b for a, b in zip(bars, mine, strict=True)] if bars else mine
            if q == p:
                totals = [a + b for a, b in zip(state[count:], shares[0], strict=True)]
        return [*bars, *totals]

    return recorded("transpose", kinds, make)
