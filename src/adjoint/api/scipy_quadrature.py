"""Adaptive integrals of scipy.integrate: SciPy's final subdivision, and its derivative there.

SciPy lays the interval out on plain numbers. The integral is then the sum over its points,
which has the derivatives in the limits (Leibniz's rule) and in all that the function depends
on. Where values are not known, SciPy is called when the program runs, and the points come
back with room for as many parts as ``limit`` allows, up to :data:`MOST`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from adjoint.api.on_numbers import on_numbers
from adjoint.api.quadrature_ends import points_of_parts, rough_parts
from adjoint.api.told import Untold
from adjoint.api.vectorize import vmap
from adjoint.errors import ConcreteValueError, ConvergenceError
from adjoint.graph.graph import Graph
from adjoint.graph.types import ArrayType
from adjoint.primitives import control
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.looked_up import pick
from adjoint.trace.calls.scipy_integrate import recorded, refused, settled, tuple_of, yields
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import as_operand, moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import entries, holds_traced, scipy_rule

MOST = 16  # parts of an interval where the integrand is not known
NUMBER = ArrayType((), np.dtype(np.float64))

_KRONROD = (
    0.995657163025808080735527280689003, 0.973906528517171720077964012084452,
    0.930157491355708226001207180059508, 0.865063366688984510732096688423493,
    0.780817726586416897063717578345042, 0.679409568299024406234327365114874,
    0.562757134668604683339000099272694, 0.433395394129247190799265943165784,
    0.294392862701460198131126603103866, 0.148874338981631210884826001129720,
    0.0,
)  # fmt: skip


@cache
def kronrod() -> tuple[Any, Any]:
    """Kronrod's points on [-1, 1], with the weights that are exact for polynomials."""
    half = np.array(_KRONROD)
    points = np.concatenate([-half, half[-2::-1]])
    # in Legendre polynomials, so that the system is well conditioned
    basis = np.polynomial.legendre.legvander(points, len(points) - 1).T
    moments = np.zeros(len(points))
    moments[0] = 2.0
    return points, np.linalg.solve(basis, moments)


def edges_of(a: Any, b: Any, points: Any) -> Any:
    """The limits of a finite interval with the break points between them, in their order."""
    down = b < a
    between = np.clip(points, np.where(down, b, a), np.where(down, a, b))
    ordered = np.sort(between)
    ordered = np.where(down, ordered[::-1], ordered)
    return np.concatenate([np.reshape(a, (1,)), ordered, np.reshape(b, (1,))])


def shares_of(edges: Any, left: Any, right: Any) -> tuple[Any, Any, Any]:
    """Between which edges parts lie, and where they begin and end as shares of the way."""
    sign = -1.0 if edges[-1] < edges[0] else 1.0
    at = np.searchsorted(sign * edges, sign * 0.5 * (left + right), "right") - 1
    at = np.clip(at, 0, len(edges) - 2)
    size = edges[at + 1] - edges[at]
    size = np.where(size == 0, 1.0, size)
    return at.astype(np.int64), (left - edges[at]) / size, (right - edges[at]) / size


def refuse_infinite(name: str, expected: bool, *ends: Any) -> None:
    """An end at infinity must be known while recording: it has other places."""
    if not expected and np.isinf([float(end) for end in ends]).any():
        raise refused(name, "an end at infinity that is not known, inside jit or vmap,", "np.inf")


