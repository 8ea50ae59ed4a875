"""How wide vectors are."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.graph import Operand


def fitting(extent: int) -> int:
    """The smallest power of two not below an extent: wider vectors would be idle."""
    lanes = 1
    while lanes < extent:
        lanes *= 2
    return lanes


def counts(operand: Operand) -> bool:
    """Whether an operand's width decides the vector width: indices do not."""
    return operand.type.dtype.kind in "fc"


def bytes_of(dtype: np.dtype[Any]) -> int:
    """Bytes of a number in a register: a complex one takes two registers."""
    return dtype.itemsize // 2 if dtype.kind == "c" else dtype.itemsize
