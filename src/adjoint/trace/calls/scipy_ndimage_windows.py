"""scipy.ndimage on stand-in arrays: order statistics of windows, measurements, Fourier filters.

Morphology with grey values is SciPy's own code on top of the smallest and largest element.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.ndimage
import scipy.special as sp

from adjoint.primitives.choose import stop_gradient
from adjoint.trace.borrow_scipy import borrow_names
from adjoint.trace.calls.scipy_ndimage import _PADS, _axes, _each, over_all_axes
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.scipy_values import valued_rule
from adjoint.trace.calls.support import as_operand
from adjoint.trace.scipy_gate import holds_traced, scipy_rule
from adjoint.trace.without_rule import no_rule


class _Reach(NamedTuple):
    """What a filter sees of each place: over all axes of the image."""

    footprint: Any
    origins: list[int]
    modes: list[Any]


def _windows(x: Any, reach: _Reach, cval: Any) -> tuple[list[Any], list[tuple[int, ...]]]:
    """For each element of a footprint, the image moved there; and its place in the footprint."""
    footprint = reach.footprint
    for axis, (n, o) in enumerate(zip(footprint.shape, reach.origins, strict=True)):
        pads = [(0, 0)] * x.ndim
        pads[axis] = (n // 2 + o, n - 1 - n // 2 - o)
        kind: Any = _PADS[reach.modes[axis]]
        options: Any = {"constant_values": cval} if kind == "constant" else {}
        x = np.pad(x, pads, mode=kind, **options)
    shape = [m - n + 1 for m, n in zip(x.shape, footprint.shape, strict=True)]
    places = [tuple(int(i) for i in index) for index in np.argwhere(footprint)]
    parts = [
        x[tuple(slice(k, k + n) for k, n in zip(place, shape, strict=True))] for place in places
    ]
    return parts, places


def _reach(
    x: Any, size: Any, footprint: Any, origin: Any, mode: Any, axes: Any, separable: bool = False
) -> _Reach:
    """What a filter over some axes sees, over all axes of an image.

    Sizes and origins go with the axes as they were named where SciPy takes one axis after another,
    which is separable; otherwise they lie in the image's order.
    """
    chosen = _axes(axes, x.ndim)
    if footprint is None:
        footprint = np.ones([int(n) for n in _each(size, len(chosen))], bool)
    footprint = np.asarray(footprint, bool)
    modes = dict(zip(chosen, _each(mode, len(chosen)), strict=True))
    if separable and footprint.all():
        order = sorted(range(len(chosen)), key=chosen.__getitem__)
        origin = [_each(origin, len(chosen))[k] for k in order]
        footprint, chosen = np.transpose(footprint, order), sorted(chosen)
    footprint, origins = over_all_axes(footprint, origin, chosen, x.ndim)
    return _Reach(footprint, origins, [modes.get(axis, "nearest") for axis in range(x.ndim)])


def _kept(x: Any, output: Any) -> Any:
    """The dtype of a result: the image's, or the one asked for."""
    return x.dtype if output is None else np.dtype(output)


@scipy_rule("scipy.ndimage._filters._min_or_max_filter")
def smallest_or_largest(
    input: Any, size: Any, footprint: Any, structure: Any, output: Any, mode: Any, cval: Any,
    origin: Any, minimum: bool, axes: Any = None,
) -> Any:  # fmt: skip
    """The smallest or largest element under a footprint, with a structure's heights on it."""
    x = as_operand(input)
    if structure is not None and footprint is None:
        footprint = np.ones(np.shape(structure), bool)
    if footprint is None and size is None:
        raise RuntimeError("no footprint provided")
    reach = _reach(x, size, footprint, origin, mode, axes, separable=structure is None)
    parts, places = _windows(x, reach, cval)
    if structure is not None:
        heights = np.reshape(floating(structure), reach.footprint.shape)
        sign = -1 if minimum else 1
        parts = [part + sign * heights[place] for part, place in zip(parts, places, strict=True)]
    return (np.min if minimum else np.max)(np.stack(parts), axis=0).astype(_kept(x, output))


def _along(name: str, minimum: bool) -> None:
    @scipy_rule(f"scipy.ndimage.{name}")
    def rule(
        input: Any, size: int, axis: int = -1, output: Any = None, mode: str = "reflect",
        cval: Any = 0.0, origin: int = 0,
    ) -> Any:  # fmt: skip
        return smallest_or_largest(
            input, (size,), None, None, output, mode, cval, (origin,), minimum, (axis,)
        )


