"""scipy.integrate on stand-in arrays: sampled and adaptive integrals, differential equations."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.errors import ConcreteValueError, UnsupportedError
from adjoint.graph.graph import Graph
from adjoint.graph.source import source_here
from adjoint.graph.types import ArrayType
from adjoint.primitives.choose import stop_gradient
from adjoint.primitives.ivp import ivp
from adjoint.trace.borrow_scipy import borrow_names
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import as_operand
from adjoint.trace.indexing import concrete_value
from adjoint.trace.record import Recording, record_graph
from adjoint.trace.scipy_gate import holds_traced, scipy_rule

_NUMBER = ArrayType((), np.dtype(np.float64))


def refused(function: str, what: str, wanted: str | None = None) -> UnsupportedError:
    """The error for what has no rule."""
    return UnsupportedError(
        f"{what} has no rule for arrays under recording",
        function=f"scipy.integrate.{function}",
        source=source_here(),
        wanted=wanted,
    )


def known(x: Any) -> Any:
    """The value of a stand-in, or None; anything else as it is."""
    return concrete_value(x) if hasattr(x, "recorder") else x


# *** integrals of samples ***


@scipy_rule("scipy.integrate.trapezoid")
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """By trapezia."""
    return np.trapezoid(floating(y), x, dx, axis)


def _spacing(y: Any, x: Any, dx: Any, axis: int) -> tuple[Any, Any]:
    """The samples with the axis last, and the steps between them."""
    y = np.moveaxis(floating(y), axis, -1)
    if x is None:
        return y, dx + np.zeros(y.shape[-1] - 1, y.dtype)
    x = floating(x)
    return y, np.diff(x if x.ndim == 1 else np.moveaxis(x, axis, -1), axis=-1)


def _safe(top: Any, bottom: Any) -> Any:
    zero = bottom == 0
    return np.where(zero, 0, top / np.where(zero, 1, bottom))


@scipy_rule("scipy.integrate.simpson")
def simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    """By parabolas; with an even number of samples the last interval by Cartwright's formula."""
    y, h = _spacing(y, x, dx, axis)
    n = y.shape[-1]
    if n == 2:
        return 0.5 * h[..., 0] * (y[..., 0] + y[..., 1])
    odd = n if n % 2 else n - 1
    a, b = h[..., 0 : odd - 1 : 2], h[..., 1 : odd - 1 : 2]
    left, middle, right = y[..., 0 : odd - 2 : 2], y[..., 1:odd:2], y[..., 2:odd:2]
    total = a + b
    ratio = _safe(a, b)
    parts = total / 6 * (
        left * (2 - _safe(1, ratio)) + middle * (total * _safe(total, a * b)) + right * (2 - ratio)
    )  # fmt: skip
    value = np.sum(parts, axis=-1)
    if n % 2 == 0:
        a, b = h[..., -2], h[..., -1]
        alpha = _safe(2 * b**2 + 3 * a * b, 6 * (a + b))
        beta = _safe(b**2 + 3 * a * b, 6 * a)
        eta = _safe(b**3, 6 * a * (a + b))
        value = value + alpha * y[..., -1] + beta * y[..., -2] - eta * y[..., -3]
    return value


@scipy_rule("scipy.integrate.cumulative_trapezoid")
def cumulative_trapezoid(
    y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None
) -> Any:
    """Running sums of trapezia."""
    y, h = _spacing(y, x, dx, axis)
    sums = np.cumsum(h * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)
    if initial is not None:
        start = np.zeros_like(y[..., :1]) + initial
        sums = np.concatenate([start, sums], axis=-1)
    return np.moveaxis(sums, -1, axis)


borrow_names("scipy.integrate", "cumulative_simpson")


@scipy_rule("scipy.integrate.romb")
def romb(y: Any, dx: Any = 1.0, axis: int = -1, show: bool = False) -> Any:
    """Romberg's sums, which are linear in the samples."""
    import scipy.integrate

    y = np.moveaxis(floating(y), axis, -1)
    return (y @ scipy.integrate.romb(np.eye(y.shape[-1]), dx=1.0, axis=-1)) * dx


