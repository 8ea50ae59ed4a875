"""scipy.ndimage on stand-in arrays: filters with fixed weights, and simple measurements."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.primitives.linear_map import linear_map
from adjoint.trace.borrow import borrowed
from adjoint.trace.borrow_scipy import is_unknown
from adjoint.trace.calls.axis_maps import along_axis
from adjoint.trace.calls.scipy_images import hashable, image_rule
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import as_operand
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import holds_traced
from adjoint.trace.views import detached
from adjoint.trace.without_rule import refusing

# SciPy's names of boundaries, and np.pad's.
_PADS = {
    "reflect": "symmetric", "grid-mirror": "symmetric", "mirror": "reflect",
    "nearest": "edge", "wrap": "wrap", "grid-wrap": "wrap", "constant": "constant",
    "grid-constant": "constant",
}  # fmt: skip


_refused = refusing("scipy.ndimage")


def _reach(options: dict[str, Any]) -> int:
    """How far an element of the input acts, at most."""
    if "weights" in options:
        return len(options["weights"])
    if "size" in options:
        return int(options["size"])
    radius = options.get("radius")
    return int(radius or options.get("truncate", 4.0) * options["sigma"] + 0.5) + 1


def _axis_filter(name: str, x: Any, axis: int, options: dict[str, Any]) -> Any:
    """A one-dimensional filter along an axis."""
    import scipy.ndimage

    function = getattr(scipy.ndimage, name)
    x = floating(x)
    axis %= x.ndim
    cval = options.get("cval", 0.0)
    homogeneous = {k: v for k, v in options.items() if k != "cval"}
    key = hashable(tuple(sorted(homogeneous.items())))
    made = along_axis(
        name, key, x.shape, axis, lambda v, k: function(v, axis=k, **homogeneous), _reach(options)
    )
    result = linear_map(detached(x), map=made)
    if options.get("mode") in ("constant", "grid-constant") and cval:
        result = result + function(np.zeros(x.shape, x.dtype), axis=axis, **options)
    return result


_SIMPLE: dict[str, tuple[str, ...]] = {
    "gaussian_filter1d": ("sigma", "axis", "order", "output", "mode", "cval", "truncate", "radius"),
    "uniform_filter1d": ("size", "axis", "output", "mode", "cval", "origin"),
    "correlate1d": ("weights", "axis", "output", "mode", "cval", "origin"),
    "convolve1d": ("weights", "axis", "output", "mode", "cval", "origin"),
}
_DEFAULTS: dict[str, Any] = {
    "axis": -1, "order": 0, "output": None, "mode": "reflect", "cval": 0.0, "truncate": 4.0,
    "radius": None, "origin": 0,
}  # fmt: skip


def _recorded_weights(name: str, options: dict[str, Any]) -> Any:
    """The weights of a filter whose weights, or whose width, are recorded."""
    if holds_traced([options.get("weights")]):
        return as_operand(options.pop("weights"))
    if not holds_traced([options.get("sigma")]):
        return None
    from scipy.ndimage import _filters

    sigma, radius = options.pop("sigma"), options.pop("radius", None)
    known, truncate = known_value(sigma), options.pop("truncate", 4.0)
    if radius is None and known is None:
        raise _refused(name, "a recorded sigma inside jit or vmap without radius=", "radius=")
    reach = int(truncate * float(known) + 0.5) if radius is None else int(radius)
    return np.flip(borrowed(_filters._gaussian_kernel1d)(sigma, options.pop("order", 0), reach))


def _along(x: Any, weights: Any, axis: int, options: dict[str, Any], flip: bool) -> Any:
    """A filter with recorded weights along an axis."""
    n = np.ndim(x)
    weights, origins = over_all_axes(weights, options.get("origin", 0), [axis % n], n)
    mode, cval = options.get("mode", "reflect"), options.get("cval", 0.0)
    return _filtered(x, weights, mode, cval, origins, flip)


def _simple(name: str) -> Callable[..., Any]:
    def rule(input: Any, *args: Any, **kwargs: Any) -> Any:
        options = dict(zip(_SIMPLE[name], args, strict=False)) | kwargs
        axis = options.pop("axis", -1)
        options.pop("output", None)
        moving = _recorded_weights(name, options)
        if moving is not None:
            return _along(input, moving, axis, options, name == "convolve1d")
        beyond = options.pop("cval") if holds_traced([options.get("cval")]) else None
        if holds_traced(options.values()):
            raise _refused(name, "a recorded setting")
        if beyond is not None:
            return _bordered(name, input, beyond, axis, options)
        if "weights" in options:
            options["weights"] = np.asarray(options["weights"])
            if options["weights"].dtype.kind == "c":
                return _along(input, options.pop("weights"), axis, options, name == "convolve1d")
        return _axis_filter(name, input, axis, options)

    named = inspect.Parameter.POSITIONAL_OR_KEYWORD
    rule.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(key, named, default=_DEFAULTS.get(key, inspect.Parameter.empty))
            for key in ("input", *_SIMPLE[name])
        ]
    )
    return image_rule(name)(rule)


def _bordered(name: str, input: Any, beyond: Any, axis: int, options: dict[str, Any]) -> Any:
    """A filter of an image beyond whose borders there is a recorded number: linear in both."""
    import scipy.ndimage

    x, function = floating(input), getattr(scipy.ndimage, name)
    inner = function(x, axis=axis, **options)
    if options.get("mode") not in ("constant", "grid-constant"):
        return inner
    around = function(np.zeros(x.shape, x.real.dtype), axis=axis, cval=1.0, **options)
    return inner + beyond * around


_gaussian1d, _uniform1d, _correlate1d, _convolve1d = map(_simple, _SIMPLE)


def _each(value: Any, count: int) -> list[Any]:
    return list(value) if np.ndim(value) or isinstance(value, list | tuple) else [value] * count


def _axes(axes: Any, ndim: int) -> list[int]:
    return [a % ndim for a in (range(ndim) if axes is None else np.atleast_1d(axes).tolist())]


@image_rule("gaussian_filter")
def gaussian_filter(
    input: Any, sigma: Any, order: Any = 0, output: Any = None, mode: Any = "reflect",
    cval: Any = 0.0, truncate: float = 4.0, *, radius: Any = None, axes: Any = None,
) -> Any:  # fmt: skip
    """Gaussian smoothing, axis by axis."""
    x = floating(input)
    places = _axes(axes, x.ndim)
    n = len(places)
    settings = zip(places, *[_each(v, n) for v in (sigma, order, mode, radius)], strict=True)
    for axis, s, o, m, r in settings:
        if is_unknown(s) or s > 1e-15:
            x = _gaussian1d(x, s, axis, o, None, m, cval, truncate, radius=r)
    return x


@image_rule("uniform_filter")
def uniform_filter(
    input: Any, size: Any = 3, output: Any = None, mode: Any = "reflect", cval: Any = 0.0,
    origin: Any = 0, *, axes: Any = None,
) -> Any:  # fmt: skip
    """The running mean, axis by axis."""
    x = floating(input)
    places = _axes(axes, x.ndim)
    n = len(places)
    for axis, s, m, o in zip(places, *[_each(v, n) for v in (size, mode, origin)], strict=True):
        if s > 1:
            x = _uniform1d(x, int(s), axis, None, m, cval, o)
    return x


def _derivative(weights: list[float], smooth: list[float]) -> Callable[..., Any]:
    def rule(
        input: Any, axis: int = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0
    ) -> Any:
        x = floating(input)
        axis %= x.ndim
        modes = _each(mode, x.ndim)
        x = _correlate1d(x, weights, axis, None, modes[axis], cval, 0)
        for other in range(x.ndim):
            if other != axis:
                x = _correlate1d(x, smooth, other, None, modes[other], cval, 0)
        return x

    return rule


image_rule("sobel")(_derivative([-1, 0, 1], [1, 2, 1]))
image_rule("prewitt")(_derivative([-1, 0, 1], [1, 1, 1]))


@image_rule("laplace")
def laplace(
    input: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, *, axes: Any = None
) -> Any:
    """Second differences, summed."""
    x = floating(input)
    places = _axes(axes, x.ndim)
    parts = [
        _correlate1d(x, [1, -2, 1], axis, None, m, cval, 0)
        for axis, m in zip(places, _each(mode, len(places)), strict=True)
    ]
    return sum(parts[1:], parts[0])


def _second(name: str, order: int, sigmas: Any, join: Any) -> None:
    """A sum over axes of derivatives along one of them, with Gaussian smoothing along the others.

    As in SciPy, the boundary of an axis is that of the other axes too while its part is computed.
    """

    @image_rule(name, rounds=True)
    def rule(
        input: Any, sigma: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0,
        *, axes: Any = None, **options: Any,
    ) -> Any:  # fmt: skip
        x = floating(input)
        places = _axes(axes, x.ndim)
        widths = sigmas(sigma, places, x.ndim)
        parts = []
        for axis, m in zip(places, _each(mode, len(places)), strict=True):
            orders = [order if k == axis else 0 for k in range(x.ndim)]
            parts.append(gaussian_filter(x, widths, orders, None, m, cval, **options))
        return join(parts)


def _of_places(sigma: Any, places: list[int], n: int) -> list[Any]:
    """The widths of all n axes where those of some are given: the others are not smoothed."""
    if len(places) == n:
        return _each(sigma, n)
    named = dict(zip(places, _each(sigma, len(places)), strict=True))
    return [named.get(axis, 0) for axis in range(n)]


_second("gaussian_laplace", 2, _of_places, lambda parts: sum(parts[1:], parts[0]))
_second(
    "gaussian_gradient_magnitude",
    1,
    lambda sigma, places, n: _each(sigma, n),  # SciPy smooths along all axes
    lambda parts: np.sqrt(sum([p * p for p in parts[1:]], parts[0] * parts[0])),
)

# *** any weights in any number of axes: pad, then correlate ***


def over_all_axes(weights: Any, origin: Any, chosen: list[int], n: int) -> tuple[Any, list[int]]:
    """Weights, and their origins, for some axes of an image as those for all of its n axes.

    In SciPy weights lie along the chosen axes in the image's order, whichever was named first;
    origins go with the names, unless all axes are chosen.
    """
    origins = [int(o) for o in _each(origin, len(chosen))]
    if len(chosen) == n:
        return weights, origins
    named = dict(zip(chosen, origins, strict=True))
    lengths = dict(zip(sorted(chosen), weights.shape, strict=True))
    shape = [lengths.get(axis, 1) for axis in range(n)]
    return np.reshape(weights, shape), [named.get(axis, 0) for axis in range(n)]


def _filtered(
    input: Any, weights: Any, mode: str, cval: Any, origins: list[int], flip: bool
) -> Any:
    x, w = floating(input), as_operand(weights)
    if w.dtype.kind not in "fc":
        w = w.astype(np.float64)
    if w.dtype.kind == "c" and not flip:
        w = np.conj(w)
    if flip:
        w = np.flip(w)
        origins = [-o - (1 - n % 2) for o, n in zip(origins, w.shape, strict=True)]
    if x.size == 0:
        return x
    # weight k of an axis of length n falls on x[i + k - n // 2 - origin]
    pads = [(n // 2 + o, n - 1 - n // 2 - o) for o, n in zip(origins, w.shape, strict=True)]
    kind: Any = _PADS[mode]
    options: Any = {"constant_values": cval} if kind == "constant" else {}
    padded = np.pad(x, pads, mode=kind, **options)
    total: Any = 0.0
    for index in np.ndindex(*w.shape):
        part = tuple(slice(k, k + n) for k, n in zip(index, x.shape, strict=True))
        if holds_traced([w]) or w[index] != 0:
            total = total + w[index] * padded[part]
    return total


def _general(name: str, flip: bool) -> None:
    @image_rule(name)
    def rule(
        input: Any, weights: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0,
        origin: Any = 0, *, axes: Any = None,
    ) -> Any:  # fmt: skip
        if not isinstance(mode, str):
            raise RuntimeError("A sequence of modes is not supported")
        n = np.ndim(input)
        weights, origins = over_all_axes(as_operand(weights), origin, _axes(axes, n), n)
        return _filtered(input, weights, mode, cval, origins, flip)


_general("correlate", flip=False)
_general("convolve", flip=True)
