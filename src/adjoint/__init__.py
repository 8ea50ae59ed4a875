"""adjoint: backpropagation for the NumPy you already have."""

from adjoint import trace as _trace
from adjoint.api import grad, jvp, linearize, stop_gradient, value_and_grad, vjp
from adjoint.primitives.conventions import conventions

__all__ = [
    "conventions",
    "grad",
    "jvp",
    "linearize",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]
