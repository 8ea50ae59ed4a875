"""Smoothing splines on stand-in arrays: at the knots that SciPy chooses, moved by their equations.

FITPACK puts knots among the places until a spline can be near enough to the data, and takes the
one with the smallest jumps among those whose squares of residuals have a given sum. SciPy's
spline is the value. Its derivatives are those of the minimum, at these knots and that sum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.scipy_interpolate import held, refused
from adjoint.trace.calls.scipy_interpolate_splines import (
    as_key,
    design,
    linear_fit,
    made_spline,
    make_interp_spline,
    make_lsq_spline,
    not_a_knot,
    splev,
)
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.scipy_values import valued_rule
from adjoint.trace.calls.support import moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import holds_traced, scipy_rule


def jumps(t: Any, k: int) -> Any:
    """How the derivative of order k of each B-spline jumps at the inner knots, but for a factor."""
    n = t.shape[0] - k - 1
    at = np.arange(k + 1, n)
    scale = ((t[n] - t[k]) / (n - k)) ** k
    total: Any = 0.0
    for d in range(k + 2):
        first = at - (k + 1) + d
        product: Any = 1.0
        for j in range(k + 2):
            if j != k + 1 - d:
                product = product * (t[at] - t[first + j])
        jump = scale * (t[first + (k + 1)] - t[first]) / product
        total = total + jump[:, None] * (first[:, None] == np.arange(n))
    return total


def known_data(name: str, *values: Any) -> list[Any]:
    """The numbers behind recorded arrays."""
    known = [known_value(v) for v in values]
    if any(a is None and b is not None for a, b in zip(known, values, strict=True)):
        what = "smoothing inside jit or vmap (the data choose how many knots there are)"
        raise refused(name, what, "make_smoothing_spline, or make_lsq_spline with given knots")
    return known


def moving_knots(t: Any, k: int, x: Any, ends: tuple[Any, Any]) -> Any:
    """SciPy's knots: the inner ones are among the places, and move with them."""
    if not holds_traced([x, *ends]):
        return t
    at = np.searchsorted(known_value(x), t[k + 1 : -k - 1])
    low, high = (x[j] if end is None else end for end, j in zip(ends, (0, -1), strict=True))
    one = np.ones(k + 1)
    return np.concatenate([low * one, x[at], high * one])


def _coefficients(t: Any, c: Any, k: int, x: Any, y: Any, w: Any, s: Any) -> Any:
    """Those of SciPy's spline; t, x, y, w and s may be recorded, y has a column for each curve."""
    weight = np.ones(x.shape) if w is None else w
    return penalised(design(t, k, x) * weight[:, None], y * weight[:, None], jumps(t, k), c, s)


def penalised(rows: Any, right: Any, jumps: Any, c: Any, asked: Any = 0.0) -> Any:
    """SciPy's coefficients, with the derivatives of the least jumps at the residual it reached.

    That residual is near to the one that was asked for, and moves with it.
    """
    turned = np.swapaxes(rows, 0, 1)
    if jumps.shape[0] == 0:
        return moved_as(c, np.linalg.solve(turned @ rows, turned @ right))
    rough = np.swapaxes(jumps, 0, 1) @ jumps
    plain = [known_value(stop_gradient(v)) for v in (rows, right, rough)]
    left = plain[1] - plain[0] @ c
    pulled, stiff = plain[0].T @ left, plain[2] @ c
    penalty = np.sum(pulled * stiff) / np.sum(stiff * stiff)
    reached = moved_as(np.sum(left**2), asked)
    if penalty * np.linalg.norm(stiff) <= 1e-11 * np.linalg.norm(plain[0].T @ plain[1]):
        penalty = 0.0  # the spline of least squares itself is near enough
    moving = penalty
    for _ in range(2 if penalty else 0):  # two of Newton's steps: right to the third order
        system = turned @ rows + moving * rough
        now = np.linalg.solve(system, turned @ right)
        residual = right - rows @ now
        slope = 2 * np.sum(residual * (rows @ np.linalg.solve(system, rough @ now)))
        moving = moving - (np.sum(residual * residual) - reached) / slope
    return moved_as(c, np.linalg.solve(turned @ rows + moving * rough, turned @ right))


# *** FITPACK's names ***


