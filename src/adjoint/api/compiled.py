"""Graphs of functions: to look at, and to run."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.differentiate.replay import replay
from adjoint.graph.evaluate import evaluate
from adjoint.graph.graph import Graph
from adjoint.graph.types import ArrayType
from adjoint.primitives.conventions import current
from adjoint.trace.record import Recording, argument_payload, record_graph
from adjoint.trace.recorder import TracedCore


def make_graph(f: Callable[..., Any], *args: Any) -> Graph:
    """Record f as a graph, from arguments' shapes and dtypes alone.

    Args:
        f: any function of trees of arrays.
        args: its arguments, or anything of their shapes and dtypes.

    Returns:
        The graph: ``str(graph)`` prints it with the user's lines, ``graph.adjoint()`` is its
        adjoint graph. Arrays that f takes from outside become further inputs.

    >>> import numpy as np
    >>> print(make_graph(lambda x: np.sum(x * x), np.ones(3)))
    graph(%0: f64[3]) {
      %1: f64[3] = mul(%0, %0)...
      %2: f64[] = sum(%1) axes=(0,)...
      return %2
    }
    """
    return _record(f, args, "trace").graph


def _record(f: Callable[..., Any], args: tuple[Any, ...], name: str) -> Recording:
    leaves, structure = tree.flatten(args)
    pairs = [argument_payload(x, name) for x in leaves]
    types = [ArrayType(x.shape, x.dtype) for x, _ in pairs]
    return record_graph(f, types, structure, name, weak=[weak for _, weak in pairs])


class Jitted:
    """What :func:`jit` returns: a graph for each combination of shapes and dtypes."""

    def __init__(self, f: Callable[..., Any]) -> None:
        functools.update_wrapper(self, f)
        self._function = f
        self._recordings: dict[Any, Recording] = {}
        self._lock = threading.Lock()

    def __call__(self, *args: Any) -> Any:
        """Run on these arguments."""
        leaves, structure = tree.flatten(args)
        pairs = [argument_payload(x, "jit") for x in leaves]
        recording = self._recording(pairs, structure)
        arguments = [x for x, _ in pairs] + recording.captured
        if any(isinstance(x, TracedCore) for x in arguments):
            results = replay(recording.graph, arguments)
        else:
            results = [_fresh(y) for y in evaluate(recording.graph, arguments)]
        return tree.unflatten(recording.structure, results)

    def _recording(self, pairs: list[Any], structure: tree.TreeDef) -> Recording:
        key = (
            structure,
            tuple([(x.shape, x.dtype, weak) for x, weak in pairs]),
            current(),
        )
        found = self._recordings.get(key)
        if found is None or any(isinstance(x, TracedCore) for x in found.captured):
            types = [ArrayType(x.shape, x.dtype) for x, _ in pairs]
            weak = [flag for _, flag in pairs]
            found = record_graph(self._function, types, structure, "jit", weak=weak)
            with self._lock:
                self._recordings[key] = found
        return found


def _fresh(x: Any) -> Any:
    """Results are the caller's own: never a view of an argument or of a constant."""
    if isinstance(x, np.ndarray) and (x.base is not None or not x.flags.writeable):
        return x.copy()
    return x


def jit(f: Callable[..., Any]) -> Jitted:
    """Record f once for each combination of shapes and dtypes, and run the graph after that.

    While f is recorded, values are not known: a Python branch on one is refused with the
    line and the remedy.

    >>> import numpy as np
    >>> jit(lambda x: np.sum(np.sin(x) ** 2 + np.cos(x) ** 2))(np.ones(4))
    np.float64(4.0)
    """
    return Jitted(f)
