"""What code finds that looks at a stand-in to see whether it has an array or a number.

``hasattr(x, "__len__")`` and ``isinstance(x, Iterable)`` are true of arrays and false of numbers,
and ``hasattr(x, "shape")`` is false of Python's own. One class stands in for them all, so what
is asked for by name is answered for the type that plain NumPy would have in its place.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import MethodType
from typing import Any

from adjoint.graph.source import is_hidden
from adjoint.trace.views import is_array


class _Plain:
    """What abstract classes see: nothing that they look for, and no hash."""

    __hash__ = None  # type: ignore[assignment]


class JudgedByClass(type):
    """A class whose methods Python's abstract classes do not count: ``__class__`` decides alone."""

    @property
    def __mro__(cls) -> tuple[type, ...]:
        return (_Plain, object)


class _NotOfNumbersError(AttributeError, TypeError):
    """False to ``hasattr``; where the attribute is needed, what Python says of numbers."""


def no_attribute(name: str) -> AttributeError:
    """The error for an attribute that the value which a stand-in stands for has not."""
    return _NotOfNumbersError(f"a number under recording has no {name}")


def asked_by_name(name: str) -> bool:
    """Whether the user's code that is asking holds the attribute's name as a text."""
    code = sys._getframe(2).f_code
    return name in code.co_consts and not is_hidden(code)


class OfArrays:
    """``__len__`` and ``__iter__``: methods that arrays have and numbers have not."""

    def __init__(self, method: Callable[[Any], Any]) -> None:
        self.method = method

    def __get__(self, x: Any, owner: type) -> Any:
        if x is None:
            return self.method
        name = self.method.__name__
        # Python would go through the elements by x[0], x[1], ... if there were no __iter__.
        if not is_array(x) and asked_by_name(name):
            raise no_attribute(name)
        return MethodType(self.method, x)
