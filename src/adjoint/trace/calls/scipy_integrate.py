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
from adjoint.primitives import control
from adjoint.primitives.ivp import ivp
from adjoint.trace.borrow_scipy import borrow_names
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import as_operand
from adjoint.trace.indexing import concrete_value
from adjoint.trace.record import Recording, record_graph
from adjoint.trace.scipy_gate import holds_traced, scipy_rule

_NUMBER = ArrayType((), np.dtype(np.float64))


def _refused(function: str, what: str, wanted: str | None = None) -> UnsupportedError:
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


@scipy_rule("scipy.integrate.fixed_quad", wanted=lambda func, a, b, args=(), n=5: _yields(func, a))
def fixed_quad(func: Any, a: Any, b: Any, args: Any = (), n: int = 5) -> Any:
    """By Gauss points, on which the function is called once."""
    points, weights = np.polynomial.legendre.leggauss(n)
    y = (b - a) * (points + 1) / 2.0 + a
    return (b - a) / 2.0 * np.sum(weights * func(y, *args), axis=-1), None


def _yields(func: Any, *arguments: Any) -> bool:
    """Whether a function gives recorded values for plain arguments."""
    if not callable(func):
        return False
    try:
        return holds_traced([func(*arguments)])
    except ConcreteValueError:
        return True


# *** adaptive integrals ***


def _recorded(function: Callable[..., Any], types: list[ArrayType], name: str) -> Recording:
    return record_graph(function, types, tree.structure((0.0,) * len(types)), name)


def _captured_first(recording: Recording, n_given: int) -> Graph:
    graph = recording.graph
    return Graph(graph.inputs[n_given:] + graph.inputs[:n_given], graph.nodes, graph.outputs)


_KRONROD = (
    0.995657163025808080735527280689003, 0.973906528517171720077964012084452,
    0.930157491355708226001207180059508, 0.865063366688984510732096688423493,
    0.780817726586416897063717578345042, 0.679409568299024406234327365114874,
    0.562757134668604683339000099272694, 0.433395394129247190799265943165784,
    0.294392862701460198131126603103866, 0.148874338981631210884826001129720,
    0.0,
)  # fmt: skip


def _points() -> tuple[Any, Any]:
    """Kronrod's points on [-1, 1], with the weights that are exact for polynomials."""
    half = np.array(_KRONROD)
    points = np.concatenate([-half, half[-2::-1]])
    moments = np.array([2 / (k + 1) if k % 2 == 0 else 0.0 for k in range(len(points))])
    # in Legendre polynomials, so that the system is well conditioned
    basis = np.polynomial.legendre.legvander(points, len(points) - 1).T
    moments = np.zeros(len(points))
    moments[0] = 2.0
    return points, np.linalg.solve(basis, moments)


def _quad_known(func: Any, a: Any, b: Any, args: Any, kwargs: Any) -> bool:
    return _yields(func, 0.5 if np.isinf(a) or np.isinf(b) else 0.5 * (a + b), *_tuple(args))


def _tuple(args: Any) -> tuple[Any, ...]:
    return args if isinstance(args, tuple) else (args,)


def _wants_quad(func: Any, a: Any, b: Any, args: Any = (), *_: Any, **kwargs: Any) -> bool:
    return _quad_known(func, a, b, args, kwargs)


@scipy_rule("scipy.integrate.quad", wanted=_wants_quad)
def quad(
    func: Any, a: Any, b: Any, args: Any = (), full_output: Any = 0, epsabs: Any = 1.49e-8,
    epsrel: Any = 1.49e-8, limit: int = 50, points: Any = None, weight: Any = None,
    wvar: Any = None, wopts: Any = None, maxp1: Any = 50, limlst: Any = 50,
    complex_func: bool = False,
) -> Any:  # fmt: skip
    """An adaptive integral; the derivative is on SciPy's final subdivision (Leibniz's rule)."""
    import scipy.integrate

    if weight is not None or full_output:
        raise _refused("quad", "weight= or full_output", "the weight inside the function")
    args = _tuple(args)
    settings = (0, epsabs, epsrel, limit, points)
    if complex_func:
        real = quad(lambda x, *rest: np.real(func(x, *rest)), a, b, args, *settings)
        imag = quad(lambda x, *rest: np.imag(func(x, *rest)), a, b, args, *settings)
        return real[0] + 1j * imag[0], real[1] + 1j * imag[1]
    low, high = known(a), known(b)
    if low is None or high is None:
        raise _refused("quad", "a limit that is not known, inside jit, vmap or another integral,")
    sign = 1.0
    if high < low:
        a, b, low, high, sign = b, a, high, low, -1.0
    probe = _plain_function(func, args)
    result = scipy.integrate.quad(
        probe, float(low), float(high), full_output=1, epsabs=epsabs, epsrel=epsrel, limit=limit,
        points=None if points is None else [float(known(p)) for p in points],
    )  # fmt: skip
    info = result[2]
    places, weights = _subdivision(info, float(low), float(high))
    if np.isinf(low) or np.isinf(high):
        nodes, weights = _unbounded(a, b, low, high, places, weights)
    else:
        share = (places - low) / (high - low) if high > low else places * 0
        nodes, weights = a + (b - a) * share, (b - a) * weights / max(high - low, 1e-300)
    total = _weighted(func, args, nodes, weights)
    value = known(total)
    if value is not None:
        total = total + (float(result[0]) - value)  # SciPy may have extrapolated
    return sign * total, result[1]


