"""Derivatives of loops, as sweeps over their rounds.

A loop goes over the rounds k = 0 ... n-1; of a ``while_loop`` the first sweep finds n. Further
sweeps go over the same rounds, forwards or backwards, with a state of their own; their steps
also see the states that the earlier sweeps had when they entered that round. The pushforward of
a loop is a sweep over values and tangents together. Its transpose is the sweep over the values,
then a backward sweep for the cotangents. Both are sweeps again, so every order of derivative of
either mode is one node, whose cost is linear in n.

A plain ``scan`` has rules of its own, which keep residuals in arrays; one with snapshots is
differentiated here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from adjoint.differentiate.linearize import jvp_graph
from adjoint.differentiate.replay import replay
from adjoint.differentiate.transpose import Shares, reached, transposed
from adjoint.graph.graph import Graph, Node, Value
from adjoint.primitives import control
from adjoint.primitives.infer import zeros
from adjoint.primitives.sweeps import cut, scan_sweeps, while_sweeps
from adjoint.trace.recorder import Recorder

Lists = list[list[Any]]


class Sweeps(NamedTuple):
    """A node of sweeps with its operands sorted out.

    ``steps[p]`` takes (its constants, the states of sweeps 0 ... p-1, its own state, its rows)
    and gives (its next state, a row of results).
    """

    condition: Graph | None  # of a while loop
    steps: tuple[Graph, ...]
    reverse: tuple[bool, ...]
    of_test: list[Any]
    constants: Lists
    states: Lists
    rows: Lists
    length: int  # of a scan
    snapshots: int

    def emit(self) -> tuple[Lists, Lists]:
        """Record it; gives the last states, and the stacked results, of each sweep."""
        flat = [*self.of_test, *joined(self.constants), *joined(self.states), *joined(self.rows)]
        counts = tuple(map(len, self.states))
        n_constants = tuple(map(len, self.constants))
        if self.condition is None:
            made = scan_sweeps(
                *flat,
                steps=self.steps,
                reverse=self.reverse,
                n_constants=n_constants,
                n_states=counts,
                length=self.length,
                snapshots=self.snapshots,
            )
        elif len(self.steps) == 1:
            made = control.while_loop(
                *flat,
                condition=self.condition,
                body=self.steps[0],
                n_condition=len(self.of_test),
                n_body=n_constants[0],
            )
        else:
            made = while_sweeps(
                *flat,
                condition=self.condition,
                steps=self.steps,
                reverse=self.reverse,
                n_condition=len(self.of_test),
                n_constants=n_constants,
            )
        results = [len(s.outputs) - n for s, n in zip(self.steps, counts, strict=True)]
        parts = cut(made, [*counts, *results])
        return parts[: len(counts)], parts[len(counts) :]

    def in_order(self, of_states: Lists, of_results: Lists) -> list[Any]:
        """What belongs to the outputs, in their order."""
        return joined(of_states) + joined(of_results)

    def results(self, flat: Sequence[Any]) -> tuple[Lists, Lists]:
        """What is in the order of the outputs, as (of states, of results)."""
        counts = [len(s) for s in self.states]
        more = [len(s.outputs) - n for s, n in zip(self.steps, counts, strict=True)]
        parts = cut(flat, [*counts, *more])
        return parts[: len(counts)], parts[len(counts) :]


def joined(lists: Sequence[Sequence[Any]]) -> list[Any]:
    """Lists as one."""
    return [x for part in lists for x in part]


def sweeps_of(node: Node, operands: Sequence[Any]) -> Sweeps:
    """A while_loop, while_sweeps or scan_sweeps node, with these in its operands' places."""
    s = node.settings
    if node.primitive is control.while_loop:
        s = {**s, "steps": (s["body"],), "reverse": (False,), "n_constants": (s["n_body"],)}
    steps = s["steps"]
    n, n_condition = len(steps), s.get("n_condition", 0)
    counts = s.get("n_states", [len(step.outputs) for step in steps])
    rows, before = [], 0
    for step, n_constants, n_own in zip(steps, s["n_constants"], counts, strict=True):
        before += n_own
        rows.append(len(step.inputs) - n_constants - before)
    parts = cut(operands, [n_condition, *s["n_constants"], *counts, *rows])
    return Sweeps(
        s.get("condition"),
        steps,
        s["reverse"],
        parts[0],
        parts[1 : 1 + n],
        parts[1 + n : 1 + 2 * n],
        parts[1 + 2 * n :],
        s.get("length", 0),
        s.get("snapshots", 0),
    )


