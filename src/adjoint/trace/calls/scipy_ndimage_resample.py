"""scipy.ndimage on stand-in arrays: images at other places, by splines of SciPy's orders.

The image and the places both have derivatives. A spline of order k at a place is a sum over
k + 1 neighbours on each axis, with weights that are polynomials of the distance.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from adjoint.errors import ConcreteValueError, UnsupportedError
from adjoint.graph.source import source_here
from adjoint.primitives.linear_map import linear_map
from adjoint.trace.borrow_scipy import is_unknown
from adjoint.trace.calls.axis_maps import along_axis
from adjoint.trace.calls.scipy_images import image_rule
from adjoint.trace.calls.scipy_ndimage import _each
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.indexing import known_value
from adjoint.trace.views import detached

_PAD = 12  # SciPy's margin for the modes without an exact boundary condition


@lru_cache(maxsize=8)
def _pieces(order: int) -> Any:
    """Coefficients of the uniform B-spline, highest power first, one column for an interval."""
    from scipy.interpolate import BSpline, PPoly

    if order == 0:
        return np.ones((1, 1))
    whole = BSpline.basis_element(np.arange(order + 2.0))
    pieces = PPoly.from_spline(whole)
    first = int(np.searchsorted(pieces.x, 0.0, side="right")) - 1
    return np.ascontiguousarray(pieces.c[:, first : first + order + 1])


def _mapped(x: Any, n: int, mode: str) -> Any:
    """A place beyond the image, where the mode looks for it."""
    if n == 1 or mode in ("constant", "grid-constant"):
        return x if mode in ("constant", "grid-constant") else x * 0
    if mode == "nearest":
        return np.clip(x, -_PAD, n - 1 + _PAD)  # further out all neighbours are the last element
    if mode == "mirror":
        folded = np.abs(x) % (2 * n - 2)
        return np.where(folded > n - 1, 2 * n - 2 - folded, folded)
    if mode in ("reflect", "grid-mirror"):
        folded = (x + 0.5) % (2 * n)
        return np.where(folded > n, 2 * n - folded, folded) - 0.5
    if mode == "wrap":
        inside = (x >= 0) & (x <= n - 1)
        return np.where(inside, x, x % (n - 1))
    return x % n  # grid-wrap


def _neighbour(at: Any, n: int, mode: str) -> Any:
    """The element that stands for one beyond the image."""
    if n == 1:
        return at * 0
    if mode in ("reflect", "grid-mirror"):
        folded = at % (2 * n)
        return np.minimum(folded, 2 * n - 1 - folded)
    if mode == "grid-wrap":
        return at % n
    if mode == "nearest":
        return np.clip(at, 0, n - 1)
    folded = np.abs(at) % (2 * n - 2)
    return np.minimum(folded, 2 * n - 2 - folded)


def _axis_weights(x: Any, n: int, order: int, mode: str) -> tuple[Any, Any, Any]:
    """For one axis: neighbours, their weights, and which of them are elements at all."""
    x = _mapped(x, n, mode)
    near = np.floor(x) if order % 2 else np.floor(x + 0.5)
    t = x - near if order % 2 else x - near + 0.5
    start = near.astype(np.intp) - order // 2
    pieces = _pieces(order)
    places, weights, real = [], [], []
    for j in range(order + 1):
        weight: Any = pieces[0, order - j] + 0 * t
        for p in range(1, order + 1):
            weight = weight * t + pieces[p, order - j]
        weights.append(weight)
        real.append((start + j >= 0) & (start + j < n))
        places.append(_neighbour(start + j, n, mode))
    return np.stack(places), np.stack(weights), np.stack(real)


def _at(image: Any, coordinates: list[Any], order: int, mode: str, cval: Any) -> Any:
    """The spline of coefficients at places, one array of them for each axis."""
    ndim = image.ndim
    shape = coordinates[0].shape
    flat = [np.reshape(c, (-1,)) for c in coordinates]
    place: Any = 0
    weight: Any = 1.0
    whole: Any = True
    for axis, (x, n) in enumerate(zip(flat, image.shape, strict=True)):
        places, weights, real = _axis_weights(x, n, order, mode)
        spread = (1,) * axis + (order + 1,) + (1,) * (ndim - 1 - axis) + (-1,)
        place = place * n + np.reshape(places, spread)
        weight = weight * np.reshape(weights, spread)
        whole = whole & np.reshape(real, spread)
    values = np.take(np.reshape(image, (-1,)), place)
    if mode == "grid-constant":
        values = np.where(whole, values, cval)
    result = np.sum(values * weight, axis=tuple(range(ndim)))
    if mode == "constant":
        inside: Any = True
        for x, n in zip(flat, image.shape, strict=True):
            inside = inside & (x >= 0) & (x <= n - 1)
        result = np.where(inside, result, cval)
    return np.reshape(result, shape)


def _sampled(
    image: Any, coordinates: list[Any], order: int, mode: str, cval: Any, prefilter: bool
) -> Any:
    if not 0 <= order <= 5:
        raise RuntimeError("spline order not supported")
    image = floating(image)
    kind = image.dtype
    if prefilter and order > 1:
        if mode in ("nearest", "grid-constant"):
            constant = {"constant_values": cval} if mode == "grid-constant" else {}
            pad: Any = "edge" if mode == "nearest" else "constant"
            image = np.pad(image, _PAD, mode=pad, **constant)
            coordinates = [c + _PAD for c in coordinates]
        image = spline_filter(image, order, mode=mode)
    return _at(image, coordinates, order, mode, cval).astype(kind)


@image_rule("spline_filter1d")
def spline_filter1d(
    input: Any, order: int = 3, axis: int = -1, output: Any = np.float64, mode: str = "mirror"
) -> Any:
    """Coefficients of the spline through an image, along one axis."""
    import scipy.ndimage

    x = floating(input)
    if order < 2 or x.size == 0:
        return x

    def apply(v: Any, k: int) -> Any:
        return scipy.ndimage.spline_filter1d(v, order, k, mode=mode)

    made = along_axis("spline_filter1d", (order, mode), x.shape, axis % x.ndim, apply)
    return linear_map(detached(x), map=made)


@image_rule("spline_filter")
def spline_filter(
    input: Any, order: int = 3, output: Any = np.float64, mode: str = "mirror"
) -> Any:
    """Coefficients of the spline through an image."""
    x = floating(input)
    for axis in range(x.ndim):
        x = spline_filter1d(x, order, axis, mode=mode)
    return x


@image_rule("map_coordinates", rounds=True)
def map_coordinates(
    input: Any, coordinates: Any, output: Any = None, order: int = 3, mode: str = "constant",
    cval: Any = 0.0, prefilter: bool = True,
) -> Any:  # fmt: skip
    """An image at given places; both have derivatives."""
    places = floating(coordinates)
    axes = [places[i] for i in range(places.shape[0])]
    return _sampled(input, axes, order, mode, cval, prefilter)


def _grid(shape: Any) -> list[Any]:
    return list(np.indices(shape, dtype=np.float64))


@image_rule("shift", rounds=True)
def shift(
    input: Any, shift: Any, output: Any = None, order: int = 3, mode: str = "constant",
    cval: Any = 0.0, prefilter: bool = True,
) -> Any:  # fmt: skip
    """An image moved by a number of elements on each axis."""
    x = floating(input)
    steps = _each(shift, x.ndim)
    places = [g - steps[i] for i, g in enumerate(_grid(x.shape))]
    return _sampled(x, places, order, mode, cval, prefilter)


@image_rule("affine_transform", rounds=True)
def affine_transform(
    input: Any, matrix: Any, offset: Any = 0.0, output_shape: Any = None, output: Any = None,
    order: int = 3, mode: str = "constant", cval: Any = 0.0, prefilter: bool = True,
) -> Any:  # fmt: skip
    """An image at places ``matrix @ o + offset``; all three have derivatives."""
    x, matrix = floating(input), floating(matrix)
    n = x.ndim
    if matrix.ndim == 2 and matrix.shape[1] == n + 1:
        offset, matrix = matrix[:n, n], matrix[:n, :n]
    if matrix.ndim == 1:
        matrix = np.diag(matrix)
    offset = np.broadcast_to(floating(offset), (n,))
    grid = _grid(x.shape if output_shape is None else tuple(output_shape))
    places = []
    for i in range(n):
        place: Any = offset[i]
        for j, g in enumerate(grid):
            place = place + matrix[i, j] * g
        places.append(place)
    return _sampled(x, places, order, mode, cval, prefilter)


@image_rule("zoom", rounds=True)
def zoom(
    input: Any, zoom: Any, output: Any = None, order: int = 3, mode: str = "constant",
    cval: Any = 0.0, prefilter: bool = True, *, grid_mode: bool = False,
) -> Any:  # fmt: skip
    """An image with another number of elements; the factor itself decides that number."""
    x = floating(input)
    factors = [_known_factor(z) for z in _each(zoom, x.ndim)]
    if all(z == 1 for z in factors) and prefilter:
        return x * 1
    made = [round(n * z) for n, z in zip(x.shape, factors, strict=True)]
    places = []
    for g, m, n in zip(_grid(made), made, x.shape, strict=True):
        if grid_mode:
            places.append((g + 0.5) * (n / m) - 0.5)
        else:
            places.append(g * ((n - 1) / (m - 1)) if m > 1 else g)
    return _sampled(x, places, order, mode, cval, prefilter)


@image_rule("rotate", rounds=True)
def rotate(
    input: Any, angle: Any, axes: Any = (1, 0), reshape: bool = True, output: Any = None,
    order: int = 3, mode: str = "constant", cval: Any = 0.0, prefilter: bool = True,
) -> Any:  # fmt: skip
    """An image turned in a plane; the angle has a derivative at a fixed size of the result."""
    import scipy.special as sp

    x = floating(input)
    one, two = sorted(a % x.ndim for a in axes)
    c, s = sp.cosdg(angle), sp.sindg(angle)
    turn = np.stack([np.stack([c, s]), np.stack([-s, c])])
    given = np.array([x.shape[one], x.shape[two]])
    made = given
    if reshape:
        if is_unknown(turn):
            raise UnsupportedError(
                "the size of the result depends on the angle, which is not known",
                function="scipy.ndimage.rotate",
                source=source_here(),
                remedy="use reshape=False inside jit and vmap",
            )
        fixed = known_value(turn)
        corners = fixed @ np.array([[0, 0, given[0], given[0]], [0, given[1], 0, given[1]]])
        made = (np.ptp(corners, axis=1) + 0.5).astype(int)
    offset = (given - 1) / 2 - turn @ ((made - 1) / 2)
    plane = np.moveaxis(x, (one, two), (-2, -1))
    lead = plane.shape[:-2]
    images = np.reshape(plane, (-1, *plane.shape[-2:]))
    turned = [
        affine_transform(images[i], turn, offset, tuple(made), None, order, mode, cval, prefilter)
        for i in range(images.shape[0])
    ]
    return np.moveaxis(np.reshape(np.stack(turned), (*lead, *made)), (-2, -1), (one, two))


@image_rule("geometric_transform")
def geometric_transform(
    input: Any, mapping: Any, output_shape: Any = None, output: Any = None, order: int = 3,
    mode: str = "constant", cval: Any = 0.0, prefilter: bool = True,
    extra_arguments: Any = (), extra_keywords: Any = None,
) -> Any:  # fmt: skip
    """An image at the places that a function gives for each element of the result."""
    x = floating(input)
    shape = x.shape if output_shape is None else tuple(output_shape)
    named = extra_keywords or {}
    rows = [np.stack([floating(v) for v in mapping(i, *extra_arguments, **named)])
            for i in np.ndindex(*shape)]  # fmt: skip
    places = np.reshape(np.stack(rows), (*shape, x.ndim))
    axes = [places[..., k] for k in range(x.ndim)]
    return _sampled(x, axes, order, mode, cval, prefilter)


def _known_factor(z: Any) -> float:
    """A factor of zoom, which decides a shape."""
    value = known_value(z)
    if value is None:
        raise ConcreteValueError(
            "the factor of zoom decides the shape of the result, and is not known while recording",
            function="scipy.ndimage.zoom",
            source=source_here(),
            remedy="give it as a number from outside, or call scipy.ndimage.zoom outside jit",
        )
    return float(value)
