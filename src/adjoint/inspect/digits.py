"""Numbers and arrays as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


def number(x: Any, digits: int = 9) -> str:
    """A number in so many significant digits.

    >>> number(0.2983711087600027), number(-3.0), number(True), number(float("inf"))
    ('0.298371109', '-3', 'True', 'inf')
    """
    kind = np.asarray(x).dtype.kind
    if kind in "fc":
        return format(x.item() if isinstance(x, np.generic | np.ndarray) else x, f".{digits}g")
    return str(x)


def factor(x: Any, digits: int = 9) -> str:
    """A number as it stands in a product or sum: negative ones in brackets."""
    text = number(x, digits)
    is_bare = not text.startswith("-") and "j" not in text
    return text if is_bare else f"({text})"


def is_small(x: Any, limit: int) -> bool:
    """Whether an array is shown element by element."""
    return 0 < np.size(x) <= limit


def shape_text(x: Any) -> str:
    """``[2, 3]``; empty for a number."""
    return str(list(np.shape(x))) if np.ndim(x) else ""


def array(x: Any, digits: int = 9, limit: int = 12) -> str:
    """An array in one line: all elements of a small one, what is typical of a larger one."""
    x = np.asarray(x)
    if x.ndim == 0:
        return number(x[()], digits)
    if x.size == 0:
        return f"an empty array {shape_text(x)}"
    if x.size <= limit:
        return _nested(x, digits)
    return summary(x)


def _nested(x: Any, digits: int) -> str:
    rows = [number(element, digits) for element in x.ravel()]
    for extent in reversed(x.shape):
        rows = [
            "[" + " ".join(rows[i : i + extent]) + "]" for i in range(0, len(rows), extent or 1)
        ]
    return rows[0]


def summary(x: Any) -> str:
    """Shape, mean, range and norm; how many elements are not finite."""
    x = np.asarray(x)
    text = f"{shape_text(x) or 'a number'} {x.dtype}"
    if x.size == 0 or x.dtype.kind not in "fciub":
        return text
    finite = np.isfinite(x)
    kept = np.abs(x[finite]) if x.dtype.kind == "c" else x[finite].astype(np.float64)
    if kept.size:
        size = number(norm(kept), 4)
        mean, low, high = (number(v, 4) for v in (kept.mean(), kept.min(), kept.max()))
        text += f", mean {mean}, min {low}, max {high}, norm {size}"
    if missing := x.size - int(finite.sum()):
        text += f", {missing} not finite"
    return text


def norm(x: Any) -> float:
    """The Euclidean norm, which neither overflows nor underflows on the way."""
    x = np.abs(np.asarray(x)).astype(np.float64, copy=False).ravel()
    peak = float(x.max(initial=0.0))
    if peak == 0 or not np.isfinite(peak):
        return peak
    scaled = x / peak
    return peak * float(np.sqrt(scaled @ scaled))


def indices(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Every index of an array of this shape, in order."""
    yield from np.ndindex(*shape)


def place(index: tuple[int, ...]) -> str:
    """An index as it is written behind a name; empty for a number."""
    return "[" + ", ".join(map(str, index)) + "]" if index else ""
