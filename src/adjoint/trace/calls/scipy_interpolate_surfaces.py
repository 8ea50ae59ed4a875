"""Splines and scattered data in several dimensions, on stand-in arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from adjoint.graph.types import ArrayType
from adjoint.primitives.choose import stop_gradient
from adjoint.trace import borrow
from adjoint.trace.borrow_scipy import (
    borrow_class,
    borrow_classes,
    holds_itself,
    is_unknown,
    own_code,
    when_unknown,
)
from adjoint.trace.calls.looked_up import found_in
from adjoint.trace.calls.scipy_interpolate import held, pick, refused
from adjoint.trace.calls.scipy_interpolate_smoothing import near_data, splrep
from adjoint.trace.calls.scipy_interpolate_splines import (
    basis,
    derived,
    made_spline,
    make_interp_spline,
    make_lsq_spline,
    splev,
    splint,
)
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.scipy_values import keep_twin, twins_digits
from adjoint.trace.calls.support import as_operand
from adjoint.trace.scipy_gate import holds_traced, scipy_rule

borrow_classes("scipy.interpolate", "Akima1DInterpolator Rbf")
_KROGH = "scipy.interpolate.KroghInterpolator"
borrow_class(_KROGH, without=("__init__",))
borrow_class("scipy.interpolate.BarycentricInterpolator", without=("_evaluate",))
borrow_class("scipy.interpolate._polyint._Interpolator1D", without=("__call__",))
borrow_class("scipy.interpolate._polyint._Interpolator1DWithDerivatives")
borrow_class("scipy.interpolate._bary_rational.FloaterHormannInterpolator")
_RATIONAL = "scipy.interpolate._bary_rational._BarycentricRational"
borrow_class(_RATIONAL, without=("__init__", "__call__", "poles", "roots"))


@scipy_rule(f"{_KROGH}.__init__")
def krogh_init(self: Any, xi: Any, yi: Any, axis: int = 0) -> None:
    """From data; at places that are not known yet, and so taken to differ, by Newton's formula."""
    if not is_unknown(xi):
        own_code(f"{_KROGH}.__init__")(self, xi, yi, axis)
        return
    from scipy.interpolate import KroghInterpolator

    self.xi = floating(xi)
    super(KroghInterpolator, self).__init__(self.xi, yi, axis)
    self.yi = self._reshape_yi(floating(yi))
    self.n, self.r = self.yi.shape
    rows, c = self.yi, [self.yi[:1]]
    for k in range(1, self.n):
        rows = np.diff(rows, axis=0) / (self.xi[k:] - self.xi[:-k])[:, None]
        c.append(rows[:1])
    self.c = np.concatenate([*c, np.zeros_like(self.yi[:1])])


def _barycentric(nodes: Any, weights: Any, y: Any, x: Any) -> Any:
    """The rational function through data; what is divided by a distance leaves out the next node.

    At a node the usual form is 0 over 0, and SciPy puts the datum there, which does not move.
    """
    off = x[:, None] - nodes
    nearest = np.argmin(np.abs(stop_gradient(off)), axis=1)
    here = nearest[:, None] == np.arange(nodes.shape[0])
    shares = (
        np.where(here, 0.0, weights / np.where(here, 1.0, off)) / pick(weights, nearest)[:, None]
    )
    step = np.sum(np.where(here, off, 0.0), axis=1, keepdims=True)
    below = 1 + step * np.sum(shares, axis=1, keepdims=True)
    return (pick(y, nearest) + step * (shares @ y)) / below


@scipy_rule("scipy.interpolate.BarycentricInterpolator._evaluate", wanted=holds_itself)
def barycentric(self: Any, x: Any) -> Any:
    """The value at places."""
    value = _barycentric(self.xi, self.wi, self.yi, np.reshape(x, (-1,)))
    return np.reshape(value, (*np.shape(x), self.r))


@scipy_rule(f"{_RATIONAL}.__call__", wanted=holds_itself)
def rational(self: Any, z: Any) -> Any:
    """The value at places."""
    z, y = floating(z), as_operand(self._support_values)
    rows = np.reshape(y, (y.shape[0], -1))
    value = _barycentric(self._support_points, self.weights, rows, np.reshape(z, (-1,)))
    value = np.reshape(value, (*z.shape, *y.shape[1:]))
    return np.moveaxis(value, 0, self._axis) if z.ndim else value


