"""Small matrix products with fixed shapes, as LLVM IR.

``C[m, n] = op(A)[m, k] op(B)[k, n]`` (or ``C +=``) with every extent and stride a constant.
Outputs are cut into tiles that fit the vector registers: r rows by v vectors are r v
accumulators, which stay in registers over the whole of k while A is spread element by element
and B is read vector by vector. Where B is stored transposed, its panel is transposed into a
small buffer first, or, if C has few rows, each output is a dot product along k.

The order in which an output's terms are added depends on the shape alone, neither on the
tiling nor on how units are given to threads.

The function has the signature ``(ptr a, ptr b, ptr c, i64 begin, i64 end, extra...)`` and
computes the units ``begin <= u < end`` of ``SmallProduct.units``; C must not overlap A or B.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from adjoint.lower import products_dot, products_outer
from adjoint.lower.products_edge import Edge
from adjoint.lower.products_text import Output, Text

KINDS = {"float32": "float", "float64": "double"}

# Given the text being written and a vector of finished outputs, gives what is to be stored.
Epilogue = Callable[[Text, Output], str]


@dataclass(frozen=True)
class Shape:
    """A product and how its matrices lie in memory.

    Args:
        m: rows of op(A) and C.
        n: columns of op(B) and C.
        k: columns of op(A), rows of op(B).
        dtype: ``"float32"`` or ``"float64"``.
        transpose_a: A is stored as [k, m].
        transpose_b: B is stored as [n, k].
        lda: elements between rows of A as stored; the least that is possible unless given.
        ldb: the same of B.
        ldc: the same of C, [m, n].
    """

    m: int
    n: int
    k: int
    dtype: str
    transpose_a: bool = False
    transpose_b: bool = False
    lda: int = 0
    ldb: int = 0
    ldc: int = 0

    @property
    def kind(self) -> str:
        """LLVM's name of the dtype."""
        return KINDS[self.dtype]

    @property
    def size(self) -> int:
        """Bytes of an element."""
        return 4 if self.dtype == "float32" else 8

    @property
    def leads(self) -> tuple[int, int]:
        """Elements between rows of A and of B as stored."""
        return (
            self.lda or (self.m if self.transpose_a else self.k),
            self.ldb or (self.k if self.transpose_b else self.n),
        )

    @property
    def a_strides(self) -> tuple[int, int]:
        """Elements to the next row and to the next k of op(A)."""
        lead = self.leads[0]
        return (1, lead) if self.transpose_a else (lead, 1)

    @property
    def b_strides(self) -> tuple[int, int]:
        """Elements to the next k and to the next column of op(B)."""
        lead = self.leads[1]
        return (1, lead) if self.transpose_b else (lead, 1)

    @property
    def c_stride(self) -> int:
        """Elements to the next row of C."""
        return self.ldc or self.n

    def mirrored(self) -> Shape:
        """``op(B)^T op(A)^T``, the transpose of the product, from the same memory."""
        lead_a, lead_b = self.leads
        return Shape(
            self.n,
            self.m,
            self.k,
            self.dtype,
            not self.transpose_b,
            not self.transpose_a,
            lead_b,
            lead_a,
            self.c_stride,
        )


@dataclass(frozen=True)
class SmallProduct:
    """A product's function: its text, its symbol and into how many units it can be split."""

    text: str
    symbol: str
    units: int


@dataclass(frozen=True)
class Plan:
    """What the writers of kernels need to know.

    Args:
        symbol: the function's name.
        shape: the product.
        accumulate: add to C instead of overwriting it; an i1 if that is known only when it runs.
        epilogue: applied to outputs before they are stored.
        vector_bytes: of a vector register.
        registers: how many there are.
        mirrored: whether the shape is that of the transposed product.
        turned: whether outputs are transposed before they are finished, to undo that.
        depth: the k that tiles are chosen for; the shape's own if it is 0.
        rows: of the whole product if the shape is a part of it, else 0.
        edge: what is done to a tile of outputs when it is finished.
        ending: an i1: whether tiles are finished now; always if it is empty.
        target: where C's first element is stored.
    """

    symbol: str
    shape: Shape
    accumulate: bool | str
    epilogue: Epilogue | None
    vector_bytes: int
    registers: int
    mirrored: bool = False
    turned: bool = False
    depth: int = 0
    rows: int = 0
    edge: Edge | None = None
    ending: str = ""
    target: str = "%c"

    def finish(self, text: Text, value: str, lanes: int, used: int, row: str, column: str) -> None:
        """Add what C holds if asked to, apply the epilogue, store."""
        kind = self.shape.kind
        swapped = self.mirrored and not self.turned
        # A mirrored product that is not turned has one row, which is a column without gaps.
        start = "0" if swapped else text.times(row, self.shape.c_stride)
        pointer = text.at(kind, self.target, text.plus(start, column))
        output = Output(value, kind, lanes, used, row, column, swapped)
        if self.accumulate:
            old = text.load(kind, lanes, pointer, used)
            total = text.make(f"fadd {output.type} {old}, {value}")
            if isinstance(self.accumulate, str):
                which = f"select i1 {self.accumulate}, {output.type} {total}, {output.type} {value}"
                total = text.make(which)
            value = total
            output = replace(output, value=value)
        if self.epilogue is not None:
            value = self.epilogue(text, output)
        text.store(kind, lanes, value, pointer, used)


