"""Views and writes: NumPy's aliasing, on values that never change.

A stand-in that is a view knows its base, how to read itself from the base, and how to put
a new value of itself back. A write replaces the value of the written stand-in and, step by
step, of every base above it; counters tell other views that they are out of date, and
they read themselves anew when next used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.graph.types import ArrayType
from adjoint.trace import recorder as core
from adjoint.trace.layouts import apart_as, axes_as_they_lie, laid_out, lying_so, small_of


class View:
    """How a view hangs on its base."""

    __slots__ = ("base", "read", "seen", "twice", "write")

    def __init__(
        self,
        base: Any,
        read: Callable[[Any], Any],
        write: Callable[[Any, Any], Any] | None,
        twice: Callable[[], bool] | None = None,
    ) -> None:
        self.base = base
        self.read = read
        self.write = write  # None: read-only, as broadcast_to and diagonal give
        self.twice = twice  # whether it shows elements of the base more than once; None: it cannot
        self.seen = base.version

    def refresh(self, view: Any) -> None:
        """Bring a view up to date with its bases."""
        chain = [view]
        while chain[-1].tie is not None:
            chain.append(chain[-1].tie.base)
        for below in reversed(chain[:-1]):
            link = below.tie
            if link.seen != link.base.version:
                replace_value(below, link.read(handle(link.base)))
                link.seen = link.base.version
                below.version += 1


class Own(View):
    """What ties an array to no other, but to what it was itself before."""

    __slots__ = ()


class Cell(Own):
    """What makes an array without axes of a number: it can be written, which numbers cannot."""

    __slots__ = ()


def without_axes(x: Any) -> Any:
    """A recorded number in an array of its own, as ``np.array(x)`` gives it; all else as it is."""
    if type(x) is not core.TracedArray or is_array(x):
        return x
    made = handle(x)
    made.weak = False
    if issubclass(type(made.payload), np.generic):  # no stand-in of another recording
        made.payload = np.asarray(made.payload)
    made.tie = Cell(handle(made), handle, lambda base, new: new)
    return made


def of_its_kind(made: Any, x: Any) -> Any:
    """What an operation makes that gives numbers of numbers and arrays of arrays."""
    return without_axes(made) if is_array(x) else made


def base_of(x: Any) -> Any:
    """The array that x is a view of; None if it is no view."""
    link = x.tie
    while isinstance(link, Own):
        link = link.base.tie
    return None if link is None else link.base


def is_array(x: Any) -> bool:
    """Whether a stand-in stands for an array: one without axes is no number."""
    while not x.shape and x.recorder is not core.PLAIN:
        link = x.tie
        if link is None:
            return False
        if type(link) is Cell:
            return True
        x = link.base
    return True


def handle(x: Any) -> Any:
    """The same value without its tie to a base, to compute with; never to be written."""
    if type(x) is not core.TracedArray:
        return x
    return type(x)(x.recorder, x.number, x.payload, x.weak)


def detached(x: Any) -> Any:
    """The same value without its tie to a base; plain arrays as they are."""
    if type(x) is not core.TracedArray:
        return x
    if x.tie is not None:
        x.tie.refresh(x)
    if x.recorder is core.PLAIN:
        return type(x)(x.recorder, 1, core.capture(x), False)
    return x if x.tie is None else handle(x)


def replace_value(x: Any, new: Any) -> None:
    """Let a stand-in stand for another value."""
    if type(new) is not core.TracedArray:
        new = core.plain(np.asarray(new))
    x.recorder, x.number, x.payload, x.weak = new.recorder, new.number, new.payload, new.weak


def taken_up_again(x: Any) -> None:
    """Have a stand-in of a recording that has ended be what it was there, to be written anew.

    An object may keep an array that it writes whenever it is called: what it holds from an
    earlier call does not depend on the arguments of this one.
    """
    while x.tie is None and x.recorder.closed and type(x.payload) is core.TracedArray:
        replace_value(x, x.payload)
    if x.tie is None and x.recorder.closed and isinstance(x.payload, np.ndarray | np.generic):
        replace_value(x, core.plain(np.asarray(x.payload)))
        x.number = 1  # others may have the array: it is copied before it is written
    x.version += 1


def as_view(
    result: Any,
    base: Any,
    read: Callable[[Any], Any],
    write: Callable[[Any, Any], Any] | None,
    twice: Callable[[], bool] | None = None,
) -> Any:
    """Tie a result to the base it is a view of."""
    if base.recorder is core.PLAIN:
        result = handle(result) if type(result) is core.TracedArray else core.plain(result)
    elif result is base:
        result = (
            detached(base)
            if base.tie is not None
            else type(base)(base.recorder, base.number, base.payload, base.weak)
        )
    result.tie = View(base, read, write, twice)
    return result


def memory_from_root(x: Any) -> tuple[Any, Any, Any]:
    """The array that a view looks into at last, how that lies in memory, and how the view does."""
    reads = []
    if x.tie is not None:
        x.tie.refresh(x)
    while x.tie is not None:
        reads.append(x.tie.read)
        x = x.tie.base
    line = memory = memory_of(x)
    for read in reversed(reads):
        memory = np.asarray(read(memory))
    return x, line, memory


def shown_twice(x: Any) -> tuple[Any, Any] | None:
    """Where the elements of a view lie, if an array above it is seen more than once in it.

    Returns:
        That array, and the place of each element in it, counted in order.
    """
    reads = []
    while x.tie is not None:
        reads.append(x.tie.read)
        link, x = x.tie, x.tie.base
        if link.twice is not None and link.twice():
            places = np.arange(x.size).reshape(x.shape)
            for read in reversed(reads):
                places = read(places)
            return x, places
    return None


def memory_of(x: Any) -> np.ndarray[Any, Any]:
    """An array that lies in memory as x does: its own, or one with no meaning in its values.

    Where values are not known, what was made by an operation lies as its type says, and a view
    of it lies as NumPy's would.
    """
    chain = []
    while type(x) is core.TracedArray:
        if x.tie is not None:
            x.tie.refresh(x)
        if x.tie is not None and x.recorder is not core.PLAIN:  # what it reads may be a copy
            chain.append(x.tie.read)
            x = x.tie.base
        else:
            x = x.payload
    found: np.ndarray[Any, Any] = x
    if not isinstance(x, np.ndarray):
        found = lying_so(x) if isinstance(x, ArrayType) else np.empty(x.shape, x.dtype)
    for read in reversed(chain):
        found = np.asarray(read(found))
    return found


def order_of_axes(x: Any, order: str) -> list[int]:
    """The axes of an array from the slowest to the fastest, for an order as NumPy names it."""
    known = memory_of(x)
    ahead = list(range(known.ndim))
    if order == "F" or (order in "AK" and known.flags.fnc):
        return ahead[::-1]
    return axes_as_they_lie(known) if order == "K" and not known.flags.c_contiguous else ahead


def _lies_otherwise(a: Any, b: Any) -> bool:
    return bool(a.strides != b.strides and a.size > 1)


def writes_are_open(x: Any) -> bool:
    """Whether neither an array nor what it is a view of is read-only."""
    link = x.tie
    while link is not None:
        if link.write is None:
            return False
        link = link.base.tie
    return True


def check_writable(x: Any) -> None:
    """Raise before anything is written if a view, or what it is a view of, is read-only."""
    if not writes_are_open(x):
        raise ValueError("assignment destination is read-only")


def _laid_out(array: Any, like: Any) -> Any:
    kept = np.empty_like(like, array.dtype)
    kept[...] = array
    return kept


def lying_as(result: Any, x: Any) -> Any:
    """A new array laid out in memory as another one, where both are known."""
    inner = result
    while type(inner) is core.TracedArray and type(inner.payload) is core.TracedArray:
        inner = inner.payload
    if type(inner) is core.TracedArray:
        inner.payload = as_lies(inner.payload, memory_of(x))
    return result


def as_numpy_has_it(x: Any) -> Any:
    """The same value, detached, in an array whose elements lie apart where NumPy's do.

    What sums products (BLAS, einsum) rounds in another way where they do not lie together. A
    stand-in may hold a copy of what is a view for NumPy.
    """
    if type(x) is core.TracedArray and x.tie is not None and x.recorder is not core.PLAIN:
        memory = memory_of(x)
        x = detached(x)
        x.payload = as_lies(x.payload, memory, apart_as)
        return x
    return detached(x)


def as_lies(payload: Any, like: Any, lay: Callable[[Any, Any], Any] = _laid_out) -> Any:
    """What stands for an array, for one that is laid out in memory as another."""
    if type(payload) is core.TracedArray:
        inner = as_lies(payload.payload, like, lay)
        if inner is payload.payload:
            return payload  # nobody else may have it: then it is written in place
        return core.TracedArray(payload.recorder, payload.number, inner, payload.weak)
    if isinstance(payload, ArrayType):
        return laid_out(payload, small_of(like).copy("K"))
    if type(payload) is np.ndarray and _lies_otherwise(payload, like):
        return lay(payload, like)
    return payload


def write_through(x: Any, new: Any) -> None:
    """Give a stand-in a new value, and its bases the new values that follow."""
    if x.tie is not None:
        x.tie.refresh(x)
        check_writable(x)
    while True:
        before = x.payload
        replace_value(x, new)
        x.version += 1
        link = x.tie
        moved = type(before) is type(x.payload) is np.ndarray and _lies_otherwise(before, x.payload)
        if link is None:
            # What is a view of it and what a copy depends on how it lies in memory.
            x.payload = as_lies(x.payload, memory_of(before))
            return
        base = link.base
        if base.tie is not None:
            base.tie.refresh(base)
        target = detached(base) if base.recorder is core.PLAIN else base
        new = link.write(target, detached(x))
        link.seen = -1 if moved or link.twice is not None else base.version + 1
        x = base


def writable(x: Any) -> Any:
    """The array of a plain stand-in, for writing in place.

    If a recording holds the memory as a constant, the root gets a copy of it first, and the
    views of it read themselves anew.
    """
    if x.tie is not None:
        x.tie.refresh(x)
        check_writable(x)
    root = core.root_of(x)
    if root.number:
        root.payload = root.payload.copy(order="K")
        root.number = 0
        root.version += 1
        if x.tie is not None:
            x.tie.refresh(x)
    return x.payload