@when_unknown(f"{_RATIONAL}.__init__")
def rational_init(self: Any, x: Any, y: Any, axis: int = 0, **settings: Any) -> None:
    """From data that are taken to be finite, at different places."""
    x, y = floating(x), np.moveaxis(floating(y), axis, 0)
    order = np.argsort(stop_gradient(x))
    found = self._compute_weights(x[order], y[order], **settings)
    self._axis, self._shape = axis, y.shape[1:]
    self._support_points, self._support_values, self.weights = found
    self._poles = self._residues = self._roots = None


def tensor_value(
    knots: Any, c: Any, degrees: Any, places: list[Any], nu: Any = None
) -> Any:  # fmt: skip
    """A tensor product of splines at scattered places, one array of them for each axis.

    With nu, that derivative along each axis.
    """
    n = len(degrees)
    c = floating(c)
    if nu is not None:
        knots, c, degrees = _tensor_derivative(knots, c, degrees, nu)
    firsts, weights = [], []
    for t, k, x in zip(knots, degrees, places, strict=True):
        first, values = basis(floating(t), k, x)
        firsts.append(first)
        weights.append(values)
    flat = np.reshape(c, (-1, *c.shape[n:]))
    total: Any = 0.0
    for index in np.ndindex(*[k + 1 for k in degrees]):
        at: Any = 0
        weight: Any = 1.0
        for axis, j in enumerate(index):
            at = at * c.shape[axis] + (firsts[axis] + j)
            weight = weight * weights[axis][j]
        total = total + np.reshape(weight, weight.shape + (1,) * (c.ndim - n)) * pick(flat, at)
    return total


def _tensor_derivative(knots: Any, c: Any, degrees: Any, nu: Any) -> tuple[Any, Any, Any]:
    """Knots, coefficients and degrees of the derivative of order nu[i] along each axis i."""
    if np.shape(nu) != (len(degrees),) or min(nu) < 0:
        raise ValueError(f"derivatives must be {len(degrees)} orders that are not negative: {nu}")
    knots, degrees = list(knots), list(degrees)
    for axis, order in enumerate(int(v) for v in nu):
        t, k = floating(knots[axis]), degrees[axis]
        along = np.moveaxis(c, axis, 0)[: t.shape[0] - k - 1]
        made = derived(t, along, k, min(order, k))
        knots[axis], along, degrees[axis] = made
        c = np.moveaxis(along if order <= k else 0 * along, 0, axis)
    return knots, c, degrees


def tensor_fit(grid: Any, values: Any, degree: int) -> tuple[list[Any], Any]:
    """Knots and coefficients of the splines through values on a grid, axis by axis."""
    knots = []
    c = floating(values)
    for axis, points in enumerate(grid):
        spline = make_interp_spline(points, np.moveaxis(c, axis, 0), degree)
        knots.append(held(spline, "t"))
        c = np.moveaxis(floating(held(spline, "c")), 0, axis)
    return knots, c


# *** one dimension, FITPACK's classes ***

_U = "scipy.interpolate.UnivariateSpline"


def _holds_tck(self: Any, *args: Any, **kwargs: Any) -> bool:
    return holds_traced(self.__dict__.get("_eval_args", ()))


@scipy_rule("scipy.interpolate.InterpolatedUnivariateSpline.__init__")
def interpolated(
    self: Any, x: Any, y: Any, w: Any = None, bbox: Any = (None, None), k: int = 3, ext: Any = 0,
    check_finite: bool = False,
) -> None:  # fmt: skip
    """Through all the data."""
    smoothed(self, x, y, w, bbox, k, 0, ext)


@scipy_rule(f"{_U}.__init__")
def smoothed(
    self: Any, x: Any, y: Any, w: Any = None, bbox: Any = (None, None), k: int = 3,
    s: Any = None, ext: Any = 0, check_finite: bool = False,
) -> None:  # fmt: skip
    """Near to the data; through all of them for s=0."""
    s = np.shape(x)[0] if s is None else s
    self.adjoint_data = (floating(x), floating(y), w, bbox, k)
    self.ext = _extension(ext)
    if holds_traced([s]) or s > 0:
        self._eval_args = near_data(self, s)
    else:
        self._eval_args = splrep(x, y, w=w, xb=bbox[0], xe=bbox[1], k=k, s=0)


def _extension(ext: Any) -> int:
    names = {"extrapolate": 0, "zeros": 1, "raise": 2, "const": 3}
    return names[ext] if isinstance(ext, str) else int(ext)


@scipy_rule(f"{_U}.__call__", wanted=_holds_tck)
def univariate_call(self: Any, x: Any, nu: int = 0, ext: Any = None) -> Any:
    """The value, or a derivative, at places."""
    return splev(x, self._eval_args, nu, self.ext if ext is None else _extension(ext))


