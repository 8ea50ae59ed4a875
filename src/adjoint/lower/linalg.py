"""Linear systems and determinants: SciPy's LAPACK, called straight from machine code.

LAPACK counts in columns, so a matrix in rows is the transpose of what it sees, and systems
with it are solved as transposed ones: nothing is turned around. Nodes of one graph that need
the factors of the same matrix, or of its transpose, share them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from adjoint.graph.graph import Node
from adjoint.lower.emit import Reg
from adjoint.lower.expr import Writer
from adjoint.lower.index import Index
from adjoint.lower.layout import Place, arena, whole
from adjoint.lower.linalg_text import FUNCTIONS
from adjoint.lower.steps import CustomStep, Step

if TYPE_CHECKING:
    from adjoint.lower.region import Lowering

# What is wrong with a matrix, in NumPy's words and SciPy's.
FAULTS = {
    "solve": "Singular matrix",
    "inv": "Singular matrix",
    "cholesky": "Matrix is not positive definite",
    "solve_triangular": "singular matrix",
}
_LARGEST = 400  # rows: larger matrices are left to NumPy, whose BLAS has threads of its own
_KINDS = {"f4": ("s", "float", "f32"), "f8": ("d", "double", "f64")}

_ALONE = 48  # rows and columns up to which LAPACK and BLAS do not look for other threads

Write = Callable[[Writer, Node, Sequence[Place], Sequence[Place]], None]
Factors = dict[Any, tuple[Place, Place, Place]]  # of a matrix: LU, pivots, whether it is singular


def steps(lowering: Lowering, node: Node, ins: list[Place], outs: list[Place]) -> list[Step] | None:
    """A node by LAPACK; None if it is not one of those, or for NumPy."""
    make = _MAKERS.get(node.primitive.name)
    if make is None:
        return None
    if all(place.size == 0 for place in outs):
        return []
    a = ins[0]
    fits = f"{a.dtype.kind}{a.dtype.itemsize}" in _KINDS and a.shape[-1] <= _LARGEST
    if not fits or any(place.size == 0 for place in (*ins, *outs)):
        return None
    return make(lowering, node, ins, outs)


def may_share(step: Step) -> bool:
    """Whether a step's routines may take threads of their own if they are let."""
    if not isinstance(step, CustomStep) or step.node.primitive.name not in _MAKERS:
        return False
    return any(n > _ALONE for x in step.node.operands for n in x.type.shape[-2:])


# *** places ***


def _turned(place: Place) -> Place:
    """The last two axes change places."""
    n = len(place.shape)
    return place.permuted((*range(n - 2), n - 1, n - 2))


def _matrix(lowering: Lowering, a: Place, copied: list[Step]) -> tuple[Place, bool]:
    """Fresh memory with a matrix in it: a copy as it lies, and whether that is its transpose."""
    down, along = a.strides[-2:]
    turned = down == 1 != along and a.shape[-1] > 1
    fresh = arena(a.shape, a.dtype)
    copied += lowering.copy(_turned(a) if turned else a, fresh)
    return fresh, turned


def _factors(
    lowering: Lowering, node: Node, a: Place, made: list[Step]
) -> tuple[tuple[Place, Place, Place], bool]:
    """The LU factors of a matrix, and whether they are those of its transpose."""
    key = _key(a)
    found, turned = lowering.factors.get(key), False
    if found is None:
        found, turned = lowering.factors.get(_key(_turned(a))), True
    if found is None:
        memory, turned = _matrix(lowering, a, made)
        count = prod(a.shape[:-2])
        pivots = arena((count, a.shape[-1]), np.dtype(np.int32))
        fault = arena((1,), np.dtype(np.int64))
        found = memory, pivots, fault
        made.append(CustomStep(node, [memory], [memory, pivots, fault], _factor))
        lowering.factors[_key(_turned(a)) if turned else key] = found
    return found, turned


def _key(a: Place) -> Any:
    return a.buffer.root(), a.offset, a.shape, a.strides, a.moving, a.dtype


