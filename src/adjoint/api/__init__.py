"""The function transforms of the public contract."""

from adjoint.api.callback import pure_callback
from adjoint.api.checkpointing import checkpoint
from adjoint.api.compiled import jit, make_graph
from adjoint.api.control import cond, scan, while_loop
from adjoint.api.curvature import fisher_product, gauss_newton_product
from adjoint.api.custom import custom_jvp, custom_vjp
from adjoint.api.gradients import grad, jvp, linearize, stop_gradient, value_and_grad, vjp
from adjoint.api.implicit import fixed_point, root
from adjoint.api.matrices import hessian, hvp, jacobian
from adjoint.api.vectorize import vmap

__all__ = [
    "checkpoint",
    "cond",
    "custom_jvp",
    "custom_vjp",
    "fisher_product",
    "fixed_point",
    "gauss_newton_product",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jit",
    "jvp",
    "linearize",
    "make_graph",
    "pure_callback",
    "root",
    "scan",
    "stop_gradient",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
]
