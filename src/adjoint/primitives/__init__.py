"""The table of primitives: one row each."""

from adjoint.primitives import (
    choose,
    control,
    convolution,
    elementwise,
    linalg,
    linear,
    products,
    special,
    windows,
)
from adjoint.primitives.conventions import Conventions, conventions

__all__ = [
    "Conventions",
    "choose",
    "control",
    "conventions",
    "convolution",
    "elementwise",
    "linalg",
    "linear",
    "products",
    "special",
    "windows",
]
