"""Convolution, pooling and resizing of ONNX, in NumPy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from adjoint.formats.reading.step import Step, operator, whole
from adjoint.primitives.convolution import convolution, convolution_transposed
from adjoint.primitives.windows import windows

Pairs = list[tuple[int, int]]


def _pairs(
    step: Step, extents: Sequence[int], kernel: Sequence[int], stride: Any, dilation: Any
) -> Pairs:
    """How much each axis is padded before and after."""
    auto = step.get("auto_pad", "NOTSET")
    n = len(kernel)
    if auto in ("NOTSET", ""):
        pads = step.get("pads", (0,) * (2 * n))
        return list(zip(pads[:n], pads[n:], strict=True))
    if auto == "VALID":
        return [(0, 0)] * n
    pairs = []
    for m, k, s, d in zip(extents, kernel, stride, dilation, strict=True):
        total = max(0, (-(-m // s) - 1) * s + d * (k - 1) + 1 - m)
        small = total // 2
        pairs.append((small, total - small) if auto == "SAME_UPPER" else (total - small, small))
    return pairs


@operator("Conv")
def _conv(step: Step, x: Any, w: Any, bias: Any = None) -> Any:
    n = w.ndim - 2
    stride, dilation = step.get("strides", (1,) * n), step.get("dilations", (1,) * n)
    pairs = _pairs(step, x.shape[2:], w.shape[2:], stride, dilation)
    y = convolution(x, w, stride, pairs, dilation, step.get("group", 1))
    return y if bias is None else y + np.reshape(bias, (-1,) + (1,) * n)


@operator("ConvTranspose")
def _conv_transpose(step: Step, x: Any, w: Any, bias: Any = None) -> Any:
    n = w.ndim - 2
    stride, dilation = step.get("strides", (1,) * n), step.get("dilations", (1,) * n)
    extra = list(step.get("output_padding", (0,) * n))
    auto, shape = step.get("auto_pad", "NOTSET"), step.get("output_shape")
    if auto in ("SAME_UPPER", "SAME_LOWER") and shape is None:
        shape = [m * s for m, s in zip(x.shape[2:], stride, strict=True)]
    if shape is None:
        pairs = _pairs(step, x.shape[2:], w.shape[2:], stride, dilation)
    else:
        pairs = []
        for i, wanted in enumerate(shape[-n:]):
            reach = stride[i] * (x.shape[2 + i] - 1) + dilation[i] * (w.shape[2 + i] - 1) + 1
            total = reach + extra[i] - wanted
            extra[i] += max(0, -total)
            small = max(0, total) // 2
            large = max(0, total) - small
            pairs.append((small, large) if auto == "SAME_UPPER" else (large, small))
    y = convolution_transposed(x, w, stride, pairs, dilation, step.get("group", 1), extra)
    return y if bias is None else y + np.reshape(bias, (-1,) + (1,) * n)


# *** pooling ***


def _windowed(step: Step, x: Any, fill: Any) -> tuple[Any, Any]:
    """The windows, those of the kernel as one last axis; and how many places count in each."""
    kernel = step.get("kernel_shape")
    n = len(kernel)
    stride, dilation = step.get("strides", (1,) * n), step.get("dilations", (1,) * n)
    pairs = _pairs(step, x.shape[2:], kernel, stride, dilation)
    more = [0] * n
    if step.get("ceil_mode", 0):
        for i, (a, b) in enumerate(pairs):
            extent, reach = x.shape[2 + i], dilation[i] * (kernel[i] - 1) + 1
            places = -(-(extent + a + b - reach) // stride[i]) + 1
            if (places - 1) * stride[i] >= extent + a:  # it would begin behind the end
                places -= 1
            more[i] = max(0, (places - 1) * stride[i] + reach - extent - a - b)
    ends = [(0, 0), (0, 0), *[(a, b + c) for (a, b), c in zip(pairs, more, strict=True)]]
    framed = np.pad(x, ends, constant_values=fill) if any(map(any, ends)) else x
    counts = np.ones(x.shape[2:], x.dtype)
    counts = np.pad(counts, pairs, constant_values=step.get("count_include_pad", 0))
    counts = np.pad(counts, [(0, c) for c in more])
    how = {"window": tuple(kernel), "stride": tuple(stride), "dilation": tuple(dilation)}
    view, share = windows(framed, **how), windows(counts, **how)
    size = math.prod(kernel)
    together = np.sum(share.reshape(*share.shape[:n], size), axis=-1)
    return view.reshape(*view.shape[: 2 + n], size), together


@operator("MaxPool")
def _max_pool(step: Step, x: Any) -> Any:
    if len(step.outputs) > 1:
        raise step.refused("the places of the largest elements")
    fill = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    return np.max(_windowed(step, x, fill)[0], axis=-1)


@operator("AveragePool")
def _average_pool(step: Step, x: Any) -> Any:
    view, counts = _windowed(step, x, 0)
    return np.sum(view, axis=-1) / counts


@operator("LpPool")
def _lp_pool(step: Step, x: Any) -> Any:
    p = step.get("p", 2)
    view, _ = _windowed(step, np.abs(x) ** p, 0)
    return np.sum(view, axis=-1) ** (1 / p)


@operator("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def _global_pool(step: Step, x: Any) -> Any:
    axes = tuple(range(2, x.ndim))
    if step.op == "GlobalMaxPool":
        return np.max(x, axis=axes, keepdims=True)
    if step.op == "GlobalAveragePool":
        return np.mean(x, axis=axes, keepdims=True)
    p = step.get("p", 2)
    return np.sum(np.abs(x) ** p, axis=axes, keepdims=True) ** (1 / p)


# *** resizing ***


@operator("Resize", "Upsample", known=(1, 2, 3))
def _resize(step: Step, x: Any, *rest: Any) -> Any:
    if step.op == "Upsample" or step.version < 11:
        roi, sizes, scales = None, None, rest[0] if rest else step.get("scales")
    else:
        roi, scales, sizes = (*rest, None, None, None)[:3]
    if step.get("antialias", 0):
        raise step.refused("antialias=1")
    axes = step.get("axes", tuple(range(x.ndim)))
    if sizes is not None and len(sizes):
        lengths = whole(sizes)
        ratios = [n / x.shape[axis] for axis, n in zip(axes, lengths, strict=True)]
        policy = step.get("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            one = min(ratios) if policy == "not_larger" else max(ratios)
            ratios = [one] * len(ratios)
            lengths = tuple([int(one * x.shape[axis] + 0.5) for axis in axes])
    else:
        ratios = [float(s) for s in np.asarray(scales).reshape(-1)]
        lengths = tuple([int(x.shape[a] * s) for a, s in zip(axes, ratios, strict=True)])
    crops = step.get("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize"
    bounds = np.asarray(roi, float).reshape(2, -1).T if crops else [(0.0, 1.0)] * len(axes)
    for axis, n, ratio, bound in zip(axes, lengths, ratios, bounds, strict=True):
        x = _resized(step, x, axis, n, ratio, bound)
    return x


def _places(step: Step, extent: int, n: int, ratio: float, bound: Any) -> Any:
    """Where each element of the result lies among those of the axis."""
    mode = step.get("coordinate_transformation_mode", "half_pixel")
    if step.op == "Upsample" or step.version < 11:
        mode = "asymmetric"
    i = np.arange(n)
    if mode == "asymmetric":
        return i / ratio
    if mode == "align_corners":
        # The length asked for, which need not be whole, sets the distance.
        return i * ((extent - 1) / (ratio * extent - 1)) if n > 1 else np.zeros(n)
    if mode == "pytorch_half_pixel":
        return (i + 0.5) / ratio - 0.5 if n > 1 else np.zeros(n)
    if mode == "tf_crop_and_resize":
        first, last = bound
        if n == 1:
            return np.full(1, (first + last) / 2 * (extent - 1))
        return (first + i * (last - first) / (n - 1)) * (extent - 1)
    if mode == "half_pixel_symmetric":
        share = n / (ratio * extent)
        return extent / 2 * (1 - share) + (i + 0.5) / ratio - 0.5
    if mode != "half_pixel":
        raise step.refused(f"the coordinates {mode}")
    return (i + 0.5) / ratio - 0.5


def _resized(step: Step, x: Any, axis: int, n: int, ratio: float, bound: Any) -> Any:
    extent, mode = x.shape[axis], step.get("mode", "nearest")
    if n == extent and ratio == 1 and tuple(bound) == (0.0, 1.0):
        return x
    at = _places(step, extent, n, ratio, bound)
    if mode == "nearest":
        return np.take(x, np.clip(_nearest(step, at), 0, extent - 1), axis=axis)
    if mode not in ("linear", "cubic"):
        raise step.refused(f"the mode {mode}")
    weights = np.zeros((extent, n))
    low = np.floor(at).astype(int)
    reach = range(2) if mode == "linear" else range(-1, 3)
    sharp = step.get("cubic_coeff_a", -0.75)
    for k in reach:
        far = np.abs(at - (low + k))
        share = 1 - far if mode == "linear" else _cubic(far, sharp)
        inside = (low + k >= 0) & (low + k < extent)
        if step.get("exclude_outside", 0):
            share = np.where(inside, share, 0)
        np.add.at(weights, (np.clip(low + k, 0, extent - 1), np.arange(n)), share)
    weights /= weights.sum(axis=0)
    y = np.moveaxis(np.moveaxis(x, axis, -1) @ weights.astype(x.dtype), -1, axis)
    if step.get("coordinate_transformation_mode") != "tf_crop_and_resize":
        return y
    inside = ((at >= 0) & (at <= extent - 1)).reshape((-1,) + (1,) * (x.ndim - axis - 1))
    return np.where(inside, y, step.get("extrapolation_value", 0.0)).astype(x.dtype)


def _nearest(step: Step, at: Any) -> Any:
    mode = step.get("nearest_mode", "round_prefer_floor")
    if step.op == "Upsample" or step.version < 11:
        mode = "floor"
    rule: Any = {
        "floor": np.floor,
        "ceil": np.ceil,
        "round_prefer_floor": lambda v: np.ceil(v - 0.5),
        "round_prefer_ceil": lambda v: np.floor(v + 0.5),
    }[mode]
    return rule(at).astype(int)


def _cubic(far: Any, a: float) -> Any:
    """Keys' kernel."""
    near = (a + 2) * far**3 - (a + 3) * far**2 + 1
    outer = a * far**3 - 5 * a * far**2 + 8 * a * far - 4 * a
    return np.where(far <= 1, near, np.where(far < 2, outer, 0))