@dataclass(frozen=True)
class _Layout:
    """SciPy's quad on plain numbers: the points of its final subdivision, and what it found.

    Called with the limits, the break points and what the integrand has captured. Points of a
    finite interval are shares of the way between two edges, which are told by number; those of
    an infinite one are QUADPACK's own between 0 and 1.
    """

    integrand: Graph | None
    infinite: bool
    settings: tuple[tuple[str, Any], ...]
    parts: int | None  # room for so many, or just as many as there are

    def __call__(self, a: Any, b: Any, points: Any, *captured: Any) -> tuple[Any, ...]:
        return self.told(a, b, points, *captured)[:5]

    def told(self, a: Any, b: Any, points: Any, *captured: Any) -> tuple[Any, ...]:
        """The same, and what else SciPy says."""
        assert self.integrand is not None
        run = on_numbers(self.integrand, captured, self.parts is not None)
        return self.of(lambda x: float(run(np.float64(x))[0]), a, b, points)

    def of(
        self, function: Callable[[float], float], a: Any, b: Any, points: Any
    ) -> tuple[Any, ...]:
        """For an integrand on plain numbers."""
        refuse_infinite("quad", self.infinite, a, b)
        low, high = sorted((float(a), float(b)))
        breaks = list(points) if len(points) else None
        # SciPy's own code: what asks for values in vain is no reason to come back here
        result = entries["scipy.integrate.quad"].original(
            function, low, high, full_output=1, points=breaks, **dict(self.settings)
        )
        info = result[2]
        value = float(result[0]) if float(a) <= float(b) else -float(result[0])
        places, weights, pieces = self._points(function, (a, b, points), info, value)
        rows = len(places)
        room = self.parts or rows
        if rows > room:
            raise ConvergenceError(
                f"the integral needs {rows} parts, and there is room for {room} where values "
                "are not known",
                function="scipy.integrate.quad",
                remedy="split the interval where the integrand is rough, or allow a larger error",
            )
        spare = ((0, room - rows), (0, 0))
        return (
            np.pad(places, spare, constant_values=0.5).ravel(),
            np.pad(weights, spare).ravel(),
            np.repeat(np.pad(pieces, spare[0]), places.shape[1]),
            value,
            float(result[1]),
            (info, *result[3:]),
        )

    def _points(
        self, function: Callable[[float], float], ends: tuple[Any, Any, Any], info: Any,
        value: float,
    ) -> tuple[Any, Any, Any]:  # fmt: skip
        """Kronrod's points of all parts; others where their sum is nearer to SciPy's integral."""
        low, high, breaks = float(ends[0]), float(ends[1]), np.asarray(ends[2])
        count = int(info["last"])
        left, right = np.asarray(info["alist"][:count]), np.asarray(info["blist"][:count])
        at, edges, sign = np.zeros(count, np.int64), None, 1.0
        if not self.infinite:
            edges = edges_of(low, high, breaks)
            at, left, right = shares_of(edges, left, right)
            sign = -1.0 if high < low else 1.0
        off = abs(np.sum(info["rlist"][:count]) - (value if low <= high else -value))
        for rough in (rough_parts(info, count, off, value), np.zeros(count, bool)):
            places, weights, pieces = points_of_parts(left, right, at, rough, kronrod(), edges)
            weights = sign * weights
            if not np.any(rough):
                break
            each = np.repeat(pieces, places.shape[1])
            infinite = [bool(np.isinf(x)) for x in (low, high)]
            x, w = _nodes((low, high, breaks), low, high, infinite, places.ravel(),
                          weights.ravel(), each)  # fmt: skip
            found = sum(w[k] * function(x[k]) for k in np.flatnonzero(w))
            if abs(found - value) < 0.5 * off:
                break
        return places, weights, pieces


def function_of_place(func: Any, args: Any, name: str) -> Any:
    """The integrand recorded once, as a graph of its place first."""
    return recorded(lambda x: floating(func(x, *args)).astype(np.float64), [NUMBER], name)


def _wants_quad(func: Any, a: Any, b: Any, args: Any = (), *_: Any, **__: Any) -> bool:
    middle = 0.5 if np.isinf(a) or np.isinf(b) else 0.5 * (a + b)
    return yields(func, middle, *tuple_of(args))


