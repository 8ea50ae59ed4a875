"""A door of machine code: small programs called without Python in between.

Checking a few arrays, making the results and passing the pointers costs Python several
microseconds, more than many programs take. So a program that is called often gets an entry
compiled for its types: a function with CPython's fast calling convention that reads the
arrays' headers, makes the results through NumPy's C interface, calls the program, and
returns. Arguments and results may be nested in tuples, lists and dicts. Whatever is not exactly
as expected is left to the ordinary way: an entry never raises of its own and never guesses.

What it relies on, and who guarantees it: the layout of ndarray objects and the numbers of
the functions in NumPy's C interface (NumPy's stable ABI), METH_FASTCALL and the layout of
float objects (CPython's ABI with the GIL; without it no entry is made). ``usable`` checks
the layout on live arrays before the first entry is made.
"""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import numpy as np

from adjoint.lower import entry as header
from adjoint.lower.signals import RAISED_AT
from adjoint.run import native
from adjoint.run.form import FLOAT_VALUE, Fixed, Form, Leaf
from adjoint.run.objects import layout_is_known

MISS = type("Miss", (), {"__slots__": ()})()

_NEW_FROM_DESCR, _SCALAR = 94, 60  # numbers in NumPy's function table
_METH_KEYWORDS, _METH_FASTCALL = 0x2, 0x80
_SIZE, _LIST_ITEMS = 16, 24  # in lists; the first also in tuples and dicts
_TUPLE_ITEMS = tuple.__basicsize__  # behind the size and, from Python 3.14 on, a hash


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
    number, pair, row, table = 1.5, (None, True), [None, True], {"a": None, "b": True}
    return (
        layout_is_known()
        and object.__basicsize__ == 16
        and ctypes.c_double.from_address(id(number) + FLOAT_VALUE).value == number
        and all(_word(id(x) + _SIZE) == 2 for x in (pair, row, table))
        and _word(id(pair) + _TUPLE_ITEMS + 8) == id(True)
        and _word(_word(id(row) + _LIST_ITEMS) + 8) == id(True)
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
    """A native entry for a program, with what must live as long as it.

    ``call`` takes arguments of any form: what the entry is not made for it hands on.
    ``raw`` answers with ``MISS`` instead.
    """

    def __init__(
        self,
        function: int,
        inputs: Sequence[tuple[np.dtype[Any], tuple[int, ...]]],
        outputs: Sequence[tuple[np.dtype[Any], tuple[int, ...]]],
        table: Any,
        first: int,
        arena: tuple[Any, int],
        forms: tuple[Sequence[Form], Form],
        context: tuple[ContextVar[Any], Any],
        otherwise: Callable[..., Any],
    ) -> None:
        """Compile an entry.

        Args:
            function: address of the program, ``(table, arena) -> code``.
            inputs: dtype and shape of each.
            outputs: likewise; those of shape () come out as NumPy scalars.
            table: ctypes array of pointers: inputs, outputs, and what the program adds.
            first: the first output's place in the table.
            arena: what must be kept alive, and the address of the memory.
            forms: of the arguments, and of the result.
            context: a variable and the value with which the entry may be used.
            otherwise: what is called instead with anything else.
        """
        self._keep = [table, arena[0], inputs, outputs, forms, context, otherwise]
        self._scalars = np.zeros(2 * max(1, len(outputs)))  # 16 bytes for each
        self._integers = np.zeros(max(1, len(inputs)), np.int64)
        text = _Text(
            function,
            inputs,
            outputs,
            ctypes.addressof(table),
            first,
            arena[1],
            self._scalars.ctypes.data,
            self._integers.ctypes.data,
            forms,
        ).module() + _call_text(context, otherwise)
        self._engine, raw, call = native.load_text(text, "entry", "call")
        flags = _METH_FASTCALL, _METH_FASTCALL | _METH_KEYWORDS
        self._methods = [
            _MethodDef(b"program", address, flag, None)
            for address, flag in zip((raw, call), flags, strict=True)
        ]
        new = ctypes.pythonapi.PyCFunction_NewEx
        new.restype = ctypes.py_object
        new.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
        # Each function holds this object, and so all that its code looks at.
        self.raw: Callable[..., Any] = new(ctypes.addressof(self._methods[0]), self, None)
        self.call: Callable[..., Any] = new(ctypes.addressof(self._methods[1]), self, None)


def _call_text(context: tuple[ContextVar[Any], Any], otherwise: Callable[..., Any]) -> str:
    """The entry that hands on what it is not made for."""
    variable, value = context
    get, drop = (_constant(_python_function(n)) for n in ("PyContextVar_Get", "Py_DecRef"))
    vectorcall, other = _constant(_python_function("PyObject_Vectorcall")), _constant(id(otherwise))
    return f"""
define ptr @call(ptr %self, ptr %arguments, i64 %count, ptr %names) {{
  %slot = alloca ptr
  store ptr null, ptr %slot
  %plain = icmp eq ptr %names, null
  br i1 %plain, label %look, label %otherwise
look:
  %ignored = call i32 {get}(ptr {_constant(id(variable))}, ptr null, ptr %slot)
  %value = load ptr, ptr %slot
  call void {drop}(ptr %value)
  %fits = icmp eq ptr %value, {_constant(id(value))}
  br i1 %fits, label %try, label %otherwise
try:
  %result = call ptr @entry(ptr %self, ptr %arguments, i64 %count)
  %missed = icmp eq ptr %result, {_constant(id(MISS))}
  br i1 %missed, label %miss, label %done
done:
  ret ptr %result
miss:
  call void {drop}(ptr %result)
  br label %otherwise
otherwise:
  %late = call ptr {vectorcall}(ptr {other}, ptr %arguments, i64 %count, ptr %names)
  ret ptr %late
}}
"""


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
        integers: int,
        forms: tuple[Sequence[Form], Form],
    ) -> None:
        self.function, self.inputs, self.outputs = function, inputs, outputs
        self.table, self.arena, self.scalars, self.integers = table, arena, scalars, integers
        self.arguments, self.result = forms
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
        self.need(self.put(f"icmp eq i64 %count, {len(self.arguments)}"), "miss")
        for i, form in enumerate(self.arguments):
            self.take(self.load("ptr", "%arguments", 8 * i), form)
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
        missed = _constant(id(MISS))
        self.lines.append(f"  call void {_constant(_python_function('Py_IncRef'))}(ptr {missed})")
        self.lines += [f"  ret ptr {missed}", "}"]
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

    def is_object(self, x: str, wanted: Any) -> None:
        """Go on if a pointer is that of an object."""
        self.need(self.put(f"icmp eq ptr {x}, {_constant(id(wanted))}"), "miss")

    def call(self, kind: str, function: str, *given: str) -> str:
        """A call of a function of Python's."""
        return self.put(f"call {kind} {_constant(_python_function(function))}({', '.join(given)})")

    def take(self, x: str, form: Form) -> None:
        """Check an argument and put the addresses of its arrays into the table."""
        if isinstance(form, Fixed):
            self.is_object(x, form.value)
            return
        self.is_object(self.load("ptr", x, header.TYPE), form.kind)
        if isinstance(form, Leaf):
            self.take_leaf(x, form)
            return
        size = self.load("i64", x, _SIZE)
        self.need(self.put(f"icmp eq i64 {size}, {len(form.parts)}"), "miss")
        items = self.load("ptr", x, _LIST_ITEMS) if form.kind is list else x
        start = _TUPLE_ITEMS if form.kind is tuple else 0
        for i, part in enumerate(form.parts):
            if form.kind is dict:
                key = _constant(id(form.keys[i]))
                found = self.call("ptr", "PyDict_GetItemWithError", f"ptr {x}", f"ptr {key}")
                self.need(self.put(f"icmp ne ptr {found}, null"), "miss")
            else:
                found = self.load("ptr", items, start + 8 * i)
            self.take(found, part)

    def take_leaf(self, x: str, form: Leaf) -> None:
        """An array or a number whose type is right already."""
        dtype, shape = self.inputs[form.number]
        if form.kind is int:
            data = _constant(self.integers + 8 * form.number)
            lost = _constant(self.scalars)
            value = self.call("i64", "PyLong_AsLongLongAndOverflow", f"ptr {x}", f"ptr {lost}")
            flag = self.load("i32", lost, 0)
            self.need(self.put(f"icmp eq i32 {flag}, 0"), "miss")
            self.lines.append(f"  store i64 {value}, ptr {data}")
        elif form.kind is not np.ndarray:
            data = self.put(f"getelementptr i8, ptr {x}, i64 {FLOAT_VALUE}")
        else:
            self.is_object(self.load("ptr", x, header.DTYPE), dtype)
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
        self.lines.append(f"  store ptr {data}, ptr {_constant(self.table + 8 * form.number)}")

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
        """Return the results: all numbers are made before what holds them."""
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
        self.lines.append(f"  ret ptr {self.whole(self.result, objects)}")

    def whole(self, form: Form, objects: Sequence[str]) -> str:
        """A result with all that it holds."""
        if isinstance(form, Leaf):
            return objects[form.number]
        if isinstance(form, Fixed):
            found = _constant(id(form.value))
            self.lines.append(
                f"  call void {_constant(_python_function('Py_IncRef'))}(ptr {found})"
            )
            return found
        parts = [self.whole(part, objects) for part in form.parts]
        if form.kind is dict:
            made = self.call("ptr", "PyDict_New")
            for key, part in zip(form.keys, parts, strict=True):
                given = [f"ptr {x}" for x in (made, _constant(id(key)), part)]
                self.call("i32", "PyDict_SetItem", *given)
                drop = _constant(_python_function("Py_DecRef"))
                self.lines.append(f"  call void {drop}(ptr {part})")
            return made
        name = "Tuple" if form.kind is tuple else "List"
        made = self.call("ptr", f"Py{name}_New", f"i64 {len(parts)}")
        for i, part in enumerate(parts):
            self.call("i32", f"Py{name}_SetItem", f"ptr {made}", f"i64 {i}", f"ptr {part}")
        return made