_along("minimum_filter1d", True)
_along("maximum_filter1d", False)


@scipy_rule("scipy.ndimage._filters._rank_filter")
def rank_of_windows(
    input: Any, rank: Any, size: Any = None, footprint: Any = None, output: Any = None,
    mode: Any = "reflect", cval: Any = 0.0, origin: Any = 0, operation: str = "rank",
    axes: Any = None,
) -> Any:  # fmt: skip
    """The element of a rank under a footprint: the median, or a percentile."""
    x = as_operand(input)
    if footprint is None and size is None:
        raise RuntimeError("no footprint or filter size provided")
    reach = _reach(x, size, footprint, origin, mode, axes)
    count = int(np.count_nonzero(reach.footprint))
    if operation == "median":
        rank = count // 2
    elif operation == "percentile":
        share = rank + 100.0 if rank < 0 else rank
        rank = count - 1 if share == 100.0 else int(count * share / 100.0)
    rank = rank + count if rank < 0 else rank
    if not 0 <= rank < count:
        raise RuntimeError("rank not within filter footprint size")
    parts, _ = _windows(x, reach, cval)
    return np.sort(np.stack(parts), axis=0)[int(rank)].astype(_kept(x, output))


@scipy_rule("scipy.ndimage.generic_filter")
def generic_filter(
    input: Any, function: Any, size: Any = None, footprint: Any = None, output: Any = None,
    mode: Any = "reflect", cval: Any = 0.0, origin: Any = 0, extra_arguments: Any = (),
    extra_keywords: Any = None, *, axes: Any = None,
) -> Any:  # fmt: skip
    """A function of the elements under a footprint, called for one place after another."""
    x = floating(input)
    parts, _ = _windows(x, _reach(x, size, footprint, origin, mode, axes), cval)
    rows = np.reshape(np.stack(parts, axis=-1), (-1, len(parts)))
    named = extra_keywords or {}
    values = [function(rows[i], *extra_arguments, **named) for i in range(rows.shape[0])]
    return np.reshape(np.stack([floating(v) for v in values]), x.shape).astype(_kept(x, output))


@scipy_rule("scipy.ndimage.generic_filter1d")
def generic_filter1d(
    input: Any, function: Any, filter_size: int, axis: int = -1, output: Any = None,
    mode: str = "reflect", cval: Any = 0.0, origin: int = 0, extra_arguments: Any = (),
    extra_keywords: Any = None,
) -> Any:  # fmt: skip
    """A function that is given a longer line and writes the new one, called for each line."""
    x = np.moveaxis(floating(input), axis, -1)
    before = filter_size // 2 + origin
    if not 0 <= before < filter_size:
        raise RuntimeError("invalid filter size or origin")
    kind: Any = _PADS[mode]
    options: Any = {"constant_values": cval} if kind == "constant" else {}
    pads = [(0, 0)] * (x.ndim - 1) + [(before, filter_size - 1 - before)]
    longer = np.pad(x, pads, mode=kind, **options)
    made = np.copy(x)
    for place in np.ndindex(*x.shape[:-1]):
        function(longer[place], made[place], *extra_arguments, **(extra_keywords or {}))
    return np.moveaxis(made, -1, axis).astype(_kept(x, output))


def _each_axis(name: str, join: Any) -> None:
    @scipy_rule(f"scipy.ndimage.{name}")
    def rule(
        input: Any, derivative: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0,
        extra_arguments: Any = (), extra_keywords: Any = None, *, axes: Any = None,
    ) -> Any:  # fmt: skip
        x = floating(input)
        chosen = _axes(axes, x.ndim)
        parts = [
            derivative(x, axis, None, m, cval, *extra_arguments, **(extra_keywords or {}))
            for axis, m in zip(chosen, _each(mode, len(chosen)), strict=True)
        ]
        return join(parts).astype(_kept(x, output))


_each_axis("generic_laplace", lambda parts: sum(parts[1:], parts[0]))
_each_axis(
    "generic_gradient_magnitude",
    lambda parts: np.sqrt(sum([p * p for p in parts[1:]], parts[0] * parts[0])),
)

