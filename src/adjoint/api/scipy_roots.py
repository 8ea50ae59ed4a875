"""The root finders of scipy.optimize by their own names, where they meet recorded values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from adjoint.api.scipy_optimize import minimize_scalar
from adjoint.api.solutions import checked, found, solution, start_of, start_type
from adjoint.api.solver_calls import bound, first_of, function_of, wants
from adjoint.api.told import Told, factored_jacobian, root_results
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
    x0 = start_of(x0)
    if method in ("hybr", "lm"):
        x0 = np.ravel(x0)

    told = Told("root")

    def values(x: Any) -> Any:
        return np.reshape(np.stack(list(_rows(f(x)))), np.shape(x0))

    def solve(start: Any, value: Any) -> Any:
        result = scipy.optimize.root(value, start, method=method, tol=tol, options=options)
        return checked(told.keep(result), "root")

    x = _zero(values, x0, "root", solve)
    return told.result(("nfev",), x=x, fun=values(x))


def _rows(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


@scipy_rule("scipy.optimize.fsolve", wanted=wants("fsolve", "x0"))
def fsolve(*args: Any, **kwargs: Any) -> Any:
    """Where a vector of functions is zero, by its older name."""
    given = bound("fsolve", args, kwargs)
    x0 = given["x0"]
    x0 = np.atleast_1d(start_of(x0))
    result = root(given["func"], x0, given["args"])
    if not given["full_output"]:
        return result.x
    told = {
        "nfev": result.nfev,
        "fvec": result.fun,
        **factored_jacobian("fsolve", "fjac", "r", "qtf"),
    }
    return result.x, told, 1, "The solution converged."


def _older_root(name: str) -> None:
    """Quasi-Newton methods by their own names."""

    @scipy_rule(f"scipy.optimize.{name}", wanted=wants(name, "xin"))
    def rule(*args: Any, **kwargs: Any) -> Any:
        import scipy.optimize

        given = bound(name, args, kwargs)
        f, start = given["F"], given["xin"]
        start = start_of(start)
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
        bounds = (given["x1"], given["x2"]) if ends else None
        method = "bounded" if ends else name
        best = minimize_scalar(given["func"], given.get("brack"), bounds, given["args"], method)
        if not given["full_output"]:
            return best.x
        flag = 0  # a search that has not ended well raises
        counts = {"fminbound": (flag, best.nfev), "brent": (best.nit, best.nfev)}
        return best.x, best.fun, *counts.get(name, (best.nfev,))


_older_scalar("fminbound", True)
_older_scalar("brent", False)
_older_scalar("golden", False)


def _bracketed(name: str) -> None:
    @scipy_rule(f"scipy.optimize.{name}", wanted=wants(name, "a"))
    def rule(*args: Any, **kwargs: Any) -> Any:
        import scipy.optimize

        given = bound(name, args, kwargs)
        asked, told = given.pop("full_output"), Told(name)
        g = function_of(given.pop("f"), given.pop("args"))
        ends = given.pop("a"), given.pop("b")

        def solve(low: Any, high: Any, value: Any) -> Any:
            run = getattr(scipy.optimize, name)
            ends = float(low), float(high)
            return _kept(told, run(lambda v: float(value(v)), *ends, full_output=True, **given))

        root = solution(g, found([g], start_type(0.0), name, solve, *ends))
        return (root, root_results(name, root, told)) if asked else root


for _name in ("brentq", "brenth", "bisect", "ridder", "toms748"):
    _bracketed(_name)


@scipy_rule("scipy.optimize.newton", wanted=wants("newton", "x0"))
def newton(*args: Any, **kwargs: Any) -> Any:
    """Where a function is zero; each element of x0 by itself."""
    import scipy.optimize

    given = bound("newton", args, kwargs)
    g = function_of(given["func"], given["args"])
    slopes = _slopes(given["fprime"], given["fprime2"], given["args"])
    guesses = [x if x is None or holds_traced([x]) else np.asarray(x, float)[()]
               for x in (given["x0"], given["x1"])]  # fmt: skip
    settings = {k: given[k] for k in ("tol", "maxiter", "rtol")}
    told = Told("newton")

    def solve(at: Any, *rest: Any) -> Any:
        other, value, *given_slopes = rest if guesses[1] is not None else (None, *rest)
        more = dict(zip(slopes, given_slopes, strict=True))
        more["full_output"] = np.ndim(at) == 0
        found = scipy.optimize.newton(value, at, x1=other, **more, **settings)
        return _kept(told, found) if more["full_output"] else found

    start = [x for x in guesses if x is not None]
    x = found([g, *slopes.values()], start_type(start[0]), "newton", solve, *start)
    root = solution(g, x)
    if not given["full_output"]:
        return root
    if not np.ndim(root):
        return root, root_results("newton", root, told)
    right = np.ones(np.shape(root), bool)
    return _Converged(root, right, ~right)


def _kept(told: Told, found: tuple[Any, Any]) -> Any:
    root, results = found
    told.keep(results)
    return root


class _Converged(NamedTuple):
    """What newton tells of several roots."""

    root: Any
    converged: Any
    zero_der: Any


def _giving_floats(f: Callable[[Any], Any]) -> Callable[[Any], float]:
    return lambda v: float(f(v))


def _slopes(fprime: Any, fprime2: Any, extra: Any) -> dict[str, Callable[[Any], Any]]:
    """The slopes that a search was given: with others it may end at another root."""
    given = {"fprime": fprime, "fprime2": fprime2}
    return {name: function_of(f, extra) for name, f in given.items() if callable(f)}


@scipy_rule("scipy.optimize.root_scalar", wanted=wants("root_scalar", "bracket"))
def root_scalar(
    f: Any, args: Any = (), method: Any = None, bracket: Any = None, fprime: Any = None,
    fprime2: Any = None, x0: Any = None, x1: Any = None, xtol: Any = None, rtol: Any = None,
    maxiter: Any = None, options: Any = None,
) -> Any:  # fmt: skip
    """Where a function of one number is zero."""
    import scipy.optimize

    g, told = function_of(f, args), Told("root_scalar")
    slopes = _slopes(fprime, fprime2, args)
    if not callable(fprime) and fprime:  # f gives its slopes as well
        slopes["fprime"] = function_of(lambda x, *rest: f(x, *rest)[1], args)
        if fprime2 and not callable(fprime2):
            slopes["fprime2"] = function_of(lambda x, *rest: f(x, *rest)[2], args)
        g = first_of(g)
    ends = () if bracket is None else tuple(bracket)
    guesses = tuple(v for v in (x0, x1) if v is not None)

    def solve(*values: Any) -> Any:
        count = len(ends) + len(guesses)
        numbers = [float(v) for v in values[:count]]
        value, *given = [_giving_floats(f) for f in values[count:]]
        more: dict[str, Any] = {"bracket": numbers[: len(ends)]} if ends else {}
        more |= dict(zip(("x0", "x1"), numbers[len(ends) :], strict=False))
        more |= dict(zip(slopes, given, strict=True))
        result = scipy.optimize.root_scalar(
            value, method=method, xtol=xtol, rtol=rtol, maxiter=maxiter, **more
        )
        return told.keep(result).root

    at = [*ends, *guesses]
    x = solution(g, found([g, *slopes.values()], start_type(0.0), "root_scalar", solve, *at))
    return root_results(str(method), x, told)


@scipy_rule("scipy.optimize.fixed_point", wanted=wants("fixed_point", "x0"))
def fixed_point(*args: Any, **kwargs: Any) -> Any:
    """The x with ``x = func(x)``."""
    import scipy.optimize

    given = bound("fixed_point", args, kwargs)
    g = function_of(given.pop("func"), given.pop("args"))
    x0 = given.pop("x0")
    x0 = start_of(x0)[()]

    def solve(at: Any, value: Any) -> Any:
        return scipy.optimize.fixed_point(value, at, **given)

    return solution(lambda v: g(v) - v, found([g], start_type(x0), "fixed_point", solve, x0))
