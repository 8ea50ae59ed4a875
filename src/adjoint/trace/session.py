"""Who is recording a user's function now, and what must be in place while somebody does.

NumPy asks stand-ins what its functions mean, but some libraries do not; what makes those
ask is put in place when the first recording starts and may be taken away when the last one
ends. Registered actions are called under a lock; each thread knows its own depth.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from adjoint.errors import AdjointError
from adjoint.trace.compiled_callers import refused_by_compiled_code, remember

_lock = threading.Lock()
_running = 0
_begin: list[Callable[[], None]] = []
_end: list[Callable[[], None]] = []
_once: list[Callable[[], object]] = []  # what is to be done when the last one now ends


class _Thread(threading.local):
    depth = 0


_thread = _Thread()


def _put_in_place() -> None:
    """All that is needed, or nothing: what an action raises must leave no recording behind."""
    try:
        for action in _begin:
            action()
    except BaseException:
        for action in _end:
            action()
        raise


class Session:
    """``with session:`` around a user's function while it is recorded; may be nested."""

    __slots__ = ()

    def __enter__(self) -> None:
        global _running
        with _lock:
            if _running == 0:
                _put_in_place()
            _running += 1
        _thread.depth += 1

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        global _running
        _thread.depth -= 1
        with _lock:
            _running -= 1
            if _running == 0:
                for action in _end:
                    action()
                while _once:
                    _once.pop()()
        # NumPy says "setting an array element with a sequence" when a foreign array is given a
        # recorded value, and keeps our reason as the cause: the reason is what helps.
        if isinstance(error, ValueError) and isinstance(error.__cause__, AdjointError):
            raise error.__cause__ from None
        refused = refused_by_compiled_code(error)
        if _thread.depth == 0:
            remember(None)
        if refused is not None:
            raise refused from error


session = Session()


def while_recording(begin: Callable[[], None], end: Callable[[], None]) -> None:
    """Have ``begin`` called when the first recording of the process starts, ``end`` after the last.

    Both must be quick: every eager gradient calls them.
    """
    _begin.append(begin)
    _end.append(end)


def at_end(action: Callable[[], object]) -> None:
    """Have an action called once, when the last recording of the process ends."""
    if action not in _once:
        _once.append(action)


def is_recording() -> bool:
    """Whether this thread is recording a user's function."""
    return _thread.depth > 0


def anyone_recording() -> bool:
    """Whether any thread is."""
    return _running > 0