def recorded(name: str, kinds: Sequence[Any], make: Callable[[list[Any]], Sequence[Any]]) -> Graph:
    """The graph of a function of stand-ins of these types."""
    recorder = Recorder(name, concrete=False, keep_all=True)
    heads = [recorder.input(kind) for kind in kinds]
    results = [recorder.index_of(x) for x in make(heads)]
    made = recorder.graph(results, range(len(heads)), inline=1 << 62)
    recorder.closed = True
    return made.graph


def marked(items: Sequence[Any], marks: Sequence[bool]) -> list[Any]:
    """Those with a mark."""
    return [x for x, flag in zip(items, marks, strict=True) if flag]


def unmarked(items: Sequence[Any], marks: Sequence[bool]) -> list[Any]:
    """Those without."""
    return [x for x, flag in zip(items, marks, strict=True) if not flag]


def _condition(test: Graph | None, n: int, flags: Sequence[bool], extra: Sequence[Any]) -> Any:
    """A condition that reads the unmarked states only, and takes further ones."""
    if test is None:
        return None
    inputs = (*test.inputs[:n], *unmarked(test.inputs[n:], flags), *map(Value, extra))
    return Graph(inputs, test.nodes, test.outputs)


# *** forward ***


def sweeps_jvp(node: Node, primals: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
    """Values and tangents go round together."""
    plain, dots = sweeps_of(node, primals), sweeps_of(node, tangents)
    active: list[list[bool]] = []  # which states have a tangent
    moved: list[list[bool]] = []  # which results have one
    steps, constants, states, rows = [], [], [], []
    for p, step in enumerate(plain.steps):
        groups = [[t is not None for t in part] for part in (dots.constants[p], dots.rows[p])]
        own, results = _settled(step, groups[0], active, dots.states[p], groups[1])
        active.append(own)
        moved.append(results)
        steps.append(_step_with_tangents(step, [groups[0], *active, groups[1]], results))
        constants.append([*plain.constants[p], *marked(dots.constants[p], groups[0])])
        rows.append([*plain.rows[p], *marked(dots.rows[p], groups[1])])
        kinds = [o.type for o in step.outputs[: len(own)]]
        start = [zeros(k) if t is None else t for k, t in zip(kinds, dots.states[p], strict=True)]
        states.append([*plain.states[p], *marked(start, own)])
    if not any(map(any, active)) and not any(map(any, moved)):
        return [None] * len(node.outputs)
    first = plain.steps[0].outputs[: len(active[0])]
    extra = [o.type for o in marked(first, active[0])]
    n_test = len(plain.of_test)
    made = plain._replace(
        condition=_condition(plain.condition, n_test, [False] * len(active[0]), extra),
        steps=tuple(steps),
        constants=constants,
        states=states,
        rows=rows,
    )
    last, stacks = made.emit()
    of_states = [_spread(end[len(own) :], own) for end, own in zip(last, active, strict=True)]
    of_results = [_spread(ys, flags) for ys, flags in zip(stacks, moved, strict=True)]
    return plain.in_order(of_states, of_results)


def _spread(values: Sequence[Any], marks: Sequence[bool]) -> list[Any]:
    rest = iter(values)
    return [next(rest) if flag else None for flag in marks]


def _settled(
    step: Graph, live: list[bool], earlier: Lists, start: list[Any], rows: list[bool]
) -> tuple[list[bool], list[bool]]:
    """Which states have a tangent, at the start or from some round on; and which results."""
    own = [t is not None for t in start]
    while True:
        flags = [*live, *joined(earlier), *own, *rows]
        _, moved = jvp_graph(step, flags, primal_outputs=False)
        new = [i for i in moved if i < len(own) and not own[i]]
        if not new:
            return own, [i in moved for i in range(len(own), len(step.outputs))]
        for i in new:
            own[i] = True


def _step_with_tangents(step: Graph, groups: Lists, results: list[bool]) -> Graph:
    """A step on values and tangents: each group of inputs is followed by its tangents.

    It gives (states, their tangents, tangents of results).
    """
    inputs = cut([v.type for v in step.inputs], [len(flags) for flags in groups])
    kinds, is_dot = [], []
    for types, flags in zip(inputs, groups, strict=True):
        moving = marked(types, flags)
        kinds += [*types, *moving]
        is_dot += [False] * len(types) + [True] * len(moving)
    both, moved = jvp_graph(step, joined(groups), primal_outputs=True)
    own = groups[-2]

    def make(heads: list[Any]) -> list[Any]:
        outputs = replay(both, [*unmarked(heads, is_dot), *marked(heads, is_dot)])
        found = dict(zip(moved, outputs[len(step.outputs) :], strict=True))
        dots = [found[i] if i in found else zeros(o.type) for i, o in enumerate(step.outputs)]
        return [*outputs[: len(own)], *marked(dots, [*own, *results])]

    return recorded("jvp", kinds, make)


# *** transposed ***


class _Part(NamedTuple):
    """One sweep that is to be transposed: what of it is linear, and its transposed step.

    ``pull`` takes (constants, states of sweeps up to its own, rows: those not linear; then the
    cotangents of linear states and results) and gives the cotangents of its linear inputs.
    """

    step: Graph
    constants: list[bool]
    states: list[bool]
    rows: list[bool]
    results: list[bool]
    pull: Graph
    guarded: list[bool]  # which of the cotangents that it gives are

    def plain_inputs(self, earlier: Lists) -> list[bool]:
        """Marks of the linear inputs, given those of the earlier sweeps' states."""
        return [*self.constants, *joined(earlier), *self.states, *self.rows]


def sweeps_transpose(
    node: Node,
    operands: Sequence[Any],
    bars: Sequence[Any],
    linear: Sequence[bool],
    guarded: Sequence[bool],
) -> Shares:
    """The sweeps over what is not linear, then for each linear one its transpose.

    The transposed sweeps run in the opposite order and direction. A cotangent enters round k of
    one as the cotangent of what round k of the sweep gave, which is what the states of the
    earlier sweeps at round k need.
    """
    plain, flags = sweeps_of(node, operands), sweeps_of(node, linear)
    parts = _parts(plain, flags, *plain.results(guarded))
    masks = [part.states for part in parts]
    steps = []
    for p, part in enumerate(parts):
        kept = unmarked(part.step.outputs[: len(part.states)], part.states)
        inputs = unmarked(part.step.inputs, part.plain_inputs(masks[:p]))
        steps.append(_restricted(part.step, inputs, kept))
    constants, states, rows = (
        [unmarked(xs, marks) for xs, marks in zip(given, linear_ones, strict=True)]
        for given, linear_ones in (
            (plain.constants, flags.constants),
            (plain.states, masks),
            (plain.rows, flags.rows),
        )
    )
    reverse = list(plain.reverse)
    of_states, of_results = plain.results(bars)
    plain_constants, plain_rows = list(constants), list(rows)
    bar_rows: dict[int, list[Any]] = {}
    done: list[int] = []  # sweeps already transposed
    for p in reversed(range(len(parts))):
        part = parts[p]
        if not any(part.states) and not any(part.results):
            continue
        done.append(p)
        bar_rows[p] = _filled(of_results[p], part.results, node.outputs, plain, p)
        steps.append(_adjoint_step(parts, done))
        constants.append(joined([plain_constants[q] for q in done]))
        rows.append(joined([[*plain_rows[q], *bar_rows[q]] for q in done]))
        kinds = [o.type for o in marked(part.step.outputs[: len(part.states)], part.states)]
        ends = marked(of_states[p], part.states)
        totals = [v.type for v in marked(part.step.inputs[: len(part.constants)], part.constants)]
        states.append(
            [zeros(k) if b is None else b for k, b in zip(kinds, ends, strict=True)]
            + [zeros(kind) for kind in totals]
        )
        reverse.append(not plain.reverse[p])
    made = plain._replace(
        condition=_condition(plain.condition, len(plain.of_test), masks[0], ()),
        steps=tuple(steps),
        reverse=tuple(reverse),
        constants=constants,
        states=states,
        rows=rows,
    )
    last, stacks = made.emit()
    n = len(parts)
    shares = _shares(
        plain,
        parts,
        dict(zip(done, last[n:], strict=True)),
        dict(zip(done, stacks[n:], strict=True)),
    )
    return shares, _guarded(plain, parts, done)


def _guarded(plain: Sweeps, parts: list[_Part], done: list[int]) -> list[bool]:
    """Which of the shares are guarded."""
    last: dict[int, list[Any]] = {}
    of_rows: dict[int, list[Any]] = {}
    for p in done:
        part = parts[p]
        before = sum([sum(other.states) for other in parts[:p]])
        sizes = [sum(part.constants), before, sum(part.states), sum(part.rows)]
        constants, _, own, of_rows[p] = cut(part.guarded, sizes)
        last[p] = [*own, *constants]
    return [bool(flag) for flag in _shares(plain, parts, last, of_rows)]


def _filled(
    given: list[Any], marks: list[bool], outputs: Sequence[Value], plain: Sweeps, p: int
) -> list[Any]:
    """Cotangents of a sweep's linear results, zeros where there are none."""
    _, values = plain.results(outputs)
    return [
        zeros(v.type) if bar is None else bar
        for v, bar in zip(marked(values[p], marks), marked(given, marks), strict=True)
    ]


def _shares(
    plain: Sweeps, parts: list[_Part], last: dict[int, list[Any]], stacks: dict[int, list[Any]]
) -> list[Any]:
    """What the transposed sweeps gave, in the places of the operands it belongs to."""
    of_constants, of_states, of_rows = [], [], []
    for p, part in enumerate(parts):
        if p not in last:
            of_constants += [None] * len(part.constants)
            of_states += [None] * len(part.states)
            of_rows += [None] * len(part.rows)
            continue
        n = sum(part.states)
        of_states += _spread(last[p][:n], part.states)
        of_constants += _spread(last[p][n:], part.constants)
        of_rows += _spread(stacks[p], part.rows)
    return [None] * len(plain.of_test) + of_constants + of_states + of_rows


def _parts(plain: Sweeps, flags: Sweeps, ends: Lists, rows: Lists) -> list[_Part]:
    """What is linear in each sweep: given so, or dependent on it from some round on.

    Args:
        plain: the sweeps.
        flags: which operands are linear.
        ends: which cotangents of last states are guarded.
        rows: which cotangents of results are.
    """
    masks: Lists = []
    results: Lists = []
    for p, step in enumerate(plain.steps):
        own = list(flags.states[p])
        while True:
            mask = [*flags.constants[p], *joined(masks), *own, *flags.rows[p]]
            found = reached(step, mask)
            if found[: len(own)] == own:
                break
            own = [a or b for a, b in zip(own, found, strict=False)]
        masks.append(own)
        results.append(found[len(own) :])
    guarded = [list(part) for part in ends]
    parts: list[_Part] = []
    for p in reversed(range(len(plain.steps))):
        step, own = plain.steps[p], masks[p]
        mask = [*flags.constants[p], *joined(masks[: p + 1]), *flags.rows[p]]
        only = Graph(step.inputs, step.nodes, tuple(marked(step.outputs, [*own, *results[p]])))
        while True:
            given = [*marked(guarded[p], own), *marked(rows[p], results[p])]
            pull, out = transposed(only, mask, given)
            of_states = cut(
                out, [sum(flags.constants[p]), *map(sum, masks[: p + 1]), sum(flags.rows[p])]
            )
            before = list(guarded[p])
            # What one round of this sweep guards comes to the round, and the sweep, before it.
            for q in range(p + 1):
                found = _spread(of_states[1 + q], masks[q])
                guarded[q] = [a or bool(b) for a, b in zip(guarded[q], found, strict=True)]
            if guarded[p] == before:
                break
        marks = [bool(flag) for flag in out]
        parts.append(_Part(step, flags.constants[p], own, flags.rows[p], results[p], pull, marks))
    return parts[::-1]


def _restricted(step: Graph, inputs: Sequence[Value], outputs: Sequence[Any]) -> Graph:
    """The part of a graph that makes some of its outputs."""
    needed = set(outputs)
    nodes = []
    for node in reversed(step.nodes):
        if any(v in needed for v in node.outputs):
            needed.update(node.operands)
            nodes.append(node)
    return Graph(tuple(inputs), tuple(reversed(nodes)), tuple(outputs))


def _adjoint_step(parts: list[_Part], done: list[int]) -> Graph:
    """The step of the transposed sweep of ``done[-1]``.

    It takes (constants of the sweeps in done, plain states of all sweeps, cotangents and totals
    of the sweeps in done, plain rows and cotangents of results of the sweeps in done) and gives
    (its cotangents and totals, cotangents of its rows).
    """
    p = done[-1]
    groups: Lists = []

    def inputs_of(part: _Part) -> tuple[list[Any], list[Any]]:
        n, n_rows = len(part.constants), len(part.rows)
        values = part.step.inputs
        return list(values[:n]), list(values[len(values) - n_rows :])

    for q in done:
        groups.append(unmarked(inputs_of(parts[q])[0], parts[q].constants))
    for part in parts:
        groups.append(unmarked(part.step.outputs[: len(part.states)], part.states))
    for q in done:
        part = parts[q]
        bars = marked(part.step.outputs[: len(part.states)], part.states)
        groups.append([*bars, *marked(inputs_of(part)[0], part.constants)])
    for q in done:
        groups.append(unmarked(inputs_of(parts[q])[1], parts[q].rows))
        groups.append(marked(parts[q].step.outputs[len(parts[q].states) :], parts[q].results))
    sizes = [len(group) for group in groups]

    def make(heads: list[Any]) -> list[Any]:
        cuts = cut(heads, sizes)
        n, n_all = len(done), len(parts)
        constants, saved = cuts[:n], cuts[n : n + n_all]
        cotangents, of_rows = cuts[n + n_all : 2 * n + n_all], cuts[2 * n + n_all :]
        own: list[Any] = []
        for j, q in enumerate(done):
            part, state = parts[q], cotangents[j]
            count = sum(part.states)
            arguments = [*constants[j], *joined(saved[: q + 1]), *of_rows[2 * j]]
            pulled = replay(part.pull, [*arguments, *state[:count], *of_rows[2 * j + 1]])
            earlier = [sum(other.states) for other in parts[: q + 1]]
            shares = cut(pulled, [sum(part.constants), *earlier, sum(part.rows)])
            mine = shares[1 + p]
            own = [a + b for a, b in zip(own, mine, strict=True)] if own else mine
            if q == p:
                totals = [a + b for a, b in zip(state[count:], shares[0], strict=True)]
                rows = shares[-1]
        return [*own, *totals, *rows]

    return recorded("transpose", [v.type for group in groups for v in group], make)
