"""What is chosen by values (an order, a pattern, ranks) and does not move: found when they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from adjoint.graph.types import ArrayType
from adjoint.primitives import control
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.indexing import known_value


@dataclass(frozen=True)
class _Choice:
    """A function of arrays; equal for equal ones, so that programs are found again."""

    function: Callable[..., Any]
    settings: tuple[Any, ...]
    types: tuple[ArrayType, ...]

    def __call__(self, *arrays: Any) -> list[Any]:
        made = self.function(*arrays, *self.settings)
        return [np.asarray(y, kind.dtype) for y, kind in zip(made, self.types, strict=True)]


def from_values(
    function: Callable[..., Any], types: tuple[ArrayType, ...], arrays: list[Any], *settings: Any
) -> list[Any]:
    """The arrays that a function of plain arrays gives: now, or when the program runs.

    Args:
        function: takes the arrays and the settings; of a module, so that it equals itself.
        types: of its results.
        arrays: perhaps recorded.
        settings: what else it takes, hashable.
    """
    choice = _Choice(function, settings, types)
    known = [known_value(a) for a in arrays]
    if any(value is None for value in known):
        fixed = [stop_gradient(a) for a in arrays]
        return list(control.callback(*fixed, function=choice, types=types))
    return choice(*known)
