"""The entry of a program: takes NumPy's array objects as they are.

Getting an array's address in Python costs more than running a small program, so the entry
reads it, and checks type, dtype, shape and order, in the array object itself. The layout of
that object is part of NumPy's binary interface; ``run`` makes sure that it is as expected
before it uses this entry, and passes addresses otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

from adjoint.graph.types import ArrayType

ENTRY = "adjoint_entry"
UNFIT = -2  # returned when an argument needs converting first
MOST_ARGUMENTS = 500  # more are passed in a table

# Offsets in bytes from the start of an array object, and its flags.
TYPE, DATA, NDIM, DIMS, DTYPE, FLAGS = 8, 16, 24, 32, 56, 64
C_ORDER_AND_ALIGNED = 0x101


def entry_text(program: str, inputs: Sequence[ArrayType], n_outputs: int, n_fixed: int) -> str:
    """The entry's text.

    ``%fixed`` points at: the type ndarray, the dtype of each input, and then the pointers
    that stand after inputs and outputs in the program's table. Without a program the entry only
    writes the table, for several threads to read: to where the arena is given otherwise.
    """
    n = len(inputs) + n_outputs
    lines = [f"%table = alloca [{n + n_fixed} x ptr], align 16"] if program else []

    def load(name: str, kind: str, base: str, offset: int) -> None:
        lines.append(f"{name}.at = getelementptr i8, ptr {base}, i64 {offset}")
        lines.append(f"{name} = load {kind}, ptr {name}.at")

    load("%array", "ptr", "%fixed", 0)
    checks: list[str] = []

    def check(name: str, kind: str, wanted: str) -> None:
        lines.append(f"{name}.ok = icmp eq {kind} {name}, {wanted}")
        checks.append(f"{name}.ok")

    def settle() -> None:
        """Leave if a check failed; what follows may rely on them."""
        total = checks.pop()
        while checks:
            joined = f"%and{len(lines)}"
            lines.append(f"{joined} = and i1 {total}, {checks.pop()}")
            total = joined
        label = f"go{len(lines)}"
        lines.append(f"br i1 {total}, label %{label}, label %unfit")
        lines.append(f"{label}:")

    for i in range(len(inputs)):
        load(f"%type{i}", "ptr", f"%o{i}", TYPE)
        check(f"%type{i}", "ptr", "%array")
    if inputs:
        settle()
    for i, kind in enumerate(inputs):
        load(f"%wanted{i}", "ptr", "%fixed", 8 * (1 + i))
        load(f"%dtype{i}", "ptr", f"%o{i}", DTYPE)
        check(f"%dtype{i}", "ptr", f"%wanted{i}")
        load(f"%flags{i}", "i32", f"%o{i}", FLAGS)
        lines.append(f"%order{i} = and i32 %flags{i}, {C_ORDER_AND_ALIGNED}")
        check(f"%order{i}", "i32", str(C_ORDER_AND_ALIGNED))
        load(f"%ndim{i}", "i32", f"%o{i}", NDIM)
        check(f"%ndim{i}", "i32", str(kind.ndim))
    if inputs:
        settle()
    for i, kind in enumerate(inputs):
        load(f"%dims{i}", "ptr", f"%o{i}", DIMS)
        for axis, extent in enumerate(kind.shape):
            load(f"%n{i}.{axis}", "i64", f"%dims{i}", 8 * axis)
            check(f"%n{i}.{axis}", "i64", str(extent))
    if checks:
        settle()
    for i in range(n):
        load(f"%data{i}", "ptr", f"%o{i}", DATA)
        lines.append(f"%slot{i} = getelementptr ptr, ptr %table, i64 {i}")
        lines.append(f"store ptr %data{i}, ptr %slot{i}")
    for i in range(n_fixed):
        load(f"%more{i}", "ptr", "%fixed", 8 * (1 + len(inputs) + i))
        lines.append(f"%slot{n + i} = getelementptr ptr, ptr %table, i64 {n + i}")
        lines.append(f"store ptr %more{i}, ptr %slot{n + i}")
    if program:
        lines.append(f"%code = call i64 @{program}(ptr %table, ptr %arena)")
    lines.append(f"ret i64 {'%code' if program else 0}")
    lines.append("unfit:")
    lines.append(f"ret i64 {UNFIT}")
    last = "ptr %arena" if program else "ptr %table"
    given = ", ".join([*(f"ptr %o{i}" for i in range(n)), "ptr %fixed", last])
    body = "\n  ".join(lines)
    return f"define i64 @{ENTRY}({given}) nounwind {{\n  {body}\n}}\n"
