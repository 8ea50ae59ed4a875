"""From a graph to an ordered list of kernels and calls.

Three decisions are made here, none of which knows the processor:

1. which values get a place in memory, and which are computed where they are used;
2. which of the stored values are computed in the same kernel;
3. which operands of calls are mere views of other values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adjoint.graph.graph import Graph, Literal, Node, Operand, Value
from adjoint.lower import maps
from adjoint.lower.emit import number_type
from adjoint.lower.expand import window_indices
from adjoint.lower.expr import CHOOSING_NODES, INDEX_NODES, is_pointwise
from adjoint.lower.index import ZERO, Index, Var, unravel, var_index
from adjoint.lower.kernel import Kernel, Stage
from adjoint.lower.layout import Buffer, Place, whole
from adjoint.lower.reduce import reduces_here

_CHEAP = 3  # a value used several times is computed again if it costs no more than this
_DEAREST = 120  # one expression never costs more than this; longer ones are cut
_FULLEST = 400  # nor does a kernel
_LONGEST_ROW = 1 << 14  # elements of a row that stays in the first-level cache

Item = Kernel | Node


@dataclass(slots=True)
class Schedule:
    """What to do in order, what is computed in place, and which values need storage."""

    items: list[Item] = field(default_factory=list)
    inline: dict[Value, Node] = field(default_factory=dict)
    views: dict[Value, Node] = field(default_factory=dict)
    stored: set[Value] = field(default_factory=set)


def can_inline(node: Node) -> bool:
    """Whether a node can be part of a kernel without reducing."""
    name = node.primitive.name
    if name in INDEX_NODES or name in CHOOSING_NODES:
        return number_type(node.output.type.dtype) is not None
    if name == "gather":
        good = all(x.type.dtype.kind in "iu" for x in node.operands[1:])
        return good and number_type(node.output.type.dtype) is not None
    return is_pointwise(node)


def view_of(node: Node, place: Place) -> Place | None:
    """The place of an index node's output as a view of its operand's place."""
    name = node.primitive.name
    if name == "permute_axes":
        return place.permuted(node.attributes[0])
    if name == "slice":
        return place.sliced(*node.attributes)
    if name == "windows":
        return place.windows(*node.attributes)
    if name == "broadcast":
        return place.broadcast(node.attributes[0])
    return place.reshaped(node.attributes[0])


class Scheduler:
    """Decides for one graph; ``places`` are those of its inputs."""

    def __init__(
        self, graph: Graph, places: Mapping[Operand, Place], opaque: frozenset[Node]
    ) -> None:
        self.graph = graph
        self.places = places
        self.opaque = opaque  # nodes that failed as kernels before
        self.plan = Schedule()
        self.maker: dict[Value, Node] = {v: n for n in graph.nodes for v in n.outputs}
        self.uses: dict[Operand, int] = {}
        self.needed: set[Operand] = set()
        self.price: dict[Operand, int] = {}
        self.pieced: set[Operand] = set()  # computed in place, from pieces
        self.at: dict[Value, tuple[int, Node]] = {}  # stored value -> item, root node
        self.leaves: dict[Node, set[Operand]] = {}
        self.by_space: dict[tuple[int, ...], list[int]] = {}
        self.stage_of: dict[Node, Stage] = {}

    def run(self) -> Schedule:
        """All decisions."""
        live = self._live()
        self._find_needed(live)
        roots = self._find_roots(live)
        for node in roots:
            self._add(node)
        self._find_stored()
        return self.plan

    # *** which values are stored ***

    def _fusable(self, node: Node) -> bool:
        return node not in self.opaque and (can_inline(node) or reduces_here(node))

    def _live(self) -> list[Node]:
        needed: set[Operand] = set(self.graph.outputs)
        live = []
        for node in reversed(self.graph.nodes):
            if any(value in needed for value in node.outputs):
                needed.update(node.operands)
                live.append(node)
        live.reverse()
        for node in live:
            for operand in node.operands:
                self.uses[operand] = self.uses.get(operand, 0) + 1
        return live

    def _find_needed(self, live: list[Node]) -> None:
        """Values that must be in memory because a call reads them or they are results."""
        for node in live:
            if not self._fusable(node):
                for operand in node.operands:
                    self._need(operand)
            elif node.primitive.name == "gather":
                self._need(node.operands[0])
        for operand in self.graph.outputs:
            self.needed.add(self._before_reshapes(operand))

    def _before_reshapes(self, result: Operand) -> Operand:
        """A value that a result is, under another shape: it is written in its own order."""
        chain = []
        value = result
        while (node := self._index_node(value)) is not None and node.primitive.name == "reshape":
            if node.operands[0] in self.places or value in self.needed:
                return result
            chain.append(node)
            (value,) = node.operands
        if not chain or value not in self.maker or self._index_node(value) is not None:
            return result
        for node in chain:
            self.plan.views[node.output] = node
        return value

    def _need(self, operand: Operand) -> None:
        chain = []
        base = operand
        while (node := self._index_node(base)) is not None and base not in self.needed:
            chain.append(node)
            base = node.operands[0]
        place = self.places.get(base)
        if place is None:
            if isinstance(base, Literal):
                self.needed.add(operand)
                return
            place = whole(Buffer("arena", 0), base.type.shape, base.type.dtype)
        stored, viewed = base, chain
        for at, node in reversed(list(enumerate(chain))):
            seen = view_of(node, place)
            if seen is None:
                # A reshape that needs a copy: what it reads is written in that order.
                (stored,), viewed = node.operands, chain[: at + 1]
                if stored in self.places:  # an input lies as it does: the reshape copies it
                    stored, viewed = node.output, chain[:at]
                seen = whole(Buffer("arena", 0), node.output.type.shape, node.output.type.dtype)
            place = seen
        self.needed.add(stored)
        if isinstance(stored, Value):
            self.plan.views.pop(stored, None)  # others may have been content with a view
        for node in viewed:
            self.plan.views[node.output] = node

    def _index_node(self, operand: Operand) -> Node | None:
        node = self.maker.get(operand) if isinstance(operand, Value) else None
        if node is None or node.primitive.name not in INDEX_NODES or node in self.opaque:
            return None
        return node

    def _find_roots(self, live: list[Node]) -> list[Node]:
        roots: dict[Node, None] = {}
        # First which values to compute in place: prices need operands before users.
        for node in live:
            if not self._fusable(node) or reduces_here(node):
                continue
            cost = self._cost(node)
            if cost > _DEAREST:
                for operand in node.operands:
                    self._store(operand)
                cost = self._cost(node)
            value = node.output
            self._note_pieces(node)
            if node.primitive.name == "reshape" and _moves_axes(node) and value in self.pieced:
                self._store(node.operands[0])
                self.pieced.discard(value)
                cost = 0
            index_only = node.primitive.name in INDEX_NODES
            if node.primitive.name in ("broadcast", "windows") and self._repeats(node):
                self._store(node.operands[0])
                cost = 0
            if self.uses.get(value, 0) > 1 and cost > _CHEAP and index_only:
                self._store(node.operands[0])
                cost = 0
            self.price[value] = cost
            stored = value in self.needed or (self.uses.get(value, 0) > 1 and cost > _CHEAP)
            if not stored:
                self.plan.inline[value] = node
        for node in live:
            if node.outputs[0] in self.plan.inline:
                continue
            roots[node] = None
        return list(roots)

    def _note_pieces(self, node: Node) -> None:
        """Note a value computed in place whose loops are cut where other pieces begin.

        Under a reshape they could not be cut: each element would look for its piece.
        """
        inside = any(x in self.pieced and x in self.plan.inline for x in node.operands)
        if inside or node.primitive.name in CHOOSING_NODES:
            self.pieced.add(node.output)

    def _cost(self, node: Node) -> int:
        name = node.primitive.name
        cost = 0 if name in INDEX_NODES else maps.PRICE.get(name, 2)
        for operand in dict.fromkeys(node.operands):
            if isinstance(operand, Value) and operand in self.plan.inline:
                cost += self.price[operand]
        return cost

    def _store(self, operand: Operand) -> None:
        """Take back the decision to compute a value in place."""
        while isinstance(operand, Value) and operand in self.plan.inline:
            node = self.plan.inline[operand]
            if node.primitive.name in INDEX_NODES:
                operand = node.operands[0]
                continue
            del self.plan.inline[operand]
            self.price[operand] = 0
            return

    def _repeats(self, node: Node) -> bool:
        """Whether a broadcast would compute something dear again and again."""
        (x,) = node.operands
        if self.price.get(x, 0) <= 1 or x.type.size == 1 or x not in self.plan.inline:
            return False
        if node.primitive.name == "windows":
            return True
        shape = node.output.type.shape
        old = (1,) * (len(shape) - x.type.ndim) + x.type.shape
        grown = [i for i, (n, m) in enumerate(zip(old, shape, strict=True)) if n != m]
        full = [i for i, n in enumerate(old) if n != 1]
        return bool(grown) and bool(full) and grown[0] < full[-1]

    # *** which values share a kernel ***

    def _add(self, node: Node) -> None:
        items = self.plan.items
        if not self._fusable(node):
            leaves: set[Operand] = set()
            for operand in node.operands:
                leaves.add(self._base(operand))
            self.leaves[node] = leaves
            items.append(node)
            for value in node.outputs:
                self.at[value] = (len(items) - 1, node)
            return
        reduces = reduces_here(node)
        space, order, prefix = self._space(node, reduces)
        at = [ZERO if n == 1 else var_index(Var(f"%s{i}", n, 0)) for i, n in enumerate(space)]
        source = [ZERO] * len(space)
        for axis, index in zip(order, at, strict=True):
            source[axis] = index
        start = node.operands[0] if reduces else node.output
        reads = self._reads(start, tuple(source), node)
        self.leaves[node] = {leaf for leaf, _ in reads}
        earliest, joined = 0, None
        for leaf, where in reads:
            found = self.at.get(leaf) if isinstance(leaf, Value) else None
            if found is None:
                continue
            position = found[0]
            kernel = items[position]
            fits = isinstance(kernel, Kernel) and self._fits(
                kernel, node, space, order, prefix, leaf, where, tuple(at)
            )
            if not fits:
                position += 1
            elif position >= earliest:
                joined = position
            earliest = max(earliest, position)
        price = self._total(node)
        choice = self._choose(node, reads, earliest, joined, space, order, prefix, reduces, price)
        if choice is None:
            kernel = Kernel(space, prefix, order)
            items.append(kernel)
            choice = len(items) - 1
            self.by_space.setdefault(space, []).append(choice)
        self._join(choice, node, reduces, prefix, price)

    def _space(self, node: Node, reduces: bool) -> tuple[tuple[int, ...], tuple[int, ...], int]:
        if not reduces:
            shape = node.output.type.shape
            return shape, tuple(range(len(shape))), len(shape)
        shape = node.operands[0].type.shape
        axes = node.attributes[0]
        kept = tuple(i for i in range(len(shape)) if i not in axes)
        order = kept + tuple(axes)
        return tuple(shape[i] for i in order), order, len(kept)

    def _fits(
        self,
        kernel: Kernel,
        node: Node,
        space: tuple[int, ...],
        order: tuple[int, ...],
        prefix: int,
        leaf: Operand,
        where: tuple[Index, ...] | None,
        at: tuple[Index, ...],
    ) -> bool:
        """Whether a value made by a kernel may be used inside the same kernel."""
        if kernel.space != space or kernel.order != order or where is None:
            return False
        if order != tuple(range(len(order))):
            return False  # reductions of leading axes: vectors of sums, nothing follows them
        reduces = reduces_here(node)
        maker = self.maker[leaf]  # type: ignore[index]
        if reduces_here(maker):
            if where != at[: kernel.prefix]:
                return False
            if kernel.size > _LONGEST_ROW and kernel.prefix == 0:
                return False  # a long sum goes by blocks, in a kernel of its own
        elif where != at:
            return False
        if not reduces:
            return True
        if kernel.prefix == prefix:
            return True
        # A kernel of maps only may be cut into rows.
        row = 1
        for extent in space[prefix:]:
            row *= extent
        whole_kernel = kernel.prefix == len(kernel.space)
        return whole_kernel and prefix > 0 and 8 <= row <= _LONGEST_ROW

    def _choose(
        self,
        node: Node,
        reads: list[tuple[Operand, tuple[Index, ...] | None]],
        earliest: int,
        joined: int | None,
        space: tuple[int, ...],
        order: tuple[int, ...],
        prefix: int,
        reduces: bool,
        price: int,
    ) -> int | None:
        items = self.plan.items
        if joined is not None and joined >= earliest:
            kernel = items[joined]
            if isinstance(kernel, Kernel) and kernel.price + price <= _FULLEST:
                return joined
            return None
        mine = self.leaves[node]
        for position in reversed(self.by_space.get(space, ())):
            if position < earliest:
                break
            kernel = items[position]
            assert isinstance(kernel, Kernel)
            alike = kernel.order == order and kernel.prefix == prefix
            alike = alike and reduces == kernel.stages[-1].reduces
            if not alike or kernel.price + price > _FULLEST:
                continue
            if any(mine & self.leaves[other] for other in kernel.stages[-1].nodes):
                return position
        return None

    def _join(self, position: int, node: Node, reduces: bool, prefix: int, price: int) -> None:
        kernel = self.plan.items[position]
        assert isinstance(kernel, Kernel)
        if reduces and kernel.prefix != prefix:
            kernel.prefix = prefix
        stage = kernel.stages[-1] if kernel.stages else None
        if stage is not None and stage.reduces and reduces:
            # Sums that need each other's results cannot run in one loop.
            mine = self.leaves[node]
            if any(other.output in mine for other in stage.nodes):
                stage = None
        if stage is None or stage.reduces != reduces:
            stage = Stage(reduces)
            kernel.stages.append(stage)
        stage.nodes.append(node)
        kernel.price += price
        self.stage_of[node] = stage
        self.at[node.output] = (position, node)

    def _total(self, node: Node) -> int:
        return (
            1
            + (self.price.get(node.output, 1) if not reduces_here(node) else 1)
            + sum(self.price.get(x, 0) for x in node.operands if x in self.plan.inline)
        )

    def _base(self, operand: Operand) -> Operand:
        while isinstance(operand, Value) and operand in self.plan.views:
            if operand in self.at:
                break
            operand = self.plan.views[operand].operands[0]
        return operand

    def _reads(
        self, operand: Operand, at: tuple[Index, ...], root: Node
    ) -> list[tuple[Operand, tuple[Index, ...] | None]]:
        """The stored values an expression reads, and at which indices (None: elsewhere)."""
        found: dict[tuple[Operand, tuple[Index, ...] | None], None] = {}
        seen: set[tuple[Operand, tuple[Index, ...] | None]] = set()
        pending: list[tuple[Operand, tuple[Index, ...] | None]] = [(operand, at)]
        while pending:
            entry = pending.pop()
            if entry in seen:
                continue
            seen.add(entry)
            value, where = entry
            node = self.plan.inline.get(value) if isinstance(value, Value) else None
            if node is None and isinstance(value, Value) and value is root.outputs[0]:
                node = root
            if node is None:
                if isinstance(value, Value):
                    found[entry] = None
                continue
            name = node.primitive.name
            if name in INDEX_NODES:
                pending.append((node.operands[0], None if where is None else _moved(node, where)))
            elif name in CHOOSING_NODES or name == "gather":
                pending.extend((x, None) for x in node.operands)
            else:
                pending.extend((x, where) for x in node.operands)
        return list(found)

    # *** what must be written to memory ***

    def _find_stored(self) -> None:
        stored = self.plan.stored
        outputs = set(self.graph.outputs)
        needed = {v for v in self.needed if isinstance(v, Value)}
        for item in self.plan.items:
            nodes = item.nodes if isinstance(item, Kernel) else [item]
            for node in nodes:
                for leaf in self.leaves[node]:
                    made = self.at.get(leaf) if isinstance(leaf, Value) else None
                    if made is None:
                        continue
                    _, maker = made
                    same = maker in self.stage_of and self.stage_of[maker] is self.stage_of.get(
                        node
                    )
                    row = (
                        isinstance(item, Kernel)
                        and maker in self.stage_of
                        and reduces_here(maker)
                        and any(maker in s.nodes for s in item.stages)
                    )
                    if not same and not row:
                        stored.add(leaf)  # type: ignore[arg-type]
        for value in needed:
            if value in self.at and (value in outputs or value not in self.plan.inline):
                stored.add(value)


def _moves_axes(node: Node) -> bool:
    """Whether a reshape does more than put in axes of length 1, or take them out."""
    before, after = node.operands[0].type.shape, node.output.type.shape
    return [n for n in before if n != 1] != [n for n in after if n != 1]


def _moved(node: Node, at: tuple[Index, ...]) -> tuple[Index, ...]:
    """Indices into an index node's operand."""
    name = node.primitive.name
    (x,) = node.operands
    shape = x.type.shape
    if name == "broadcast":
        new = len(at) - len(shape)
        return tuple([ZERO if n == 1 else at[new + i] for i, n in enumerate(shape)])
    if name == "permute_axes":
        back = [ZERO] * len(at)
        for i, axis in enumerate(node.attributes[0]):
            back[axis] = at[i]
        return tuple(back)
    if name == "windows":
        return window_indices(node, at)
    if name == "slice":
        start, step, _ = node.attributes
        return tuple([i * k + f for i, k, f in zip(at, step, start, strict=True)])
    flat, stride = ZERO, 1
    for index, extent in zip(reversed(at), reversed(node.output.type.shape), strict=True):
        flat = flat + index * stride
        stride *= extent
    return unravel(flat, shape)
