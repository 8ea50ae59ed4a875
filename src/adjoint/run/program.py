"""Programs: a graph as machine code, called with arrays."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from adjoint.graph.graph import Graph
from adjoint.lower import PROGRAM, Lowered
from adjoint.lower.entry import ENTRY, MOST_ARGUMENTS, UNFIT
from adjoint.lower.memory import ALIGNMENT
from adjoint.lower.module import WORKER
from adjoint.lower.signals import FAILED_IN_PYTHON, INTERRUPTED, RAISED_AT
from adjoint.run import native, objects, pool
from adjoint.run.blas_threads import on_one_thread
from adjoint.run.entry import Entry, usable
from adjoint.run.form import MOST_LEAVES, Form, fits, leaves
from adjoint.run.look import Look
from adjoint.run.python import PythonNodes, raised_at
from adjoint.run.remembered import Remembered


class Program:
    """A compiled graph. Call it with one array for each input; it returns fresh arrays."""

    def __init__(self, graph: Graph, lowered: Lowered | Remembered, code: bytes) -> None:
        self.graph = graph
        self._needs = lowered
        self._code = code
        self._loaded = native.Loaded(code, lowered.routines)
        self._types = [(t.shape, t.dtype) for t in graph.input_types]
        self._results = [(t.shape, t.dtype) for t in graph.output_types]
        self._python = PythonNodes(lowered.python)
        # Kept alive here: the tables hold bare addresses.
        self._constants = [np.ascontiguousarray(x.value) for x in lowered.literals]
        fixed = [self._python.address, *[_address(x) for x in self._constants]]
        n = len(self._types) + len(self._results)
        self._tail = fixed
        # Behind the arena: the table of a call that several threads read.
        self._table_at = -(-lowered.arena_bytes // ALIGNMENT) * ALIGNMENT
        self._memory = self._table_at + ALIGNMENT + 8 * (n + len(fixed))
        self._by_address = self._loaded.function(PROGRAM, 2)
        self._call: Any = None
        self._worker: Any = None
        self._worker_at = 0
        self._choice = pool.Choice(lowered.threads)
        self._in_place = lowered.in_place
        if lowered.threads > 1:
            self._worker = self._loaded.shared_function(WORKER)
            self._worker_at = self._loaded.address(WORKER)
        if n <= MOST_ARGUMENTS and objects.layout_is_known():
            self._call = self._loaded.function(ENTRY, 2, arrays=n)
            dtypes = [id(dtype) for _, dtype in self._types]
            head = [id(np.ndarray), *dtypes, *fixed]
            self._fixed = (ctypes.c_void_p * len(head))(*head)
        if lowered.blas:
            functions = (self._call, self._worker, self._by_address)
            self._call, self._worker, self._by_address = map(on_one_thread, functions)
        self._arenas: list[tuple[Any, int]] = []

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """Run on arrays."""
        try:
            memory = self._arenas.pop()
        except IndexError:
            memory = self._new_arena()
        empty = np.empty
        if self._in_place:
            arguments = self._given_up(arguments)
            over = dict(self._in_place)
            results = [
                arguments[over[k]] if k in over else empty(shape, dtype)
                for k, (shape, dtype) in enumerate(self._results)
            ]
        else:
            results = [empty(shape, dtype) for shape, dtype in self._results]
        code = UNFIT
        if self._call is not None and self._worker is None:
            code = self._call(*arguments, *results, self._fixed, memory[1])
        elif self._call is not None:
            table = memory[1] + self._table_at
            code = self._call(*arguments, *results, self._fixed, table)
            if not code:
                code = self._run_shared(table, memory[1], memory)
        if code == UNFIT:
            code = self._run_converted(arguments, results, memory)
        if code:
            self._fail(code, memory[1])
        self._arenas.append(memory)
        return results

    def _given_up(self, arguments: Sequence[Any]) -> list[Any]:
        """Arguments of which the donated ones may be written over: copied where they may not."""
        found = list(arguments)
        for _, i in self._in_place:
            x, (shape, dtype) = found[i], self._types[i]
            good = (
                type(x) is np.ndarray
                and x.dtype == dtype
                and x.flags.carray  # in C order, aligned and writeable
                and not any(
                    j != i and isinstance(y, np.ndarray) and np.may_share_memory(x, y)
                    for j, y in enumerate(found)
                )
            )
            if not good:
                found[i] = np.array(x, dtype, order="C")
            if found[i].shape != shape:
                raise ValueError(f"input {i} has the shape {found[i].shape}, not {shape}")
        return found

    def _run_converted(
        self, arguments: Sequence[Any], results: list[Any], memory: tuple[Any, int]
    ) -> int:
        """Arguments that are not in C order, or not arrays, are copied first."""
        held = []
        for i, (x, (shape, dtype)) in enumerate(zip(arguments, self._types, strict=True)):
            array = np.require(x, dtype, ["C", "A"])
            if array.shape != shape:
                raise ValueError(f"input {i} has the shape {array.shape}, not {shape}")
            held.append(array)
        addresses = [*map(_address, held), *map(_address, results), *self._tail]
        table = (ctypes.c_void_p * len(addresses))(*addresses)
        if self._worker is None:
            code: int = self._by_address(table, memory[1])
            return code
        return self._run_shared(ctypes.addressof(table), memory[1], (memory, table))

    def _run_shared(self, table: int, arena: int, held: object) -> int:
        """On as many threads as do it soonest."""
        job = pool.Job(self._worker, self._worker_at, table, arena, (self, held))
        threads = self._choice.next()
        started = time.perf_counter()
        code = pool.pool.run(job, threads)
        self._choice.note(threads, time.perf_counter() - started)
        return code

    @property
    def lowered(self) -> Lowered:
        """The program before LLVM; a remembered one is lowered for it."""
        if isinstance(self._needs, Remembered):
            self._needs = self._needs.full()
        return self._needs

    @property
    def look(self) -> Look:
        """The program to be read: every stage as text, and what a call costs."""
        return Look(self.graph, self.lowered)

    def entry(
        self,
        forms: tuple[Sequence[Form], Form],
        captured: Sequence[Any],
        context: tuple[ContextVar[Any], Any],
        otherwise: Callable[..., Any],
    ) -> Entry | None:
        """A native entry for calls with small work, or None where there can be none.

        Args:
            forms: of the arguments and of the result.
            captured: the inputs after the arguments, the same at every call.
            context: a variable and the value with which the entry may be used.
            otherwise: called with arguments of other forms.
        """
        needs = self._needs
        if needs.blas or needs.python or needs.threads > 1 or self._in_place or not usable():
            return None
        # Types of NumPy's own are one object each, whoever names them.
        inputs = [(np.dtype(dtype.str), shape) for shape, dtype in self._types]
        given = leaves(forms[0])
        if len(given) > MOST_LEAVES or not all(fits(x, inputs[x.number][0]) for x in given):
            return None
        kept = [
            np.require(x, dtype, ["C", "A"])
            for x, (_, dtype) in zip(captured, self._types[len(given) :], strict=True)
        ]
        blank = [0] * len(self._results)
        addresses = [0] * len(given) + [_address(x) for x in kept] + blank + self._tail
        table = (ctypes.c_void_p * len(addresses))(*addresses)
        memory, arena = self._new_arena()
        function = ctypes.cast(self._by_address, ctypes.c_void_p).value
        assert function is not None
        outputs = [(dtype, shape) for shape, dtype in self._results]
        first = len(self._types)
        memories = ((memory, kept), arena)
        return Entry(function, inputs, outputs, table, first, memories, forms, context, otherwise)

    def _new_arena(self) -> tuple[Any, int]:
        memory = np.zeros(self._memory, np.uint8)
        return memory, -(-_address(memory) // ALIGNMENT) * ALIGNMENT

    def _fail(self, code: int, arena: int) -> None:
        if code == FAILED_IN_PYTHON:
            raise self._python.take_error()
        if code == INTERRUPTED:
            raise raised_at(arena + RAISED_AT)
        index = ctypes.c_int64.from_address(arena + 8).value
        raise self.lowered.sites[code - 1].error(index)


def _address(x: Any) -> int:
    address: int = x.__array_interface__["data"][0]
    return address
