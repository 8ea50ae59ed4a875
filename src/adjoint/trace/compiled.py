"""NumPy as compiled modules see it while somebody records: with its own names.

Cython's functions look NumPy's names up at every call, as Python's do. ``x.dtype.type is
np.float64`` decides there what is computed at all, and fails where a class that equals NumPy's
stands under that name. No recorded value reaches such code, so it needs none of ours.
"""

from __future__ import annotations

import sys
from importlib.machinery import EXTENSION_SUFFIXES
from types import ModuleType
from typing import Any

import numpy as np

from adjoint.trace import replacing
from adjoint.trace.held_makers import attribute_of
from adjoint.trace.session import while_recording

_SUFFIXES = tuple(EXTENSION_SUFFIXES)
_twin = ModuleType("numpy")  # NumPy, with nothing replaced
_holding: list[tuple[dict[str, Any], str]] = []  # names under which compiled modules have NumPy
_seen = 0  # how many modules there were
_wanted = False


def keep_own_names() -> None:
    """Have compiled modules see NumPy's own names from now on, whatever stands in its place."""
    global _wanted
    _twin.__dict__.update(replacing.names_unreplaced())
    _wanted = True
    if replacing.is_placed():
        _begin()


def _look() -> None:
    global _seen
    _seen = len(sys.modules)
    _holding.clear()
    for module in list(sys.modules.values()):
        if not str(attribute_of(module, "__file__")).endswith(_SUFFIXES):
            continue
        names = vars(module)
        _holding.extend((names, name) for name, value in list(names.items()) if value is np)


def _begin() -> None:
    if not _wanted:
        return
    if len(sys.modules) != _seen:
        _look()
    for names, name in _holding:
        names[name] = _twin


def _end() -> None:
    for names, name in _holding:
        if names.get(name) is _twin:
            names[name] = np


while_recording(_begin, _end)
