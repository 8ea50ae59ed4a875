"""adjoint: backpropagation for the NumPy you already have."""

# The folder is loaded before the function of the same name is bound over it.
from adjoint import trace as _trace
from adjoint.api import (
    checkpoint,
    cond,
    custom_jvp,
    custom_vjp,
    grad,
    hessian,
    hvp,
    jacobian,
    jit,
    jvp,
    linearize,
    scan,
    stop_gradient,
    value_and_grad,
    vjp,
    vmap,
    while_loop,
)
from adjoint.api import make_graph as trace
from adjoint.primitives.conventions import conventions
from adjoint.testing import check_grads

__all__ = [
    "check_grads",
    "checkpoint",
    "cond",
    "conventions",
    "custom_jvp",
    "custom_vjp",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jit",
    "jvp",
    "linearize",
    "scan",
    "stop_gradient",
    "trace",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
]