def small_product(
    symbol: str,
    shape: Shape,
    *,
    accumulate: bool = False,
    epilogue: Epilogue | None = None,
    parameters: Sequence[str] = (),
    vector_bytes: int = 64,
    registers: int = 32,
    attributes: str = "nounwind",
) -> SmallProduct:
    """LLVM IR of a product with a fixed shape.

    Args:
        symbol: the function's name with its ``@``.
        shape: extents, strides, dtype.
        accumulate: add to C instead of overwriting it.
        epilogue: ``epilogue(text, output)`` writes what is done to a vector of outputs (a bias,
            an activation) with ``text.make`` and gives the register that is stored.
        parameters: further parameters such as ``"ptr %bias"``, for the epilogue.
        vector_bytes: of a vector register: 64 with AVX-512, 32 with AVX2, 16 with NEON.
        registers: how many of them: 32, 16 and 32.
        attributes: of the function.
    """
    plan = Plan(symbol, shape, accumulate, epilogue, vector_bytes, registers)
    return _function(plan, parameters, attributes)


def _function(plan: Plan, parameters: Sequence[str], attributes: str) -> SmallProduct:
    text = Text()
    units = 0
    if plan.shape.m and plan.shape.n:
        _, plan, write = _best(plan)
        units = write(text, plan)
    first, second = ("%b", "%a") if plan.mirrored else ("%a", "%b")
    given = ", ".join(
        [f"ptr noalias {name}" for name in (first, second)]
        + [_result(plan.edge), "i64 %begin", "i64 %end", *parameters]
    )
    body = "\n  ".join([*text.lines, "ret void"])
    main = f"define internal void {plan.symbol}({given}) {attributes} {{\nentry:\n  {body}\n}}\n"
    return SmallProduct("".join([*text.functions, main]), plan.symbol, units)


def takes_edge(shape: Shape, vector_bytes: int, registers: int) -> bool:
    """Whether a product finishes its outputs tile by tile, whole vectors of columns at once."""
    if not shape.m or shape.n < 2:
        return False
    lead_a, lead_b = shape.leads
    part = replace(shape, k=depth_of(shape.k), lda=lead_a, ldb=lead_b)
    plan = Plan("", part, False, None, vector_bytes, registers)
    edged = _best(replace(plan, edge=Edge("", 0, False)))
    return edged[0] <= _DETOUR * _best(plan)[0]


def tile_lead(shape: Shape, vector_bytes: int, registers: int, rows: int = 0) -> int:
    """Elements between the rows of a tile that is all there is of C; of a part of so many rows."""
    edge = Edge("", 0, False)
    plan = Plan("", shape, False, None, vector_bytes, registers, rows=rows, edge=edge)
    return products_outer.tile_extents(_best(plan)[1])[1]


_DETOUR = 1.03  # times the cost of the best way, for one that can go on with its tiles
# Terms of a sum that are added up in registers before they are added to C: so much of a panel
# of B stays in the second cache while it meets all rows of A.
_DEPTH = 768


def _result(edge: Edge | None) -> str:
    """C as a parameter; an edge reads it on a way of its own."""
    return "ptr %c" if edge else "ptr noalias %c"


