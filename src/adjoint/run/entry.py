"""A door of machine code: small programs called without Python in between.

Checking a few arrays, making the results and passing the pointers costs Python several
microseconds, more than many programs take. So a program that is called often gets an entry
compiled for its types: a function with CPython's fast calling convention that reads the
arrays' headers, makes the results through NumPy's C interface, calls the program, and
returns. Whatever is not exactly as expected, it answers with ``MISS`` and the ordinary way
takes over: it never raises of its own and never guesses.

What it relies on, and who guarantees it: the layout of ndarray objects and the numbers of
the functions in NumPy's C interface (NumPy's stable ABI), METH_FASTCALL and the layout of
float objects (CPython's ABI with the GIL; without it no entry is made). ``usable`` checks
the layout on live arrays before the first entry is made.
"""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from adjoint.lower import entry as header
from adjoint.lower.signals import RAISED_AT
from adjoint.run import native
from adjoint.run.objects import layout_is_known

MISS = type("Miss", (), {"__slots__": ()})()

_FLOAT_VALUE = 16
_NEW_FROM_DESCR, _SCALAR = 94, 60  # numbers in NumPy's function table
_METH_FASTCALL = 0x80


class _MethodDef(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


@lru_cache(maxsize=1)
def usable() -> bool:
    """Whether objects look as expected here."""
    number = 1.5
    return (
        layout_is_known()
        and object.__basicsize__ == 16
        and ctypes.c_double.from_address(id(number) + _FLOAT_VALUE).value == number
    )


def _word(address: int) -> int:
    return ctypes.c_int64.from_address(address).value


@lru_cache(maxsize=1)
def _numpy_functions() -> tuple[int, int]:
    """Addresses of PyArray_NewFromDescr and PyArray_Scalar."""
    umath: Any = importlib.import_module("numpy._core._multiarray_umath")

    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    table = get(umath._ARRAY_API, None)
    return _word(table + 8 * _NEW_FROM_DESCR), _word(table + 8 * _SCALAR)


def _python_function(name: str) -> int:
    address = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
    assert address is not None
    return address


def _constant(address: int) -> str:
    return f"inttoptr (i64 {address} to ptr)"


class Entry:
    """A native entry for a program, with what must live as long as it."""

    def __init__(
        self,
        function: int,
        inputs: Sequence[tuple[Any, tuple[int, ...]]],
        outputs: Sequence[tuple[np.dtype[Any], tuple[int, ...]]],
        table: Any,
        first: int,
        arena: tuple[Any, int],
        single: bool,
    ) -> None:
        """Compile an entry.

        Args:
            function: address of the program, ``(table, arena) -> code``.
            inputs: dtype, or ``float`` for a Python float, and shape of each.
            outputs: dtype and shape of each; those of shape () come out as NumPy scalars.
            table: ctypes array of pointers: inputs, outputs, and what the program adds.
            first: the first output's place in the table.
            arena: what must be kept alive, and the address of the memory.
            single: return the only result bare, not in a tuple.
        """
        self._keep = [table, arena[0], inputs, outputs]
        self._scalars = np.zeros(2 * max(1, len(outputs)))  # 16 bytes for each
        text = _Text(
            function,
            inputs,
            outputs,
            ctypes.addressof(table),
            first,
            arena[1],
            self._scalars.__array_interface__["data"][0],
            single,
        ).module()
        self._engine, address = native.load_text(text, "entry")
        self._method = _MethodDef(b"program", address, _METH_FASTCALL, None)
        new = ctypes.pythonapi.PyCFunction_NewEx
        new.restype = ctypes.py_object
        new.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
        self.call: Callable[..., Any] = new(ctypes.addressof(self._method), MISS, None)


class _Text:
    """Writes the entry as LLVM text."""

    def __init__(
        self,
        function: int,
        inputs: Any,
        outputs: Any,
        table: int,
        first: int,
        arena: int,
        scalars: int,
        single: bool,
    ) -> None:
        self.function, self.inputs, self.outputs = function, inputs, outputs
        self.table, self.arena, self.scalars, self.single = table, arena, scalars, single
        self.first = first  # the first result's place in the table
        self.lines: list[str] = []
        self.globals: list[str] = []
        self.count = 0

    def name(self) -> str:
        self.count += 1
        return f"%v{self.count}"

    def put(self, text: str) -> str:
        """A line that makes a value; returns the value."""
        result = self.name()
        self.lines.append(f"  {result} = {text}")
        return result

    def load(self, kind: str, base: str, offset: int) -> str:
        at = self.put(f"getelementptr i8, ptr {base}, i64 {offset}")
        return self.put(f"load {kind}, ptr {at}")

    def need(self, test: str, otherwise: str) -> None:
        """Go on if a test holds."""
        self.count += 1
        self.lines.append(f"  br i1 {test}, label %go{self.count}, label %{otherwise}")
        self.lines.append(f"go{self.count}:")

    def module(self) -> str:
        """The whole module."""
        self.need(self.put(f"icmp eq i64 %count, {len(self.inputs)}"), "miss")
        for i, (kind, shape) in enumerate(self.inputs):
            self.take(i, kind, shape)
        made = [self.make(k, dtype, shape) for k, (dtype, shape) in enumerate(self.outputs)]
        code = self.put(
            f"call i64 {_constant(self.function)}(ptr {_constant(self.table)}, "
            f"ptr {_constant(self.arena)})"
        )
        arrays = [x for x in made if x is not None]
        self.need(self.put(f"icmp eq i64 {code}, 0"), f"drop{len(arrays)}")
        self.give(made)
        # Undo: results made so far are let go, the last first.
        for k in range(len(arrays), 0, -1):
            self.lines.append(f"drop{k}:")
            self.lines.append(
                f"  call void {_constant(_python_function('Py_DecRef'))}(ptr {arrays[k - 1]})"
            )
            self.lines.append(f"  br label %drop{k - 1}")
        self.lines.append("drop0:")
        self.raise_what_was_heard()
        self.lines.append("miss:")
        self.lines.append(f"  call void {_constant(_python_function('Py_IncRef'))}(ptr %self)")
        self.lines += ["  ret ptr %self", "}"]
        head = "define ptr @entry(ptr %self, ptr %arguments, i64 %count) {"
        return "\n".join([*self.globals, head, "start:", *self.lines]) + "\n"

    def raise_what_was_heard(self) -> None:
        """Leave with the exception of a signal's handler, if the program was ended by one."""
        arena = _constant(self.arena)
        kept = [self.load("ptr", arena, RAISED_AT + 8 * i) for i in range(3)]
        none = self.put(f"icmp eq ptr {kept[0]}, null")
        self.lines += [f"  br i1 {none}, label %miss, label %raise", "raise:"]
        at = self.put(f"getelementptr i8, ptr {arena}, i64 {RAISED_AT}")
        self.lines.append(f"  store ptr null, ptr {at}")
        restore = _constant(_python_function("PyErr_Restore"))
        given = ", ".join(f"ptr {x}" for x in kept)
        self.lines += [f"  call void {restore}({given})", "  ret ptr null"]

    def take(self, i: int, kind: Any, shape: tuple[int, ...]) -> None:
        """Check one argument and put its address into the table."""
        x = self.load("ptr", "%arguments", 8 * i)
        of = self.load("ptr", x, 8)
        wanted = id(float) if kind is float else id(np.ndarray)
        self.need(self.put(f"icmp eq ptr {of}, {_constant(wanted)}"), "miss")
        if kind is float:
            data = self.put(f"getelementptr i8, ptr {x}, i64 {_FLOAT_VALUE}")
        else:
            descr = self.load("ptr", x, header.DTYPE)
            self.need(self.put(f"icmp eq ptr {descr}, {_constant(id(kind))}"), "miss")
            flags = self.put(
                f"and i32 {self.load('i32', x, header.FLAGS)}, {header.C_ORDER_AND_ALIGNED}"
            )
            self.need(self.put(f"icmp eq i32 {flags}, {header.C_ORDER_AND_ALIGNED}"), "miss")
            ndim = self.load("i32", x, header.NDIM)
            self.need(self.put(f"icmp eq i32 {ndim}, {len(shape)}"), "miss")
            dims = self.load("ptr", x, header.DIMS) if shape else ""
            for axis, n in enumerate(shape):
                extent = self.load("i64", dims, 8 * axis)
                self.need(self.put(f"icmp eq i64 {extent}, {n}"), "miss")
            data = self.load("ptr", x, header.DATA)
        self.lines.append(f"  store ptr {data}, ptr {_constant(self.table + 8 * i)}")

    def make(self, k: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> str | None:
        """Make one result and put its address into the table; None for a number."""
        slot = _constant(self.table + 8 * (self.first + k))
        if not shape:
            self.lines.append(f"  store ptr {_constant(self.scalars + 16 * k)}, ptr {slot}")
            return None
        dims = ", ".join(f"i64 {n}" for n in shape)
        self.globals.append(f"@dims{k} = private constant [{len(shape)} x i64] [{dims}]")
        self.borrow(dtype)
        array = self.put(
            f"call ptr {_constant(_numpy_functions()[0])}(ptr {_constant(id(np.ndarray))}, "
            f"ptr {_constant(id(dtype))}, i32 {len(shape)}, ptr @dims{k}, ptr null, ptr null, "
            "i32 0, ptr null)"
        )
        # Out of memory: the error is set, and a null pointer is how it is reported.
        self.count += 1
        failed = self.put(f"icmp eq ptr {array}, null")
        self.lines.append(f"  br i1 {failed}, label %broke{k}, label %made{k}")
        self.lines += [f"broke{k}:", "  ret ptr null", f"made{k}:"]
        self.lines.append(f"  store ptr {self.load('ptr', array, header.DATA)}, ptr {slot}")
        return array

    def borrow(self, dtype: np.dtype[Any]) -> None:
        """NewFromDescr keeps a reference of the dtype: one more is made for it."""
        self.lines.append(
            f"  call void {_constant(_python_function('Py_IncRef'))}(ptr {_constant(id(dtype))})"
        )

    def give(self, made: Sequence[str | None]) -> None:
        """Return the results."""
        objects = []
        for k, array in enumerate(made):
            if array is None:
                dtype = self.outputs[k][0]
                array = self.put(
                    f"call ptr {_constant(_numpy_functions()[1])}"
                    f"(ptr {_constant(self.scalars + 16 * k)}, ptr {_constant(id(dtype))}, "
                    "ptr null)"
                )
            objects.append(array)
        if self.single:
            self.lines.append(f"  ret ptr {objects[0]}")
            return
        whole = self.put(f"call ptr {_constant(_python_function('PyTuple_New'))}(i64 {len(made)})")
        for k, x in enumerate(objects):
            self.put(
                f"call i32 {_constant(_python_function('PyTuple_SetItem'))}"
                f"(ptr {whole}, i64 {k}, ptr {x})"
            )
        self.lines.append(f"  ret ptr {whole}")
