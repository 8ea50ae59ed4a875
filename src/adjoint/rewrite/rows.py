"""Arrays that a loop fills row by row are taken apart into their rows.

``u[t + 1] = u[t] + ...`` leaves a chain of whole arrays, each the one before with a row
written. What is read of a row is what was last written there: so the rows become values of
their own, and the array is put together once, where it is read as a whole. Loops can then be
rolled up with a row as their carry, and their derivatives do not add to whole arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from adjoint.graph.graph import Graph, Node, Operand
from adjoint.rewrite.builder import Builder, without_dead_nodes
from adjoint.rewrite.equations import MOVING_EQUATIONS

_FEWEST_ROWS = 8  # written one by one
_MOST_PIECES = 8  # rows touched for each row written, by writes and reads of several
_PARTS = 4  # of each row, written apart
_MOST_WHOLE = 3  # times that the array is read as a whole


@dataclass(eq=False, slots=True)
class _Filled:
    """One array that is filled: its versions, and what each row is from which version on."""

    root: Operand
    axis: int
    versions: dict[Operand, int] = field(default_factory=dict)
    rows: dict[int, list[tuple[int, Operand]]] = field(default_factory=dict)
    whole: dict[int, Operand] = field(default_factory=dict)


def split_rows(graph: Graph, in_parts: bool = True) -> Graph:
    """The graph with arrays that are filled row by row put together from their rows.

    Args:
        graph: what to rewrite.
        in_parts: also arrays whose rows are written in several parts, and read when all is done.
    """
    arrays = _filled(graph, in_parts)
    if not arrays:
        return graph
    b = Builder(MOVING_EQUATIONS)
    became: dict[Operand, Operand] = {}

    def now(x: Operand) -> Operand:
        """What an operand has become; a version of a filled array is put together."""
        array = arrays.get(x)
        return became.get(x, x) if array is None else _together(b, array, x, became)

    for node in graph.nodes:
        b.source = node.source
        array = arrays.get(node.outputs[0])
        if array is not None:
            _write(b, array, node, now(node.operands[1]), became)
            continue
        array = arrays.get(node.operands[0]) if node.operands else None
        if array is not None and node.primitive.name == "slice" and _few(node, array.axis):
            became[node.outputs[0]] = _read(b, array, node, became)
            continue
        operands = tuple([now(x) for x in node.operands])
        made = b.node(node.primitive, operands, node.attributes)
        became.update(zip(node.outputs, made, strict=True))
    outputs = tuple([now(x) for x in graph.outputs])
    return without_dead_nodes(Graph(graph.inputs, tuple(b.nodes), outputs))


# *** which arrays ***


def _filled(graph: Graph, in_parts: bool) -> dict[Operand, _Filled]:
    """For each version of an array that is filled by rows, the array."""
    chains: list[list[Node]] = []
    chain_of: dict[Operand, int] = {}
    written: set[Operand] = set()
    refused: set[int] = set()
    for node in graph.nodes:
        if node.primitive.name != "set_slice":
            continue
        before = node.operands[0]
        if before in chain_of and before not in written:
            which = chain_of[before]
            written.add(before)
            chains[which].append(node)
        else:
            if before in chain_of:
                refused.add(chain_of[before])  # two arrays go on from this one
            which = len(chains)
            chains.append([node])
        chain_of[node.outputs[0]] = which
    axes = [
        _axis(chain) if len(chain) >= _FEWEST_ROWS and i not in refused else None
        for i, chain in enumerate(chains)
    ]
    if all(axis is None for axis in axes):
        return {}
    pieces, whole, early = _touched(graph, chains, chain_of, axes)
    found: dict[Operand, _Filled] = {}
    for i, (chain, axis) in enumerate(zip(chains, axes, strict=True)):
        if axis is None or pieces[i] > _MOST_PIECES * len(chain) or len(whole[i]) > _MOST_WHOLE:
            continue
        rows = {node.attributes[0][axis] for node in chain}
        if not in_parts and i not in early and len(chain) >= _PARTS * len(rows):
            continue
        versions: dict[Operand, int] = {node.outputs[0]: k for k, node in enumerate(chain)}
        array = _Filled(chain[0].operands[0], axis, versions)
        found.update(dict.fromkeys(versions, array))
    return found


def _axis(chain: Sequence[Node]) -> int | None:
    """The axis along which single rows are written; of two, the one that moves less often."""
    best: tuple[int, int] | None = None
    for axis, extent in enumerate(chain[0].outputs[0].type.shape):
        firsts = [
            node.attributes[0][axis] for node in chain if node.operands[1].type.shape[axis] == 1
        ]
        if extent < _FEWEST_ROWS or len(set(firsts)) < _FEWEST_ROWS:
            continue
        moves = sum(a != b for a, b in pairwise(firsts))
        if best is None or moves < best[0]:
            best = moves, axis
    return None if best is None else best[1]


def _touched(
    graph: Graph,
    chains: Sequence[Sequence[Node]],
    chain_of: dict[Operand, int],
    axes: Sequence[int | None],
) -> tuple[list[int], list[set[Operand]], set[int]]:
    """How many rows are touched in all, which versions are read as a whole, and what is early.

    That is of which arrays rows are read before all is written.
    """
    pieces = [0] * len(chains)
    whole: list[set[Operand]] = [set() for _ in chains]
    early: set[int] = set()
    for node in graph.nodes:
        mine = chain_of.get(node.outputs[0], -1)
        for slot, x in enumerate(node.operands):
            which = chain_of.get(x, -1)
            axis = axes[which] if which >= 0 else None
            if axis is None or (slot == 0 and which == mine):
                continue
            if node.primitive.name == "slice" and _few(node, axis):
                pieces[which] += node.outputs[0].type.shape[axis]
                if x is not chains[which][-1].outputs[0]:
                    early.add(which)
            else:
                whole[which].add(x)
    for x in graph.outputs:
        if x in chain_of:
            whole[chain_of[x]].add(x)
    for which, (chain, axis) in enumerate(zip(chains, axes, strict=True)):
        if axis is not None:
            pieces[which] += sum(node.operands[1].type.shape[axis] for node in chain)
    return pieces, whole, early


def _few(node: Node, axis: int) -> bool:
    return 0 < node.outputs[0].type.shape[axis] <= _MOST_PIECES


# *** reading and writing rows ***


def _row_slice(
    b: Builder, x: Operand, axis: int, first: int, count: int = 1, step: int = 1
) -> Operand:
    shape = x.type.shape
    start = tuple([first if i == axis else 0 for i in range(len(shape))])
    steps = tuple([step if i == axis else 1 for i in range(len(shape))])
    kept = tuple([count if i == axis else n for i, n in enumerate(shape)])
    return b("slice", x, start=start, step=steps, shape=kept)


def _row(
    b: Builder, array: _Filled, r: int, version: int, became: dict[Operand, Operand]
) -> Operand:
    """What row r is in a version: rows are written in the order of versions."""
    for since, value in reversed(array.rows.get(r, ())):
        if since <= version:
            return value
    return _row_slice(b, became.get(array.root, array.root), array.axis, r)


def _write(
    b: Builder, array: _Filled, node: Node, y: Operand, became: dict[Operand, Operand]
) -> None:
    start, step = node.attributes
    axis, version = array.axis, array.versions[node.outputs[0]]
    full = list(node.outputs[0].type.shape)
    full[axis] = 1
    inner = tuple([0 if i == axis else f for i, f in enumerate(start)])
    steps = tuple([1 if i == axis else s for i, s in enumerate(step)])
    count = y.type.shape[axis]
    for k in range(count):
        r = start[axis] + k * step[axis]
        piece = y if count == 1 else _row_slice(b, y, axis, k)
        if piece.type.shape != tuple(full) or any(s != 1 for s in steps):
            before = _row(b, array, r, version, became)
            piece = b("set_slice", before, piece, start=inner, step=steps)
        array.rows.setdefault(r, []).append((version, piece))


def _read(b: Builder, array: _Filled, node: Node, became: dict[Operand, Operand]) -> Operand:
    """A slice of one row or a few."""
    axis = array.axis
    version = array.versions[node.operands[0]]
    start, step, shape = node.attributes
    inner = tuple([0 if i == axis else f for i, f in enumerate(start)])
    steps = tuple([1 if i == axis else s for i, s in enumerate(step)])
    kept = tuple([1 if i == axis else n for i, n in enumerate(shape)])
    parts = []
    for k in range(shape[axis]):
        row = _row(b, array, start[axis] + k * step[axis], version, became)
        parts.append(b("slice", row, start=inner, step=steps, shape=kept))
    return parts[0] if len(parts) == 1 else b("concatenate", *parts, axis=axis)


def _together(b: Builder, array: _Filled, x: Operand, became: dict[Operand, Operand]) -> Operand:
    """A version of the array as a whole."""
    version = array.versions[x]
    if version not in array.whole:
        array.whole[version] = _joined_rows(b, array, version, became)
    return array.whole[version]


def _joined_rows(
    b: Builder, array: _Filled, version: int, became: dict[Operand, Operand]
) -> Operand:
    root = became.get(array.root, array.root)
    parts: list[Operand] = []
    kept = 0  # rows of the root that come next as they are
    extent = root.type.shape[array.axis]
    for r in range(extent + 1):
        known = array.rows.get(r, ())
        value = next((v for since, v in reversed(known) if since <= version), None)
        if value is None and r < extent:
            kept += 1
            continue
        if kept:
            parts.append(_row_slice(b, root, array.axis, r - kept, kept))
            kept = 0
        if value is not None:
            parts.append(value)
    return parts[0] if len(parts) == 1 else b("concatenate", *parts, axis=array.axis)