@valued_rule("scipy.interpolate.splrep")
def splrep(
    x: Any, y: Any, w: Any = None, xb: Any = None, xe: Any = None, k: int = 3, task: int = 0,
    s: Any = None, t: Any = None, full_output: int = 0, per: int = 0, quiet: int = 1,
) -> Any:  # fmt: skip
    """Knots and coefficients of a spline through data, or near to them."""
    import scipy.interpolate as si

    smooth = s if s is not None else (0 if w is None else 1)
    y = floating(y)
    if full_output:
        found = splrep(x, y, w, xb, xe, k, task, s, t, 0, per)
        left = (y - splev(x, found)) * (1.0 if w is None else floating(w))
        kind = (-2 if found[0].shape[0] == 2 * k + 2 else 0) if smooth or t is not None else -1
        return found, np.sum(left * left), kind, ""
    if t is None and (holds_traced([smooth]) or smooth):
        if per:
            raise refused("splrep", "smoothing with per=1", "s=0, or make_lsq_spline")

        def find(places: Any, data: Any, weights: Any, ends: Any, wanted: Any) -> Any:
            knots, c, _ = si.splrep(places, data, weights, *ends, k, s=wanted)
            return knots, c[: len(knots) - k - 1]

        return _near("splrep", (x, y, w, (xb, xe), k), smooth, find)
    if holds_traced([x, w, t, xb, xe]):
        x = floating(x)
        low, high = (x[at] if end is None else end for end, at in ((xb, 0), (xe, -1)))
        one = np.ones(k + 1)
        if per and (t is not None or k % 2 == 0):
            raise refused("splrep", "per=1 with knots, or with an even k,", "make_interp_spline")
        if per:
            found = make_interp_spline(x, np.concatenate([y[:-1], y[:1]]), k, t, "periodic")
            knots, c = held(found, "t"), held(found, "c")
        elif t is not None:
            knots = np.concatenate([low * one, floating(t), high * one])
            c = held(make_lsq_spline(x, y, knots, k, w), "c")
        else:
            inner = not_a_knot(x, k)[k + 1 : -k - 1]
            knots = np.concatenate([low * one, inner, high * one])
            c = np.linalg.solve(design(knots, k, x), y)
        return knots, np.concatenate([c, np.zeros(k + 1)]), k
    x = np.asarray(x, float)
    settings: dict[str, Any] = {"w": w, "xb": xb, "xe": xe, "k": k, "task": task, "s": s, "t": t,
                                "per": per}  # fmt: skip
    template = si.splrep(x, np.zeros(len(x)), **settings)
    key = as_key(x, *[np.asarray(v, float) if np.ndim(v) else v for v in settings.values()])
    return template[0], linear_fit("splrep", key, y, lambda v: si.splrep(x, v, **settings)[1]), k


def _near(name: str, given: tuple[Any, ...], s: Any, find: Callable[..., Any]) -> Any:
    """Knots and coefficients near to data, as SciPy finds them from plain numbers."""
    x, y, w, ends, k = given
    x, y = floating(x), floating(y)
    places, data, weights, wanted, *bounds = known_data(name, x, y, w, s, *ends)
    knots, c = find(places, data, weights, bounds, wanted)
    knots = moving_knots(knots, k, x, ends)
    c = _coefficients(knots, c[:, None], k, x, y[:, None], w, s)
    return knots, np.concatenate([c[:, 0], np.zeros(k + 1)]), k


def near_data(spline: Any, s: Any) -> Any:
    """The knots and coefficients of a UnivariateSpline, which adds knots in steps of its own.

    SciPy's own object for the plain numbers stays beside it: another sum of squares begins at
    the knots of the last one.
    """
    import scipy.interpolate as si

    def find(places: Any, data: Any, weights: Any, ends: Any, wanted: Any) -> Any:
        k = spline.adjoint_data[-1]
        theirs = spline.__dict__.get("adjoint_plain")
        if theirs is None:
            theirs = si.UnivariateSpline(places, data, weights, ends, k, wanted)
            spline.adjoint_plain = theirs
        else:
            theirs.set_smoothing_factor(wanted)
        t = theirs.get_knots()
        return np.concatenate([np.repeat(t[:1], k), t, np.repeat(t[-1:], k)]), theirs.get_coeffs()

    return _near("UnivariateSpline", spline.adjoint_data, s, find)