@scipy_rule("scipy.integrate.fixed_quad", wanted=lambda func, a, b, args=(), n=5: yields(func, a))
def fixed_quad(func: Any, a: Any, b: Any, args: Any = (), n: int = 5) -> Any:
    """By Gauss points, on which the function is called once."""
    points, weights = np.polynomial.legendre.leggauss(n)
    y = (b - a) * (points + 1) / 2.0 + a
    return (b - a) / 2.0 * np.sum(weights * func(y, *args), axis=-1), None


def tuple_of(args: Any) -> tuple[Any, ...]:
    """SciPy's ``args``: one value may stand for a tuple of it."""
    return args if isinstance(args, tuple) else (args,)


def yields(func: Any, *arguments: Any) -> bool:
    """Whether a function gives recorded values for plain arguments."""
    if not callable(func):
        return False
    try:
        return holds_traced([func(*arguments)])
    except ConcreteValueError:
        return True


# *** differential equations ***


def recorded(function: Callable[..., Any], types: list[ArrayType], name: str) -> Recording:
    """A function of numbers, recorded once."""
    return record_graph(function, types, tree.structure((0.0,) * len(types)), name)


@lru_cache(maxsize=128)
def _known_graph(graph: Graph) -> Graph:
    """The first graph equal to this one, with the programs that were made for it."""
    return graph


def _slope_graph(fun: Callable[[Any, Any], Any], n: int, name: str) -> Recording:
    """The right-hand side, recorded once."""
    state = ArrayType((n,), np.dtype(np.float64))

    def slope(t: Any, y: Any) -> Any:
        value = floating(fun(t, y))
        if value.dtype.kind == "c":
            raise refused(name, "a complex state")
        return np.reshape(value, (n,)).astype(np.float64)

    try:
        recording = recorded(slope, [_NUMBER, state], name)
        return recording._replace(graph=_known_graph(recording.graph))
    except ConcreteValueError as error:
        error.remedy = "the right-hand side is recorded once: use np.where or ad.cond for branches"
        raise


def _hashable(value: Any) -> Any:
    return tuple(value.tolist()) if isinstance(value, np.ndarray) and value.ndim else value


def _start(y0: Any, name: str) -> Any:
    y0 = np.atleast_1d(floating(y0))
    if y0.dtype.kind == "c":
        raise refused(name, "a complex state")
    return y0.astype(np.float64)


def _wants_ivp(fun: Any, t_span: Any, y0: Any, method: Any = "RK45", t_eval: Any = None,
               dense_output: bool = False, events: Any = None, vectorized: bool = False,
               args: Any = None, **_: Any) -> bool:  # fmt: skip
    return yields(fun, float(t_span[0]), np.atleast_1d(np.asarray(y0, float)), *(args or ()))


@scipy_rule("scipy.integrate.solve_ivp", wanted=_wants_ivp)
def solve_ivp(
    fun: Any, t_span: Any, y0: Any, method: Any = "RK45", t_eval: Any = None,
    dense_output: bool = False, events: Any = None, vectorized: bool = False, args: Any = None,
    **options: Any,
) -> Any:  # fmt: skip
    """SciPy's solution; its derivatives are differential equations, solved by SciPy too."""
    from scipy.integrate._ivp.ivp import OdeResult

    if events is not None or not isinstance(method, str):
        raise refused(
            "solve_ivp",
            "events= or a method of one's own",
            "for an event the time t with g(sol(t)) = 0, by ad.root and dense_output=True",
        )
    for name in ("jac", "jac_sparsity", "lband", "uband"):
        options.pop(name, None)  # they only serve speed
    extra = tuple_of(args) if args is not None else ()
    start = _start(y0, "solve_ivp")
    recording = _slope_graph(lambda t, y: fun(t, y, *extra), start.shape[0], "solve_ivp")
    t0, t1 = (as_operand(t).astype(np.float64) for t in t_span)
    settings = {"solver": "solve_ivp", "method": method, **options}
    key = tuple(sorted((k, _hashable(v)) for k, v in settings.items()))
    if t_eval is None:
        ts = _accepted(recording, start, t0, t1, {"method": method, **options})
    else:
        ts = as_operand(t_eval).astype(np.float64)
    (rows,) = ivp(start, t0, t1, ts, *recording.captured, graph=recording.graph, options=key)
    sol = Solution(start, t0, t1, recording, key) if dense_output else None
    return OdeResult(
        t=ts, y=np.swapaxes(rows, 0, 1), sol=sol, t_events=None, y_events=None, nfev=0, njev=0,
        nlu=0, status=0, success=True,
        message="The solver successfully reached the end of the integration interval.",
    )  # fmt: skip


