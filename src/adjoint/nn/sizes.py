"""The sizes that layers are made with, and what they are given."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from adjoint.errors import StructureError


def as_input(x: Any, layer: str) -> Any:
    """An input as an array: lists of numbers are taken too."""
    if hasattr(x, "shape"):
        return x
    if isinstance(x, list | tuple):
        return np.asarray(x)
    raise StructureError(
        "the input is no array", function=layer, got=f"a {type(x).__name__}", wanted="an array"
    )


def whole_sizes(layer: str, **sizes: Any) -> None:
    """Refuse sizes that are no whole numbers above 0.

    Args:
        layer: its class, for the message.
        sizes: by the names of the arguments.
    """
    for name, size in sizes.items():
        try:
            fits = operator.index(size) > 0
        except TypeError:
            fits = False
        if not fits:
            raise StructureError(
                f"{name} must be a whole number above 0",
                function=layer,
                got=f"{name}={size!r}",
            )


def spread_sizes(function: str, sizes: tuple[Any, ...], least: int = 1) -> tuple[int, ...]:
    """Sizes given one by one, or as one tuple.

    Args:
        function: the layer that speaks.
        sizes: what it was given.
        least: no size is below it.

    Raises:
        StructureError: something else.
    """
    if len(sizes) == 1 and isinstance(sizes[0], tuple | list):
        sizes = tuple(sizes[0])
    if not all(hasattr(n, "__index__") and operator.index(n) >= least for n in sizes):
        raise StructureError(
            "sizes must be whole numbers",
            function=function,
            got=repr(sizes),
            wanted=f"{function}(2, 3) or {function}((2, 3))",
        )
    return tuple(map(operator.index, sizes))
