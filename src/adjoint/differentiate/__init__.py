"""Graph to graph: linearise, transpose, batch; and the rules of control flow."""

from adjoint.differentiate import batch_convolution as _batch_convolution  # noqa: F401 - its rules
from adjoint.differentiate import batch_custom as _batch_custom  # noqa: F401 - its rules
from adjoint.differentiate import batch_scipy as _batch_scipy  # noqa: F401 - its rules
from adjoint.differentiate import control as _control
from adjoint.differentiate import custom as _custom
from adjoint.differentiate import implicit as _implicit
from adjoint.differentiate import ivp as _ivp
from adjoint.differentiate.batch import batch_graph
from adjoint.differentiate.linearize import Linearized, jvp_graph, linearize
from adjoint.differentiate.replay import replay
from adjoint.differentiate.reverse import adjoint_graph, pullback_graph
from adjoint.differentiate.transpose import transpose

__all__ = [
    "Linearized",
    "adjoint_graph",
    "batch_graph",
    "jvp_graph",
    "linearize",
    "pullback_graph",
    "replay",
    "transpose",
]

_control.load()
_custom.load()
_implicit.load()
_ivp.load()