def _right(lowering: Lowering, b: Place, out: Place, made: list[Step]) -> Place:
    """Right-hand sides in columns, where the results will stand: in the result if it may be."""
    columns = b.shape[-1]
    target = out
    if columns > 1 or not out.is_contiguous:
        target = _turned(arena((*b.shape[:-2], columns, b.shape[-2]), b.dtype))
    made += lowering.copy(b, target)
    return target


# *** nodes ***


def _solve(lowering: Lowering, node: Node, ins: list[Place], outs: list[Place]) -> list[Step]:
    made: list[Step] = []
    (out,) = outs
    factors, turned = _factors(lowering, node, ins[0], made)
    if node.primitive.name == "inv":
        # The columns of the transposed inverse are the rows of the inverse.
        x = out if out.is_contiguous else arena(out.shape, out.dtype)
        made.append(CustomStep(node, [], [x], _identity))
        turned = not turned
    else:
        x = _right(lowering, ins[1], out, made)

    def write(w: Writer, node: Node, ins: Sequence[Place], outs: Sequence[Place]) -> None:
        memory, pivots, fault, x = ins
        _fail_if(w, node, f"load i64, ptr {_start(w, fault)}")
        n, k = memory.shape[-1], x.size // memory.shape[-1] // prod(memory.shape[:-2])
        letter = ord("N" if turned else "T")
        pointers = [f"ptr {_start(w, p)}" for p in (memory, pivots, x)]
        _call(w, memory, "substitute", [*pointers, f"i8 {letter}", f"i32 {n}", f"i32 {k}"])

    made.append(CustomStep(node, [*factors, x], [x], write))
    return made + ([] if x is out else lowering.copy(x, out))


def _determinant(
    lowering: Lowering, node: Node, ins: list[Place], outs: list[Place]
) -> list[Step] | None:
    if not all(out.is_contiguous for out in outs):
        return None
    made: list[Step] = []
    (memory, pivots, _), _ = _factors(lowering, node, ins[0], made)

    def write(w: Writer, node: Node, ins: Sequence[Place], outs: Sequence[Place]) -> None:
        pointers = [f"ptr {_start(w, p)}" for p in (*ins, *outs)]
        name = "determinant" if len(outs) == 1 else "log_determinant"
        _call(w, ins[0], name, [*pointers, f"i32 {ins[0].shape[-1]}"])

    return [*made, CustomStep(node, [memory, pivots], outs, write)]


def _cholesky(lowering: Lowering, node: Node, ins: list[Place], outs: list[Place]) -> list[Step]:
    (a,), (out,) = ins, outs
    x = out if out.is_contiguous else arena(out.shape, out.dtype)
    upper = node.settings["upper"]

    def write(w: Writer, node: Node, ins: Sequence[Place], outs: Sequence[Place]) -> None:
        given = [f"ptr {_start(w, ins[0])}", f"i8 {ord('L' if upper else 'U')}"]
        _fail_if(w, node, _call(w, x, "cholesky", [*given, f"i32 {x.shape[-1]}"], "i64"))

    made = [*lowering.copy(a, x), CustomStep(node, [x], [x], write)]
    return made + ([] if x is out else lowering.copy(x, out))


def _triangular(lowering: Lowering, node: Node, ins: list[Place], outs: list[Place]) -> list[Step]:
    made: list[Step] = []
    a, b = ins
    (out,) = outs
    turned = _turned(a).is_contiguous and not a.is_contiguous
    if not turned and not a.is_contiguous:
        a = arena(a.shape, a.dtype)
        made += lowering.copy(ins[0], a)
    x = _right(lowering, b, out, made)
    settings = node.settings
    lower, transposed = settings["lower"] == turned, settings["transposed"] == turned

    def write(w: Writer, node: Node, ins: Sequence[Place], outs: Sequence[Place]) -> None:
        a, x = ins
        n = a.shape[-1]
        k = x.size // n // prod(a.shape[:-2])
        letters = "L" if lower else "U", "T" if transposed else "N", "NU"[settings["unit"]]
        given = [f"ptr {_start(w, a)}", f"ptr {_start(w, x)}", *[f"i8 {ord(c)}" for c in letters]]
        _fail_if(w, node, _call(w, a, "triangular", [*given, f"i32 {n}", f"i32 {k}"], "i64"))

    made.append(CustomStep(node, [a, x], [x], write))
    return made + ([] if x is out else lowering.copy(x, out))


