"""Reductions, orders and products in ONNX."""

from __future__ import annotations

import numpy as np

from adjoint.formats.writing.plan import Operation
from adjoint.formats.writing.pooling import pooled
from adjoint.formats.writing.writer import Writer, kinds, writes

_REDUCE = {"sum": "ReduceSum", "max": "ReduceMax", "min": "ReduceMin", "prod": "ReduceProd"}


@writes(*_REDUCE)
def _reduce(w: Writer, operation: Operation) -> str:
    axes = operation.settings["axes"]
    found = pooled(w, operation)
    if found is not None:
        return found
    name = w.name(operation.operands[0])
    if not axes:
        return name
    return w.emit(_REDUCE[operation.name], name, w.ints(axes), keepdims=0)


@writes("any", "all")
def _truth(w: Writer, operation: Operation) -> str:
    name, (x,) = w.name(operation.operands[0]), kinds(w, operation)
    if x.dtype.kind != "b":
        name = w.emit("Cast", name, to=w.type(bool))
    axes = operation.settings["axes"]
    if not axes:
        return name
    number = w.emit("Cast", name, to=w.type(np.int32))
    # An empty sum says nothing is true, an empty product that nothing is false.
    kind = "ReduceSum" if operation.name == "any" else "ReduceProd"
    return w.emit("Cast", w.emit(kind, number, w.ints(axes), keepdims=0), to=w.type(bool))


@writes("argmax", "argmin")
def _arg(w: Writer, operation: Operation) -> str:
    kind = {"argmax": "ArgMax", "argmin": "ArgMin"}[operation.name]
    name = w.name(operation.operands[0])
    return w.emit(kind, name, axis=operation.settings["axis"], keepdims=0)


@writes("argsort", "sort")
def _sort(w: Writer, operation: Operation) -> str:
    name, (x,) = w.name(operation.operands[0]), kinds(w, operation)
    axis = operation.settings["axis"] % len(x.shape)
    how = {"axis": axis, "largest": 0, "sorted": 1}
    return w.emit_all("TopK", [name, w.ints([x.shape[axis]])], 2, **how)[
        operation.name == "argsort"
    ]


@writes("cumsum")
def _cumsum(w: Writer, operation: Operation) -> str:
    axis = w.constant(np.asarray(operation.settings["axis"], np.int64))
    return w.emit("CumSum", w.name(operation.operands[0]), axis)


@writes("matmul")
def _matmul(w: Writer, operation: Operation) -> str:
    return w.emit("MatMul", *[w.name(x) for x in operation.operands])


@writes("einsum")
def _einsum(w: Writer, operation: Operation) -> str:
    equation = operation.settings["subscripts"]
    return w.emit("Einsum", *[w.name(x) for x in operation.operands], equation=equation)


@writes("det")
def _det(w: Writer, operation: Operation) -> str:
    return w.emit("Det", w.name(operation.operands[0]))
