"""Methods of arrays that were made outside a recording.

``X.dot(w)`` with an array X from outside asks w nothing: NumPy's method turns it into a plain
array. And what ``X.copy()`` gives inside a recorded function may be written there. So from the
first recording on, a few methods of ndarray are ours: they look for stand-ins and else call
NumPy's. They stay in place, because changing a type again and again would cost more than the
look (docs/decisions/0006-methods-of-ndarray.md).
"""

from __future__ import annotations

import copy
import ctypes
import functools
import gc
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.graph.source import is_hidden
from adjoint.trace import recorder as core
from adjoint.trace.making import calls_from_user, method_names, result
from adjoint.trace.session import is_recording, while_recording
from adjoint.trace.tables import foreign, method
from adjoint.trace.targets import Call, taken

_ASKING = ("dot", "take", "searchsorted", "choose", "repeat", "compress")
_WRITING = ("fill", "put")
_COPYING = ("copy", "astype", "flatten", "__copy__", "__deepcopy__")


def _asking(name: str) -> Callable[..., Any]:
    """A method that may be given stand-ins."""
    own = getattr(np.ndarray, name)

    @functools.wraps(own)
    def call(self: Any, *args: Any, **options: Any) -> Any:
        for x in args:
            if type(x) is core.TracedArray:
                rule = method(name)
                if rule is not None and type(self) is np.ndarray:
                    return rule(self, *args, **options)
        return own(self, *args, **options)

    return call


def _copying(name: str) -> Callable[..., Any]:
    """A method whose result the user may write recorded values into."""
    own = getattr(np.ndarray, name)
    asked_by_python = name.startswith("__")

    @functools.wraps(own)
    def call(self: Any, *args: Any, **options: Any) -> Any:
        made = own(self, *args, **options)
        if is_recording() and type(made) is np.ndarray:
            asked = _copied_by_user() if asked_by_python else calls_from_user()
            return result(made) if asked else made
        return made

    return call


def _copied_by_user() -> bool:
    """Whether it is the user's code that has Python copy something."""
    frame: Any = sys._getframe(2)
    while frame is not None and frame.f_globals is vars(copy):
        frame = frame.f_back
    return frame is not None and not is_hidden(frame.f_code)


def _writing(name: str) -> Callable[..., Any]:
    """A method that may write stand-ins into its array."""
    own = getattr(np.ndarray, name)

    @functools.wraps(own)
    def call(self: Any, *args: Any, **options: Any) -> Any:
        rule = method(name)
        given = (*args, *options.values())
        if rule is None or type(self) is not np.ndarray or core.TracedArray not in map(type, given):
            return own(self, *args, **options)
        target = taken(self, Call(name, (self, *args), options))
        if target is None:
            raise foreign(f"ndarray.{name}")
        return rule(target, *args, **options)

    return call


def put_methods(kind: type, ours: dict[str, Callable[..., Any]]) -> bool:
    """Put methods into a type's table; where Python keeps no such table, leave it."""
    tables = [
        t for t in gc.get_referents(kind.__dict__) if type(t) is dict and ours.keys() <= t.keys()
    ]
    if sys.implementation.name != "cpython" or len(tables) != 1:
        return False
    tables[0].update(ours)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))
    return True


_placed = False


def _place() -> None:
    global _placed
    if _placed:
        return
    _placed = True
    ours = {name: _asking(name) for name in _ASKING}
    ours.update({name: _writing(name) for name in _WRITING})
    ours.update({name: _copying(name) for name in _COPYING})
    if put_methods(np.ndarray, ours):
        method_names.update(_COPYING)


while_recording(_place, lambda: None)
