"""SciPy's BLAS on one thread while programs of ours call it.

Our own threads share the work already, and what BLAS computes with several threads it may add
up in another order. The number is put back as soon as no program needs it to be one, so code
that calls SciPy itself is not affected.
"""

from __future__ import annotations

import ctypes
import importlib
import threading
from collections.abc import Callable
from functools import lru_cache, wraps
from types import TracebackType
from typing import Any, Self

_NAMES = ("scipy_openblas_{}_num_threads", "openblas_{}_num_threads")


@lru_cache(maxsize=1)
def _knobs() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """How to ask for the number of threads and how to set it; None if this BLAS has no such."""
    # A library's names are looked up in the libraries that it is linked with, too.
    library = ctypes.CDLL(importlib.import_module("scipy.linalg.cython_blas").__file__)
    for name in _NAMES:
        ask = getattr(library, name.format("get"), None)
        tell = getattr(library, name.format("set"), None)
        if ask is not None and tell is not None:
            ask.restype, ask.argtypes = ctypes.c_int, []
            tell.restype, tell.argtypes = None, [ctypes.c_int]
            return ask, tell
    return None


class _OneThread:
    """A context that may be entered by many at once; the last to leave restores the number."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before = 1

    def __enter__(self) -> Self:
        knobs = _knobs()
        with self._lock:
            self._inside += 1
            if self._inside == 1 and knobs is not None:
                self._before = knobs[0]()
                if self._before > 1:
                    knobs[1](1)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        knobs = _knobs()
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and knobs is not None and self._before > 1:
                knobs[1](self._before)


one_thread = _OneThread()


def on_one_thread(function: Any) -> Any:
    """A function of machine code, if there is one, with BLAS on one thread while it runs."""
    if function is None:
        return None

    @wraps(function, assigned=())
    def run(*arguments: Any) -> Any:
        with one_thread:
            return function(*arguments)

    return run
