"""Normalisation: numbers brought to mean 0 and variance 1, then scaled and moved again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adjoint.errors import StructureError
from adjoint.nn.context import is_training, keep, kept
from adjoint.nn.module import Module, state, static
from adjoint.nn.sizes import as_input, spread_sizes
from adjoint.settings import check_range, check_whole


def _standard(x: Any, axes: tuple[int, ...], eps: float) -> tuple[Any, Any, Any]:
    """X at mean 0 and variance 1 over some axes; the mean and the variance, axes kept."""
    mean = np.mean(x, axis=axes, keepdims=True)
    centred = x - mean
    variance = np.mean(np.square(centred), axis=axes, keepdims=True)
    return centred / np.sqrt(variance + eps), mean, variance


def _beside(vector: Any, axis: int, ndim: int) -> Any:
    """A vector [n] in the shape that broadcasts along one axis of an array."""
    shape = [1] * ndim
    shape[axis] = vector.shape[0]
    return vector.reshape(*shape)


def _check_end(layer: str, x: Any, wanted: tuple[int, ...]) -> None:
    """Refuse an input whose last axes have other lengths, some of which would broadcast."""
    if tuple(x.shape[x.ndim - len(wanted) :]) != wanted or x.ndim < len(wanted):
        raise StructureError(
            "the input has another number of features than the layer",
            function=layer,
            got=f"x of shape {tuple(x.shape)}",
            wanted=f"[..., {', '.join(map(str, wanted))}]",
        )


class BatchNorm(Module):
    """``scale (x - mean) / sqrt(variance + eps) + shift`` for each feature (Ioffe, Szegedy, 2015).

    In training mean and variance are those of the batch, and running averages of them are
    handed over as state; in inference the averages are used, whatever the batch.

    Args:
        features: n, length of the feature axis.
        momentum: share of the new batch in the averages.
        eps: added to the variance.
        affine: whether scale and shift are learned.
        axis: the feature axis: 1 is right for [batch, n] and for [batch, n, height, width].
        dtype: of all arrays.

    Call:
        x: [batch, n, ...] -> the same shape. Fields: scale, shift, mean, variance, all [n].
    """

    scale: Any
    shift: Any
    mean: Any = state()
    variance: Any = state()
    momentum: float = static()
    eps: float = static()
    axis: int = static()

    def __init__(
        self,
        features: int,
        *,
        momentum: float = 0.1,
        eps: float = 1e-5,
        affine: bool = True,
        axis: int = 1,
        dtype: Any = np.float64,
    ) -> None:
        check_whole("BatchNorm", features=features)
        check_range("BatchNorm", "[0, 1]", momentum=momentum)
        check_range("BatchNorm", "[0, inf)", eps=eps)
        self.scale = np.ones(features, dtype) if affine else None
        self.shift = np.zeros(features, dtype) if affine else None
        self.mean = np.zeros(features, dtype)
        self.variance = np.ones(features, dtype)
        self.momentum = momentum
        self.eps = eps
        self.axis = axis

    def __call__(self, x: Any) -> Any:
        x = as_input(x, "BatchNorm")
        axis = self.axis % x.ndim
        if x.shape[axis] != self.mean.shape[0]:
            raise StructureError(
                "the input has another number of features than the layer",
                function="BatchNorm",
                got=f"x of shape {tuple(x.shape)}, feature axis {axis}",
                wanted=f"{self.mean.shape[0]} features",
            )
        if is_training():
            y = self._by_batch(x, axis)
        else:
            below = np.sqrt(self.variance + self.eps)
            y = (x - _beside(self.mean, axis, x.ndim)) / _beside(below, axis, x.ndim)
        if self.scale is None:
            return y
        return y * _beside(self.scale, axis, x.ndim) + _beside(self.shift, axis, x.ndim)

    def _by_batch(self, x: Any, axis: int) -> Any:
        axes = tuple(a for a in range(x.ndim) if a != axis)
        count = math.prod(x.shape[a] for a in axes)
        y, mean, variance = _standard(x, axes, self.eps)
        # The average estimates the variance of the population, hence count - 1.
        unbiased = variance * (count / max(count - 1, 1))
        share = self.momentum
        features = self.mean.shape
        old_mean, old_variance = kept(self, "mean"), kept(self, "variance")
        # State keeps its dtype whatever the batch has: it goes round in a compiled loop.
        new_mean = (1 - share) * old_mean + share * mean.reshape(features)
        new_variance = (1 - share) * old_variance + share * unbiased.reshape(features)
        keep(
            self,
            mean=new_mean.astype(old_mean.dtype),
            variance=new_variance.astype(old_variance.dtype),
        )
        return y


class LayerNorm(Module):
    """Normalises each example over its last axes (Ba, Kiros, Hinton, 2016).

    Args:
        shape: lengths of the last axes that are normalised together, or of the last one.
        eps: added to the variance.
        affine: whether a scale and a shift are learned for each number.
        dtype: of the parameters.

    Call:
        x: [..., *shape] -> the same shape. Fields: scale, shift [*shape].
    """

    scale: Any
    shift: Any
    ndim: int = static()
    eps: float = static()

    def __init__(
        self,
        shape: int | tuple[int, ...],
        *,
        eps: float = 1e-5,
        affine: bool = True,
        dtype: Any = np.float64,
    ) -> None:
        shape = spread_sizes("LayerNorm", (shape,))
        check_range("LayerNorm", "[0, inf)", eps=eps)
        self.scale = np.ones(shape, dtype) if affine else None
        self.shift = np.zeros(shape, dtype) if affine else None
        self.ndim = len(shape)
        self.eps = eps

    def __call__(self, x: Any) -> Any:
        x = as_input(x, "LayerNorm")
        if self.scale is not None:
            _check_end("LayerNorm", x, tuple(self.scale.shape))
        y, _, _ = _standard(x, tuple(range(-self.ndim, 0)), self.eps)
        return y if self.scale is None else y * self.scale + self.shift


class RMSNorm(Module):
    """``scale x / sqrt(mean(x^2) + eps)`` over the last axis (Zhang and Sennrich, 2019).

    Args:
        features: n, length of the last axis.
        eps: added to the mean square.
        dtype: of the scale.

    Call:
        x: [..., n] -> [..., n]. Fields: scale [n].
    """

    scale: Any
    eps: float = static()

    def __init__(self, features: int, *, eps: float = 1e-6, dtype: Any = np.float64) -> None:
        check_whole("RMSNorm", features=features)
        check_range("RMSNorm", "[0, inf)", eps=eps)
        self.scale = np.ones(features, dtype)
        self.eps = eps

    def __call__(self, x: Any) -> Any:
        x = as_input(x, "RMSNorm")
        _check_end("RMSNorm", x, tuple(self.scale.shape))
        square = np.mean(np.square(x), axis=-1, keepdims=True)
        return x / np.sqrt(square + self.eps) * self.scale


class GroupNorm(Module):
    """Normalises groups of channels of each example (Wu and He, 2018).

    One group is layer normalisation, as many groups as channels instance normalisation.

    Args:
        groups: g, a divisor of n.
        features: n, length of axis 1.
        eps: added to the variance.
        affine: whether a scale and a shift are learned for each channel.
        dtype: of the parameters.

    Call:
        x: [batch, n, ...] -> the same shape. Fields: scale, shift [n].
    """

    scale: Any
    shift: Any
    groups: int = static()
    eps: float = static()

    def __init__(
        self,
        groups: int,
        features: int,
        *,
        eps: float = 1e-5,
        affine: bool = True,
        dtype: Any = np.float64,
    ) -> None:
        check_whole("GroupNorm", groups=groups, features=features)
        check_range("GroupNorm", "[0, inf)", eps=eps)
        if features % groups:
            raise StructureError(
                "the channels do not divide into groups",
                function="GroupNorm",
                got=f"{features} channels, {groups} groups",
            )
        self.scale = np.ones(features, dtype) if affine else None
        self.shift = np.zeros(features, dtype) if affine else None
        self.groups = groups
        self.eps = eps

    def __call__(self, x: Any) -> Any:
        x = as_input(x, "GroupNorm")
        batch, features = x.shape[:2]
        wanted = features if self.scale is None else self.scale.shape[0]
        if features % self.groups or features != wanted:
            raise StructureError(
                "the input has another number of channels than the layer",
                function="GroupNorm",
                got=f"x of shape {tuple(x.shape)}, {self.groups} groups",
                wanted="[batch, channels, ...]",
            )
        size = features // self.groups * math.prod(x.shape[2:])
        grouped = x.reshape(batch, self.groups, size)
        y = _standard(grouped, (-1,), self.eps)[0].reshape(*x.shape)
        if self.scale is None:
            return y
        return y * _beside(self.scale, 1, x.ndim) + _beside(self.shift, 1, x.ndim)
