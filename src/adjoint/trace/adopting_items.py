"""``x[i] = a`` where x is a plain array that a variable, an attribute or an item alone holds.

NumPy asks the recorded value a for its memory, in the middle of the statement. There a stand-in
takes the array's place (as in ``trace/adopting.py``, and under the same
condition), and the write is done on it. What NumPy then writes into the old array is never seen.
The index is read from the user's line again, if it is written with what has no effects.
"""

from __future__ import annotations

import ast
import ctypes
import dis
import gc
import sys
from functools import cache
from itertools import pairwise
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np

from adjoint.trace import recorder as core
from adjoint.trace.adopting import counts_for, leave_to_itself, of_recordings, owns_memory
from adjoint.trace.slots import Slot, lend, slot_in, text_of

_WITHOUT_EFFECTS = (
    ast.Name,
    ast.Constant,
    ast.Attribute,
    ast.Subscript,
    ast.Slice,
    ast.Tuple,
    ast.List,
    ast.UnaryOp,
    ast.BinOp,
    ast.Compare,
    ast.Call,
    ast.keyword,
    ast.operator,
    ast.unaryop,
    ast.cmpop,
    ast.expr_context,
)


class _Key:
    """Gives back what it is indexed with."""

    def __getitem__(self, key: Any) -> Any:
        return key


class _Statement(NamedTuple):
    """``target[key] = value``, as far as it can be known from the line."""

    target: ast.expr  # a variable, or an attribute or item of one
    key: CodeType  # gives the index, where _key gives back what it is indexed with
    called: frozenset[str]  # names that calls begin with: np in x[np.diag_indices(n)]
    value: str  # the variable that is written, if it is one


class _Variable(NamedTuple):
    """A local variable of the user's code."""

    frame: FrameType
    name: str

    def get(self) -> Any:
        return self.frame.f_locals.get(self.name)

    def put(self, value: Any) -> None:
        self.frame.f_locals[self.name] = value
        if sys.version_info < (3, 13):  # later Pythons write through
            ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(self.frame), ctypes.c_int(0))


class _Probe:
    """A value of a shape that counts the references of what it is written into."""

    def __init__(self, shape: tuple[int, ...], slot: Slot | None) -> None:
        self.shape = shape
        self.slot = slot
        self.found = 0

    def _asked_in(self, frame: FrameType) -> None:
        self.found = self.found or _held(self.slot or _Variable(frame, "target"))[1]

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        self._asked_in(sys._getframe(1))
        return np.zeros(self.shape)

    def __float__(self) -> float:
        self._asked_in(sys._getframe(1))
        return 0.0

    def __complex__(self) -> complex:
        self._asked_in(sys._getframe(1))
        return 0j


def takes_item(value: Any) -> bool:
    """Whether ``x[i] = value``, the user's line, was done on what stands for x from now on."""
    frame = sys._getframe(2)
    written = _statement(frame.f_code, frame.f_lasti)
    if written is None:
        return False
    names = {**frame.f_globals, **frame.f_locals}
    place = _place(frame, written.target, names)
    names.clear()
    if place is None:
        return False
    target, references = _held(place)
    if type(target) is not np.ndarray or target.dtype.kind not in "fc":
        return False
    names = {**frame.f_globals, **frame.f_locals}
    if not owns_memory(target) or not all(_has_no_effects(x, names) for x in written.called):
        return False
    index = eval(written.key, {**names, "_key": _Key()})
    if value.shape != np.shape(target[index]) and not _is_alone(value, names.get(written.value)):
        return False
    names.clear()
    in_slot = isinstance(place, Slot)
    if references - of_recordings((value,), target) != _count(target, index, value.shape, in_slot):
        return False
    leave_to_itself((value,), target)  # NumPy writes zeros into it
    adopted = core.plain(target.copy("K"))
    adopted[index] = value
    if isinstance(place, Slot):
        lend(place, target, adopted, value.recorder)
    place.put(adopted)
    return True


def _place(frame: FrameType, target: ast.expr, names: dict[str, Any]) -> _Variable | Slot | None:
    """Where an array is held that is written into."""
    if isinstance(target, ast.Name):
        return _Variable(frame, target.id) if counts_for(target.id, frame.f_code) else None
    return slot_in(target, names)


def _has_no_effects(name: str, names: dict[str, Any]) -> bool:
    """Whether a call that begins with a name is of NumPy, or of Python's ``len`` and the like."""
    return names.get(name) is np or (name in ("len", "range", "slice", "abs") and name not in names)


def _is_alone(value: Any, named: Any) -> bool:
    """Whether it is what is written, and not a number in a list that is."""
    return named is value or not any(type(x) in (list, tuple) for x in gc.get_referrers(value))


def _held(place: _Variable | Slot) -> tuple[Any, int]:
    """What is held at a place, and its references."""
    target = place.get()
    return target, sys.getrefcount(target)


def _count(like: Any, index: Any, shape: tuple[int, ...], in_slot: bool) -> int:
    """The references of an array that only a variable or a slot holds, while it is written."""
    if in_slot:
        kept = [np.zeros_like(like)]
        probe: Any = _Probe(shape, Slot(kept, 0, False))
        kept[0][index] = probe
    else:
        probe = _Probe(shape, None)
        target = np.zeros_like(like)
        target[index] = probe
    found: int = probe.found
    return found


@cache
def _statement(code: CodeType, offset: int) -> _Statement | None:
    """The write that an instruction does, if its index can be computed once more."""
    steps = [s for s in dis.get_instructions(code) if s.offset <= offset]
    at = steps[-1].positions
    if not steps[-1].opname.startswith(("STORE_SUBSCR", "STORE_SLICE")):
        return None
    try:
        tree = ast.parse(text_of(code, at), mode="eval")
    except (SyntaxError, ValueError):
        return None
    item = tree.body
    if not isinstance(item, ast.Subscript):
        return None
    target = item.value
    parts = list(ast.walk(item.slice))
    called = [_root(part.func) for part in parts if isinstance(part, ast.Call)]
    if None in called or not all(isinstance(part, _WITHOUT_EFFECTS) for part in parts):
        return None
    item.value = ast.copy_location(ast.Name("_key", ast.Load()), target)
    key = compile(tree, code.co_filename, "eval")
    name = next((part.id for part in ast.walk(target) if isinstance(part, ast.Name)), "")
    return _Statement(target, key, frozenset(filter(None, called)), _written(steps, name))


def _root(function: Any) -> str | None:
    """The name np of ``np.linalg.norm``; none where a second call would give something else."""
    while isinstance(function, ast.Attribute) and function.attr != "random":
        function = function.value
    return function.id if isinstance(function, ast.Name) else None


def _written(steps: list[dis.Instruction], target: str) -> str:
    """The variable that was loaded just before the one that is written into."""
    at = steps[-1].positions
    for step in reversed(steps):
        if type(step.argval) is tuple and step.argval[-1] == target:  # both at once, since 3.13
            return str(step.argval[0])
    for before, step in pairwise(steps):
        where = step.positions
        begins = at is not None and where is not None and where[::2] == at[::2]
        if begins and step.argval == target and before.opname.startswith("LOAD_"):
            return str(before.argval)
    return ""
