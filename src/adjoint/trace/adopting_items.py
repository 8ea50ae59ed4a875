"""``x[i] = a`` where x is a plain array that only a variable of the user's code holds.

NumPy asks the recorded value a for its memory, in the middle of the statement. There a stand-in
takes the array's place in the variable (as in ``trace/adopting.py``, and under the same
condition), and the write is done on it. What NumPy then writes into the old array is never seen.
The index is read from the user's line again, if it is written with what has no effects.
"""

from __future__ import annotations

import ast
import ctypes
import dis
import gc
import linecache
import sys
from functools import cache
from itertools import pairwise
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np

from adjoint.trace import recorder as core
from adjoint.trace.adopting import counts_for, of_recordings, owns_memory

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

    target: str  # the variable
    key: CodeType  # gives the index, where _key gives back what it is indexed with
    called: frozenset[str]  # names that calls begin with: np in x[np.diag_indices(n)]
    value: str  # the variable that is written, if it is one


class _Probe:
    """A value of a shape that counts the references of what it is written into."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.found = 0

    def _asked_in(self, frame: FrameType) -> None:
        self.found = self.found or _held(frame, "target")[1]

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
    target, references = _held(frame, written.target)
    if type(target) is not np.ndarray or target.dtype.kind not in "fc":
        return False
    names = {**frame.f_globals, **frame.f_locals}
    if not owns_memory(target) or not all(_has_no_effects(x, names) for x in written.called):
        return False
    index = eval(written.key, {**names, "_key": _Key()})
    if value.shape != np.shape(target[index]) and not _is_alone(value, names.get(written.value)):
        return False
    names.clear()
    if references - of_recordings((value,), target) != _count(target, index, value.shape):
        return False
    adopted = core.plain(target.copy("K"))
    adopted[index] = value
    frame.f_locals[written.target] = adopted
    if sys.version_info < (3, 13):  # later Pythons write through
        ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))
    return True


def _has_no_effects(name: str, names: dict[str, Any]) -> bool:
    """Whether a call that begins with a name is of NumPy, or of Python's ``len`` and the like."""
    return names.get(name) is np or (name in ("len", "range", "slice", "abs") and name not in names)


def _is_alone(value: Any, named: Any) -> bool:
    """Whether it is what is written, and not a number in a list that is."""
    return named is value or not any(type(x) in (list, tuple) for x in gc.get_referrers(value))


def _held(frame: FrameType, name: str) -> tuple[Any, int]:
    """What a local variable holds, and its references."""
    target = frame.f_locals.get(name)
    return target, sys.getrefcount(target)


def _count(like: Any, index: Any, shape: tuple[int, ...]) -> int:
    """The references of an array that only a variable holds, while it is written."""
    probe: Any = _Probe(shape)
    target = np.zeros_like(like)
    target[index] = probe
    found: int = probe.found
    return found


@cache
def _statement(code: CodeType, offset: int) -> _Statement | None:
    """The write that an instruction does, if its index can be computed once more."""
    steps = [s for s in dis.get_instructions(code) if s.offset <= offset]
    at = steps[-1].positions
    if not steps[-1].opname.startswith("STORE_SUBSCR") or at is None or at.lineno is None:
        return None
    line = linecache.getline(code.co_filename, at.lineno).encode()
    text = line[at.col_offset : at.end_col_offset] if at.lineno == at.end_lineno else b""
    try:
        tree = ast.parse(text.decode(), mode="eval")
    except (SyntaxError, UnicodeDecodeError):
        return None
    item = tree.body
    if not isinstance(item, ast.Subscript) or not isinstance(item.value, ast.Name):
        return None
    target = item.value.id
    parts = list(ast.walk(item.slice))
    called = [_root(part.func) for part in parts if isinstance(part, ast.Call)]
    if not counts_for(target, code) or None in called:
        return None
    if not all(isinstance(part, _WITHOUT_EFFECTS) for part in parts):
        return None
    item.value.id = "_key"
    key = compile(tree, code.co_filename, "eval")
    return _Statement(target, key, frozenset(filter(None, called)), _written(steps, target))


def _root(function: Any) -> str | None:
    """The name np of ``np.linalg.norm``; none where a second call would give something else."""
    while isinstance(function, ast.Attribute) and function.attr != "random":
        function = function.value
    return function.id if isinstance(function, ast.Name) else None


def _written(steps: list[dis.Instruction], target: str) -> str:
    """The variable that was loaded just before the one that is written into."""
    at = steps[-1].positions
    for before, step in pairwise(steps):
        where = step.positions
        begins = at is not None and where is not None and where[::2] == at[::2]
        if begins and step.argval == target and before.opname.startswith("LOAD_"):
            return str(before.argval)
    return ""
