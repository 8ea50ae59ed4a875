"""``a.flags``: how an array lies in memory, and whether it may be written."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.trace import recorder as core
from adjoint.trace.views import Own, base_of, memory_of, replace_value, writes_are_open

_WRITEABLE = ("WRITEABLE", "W")


class Lock(Own):
    """What ties an array to itself as it was before it was made read-only."""

    __slots__ = ()


class Flags:
    """The flags of a stand-in: those of an array that lies as it does.

    Args:
        array: the stand-in.
    """

    __slots__ = ("_array",)
    _array: Any

    def __init__(self, array: Any) -> None:
        object.__setattr__(self, "_array", array)

    def _of_numpy(self) -> Any:
        known, wanted = memory_of(self._array), writes_are_open(self._array)
        if wanted and not known.flags.writeable:  # an argument: what is written is a copy
            return _lying_as(known).flags
        known = known.view()
        known.flags.writeable = wanted
        return known.flags

    @property
    def owndata(self) -> bool:
        """Whether the array is no view of another one."""
        return base_of(self._array) is None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._of_numpy(), name)

    def __getitem__(self, name: str) -> Any:
        return self.owndata if name in ("OWNDATA", "O") else self._of_numpy()[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "writeable":
            setattr(self._of_numpy(), name, value)  # NumPy says why not
            return
        set_writeable(self._array, bool(value))

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in _WRITEABLE:
            self._of_numpy()[name] = value
            return
        set_writeable(self._array, bool(value))

    def __repr__(self) -> str:
        lines = repr(self._of_numpy()).splitlines()
        return "\n".join(
            f"  OWNDATA : {self.owndata}" if line.strip().startswith("OWNDATA") else line
            for line in lines
        )

    def __eq__(self, other: object) -> bool:
        own = self._of_numpy()
        return bool(own == (other._of_numpy() if isinstance(other, Flags) else other))

    __hash__ = None  # type: ignore[assignment]  # as NumPy's


def _lying_as(known: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """An array of no meaning with the same strides, which can be written."""
    reach = [s * max(n - 1, 0) for s, n in zip(known.strides, known.shape, strict=True)]
    first = -sum(r for r in reach if r < 0)
    memory = np.empty(sum(map(abs, reach)) + known.itemsize, np.uint8)
    return np.ndarray(known.shape, known.dtype, memory.data, first, known.strides)


def set_writeable(x: Any, wanted: bool) -> None:
    """Forbid writes into an array and what is made a view of it later, or allow them again."""
    if wanted == writes_are_open(x):
        return
    if not wanted:
        before = type(x)(x.recorder, x.number, x.payload, x.weak)
        before.tie, before.version = x.tie, x.version
        x.tie = Lock(before, lambda base: base, None)
        return
    if type(x.tie) is not Lock or not writes_are_open(x.tie.base):
        raise ValueError("cannot set WRITEABLE flag to True of this array")
    x.tie.refresh(x)
    before = x.tie.base
    replace_value(x, core.TracedArray(before.recorder, before.number, before.payload, before.weak))
    x.tie = before.tie
    if x.tie is not None:
        x.tie.seen = -1  # what has been read anew since is another stand-in
