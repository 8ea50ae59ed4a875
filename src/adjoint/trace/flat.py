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

    def _flattened(self) -> Any:
        return self.array.copy().reshape(-1)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._flattened())

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

    def copy(self) -> Any:
        """All elements along one axis."""
        return self._flattened()
