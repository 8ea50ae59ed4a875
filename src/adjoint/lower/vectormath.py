"""Vector mathematics: NumPy's elementary functions as LLVM IR.

``emit_function`` writes one function on a vector of ``width`` lanes; the same algorithm serves
every width, so an element has the same bits whether it falls into a full vector or into the
rest of a loop. Errors in units of the last place are measured in ``docs/vectormath.md``. NaN,
infinities, signed zeros and subnormal numbers come out as NumPy gives them.

Texts of several functions may be put into one module; intrinsics need no declaration.
"""

from __future__ import annotations

from collections.abc import Callable

from adjoint.lower import vectormath_circular as circular
from adjoint.lower import vectormath_error as error
from adjoint.lower import vectormath_exponential as exponential
from adjoint.lower import vectormath_logarithm as logarithm
from adjoint.lower import vectormath_power as power
from adjoint.lower import vectormath_simple as simple
from adjoint.lower.vectormath_lanes import Body, Lanes

Writer = Callable[..., Lanes]

KINDS = {"float32": "float", "float64": "double"}
_INLINED = "alwaysinline nounwind"

_WRITERS: dict[str, tuple[int, Writer]] = {
    **simple.WRITERS,
    **exponential.WRITERS,
    **logarithm.WRITERS,
    **power.WRITERS,
    **circular.WRITERS,
    **error.WRITERS,
}


def available(name: str, dtype: object) -> bool:
    """Whether there is code for a primitive (by its name in the table) and a dtype.

    Args:
        name: such as ``"exp"`` or ``"arctan2"``.
        dtype: anything that prints as ``float32`` or ``float64`` if it is one.
    """
    return name in _WRITERS and str(dtype) in KINDS


def operand_count(name: str) -> int:
    """How many operands the function takes: 1 or 2."""
    return _WRITERS[name][0]


def function_name(name: str, dtype: object, width: int) -> str:
    """The symbol that ``emit_function`` defines, with its ``@``."""
    short = "f32" if str(dtype) == "float32" else "f64"
    return f"@adjoint_{name}_{short}_v{width}"


def emit_function(name: str, dtype: object, width: int) -> str:
    """LLVM IR of ``@adjoint_{name}_{f32|f64}_v{width}``, which LLVM inlines where it is called.

    Args:
        name: the name of an elementwise primitive for which ``available`` holds.
        dtype: float32 or float64, as a dtype or by name.
        width: lanes of the operands and the result, ``<width x float>`` or ``<width x double>``;
            1 means the scalar type itself.
    """
    count, writer = _WRITERS[name]
    kind = KINDS[str(dtype)]
    body = Body(width)
    operands = [Lanes(body, f"%x{i}", kind) for i in range(count)]
    result = writer(*operands)
    parameters = ", ".join(f"{x.type} {x.name}" for x in operands)
    lines = "\n  ".join([*body.lines, f"ret {result.type} {result.name}"])
    return (
        f"define internal {result.type} {function_name(name, dtype, width)}({parameters}) "
        f"{_INLINED} {{\nentry:\n  {lines}\n}}\n"
    )


def by_itself(text: str) -> str:
    """Such a function's text as one that is called: shorter code, and a few percent slower."""
    return text.replace(_INLINED, "noinline #0", 1)