def depth_of(k: int) -> int:
    """The length of the stretches k is cut into: all the same if that can be."""
    parts = max(-(-k // _DEPTH), 1)
    even = next((n for n in range(parts, 2 * parts) if k % n == 0), parts)
    return -(-k // even)


def deep_product(
    symbol: str,
    shape: Shape,
    *,
    vector_bytes: int = 64,
    registers: int = 32,
    attributes: str = "nounwind",
    rows: int = 0,
    edge: Edge | None = None,
) -> SmallProduct:
    """A product of any size: where k is long, stretch after stretch is added to C.

    Args:
        symbol: the function's name with its ``@``.
        shape: extents, strides, dtype.
        vector_bytes: of a vector register.
        registers: how many there are.
        attributes: of the functions.
        rows: of the product that this one is a part of; its sums are taken in the same order.
        edge: what is done to a tile of outputs when it is finished; ``takes_edge`` must hold.
    """
    plan = Plan(symbol, shape, False, None, vector_bytes, registers, rows=rows, edge=edge)
    depth = depth_of(shape.k)
    further = edge.parameters if edge else []
    if depth >= shape.k:
        return _function(plan, further, attributes)
    parts = -(-shape.k // depth)
    lead_a, lead_b = shape.leads
    made: list[SmallProduct] = []
    for name, k in (("", depth), (".last", shape.k - depth * (parts - 1))):
        if not made or k != depth:
            part = replace(shape, k=k, lda=lead_a, ldb=lead_b)
            of = replace(plan, symbol=f"{symbol}.part{name}", shape=part, accumulate="%more")
            of = replace(of, depth=depth, ending="%ending")
            made.append(_function(of, ("i1 %more", "i1 %ending", *further), attributes))
    text = Text()

    def add(product: SmallProduct, number: str) -> None:
        a = text.at(shape.kind, "%a", text.times(number, depth * shape.a_strides[1]))
        b = text.at(shape.kind, "%b", text.times(number, depth * shape.b_strides[0]))
        more = text.make(f"icmp ne i64 {number}, 0")
        ending = text.make(f"icmp eq i64 {number}, {parts - 1}")
        given = f"ptr {a}, ptr {b}, ptr %c, i64 %begin, i64 %end, i1 {more}, i1 {ending}"
        text.line(f"call void {product.symbol}({', '.join([given, *further])})")

    def whole(number: str, _: list[str]) -> list[str]:
        add(made[0], number)
        return []

    text.loop("0", str(parts + 1 - len(made)), [], whole)
    if len(made) > 1:
        add(made[1], str(parts - 1))
    body = "\n  ".join([*text.lines, "ret void"])
    first = f"ptr noalias %a, ptr noalias %b, {_result(edge)}, i64 %begin, i64 %end"
    given = ", ".join([first, *further])
    main = f"define internal void {symbol}({given}) {attributes} {{\nentry:\n  {body}\n}}\n"
    return SmallProduct("".join([*(x.text for x in made), main]), symbol, made[0].units)


_Way = tuple[float, Plan, Callable[[Text, Plan], int]]


def _best(plan: Plan) -> _Way:
    """The way with the least estimated time, in cycles."""
    shape = plan.shape
    mirrored = replace(plan, shape=shape.mirrored(), mirrored=True)
    ways: list[_Way] = []
    if shape.n == 1 and shape.c_stride == 1:
        plan = mirrored
    elif shape.n > 1:
        turned = replace(mirrored, turned=True)
        ways.append((products_outer.cost(turned), turned, products_outer.write))
    ways.append((products_outer.cost(plan), plan, products_outer.write))
    if products_dot.is_possible(plan):
        ways.append((products_dot.cost(plan), plan, products_dot.write))
    if plan.rows:
        # A part of a product adds up its terms in the order in which the whole one would.
        lead_a, lead_b = shape.leads
        full = replace(shape, m=plan.rows, lda=lead_a, ldb=lead_b, ldc=shape.c_stride)
        _, _, chosen = _best(replace(plan, shape=full, rows=0))
        by_dots = chosen is products_dot.write
        ways = [way for way in ways if (way[2] is products_dot.write) == by_dots]
    if plan.edge:
        ways = [way for way in ways if _has_tiles(way)]
    fitting = [way for way in ways if _fits_stack(way)]
    return min(fitting or ways, key=lambda way: way[0])


def _has_tiles(way: _Way) -> bool:
    """Whether outputs are finished in tiles of whole vectors."""
    _, plan, write = way
    if write is not products_outer.write or (plan.mirrored and not plan.turned):
        return False
    return not plan.turned or products_outer.tiling_of(plan).rows.parts == 1


def _fits_stack(way: _Way) -> bool:
    _, plan, write = way
    return write is not products_outer.write or products_outer.buffer_bytes(plan) <= _STACK


# Bytes of the stack that a panel of a transposed B may take.
_STACK = 1 << 18
