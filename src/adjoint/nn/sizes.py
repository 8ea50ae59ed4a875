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
        "the input is no array",
        function=layer,
        got=f"a {type(x).__name__}",
        wanted="an array, or a list of numbers",
        remedy="convert it once, outside the model: np.asarray(x)",
    )


def axes_sizes(layer: str, name: str, value: Any, axes: int, least: int = 1) -> tuple[int, ...]:
    """One whole number for each axis a layer slides along.

    Args:
        layer: its class, for the message.
        name: of the argument.
        value: a number, or one for each axis.
        axes: how many.
        least: none is below it.

    Raises:
        StructureError: something else.
    """
    sizes = tuple(value) if isinstance(value, tuple | list) else (value,) * axes
    if len(sizes) != axes or not all(
        hasattr(n, "__index__") and operator.index(n) >= least for n in sizes
    ):
        many = f", or {axes} of them" if axes > 1 else ""
        raise StructureError(
            f"{name} must be a whole number from {least} up{many}",
            function=layer,
            got=f"{name}={value!r}",
        )
    return tuple(map(operator.index, sizes))


def axes_pairs(layer: str, padding: Any, axes: int) -> tuple[tuple[int, int], ...]:
    """Padding (before, after) for each axis, from a number, numbers or pairs."""
    if not isinstance(padding, tuple | list):
        (width,) = axes_sizes(layer, "padding", padding, 1, 0)
        return ((width, width),) * axes
    if len(padding) != axes:
        axes_sizes(layer, "padding", padding, axes, 0)
    found = [axes_sizes(layer, "padding", part, 2, 0) for part in padding]
    return tuple([(before, after) for before, after in found])


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
