"""Arrays that are no plain arrays of numbers: what to say of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.errors import DTypeError, UnsupportedError
from adjoint.graph.source import Source, source_here

NUMBERS = "fciub"  # kinds of dtypes
# What Python has for one element of an array, by the kind of the array's dtype.
PYTHON_NUMBERS: dict[str, type] = {"i": int, "u": int, "f": float, "c": complex}


def subclass_refused(
    kind: type, function: str, source: Source | None = None, remedy: str = "pass np.asarray(x)"
) -> UnsupportedError:
    """The error for a class made from ndarray, whose operators may mean other things."""
    return UnsupportedError(
        f"the ndarray subclass {kind.__name__} is not supported",
        function=function,
        source=source or source_here(),
        remedy=remedy,
    )


def no_recorded_instance(
    kind: type, function: str, source: Source | None = None
) -> UnsupportedError:
    """The same where an instance is to be made of a recorded array."""
    if issubclass(kind, np.matrix):
        remedy = "use two-dimensional arrays and @"
    elif issubclass(kind, np.ma.MaskedArray):
        remedy = "use np.where with a mask"
    else:
        remedy = (
            "compute on the plain array, and keep what the class adds beside it, in a class that "
            "holds the array; or build the instance outside, from plain numbers"
        )
    return subclass_refused(kind, function, source, remedy)


def refused(x: Any, function: str) -> UnsupportedError | DTypeError | None:
    """The error for an ndarray that cannot take part; None for one of numbers.

    Args:
        x: an ndarray, or an instance of a class made from it.
        function: the public function, for the message.
    """
    if isinstance(x, np.ma.MaskedArray):
        return UnsupportedError(
            "masked arrays are not supported",
            function=function,
            source=source_here(),
            remedy="pass x.filled(value) and the mask apart, and choose with np.where",
        )
    if isinstance(x, np.matrix):
        return subclass_refused(type(x), function)
    if x.dtype == object and x.shape == () and hasattr(x.item(), "toarray"):
        return UnsupportedError(
            "NumPy does not look into a sparse matrix",
            function=function,
            source=source_here(),
            got=f"a {type(x.item()).__name__}",
            remedy="write A @ x, or use A.toarray()",
        )
    if x.dtype.kind not in NUMBERS:
        return DTypeError(
            f"an array of the dtype {x.dtype} has no numbers to compute with",
            function=function,
            source=source_here(),
            got=str(x.dtype),
            wanted="a boolean, integer, floating or complex dtype",
            remedy="give its fields in a dict: {k: x[k] for k in x.dtype.names}"
            if x.dtype.names
            else "cast it: x.astype(float)",
        )
    return None
