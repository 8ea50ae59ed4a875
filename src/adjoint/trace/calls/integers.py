"""Functions of integers, bits and sets: they have no derivative, and run when the program does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.graph.types import ArrayType
from adjoint.trace.calls.from_values import from_values
from adjoint.trace.calls.support import as_operand
from adjoint.trace.tables import implements


def _called(*given: Any) -> list[Any]:
    *arrays, function, settings = given
    return [function(*arrays, **dict(settings))]


def _when_run(function: Any, *operands: Any, **settings: Any) -> Any:
    """What NumPy's function gives; it says itself what dtypes it takes, and the shape."""
    arrays = [as_operand(x) for x in operands]
    like = function(*[np.ones(a.shape, a.dtype) for a in arrays], **settings)
    kind = ArrayType(np.shape(like), like.dtype)
    return from_values(_called, (kind,), arrays, function, tuple(settings.items()))[0]


def _of_two(function: Any) -> Callable[..., Any]:
    def divisor(x: Any, y: Any) -> Any:
        kinds = [type(v) if type(v) in (bool, int) else as_operand(v).dtype for v in (x, y)]
        common = np.result_type(*[kind(1) if isinstance(kind, type) else kind for kind in kinds])
        return _when_run(function, *[as_operand(v).astype(common) for v in (x, y)])

    divisor.__doc__ = f"{function.__name__} of integers."
    return divisor


for _function in (np.gcd, np.lcm):
    implements(_function)(_of_two(_function))


@implements(np.packbits)
def packbits(a: Any, axis: Any = None, bitorder: str = "big") -> Any:
    """Eight numbers, zero or not, as the bits of one."""
    return _when_run(np.packbits, a, axis=axis, bitorder=bitorder)


@implements(np.unpackbits)
def unpackbits(a: Any, axis: Any = None, count: Any = None, bitorder: str = "big") -> Any:
    """The bits of each number."""
    return _when_run(np.unpackbits, a, axis=axis, count=count, bitorder=bitorder)


def _in1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, invert: bool = False, *, kind: Any = None
) -> Any:
    """``np.isin`` of elements in a row, as NumPy called it before 2.4."""
    return isin(np.ravel(ar1), ar2, assume_unique, invert, kind=kind)


if hasattr(np, "in1d"):
    implements(getattr(np, "in1d"))(_in1d)  # noqa: B009 - not every NumPy has it


@implements(np.isin)
def isin(
    element: Any,
    test_elements: Any,
    assume_unique: bool = False,
    invert: bool = False,
    *,
    kind: Any = None,
) -> Any:
    """Whether each element is among others."""
    settings = {"assume_unique": assume_unique, "invert": invert, "kind": kind}
    return _when_run(np.isin, element, test_elements, **settings)
