"""What compiled code looks up in plain arrays: at once where they are known, or at run time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adjoint.graph.types import ArrayType
from adjoint.primitives import control, linear
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.support import as_operand
from adjoint.trace.indexing import known_value
from adjoint.trace.views import detached


def found_in(look: Callable[..., tuple[Any, ...]], types: list[ArrayType], *arrays: Any) -> Any:
    """What is looked up in plain arrays, now or when the program runs."""
    given = [stop_gradient(as_operand(x)) for x in arrays]
    known = [known_value(x) for x in given]
    if any(x is None for x in known):
        return control.callback(*given, function=look, types=tuple(types))
    return look(*known)


def pick(x: Any, at: Any) -> Any:
    """``x[at]``, where either may be recorded."""
    return linear.gather(detached(as_operand(x)), detached(as_operand(at)), axes=(0,))
