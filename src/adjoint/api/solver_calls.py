"""How calls of scipy.optimize's solvers are read, and when they meet recorded values."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.api.solutions import as_tuple, bounds_move, refuse, start_of, yields_recorded


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


_OF_NUMBERS = ("newton", "fixed_point")  # whose x0 may be a number


def wants(name: str, start: str) -> Callable[..., bool]:
    """Whether the function that a solver is given depends on recorded values."""

    def wanted(*args: Any, **kwargs: Any) -> bool:
        try:
            given = bound(name, args, kwargs)
            f = given[next(iter(given))]
            at = given[start]
            if bounds_move(given.get("bounds")):
                return callable(f)
            if start == "bounds":
                at = middle(at)
            elif start in ("bracket", "brack"):
                at = 1.0 if at is None else np.ravel(at)[0]
                at = given.get("x0") if given.get("x0") is not None else at
            local = given.get("minimizer_kwargs") or {}  # of basinhopping
            extra = local.get("args", given.get("args", ()))
            if np.iscomplexobj(at):
                if yields_recorded(f, at, extra):
                    raise refuse(name, "a complex unknown", "its real and imaginary part")
                return False
            at = start_of(at)[()]
            at = np.atleast_1d(at) if start == "x0" and name not in _OF_NUMBERS else at
        except (TypeError, ValueError, IndexError):
            return False  # SciPy will say what is wrong with its arguments
        return yields_recorded(f, at, extra)

    return wanted


def no_path(name: str, given: dict[str, Any]) -> None:
    """Refuse the steps that a solver took."""
    if given.get("retall"):
        raise refuse(name, "retall, the steps taken,", "callback=, outside the recorded function")


def first_of(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The value of a function that gives its gradient too."""
    return lambda x: f(x)[0]


def function_of(f: Any, extra: Any) -> Callable[[Any], Any]:
    """A function of the unknowns alone, with SciPy's ``args`` bound."""
    rest = as_tuple(extra)
    return lambda x: f(x, *rest)
