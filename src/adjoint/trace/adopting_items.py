"""``x[i] = a`` where x is a plain array that a variable, an attribute or an item alone holds.

NumPy asks the recorded value a for its memory, in the middle of the statement. There a stand-in
takes the array's place (as in ``trace/adopting.py``, and under the same
condition), and the write is done on it. What NumPy then writes into the old array is never seen.
The index is read from the user's line again, if it is written with what has no effects.
"""

from __future__ import annotations

import ast
import dis
import gc
import sys
from functools import cache
from itertools import pairwise
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np

from adjoint.graph.source import instructions
from adjoint.trace.adopting import counts_for
from adjoint.trace.holders import Holders, Variables
from adjoint.trace.memory import may_be_written, of_recordings, owns_memory, references_to
from adjoint.trace.slots import slot_in, text_of
from adjoint.trace.targets import Everyone, everyone, put_stand_in

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


class _Probe:
    """A value of a shape that counts the references of what it is written into."""

    def __init__(self, shape: tuple[int, ...], *boxes: list[Any]) -> None:
        self.shape = shape
        self.boxes = boxes
        self.found: list[int] = []

    def _asked(self) -> None:
        self.found = self.found or [references_to(box) for box in self.boxes]

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        self._asked()
        return np.zeros(self.shape)

    def __float__(self) -> float:
        self._asked()
        return 0.0

    def __complex__(self) -> complex:
        self._asked()
        return 0j


def takes_item(value: Any) -> bool:
    """Whether ``x[i] = value``, the user's line, was done on what stands for x from now on."""
    frame = sys._getframe(2)
    written = _statement(frame.f_code, frame.f_lasti)
    if written is None:
        return False
    names = {**frame.f_globals, **frame.f_locals}
    box = [_target(written.target, names)]
    if not may_be_written(box[0]) or not all(_has_no_effects(x, names) for x in written.called):
        return False
    index = eval(written.key, {**names, "_key": _Key()})
    if value.shape != np.shape(box[0][index]) and not _is_alone(value, names.get(written.value)):
        return False
    place = _place(frame, written.target, names)
    names.clear()
    local = isinstance(written.target, ast.Name) and written.target.id in frame.f_code.co_varnames
    own, beside = _of_statement(box[0], index, value.shape, in_slot=not local)
    own += of_recordings((value,), box[0])
    if place is not None and owns_memory(box[0]) and references_to(box) - own == place.references:
        found: Everyone | None = Everyone(place, None)
    else:
        found = everyone(box, frame, (value,), own, beside)
    if found is None:
        return False
    put_stand_in(box[0], found, (value,))[index] = value
    return True


def _target(expression: ast.expr, names: dict[str, Any]) -> Any:
    """What is written into, if to ask for it once more has no effects."""
    if isinstance(expression, ast.Name):
        return names.get(expression.id)
    slot = slot_in(expression, names)
    return None if slot is None else slot.get()


def _place(frame: FrameType, target: ast.expr, names: dict[str, Any]) -> Holders | None:
    """Where the line says that an array is held, if Python counts that."""
    if isinstance(target, ast.Name):
        variables = Variables(frame, [target.id])
        alone = counts_for(target.id, frame.f_code)
        return Holders([variables], [], variables.references) if alone else None
    slot = slot_in(target, names)
    return None if slot is None else Holders([], [slot], 1)


def _has_no_effects(name: str, names: dict[str, Any]) -> bool:
    """Whether a call that begins with a name is of NumPy, or of Python's ``len`` and the like."""
    return names.get(name) is np or (name in ("len", "range", "slice", "abs") and name not in names)


def _is_alone(value: Any, named: Any) -> bool:
    """Whether it is what is written, and not a number in a list that is."""
    return named is value or not any(type(x) in (list, tuple) for x in gc.get_referrers(value))


def _of_statement(like: Any, index: Any, shape: tuple[int, ...], in_slot: bool) -> tuple[int, int]:
    """The references that a write has to an array, and to what that is a view of."""
    whole = np.zeros_like(like if like.base is None else like.base)
    if like.base is None:
        made, whole = whole, np.zeros(0)
    else:
        first = like.__array_interface__["data"][0] - like.base.__array_interface__["data"][0]
        made = np.ndarray(like.shape, like.dtype, whole, first, like.strides)
    beside = references_to([whole])
    kept = [made]
    probe: Any = _Probe(shape, [made], [whole])
    if in_slot:
        del made
        kept[0][index] = probe
    else:
        kept.clear()
        made[index] = probe
    own, held = probe.found
    return own - 1, held - beside


@cache
def _statement(code: CodeType, offset: int) -> _Statement | None:
    """The write that an instruction does, if its index can be computed once more."""
    steps = [s for s in instructions(code) if s.offset <= offset]
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
        both = step.argval  # two names at once, since 3.13; a written tuple may be empty
        if type(both) is tuple and len(both) == 2 and both[1] == target:
            return str(both[0])
    for before, step in pairwise(steps):
        where = step.positions
        begins = at is not None and where is not None and where[::2] == at[::2]
        if begins and step.argval == target and before.opname.startswith("LOAD_"):
            return str(before.argval)
    return ""
