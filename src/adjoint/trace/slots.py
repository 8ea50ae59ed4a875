"""Attributes and items that hold a plain array alone, and may hold a stand-in in its place.

``self.u = np.sin(GRID)`` holds an array that was made of arrays from outside, and ``self.u += a``
has a recorded value for it. Where Python counts no reference to the array but the attribute's,
a stand-in takes its place there. The object may have been there before the call, and be asked
after it: so when the recording ends the array comes back to its place, with the values that NumPy
would have written. Where they are not known, inside jit and vmap, an object that is still there
is refused then.
"""

from __future__ import annotations

import ast
import builtins
import gc
import inspect
import linecache
import weakref
from collections import OrderedDict, defaultdict
from dis import Positions
from functools import partial
from types import CodeType, FrameType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from adjoint.errors import ConversionError
from adjoint.graph.source import Source, source_here
from adjoint.trace import recorder as core
from adjoint.trace.keeping import Kept, changed
from adjoint.trace.rebuilt import rebuilt
from adjoint.trace.views import taken_up_again

_PLAIN_PARTS = (
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.Constant,
    ast.UnaryOp,
    ast.BinOp,
    ast.operator,
    ast.unaryop,
    ast.expr_context,
)
_CONTAINERS = (list, dict, OrderedDict, defaultdict)


class Slot(NamedTuple):
    """An item of a list or a dictionary, or an attribute of an object."""

    owner: Any
    key: Any
    is_attribute: bool

    def get(self) -> Any:
        """What it holds now; None if it is gone."""
        if self.is_attribute:
            return getattr(self.owner, self.key, None)
        try:
            return self.owner[self.key]
        except LookupError:
            return None

    def put(self, value: Any) -> None:
        """Have it hold something else."""
        if self.is_attribute:
            setattr(self.owner, self.key, value)
        else:
            self.owner[self.key] = value


def text_of(code: CodeType, at: Positions | None) -> str:
    """What stands at a place of the source, or what means the same; empty where not known."""
    if at is None or at.lineno is None or at.end_lineno is None:
        return ""
    if not linecache.getlines(code.co_filename):
        return rebuilt(code, at)
    lines = [
        linecache.getline(code.co_filename, n).encode() for n in range(at.lineno, at.end_lineno + 1)
    ]
    lines[-1] = lines[-1][: at.end_col_offset]
    lines[0] = lines[0][at.col_offset :]
    return b"".join(lines).decode(errors="replace")


def slot_in(target: ast.expr, names: dict[str, Any]) -> Slot | None:
    """The slot that an expression names, if to look it up has no effects."""
    if not isinstance(target, ast.Attribute | ast.Subscript):
        return None
    if not _is_plain(target):
        return None
    owner = _value(target.value, names)
    if isinstance(target, ast.Subscript):
        plain = type(owner) in _CONTAINERS
        return Slot(owner, _value(target.slice, names), False) if plain else None
    if isinstance(owner, ModuleType):
        return Slot(vars(owner), target.attr, False)
    return Slot(owner, target.attr, True) if _is_plain_attribute(owner, target.attr) else None


def called_by(frame: FrameType, where: Positions) -> Any:
    """What a line calls, if to look it up has no effects; partial where it calls what that made."""
    names = {**vars(builtins), **frame.f_globals, **frame.f_locals}
    try:
        call: Any = ast.parse(text_of(frame.f_code, where), mode="eval").body
        if isinstance(call.func, ast.Call):
            made_by = _looked_up(call.func.func, names)
            return partial if made_by is partial else None
        return _looked_up(call.func, names)
    except Exception:  # the source cannot be read, or an object refuses
        return None


def _looked_up(expression: ast.expr, names: dict[str, Any]) -> Any:
    return _value(expression, names) if _is_plain(expression) else None


def _is_plain(expression: ast.expr) -> bool:
    return all(isinstance(part, _PLAIN_PARTS) for part in ast.walk(expression))


