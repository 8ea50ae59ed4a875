"""``float(x)`` and ``complex(x, y)`` of recorded numbers whose values are known.

Python's own give plain numbers, in which a derivative would be lost. While somebody records,
modules of the user's that call them have names of their own for them: classes that are Python's
in all (as types, as dtypes, in ``isinstance``), but for calls with recorded numbers. Where values
are not known, inside jit, vmap and loops, they are refused.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable
from types import CodeType
from typing import Any

import numpy as np

from adjoint.graph.source import instructions
from adjoint.trace import recorder as core
from adjoint.trace import replacing
from adjoint.trace.foreign import PYTHON_NUMBERS
from adjoint.trace.indexing import value_behind
from adjoint.trace.views import detached


def moves(x: Any) -> bool:
    """Whether x is a recorded number with a derivative."""
    return type(x) is core.TracedArray and x.recorder is not core.PLAIN and x.dtype.kind in "fc"


def plain_number(x: Any) -> Any:
    """The number behind a stand-in, as Python or NumPy has it there; None if it is not known."""
    value = value_behind(x)
    return value.item() if value is not None and x.weak else value


def as_python_number(x: Any, kind: type) -> Any:
    """A recorded number as a Python float or complex, which follows the dtype of arrays."""
    x = detached(x)
    x = x.reshape(()) if x.shape else x
    x = x if x.dtype == kind else x.astype(kind)
    return type(x)(x.recorder, x.number, x.payload, True)


def python_number(x: Any) -> Any:
    """What ``x.item()`` is of one recorded element: a number of Python's own kinds."""
    kind = PYTHON_NUMBERS.get(x.dtype.kind)
    return x.reshape(()) if kind is None else as_python_number(x, kind)


class _Kind(type):
    """The type of a type of numbers, such as ``float``, as the user's modules have it."""

    own: Any
    ours: Any  # a subclass of the user's is none of them
    made: Any  # calls the type with recorded numbers

    def __call__(cls, *args: Any, **options: Any) -> Any:
        if cls is not cls.ours:
            return super().__call__(*args, **options)
        return cls.made(cls.own, args, options)

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, cls.own) if cls is cls.ours else super().__instancecheck__(x)

    def __subclasscheck__(cls, kind: Any) -> bool:
        return issubclass(kind, cls.own) if cls is cls.ours else super().__subclasscheck__(kind)

    def __eq__(cls, other: object) -> bool:
        if other is cls or (cls is cls.ours and other is cls.own):
            return True
        return NotImplemented  # dtypes equal types, and say so themselves

    def __hash__(cls) -> int:
        return hash(cls.own) if cls is cls.ours else super().__hash__()

    def __repr__(cls) -> str:
        return repr(cls.own) if cls is cls.ours else super().__repr__()


def _kind_of(x: Any) -> type:
    return complex if x.dtype.kind == "c" else float


def is_called(name: str, code: CodeType) -> bool:
    """Whether code calls what a name or an attribute holds: Python prepares that as it loads it.

    Some code that hands on what an attribute holds counts too.
    """
    steps = instructions(code)
    return any(
        step.argval == name
        and (
            step.opname == "LOAD_METHOD"
            or _prepares(step)
            or (step.opname == "LOAD_ATTR" and _is_prepared(steps, k))
        )
        for k, step in enumerate(steps)
    )


def _prepares(step: dis.Instruction) -> bool:
    """Whether a step makes room for what a call needs beside the function."""
    if step.opname == "PUSH_NULL":
        return True
    marked = step.opname == "LOAD_GLOBAL" or (
        step.opname == "LOAD_ATTR" and sys.version_info >= (3, 12)
    )
    return marked and step.arg is not None and bool(step.arg & 1)


def _is_prepared(steps: tuple[dis.Instruction, ...], k: int) -> bool:
    """Whether room is made beside the loading of an object and its attribute: for ``a.b(*c)``."""
    around = {steps[i].opname for i in (k - 2, k + 1) if 0 <= i < len(steps)}
    before = steps[k - 1]
    return "PUSH_NULL" in around or (before.opname == "LOAD_GLOBAL" and _prepares(before))


def _made(own: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """``float(x)`` and ``complex(x, y)``."""
    values = [plain_number(x) if type(x) is core.TracedArray else x for x in args]
    if options or any(value is None for value in values):
        return own(*args, **options)  # which is refused, where that is recorded
    if not any(map(moves, args)):
        return own(*values)
    own(*values)
    real, *imaginary = [as_python_number(x, _kind_of(x)) if moves(x) else x for x in args]
    whole = real + 1j * imaginary[0] if imaginary else real
    result = as_python_number(whole, own)
    result.recorder.numbers.append(result)  # who keeps it has a number
    return result


def made_kind(own: Any, made: Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]) -> Any:
    """A class that is a type of numbers in all but what it makes of recorded ones.

    Args:
        own: the type.
        made: calls the type with arguments and options, recorded ones among them or not.
    """
    body = {
        "own": own,
        "made": staticmethod(made),
        "dtype": np.dtype(own),
        "__module__": own.__module__,
        "__doc__": own.__doc__,
    }
    ours = _Kind(own.__name__, (own,), body)
    ours.ours = ours
    return ours


for _own in (float, complex):
    replacing.for_users(_own.__name__, made_kind(_own, _made), when=is_called)
