"""``np.nditer`` and ``np.ndenumerate``, which ask no stand-in.

``np.broadcast`` asks none either, but stays NumPy's: compiled modules that are imported while
somebody records insist that it is a type.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from adjoint.errors import UnsupportedError
from adjoint.graph.source import source_here
from adjoint.trace import replacing
from adjoint.trace.calls.support import any_traced, as_operand, is_traced
from adjoint.trace.recorder import plain

_FLAGS = {"multi_index", "c_index", "f_index", "refs_ok", "zerosize_ok", "reduce_ok"}


class Nditer:
    """``np.nditer`` over stand-ins: one element of each operand at a time, as 0-d views."""

    def __init__(
        self,
        op: Any,
        flags: Any = (),
        op_flags: Any = None,
        op_dtypes: Any = None,
        order: str = "K",
        **options: Any,
    ) -> None:
        unknown = set(flags) - _FLAGS
        if unknown or options or op_dtypes is not None:
            raise UnsupportedError(
                f"the settings {sorted([*unknown, *options])} have no rule",
                function="np.nditer",
                source=source_here(),
                remedy="write a loop over np.ndindex(x.shape), or whole-array operations",
            )
        given = op if isinstance(op, tuple | list) else (op,)
        found = [None if x is None else as_operand(x) for x in given]
        known = [x for x in found if x is not None]
        self.shape = np.broadcast_shapes(*[x.shape for x in known])
        dtype = np.result_type(*[x.dtype for x in known])
        self.operands = tuple(
            [plain(np.zeros(self.shape, dtype)) if x is None else x for x in found]
        )
        self.order = "F" if order == "F" else "C"
        self.itersize = int(np.prod(self.shape))
        self.iterindex = 0
        self.finished = self.itersize == 0
        self.begun = False

    @property
    def multi_index(self) -> tuple[int, ...]:
        """Where the iteration stands."""
        place = np.unravel_index(self.iterindex, self.shape, order=self.order)
        return tuple([int(i) for i in place])

    @property
    def index(self) -> int:
        """Its number in C order."""
        return int(np.ravel_multi_index(self.multi_index, self.shape))

    @property
    def value(self) -> Any:
        """The elements there: one, or a tuple of them."""
        place = self.multi_index
        found = []
        for x in self.operands:
            at = place[len(place) - x.ndim :]
            at = tuple([0 if n == 1 else i for n, i in zip(x.shape, at, strict=True)])
            found.append(x[(*at, ...)])
        return found[0] if len(found) == 1 else tuple(found)

    def __getitem__(self, k: int) -> Any:
        return self.value if len(self.operands) == 1 else self.value[k]

    def __setitem__(self, k: int, new: Any) -> None:
        self[k][...] = new

    def iternext(self) -> bool:
        """Go on; False at the end."""
        self.iterindex += 1
        self.finished = self.iterindex >= self.itersize
        return not self.finished

    def __iter__(self) -> Nditer:
        return self

    def __next__(self) -> Any:
        # the first element is where the iteration stands already
        if self.begun:
            self.iternext()
        if self.finished:
            raise StopIteration
        self.begun = True
        return self.value

    def copy(self) -> Nditer:
        """Another iteration, which goes on from here."""
        return copy.copy(self)

    def __len__(self) -> int:
        return self.itersize

    def __enter__(self) -> Nditer:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def close(self) -> None:
        """What is written is written."""

    def reset(self) -> None:
        """Back to the first element."""
        self.iterindex, self.finished, self.begun = 0, self.itersize == 0, False


class Ndenumerate:
    """``np.ndenumerate``: pairs of an index and the element there."""

    def __init__(self, arr: Any) -> None:
        self.arr = as_operand(arr)

    def __iter__(self) -> Iterator[Any]:
        for place in np.ndindex(self.arr.shape):
            yield place, self.arr[place]


def _instead(own: Any, ours: Any) -> Any:
    @functools.wraps(own, updated=())
    def make(*args: Any, **options: Any) -> Any:
        traced = any(is_traced(x) or any_traced(x) for x in args)
        return ours(*args, **options) if traced else own(*args, **options)

    make.adjoint_own = own  # type: ignore[attr-defined]
    return make


replacing.also(
    np.__dict__,
    {
        "nditer": _instead(np.nditer, Nditer),
        "ndenumerate": _instead(np.ndenumerate, Ndenumerate),
    },
)
