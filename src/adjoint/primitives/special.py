"""Special functions of scipy.special, loaded when first evaluated.

SciPy takes longer to import than all of this library, so a row only names its function.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.primitives.infer import like_first

_TWO_OVER_SQRT_PI = float(2 / np.sqrt(np.pi))


class SciPyFunction:
    """A function of scipy.special by name, found at the first call."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.__name__ = name

    def __call__(self, *operands: Any) -> Any:
        """Call the function."""
        return getattr(importlib.import_module("scipy.special"), self.name)(*operands)


def special(name: str, *terms: Any, **more: Any) -> Primitive:
    """A row for an elementwise function of scipy.special."""
    return Primitive(
        name,
        "elementwise",
        like_first,
        SciPyFunction(name),
        terms=terms,
        stretches=True,
        notes={"scipy": name},
        **more,
    )


expit = special("expit", lambda t, out, x: t * (out * (1 - out)))
erf = special("erf", lambda t, out, x: t * (_TWO_OVER_SQRT_PI * np.exp(-x * x)))
erfc = special("erfc", lambda t, out, x: t * (-_TWO_OVER_SQRT_PI * np.exp(-x * x)))