def _along(points: Any) -> Any:
    """The share of the way to each point: by the distances between them."""
    steps = np.sqrt(np.sum(np.diff(points, axis=0) ** 2, axis=1))
    way = np.concatenate([np.zeros(1), np.cumsum(steps)])
    return way / way[-1]


@valued_rule("scipy.interpolate.splprep")
def splprep(
    x: Any, w: Any = None, u: Any = None, ub: Any = None, ue: Any = None, k: int = 3,
    task: int = 0, s: Any = None, t: Any = None, full_output: int = 0, nest: Any = None,
    per: int = 0, quiet: int = 1,
) -> Any:  # fmt: skip
    """Knots and coefficients of a curve through points, or near to them."""
    import scipy.interpolate as si

    if task or t is not None or full_output or per or holds_traced([ub, ue]):
        raise refused("splprep", "task, t, full_output, per, or recorded ends", "the points")
    points = np.stack([floating(v) for v in x], axis=1)
    if not holds_traced([s]) and s == 0 and k % 2:
        places = _along(points) if u is None else floating(u)
        knots = not_a_knot(places, k)
        c = np.linalg.solve(design(knots, k, places), points)
        return [knots, [c[:, j] for j in range(c.shape[1])], k], places
    known, weights, ways, wanted = known_data("splprep", points, w, u, s)
    (knots, c, _), way = si.splprep(list(known.T), weights, ways, ub, ue, k, s=wanted, nest=nest)
    places = moved_as(way, _along(points)) if u is None else floating(u)
    ends = (None, None) if u is None else (ub, ue)
    if s == 0:
        knots = not_a_knot(places, k)
        c = moved_as(np.stack(c, axis=1), np.linalg.solve(design(knots, k, places), points))
    else:
        knots = moving_knots(knots, k, places, ends)
        c = _coefficients(knots, np.stack(c, axis=1), k, places, points, w, s)
    return [knots, [c[:, j] for j in range(c.shape[1])], k], places


@scipy_rule("scipy.interpolate.make_splrep")
def make_splrep(
    x: Any, y: Any, *, w: Any = None, xb: Any = None, xe: Any = None, k: int = 3, s: Any = 0,
    t: Any = None, nest: Any = None, bc_type: Any = None,
) -> Any:  # fmt: skip
    """A spline through data, or near to them."""
    import scipy.interpolate as si

    if not holds_traced([s]) and s == 0:
        return make_interp_spline(x, y, k, t, bc_type)
    if bc_type == "periodic" or holds_traced([t]):
        raise refused("make_splrep", "a period, or recorded knots", "make_lsq_spline")
    x, y = floating(x), floating(y)
    places, data, weights, wanted, low, high = known_data("make_splrep", x, y, w, s, xb, xe)
    found = si.make_splrep(places, data, w=weights, xb=low, xe=high, k=k, s=wanted, t=t, nest=nest)
    knots = moving_knots(found.t, k, x, (xb, xe)) if t is None else found.t
    c = _coefficients(knots, found.c[:, None], k, x, y[:, None], w, s)
    return made_spline(knots, c[:, 0], k)


@scipy_rule("scipy.interpolate.make_splprep")
def make_splprep(
    x: Any, *, w: Any = None, u: Any = None, ub: Any = None, ue: Any = None, k: int = 3,
    s: Any = 0, t: Any = None, nest: Any = None, bc_type: Any = None,
) -> Any:  # fmt: skip
    """A curve through points, or near to them."""
    import scipy.interpolate as si

    points = np.stack([floating(v) for v in x], axis=1)
    places = _along(points) if u is None else floating(u)
    if not holds_traced([s]) and s == 0:
        return make_interp_spline(places, np.swapaxes(points, 0, 1), k, axis=1), places
    if bc_type == "periodic" or t is not None or holds_traced([ub, ue]):
        raise refused("make_splprep", "a period, knots, or recorded ends", "the points")
    known, weights, ways, wanted = known_data("make_splprep", points, w, u, s)
    found, way = si.make_splprep(list(known.T), w=weights, u=ways, ub=ub, ue=ue, k=k, s=wanted,
                                 nest=nest)  # fmt: skip
    places = moved_as(way, places)
    knots = moving_knots(found.t, k, places, (ub, ue))
    c = _coefficients(knots, found.c, k, places, points, w, s)
    return made_spline(knots, c, k, True, 1), places
