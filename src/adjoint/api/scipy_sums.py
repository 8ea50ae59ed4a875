"""scipy.integrate.tanhsinh, nsum and qmc_quad: SciPy's value, and derivatives of plain sums.

The integrand is smooth between its ends: Takahashi and Mori's sum at 513 points has its
derivatives to the last digits, and where its own value is not SciPy's that is said. A series has
its first terms, and Euler and Maclaurin's formula for the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.api.gradients import jvp
from adjoint.api.told import Untold
from adjoint.errors import ConvergenceError
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.scipy_integrate import refused, yields
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import as_operand, moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import scipy_rule

_STEP = 1 / 64
_FIRST = 128  # terms of an infinite series that are added one by one
_MOST = 1 << 16  # terms of a finite one


def _points(a: Any, b: Any) -> tuple[Any, Any]:
    """Places along a new last axis, and what the function counts for there."""
    t = np.arange(-256, 257) * _STEP
    s, c = 0.5 * np.pi * np.sinh(t), 0.5 * np.pi * np.cosh(t) * _STEP
    low, high = a[..., None], b[..., None]
    below, above = (np.isinf(stop_gradient(end)) for end in (low, high))
    sign = np.where(above, np.sign(stop_gradient(high)), -np.sign(stop_gradient(low)))
    low, high = np.where(below, 0.0, low), np.where(above, 0.0, high)
    share = 1 / (1 + np.exp(2 * np.abs(s)))  # of the way from the nearer end
    places = np.where(t < 0, low + (high - low) * share, high - (high - low) * share)
    weights = (high - low) * (2 * c * share * (1 - share))
    inside = (places != stop_gradient(low)) & (places != stop_gradient(high))
    places = np.where(inside, places, 0.5 * (low + high))
    weights = np.where(inside, weights, 0.0)
    both, one = below & above, below | above
    far = np.where(below, high - sign * np.exp(s), low + sign * np.exp(s))
    places = np.where(both, np.sinh(s), np.where(one, far, places))
    growing = sign * np.where(both, np.cosh(s), np.exp(s))
    return places, np.where(one, c * growing, weights)


def _integral(f: Callable[..., Any], a: Any, b: Any, args: tuple[Any, ...]) -> Any:
    places, weights = _points(a, b)
    values = floating(f(places, *[as_operand(v)[..., None] for v in args]))
    return np.sum(np.where(weights != 0, weights * values, 0.0), axis=-1)


def _plainly(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose recorded results are known, on plain numbers."""
    return lambda *xs: np.asarray(known_value(as_operand(f(*xs))))


_OUTSIDE = "the same call outside jit and vmap"


def _settled(name: str, moving: Any, given: tuple[Any, ...], solve: Callable[..., Any]) -> Any:
    """SciPy's result with derivatives; the sum alone where values are not known."""
    import scipy.optimize

    known = [known_value(as_operand(v)) for v in given]
    value = known_value(as_operand(moving))
    if value is None or any(v is None for v in known):
        public = f"scipy.integrate.{name}"
        told = {key: Untold(public, key, _OUTSIDE) for key in ("error", "nfev")}
        return scipy.optimize.OptimizeResult(integral=moving, success=True, status=0, **told)
    found = solve(*known)
    wanted = found.integral if "integral" in found else found.sum
    if not np.allclose(value, wanted, rtol=1e-6, atol=1e-8, equal_nan=True):
        raise ConvergenceError(
            "the derivatives of this cannot be taken at fixed points",
            function=f"scipy.integrate.{name}",
            remedy="split it where it is rough, or use quad",
        )
    found["integral" if "integral" in found else "sum"] = moved_as(wanted, moving)
    return found


def _wants(f: Any, a: Any, b: Any, *_: Any, args: Any = (), kwargs: Any = None, **__: Any) -> bool:
    f, args = _by_place(f, args, kwargs)
    middle = np.asarray(0.5 if np.any(np.isinf(a)) else a, float) + 0.5
    return yields(f, middle, *map(as_operand, args))


def _by_place(f: Any, args: Any, kwargs: Any) -> tuple[Any, tuple[Any, ...]]:
    """A function whose arguments are all given by place, and these; names came in SciPy 1.18."""
    args = tuple(args) if isinstance(args, list | tuple) else (args,)
    names = list(kwargs or ())
    if not names:
        return f, args
    count = len(args)

    def placed(x: Any, *rest: Any) -> Any:
        return f(x, *rest[:count], **dict(zip(names, rest[count:], strict=True)))

    return placed, (*args, *kwargs.values())


