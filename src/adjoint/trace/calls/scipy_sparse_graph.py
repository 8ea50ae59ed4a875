"""scipy.sparse.csgraph on recorded weights."""

from __future__ import annotations

from typing import Any

from adjoint.errors import UnsupportedError
from adjoint.graph.source import source_here
from adjoint.trace.borrow_scipy import borrow_scipy
from adjoint.trace.calls.scipy_sparse_recorded import is_recorded
from adjoint.trace.scipy_gate import holds_traced


def _weighted(csgraph: Any = None, *_: Any, **options: Any) -> bool:
    graph = options.get("csgraph", csgraph)
    moves = is_recorded(graph) or holds_traced([graph])
    if moves and options.get("form", "array") != "array":
        raise UnsupportedError(
            "the Laplacian of recorded weights as a function has no rule",
            function="scipy.sparse.csgraph.laplacian",
            source=source_here(),
            remedy='ask for form="array"',
        )
    return moves


borrow_scipy("scipy.sparse.csgraph.laplacian", wanted=_weighted)
