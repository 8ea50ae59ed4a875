"""Nodes without machine code: their NumPy reference, called back from a program."""

from __future__ import annotations

import ctypes
import threading
from typing import Any

import numpy as np

from adjoint.lower.layout import Place
from adjoint.lower.signals import DONE_IN_PYTHON, FAILED_IN_PYTHON
from adjoint.lower.steps import PythonStep

_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.POINTER(ctypes.c_void_p))


class PythonNodes:
    """The nodes of one program, by number."""

    def __init__(self, steps: list[PythonStep]) -> None:
        self._nodes = [_Node(step) for step in steps]
        self._errors = threading.local()
        # Programs that call nothing get no function: making one is slow.
        self._callback = _CALLBACK(self._run) if steps else None
        self.address = 0
        if self._callback is not None:
            self.address = ctypes.cast(self._callback, ctypes.c_void_p).value or 0

    def _run(self, number: int, pointers: Any) -> int:
        try:
            self._nodes[number](pointers)
        except BaseException as error:  # it must not cross machine code: raised after the call
            self._errors.last = error
            return FAILED_IN_PYTHON
        return DONE_IN_PYTHON

    def take_error(self) -> BaseException:
        """The exception that ended the program on this thread.

        There is none if a signal's handler raised before the callback's first line: Python
        has reported that one, and only Ctrl-C is likely to have done it.
        """
        error: BaseException | None = getattr(self._errors, "last", None)
        self._errors.last = None
        return error or KeyboardInterrupt()


def raised_at(address: int) -> BaseException:
    """The exception whose type, value and traceback machine code has put at an address."""
    pointers = [ctypes.c_void_p.from_address(address + 8 * i).value for i in range(3)]
    _, value, trace = (
        ctypes.cast(pointer, ctypes.py_object).value if pointer else None for pointer in pointers
    )
    assert isinstance(value, BaseException)
    release = ctypes.pythonapi.Py_DecRef
    for pointer in pointers:
        if pointer:
            release(ctypes.c_void_p(pointer))
    return value.with_traceback(trace)


class _Node:
    """Runs a reference on memory of the program."""

    def __init__(self, step: PythonStep) -> None:
        node = step.node
        self.evaluate = node.primitive.notes.get("compiled", node.primitive.evaluate)
        self.settings = node.settings
        self.several = node.primitive.several
        self.ins = step.ins
        self.outs = step.outs

    def __call__(self, pointers: Any) -> None:
        arrays = [_array(pointers[i], place) for i, place in enumerate(self.ins)]
        with np.errstate(all="ignore"):  # machine code does not warn either
            results = self.evaluate(*arrays, **self.settings)
        if not self.several:
            results = (results,)
        for i, (place, result) in enumerate(zip(self.outs, results, strict=True), len(self.ins)):
            if place.size:
                view = _array(pointers[i], place)
                view[...] = result


def _array(address: int, place: Place) -> Any:
    """A view of raw memory."""
    dtype = place.dtype
    if place.size == 0:
        return np.empty(place.shape, dtype)
    low = sum(min(0, s * (n - 1)) for s, n in zip(place.strides, place.shape, strict=True))
    high = sum(max(0, s * (n - 1)) for s, n in zip(place.strides, place.shape, strict=True))
    start = address + low * dtype.itemsize
    raw: Any = (ctypes.c_char * ((high - low + 1) * dtype.itemsize)).from_address(start)
    strides = [s * dtype.itemsize for s in place.strides]
    return np.ndarray(place.shape, dtype, raw, -low * dtype.itemsize, strides)