@scipy_rule(f"{_U}.integral", wanted=_holds_tck)
def univariate_integral(self: Any, a: Any, b: Any) -> Any:
    """The integral between two places."""
    return splint(a, b, self._eval_args)


def _turned_into(name: str) -> None:
    """Another spline made from this one."""

    @scipy_rule(f"{_U}.{name}", wanted=_holds_tck)
    def rule(self: Any, n: int = 1) -> Any:
        import scipy.interpolate as si

        t, c, k = self._eval_args
        made = getattr(made_spline(floating(t), floating(c), k), name)(n)
        kind = si.UnivariateSpline
        found = kind.__new__(kind)
        found._eval_args = (held(made, "t"), held(made, "c"), made.k)
        # what is constant beyond the ends has no slope there
        found.ext = 1 if name == "derivative" and self.ext == 3 else self.ext
        return found


_turned_into("derivative")
_turned_into("antiderivative")


@scipy_rule("scipy.interpolate.LSQUnivariateSpline.__init__")
def least_squares(
    self: Any, x: Any, y: Any, t: Any, w: Any = None, bbox: Any = (None, None), k: int = 3,
    ext: Any = 0, check_finite: bool = False,
) -> None:  # fmt: skip
    """Nearest to the data, with given inner knots."""
    x = floating(x)
    low, high = (end if end is not None else x[at] for end, at in zip(bbox, (0, -1), strict=True))
    inner = floating(t)
    ends = [np.full(k + 1, 1.0) * low, inner, np.full(k + 1, 1.0) * high]
    spline = make_lsq_spline(x, y, np.concatenate(ends), k, w)
    self._eval_args = (held(spline, "t"), held(spline, "c"), k)
    self.adjoint_data = (x, floating(y), w, bbox, k)
    self.ext = _extension(ext)


# *** several dimensions ***


@scipy_rule("scipy.interpolate.NdBSpline.__init__")
def nd_spline(self: Any, t: Any, c: Any, k: Any, *, extrapolate: Any = None) -> None:
    """From recorded coefficients."""
    n = len(t)
    self._k = np.asarray([int(k)] * n if np.ndim(k) == 0 else [int(v) for v in k])
    self.adjoint_knots = tuple(as_operand(part) for part in t)
    self._c = floating(c)
    self.extrapolate = True if extrapolate is None else bool(extrapolate)


@scipy_rule("scipy.interpolate.NdBSpline.__call__", wanted=holds_itself)
def nd_spline_call(self: Any, xi: Any, *, nu: Any = None, extrapolate: Any = None) -> Any:
    """The value at places."""
    knots = self.__dict__.get("adjoint_knots") or self.t
    xi = floating(xi)
    n = len(knots)
    flat = np.reshape(xi, (-1, n))
    value = tensor_value(knots, self._c, tuple(self.k), [flat[:, i] for i in range(n)], nu)
    if not (self.extrapolate if extrapolate is None else extrapolate):
        inside: Any = True
        for i, (t, k) in enumerate(zip(knots, self.k, strict=True)):
            t = as_operand(t)
            low, high = t[int(k)], t[t.shape[0] - int(k) - 1]
            inside = inside & (flat[:, i] >= low) & (flat[:, i] <= high)
        value = np.where(np.reshape(inside, (-1, *(1,) * (value.ndim - 1))), value, np.nan)
    return np.reshape(value, xi.shape[:-1] + tuple(value.shape[1:]))


@scipy_rule("scipy.interpolate.NdBSpline.derivative", wanted=holds_itself)
def nd_spline_derivative(self: Any, nu: Any) -> Any:
    """The derivative as another spline."""
    knots = self.__dict__.get("adjoint_knots") or self.t
    found = type(self).__new__(type(self))
    nd_spline(found, *_tensor_derivative(knots, self._c, tuple(self.k), nu),
              extrapolate=self.extrapolate)  # fmt: skip
    return found


# *** scattered data ***


