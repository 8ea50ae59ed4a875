"""Special functions of scipy.special, loaded when first evaluated.

SciPy takes longer to import than all of this library, so a row only names its function.
This module has the helpers; the rows are here and in the modules ``special_*``.

An operand whose derivative is not known in closed form has :func:`order` in place of a
partial: it raises by name where somebody asks, so no derivative is silently zero.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.errors import NoDerivativeError
from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType
from adjoint.primitives.infer import like_first

TWO_OVER_SQRT_PI = float(2 / np.sqrt(np.pi))
SQRT_HALF = float(np.sqrt(0.5))
SQRT_2PI = float(np.sqrt(2 * np.pi))

# Domains for sampling.
WIDE = (-2.0, 2.0)
POSITIVE = (0.4, 4.0)
UNIT = (0.1, 0.9)

Partial = Callable[..., Any] | None


class SciPyFunction:
    """A function of scipy.special by name, found at the first call.

    Args:
        name: of the function.
        real: operands that it takes as real numbers also where the others are complex.
    """

    def __init__(self, name: str, real: tuple[int, ...] = ()) -> None:
        self.name = name
        self.__name__ = name
        self.real = real

    def __call__(self, *operands: Any) -> Any:
        """Evaluate."""
        if self.real and np.iscomplexobj(operands[-1]):
            operands = tuple(np.real(x) if i in self.real else x for i, x in enumerate(operands))
        return self.find()(*operands)

    def find(self) -> Any:
        """The function, as it is while nobody records."""
        found = getattr(importlib.import_module("scipy.special"), self.name)
        return getattr(found, "adjoint_own", found)


def _like_last(*types: ArrayType) -> tuple[ArrayType, ...]:
    return (types[-1],)


def special(
    name: str,
    *partials: Partial,
    integers: tuple[int, ...] = (),
    real: tuple[int, ...] = (),
    linear: dict[int, Any] | None = None,
    **more: Any,
) -> Primitive:
    """A row for an elementwise function of scipy.special.

    Args:
        name: of the function.
        partials: for each operand ``partial(out, *xs)``, the local derivative.
        integers: operands that count; integers stay integers there.
        real: operands that are real numbers also where the others are complex.
        linear: for some operands ``term(t, out, *xs)`` instead, where the function is not
            analytic: linear in the parts of t alone.
        more: further fields of the row.
    """
    notes = {"scipy": name}
    linear = linear or {}
    real += tuple(
        i for i, p in enumerate(partials) if p is None and i not in integers and i not in linear
    )
    if integers:
        notes["integers"] = integers  # type: ignore[assignment]
    return Primitive(
        name,
        "elementwise",
        _like_last if integers else like_first,
        more.pop("evaluate", None) or SciPyFunction(name, real),
        terms=tuple(linear.get(i) or _term(name, i, partial) for i, partial in enumerate(partials)),
        stretches=True,
        notes=notes,
        **more,
    )


def _term(name: str, which: int, partial: Partial) -> Any:
    if partial is None:
        return order(name, which)

    def term(t: Any, out: Any, *xs: Any) -> Any:
        return t * partial(out, *xs)

    return term


def order(name: str, which: int) -> Any:
    """In place of a partial that is not known: refuses by name."""

    def term(t: Any, out: Any, *xs: Any) -> Any:
        raise NoDerivativeError(
            f"scipy.special.{name} has no known derivative in its argument {which}",
            function=f"scipy.special.{name}",
            remedy="keep that argument constant, or give a rule of your own with ad.custom_jvp",
        )

    return term


def polynomial(x: Any, coefficients: Any) -> Any:
    """The sum of coefficients[k] x**k."""
    total = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * x + c
    return total


expit = special("expit", lambda out, x: out * (1 - out), domain=(WIDE,))
logit = special("logit", lambda out, x: 1 / (x * (1 - x)), domain=(UNIT,))
log_expit = special("log_expit", lambda out, x: expit(-x), domain=(WIDE,))
erf = special("erf", lambda out, x: TWO_OVER_SQRT_PI * np.exp(-x * x), domain=(WIDE,))
erfc = special("erfc", lambda out, x: -TWO_OVER_SQRT_PI * np.exp(-x * x), domain=(WIDE,))
