"""Small parts that are added to a large array one after the other are written into it.

The derivative of ``a[i, j]`` is an array of zeros with one number in it, and a Python loop that
reads an array element by element leaves a long chain of sums of such arrays, each of them a
loop over the whole array. As writes into one array they cost what they change.
"""

from __future__ import annotations

from collections import Counter

from adjoint.differentiate.replay import sums_as_writes
from adjoint.graph.changes import Sums
from adjoint.graph.graph import Graph, Operand

_FEWEST = 8  # sums one after the other
_ROWS = 8  # of the array, of which a part lies in one: rows.py can take it apart


def write_sums(graph: Graph) -> Graph:
    """The graph with long chains of sums of small parts as writes."""
    return sums_as_writes(graph, lambda sums: _in_long_chains(graph, sums))


def _in_long_chains(graph: Graph, sums: Sums) -> Sums:
    small = {
        value: total
        for value, (total, maker) in sums.items()
        if _in_one_row(maker.operands[0].type.shape, value.type.shape)
    }
    if len(small) < _FEWEST:
        return {}
    chain_of: dict[Operand, Operand] = {}  # by an array: where its chain begins
    lengths: Counter[Operand] = Counter()
    for node in graph.nodes:
        value = node.outputs[0]
        if value in small:
            chain_of[value] = chain_of.get(small[value], value)
            lengths[chain_of[value]] += 1
        elif node.primitive.name == "set_slice" and node.operands[0] in chain_of:
            chain_of[value] = chain_of[node.operands[0]]
    return {value: sums[value] for value in small if lengths[chain_of[value]] >= _FEWEST}


def _in_one_row(part: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    return any(n == 1 and m >= _ROWS for n, m in zip(part, whole, strict=True))
