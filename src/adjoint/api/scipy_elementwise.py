"""scipy.differentiate and scipy.optimize.elementwise on recorded values.

SciPy works on plain numbers, on many elements at once. A derivative that it approximates moves as
the derivative itself, and a root or a minimum by the equation that it satisfies. The brackets that
it has searched are places that it chose: they stay, and values there move with the function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.api.gradients import jvp
from adjoint.api.solutions import solution
from adjoint.api.told import Untold
from adjoint.trace.calls.scipy_integrate import yields
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import as_operand, moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import holds_traced, scipy_rule
from adjoint.trace.without_rule import no_rule

Function = Callable[..., Any]


def _on_numbers(f: Function) -> Function:
    """A function whose recorded results are known, on plain numbers."""
    return lambda *xs: known_value(as_operand(f(*xs)))


def _given(args: Any) -> tuple[Any, ...]:
    return tuple([as_operand(v) for v in (args if isinstance(args, tuple) else (args,))])


def _named(f: Function, settings: dict[str, Any]) -> Function:
    """A function with the arguments that it is given by name, since SciPy 1.18."""
    named = settings.pop("kwargs", None)
    return (lambda *xs: f(*xs, **named)) if named else f


def _wants(f: Any, x: Any, *_: Any, args: Any = (), **__: Any) -> bool:
    if getattr(f, "__module__", "") == "scipy.differentiate._differentiate":
        return False  # hessian counts how often jacobian calls it
    first = x[0] if isinstance(x, tuple) else x
    try:
        return yields(f, np.asarray(first, float), *_given(args))
    except (TypeError, ValueError, IndexError):
        return False  # SciPy will say what is wrong


def _known(name: str, *given: Any) -> list[Any]:
    """The numbers behind what SciPy is given."""
    values = [known_value(x) if holds_traced([x]) else x for x in given]
    if any(v is None and x is not None for v, x in zip(values, given, strict=True)):
        raise no_rule(
            name, "a search whose number of steps values decide, where they are not known,",
            remedy="call it outside jit and vmap, or take brentq or minimize_scalar for each",
        )  # fmt: skip
    return values


# *** derivatives ***


def _slope(f: Function, x: Any) -> Any:
    """Of a function of elements."""
    return jvp(lambda v: floating(f(v)), (x,), (np.ones_like(x),))[1]


def _columns(f: Function, x: Any) -> Any:
    """Of a function of vectors along the first axis: one column for each of their elements."""
    found = []
    for k in range(x.shape[0]):
        along = np.zeros_like(x)
        along[k] = 1.0
        found.append(jvp(lambda v: floating(f(v)), (x,), (along,))[1])
    return found


def _derivative(name: str, field: str, exact: Callable[[Function, Any], Any]) -> None:
    public = f"scipy.differentiate.{name}"

    @scipy_rule(public, wanted=_wants)
    def rule(f: Function, x: Any, *, args: Any = (), **settings: Any) -> Any:
        import scipy.differentiate
        import scipy.optimize

        f, args, x = _named(f, settings), _given(args), floating(x)
        moving = exact(lambda v: f(v, *args), x)
        if name == "derivative":
            settings["args"] = tuple(known_value(v) for v in args)
        values = [known_value(v) for v in (x, moving, *settings.get("args", ()))]
        if any(v is None for v in values):
            of_steps = ("error", "nfev", "nit") if name == "derivative" else ("error", "nfev")
            told = {key: Untold(public, key, "the same call outside jit") for key in of_steps}
            found = {field: moving, "success": True, "status": 0, **told}
            return scipy.optimize.OptimizeResult(found)
        settings = {k: known_value(v) for k, v in settings.items()}
        found = getattr(scipy.differentiate, name)(_on_numbers(f), values[0], **settings)
        found[field] = moved_as(found[field], np.broadcast_to(moving, found[field].shape))
        if "x" in found:
            found["x"] = moved_as(found["x"], np.broadcast_to(x, np.shape(found["x"])))
        return found


_derivative("derivative", "df", _slope)


def _jacobian(f: Function, x: Any) -> Any:
    """Rows for the results, if there are several, and columns for the elements."""
    columns = _columns(f, x)
    return np.stack(columns, axis=int(columns[0].ndim == x.ndim))


_derivative("jacobian", "df", _jacobian)
_derivative(
    "hessian", "ddf",
    lambda f, x: np.stack([
        np.stack(_columns(lambda v, k=k: _columns(f, v)[k], x), axis=0) for k in range(x.shape[0])
    ]),
)  # fmt: skip


# *** roots and minima ***


def _searched(name: str, equation: Callable[[Function, Any], Any]) -> None:
    public = f"scipy.optimize.elementwise.{name}"

    @scipy_rule(public, wanted=_wants)
    def rule(f: Function, init: Any, /, *, args: Any = (), **settings: Any) -> Any:
        import scipy.optimize.elementwise as elementwise

        f, args = _named(f, settings), _given(args)
        ends, numbers = _known(public, *init), tuple(_known(public, *args))
        _known(public, f(np.asarray(ends[0], float), *args))
        found = getattr(elementwise, name)(_on_numbers(f), tuple(ends), args=numbers, **settings)
        right, start = np.asarray(found.success), np.asarray(found.x, float)
        start = np.where(right, start, 0.0)

        def residual(v: Any) -> Any:
            gap = equation(lambda x: f(x, *args), np.where(right, v, found.x))
            return np.where(right, gap, v - start)

        x = moved_as(found.x, solution(residual, start))
        found.x, found.f_x = x, moved_as(found.f_x, floating(f(x, *args)))
        for field in ("bracket", "f_bracket"):
            told = Untold(name, field, "the root or minimum itself, or bracket_root")
            found[field] = tuple(told for _ in found[field])
        return found


_searched("find_root", lambda f, x: floating(f(x)))
_searched("find_minimum", _slope)


def _bracketing(name: str) -> None:
    public = f"scipy.optimize.elementwise.{name}"

    @scipy_rule(public, wanted=_wants)
    def rule(f: Function, start: Any, *rest: Any, args: Any = (), **settings: Any) -> Any:
        import scipy.optimize.elementwise as elementwise

        f, args = _named(f, settings), _given(args)
        limits = _known(public, *settings.values())
        settings = dict(zip(settings, limits, strict=True))
        if holds_traced([start, *rest]):
            raise no_rule(public, "recorded places to begin at", remedy="ad.stop_gradient(x)")
        numbers = tuple(_known(public, *args))
        _known(public, f(np.asarray(start, float), *args))
        found = getattr(elementwise, name)(_on_numbers(f), start, *rest, args=numbers, **settings)
        found.f_bracket = tuple(
            moved_as(value, floating(f(np.asarray(x), *args)))
            for x, value in zip(found.bracket, found.f_bracket, strict=True)
        )
        return found


_bracketing("bracket_root")
_bracketing("bracket_minimum")
