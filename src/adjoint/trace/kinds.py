"""``type(x)`` in the user's code: the type that plain NumPy would have there.

``isinstance(x, np.ndarray)`` asks the stand-in itself, ``type(x) is np.ndarray`` does not: it
would take another way than the plain run, without a word. So while somebody records, modules
of the user's that mention ``type`` have a name of their own for it.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from adjoint.trace import replacing
from adjoint.trace.array import TracedArray

_NUMBERS = (float, complex, np.number)


class _Type:
    """Python's ``type``, in all but what it says of stand-ins."""

    __slots__ = ()

    def __call__(self, *args: Any, **options: Any) -> Any:
        if len(args) == 3:
            name, bases, body = args
            module = sys._getframe(1).f_globals.get("__name__")  # where Python looks for it
            return type(name, bases, {"__module__": module, **body}, **options)
        if len(args) != 1 or options:
            return type(*args, **options)
        kind = type(args[0])
        if kind is TracedArray:
            kind = args[0].__class__
        if issubclass(kind, _NUMBERS):  # the module may have names of its own for them
            return replacing.as_seen_in(sys._getframe(1).f_globals, kind)
        return self if kind is type else kind

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return (type,)

    def __instancecheck__(self, x: Any) -> bool:
        return isinstance(x, type)

    def __subclasscheck__(self, kind: Any) -> bool:
        return kind is self or issubclass(kind, type)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type

    def __getattr__(self, name: str) -> Any:
        return getattr(type, name)

    def __getitem__(self, item: Any) -> Any:
        return type[item]

    def __or__(self, other: Any) -> Any:
        return type | other

    def __ror__(self, other: Any) -> Any:
        return other | type

    def __eq__(self, other: object) -> bool:
        return other is self or other is type

    def __hash__(self) -> int:
        return hash(type)

    def __repr__(self) -> str:
        return repr(type)


replacing.for_users("type", _Type())