_MAKERS: dict[str, Callable[..., list[Step] | None]] = {
    "solve": _solve,
    "inv": _solve,
    "det": _determinant,
    "slogdet": _determinant,
    "cholesky": _cholesky,
    "solve_triangular": _triangular,
}

# *** text ***


def _start(w: Writer, place: Place) -> str:
    """The address of a place's first element."""
    return w.address(place, Index(place.offset))[0]


def _call(w: Writer, a: Place, name: str, given: Sequence[str], kind: str = "") -> str:
    """A call of one of the functions for all matrices of a stack; written if it gives nothing."""
    letter, number, suffix = _KINDS[f"{a.dtype.kind}{a.dtype.itemsize}"]
    text = FUNCTIONS[name].replace("KIND", number).replace("SUFFIX", suffix)
    text = text.replace("LETTER", letter).replace("BYTES", str(a.dtype.itemsize))
    w.library[f"{name}.{letter}"] = text
    for result, symbol, operands in re.findall(r'call (\w+) (@[\w."]+)\((.*)\)', text):
        types = ", ".join(operand.split()[0] for operand in operands.split(", "))
        w.declare(symbol, f"declare {result} {symbol}({types})")
    full = f"{', '.join(given)}, i64 {prod(a.shape[:-2])}"
    call = f"call {kind or 'void'} @{name}.{letter}({full})"
    if not kind:
        w.line(call)
    return call


def _fail_if(w: Writer, node: Node, value: str) -> None:
    """Report the node when the program is done if a number is not zero."""
    found = w.make("i64", 1, 0, value)
    bad = w.op("icmp ne", found, w.const(0, "i64"), kind="i1")
    high = w.convert("zext", bad, "i64")
    slots = []
    for reg in (w.const(0, "i64"), high):
        slots.append(_slot(w, reg))
    w.checks[node, 0, 1] = slots


def _slot(w: Writer, reg: Reg) -> str:
    name = w.fresh("seen")
    w.allocas.append(f"{name} = alloca i64, align 64")
    w.line(f"store i64 {reg.name}, ptr {name}, align 64")
    return name


def _factor(w: Writer, node: Node, ins: Sequence[Place], outs: Sequence[Place]) -> None:
    memory, pivots, fault = outs
    pointers = [f"ptr {_start(w, p)}" for p in (memory, pivots)]
    call = _call(w, memory, "factor", [*pointers, f"i32 {memory.shape[-1]}"], "i64")
    found = w.make("i64", 1, 0, call)
    w.line(f"store i64 {found.name}, ptr {_start(w, fault)}")


def _identity(w: Writer, node: Node, ins: Sequence[Place], outs: Sequence[Place]) -> None:
    (x,) = outs
    n, count = x.shape[-1], prod(x.shape[:-2])
    flat = whole(x.buffer, (count, n * n), x.dtype)
    flat = replace(flat, offset=x.offset, moving=x.moving)
    number = _KINDS[f"{x.dtype.kind}{x.dtype.itemsize}"][1]
    start = _start(w, x)
    w.declare("@llvm.memset.p0.i64", "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
    nbytes = x.size * x.dtype.itemsize
    w.line(f"call void @llvm.memset.p0.i64(ptr {start}, i8 0, i64 {nbytes}, i1 false)")
    one = w.const(1, number)

    def row(i: Index) -> None:
        w.loop(n, lambda j: w.store(flat, i * (n * n) + j * (n + 1) + flat.offset, one))

    w.loop(count, row)
