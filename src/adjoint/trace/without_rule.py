"""What is said of functions, options and forms that have no rule."""

from __future__ import annotations

from collections.abc import Callable

from adjoint.errors import UnsupportedError
from adjoint.graph.source import source_here

_STEPPERS = ["ode", "complex_ode", "RungeKutta", "DOP853", "Radau", "BDF", "LSODA"]
_SOLVER = "scipy.integrate.solve_ivp(f, span, y0, method=, t_eval=)"

# What is nearest to functions without a rule, and to the methods of classes without one.
_NEAREST = {
    **dict.fromkeys(
        [f"scipy.integrate.{name}" for name in _STEPPERS],
        _SOLVER,
    ),
}


def _nearest(function: str) -> str | None:
    """The name of what to call instead, for a function or the class that a method is of."""
    return _NEAREST.get(function) or _NEAREST.get(function.rpartition(".")[0])


def no_rule(
    function: str, what: str | None = None, wanted: str | None = None, remedy: str | None = None
) -> UnsupportedError:
    """The error for what has no rule: the function itself, if nothing of it is named."""
    return UnsupportedError(
        f"{what or function} has no rule for arrays under recording",
        function=function,
        source=source_here(),
        wanted=wanted or _nearest(function),
        remedy=remedy,
    )


def refusing(module: str, remedy: str | None = None) -> Callable[..., UnsupportedError]:
    """The same for functions of a module: ``refused(function, what, wanted=None)``."""

    def refused(function: str, what: str, wanted: str | None = None) -> UnsupportedError:
        return no_rule(f"{module}.{function}", what, wanted, remedy)

    return refused
