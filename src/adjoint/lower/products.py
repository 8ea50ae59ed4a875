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
    def a_strides(self) -> tuple[int, int]:
        """Elements to the next row and to the next k of op(A)."""
        lead = self.lda or (self.m if self.transpose_a else self.k)
        return (1, lead) if self.transpose_a else (lead, 1)

    @property
    def b_strides(self) -> tuple[int, int]:
        """Elements to the next k and to the next column of op(B)."""
        lead = self.ldb or (self.k if self.transpose_b else self.n)
        return (1, lead) if self.transpose_b else (lead, 1)

    @property
    def c_stride(self) -> int:
        """Elements to the next row of C."""
        return self.ldc or self.n

    def mirrored(self) -> Shape:
        """``op(B)^T op(A)^T``, the transpose of the product, from the same memory."""
        return Shape(
            self.n,
            self.m,
            self.k,
            self.dtype,
            not self.transpose_b,
            not self.transpose_a,
            self.ldb or (self.k if self.transpose_b else self.n),
            self.lda or (self.m if self.transpose_a else self.k),
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
        accumulate: add to C instead of overwriting it.
        epilogue: applied to outputs before they are stored.
        vector_bytes: of a vector register.
        registers: how many there are.
        mirrored: whether the shape is that of the transposed product.
        turned: whether outputs are transposed before they are finished, to undo that.
    """

    symbol: str
    shape: Shape
    accumulate: bool
    epilogue: Epilogue | None
    vector_bytes: int
    registers: int
    mirrored: bool = False
    turned: bool = False

    def finish(self, text: Text, value: str, lanes: int, used: int, row: str, column: str) -> None:
        """Add what C holds if asked to, apply the epilogue, store."""
        kind = self.shape.kind
        swapped = self.mirrored and not self.turned
        # A mirrored product that is not turned has one row, which is a column without gaps.
        start = "0" if swapped else text.times(row, self.shape.c_stride)
        pointer = text.at(kind, "%c", text.plus(start, column))
        output = Output(value, kind, lanes, used, row, column, swapped)
        if self.accumulate:
            old = text.load(kind, lanes, pointer, used)
            value = text.make(f"fadd {output.type} {old}, {value}")
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
    text = Text()
    units = 0
    if shape.m and shape.n:
        _, plan, write = _best(plan)
        units = write(text, plan)
    first, second = ("%b", "%a") if plan.mirrored else ("%a", "%b")
    given = ", ".join(
        [f"ptr noalias {name}" for name in (first, second, "%c")]
        + ["i64 %begin", "i64 %end", *parameters]
    )
    body = "\n  ".join([*text.lines, "ret void"])
    main = f"define internal void {symbol}({given}) {attributes} {{\nentry:\n  {body}\n}}\n"
    return SmallProduct("".join([*text.functions, main]), symbol, units)


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
    if products_dot.is_possible(plan.shape):
        ways.append((products_dot.cost(plan), plan, products_dot.write))
    fitting = [way for way in ways if _fits_stack(way)]
    return min(fitting or ways, key=lambda way: way[0])


def _fits_stack(way: _Way) -> bool:
    _, plan, write = way
    return write is not products_outer.write or products_outer.buffer_bytes(plan) <= _STACK


def batched(
    symbol: str,
    product: SmallProduct,
    count: int,
    strides: tuple[int, int, int],
    dtype: str,
    attributes: str = "nounwind",
) -> SmallProduct:
    """A function that runs a product ``count`` times, matrices at fixed strides.

    Args:
        symbol: the new function's name; the product's own text must be in the module as well.
        product: made without further parameters.
        count: how many.
        strides: elements from one A to the next, of B, of C; 0 for one shared by all.
        dtype: of the elements.
        attributes: of the function.
    """
    text = Text()
    kind = KINDS[dtype]

    def one(unit: str, _: list[str]) -> list[str]:
        example = text.make(f"sdiv i64 {unit}, {product.units}")
        inner = text.make(f"srem i64 {unit}, {product.units}")
        after = text.plus(inner, "1")
        given = [
            f"ptr {text.at(kind, pointer, text.times(example, stride))}"
            for pointer, stride in zip(("%a", "%b", "%c"), strides, strict=True)
        ]
        text.line(f"call void {product.symbol}({', '.join(given)}, i64 {inner}, i64 {after})")
        return []

    units = count * product.units
    if units:
        text.loop("%begin", "%end", [], one, checked=True)
    body = "\n  ".join([*text.lines, "ret void"])
    given = "ptr noalias %a, ptr noalias %b, ptr noalias %c, i64 %begin, i64 %end"
    return SmallProduct(
        f"define internal void {symbol}({given}) {attributes} {{\nentry:\n  {body}\n}}\n",
        symbol,
        units,
    )


# Multiply-adds above which BLAS, which keeps blocks in the caches, is faster than tiles that
# do not; and the waste (padding, transposing) above which it is for anything but tiny products.
_LARGE = 2.5e8
_TINY = 3e5
_WASTE = 1.55
# Bytes of the stack that a panel of a transposed B may take.
_STACK = 1 << 18


def choose(shape: Shape, vector_bytes: int = 64, registers: int = 32) -> str:
    """``"emitted"`` or ``"blas"``: which is faster, by ``benchmarks/products.py``.

    Args:
        shape: the product.
        vector_bytes: of a vector register.
        registers: how many there are.
    """
    work = float(shape.m) * shape.n * shape.k
    if work > _LARGE:
        return "blas"
    if not work:
        return "emitted"
    best = _best(Plan("", shape, False, None, vector_bytes, registers))
    if not _fits_stack(best):
        return "blas"
    waste = best[0] / (work * shape.size / vector_bytes)
    return "blas" if work > _TINY and waste > _WASTE else "emitted"
