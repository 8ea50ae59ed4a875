"""Matrix products by BLAS: which routine, which flags, which leading dimensions.

The routines speak Fortran: column-major, every argument by pointer. A row-major matrix is the
transpose of a column-major one, so ``C = A B`` is asked for as ``C^T = B^T A^T`` and nothing
is moved. Their addresses come from SciPy when the program is loaded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.lower.layout import Place

GEMM = {"f4": "sgemm", "f8": "dgemm", "c8": "cgemm", "c16": "zgemm"}


def routine(dtype: np.dtype[Any]) -> str | None:
    """The BLAS product for a dtype, if there is one."""
    return GEMM.get(f"{dtype.kind}{dtype.itemsize}")


def layout_of(place: Place) -> tuple[bool, int] | None:
    """(transposed, leading dimension) of a matrix in its last two axes; None if unfit."""
    rows, columns = place.shape[-2:]
    down, along = place.strides[-2:]
    if (along == 1 or columns == 1) and (down >= max(columns, 1) or rows == 1):
        return False, max(down if rows > 1 else columns, 1)
    if (down == 1 or rows == 1) and (along >= max(rows, 1) or columns == 1):
        return True, max(along if columns > 1 else rows, 1)
    return None


def product_lines(
    a: Place, b: Place, c: Place, pointers: tuple[str, str, str], constants: dict[str, str]
) -> list[str]:
    """A call of gemm on two-axis places; ``c`` is contiguous in its rows."""
    name = routine(c.dtype)
    at, lda = layout_of(a)  # type: ignore[misc]
    bt, ldb = layout_of(b)  # type: ignore[misc]
    m, n = c.shape[-2:]
    k = a.shape[-1]
    ldc = max(c.strides[-2] if m > 1 else n, 1)

    def integer(value: int) -> str:
        constants[f"@n.{value}"] = f"@n.{value} = private constant i32 {value}"
        return f"ptr @n.{value}"

    def letter(transposed: bool) -> str:
        which = "T" if transposed else "N"
        constants[f"@letter.{which}"] = f"@letter.{which} = private constant i8 {ord(which)}"
        return f"ptr @letter.{which}"

    def number(value: int) -> str:
        key = f"@number.{name}.{value}"
        parts = [float(value), 0.0] if c.dtype.kind == "c" else [float(value)]
        kind = "float" if c.dtype.itemsize // len(parts) == 4 else "double"
        body = ", ".join(f"{kind} {part}" for part in parts)
        constants[key] = f"{key} = private constant [{len(parts)} x {kind}] [{body}]"
        return f"ptr {key}"

    pa, pb, pc = pointers
    given = ", ".join(
        [
            letter(bt),
            letter(at),
            integer(n),
            integer(m),
            integer(k),
            number(1),
            f"ptr {pb}",
            integer(ldb),
            f"ptr {pa}",
            integer(lda),
            number(0),
            f"ptr {pc}",
            integer(ldc),
        ]
    )
    types = ", ".join(["ptr"] * 13)
    constants[f"@{name}"] = f"declare void @adjoint_{name}({types})"
    return [f"call void @adjoint_{name}({given})"]
