"""Special functions: SciPy's own compiled routines, called straight from machine code.

``scipy.special.cython_special`` hands out the addresses of the routines that its universal
functions call, so the values are the same. One element is computed at a time; what is saved
is the way through Python and an array for every step.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from adjoint.graph.primitive import Primitive, primitives
from adjoint.lower.emit import Emitter, Reg
from adjoint.lower.maps import cast, rule
from adjoint.primitives.special import SciPyFunction

PREFIX = "special."  # of symbols; the rest is the name in cython_special's table
_PRICE = 60  # one is about as dear as this many additions
_TYPES = {"double": "double", "long": "i64", "Py_ssize_t": "i64"}
_WIDE = {"double": np.dtype("f8"), "i64": np.dtype("i8")}


class Routine(NamedTuple):
    """A routine's name in the table, and the LLVM types of its operands."""

    name: str
    operands: tuple[str, ...]


@lru_cache(maxsize=1)
def table() -> dict[str, list[Routine]]:
    """Routines that return one double, by the function's name."""
    from scipy.special import cython_special

    signature = ctypes.pythonapi.PyCapsule_GetName
    signature.restype, signature.argtypes = ctypes.c_char_p, [ctypes.py_object]
    found: dict[str, list[Routine]] = {}
    for name, capsule in cython_special.__pyx_capi__.items():
        text = (signature(capsule) or b"").decode()
        match = re.fullmatch(r"double \((.*), int __pyx_skip_dispatch\)", text)
        if match is None:
            continue
        types = match[1].split(", ")
        if all(t in _TYPES for t in types):
            plain = re.sub(r"^(__pyx_fuse(_\d)+)", "", name)
            routine = Routine(name, tuple(_TYPES[t] for t in types))
            found.setdefault(plain, []).append(routine)
    return found


def _choose(name: str, integers: Sequence[bool]) -> Routine | None:
    """The routine for operands of which some are integers; reals are better than none."""
    fits = [r for r in table().get(name, []) if len(r.operands) == len(integers)]
    wrong = {
        r: [t == "i64" and not whole for t, whole in zip(r.operands, integers, strict=True)]
        for r in fits
    }
    fits = [r for r in fits if not any(wrong[r])]
    return max(fits, key=lambda r: r.operands.count("i64"), default=None)


def _register(primitive: Primitive) -> None:
    name = primitive.notes["scipy"]

    @rule(primitive.name, "iuf", _PRICE)
    def write(e: Emitter, x: list[Reg], t: Any, out: Any, a: Any) -> Reg | None:
        routine = _choose(name, [dtype.kind in "iu" for dtype in t])
        if routine is None or out.kind != "f":
            return None
        given = [
            cast(e, reg, dtype, _WIDE[kind])
            for reg, dtype, kind in zip(x, t, routine.operands, strict=True)
        ]
        return cast(e, _call(e, routine, given), np.dtype("f8"), out)


def _call(e: Emitter, routine: Routine, x: list[Reg]) -> Reg:
    """The routine for each lane."""
    symbol = f'@"{PREFIX}{routine.name}"'
    lanes, level, same = e.alike(*x)
    types = ", ".join([*routine.operands, "i32"])
    e.declare(symbol, f"declare double {symbol}({types}) nounwind")
    result = Reg("poison", "double", lanes, level)
    for lane in range(lanes):
        parts = [f"{reg.kind} {e.lane(reg, lane).name}" for reg in same]
        given = ", ".join([*parts, "i32 0"])
        value = e.make("double", 1, level, f"call double {symbol}({given})")
        if lanes == 1:
            return value
        text = f"insertelement {result.type} {result.name}, double {value.name}, i64 {lane}"
        result = e.make("double", lanes, level, text)
    return result


def register() -> None:
    """Put the rows of scipy.special that have no code of their own into the table."""
    from adjoint.lower.maps import RULES

    for primitive in primitives:
        same = isinstance(primitive.evaluate, SciPyFunction) and not primitive.several
        if "scipy" in primitive.notes and same and primitive.name not in RULES:
            _register(primitive)
