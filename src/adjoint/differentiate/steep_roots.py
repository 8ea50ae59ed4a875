"""Roots of numbers that may be 0, in functions that are smooth there all the same.

The slope of ``r = sqrt(s)`` is infinite at ``s = 0``. That of ``cos(r)`` or ``r * sin(r)`` is
not: the infinite slope meets a factor that is 0 there. A derivative in which a zero met an
infinite slope would be 0, so the limits of such roots are followed (``zero_lengths.py``). They are
followed only where a factor is seen to be 0 at ``r = 0`` whatever else is computed: most roots are
of numbers that are never 0, and should cost nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

_SPREADS = frozenset({"broadcast", "reshape", "permute_axes", "slice", "cast"})
_POWERS = frozenset({"square", "scalar_pow"})  # powers_of_roots.py has these


def is_square_root(primitive: Any, attributes: tuple[Any, ...]) -> bool:
    """Whether an operation takes the square root of any number."""
    name = primitive.name
    return bool(name == "sqrt" or (name == "scalar_pow" and attributes[0] == 0.5))


def steep_roots(steps: Sequence[Any]) -> set[Any]:
    """The square roots whose infinite slope meets a factor that is 0 where they are.

    Args:
        steps: (primitive, attributes, operands, output) of each operation.
    """
    found: set[Any] = set()
    first: dict[Any, Any] = {}  # the first root of a value
    same: dict[Any, Any] = {}  # by each root: the first of that value
    roots: dict[Any, Any] = {}  # of which root a value moves at infinite speed
    at_zero: dict[Any, float] = {}  # what a value is where that root is 0
    bare: set[Any] = set()  # the roots themselves, and copies
    for primitive, attributes, operands, output in steps:
        name = primitive.name
        moving = [o for o in operands if o in roots]
        if is_square_root(primitive, attributes):
            same[output] = roots[output] = first.setdefault(operands, output)
            at_zero[output] = 0.0
            bare.add(output)
        elif not moving:
            continue
        elif len({roots[o] for o in moving}) > 1:
            continue  # how the one grows with the other is not known
        elif name == "mul":
            zeros = [o for o in moving if at_zero.get(o) == 0]
            if len(moving) == 2 and zeros and not bare.issuperset(moving):
                found.add(roots[moving[0]])
            if not (len(moving) == 2 and len(zeros) == 2):
                roots[output] = roots[moving[0]]
            if zeros:
                at_zero[output] = 0.0
        elif name in ("add", "sub") or (name == "div" and operands[1] not in roots):
            roots[output] = roots[moving[0]]
            if all(at_zero.get(o) == 0 for o in (operands if name != "div" else moving)):
                at_zero[output] = 0.0
        elif name in _SPREADS or (name == "sum" and at_zero.get(moving[0]) == 0):
            roots[output], at_zero[output] = roots[moving[0]], at_zero.get(moving[0], np.nan)
            if name != "sum" and moving[0] in bare:
                bare.add(output)
        elif len(operands) == 1 and at_zero.get(moving[0]) is not None and name not in _POWERS:
            x = np.float64(at_zero[moving[0]])
            slope, there = _at(primitive, attributes, x)
            if slope == 0:
                found.add(roots[moving[0]])
            elif np.isfinite(slope):
                roots[output], at_zero[output] = roots[moving[0]], there
    return {output for output, root in same.items() if root in found}


def _at(primitive: Any, attributes: tuple[Any, ...], x: Any) -> tuple[float, float]:
    """The slope and the value of an elementwise operation of one number."""
    if primitive.structure == "linear" and primitive.name == "neg":
        return -1.0, float(-x)
    if primitive.structure != "elementwise" or primitive.terms[0] is None:
        return np.nan, np.nan
    settings = primitive.settings(attributes) if attributes else {}
    with np.errstate(all="ignore"):
        there = primitive.evaluate(x, **settings)
        slope = primitive.terms[0](np.float64(1), there, x, **settings)
    return float(np.real(slope)), float(np.real(there))
