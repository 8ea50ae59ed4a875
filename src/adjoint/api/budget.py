"""grad within a memory budget: what to compute again is planned from the graph."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api.asked import Argnums, not_differentiable, not_scalar, positions, with_aux
from adjoint.api.taped import like
from adjoint.differentiate.loops import recorded
from adjoint.differentiate.memory import Plan, peak_bytes, plans, segmented
from adjoint.differentiate.replay import replay, replay_values, value_of
from adjoint.differentiate.reverse import pullback_graph
from adjoint.errors import MemoryBudgetError, StructureError
from adjoint.graph.graph import Graph
from adjoint.graph.types import ArrayType
from adjoint.primitives.conventions import current
from adjoint.trace.indexing import concrete_value
from adjoint.trace.record import Recording, argument_payload, record_graph
from adjoint.trace.recorder import TracedCore

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}


def budget_bytes(budget: int | str) -> int:
    """A number of bytes, or text such as ``"200MB"`` or ``"1.5 GiB"``.

    >>> budget_bytes("200MB"), budget_bytes("1.5 KiB"), budget_bytes(10)
    (200000000, 1536, 10)
    """
    if isinstance(budget, int) and not isinstance(budget, bool) and budget > 0:
        return budget
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", str(budget))
    if match is None or match[2].upper() not in _UNITS or not float(match[1]) or budget is True:
        raise StructureError(
            "a memory budget must be a number of bytes",
            function="grad",
            got=repr(budget),
            wanted='such as 200_000_000, "200MB" or "1.5GiB"',
        )
    return int(float(match[1]) * _UNITS[match[2].upper()])


def in_words(n: float) -> str:
    """Bytes for people, rounded up, so that what is said to be enough is.

    >>> in_words(1234567), in_words(1000)
    ('1.24 MB', '1 kB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if n < 1000 or unit == "GB":
            break
        n /= 1000
    digits = max(0, 3 - len(str(int(n))))
    return f"{np.ceil(n * 10**digits) / 10**digits:.12g} {unit}"


def gradient_graph(graph: Graph, active: Sequence[bool]) -> Graph:
    """From the inputs to (the outputs, the gradient of the first by the active inputs)."""

    def make(heads: list[Any]) -> list[Any]:
        first = Graph(graph.inputs, graph.nodes, graph.outputs[:1])
        back = pullback_graph(first, active)
        values = replay_values(graph, heads)
        residuals = [values[v] for v in back.residuals]
        one = [np.ones((), graph.outputs[0].type.dtype)[()] for _ in back.active_outputs]
        return [value_of(o, values) for o in graph.outputs] + replay(back.graph, residuals + one)

    return recorded("grad", [v.type for v in graph.inputs], make)


def within_budget(
    f: Callable[..., Any], argnums: Argnums, has_aux: bool, budget: int | str
) -> Callable[..., Any]:
    """value_and_grad in no more than so many bytes; planned once for each set of types."""
    limit = budget_bytes(budget)
    planned: dict[Any, tuple[Recording, Graph]] = {}

    @functools.wraps(f)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        places = positions(argnums, len(args), "grad")
        leaves, structure = tree.flatten(args)
        pairs = [argument_payload(x, "grad") for x in leaves]
        counts = [tree.structure(arg).num_leaves for arg in args]
        of_leaf = [i for i, n in enumerate(counts) for _ in range(n)]
        for leaf, (x, _), i in zip(leaves, pairs, of_leaf, strict=True):
            if i in places and x.dtype.kind not in "fc":
                raise not_differentiable(x, args[i], leaf, i, "grad")
        types = tuple([(x.shape, x.dtype, weak) for x, weak in pairs])
        compiled = any(isinstance(x, TracedCore) and concrete_value(x) is None for x, _ in pairs)
        key = (structure, types, places, compiled, current())
        known = planned.get(key)
        if known is None or known[0].captured or kwargs:
            function = functools.partial(f, **kwargs) if kwargs else f
            active = [i in places for i in of_leaf]
            known = _plan(function, structure, pairs, active, has_aux, limit, compiled, known)
            planned[key] = known
        recording, graph = known
        results = replay(graph, [*(x for x, _ in pairs), *recording.captured])
        n = recording.structure.num_leaves
        value = tree.unflatten(recording.structure, [y if y.shape else y[()] for y in results[:n]])
        found = iter(results[n:])
        by_leaf = [
            like(leaves[k], next(found)) if i in places else None for k, i in enumerate(of_leaf)
        ]
        gradients = []
        for i in places:
            mine = [x for x, j in zip(by_leaf, of_leaf, strict=True) if j == i]
            gradients.append(tree.unflatten(tree.structure(args[i]), mine))
        return value, gradients[0] if isinstance(argnums, int) else tuple(gradients)

    return transformed


def _plan(
    f: Callable[..., Any],
    structure: tree.TreeDef,
    pairs: list[Any],
    active: list[bool],
    has_aux: bool,
    limit: int,
    compiled: bool,
    before: tuple[Recording, Graph] | None,
) -> tuple[Recording, Graph]:
    """The first plan that fits, as the whole gradient graph.

    What f takes from outside may be others than before; if that is all, the plan stands.
    """
    types = [ArrayType(x.shape, x.dtype) for x, _ in pairs]
    recording = record_graph(f, types, structure, "grad", weak=[weak for _, weak in pairs])
    graph, results = recording.graph, recording.structure
    if before is not None and before[0].graph.key == graph.key and before[0].structure == results:
        return recording, before[1]
    if has_aux:
        with_aux(f, tree.unflatten(results, graph.outputs), "grad")
        results = results.children()[0]
    kinds = graph.output_types[: results.num_leaves]
    if len(kinds) != 1 or kinds[0].shape or kinds[0].dtype.kind not in "fiub":
        raise not_scalar(f, kinds)
    flags = [*active, *[False] * (len(graph.inputs) - len(active))]
    least: tuple[int, Plan] | None = None
    for plan in plans(graph):
        made = gradient_graph(segmented(graph, plan), flags)
        peak = peak_bytes(made)
        if compiled and peak <= limit:
            # Machine code stores other values than the interpreter does: its plan counts too.
            from adjoint.run.compile import peak_bytes as native_peak_bytes

            peak = max(peak, native_peak_bytes(made))
        if peak <= limit:
            return recording, made
        if least is None or peak < least[0]:
            least = peak, plan
    assert least is not None
    raise MemoryBudgetError(
        f"no plan for the gradient of {getattr(f, '__name__', 'the function')} fits",
        function="grad",
        got=f"a budget of {in_words(limit)}",
        wanted=f"at least {in_words(least[0])}, when {least[1]}",
        remedy="raise memory_budget, or write loops with ad.scan(..., checkpoint=s)",
    )
