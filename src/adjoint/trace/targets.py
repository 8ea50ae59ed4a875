"""Plain arrays that a call writes recorded values into: ``np.add(x, a, out=u)``.

If all that holds such an array is known (``trace/holders.py``), a stand-in takes its place there,
and is written. What is older than the call has its array back when the recording ends
(``trace/slots.py``). The call itself holds the array as well, and how many times depends on how it
is written. So the same call is made once more, for an array of our own, and counted.
"""

from __future__ import annotations

import ast
import sys
import threading
from collections.abc import Callable
from functools import cache
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np

from adjoint.graph.source import instruction_at, is_hidden
from adjoint.trace import recorder as core
from adjoint.trace.holders import Holders, holders_of
from adjoint.trace.memory import (
    leave_to_itself,
    may_be_written,
    of_recordings,
    owns_memory,
    recorders_of,
    references_to,
)
from adjoint.trace.placed import view_like
from adjoint.trace.slots import lend, text_of

_BORROWED = sys.version_info >= (3, 14)  # a call may hold a variable's value without a count
_OPERATORS = {
    ast.Add: "+=",
    ast.Sub: "-=",
    ast.Mult: "*=",
    ast.Div: "/=",
    ast.Pow: "**=",
    ast.Mod: "%=",
    ast.FloorDiv: "//=",
    ast.MatMult: "@=",
}


class Call(NamedTuple):
    """A call with a target, as NumPy hands it on: of a function, or of a method by its name."""

    function: Any
    positional: tuple[Any, ...]
    named: dict[str, Any]


class _Counted(BaseException):
    """Ends the call that is made to be counted, before anything is written."""


class _Count(threading.local):
    target: Any = None  # of the call that is made to be counted
    found = -1


_count = _Count()
_OF_TRIAL = 4  # references that a trial's target has, when counted, besides those of the call


def taken(target: Any, call: Call) -> Any:
    """A stand-in that stands wherever a plain array stood; None if others may see the array."""
    if _count.target is target:
        _count.found = sys.getrefcount(target)
        raise _Counted
    if not may_be_written(target):
        return None
    recorded = _others(call, target)
    frame = _caller()
    if core.innermost(recorded) in (None, core.PLAIN) or is_hidden(frame.f_code):
        return None
    trial = _trial_of(frame, call, target)
    if trial is None:
        return None
    held = _counted(trial, target) + of_recordings(recorded, target)
    found = everyone([target], frame, recorded, held, ignored=(call.named,))
    return None if found is None else put_stand_in(target, found, recorded)


class Everyone(NamedTuple):
    """Who holds an array; and if that is a view, who holds what it is a view of."""

    own: Holders
    whole: Holders | None


def everyone(
    box: list[Any],
    frame: FrameType,
    recorded: tuple[Any, ...],
    held: int,
    beside: int = 0,
    ignored: tuple[Any, ...] = (),
) -> Everyone | None:
    """All who could see the array in a box; None if there may be others.

    Args:
        box: a list that holds the array and nothing else.
        frame: the user's function that writes into it.
        recorded: what is written.
        held: references to the array that are of the write and of recordings.
        beside: references that the write has to what the array is a view of.
        ignored: containers that are no places of the user's.
    """
    own = _all_holders(box, frame, recorded, held, ignored)
    if own is None or owns_memory(box[0]):
        return None if own is None else Everyone(own, None)
    whole = [box[0].base]
    lies = type(whole[0]) is np.ndarray and whole[0].dtype == box[0].dtype
    if not lies or whole[0].base is not None or not whole[0].flags.c_contiguous:
        return None
    if not may_be_written(whole[0]):
        return None
    beside += of_recordings(recorded, whole[0]) + 1  # and the view
    others = _all_holders(whole, frame, recorded, beside, ())
    return None if others is None else Everyone(own, others)


def _all_holders(
    box: list[Any],
    frame: FrameType,
    recorded: tuple[Any, ...],
    held: int,
    ignored: tuple[Any, ...],
) -> Holders | None:
    for found in holders_of(box, frame, recorders_of(recorded), ignored):
        if found.references + held == references_to(box):
            return found
    return None


def _others(call: Call, target: Any) -> tuple[Any, ...]:
    return tuple([x for x in (*call.positional, *call.named.values()) if x is not target])


def is_trial(target: Any) -> bool:
    """Whether a call is made to be counted."""
    return _count.target is target


def put_stand_in(target: Any, found: Everyone, recorded: tuple[Any, ...]) -> Any:
    """Have a stand-in for all that hold an array."""
    whole = target if found.whole is None else target.base
    leave_to_itself(recorded, whole)
    given = core.plain(whole.copy("K"))
    _give(given, found.whole or found.own, whole, recorded)
    if found.whole is not None:
        leave_to_itself(recorded, target)
        given = view_like(given, whole, target)
        _give(given, found.own, target, recorded)
    return given


