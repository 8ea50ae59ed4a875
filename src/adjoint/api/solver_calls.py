"""How calls of scipy.optimize's solvers are read, and when they meet recorded values."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.api.solutions import as_tuple, refuse, yields_recorded
from adjoint.trace.scipy_gate import holds_traced

MESSAGE = "found by SciPy on plain numbers, differentiated by its equation"


def bound(name: str, args: Any, kwargs: Any) -> dict[str, Any]:
    """The arguments of a call by SciPy's own names, defaults included."""
    import scipy.optimize

    call = inspect.signature(getattr(scipy.optimize, name)).bind(*args, **kwargs)
    call.apply_defaults()
    given = dict(call.arguments)
    for parameter in call.signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            given |= given.pop(parameter.name)
    return given


def middle(bounds: Any) -> Any:
    """A point between bounds, to ask a function whether it gives recorded values."""
    sides = (bounds.lb, bounds.ub) if hasattr(bounds, "lb") else np.asarray(bounds, float).T
    return 0.5 * (np.asarray(sides[0], float) + np.asarray(sides[1], float))


def wants(name: str, start: str) -> Callable[..., bool]:
    """Whether the function that a solver is given depends on recorded values."""

    def wanted(*args: Any, **kwargs: Any) -> bool:
        try:
            given = bound(name, args, kwargs)
            f = given[next(iter(given))]
            at = given[start]
            if start == "bounds":
                at = middle(at)
            elif start in ("bracket", "brack"):
                at = 1.0 if at is None else np.ravel(at)[0]
                at = given.get("x0") if given.get("x0") is not None else at
            if np.iscomplexobj(at):
                if yields_recorded(f, at, given.get("args", ())):
                    raise refuse(name, "a complex unknown", "its real and imaginary part")
                return False
            at = at if holds_traced([at]) else np.asarray(at, float)[()]
        except (TypeError, ValueError, IndexError):
            return False  # SciPy will say what is wrong with its arguments
        return yields_recorded(f, at, given.get("args", ()))

    return wanted


def no_more(name: str, given: dict[str, Any]) -> None:
    """Refuse the older functions' further results."""
    if given.get("full_output") or given.get("retall"):
        raise refuse(name, "full_output", "SciPy's newer functions: minimize, root, root_scalar")


def first_of(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The value of a function that gives its gradient too."""
    return lambda x: f(x)[0]


def function_of(f: Any, extra: Any) -> Callable[[Any], Any]:
    """A function of the unknowns alone, with SciPy's ``args`` bound."""
    rest = as_tuple(extra)
    return lambda x: f(x, *rest)
