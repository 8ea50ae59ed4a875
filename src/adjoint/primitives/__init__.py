"""The table of primitives: one row each."""

from adjoint.primitives import (
    choose,
    control,
    convolution,
    elementwise,
    implicit,
    linalg,
    linear,
    products,
    special,
    special_bessel,
    special_distribution,
    special_error,
    special_gamma,
    special_polynomial,
    special_several,
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
    "implicit",
    "linalg",
    "linear",
    "products",
    "special",
    "special_bessel",
    "special_distribution",
    "special_error",
    "special_gamma",
    "special_polynomial",
    "special_several",
    "windows",
]