borrow_names(
    "scipy.ndimage",
    "minimum_filter maximum_filter rank_filter median_filter percentile_filter grey_erosion "
    "grey_dilation grey_opening grey_closing morphological_gradient morphological_laplace "
    "white_tophat black_tophat vectorized_filter sum sum_labels mean variance standard_deviation "
    "minimum maximum median extrema center_of_mass labeled_comprehension",
)


# *** filters in the Fourier domain ***


def _frequencies(shape: Any, n: int, axis: int) -> list[Any]:
    """For each axis, cycles in a sample, along that axis alone; n is the length before rfft."""
    made = []
    for k, m in enumerate(shape):
        halved = n > 0 and k == axis % len(shape)
        f = np.arange(m) / n if halved else np.fft.fftfreq(m)
        made.append(np.reshape(f, [-1 if i == k else 1 for i in range(len(shape))]))
    return made


def _written(spectrum: Any, output: Any) -> Any:
    """A spectrum in the dtype that is asked for."""
    kept = _kept(spectrum, output)
    if spectrum.dtype.kind == "c" and kept.kind != "c":
        raise RuntimeError("output type not supported")
    return spectrum.astype(kept)


def _spectrum(input: Any) -> Any:
    x = floating(input)
    return x if x.dtype.kind == "c" or x.dtype == np.float32 else x.astype(np.float64)


@valued_rule("scipy.ndimage.fourier_gaussian")
def fourier_gaussian(
    input: Any, sigma: Any, n: int = -1, axis: int = -1, output: Any = None
) -> Any:
    """The transform of a Gaussian, times a spectrum."""
    x = _spectrum(input)
    widths = _each(sigma, x.ndim)
    for k, f in enumerate(_frequencies(x.shape, n, axis)):
        x = x * np.exp(-2 * np.pi**2 * (widths[k] * f) ** 2).astype(np.real(x).dtype)
    return _written(x, output)


@valued_rule("scipy.ndimage.fourier_uniform")
def fourier_uniform(input: Any, size: Any, n: int = -1, axis: int = -1, output: Any = None) -> Any:
    """The transform of a box, times a spectrum."""
    x = _spectrum(input)
    widths = _each(size, x.ndim)
    for k, f in enumerate(_frequencies(x.shape, n, axis)):
        wide = stop_gradient(widths[k]) > 0  # SciPy keeps the mean alone elsewhere
        x = x * np.where(wide, np.sinc(widths[k] * f), f == 0).astype(np.real(x).dtype)
    return _written(x, output)


@valued_rule("scipy.ndimage.fourier_ellipsoid")
def fourier_ellipsoid(
    input: Any, size: Any, n: int = -1, axis: int = -1, output: Any = None
) -> Any:
    """The transform of an ellipsoid, times a spectrum."""
    x = _spectrum(input)
    if not holds_traced((size,)):
        factor = scipy.ndimage.fourier_ellipsoid(np.ones(x.shape), size, n, axis)
        return _written(x * factor.astype(np.real(x).dtype), output)
    widths = _each(size, x.ndim)
    r = np.sqrt(
        sum((w * f) ** 2 for w, f in zip(widths, _frequencies(x.shape, n, axis), strict=True))
    )
    return _written(x * _ball(np.pi * r, x.ndim).astype(np.real(x).dtype), output)


def _ball(r: Any, ndim: int) -> Any:
    """The transform of a ball of one, two or three dimensions, which is 1 in the middle."""
    middle = r == 0
    away = np.where(middle, 1.0, r)
    if ndim == 1:
        made = np.sin(away) / away
    elif ndim == 2:
        made = 2 * sp.j1(away) / away
    elif ndim == 3:
        made = 3 * (np.sin(away) - away * np.cos(away)) / away**3
    else:
        raise no_rule(
            "scipy.ndimage.fourier_ellipsoid", "an ellipsoid of four or more axes",
            "up to three axes, or fourier_gaussian",
        )  # fmt: skip
    return np.where(middle, 1.0, made)


@valued_rule("scipy.ndimage.fourier_shift")
def fourier_shift(input: Any, shift: Any, n: int = -1, axis: int = -1, output: Any = None) -> Any:
    """The factor that moves an image, times its spectrum."""
    x = floating(input)
    x = x.astype(x.dtype if x.dtype.kind == "c" else np.complex128)
    steps = _each(shift, x.ndim)
    for k, f in enumerate(_frequencies(x.shape, n, axis)):
        x = x * np.exp(-2j * np.pi * (steps[k] * f)).astype(x.dtype)
    return _written(x, output)
