"""Whether NumPy's array objects lie in memory as machine code expects."""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache

import numpy as np

from adjoint.lower import entry


@lru_cache(maxsize=1)
def layout_is_known() -> bool:
    """Compare the fields of a few arrays with what Python says about them."""
    if sys.implementation.name != "cpython" or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return False

    def pointer(address: int) -> int:
        return ctypes.c_uint64.from_address(address).value

    def number(address: int) -> int:
        return ctypes.c_int32.from_address(address).value

    samples = (np.zeros((2, 3)), np.zeros((5, 7), np.float32).T, np.zeros(()), np.zeros(4, "i2"))
    for x in samples:
        start = id(x)
        good = (
            pointer(start + entry.TYPE) == id(np.ndarray)
            and pointer(start + entry.DATA) == x.__array_interface__["data"][0]
            and number(start + entry.NDIM) == x.ndim
            and pointer(start + entry.DTYPE) == id(x.dtype)
        )
        if not good:
            return False
        dims = pointer(start + entry.DIMS)
        if tuple(pointer(dims + 8 * i) for i in range(x.ndim)) != x.shape:
            return False
        wanted = entry.C_ORDER_AND_ALIGNED
        fit = x.flags.c_contiguous and x.flags.aligned
        if (number(start + entry.FLAGS) & wanted == wanted) != fit:
            return False
    return True