def _plain_function(func: Any, args: Any) -> Callable[[float], float]:
    def run(x: float) -> float:
        value = known(as_operand(func(x, *args)))
        if value is None:
            raise _refused(
                "quad", "an integrand that is not known, inside jit, vmap or another integral,"
            )
        return float(value)

    return run if not holds_traced(args) else lambda x: run(x)


def _subdivision(info: dict[str, Any], low: float, high: float) -> tuple[Any, Any]:
    points, weights = _points()
    last = int(info["last"])
    left, right = np.asarray(info["alist"][:last]), np.asarray(info["blist"][:last])
    half = 0.5 * (right - left)[:, None]
    places = (0.5 * (left + right)[:, None] + half * points).ravel()
    return places, (half * weights).ravel()


def _unbounded(a: Any, b: Any, low: Any, high: Any, t: Any, weights: Any) -> tuple[Any, Any]:
    """QUADPACK's map of (0, 1] to a half line, or to both halves of the line."""
    out, weights = (1 - t) / t, weights / t**2
    if np.isinf(low) and np.isinf(high):
        return np.concatenate([out, -out]), np.concatenate([weights, weights])
    return (a + out, weights) if np.isinf(high) else (b - out, weights)


def _weighted(func: Any, args: Any, nodes: Any, weights: Any) -> Any:
    """The sum of weights times values, as one loop where the function can be recorded once."""
    nodes = as_operand(nodes)
    weights = as_operand(weights) + np.zeros(nodes.shape)
    try:
        recording = _recorded(lambda total, x, w: total + w * func(x, *args), [_NUMBER] * 3, "quad")
    except ConcreteValueError:
        total: Any = 0.0
        for i in range(nodes.shape[0]):
            total = total + weights[i] * func(nodes[i], *args)
        return total
    results = control.scan(
        *recording.captured,
        np.zeros(()),
        nodes,
        weights,
        graph=_captured_first(recording, 3),
        n_constants=len(recording.captured),
        n_carry=1,
        length=nodes.shape[0],
        reverse=False,
    )
    return results[0]


# *** differential equations ***


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
            raise _refused(name, "a complex state")
        return np.reshape(value, (n,)).astype(np.float64)

    try:
        recording = _recorded(slope, [_NUMBER, state], name)
        return recording._replace(graph=_known_graph(recording.graph))
    except ConcreteValueError as error:
        error.remedy = "the right-hand side is recorded once: use np.where or ad.cond for branches"
        raise


def _hashable(value: Any) -> Any:
    return tuple(value.tolist()) if isinstance(value, np.ndarray) and value.ndim else value


def _start(y0: Any, name: str) -> Any:
    y0 = np.atleast_1d(floating(y0))
    if y0.dtype.kind == "c":
        raise _refused(name, "a complex state")
    return y0.astype(np.float64)


def _wants_ivp(fun: Any, t_span: Any, y0: Any, method: Any = "RK45", t_eval: Any = None,
               dense_output: bool = False, events: Any = None, vectorized: bool = False,
               args: Any = None, **_: Any) -> bool:  # fmt: skip
    return _yields(fun, float(t_span[0]), np.atleast_1d(np.asarray(y0, float)), *(args or ()))


@scipy_rule("scipy.integrate.solve_ivp", wanted=_wants_ivp)
def solve_ivp(
    fun: Any, t_span: Any, y0: Any, method: Any = "RK45", t_eval: Any = None,
    dense_output: bool = False, events: Any = None, vectorized: bool = False, args: Any = None,
    **options: Any,
) -> Any:  # fmt: skip
    """SciPy's solution; its derivatives are differential equations, solved by SciPy too."""
    from scipy.integrate._ivp.ivp import OdeResult

    if dense_output or events is not None or not isinstance(method, str):
        raise _refused("solve_ivp", "dense_output, events or a method of one's own", "t_eval")
    for name in ("jac", "jac_sparsity", "lband", "uband"):
        options.pop(name, None)  # they only serve speed
    extra = _tuple(args) if args is not None else ()
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
    return OdeResult(
        t=ts, y=np.swapaxes(rows, 0, 1), sol=None, t_events=None, y_events=None, nfev=0, njev=0,
        nlu=0, status=0, success=True,
        message="The solver successfully reached the end of the integration interval.",
    )  # fmt: skip


def _accepted(recording: Recording, start: Any, t0: Any, t1: Any, options: dict[str, Any]) -> Any:
    """The times that SciPy steps on; the first and the last move with the span."""
    import scipy.integrate

    from adjoint.graph.evaluate import program_of

    values = [known(x) for x in (start, t0, t1, *recording.captured)]
    if any(v is None for v in values):
        raise _refused("solve_ivp", "t_eval=None inside jit or vmap", "t_eval=np.linspace(...)")
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
    return _yields(func, *((first, y) if tfirst else (y, first)), *_tuple(args))


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
        raise _refused("odeint", "full_output")
    args = _tuple(args)
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
