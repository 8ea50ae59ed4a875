"""``a.flat`` of a stand-in array."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from adjoint.trace import recorder as core


class Flat:
    """``a.flat``: the elements in C order, to read, to write and to go through."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.index = 0  # of the element that next(a.flat) gives
        self._seen: tuple[int, Any] | None = None  # the elements, and when they were looked at

    @property
    def base(self) -> Any:
        """The array that is gone through."""
        return self.array

    @property
    def coords(self) -> tuple[int, ...]:
        """The place of the next element."""
        return tuple(int(i) for i in np.unravel_index(self.index, self.array.shape))

    def __next__(self) -> Any:
        if self.index >= len(self):
            raise StopIteration
        if self.array.tie is not None:
            self.array.tie.refresh(self.array)
        if self._seen is None or self._seen[0] != self.array.version:
            self._seen = (self.array.version, self._flattened())
        self.index += 1
        return self._seen[1][self.index - 1]

    def _flattened(self) -> Any:
        return self.array.copy().reshape(-1)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __len__(self) -> int:
        return int(self.array.size)

    def __getitem__(self, index: Any) -> Any:
        found: Any = self._flattened()[index]
        return found.copy() if type(found) is core.TracedArray else found

    def __setitem__(self, index: Any, value: Any) -> None:
        flat = self._flattened()
        if isinstance(index, slice | list | np.ndarray):
            count = flat[index].shape[0]
            value = np.resize(value, count) if count else value
        flat[index] = value
        self.array[...] = flat.reshape(self.array.shape)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        return function(*_as_arrays(args), **_as_arrays(options))

    def __array_ufunc__(self, ufunc: Any, how: str, *inputs: Any, **options: Any) -> Any:
        return getattr(ufunc, how)(*_as_arrays(inputs), **_as_arrays(options))

    def copy(self) -> Any:
        """All elements along one axis."""
        return self._flattened()


def _as_arrays(x: Any) -> Any:
    """Arguments of NumPy's functions, with arrays of one axis for what they would read so."""
    kind = type(x)
    if kind is Flat:
        return x.copy()
    if kind is list or kind is tuple:
        return kind([_as_arrays(part) for part in x])
    return {key: _as_arrays(part) for key, part in x.items()} if kind is dict else x
