"""adjoint: backpropagation for the NumPy you already have."""

from importlib import import_module as _load
from typing import TYPE_CHECKING, Any

# The folder is loaded before the function of the same name is bound over it.
from adjoint import trace as _trace  # noqa: F401
from adjoint.api import (
    checkpoint,
    cond,
    custom_jvp,
    custom_vjp,
    fisher_product,
    fixed_point,
    gauss_newton_product,
    grad,
    hessian,
    hvp,
    jacobian,
    jit,
    jvp,
    linearize,
    pure_callback,
    root,
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

if TYPE_CHECKING:
    from adjoint.inspect import explain, xray
    from adjoint.optim.minimize import minimize
    from adjoint.train import fit, load, save

__all__ = [
    "check_grads",
    "checkpoint",
    "cond",
    "conventions",
    "custom_jvp",
    "custom_vjp",
    "explain",
    "fisher_product",
    "fit",
    "fixed_point",
    "gauss_newton_product",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jit",
    "jvp",
    "linearize",
    "load",
    "minimize",
    "pure_callback",
    "root",
    "save",
    "scan",
    "stop_gradient",
    "trace",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
    "xray",
]

_LATER = {
    "explain": "inspect",
    "fit": "train",
    "load": "train",
    "minimize": "optim",
    "save": "train",
    "xray": "inspect",
}


def __getattr__(name: str) -> Any:
    """Training is loaded when it is first asked for: most users of derivatives never do."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_load(f"adjoint.{_LATER[name]}"), name)
