"""Plain arrays that take recorded values: those that only a variable of the user's code holds.

``x = 2 * GRID; x *= a`` makes a plain array of one that was there before, and then has a
recorded value for it. NumPy would write that into the memory of x, where no derivative is;
but a statement ``x *= a`` also binds x anew. So where nobody else can look into that memory,
because Python counts no reference but the variable's, a stand-in may take the array's place.
The caller's arrays have further references, and are left alone.
"""

from __future__ import annotations

import ast
import sys
from functools import cache
from inspect import CO_VARARGS, CO_VARKEYWORDS
from types import CodeType, FrameType
from typing import Any

import numpy as np

from adjoint.graph.source import instruction_at, instructions
from adjoint.trace import recorder as core
from adjoint.trace.memory import may_be_written, of_recordings, owns_memory
from adjoint.trace.slots import Slot, lend, slot_in, text_of
from adjoint.trace.targets import Call, is_trial, taken

_ITEM = "an item"  # what is written in place was taken out of something, and goes back there


def with_own_target(
    ufunc: Any, how: str, inputs: tuple[Any, ...], options: dict[str, Any]
) -> dict[str, Any]:
    """The options of a ufunc's call, a stand-in in place of a plain target that may become one."""
    out = options["out"]
    if type(out) is not tuple or len(out) != 1 or type(out[0]) is not np.ndarray:
        return options
    alone = _alone_held(inputs, options)
    if alone is not None:
        return alone
    function = ufunc if how == "__call__" else getattr(ufunc, how)
    given = taken(out[0], Call(function, inputs, options))
    return options if given is None else {**options, "out": (given,)}


def _alone_held(inputs: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any] | None:
    """The same where a variable or a slot that the statement binds anew alone holds the target."""
    out = options["out"]
    found = None if is_trial(out[0]) else _held_beyond(sys._getframe(4), out[0])
    if found is None:
        return None
    name, references = found
    local, nothing, held = _alone()
    references -= of_recordings(inputs, out[0])
    if name is _ITEM and references == nothing:
        return {**options, "out": (core.plain(out[0].copy("K")),)}
    slot = None
    if name is _ITEM and references == held:
        slot = _slot(sys._getframe(4), out[0])
    alone = slot is not None or (name is not _ITEM and references == local)
    if not alone or not may_be_written(out[0]) or not owns_memory(out[0]):
        return None
    given = core.plain(out[0].copy("K"))
    if slot is not None:
        lend(slot, out[0], given, core.innermost(inputs))
    return {**options, "out": (given,)}


def _slot(frame: FrameType, target: Any) -> Slot | None:
    """The attribute or item that a line ``self.x *= a`` takes its target from, and binds anew."""
    expression = _augmented(frame.f_code, frame.f_lasti)
    if expression is None:
        return None
    slot = slot_in(expression, {**frame.f_globals, **frame.f_locals})
    return slot if slot is not None and slot.get() is target else None


@cache
def _augmented(code: CodeType, offset: int) -> ast.expr | None:
    """What stands on the left of ``*=``."""
    step = instruction_at(code, offset)
    try:
        (statement,) = ast.parse(text_of(code, step.positions)).body
    except (SyntaxError, ValueError):
        return None
    return statement.target if isinstance(statement, ast.AugAssign) else None


def _held_beyond(frame: FrameType, target: Any) -> tuple[str, int] | None:
    """The variable that a line ``x *= a`` binds to its target, and the target's references."""
    name = _bound(frame.f_code, frame.f_lasti)
    if name is None:
        return None
    if name is not _ITEM and frame.f_locals.get(name) is not target:
        return None
    return name, sys.getrefcount(target)


@cache
def _bound(code: CodeType, offset: int) -> str | None:
    """What the result of an operation in place goes to: a local variable, or back as an item."""
    steps = iter(instructions(code))
    step = next((s for s in steps if s.offset == offset), None)
    if step is None or step.opname != "BINARY_OP" or not step.argrepr.endswith("="):
        return None
    after = next((s for s in steps if s.opname != "CACHE"), step)
    if after.opname == "SWAP":
        return _ITEM
    if not after.opname.startswith(("STORE_FAST", "STORE_DEREF")):
        return None
    name = after.argval if isinstance(after.argval, str) else after.argval[0]
    return name if counts_for(name, code) else None


def counts_for(name: str, code: CodeType) -> bool:
    """Whether Python counts a reference for what a name of a function holds.

    It does for local variables. From 3.14 on a parameter may hold what its caller holds, and
    only the caller's reference is counted: alone by number, it is not.
    """
    if name not in code.co_varnames + code.co_cellvars:
        return False
    stars = bool(code.co_flags & CO_VARARGS) + bool(code.co_flags & CO_VARKEYWORDS)
    parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + stars]
    return sys.version_info < (3, 14) or name not in parameters


class _Probe:
    """Counts what Python counts where a variable or an item alone is written in place."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found: list[tuple[str, int] | None] = []

    def __array_ufunc__(self, ufunc: Any, how: str, *inputs: Any, **options: Any) -> Any:
        return self._called(ufunc, how, inputs, options)

    def _called(self, ufunc: Any, how: str, inputs: Any, options: dict[str, Any]) -> Any:
        self._asked(options)
        return inputs[0]

    def _asked(self, options: dict[str, Any]) -> None:
        out = options["out"]
        self.found.append(_held_beyond(sys._getframe(3), out[0]))


@cache
def _alone() -> tuple[int, int, int]:
    """The references of a target that a variable holds alone, nothing, or a slot alone."""
    probe: Any = _Probe()
    x = np.zeros(2)
    x *= probe
    y = np.zeros((1, 2))
    y[0] *= probe
    z = [np.zeros(2)]
    z[0] *= probe
    (_, local), (_, nothing), (_, held) = probe.found
    return local, nothing, held
