"""The table of primitives: one row each."""

from adjoint.primitives import choose, control, elementwise, linalg, linear, products, special
from adjoint.primitives.conventions import Conventions, conventions

__all__ = [
    "Conventions",
    "choose",
    "control",
    "conventions",
    "elementwise",
    "linalg",
    "linear",
    "products",
    "special",
]
