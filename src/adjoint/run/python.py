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
        self.ins = [_View(place) for place in step.ins]
        self.outs = [_View(place) for place in step.outs]

    def __call__(self, pointers: Any) -> None:
        arrays = [view.at(pointers[i]) for i, view in enumerate(self.ins)]
        with np.errstate(all="ignore"):  # machine code does not warn either
            results = self.evaluate(*arrays, **self.settings)
        if not self.several:
            results = (results,)
        for i, (view, result) in enumerate(zip(self.outs, results, strict=True), len(self.ins)):
            view.at(pointers[i])[...] = result


class _View:
    """A view of raw memory; the last one is kept, for a program often works in the same."""

    def __init__(self, place: Place) -> None:
        self.dtype, self.shape = place.dtype, place.shape
        size = place.dtype.itemsize
        self.strides = [s * size for s in place.strides]
        spans = [s * (n - 1) for s, n in zip(self.strides, place.shape, strict=True)]
        self.low = sum(min(0, span) for span in spans)
        high = sum(max(0, span) for span in spans)
        self.nbytes = high - self.low + size if place.size else 0
        self._last: tuple[int, Any] = (0, None)

    def at(self, address: int) -> Any:
        """The array whose first element lies at an address."""
        known, array = self._last
        if known != address or array is None:
            array = self._made(address)
            self._last = address, array
        return array.view()  # whoever is given it may reshape it

    def _made(self, address: int) -> Any:
        if self.nbytes == 0:
            return np.empty(self.shape, self.dtype)
        raw: Any = (ctypes.c_char * self.nbytes).from_address(address + self.low)
        return np.ndarray(self.shape, self.dtype, raw, -self.low, self.strides)
