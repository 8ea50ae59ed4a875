"""Numbers in registers: their LLVM types, and how constants are written."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

FLOATS = {"half", "float", "double"}
_REG_TYPES = {
    "f2": "half",
    "f4": "float",
    "f8": "double",
    "b1": "i1",
    "i1": "i8",
    "u1": "i8",
    "i2": "i16",
    "u2": "i16",
    "i4": "i32",
    "u4": "i32",
    "i8": "i64",
    "u8": "i64",
}
_SIZES = {"half": 2, "float": 4, "double": 8, "i1": 1, "i8": 1, "i16": 2, "i32": 4, "i64": 8}


def reg_type(dtype: np.dtype[Any]) -> str | None:
    """The LLVM type of a number in a register; None for dtypes without native code."""
    if not dtype.isnative:
        return None
    return _REG_TYPES.get(f"{dtype.kind}{dtype.itemsize}")


COMPLEX_PARTS = {"cfloat": "float", "cdouble": "double"}


def complex_kind(dtype: np.dtype[Any]) -> str | None:
    """What a register of complex numbers of a dtype is called; None for other dtypes."""
    if dtype.kind != "c" or not dtype.isnative:
        return None
    return {8: "cfloat", 16: "cdouble"}.get(dtype.itemsize)


def number_type(dtype: np.dtype[Any]) -> str | None:
    """The kind of a register, complex ones included; None for dtypes without native code."""
    return reg_type(dtype) or complex_kind(dtype)


def memory_type(kind: str) -> str:
    """The LLVM type of a number in memory: a bool takes a byte."""
    return "i8" if kind == "i1" else kind


class Reg(NamedTuple):
    """A number or a vector of numbers: its text, LLVM type, lanes and the scope it is known in.

    A complex one is its real part, with the imaginary part in ``imag``.
    """

    name: str
    kind: str
    lanes: int
    level: int
    imag: Any = None  # another Reg

    @property
    def type(self) -> str:
        """The LLVM type."""
        return self.kind if self.lanes == 1 else f"<{self.lanes} x {self.kind}>"


def parts(reg: Reg) -> tuple[Reg, Reg]:
    """The real and the imaginary part of a complex register."""
    return Reg(reg.name, COMPLEX_PARTS[reg.kind], reg.lanes, reg.imag.level), reg.imag


def literal(value: Any, kind: str) -> str:
    """A number as LLVM writes it."""
    if kind == "i1":
        return "true" if value else "false"
    if kind in FLOATS:
        if kind == "half":
            return f"0xH{np.float16(value).view(np.uint16):04X}"
        exact = np.float64(np.float32(value)) if kind == "float" else np.float64(value)
        bits = int(exact.view(np.uint64))
        return f"0x{bits:016X}"
    return str(int(value))


def size_of(kind: str) -> int:
    """Bytes of a number in memory."""
    return _SIZES[kind]