@scipy_rule("scipy.integrate.quad", wanted=_wants_quad)
def quad(
    func: Any, a: Any, b: Any, args: Any = (), full_output: Any = 0, epsabs: Any = 1.49e-8,
    epsrel: Any = 1.49e-8, limit: int = 50, points: Any = None, weight: Any = None,
    wvar: Any = None, wopts: Any = None, maxp1: Any = 50, limlst: Any = 50,
    complex_func: bool = False,
) -> Any:  # fmt: skip
    """An adaptive integral; the derivative is on SciPy's final subdivision (Leibniz's rule)."""
    args = tuple_of(args)
    limits = settled("quad", epsabs=epsabs, epsrel=epsrel, limit=limit)
    epsabs, epsrel, limit = limits.values()
    if weight is not None:
        from adjoint.api.scipy_quad_weights import weighted_integral  # it builds on this

        if full_output or complex_func:
            raise refused("quad", "full_output or complex_func with weight=", "weight= alone")
        allowed = (("epsabs", epsabs), ("epsrel", epsrel), ("limit", limit), ("maxp1", maxp1))
        return weighted_integral(func, (a, b), args, weight, wvar, allowed)
    settings = (0, epsabs, epsrel, limit, points)
    if complex_func:
        if full_output:
            raise refused("quad", "full_output of a complex function", "full_output=False")
        real = quad(lambda x, *rest: np.real(func(x, *rest)), a, b, args, *settings)
        imag = quad(lambda x, *rest: np.imag(func(x, *rest)), a, b, args, *settings)
        return real[0] + 1j * imag[0], real[1] + 1j * imag[1]
    breaks = np.zeros(0) if points is None else floating(points)
    low, high = known_value(a), known_value(b)
    ends = [x is not None and bool(np.isinf(x)) for x in (low, high)]
    settings_of = (("epsabs", epsabs), ("epsrel", epsrel), ("limit", limit))
    try:
        recording = function_of_place(func, args, "quad")
    except ConcreteValueError:
        if low is None or high is None or known_value(breaks) is None:
            raise
        layout = _Layout(None, any(ends), settings_of, None)
        *found, value, off, told = layout.of(
            _on_numbers(func, args), low, high, known_value(breaks)
        )
        nodes, weights = _nodes((a, b, breaks), low, high, ends, *found)
        total: Any = sum(weights[i] * func(nodes[i], *args) for i in range(nodes.shape[0]))
        return _result(total, value, off, told if full_output else None)
    given = [stop_gradient(floating(x)) for x in (a, b, breaks, *recording.captured)]
    told = None
    if any(known_value(x) is None for x in given):
        room = min(int(limit), MOST)
        n = ArrayType((room * len(kronrod()[0]),), np.dtype(np.float64))
        layout = _Layout(recording.graph, any(ends), settings_of, room)
        types = (n, n, ArrayType(n.shape, np.dtype(np.int64)), NUMBER, NUMBER)
        if full_output:
            raise refused("quad", "full_output inside jit or vmap", "full_output=False")
        *found, value, off = control.callback(*given, function=layout, types=types)
    else:
        layout = _Layout(recording.graph, any(ends), settings_of, None)
        *found, value, off, told = layout.told(*(known_value(x) for x in given))
    nodes, weights = _nodes((a, b, breaks), low, high, ends, *found)
    total = weighted_sum(recording, nodes, weights)
    return _result(total, value, off, told if full_output else None)


def _result(total: Any, value: Any, off: Any, told: Any) -> tuple[Any, ...]:
    """SciPy's integral with its error, and what it tells of its parts, which move with the rest."""
    if told is None:
        return moved_as(value, total), off
    info = {**told[0], "rlist": Untold("quad", "the integrals of the parts", "quad of each part")}
    return moved_as(value, total), off, info, *told[1:]


def _on_numbers(func: Any, args: Any) -> Callable[[float], float]:
    """An integrand with branches, which is called for each place."""

    def run(x: float) -> float:
        value = known_value(as_operand(func(x, *args)))
        if value is None:
            raise refused("quad", "a branching integrand inside jit or vmap", "np.where or ad.cond")
        return float(value)

    return run