def _give(given: Any, holders: Holders, target: Any, recorded: tuple[Any, ...]) -> None:
    recorder: Any = core.innermost(recorded)
    for slot in holders.slots:
        lend(slot, target, given, recorder)
    holders.put(given)


def _caller() -> FrameType:
    """The function that calls NumPy."""
    frame: Any = sys._getframe(2)
    while str(frame.f_globals.get("__name__")).startswith("adjoint.trace"):
        frame = frame.f_back
    found: FrameType = frame
    return found


class _Line(NamedTuple):
    """What the user's line says of a call, or of a statement like ``x += a``."""

    function: ast.expr | None
    values: list[ast.expr]
    named: dict[str, ast.expr]
    operator: str


@cache
def _line(code: CodeType, offset: int) -> _Line | None:
    step = instruction_at(code, offset)
    try:
        (statement,) = ast.parse(text_of(code, step.positions)).body
    except (SyntaxError, ValueError):
        return None
    if isinstance(statement, ast.AugAssign):
        operator = _OPERATORS.get(type(statement.op), "")
        return _Line(None, [statement.target, statement.value], {}, operator) if operator else None
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call):
        return None
    named = {k.arg: k.value for k in call.keywords if k.arg is not None}
    if len(named) < len(call.keywords) or any(isinstance(x, ast.Starred) for x in call.args):
        return None
    return _Line(call.func, call.args, named, "")


class _Trial(NamedTuple):
    """The same call, for another target."""

    run: Callable[[Any, Any, list[Any], dict[str, Any]], None]
    function: Any
    values: list[Any]
    named: dict[str, Any]


def _trial_of(frame: FrameType, call: Call, target: Any) -> _Trial | None:
    """What makes a call once more; None if the user's line says another, or cannot be read."""
    line = _line(frame.f_code, frame.f_lasti)
    values, named = list(call.positional), dict(call.named)
    if type(named.get("out")) is tuple:
        if len(named["out"]) != 1:
            return None
        (named["out"],) = named["out"]
    function = None if line is None else _called(line.function, call.function, frame)
    if line is None or function is None:
        return None
    nodes = line.values
    if type(call.function) is str and isinstance(line.function, ast.Attribute):
        nodes = [line.function.value, *nodes]
    if line.function is None:
        named.pop("out", None)
    elif "out" in named and "out" not in line.named:  # given by its place
        values.append(named.pop("out"))
    if len(nodes) != len(values) or set(line.named) != set(named):
        return None
    how = [_how(node, frame) if x is target else "" for node, x in zip(nodes, values, strict=True)]
    by_name = [(k, _how(line.named[k], frame) if x is target else "") for k, x in named.items()]
    method = call.function if type(call.function) is str else ""
    run = _compiled(line.operator, method, tuple(how), tuple(by_name))
    others = [None if x is target else x for x in values]
    return _Trial(run, function, others, {k: x for k, x in named.items() if x is not target})


def _called(expression: ast.expr | None, function: Any, frame: FrameType) -> Any:
    """What a line calls, if that is what NumPy asks for: we may stand before it."""
    if expression is None or type(function) is str:
        named = expression is None or getattr(expression, "attr", None) == function
        return function if named else None
    plain = (ast.Name, ast.Attribute, ast.expr_context)
    if not all(isinstance(part, plain) for part in ast.walk(expression)):
        return None
    names = {**frame.f_globals, **frame.f_locals}
    found = eval(compile(ast.Expression(expression), "<call>", "eval"), names)
    return found if _own(found) == _own(function) else None


def _own(function: Any) -> Any:
    return getattr(function, "adjoint_own", function)


def _how(node: ast.expr, frame: FrameType) -> str:
    """How a trial has its target: as a variable, or as something's attribute."""
    local = isinstance(node, ast.Name) and node.id in frame.f_code.co_varnames
    return "t" if local or not _BORROWED else "held.t"


@cache
def _compiled(
    operator: str, method: str, how: tuple[str, ...], named: tuple[tuple[str, str], ...]
) -> Any:
    values = [text or f"v[{i}]" for i, text in enumerate(how)]
    by_name = [f"{name}={text or f'n[{name!r}]'}" for name, text in named]
    if operator:
        line = f"{values[0]} {operator} {values[1]}"
    elif method:
        line = f"{values[0]}.{method}({', '.join(values[1:] + by_name)})"
    else:
        line = f"f({', '.join(values + by_name)})"
    names: dict[str, Any] = {}
    exec(f"def run(f, held, v, n):\n    t = held.t\n    {line}\n", names)
    return names["run"]


class _Held:
    """Holds the target of a trial."""

    def __init__(self, like: Any) -> None:
        self.t = np.empty_like(like)


def _counted(trial: _Trial, like: Any) -> int:
    """The references that the call of a trial has; -1 if it does not come to its target."""
    held = _Held(like)
    _count.target, _count.found = held.t, -1
    try:
        trial.run(trial.function, held, trial.values, trial.named)
    except _Counted:
        return _count.found - _OF_TRIAL
    finally:
        _count.target = None
    return -1
