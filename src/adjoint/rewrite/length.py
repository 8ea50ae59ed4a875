"""Programs that are long because Python unrolled a loop that could not be rolled up again."""

from __future__ import annotations

import warnings
from collections import Counter

from adjoint.graph.graph import Graph

MOST_NODES = 5_000  # about ten seconds of compiling


class CompileSizeWarning(UserWarning):
    """A program is so long that compiling it takes long: a loop was not rolled up."""


def warn_if_long(graph: Graph) -> None:
    """Say how long a program is, where most of it comes from, and how to write it shorter."""
    count = len(graph.nodes)
    if count <= MOST_NODES:
        return
    # One line is named: the one that most of the program's operations come from.
    lines = Counter((n.source.file, n.source.line) for n in graph.nodes if n.source is not None)
    most = lines.most_common(1)
    source = next(
        (
            n.source
            for n in graph.nodes
            if n.source and (n.source.file, n.source.line) == most[0][0]
        ),
        None,
    )
    where = f"\n  mostly from {source}" if source is not None else ""
    warnings.warn(
        f"jit: the program has {count} operations, and compiling takes time for each: a Python "
        "loop was unrolled while it was recorded, and its rounds are not alike enough to be "
        f"rolled up again{where}\n  remedy: write the loop with ad.scan or ad.while_loop, so "
        "that it stays one operation",
        CompileSizeWarning,
        stacklevel=2,
    )