@scipy_rule("scipy.integrate.tanhsinh", wanted=_wants)
def tanhsinh(
    f: Any, a: Any, b: Any, *, args: Any = (), kwargs: Any = None, log: bool = False,
    **settings: Any,
) -> Any:  # fmt: skip
    """An integral of a function of arrays, element by element."""
    import scipy.integrate

    if log or settings.get("preserve_shape") or settings.get("callback"):
        raise refused("tanhsinh", "log, preserve_shape or callback", "quad_vec")
    f, args = _by_place(f, args, kwargs)
    a, b = as_operand(a), as_operand(b)
    moving = _integral(f, a, b, args)

    def solve(low: Any, high: Any, *rest: Any) -> Any:
        return scipy.integrate.tanhsinh(_plainly(f), low, high, args=rest, **settings)

    return _settled("tanhsinh", moving, (a, b, *args), solve)


@scipy_rule("scipy.integrate.nsum", wanted=_wants)
def nsum(
    f: Any, a: Any, b: Any, *, step: Any = 1, args: Any = (), kwargs: Any = None,
    log: bool = False, **settings: Any,
) -> Any:  # fmt: skip
    """A sum of a function over places at equal distances, perhaps infinitely many."""
    import scipy.integrate

    f, args = _by_place(f, args, kwargs)
    known = [known_value(v) for v in (a, b, step)]
    if log or any(v is None or np.ndim(v) for v in known) or np.isinf(known[0]):
        raise refused("nsum", "log, recorded or several ends, or a lower end at infinity", "np.sum")
    low, high, gap = (float(v) for v in known)
    rows = [as_operand(v)[..., None] for v in args]

    def at(x: Any) -> Any:
        return floating(f(x, *rows))

    if np.isinf(high):
        end = np.reshape(low + gap * _FIRST, (1,))
        tail, slope, third = at(end), _slope(at, end, 1), _slope(at, end, 3)
        rest = _integral(f, end[0], np.asarray(np.inf), args) / gap
        left = tail / 2 - gap * slope / 12 + gap**3 * third / 720
        moving = np.sum(at(low + gap * np.arange(_FIRST)), axis=-1) + rest + left[..., 0]
    else:
        count = int(np.floor((high - low) / gap)) + 1
        if count > _MOST:
            raise refused("nsum", f"more than {_MOST} terms", "an infinite end")
        moving = np.sum(at(low + gap * np.arange(max(count, 0))), axis=-1)

    def solve(*rest: Any) -> Any:
        return scipy.integrate.nsum(_plainly(f), low, high, step=gap, args=rest, **settings)

    found = _settled("nsum", moving, args, solve)
    if "sum" not in found:
        found["sum"] = found.pop("integral")
    return found


def _slope(f: Callable[[Any], Any], x: Any, order: int) -> Any:
    """A derivative of a function of single places."""
    if order == 0:
        return f(x)
    return jvp(lambda v: _slope(f, v, order - 1), (x,), (np.ones_like(x),))[1]


def _wants_box(func: Any, a: Any, b: Any, *_: Any, **__: Any) -> bool:
    return yields(func, 0.5 * (np.atleast_1d(np.asarray(a, float)) + np.asarray(b, float)))


@scipy_rule("scipy.integrate.qmc_quad", wanted=_wants_box)
def qmc_quad(
    func: Any, a: Any, b: Any, *, n_estimates: int = 8, n_points: int = 1024, qrng: Any = None,
    log: bool = False,
) -> Any:  # fmt: skip
    """The mean over a box, at the places that SciPy draws in it."""
    import scipy.integrate
    import scipy.optimize

    if log:
        raise refused("qmc_quad", "log=True", "log=False")
    low, high = np.broadcast_arrays(*(np.atleast_1d(floating(v)) for v in (a, b)))
    size = np.prod(high - low) / n_points  # with SciPy's sign for limits in the other order
    low, high = np.minimum(low, high), np.maximum(low, high)
    drawn: list[Any] = []

    def look(x: Any) -> Any:
        if np.shape(x) == (low.shape[0], n_points):
            drawn.append(np.array(x))
        return np.zeros(np.shape(x)[1:])

    unit = np.zeros(low.shape[0]), np.ones(low.shape[0])
    settings = {"n_estimates": n_estimates, "n_points": n_points, "qrng": qrng}
    scipy.integrate.qmc_quad(look, *unit, **settings)
    places = [low[:, None] + (high - low)[:, None] * x for x in drawn[-n_estimates:]]
    estimates = np.stack([np.sum(floating(func(x)) * size) for x in places])
    mean = np.mean(estimates)
    error = np.std(estimates, ddof=1) / np.sqrt(n_estimates)
    return scipy.optimize.OptimizeResult(integral=mean, standard_error=error)
