"""Convolutions in one, two and three axes, and their transposes. Channels stand second."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from adjoint.errors import StructureError
from adjoint.nn import initialise
from adjoint.nn.initialise import Initializer, Rng
from adjoint.nn.module import Module, static
from adjoint.nn.sizes import as_input, axes_pairs, axes_sizes
from adjoint.primitives.convolution import convolution, convolution_transposed
from adjoint.primitives.windows import Pairs, check_fit
from adjoint.settings import check_whole


def _channels_fit(name: str, in_channels: int, out_channels: int, groups: int) -> None:
    check_whole(name, in_channels=in_channels, out_channels=out_channels, groups=groups)
    if in_channels % groups or out_channels % groups:
        raise StructureError(
            "the channels do not divide into groups",
            function=name,
            got=f"{in_channels} to {out_channels} channels in {groups} groups",
            wanted="both multiples of groups",
        )


def _as_images(name: str, x: Any, axes: int, channels: int) -> Any:
    x = as_input(x, name)
    if x.ndim != axes + 2 or x.shape[1] != channels:
        raise StructureError(
            "the input does not fit the layer",
            function=name,
            got=f"x of shape {tuple(x.shape)}",
            wanted=f"[batch, {channels}{', n' * axes}]",
            remedy="channels stand second: use np.moveaxis(x, -1, 1) for images with them last, "
            "and x[:, None] for images without a channel axis",
        )
    return x


class _Sliding(Module):
    """What convolutions and their transposes share; they slide along ``axes`` axes."""

    axes: ClassVar[int]

    weight: Any
    bias: Any
    stride: tuple[int, ...] = static()
    padding: Pairs = static()
    dilation: tuple[int, ...] = static()
    groups: int = static()

    def _draw(
        self,
        shape: tuple[int, ...],
        out_channels: int,
        fans: tuple[int, int],
        inits: tuple[Initializer, Initializer | None],
        rng: Rng,
        dtype: Any,
    ) -> None:
        draw = initialise.generator(rng)
        of_weight, of_bias = inits
        self.weight = of_weight(draw, shape, *fans).astype(dtype)
        self.bias = None
        if of_bias is not None:
            self.bias = of_bias(draw, (out_channels,), *fans).astype(dtype)

    def _moved(self, y: Any) -> Any:
        """The result with the bias added to each channel."""
        return y if self.bias is None else y + self.bias.reshape(-1, *(1,) * self.axes)


class _Conv(_Sliding, init=False):
    """What the convolutions share."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int | tuple[int, ...],
        *,
        stride: int | tuple[int, ...] = 1,
        padding: int | str | tuple[Any, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        weight_init: Initializer = initialise.he_normal,
        bias_init: Initializer = initialise.zeros,
        rng: Rng = None,
        dtype: Any = np.float64,
    ) -> None:
        name = type(self).__name__
        _channels_fit(name, in_channels, out_channels, groups)
        extents = axes_sizes(name, "size", size, self.axes)
        self.stride = axes_sizes(name, "stride", stride, self.axes)
        self.dilation = axes_sizes(name, "dilation", dilation, self.axes)
        self.groups = groups
        self.padding = _padding(name, padding, extents, self.stride, self.dilation)
        shape = (out_channels, in_channels // groups, *extents)
        places = math.prod(extents)
        fans = in_channels // groups * places, out_channels // groups * places
        inits = weight_init, bias_init if bias else None
        self._draw(shape, out_channels, fans, inits, rng, dtype)

    def __call__(self, x: Any) -> Any:
        name = type(self).__name__
        x = _as_images(name, x, self.axes, self.weight.shape[1] * self.groups)
        check_fit(name, x.shape[2:], self.weight.shape[2:], self.padding, self.dilation)
        return self._moved(
            convolution(x, self.weight, self.stride, self.padding, self.dilation, self.groups)
        )

    def flops(self, inputs: tuple[Any, ...], output: Any) -> int:
        """Operations of one call."""
        return int(2 * math.prod(self.weight.shape[1:]) * math.prod(output.shape))


def _padding(
    name: str,
    padding: int | str | tuple[Any, ...],
    extents: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> Pairs:
    if padding == "valid":
        return ((0, 0),) * len(extents)
    if padding == "same":
        if any(step != 1 for step in stride):
            raise StructureError(
                "with a stride the output cannot be of the same size",
                function=name,
                got=f"padding='same', stride={stride}",
                remedy="give the padding in numbers",
            )
        totals = [d * (k - 1) for k, d in zip(extents, dilation, strict=True)]
        return tuple((total // 2, total - total // 2) for total in totals)
    if isinstance(padding, str):
        raise StructureError(
            "unknown padding",
            function=name,
            got=repr(padding),
            wanted="'valid', 'same', a number, one for each axis, or a pair for each axis",
        )
    return axes_pairs(name, padding, len(extents))


class Conv1d(_Conv, init=False):
    """Convolution along one axis: ``y[n, o, p] = sum x[n, c, p stride + k dilation] w[o, c, k]``.

    Args:
        in_channels: c.
        out_channels: o.
        size: extent of the kernel.
        stride: positions moved at each step.
        padding: zeros put around: a number, (before, after) in a tuple, ``"valid"`` for none
            or ``"same"`` for as many positions out as in.
        dilation: distance between kernel elements.
        groups: channels fall into this many groups that do not mix.
        bias: whether a number is added for each output channel.
        weight_init: initialiser of the kernel.
        bias_init: initialiser of the bias.
        rng: seed or generator.
        dtype: of the parameters.

    Call:
        x: [batch, c, s] -> [batch, o, p]. Fields: weight [o, c / groups, k], bias [o].
    """

    axes = 1


class Conv2d(_Conv, init=False):
    """Convolution along two axes; arguments as for :class:`Conv1d`, one number or one an axis.

    Call:
        x: [batch, c, height, width] -> [batch, o, height', width'].
        Fields: weight [o, c / groups, k, l], bias [o].
    """

    axes = 2


class Conv3d(_Conv, init=False):
    """Convolution along three axes; arguments as for :class:`Conv1d`, one number or one an axis.

    Call:
        x: [batch, c, s, t, u] -> [batch, o, s', t', u'].
        Fields: weight [o, c / groups, k, l, m], bias [o].
    """

    axes = 3


class _ConvTranspose(_Sliding, init=False):
    """What the transposed convolutions share."""

    extra: tuple[int, ...] = static()

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int | tuple[int, ...],
        *,
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[Any, ...] = 0,
        extra: int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        weight_init: Initializer = initialise.he_normal,
        bias_init: Initializer = initialise.zeros,
        rng: Rng = None,
        dtype: Any = np.float64,
    ) -> None:
        name = type(self).__name__
        _channels_fit(name, in_channels, out_channels, groups)
        extents = axes_sizes(name, "size", size, self.axes)
        self.stride = axes_sizes(name, "stride", stride, self.axes)
        self.padding = axes_pairs(name, padding, self.axes)
        self.extra = axes_sizes(name, "extra", extra, self.axes, 0)
        self.dilation = axes_sizes(name, "dilation", dilation, self.axes)
        self.groups = groups
        # Each output sums over the kernel places that its stride lets it see.
        seen = math.prod(extents) / math.prod(self.stride)
        shape = (in_channels, out_channels // groups, *extents)
        fans = max(1, round(in_channels // groups * seen)), math.prod(shape[1:])
        inits = weight_init, bias_init if bias else None
        self._draw(shape, out_channels, fans, inits, rng, dtype)

    def __call__(self, x: Any) -> Any:
        x = _as_images(type(self).__name__, x, self.axes, self.weight.shape[0])
        y = convolution_transposed(
            x, self.weight, self.stride, self.padding, self.dilation, self.groups, self.extra
        )
        return self._moved(y)

    def flops(self, inputs: tuple[Any, ...], output: Any) -> int:
        """Operations of one call."""
        return int(2 * math.prod(self.weight.shape[1:]) * math.prod(inputs[0].shape))


class ConvTranspose1d(_ConvTranspose, init=False):
    """The transpose of a convolution, from coarse to fine.

    It undoes the shapes of a :class:`Conv1d` with the same settings, not its values.

    Args:
        in_channels: o, those of the coarse side.
        out_channels: c, those of the fine side.
        size: extent of the kernel.
        stride: positions that one step on the coarse side is on the fine side.
        padding: places cut off around the result.
        extra: places added behind: several fine sizes have the same coarse one.
        dilation: distance between kernel elements.
        groups: channels fall into this many groups that do not mix.
        bias: whether a number is added for each output channel.
        weight_init: initialiser of the kernel.
        bias_init: initialiser of the bias.
        rng: seed or generator.
        dtype: of the parameters.

    Call:
        x: [batch, o, p] -> [batch, c, s]. Fields: weight [o, c / groups, k], bias [c].
    """

    axes = 1


class ConvTranspose2d(_ConvTranspose, init=False):
    """Transposed convolution along two axes; arguments as for :class:`ConvTranspose1d`."""

    axes = 2


class ConvTranspose3d(_ConvTranspose, init=False):
    """Transposed convolution along three axes; arguments as for :class:`ConvTranspose1d`."""

    axes = 3
