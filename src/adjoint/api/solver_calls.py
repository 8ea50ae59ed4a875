"""How calls of scipy.optimize's solvers are read, and when they meet recorded values."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.api.solutions import as_tuple, bounds_move, refuse, start_of, yields_recorded

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


class Untold:
    """What a solver's path leaves behind in the place of a result: whatever is done with it raises.

    Approximations of inverse Hessians and the like depend on the steps that SciPy took: they have
    no derivative, and to let them pass as constants would be a silent zero.
    """

    def __init__(self, name: str, what: str, remedy: str) -> None:
        vars(self)["_said"] = name, what, remedy

    def __repr__(self) -> str:
        return f"<{self._said[1]}: not differentiable>"

    def _raise(self, *_: Any, **__: Any) -> Any:
        name, what, remedy = self._said
        raise refuse(name, f"{what}, which the steps of the solver leave behind,", remedy)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._raise()

    __array__ = __array_ufunc__ = __array_function__ = __getitem__ = __len__ = __iter__ = _raise
    __float__ = __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _raise
    __matmul__ = __rmatmul__ = __truediv__ = __rtruediv__ = __pow__ = __neg__ = _raise


_HESSIAN = "np.linalg.inv(ad.hessian(f)(x)) of the x that was found"
_JACOBIAN = "ad.jacobian(f)(x) of the x that was found"


def inverse_hessian(name: str) -> Untold:
    """In the place of a method's approximation."""
    return Untold(name, "the inverse Hessian", _HESSIAN)


def factored_jacobian(name: str, *keys: str) -> dict[str, Untold]:
    """In the places of a Jacobian's factors in MINPACK's dict."""
    return {key: Untold(name, f"infodict[{key!r}]", _JACOBIAN) for key in keys}


def no_path(name: str, given: dict[str, Any]) -> None:
    """Refuse the steps that a solver took."""
    if given.get("retall"):
        raise refuse(name, "retall, the steps taken,", "callback=, outside the recorded function")


def with_results(name: str, root: Any, given: dict[str, Any]) -> Any:
    """A root of a function of one number, and what is told about it if that is asked for."""
    if not given.get("full_output"):
        return root
    from scipy.optimize import RootResults

    return root, RootResults(root, iterations=0, function_calls=0, flag=0, method=name)


def first_of(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The value of a function that gives its gradient too."""
    return lambda x: f(x)[0]


def function_of(f: Any, extra: Any) -> Callable[[Any], Any]:
    """A function of the unknowns alone, with SciPy's ``args`` bound."""
    rest = as_tuple(extra)
    return lambda x: f(x, *rest)
