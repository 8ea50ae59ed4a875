"""Programs: a graph as machine code, called with arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from adjoint.graph.evaluate import evaluate
from adjoint.graph.graph import Graph
from adjoint.lower import ENTRY, Lowered, lower_graph
from adjoint.lower.layout import Place
from adjoint.lower.memory import ALIGNMENT
from adjoint.lower.module import FAILED_IN_PYTHON
from adjoint.lower.steps import PythonStep
from adjoint.rewrite import rewrite
from adjoint.run import native

_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.POINTER(ctypes.c_void_p))


class Program:
    """A compiled graph. Call it with one array for each input; it returns fresh arrays."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._types = [(t.shape, t.dtype) for t in graph.input_types]
        self._results = [(t.shape, t.dtype) for t in graph.output_types]
        _, features = native.processor()
        self.lowered: Lowered = lower_graph(rewrite(graph), features)
        module = native.optimise(self.lowered.text)
        self._module = module
        code = native.object_code(module)
        self._loaded = native.Loaded(code, ENTRY, self.lowered.routines)
        self._function = self._loaded.function
        self._error: BaseException | None = None
        self._views = [_Views(step) for step in self.lowered.python]
        self._callback = _CALLBACK(self._run_python)
        # Kept alive here: the table holds bare addresses.
        self._constants = [np.ascontiguousarray(x.value) for x in self.lowered.literals]
        self._n = len(self._types) + len(self._results)
        self._fixed = [
            ctypes.cast(self._callback, ctypes.c_void_p).value,
            *[x.__array_interface__["data"][0] for x in self._constants],
        ]
        self._arenas: list[tuple[Any, Any, int]] = []

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """Run on arrays."""
        try:
            table, memory, arena = self._arenas.pop()
        except IndexError:
            table, memory, arena = self._new_arena()
        held = []
        i = 0
        for x, (shape, dtype) in zip(arguments, self._types, strict=True):
            if (
                type(x) is not np.ndarray
                or x.dtype != dtype
                or not x.flags.c_contiguous
                or not x.flags.aligned
            ):
                x = np.require(x, dtype, ["C", "A"])
            if x.shape != shape:
                raise ValueError(f"input {i} has the shape {x.shape}, not {shape}")
            held.append(x)
            table[i] = x.__array_interface__["data"][0]
            i += 1
        results = []
        for shape, dtype in self._results:
            y = np.empty(shape, dtype)
            results.append(y)
            table[i] = y.__array_interface__["data"][0]
            i += 1
        code = self._function(table, arena)
        if code:
            self._fail(code, arena)
        self._arenas.append((table, memory, arena))
        return results

    def _new_arena(self) -> tuple[Any, Any, int]:
        table = (ctypes.c_void_p * (self._n + len(self._fixed)))()
        table[self._n :] = self._fixed
        memory = np.zeros(self.lowered.arena_bytes + ALIGNMENT, np.uint8)
        start = memory.__array_interface__["data"][0]
        return table, memory, -(-start // ALIGNMENT) * ALIGNMENT

    def _fail(self, code: int, arena: int) -> None:
        if code == FAILED_IN_PYTHON and self._error is not None:
            error, self._error = self._error, None
            raise error
        site = self.lowered.sites[code - 1]
        index = ctypes.c_int64.from_address(arena + 8).value
        where = f"\n  at {site.source}" if site.source else ""
        raise IndexError(
            f"index {index} is out of bounds for axis {site.axis} with size {site.extent}{where}"
        )

    def _run_python(self, number: int, pointers: Any) -> int:
        try:
            self._views[number](pointers)
        except BaseException as error:  # it must not cross machine code: raised after the call
            self._error = error
            return 1
        return 0


class _Views:
    """Runs one node's NumPy reference on memory of the program."""

    def __init__(self, step: PythonStep) -> None:
        node = step.node
        self.evaluate = node.primitive.evaluate
        self.settings = node.settings
        self.several = node.primitive.several
        self.ins = step.ins
        self.outs = step.outs

    def __call__(self, pointers: Any) -> None:
        arrays = [_array(pointers[i], place) for i, place in enumerate(self.ins)]
        results = self.evaluate(*arrays, **self.settings)
        if not self.several:
            results = (results,)
        for i, (place, result) in enumerate(zip(self.outs, results, strict=True), len(self.ins)):
            if place.size:
                _array(pointers[i], place)[...] = result


def _array(address: int, place: Place) -> Any:
    """A view of raw memory."""
    dtype = place.dtype
    if place.size == 0:
        return np.empty(place.shape, dtype)
    low = sum(min(0, s * (n - 1)) for s, n in zip(place.strides, place.shape, strict=True))
    high = sum(max(0, s * (n - 1)) for s, n in zip(place.strides, place.shape, strict=True))
    start = address + low * dtype.itemsize
    raw = (ctypes.c_char * ((high - low + 1) * dtype.itemsize)).from_address(start)
    strides = [s * dtype.itemsize for s in place.strides]
    whole: Any = raw
    return np.ndarray(place.shape, dtype, whole, -low * dtype.itemsize, strides)[
        () if place.shape else ...
    ]


class Interpreted:
    """The same calls, by the interpreter: where machine code cannot be made."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """Run on arrays."""
        return [np.array(y) for y in evaluate(self.graph, arguments)]


def compile_graph(graph: Graph, *, donate: tuple[int, ...] = (), threads: int | None = None) -> Any:
    """A program that computes what the graph says."""
    if native.available():
        return Interpreted(graph)
    return Program(graph)