class Solution:
    """The solution at any times: solved again to there, not SciPy's polynomials between steps."""

    def __init__(self, start: Any, t0: Any, t1: Any, recording: Recording, options: Any) -> None:
        self.start, self.t0, self.t1 = start, t0, t1
        self.recording, self.options = recording, options

    def __call__(self, t: Any) -> Any:
        """The state: one column for each time, in any order."""
        t = as_operand(t).astype(np.float64)
        times = np.reshape(t, (-1,))
        ahead = np.where(stop_gradient(self.t1) >= stop_gradient(self.t0), 1.0, -1.0)
        order = np.argsort(ahead * stop_gradient(times))
        given = (self.start, self.t0, self.t1, times[order], *self.recording.captured)
        (rows,) = ivp(*given, graph=self.recording.graph, options=self.options)
        return np.reshape(np.swapaxes(rows[np.argsort(order)], 0, 1), (-1, *t.shape))


def _accepted(recording: Recording, start: Any, t0: Any, t1: Any, options: dict[str, Any]) -> Any:
    """The times that SciPy steps on; the first and the last move with the span."""
    import scipy.integrate

    from adjoint.graph.evaluate import program_of

    values = [known(x) for x in (start, t0, t1, *recording.captured)]
    if any(v is None for v in values):
        raise refused("solve_ivp", "t_eval=None inside jit or vmap", "t_eval=np.linspace(...)")
    y0, first, last, *theta = values
    run = program_of(recording.graph)
    found = scipy.integrate.solve_ivp(
        lambda t, y: run([np.float64(t), y, *theta])[0], (float(first), float(last)), y0, **options
    )
    inner = found.t[1:-1]
    return np.concatenate([np.reshape(t0, (1,)), inner, np.reshape(t1, (1,))])


def _wants_odeint(func: Any, y0: Any, t: Any, args: Any = (), *rest: Any, **_: Any) -> bool:
    y = np.atleast_1d(np.asarray(y0, float))
    first = float(np.asarray(t)[0])
    tfirst = rest[-1] if rest else False
    return yields(func, *((first, y) if tfirst else (y, first)), *tuple_of(args))


@scipy_rule("scipy.integrate.odeint", wanted=_wants_odeint)
def odeint(
    func: Any, y0: Any, t: Any, args: Any = (), Dfun: Any = None, col_deriv: Any = 0,
    full_output: Any = 0, ml: Any = None, mu: Any = None, rtol: Any = None, atol: Any = None,
    tcrit: Any = None, h0: Any = 0.0, hmax: Any = 0.0, hmin: Any = 0.0, ixpr: Any = 0,
    mxstep: Any = 0, mxhnil: Any = 0, mxordn: Any = 12, mxords: Any = 5, printmessg: Any = 0,
    tfirst: bool = False,
) -> Any:  # fmt: skip
    """SciPy's solution; its derivatives are differential equations, solved by SciPy too."""
    if full_output:
        raise refused("odeint", "full_output")
    args = tuple_of(args)
    start = _start(y0, "odeint")
    recording = _slope_graph(
        (lambda t, y: func(t, y, *args)) if tfirst else (lambda t, y: func(y, t, *args)),
        start.shape[0],
        "odeint",
    )
    settings = {"solver": "odeint", "rtol": rtol, "atol": atol, "h0": h0, "hmax": hmax,
                "hmin": hmin, "mxstep": mxstep, "mxordn": mxordn, "mxords": mxords}  # fmt: skip
    key = tuple(sorted((k, _hashable(v)) for k, v in settings.items() if v is not None))
    ts = as_operand(t).astype(np.float64)
    (rows,) = ivp(start, ts[0], ts[-1], ts, *recording.captured, graph=recording.graph, options=key)
    return rows
