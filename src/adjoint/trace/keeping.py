"""Arrays from outside that a recording holds on to, while user code may go on writing into them.

A derivative reads the elements that an array had when it met a recorded value. Small arrays are
copied and compared whenever they are met again. For larger ones a fingerprint says whether they
have changed; up to a size they are copied too, and beyond it a change is refused when the
recording ends: ten times the memory for a data set would be too much.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

COPY_BYTES = 1 << 16  # compared element by element
_MOST_COPIED = 1 << 24
_LANES = 1021  # elements that far apart are added up: a prime, so that rows fall into all lanes

# NumPy's own method: another stands in its place while somebody records (outside.py).
_copy = np.ndarray.copy


class Kept(NamedTuple):
    """A large array that a recording has noted."""

    number: int
    print: bytes
    array: Any
    is_copied: bool
    frame: Any  # the line that first used it


def place_of(x: Any) -> tuple[Any, ...]:
    """Which memory an array looks into, and how: views are made anew again and again."""
    return x.__array_interface__["data"][0], x.shape, x.strides, x.dtype


def fingerprint(x: Any) -> bytes:
    """What two arrays share only if, as good as surely, all their elements are the same."""
    lies_in_order = x if x.flags.c_contiguous else x.T
    if not lies_in_order.flags.c_contiguous:
        lies_in_order = _copy(x)
    bits = lies_in_order.reshape(-1).view(np.uint8)
    whole = bits.size // (8 * _LANES) * 8 * _LANES
    words = bits[:whole].view(np.uint64).reshape(-1, _LANES)
    sums: bytes = np.add.reduce(words, axis=0).tobytes()
    rest: bytes = bits[whole:].tobytes()
    return sums + rest


def copied(x: Any) -> Any:
    """An array's own copy, or itself if that would be too large."""
    return _copy(x) if x.nbytes <= _MOST_COPIED else x


def changed(kept: Kept) -> bool:
    """Whether an array that was not copied has other elements now."""
    return not kept.is_copied and fingerprint(kept.array) != kept.print


def is_same(kept: Any, value: Any) -> bool:
    """Whether an array that was captured before has still the same elements."""
    if kept is value or value.nbytes > COPY_BYTES:
        return True
    return bool(kept.tobytes() == value.tobytes())


def is_uniform(value: Any) -> bool:
    """Whether all elements are the same bits: rules make such arrays from single numbers."""
    first, last = value.flat[0], value.flat[value.size - 1]
    # Most arrays are told apart by two elements; the whole is only compared where it may pay.
    if value.dtype.kind not in "fiub" or first != last:
        return False
    return bool((value == first).all()) and (first != 0 or not np.signbit(value).any())