@scipy_rule("scipy.interpolate.RBFInterpolator.__init__")
def radial(
    self: Any, y: Any, d: Any, neighbors: Any = None, smoothing: Any = 0.0,
    kernel: str = "thin_plate_spline", epsilon: Any = None, degree: Any = None,
) -> None:  # fmt: skip
    """A sum of radial functions through data, and a polynomial."""
    from scipy.interpolate import _rbfinterp as code
    from scipy.interpolate import _rbfinterp_xp as backend

    keep_twin(self, y, d, neighbors, smoothing, kernel, epsilon, degree)
    y, d = floating(y), floating(d)
    if d.dtype.kind == "c":
        raise refused("RBFInterpolator", "complex data", "the real and the imaginary part")
    if epsilon is None:
        if kernel not in code._SCALE_INVARIANT:
            raise ValueError("`epsilon` must be specified for this kernel")
        epsilon = 1.0
    if degree is None:
        degree = max(code._NAME_TO_MIN_DEGREE.get(kernel, -1), 0)
    powers = backend._monomial_powers(y.shape[1], degree, np)
    flat = np.reshape(d, (d.shape[0], -1))
    spread = np.zeros(y.shape[0]) + smoothing
    if neighbors is not None:
        around = (y, flat, spread, kernel, epsilon, powers, min(int(neighbors), y.shape[0]))
        self.__dict__["adjoint_radial"] = (*around, d.shape[1:])
        self.neighbors = neighbors
        return
    self.neighbors = None
    solve = borrow.borrowed(backend._build_and_solve_system)
    shift, scale, coefficients = solve(y, flat, spread, kernel, epsilon, powers, np)
    self.__dict__["adjoint_radial"] = (
        y, kernel, epsilon, powers, shift, scale, coefficients, d.shape[1:],
    )  # fmt: skip


@scipy_rule(
    "scipy.interpolate.RBFInterpolator.__call__",
    wanted=lambda self, *_, **__: "adjoint_radial" in self.__dict__,
)
def radial_call(self: Any, x: Any) -> Any:
    """The value at places."""
    return twins_digits(self, "__call__", _radial_sum(self, floating(x)), x)


def _radial_sum(self: Any, x: Any) -> Any:
    from scipy.interpolate import _rbfinterp_xp as backend

    found = self.__dict__.get("adjoint_radial")
    if self.neighbors is not None:
        around = found or (self.y, self.d, self.smoothing, self.kernel, self.epsilon, self.powers,
                           self.neighbors, self.d_shape)  # fmt: skip
        return np.reshape(_from_neighbors(x, *around[:-1]), (x.shape[0], *around[-1]))
    if found is None:
        found = (self.y, self.kernel, self.epsilon, self.powers, self._shift, self._scale,
                 self._coeffs, self.d_shape)  # fmt: skip
    y, kernel, epsilon, powers, shift, scale, coefficients, shape = found
    compute = borrow.borrowed(backend.compute_interpolation)
    value = compute(x, y, kernel, epsilon, powers, shift, scale, coefficients, np)
    return np.reshape(value, (x.shape[0], *shape))


@dataclass(frozen=True)
class _Neighbors:
    """The points that are next to each place, in their own order."""

    count: int

    def __call__(self, points: Any, places: Any) -> tuple[Any]:
        from scipy.spatial import KDTree

        which = KDTree(points).query(places, self.count)[1]
        return (np.sort(np.reshape(which, (len(places), self.count)), axis=1),)


def _from_neighbors(
    x: Any, y: Any, d: Any, smoothing: Any, kernel: str, epsilon: Any, powers: Any, count: int
) -> Any:  # fmt: skip
    """For each place the sum of radial functions through the data next to it."""
    from scipy.interpolate import _rbfinterp_xp as backend

    types = [ArrayType((x.shape[0], count), np.dtype(np.int64))]
    (which,) = found_in(_Neighbors(count), types, y, x)
    radial = borrow.borrowed(backend.NAME_TO_FUNC[kernel])
    powers = np.asarray(powers)
    y, d = (pick(as_operand(part), which) for part in (y, d))  # places, neighbours, columns
    low, high = np.min(y, axis=1, keepdims=True), np.max(y, axis=1, keepdims=True)
    shift, scale = (low + high) / 2, (high - low) / 2
    scale = np.where(scale == 0, 1.0, scale)

    def terms(at: Any) -> tuple[Any, Any]:
        """The radial functions and the polynomials at places: of each neighbourhood its own."""
        off = epsilon * (at[:, :, None, :] - y[:, None, :, :])
        inside = ((at - shift) / scale)[:, :, None, :]
        return radial(np.linalg.vector_norm(off, axis=-1), np), np.prod(inside**powers, axis=-1)

    sums, polynomials = terms(y)
    spread = pick(as_operand(smoothing), which)
    sums = sums + spread[:, :, None] * np.eye(count)
    n = len(powers)
    nothing = np.zeros((x.shape[0], n, n))
    below = np.concatenate([np.swapaxes(polynomials, 1, 2), nothing], axis=2)
    system = np.concatenate([np.concatenate([sums, polynomials], axis=2), below], axis=1)
    right = np.concatenate([d, np.zeros((x.shape[0], n, d.shape[2]))], axis=1)
    rows = np.concatenate(terms(x[:, None, :]), axis=2)
    return (rows @ np.linalg.solve(system, right))[:, 0]
