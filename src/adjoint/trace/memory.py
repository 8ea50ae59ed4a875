"""Whose memory a plain array looks into, and which recordings have noted it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any
from weakref import getweakrefcount

import numpy as np

from adjoint.trace import recorder as core


def may_be_written(x: Any) -> bool:
    """Whether an array is plain, and nobody keeps an eye on it without holding it."""
    floating = type(x) is np.ndarray and x.dtype.kind in "fc"
    return floating and bool(x.flags.writeable) and not getweakrefcount(x)


def of_recordings(inputs: tuple[Any, ...], x: Any) -> int:
    """References of recordings, of every level, that noted the array as a constant before.

    A constant that looks into the memory of the array has a reference to it as well.
    """
    noted: Counter[int] = Counter()
    views: dict[int, Any] = {}
    for recorder in recorders_of(inputs):
        arrays = [*recorder.frames, *(recorder.payloads[i] for i in recorder.constants)]
        arrays += [kept.array for kept in recorder.large.values()]
        noted.update(map(id, arrays))
        views.update({id(y): y for y in arrays if type(y) is np.ndarray and y.base is x})
        del arrays
    alone = [held == noted[place] + _SEEN for place, held in _references(views).items()]
    return noted[id(x)] + sum(alone)  # others may look through a view that they hold, too


def _references(views: dict[int, Any]) -> dict[int, int]:
    return {place: sys.getrefcount(y) for place, y in views.items()}


_SEEN = _references({0: np.zeros(1)})[0]


def leave_to_itself(inputs: tuple[Any, ...], x: Any) -> None:
    """Have recordings keep copies of what they noted of an array that is written from now on."""
    for recorder in recorders_of(inputs):
        for i in recorder.constants:
            kept = recorder.payloads[i]
            if kept is x or (type(kept) is np.ndarray and kept.base is x):
                recorder.payloads[i] = kept.copy("K")
        for place, large in recorder.large.items():
            if large.array is x or large.array.base is x:
                recorder.large[place] = large._replace(is_copied=True)


def recorders_of(inputs: tuple[Any, ...]) -> Iterator[core.Recorder]:
    """The recording that operands belong to, and those that it is part of."""
    operand = max(inputs, key=lambda y: y.recorder.level if type(y) is core.TracedArray else -1)
    while type(operand) is core.TracedArray:
        yield operand.recorder
        operand = operand.payload


def owns_memory(x: Any) -> bool:
    """Whether the memory of an array is its own, or no other looks into it."""
    base = x.base
    if base is None:
        return bool(x.flags.owndata)
    return type(base) is np.ndarray and base.base is None and sys.getrefcount(base) == _BASE


def _count_of_base() -> int:
    x = np.zeros(2)[:1]
    base = x.base
    return sys.getrefcount(base)


_BASE = _count_of_base()


def references_to(box: list[Any]) -> int:
    """How many references there are to what a list holds, besides the list's."""
    return sys.getrefcount(box[0]) - _OF_BOX


_OF_BOX = sys.getrefcount([np.zeros(1)][0])
_OF_BOX += references_to([np.zeros(1)])
