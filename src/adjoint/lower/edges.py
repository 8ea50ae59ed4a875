"""Maps at the edges of products: bias, activation, its slope, an optimiser's update.

A map that reads a product's result element by element is computed for each tile of it as soon
as the tile is finished, by the thread that has finished it, out of the nearest cache. Nothing
else changes: the map is the loop it would have been, over a part of its rows and columns. The
threads need not meet between the two, and a result that nobody else reads is never stored.
"""

from __future__ import annotations

from itertools import accumulate
from operator import mul

from adjoint.lower.blas import layout_of
from adjoint.lower.index import c_strides
from adjoint.lower.kernel import Kernel
from adjoint.lower.layout import Buffer, Place
from adjoint.lower.products import Shape, depth_of, takes_edge
from adjoint.lower.steps import KernelStep, ProductStep, Step, nested, reads, walk, writes
from adjoint.lower.threads import price_of

_LEAST = 40.0  # microseconds of a product, by forecast: smaller ones go into runs of rows
_FARTHEST = 400  # steps between a product and its map
_PAGE = 4096  # bytes
# What a processor can find without looking addresses up in memory: tiles come column by column,
# so arrays that are walked through row by row would be looked up once, and by tiles each time.
_MOST_PAGES = 2048

Touched = tuple[set[Buffer], set[Buffer]]  # read and written by a step and the steps inside it


def join_edges(steps: list[Step], vector_bytes: int, registers: int) -> None:
    """Let products take the maps that follow them.

    Args:
        steps: changed in place, with the steps inside them.
        vector_bytes: of a vector register.
        registers: how many there are.
    """
    uses: dict[Buffer, int] = {}
    for step in walk(steps):
        for root in {p.buffer.root() for p in (*reads(step), *writes(step))}:
            uses[root] = uses.get(root, 0) + 1
    pending = [steps]
    while pending:
        body = pending.pop()
        pending += [inner for step in body for inner in nested(step)]
        touched = {id(step): _touched(step) for step in body}
        for product in [step for step in body if isinstance(step, ProductStep)]:
            if _is_worth(product, vector_bytes, registers):
                _take(body, product, touched, uses)


def split_of(shape: tuple[int, ...], rows: int) -> int | None:
    """The axis before which an array of a product's elements is cut into rows and columns."""
    sizes = [1, *accumulate(shape, mul)]
    return next((at for at, size in enumerate(sizes) if size == rows), None)


def tile_place(place: Place, rows: int, lead: int) -> Place:
    """A product's result as a tile of itself, whose rows are so many elements apart."""
    at = split_of(place.shape, rows)
    strides = tuple(s * lead for s in c_strides(place.shape[:at])) + c_strides(place.shape[at:])
    return Place(Buffer("tile", 0), place.dtype, place.shape, strides)


def _touched(step: Step) -> Touched:
    inside = list(walk([step]))
    return (
        {p.buffer.root() for s in inside for p in reads(s)},
        {p.buffer.root() for s in inside for p in writes(s)},
    )


def _is_worth(step: ProductStep, vector_bytes: int, registers: int) -> bool:
    """Whether a product is emitted code that can take a map, and large enough."""
    c = step.c
    if c.dtype.kind != "f" or not c.is_whole or price_of(step) < _LEAST:
        return False
    (at, lda), (bt, ldb) = layout_of(step.a), layout_of(step.b)  # type: ignore[misc]
    m, n = c.shape
    shape = Shape(m, n, step.a.shape[1], str(c.dtype), at, bt, lda, ldb)
    return takes_edge(shape, vector_bytes, registers)


def _take(
    body: list[Step],
    product: ProductStep,
    touched: dict[int, Touched],
    uses: dict[Buffer, int],
) -> None:
    """Join the first map that fits."""
    at = next(i for i, step in enumerate(body) if step is product)
    mine = product.c.buffer.root()
    for after in range(at + 1, min(at + 1 + _FARTHEST, len(body))):
        step = body[after]
        if mine not in touched[id(step)][0]:
            continue
        if not isinstance(step, KernelStep) or not _fits(product, step):
            continue
        place = _place_between(body, at, after, touched)
        if place is None:
            continue
        product.edge = step
        lonely = mine.kind == "arena" and uses[mine] == 2
        product.stored = not lonely or depth_of(product.a.shape[1]) < product.a.shape[1]
        touched[id(product)] = _touched(product)
        del body[after]
        body.insert(place, body.pop(at))
        return


def _place_between(
    body: list[Step], at: int, after: int, touched: dict[int, Touched]
) -> int | None:
    """Where both may run at once: the map as early, the product as late as need be."""
    reads_map, writes_map = touched[id(body[after])]
    mine = body[at]
    assert isinstance(mine, ProductStep)
    own = mine.c.buffer.root()
    operands = {mine.a.buffer.root(), mine.b.buffer.root()}
    place = at
    for i in range(at + 1, after):
        ins, outs = touched[id(body[i])]
        if outs & reads_map or (ins | outs) & writes_map:
            place = i
    for i in range(at + 1, place + 1):
        ins, outs = touched[id(body[i])]
        if outs & operands or own in ins | outs:
            return None
    return place


def _fits(product: ProductStep, step: KernelStep) -> bool:
    """Whether a kernel is a map that takes each element of the product where it stands."""
    kernel = step.kernel
    if len(kernel.stages) != 1 or kernel.stages[0].reduces or kernel.block:
        return False
    m, n = product.c.shape
    split = split_of(kernel.space, m)
    if split is None or kernel.size != m * n or not _runs_along(kernel, split):
        return False
    mine = product.c.buffer.root()
    stores = kernel.stores.values()
    if not all(p.shape == kernel.space and p.is_contiguous and p.offset == 0 for p in stores):
        return False
    whole = {p.buffer.root() for p in (product.a, product.b, product.c)}
    if whole & {p.buffer.root() for p in stores}:
        return False
    if _pages(product, step) > _MOST_PAGES:
        return False
    for operand, pointwise in kernel.reads:
        place = step.places[operand]
        if place.buffer.root() is mine and not (
            pointwise and place.is_whole and split_of(place.shape, m) is not None
        ):
            return False
    return True


def _pages(product: ProductStep, step: KernelStep) -> float:
    """Pages that a map touches besides the product on the way down a few columns."""
    m, n = product.c.shape
    mine = product.c.buffer.root()
    arrays = {p.buffer.root(): p for p in (*reads(step), *writes(step)) if p.size == m * n}
    return sum(
        m * min(n * place.dtype.itemsize / _PAGE, 1.0)
        for buffer, place in arrays.items()
        if buffer is not mine
    )


def _runs_along(kernel: Kernel, split: int) -> bool:
    """Whether the columns are one even walk through memory."""
    columns = {axis for axis, n in enumerate(kernel.space) if axis >= split and n > 1}
    return bool(columns) and columns <= set(kernel.groups[-1])
