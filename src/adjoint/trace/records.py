"""What a recorder keeps of a run, and what is read off it."""

from __future__ import annotations

from typing import Any, NamedTuple

from adjoint.graph.graph import Graph

# (primitive or None for a constant, attributes or the constant's type, operands, first output)
Record = tuple[Any, Any, tuple[int, ...], int]

# Functions of users' rules, by the primitive that holds them: recorded operation by operation
# where a function of the user's is.
OF_USERS = {"pull_callback": "__call__", "linear_callback": "push"}


class RecordedGraph(NamedTuple):
    """A graph read off a recorder.

    Its inputs are the used optional ones, the given ones, then the captured constants.
    """

    graph: Graph
    captured: list[int]
    used: list[int]
    values: dict[int, Any]  # the graph's value or literal for each index


def n_outputs(record: Record) -> int:
    """How many values a record makes."""
    primitive, attributes, _, _ = record
    if primitive is None or not primitive.several:
        return 1
    settings = primitive.settings(attributes)
    # Control primitives: read off the graphs and types they hold.
    if "types" in settings:
        return len(settings["types"])
    if "steps" in settings:
        return sum(len(step.outputs) for step in settings["steps"])
    if "n_unknowns" in settings:
        return int(settings["n_unknowns"])
    for name in ("graph", "body", "on_true"):
        if name in settings:
            return len(settings[name].outputs)
    n: int = primitive.notes["n_outputs"]
    return n
