"""The passes, in order. Bodies of loops and branches go through them before what holds them."""

from __future__ import annotations

from collections.abc import Callable

from adjoint.differentiate.merge import merge_scans, plain_scans
from adjoint.graph.graph import Graph
from adjoint.rewrite.batches import join_batches
from adjoint.rewrite.builder import Builder, rebuild
from adjoint.rewrite.contract import contract
from adjoint.rewrite.control import hoist, in_bodies, open_calls, open_unless_again, prune_scans
from adjoint.rewrite.equations import EQUATIONS
from adjoint.rewrite.length import warn_if_long
from adjoint.rewrite.loops import lighten
from adjoint.rewrite.reroll import rolled_pairs, rolled_rows
from adjoint.rewrite.sweeps import loops_of_sweeps
from adjoint.rewrite.writes import write_sums


def simplify(graph: Graph) -> Graph:
    """Exact equations, constants folded, equal nodes merged, dead ones dropped."""
    return rebuild(graph, Builder(EQUATIONS))


PASSES: tuple[tuple[str, Callable[[Graph], Graph]], ...] = (
    ("open calls", open_unless_again),
    ("roll pairs", rolled_pairs),
    ("plain scans", plain_scans),
    ("loops of sweeps", loops_of_sweeps),
    ("merge scans", merge_scans),
    ("lighten scans", lighten),
    ("prune scans", prune_scans),
    ("simplify", simplify),
    ("write sums", write_sums),
    ("reroll", rolled_rows),
    ("open all calls", open_calls),
    ("contract", contract),
    ("join batches", join_batches),
    ("hoist", hoist),
    ("simplify again", simplify),
)


def stages(graph: Graph) -> list[tuple[str, Graph]]:
    """The graph after each pass that changed it, by the pass's name."""
    found = [("recorded", graph)]
    for name, apply in PASSES:
        before = found[-1][1]
        after = apply(before)
        if name == "prune scans":
            after = in_bodies(after, rewrite)
        if after is not before:
            found.append((name, after))
    return found


def rewrite(graph: Graph) -> Graph:
    """The graph after all passes; worked out once."""
    done: Graph = graph.memo("rewritten", _rewritten)
    return done


def _rewritten(graph: Graph) -> Graph:
    done = stages(graph)[-1][1]
    warn_if_long(done)
    return done