def _nodes(
    edges: tuple[Any, Any, Any], low: Any, high: Any, ends: list[bool], t: Any, weights: Any,
    at: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """Points and weights that move with the edges; QUADPACK maps half lines to (0, 1]."""
    a, b, breaks = edges
    if not any(ends) and not breaks.shape[0]:
        return a + (b - a) * t, (b - a) * weights
    if not any(ends):
        whole = edges_of(a, b, breaks)
        first, size = pick(whole, at), pick(np.diff(whole), at)
        return first + size * t, size * weights
    out, weights = (1 - t) / t, weights / t**2
    if all(ends):
        sign = 1.0 if low < high else -1.0
        return np.concatenate([out, -out]), sign * np.concatenate([weights, weights])
    if ends[1]:
        return (a + out, weights) if high > 0 else (a - out, -weights)
    return (b - out, weights) if low < 0 else (b + out, -weights)


def weighted_sum(recording: Any, nodes: Any, weights: Any) -> Any:
    """The sum of weights times values: all at once, or by a loop where each is an integral."""
    nodes, weights = as_operand(nodes), as_operand(weights) + np.zeros(nodes.shape)
    graph, captured = recording.graph, recording.captured
    if not any(node.primitive is control.callback for node in graph.nodes):
        (values,) = vmap(lambda x: control.call(x, *captured, graph=graph, label="integrand"))(
            nodes
        )
        return np.sum(np.where(weights != 0, weights * values, 0.0))
    inner = Graph(graph.inputs[1:] + graph.inputs[:1], graph.nodes, graph.outputs)
    (values,) = control.scan(
        *captured, nodes, weights, graph=_where_it_counts(inner), n_constants=len(captured),
        n_carry=0, length=nodes.shape[0], reverse=False,
    )  # fmt: skip
    return np.sum(weights * values)


def _where_it_counts(inner: Graph) -> Graph:
    """An integrand that is an integral itself, not called in the room that is left over."""
    types = list(inner.input_types)
    nothing = recorded(lambda *xs: 0.0 * xs[-1], types, "quad").graph

    def body(*xs: Any) -> Any:
        (value,) = control.cond(xs[-1] != 0, *xs[:-1], on_true=inner, on_false=nothing)
        return value

    return recorded(body, [*types, NUMBER], "quad").graph


# *** integrals inside one another ***


def _range_of(limits: Any, outer: tuple[Any, ...]) -> Any:
    return limits(*outer) if callable(limits) else limits


def _wants_nested(func: Any, ranges: Any, args: Any = None, *_: Any, **__: Any) -> bool:
    try:
        return _depends(func, list(ranges), tuple_of(args) if args is not None else ())
    except (TypeError, ValueError):
        return False  # SciPy will say what is wrong


def _depends(func: Any, ranges: list[Any], args: tuple[Any, ...]) -> bool:
    """Whether the integrand or a limit gives recorded values in the middle of the ranges."""
    at: tuple[Any, ...] = ()
    for limits in reversed(ranges):
        low, high = _range_of(limits, (*at, *args))
        if holds_traced([low, high]):
            return True
        middle = 0.5 if np.isinf(low) or np.isinf(high) else 0.5 * (low + high)
        at = (middle, *at)
    return yields(func, *at, *args)


@scipy_rule("scipy.integrate.nquad", wanted=_wants_nested)
def nquad(
    func: Any, ranges: Any, args: Any = None, opts: Any = None, full_output: bool = False
) -> Any:
    """Integrals inside one another: each is recorded once and laid out by SciPy."""
    ranges = list(ranges)
    extra = tuple_of(args) if args is not None else ()

    def option(k: int, outer: tuple[Any, ...]) -> dict[str, Any]:
        given = opts[k] if isinstance(opts, list | tuple) else opts
        given = given(*outer) if callable(given) else given
        return dict(given or {})

    def over(k: int, outer: tuple[Any, ...]) -> Any:
        low, high = _range_of(ranges[k], (*outer, *extra))

        def inner(x: Any) -> Any:
            return over(k - 1, (x, *outer))[0] if k else func(x, *outer, *extra)

        return quad(inner, low, high, **option(k, (*outer, *extra)))

    found = over(len(ranges) - 1, ())
    return (*found, {"neval": 0}) if full_output else found


def _wants_dbl(func: Any, a: Any, b: Any, gfun: Any, hfun: Any, args: Any = (), *_: Any,
               **__: Any) -> bool:  # fmt: skip
    return _wants_nested(func, _ranges((a, b), (gfun, hfun)), args)


def _ranges(*pairs: Any) -> list[Any]:
    """Limits from the outermost in, as nquad takes them: each of the variables around it."""

    def of(low: Any, high: Any, depth: int) -> Any:
        def limits(*around: Any) -> Any:
            outer = around[:depth][::-1]
            return tuple(end(*outer) if callable(end) else end for end in (low, high))

        return limits

    return [of(low, high, depth) for depth, (low, high) in enumerate(pairs)][::-1]


@scipy_rule("scipy.integrate.dblquad", wanted=_wants_dbl)
def dblquad(
    func: Any, a: Any, b: Any, gfun: Any, hfun: Any, args: Any = (), epsabs: Any = 1.49e-8,
    epsrel: Any = 1.49e-8,
) -> Any:  # fmt: skip
    """Over y from gfun(x) to hfun(x), then over x from a to b, of func(y, x)."""
    opts = {"epsabs": epsabs, "epsrel": epsrel}
    return nquad(func, _ranges((a, b), (gfun, hfun)), args, opts)


def _wants_tpl(func: Any, a: Any, b: Any, gfun: Any, hfun: Any, qfun: Any, rfun: Any,
               args: Any = (), *_: Any, **__: Any) -> bool:  # fmt: skip
    return _wants_nested(func, _ranges((a, b), (gfun, hfun), (qfun, rfun)), args)


@scipy_rule("scipy.integrate.tplquad", wanted=_wants_tpl)
def tplquad(
    func: Any, a: Any, b: Any, gfun: Any, hfun: Any, qfun: Any, rfun: Any, args: Any = (),
    epsabs: Any = 1.49e-8, epsrel: Any = 1.49e-8,
) -> Any:  # fmt: skip
    """Over z, then y, then x, of func(z, y, x)."""
    opts = {"epsabs": epsabs, "epsrel": epsrel}
    return nquad(func, _ranges((a, b), (gfun, hfun), (qfun, rfun)), args, opts)
