"""Complex arrays joined of their parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType
from adjoint.primitives.linear import imag, real


def _join_parts_type(x: ArrayType, y: ArrayType) -> tuple[ArrayType]:
    if x != y or x.dtype.char not in "fdg":
        raise TypeError(f"{x} and {y} are not the parts of a complex array")
    return (ArrayType(x.shape, np.result_type(x.dtype, np.complex64)),)


def _join_parts(x: Any, y: Any) -> Any:
    shape, dtype = np.broadcast_shapes(x.shape, y.shape), np.result_type(x, y, np.complex64)
    joined = np.array(np.broadcast_to(x, shape), dtype)
    joined.imag = y
    return joined


join_parts = Primitive(
    "join_parts",
    "linear",
    _join_parts_type,
    _join_parts,
    transpose=lambda y_bar, operands, which: -imag(y_bar) if which else real(y_bar),
    stretches=True,
    doc="a complex array of its parts; x + 1j * y loses signs of zero and mixes infinities",
)
