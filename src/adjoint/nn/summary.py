"""A table of a model's layers: shapes, parameters, floating-point operations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from adjoint.nn.module import modules, parameters
from adjoint.nn.watching import watch
from adjoint.nn.wiring import Function


@dataclass(frozen=True)
class Row:
    """One layer of a summary."""

    path: str
    layer: str
    shapes: str
    parameters: int
    flops: int | None


def rows_of(model: Any, *inputs: Any) -> list[Row]:
    """The rows of a summary; arguments as for :func:`summary`."""
    if not inputs:
        return [_row(path, module) for path, module in modules(model) if _is_shown(module)]
    rows: list[Row] = []

    def seen(path: str, layer: Any, taken: tuple[Any, ...], output: Any) -> Any:
        # A layer that reads its parts without calling them, as recurrent ones do, stands for
        # them all.
        silent = not any(row.path.startswith(f"{path}.") or not path for row in rows)
        if _is_shown(layer) or (silent and parameters(layer)):
            shapes = f"{_shape(taken)} -> {_shape(output)}"
            rows.append(_row(path, layer, shapes, _flops(layer, taken, output)))
        return output

    watch(model, seen)(*[_example(model, x) for x in inputs])
    return rows


def summary(model: Any, *inputs: Any) -> str:
    """A table of layers in the order in which they are called.

    Args:
        model: a module.
        inputs: example arrays, or their shapes as tuples; without them the shapes and
            operations are left out.

    Returns:
        One line for each layer, and the totals. Operations are those of matrix products and
        convolutions, a multiplication and an addition counted as two.
    """
    rows = rows_of(model, *inputs)
    head = ["layer", "kind", "shapes", "parameters", "flops"]
    table = [
        [
            row.path or "(model)",
            row.layer,
            row.shapes,
            f"{row.parameters:,}",
            "" if row.flops is None else f"{row.flops:,}",
        ]
        for row in rows
    ]
    total = sum(math.prod(leaf.shape) for leaf in parameters(model).values())
    flops = sum(row.flops or 0 for row in rows)
    table.append(["total", "", "", f"{total:,}", f"{flops:,}" if inputs else ""])
    if not inputs:
        head, table = head[:2] + head[3:4], [line[:2] + line[3:4] for line in table]
    widths = [max(map(len, column)) for column in zip(head, *table, strict=True)]
    lines = []
    for line in [head, ["-" * width for width in widths], *table]:
        cells = [
            cell.rjust(width) if name in ("parameters", "flops") else cell.ljust(width)
            for cell, width, name in zip(line, widths, head, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _is_shown(module: Any) -> bool:
    """Layers that hold arrays of their own, and those that hold nothing but settings."""
    values = [
        getattr(module, field.name)
        for field in module.__dataclass_fields__.values()
        if not field.metadata.get("static")
    ]
    return not values or any(hasattr(value, "dtype") for value in values)


def _row(path: str, module: Any, shapes: str = "", flops: int | None = None) -> Row:
    own = sum(math.prod(leaf.shape) for leaf in parameters(module).values())
    name = module.name if isinstance(module, Function) else type(module).__name__
    return Row(path, name, shapes, own, flops)


def _flops(layer: Any, inputs: tuple[Any, ...], output: Any) -> int:
    count = getattr(type(layer), "flops", None)
    return int(count(layer, inputs, output)) if count else 0


def _example(model: Any, x: Any) -> Any:
    if not isinstance(x, tuple):
        return x
    kinds = [leaf.dtype for leaf in parameters(model).values()]
    return np.zeros(x, kinds[0] if kinds else np.float64)


def _shape(values: Any) -> str:
    if hasattr(values, "shape"):
        return str(list(values.shape))
    if isinstance(values, tuple | list):
        return ", ".join(_shape(value) for value in values if value is not None)
    return type(values).__name__
