"""scipy.integrate.quad_vec: SciPy's final subdivision of an integral of vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from adjoint.api.on_numbers import on_numbers
from adjoint.api.scipy_quadrature import edges_of, kronrod, refuse_infinite, shares_of
from adjoint.api.told import Untold
from adjoint.api.vectorize import vmap
from adjoint.errors import ConvergenceError
from adjoint.graph.graph import Graph
from adjoint.graph.types import ArrayType
from adjoint.primitives import control
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.looked_up import pick
from adjoint.trace.calls.scipy_integrate import recorded, refused, settled, tuple_of, yields
from adjoint.trace.calls.scipy_special import doubled, floating
from adjoint.trace.calls.support import moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import holds_traced, scipy_rule

MOST = 48  # parts of an interval where the integrand is not known
_NUMBER = ArrayType((), np.dtype(np.float64))


@dataclass(frozen=True)
class _Layout:
    """SciPy's parts on plain numbers: their ends, as many as there is room for, and the result.

    Ends in a finite interval are shares of the way between two edges, which are told by number;
    those in an infinite one are in SciPy's own variable.
    """

    integrand: Graph
    infinite: bool
    settings: tuple[tuple[str, Any], ...]
    parts: int | None

    def __call__(self, a: Any, b: Any, points: Any, *captured: Any) -> tuple[Any, ...]:
        return self.told(a, b, points, *captured)[:4]

    def told(self, a: Any, b: Any, points: Any, *captured: Any) -> tuple[Any, ...]:
        """The same, and what else SciPy says."""
        import scipy.integrate

        refuse_infinite("quad_vec", self.infinite, a, b)
        run = on_numbers(self.integrand, captured, self.parts is not None)

        def function(x: float) -> Any:
            return run(np.float64(x))[0]

        low, high = float(a), float(b)
        value, off, info = scipy.integrate.quad_vec(
            function, low, high, full_output=True,
            points=[float(p) for p in points] if len(points) else None, **dict(self.settings),
        )  # fmt: skip
        ends = np.asarray(info.intervals, float)
        at = np.zeros(len(ends), np.int64)
        if not self.infinite:
            at, *shares = shares_of(edges_of(low, high, points), *ends.T)
            ends = np.stack(shares, axis=-1)
        room = self.parts or len(ends)
        if len(ends) > room:
            raise ConvergenceError(
                f"the integral needs {len(ends)} parts, and there is room for {room} where values "
                "are not known",
                function="scipy.integrate.quad_vec",
                remedy="split the interval where the integrand is rough, or allow a larger error",
            )
        spare = ((0, room - len(ends)), (0, 0))
        return np.pad(ends, spare, constant_values=0.5), np.pad(at, spare[0]), value, off, info


def _mapped(edges: tuple[Any, Any, Any], low: Any, high: Any, t: Any, at: Any) -> tuple[Any, Any]:
    """Places, and what the length there is worth, as SciPy maps infinite intervals."""
    a, b, breaks = edges
    ends = [x is not None and bool(np.isinf(x)) for x in (low, high)]
    if not any(ends) and not breaks.shape[0]:
        return a + (b - a) * t, (b - a) + 0 * t
    if not any(ends):
        whole = edges_of(a, b, breaks)
        size = pick(np.diff(whole), at)
        return pick(whole, at) + size * t, size
    out = (1 - np.abs(t)) / t
    if all(ends):
        return out, 1 / t**2
    return (a + out if ends[1] else b - out), 1 / t**2


def _wants(f: Callable[..., Any], a: Any, b: Any, *_: Any, args: Any = (), **__: Any) -> bool:
    middle = 0.5 if np.isinf(a) or np.isinf(b) else 0.5 * (a + b)
    return yields(f, middle, *tuple_of(args))


@scipy_rule("scipy.integrate.quad_vec", wanted=_wants)
def quad_vec(
    f: Any, a: Any, b: Any, epsabs: Any = 1e-200, epsrel: Any = 1e-8, norm: Any = "2",
    cache_size: Any = 100e6, limit: Any = 10000, workers: Any = 1, points: Any = None,
    quadrature: Any = None, full_output: bool = False, *, args: Any = (),
) -> Any:  # fmt: skip
    """An integral of vectors; the derivative is on SciPy's final subdivision."""
    if not isinstance(norm, str):
        raise refused("quad_vec", "a norm of one's own", "norm='2' or 'max'")
    low, high = known_value(a), known_value(b)
    infinite = any(x is not None and bool(np.isinf(x)) for x in (low, high))
    if low == np.inf or high == -np.inf:
        raise refused("quad_vec", "an infinite interval from its upper end", "a < b")
    extra = tuple_of(args)
    recording = recorded(lambda x: doubled(f(x, *extra)), [_NUMBER], "quad_vec")
    breaks = np.zeros(0) if points is None else floating(points)
    if infinite and holds_traced([points]):
        raise refused("quad_vec", "recorded points of an infinite interval", "the sum of two")
    limits = settled("quad_vec", epsabs=epsabs, epsrel=epsrel, limit=limit)
    settings = (*limits.items(), ("norm", norm), ("quadrature", quadrature))
    kind = recording.graph.outputs[0].type
    given = [stop_gradient(floating(x)) for x in (a, b, breaks, *recording.captured)]
    info: Any = None
    if full_output and any(known_value(x) is None for x in given):
        raise refused("quad_vec", "full_output inside jit or vmap", "full_output=False")
    if any(known_value(x) is None for x in given):
        layout = _Layout(recording.graph, infinite, settings, MOST)
        numbers = ArrayType((MOST,), np.dtype(np.int64))
        types = (ArrayType((MOST, 2), np.dtype(np.float64)), numbers, kind, _NUMBER)
        parts, at_edge, value, off = control.callback(*given, function=layout, types=types)
    else:
        layout = _Layout(recording.graph, infinite, settings, None)
        parts, at_edge, value, off, info = layout.told(*(known_value(x) for x in given))
    places, shares = kronrod()
    half = 0.5 * (parts[:, 1] - parts[:, 0])[:, None]
    t = np.reshape(0.5 * (parts[:, 0] + parts[:, 1])[:, None] + half * places, (-1,))
    weights = np.reshape(half * shares, (-1,))
    at_edge = np.repeat(at_edge, len(places))
    nodes, length = _mapped((a, b, breaks), low, high, t, at_edge)
    weights = weights * length

    def at(x: Any) -> Any:
        return control.call(x, *recording.captured, graph=recording.graph, label="integrand")[0]

    wide = np.reshape(weights, (-1,) + (1,) * len(kind.shape))
    total = np.sum(np.where(wide != 0, wide * vmap(at)(nodes), 0.0), axis=0)
    found = moved_as(value, total), off
    if not full_output:
        return found
    info.integrals = Untold("quad_vec", "the integrals of the parts", "quad_vec of each part")
    return (*found, info)
