"""``np.float64(x)``, ``np.complex64(x)``, ``np.int32(x)`` of what is recorded.

NumPy's types as functions make plain numbers. Once some code of the user's calls one, classes
stand in NumPy's namespace while somebody records that are NumPy's types in all (as dtypes, in
``isinstance``, as keys), but for calls with what is recorded: those cast, inside jit too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.trace import compiled, replacing
from adjoint.trace.calls.support import any_traced, as_operand
from adjoint.trace.python_numbers import is_called, made_kind

_NAMES = (
    *("float16", "float32", "float64", "complex64", "complex128"),
    *("half", "single", "double", "csingle", "cdouble"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("intp", "uintp", "int_", "uint"),
)


def _cast(own: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    if options or len(args) != 1 or not any_traced(args):
        return own(*args, **options)
    return as_operand(args[0]).astype(own)


def _place() -> None:
    """Have them replaced from now on; what others call them is no reason to."""
    if _kinds:
        return
    for own in {getattr(np, name) for name in _NAMES}:
        _kinds[own] = made_kind(own, _cast)
    ours = {name: _kinds[getattr(np, name)] for name in _NAMES}
    compiled.keep_own_names()
    replacing.also(np.__dict__, ours, users_alone=True)


_kinds: dict[Any, Any] = {}
for _name in _NAMES:
    replacing.when_mentioned(_name, _place, when=is_called)
