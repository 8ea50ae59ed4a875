"""The root finders of scipy.optimize by their own names, where they meet recorded values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.api.scipy_optimize import minimize_scalar
from adjoint.api.solutions import checked, found, solution, start_type
from adjoint.api.solver_calls import MESSAGE, bound, first_of, function_of, no_more, wants
from adjoint.trace.scipy_gate import holds_traced, scipy_rule


def _zero(f: Callable[[Any], Any], start: Any, name: str, solve: Callable[..., Any]) -> Any:
    kind = start_type(start)
    return solution(f, found([f], kind, name, solve, start))


@scipy_rule("scipy.optimize.root", wanted=wants("root", "x0"))
def root(fun: Any, x0: Any, args: Any = (), method: str = "hybr", jac: Any = None, tol: Any = None,
         callback: Any = None, options: Any = None) -> Any:  # fmt: skip
    """Where a vector of functions is zero."""
    import scipy.optimize

    f = function_of(fun, args)
    if jac is True:
        f = first_of(f)
    x0 = x0 if holds_traced([x0]) else np.asarray(x0, float)

    def values(x: Any) -> Any:
        return np.reshape(np.stack(list(_rows(f(x)))), np.shape(x0))

    def solve(start: Any, value: Any) -> Any:
        result = scipy.optimize.root(value, start, method=method, tol=tol, options=options)
        return checked(result, "root")

    x = _zero(values, x0, "root", solve)
    return scipy.optimize.OptimizeResult(
        x=x, fun=values(x), success=True, status=1, message=MESSAGE, nfev=0
    )


def _rows(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


@scipy_rule("scipy.optimize.fsolve", wanted=wants("fsolve", "x0"))
def fsolve(*args: Any, **kwargs: Any) -> Any:
    """Where a vector of functions is zero, by its older name."""
    given = bound("fsolve", args, kwargs)
    no_more("fsolve", given)
    x0 = given["x0"]
    x0 = x0 if holds_traced([x0]) else np.atleast_1d(np.asarray(x0, float))
    return root(given["func"], x0, given["args"]).x


def _older_root(name: str) -> None:
    """Quasi-Newton methods by their own names."""

    @scipy_rule(f"scipy.optimize.{name}", wanted=wants(name, "xin"))
    def rule(*args: Any, **kwargs: Any) -> Any:
        import scipy.optimize

        given = bound(name, args, kwargs)
        f, start = given["F"], given["xin"]
        start = start if holds_traced([start]) else np.asarray(start, float)
        settings = {k: v for k, v in given.items() if k not in ("F", "xin", "callback")}
        run = getattr(scipy.optimize, name)
        return _zero(f, start, name, lambda at, value: run(value, at, **settings))


for _name in (
    "anderson", "broyden1", "broyden2", "diagbroyden", "excitingmixing", "linearmixing",
    "newton_krylov",
):  # fmt: skip
    _older_root(_name)


def _older_scalar(name: str, ends: bool) -> None:
    @scipy_rule(f"scipy.optimize.{name}", wanted=wants(name, "x1" if ends else "brack"))
    def rule(*args: Any, **kwargs: Any) -> Any:
        given = bound(name, args, kwargs)
        no_more(name, given)
        bounds = (given["x1"], given["x2"]) if ends else None
        method = "bounded" if ends else name
        return minimize_scalar(given["func"], given.get("brack"), bounds, given["args"], method).x


_older_scalar("fminbound", True)
_older_scalar("brent", False)
_older_scalar("golden", False)


def _bracketed(name: str) -> None:
    @scipy_rule(f"scipy.optimize.{name}", wanted=wants(name, "a"))
    def rule(*args: Any, **kwargs: Any) -> Any:
        import scipy.optimize

        given = bound(name, args, kwargs)
        no_more(name, given)
        g = function_of(given.pop("f"), given.pop("args"))
        ends = given.pop("a"), given.pop("b")

        def solve(low: Any, high: Any, value: Any) -> Any:
            run = getattr(scipy.optimize, name)
            return run(lambda v: float(value(v)), float(low), float(high), **given)

        return solution(g, found([g], start_type(0.0), name, solve, *ends))


for _name in ("brentq", "brenth", "bisect", "ridder", "toms748"):
    _bracketed(_name)


@scipy_rule("scipy.optimize.newton", wanted=wants("newton", "x0"))
def newton(*args: Any, **kwargs: Any) -> Any:
    """Where a function is zero; each element of x0 by itself."""
    import scipy.optimize

    given = bound("newton", args, kwargs)
    no_more("newton", given)
    g = function_of(given["func"], given["args"])
    x0 = given["x0"]
    x0 = x0 if holds_traced([x0]) else np.asarray(x0, float)[()]
    return _zero(g, x0, "newton", lambda at, value: scipy.optimize.newton(value, at))


@scipy_rule("scipy.optimize.root_scalar", wanted=wants("root_scalar", "bracket"))
def root_scalar(
    f: Any, args: Any = (), method: Any = None, bracket: Any = None, fprime: Any = None,
    fprime2: Any = None, x0: Any = None, x1: Any = None, xtol: Any = None, rtol: Any = None,
    maxiter: Any = None, options: Any = None,
) -> Any:  # fmt: skip
    """Where a function of one number is zero."""
    import scipy.optimize
    from scipy.optimize import RootResults

    g = function_of(f, args)
    ends = () if bracket is None else tuple(bracket)
    guesses = tuple(v for v in (x0, x1) if v is not None)

    def solve(*values: Any) -> Any:
        value, numbers = values[-1], [float(v) for v in values[:-1]]
        more: dict[str, Any] = {"bracket": numbers[: len(ends)]} if ends else {}
        more |= dict(zip(("x0", "x1"), numbers[len(ends) :], strict=False))
        chosen = "secant" if method in ("newton", "halley") else method
        result = scipy.optimize.root_scalar(
            lambda v: float(value(v)), method=chosen, xtol=xtol, rtol=rtol, maxiter=maxiter, **more
        )
        return result.root

    x = solution(g, found([g], start_type(0.0), "root_scalar", solve, *ends, *guesses))
    return RootResults(root=x, iterations=0, function_calls=0, flag=0, method=str(method))


@scipy_rule("scipy.optimize.fixed_point", wanted=wants("fixed_point", "x0"))
def fixed_point(*args: Any, **kwargs: Any) -> Any:
    """The x with ``x = func(x)``."""
    import scipy.optimize

    given = bound("fixed_point", args, kwargs)
    g = function_of(given.pop("func"), given.pop("args"))
    x0 = given.pop("x0")
    x0 = x0 if holds_traced([x0]) else np.asarray(x0, float)[()]

    def solve(at: Any, value: Any) -> Any:
        return scipy.optimize.fixed_point(value, at, **given)

    return solution(lambda v: g(v) - v, found([g], start_type(x0), "fixed_point", solve, x0))