def _value(expression: ast.expr, names: dict[str, Any]) -> Any:
    return eval(compile(ast.Expression(expression), "<target>", "eval"), names)


def _is_plain_attribute(owner: Any, name: str) -> bool:
    """Whether an attribute is one that Python itself keeps, for this object alone."""
    kind = type(owner)
    usual: Any = object.__setattr__
    if isinstance(owner, type | ModuleType) or kind.__setattr__ is not usual:
        return False
    of_class = inspect.getattr_static(kind, name, None)
    if inspect.ismemberdescriptor(of_class):
        return True
    kept = getattr(owner, "__dict__", None)
    return type(kept) is dict and name in kept and not hasattr(of_class, "__set__")


class _Loan(NamedTuple):
    """A slot that holds a stand-in in place of its own array."""

    slot: Slot
    own: Any
    given: Any
    source: Source  # the line that wrote it


def lend(slot: Slot, own: Any, given: Any, recorder: core.Recorder) -> None:
    """Have a slot's own array back when a recording ends, if it then holds what was given."""
    recorder.endings.append(_Loan(slot, own, given, source_here()))


class closing:  # noqa: N801  # like contextlib's
    """``with closing(recorder):`` around the recording of a user's function."""

    __slots__ = ("recorder",)

    def __init__(self, recorder: core.Recorder) -> None:
        self.recorder = recorder

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.recorder.closed = True
        if self.recorder.endings:
            _end_loans(self.recorder, failed=kind is not None)
        for number in self.recorder.numbers:
            _as_plain_number(number)
        for kept in self.recorder.large.values():
            if kind is None and changed(kept):
                raise _changed_later(kept, self.recorder.name)


def _as_plain_number(x: Any) -> None:
    """Have what ``float(x)`` gave be a number where it was kept, or one of an outer recording."""
    taken_up_again(x)
    x.weak = True
    if not x.recorder.closed and x.recorder is not core.PLAIN:
        x.recorder.numbers.append(x)


def _changed_later(kept: Kept, function: str) -> ConversionError:
    return ConversionError(
        "a large array made outside the recording met a recorded value, and was written later",
        function=function,
        source=Source(*kept.frame),
        remedy="use a copy of it here: x.copy()",
    )


def _end_loans(recorder: core.Recorder, failed: bool) -> None:
    unknown = [
        (left, loan.source)
        for loan in recorder.endings
        if (left := _give_back(loan, recorder)) is not None
    ]
    recorder.endings = []
    if not failed and any(left() is not None for left, _ in unknown):
        gc.collect()  # objects that refer to themselves
    for left, source in unknown:
        if not failed and left() is not None:
            raise ConversionError(
                "a recorded value was written into an array that is there after the call",
                function=recorder.name,
                source=source,
                remedy="make the object inside the function, or write into a copy: "
                "k = np.array(d['k'])",
            )


def _give_back(loan: _Loan, recorder: core.Recorder) -> weakref.ref[Any] | None:
    """Have a slot hold what NumPy would have left there, now or when an outer recording ends.

    Returns:
        None; or, where the values are not known, what is alive as long as the owner of the slot.
    """
    slot, own, given, _ = loan
    if slot.get() is not given:
        return None
    if given.tie is not None:
        given.tie.refresh(given)
    if given.recorder in (recorder, core.PLAIN):
        value = given.payload
        if type(value) is core.TracedArray and recorder.beneath is None:
            given.recorder, given.number = value.recorder, value.number
            given.payload, given.weak = value.payload, value.weak
        elif isinstance(value, np.ndarray | np.generic) and recorder.beneath is None:
            own[...] = value
            slot.put(own)
            return None
        else:
            fresh = own.copy("K")  # nobody else holds it
            slot.put(fresh)
            return weakref.ref(fresh)
    given.recorder.endings.append(loan)
    return None
