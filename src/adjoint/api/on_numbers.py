"""Recorded functions that a solver of SciPy's calls on plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint.graph.evaluate import compiled_program_of, program_of
from adjoint.graph.graph import Graph


def on_numbers(graph: Graph, captured: Sequence[Any], often: bool) -> Callable[..., list[Any]]:
    """A graph as a function of its first inputs, in float64.

    Args:
        graph: what was recorded.
        captured: the values of its other inputs.
        often: whether a program that runs many times calls it, so that machine code is worth
            its making.
    """
    if not often:
        run = program_of(graph)
        return lambda *xs: run([*xs, *captured])
    compiled = compiled_program_of(graph)
    # Machine code takes arrays as they are; anything else it would convert at every call.
    held = [np.asarray(x, order="C") for x in captured]
    return lambda *xs: compiled([*[np.asarray(x, np.float64) for x in xs], *held])
