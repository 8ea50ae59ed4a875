"""Activations as layers: each calls the function of the same name."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.nn import activation
from adjoint.nn.module import Module, static
from adjoint.settings import check_whole


class Identity(Module):
    """``x``."""

    def __call__(self, x: Any) -> Any:
        return x


class Sigmoid(Module):
    """See :func:`adjoint.nn.sigmoid`."""

    def __call__(self, x: Any) -> Any:
        return activation.sigmoid(x)


class LogSigmoid(Module):
    """See :func:`adjoint.nn.log_sigmoid`."""

    def __call__(self, x: Any) -> Any:
        return activation.log_sigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent."""

    def __call__(self, x: Any) -> Any:
        return np.tanh(x)


class LeCunTanh(Module):
    """See :func:`adjoint.nn.lecun_tanh`."""

    def __call__(self, x: Any) -> Any:
        return activation.lecun_tanh(x)


class ReLU(Module):
    """See :func:`adjoint.nn.relu`."""

    def __call__(self, x: Any) -> Any:
        return activation.relu(x)


class ReLU6(Module):
    """See :func:`adjoint.nn.relu6`."""

    def __call__(self, x: Any) -> Any:
        return activation.relu6(x)


class LeakyReLU(Module):
    """See :func:`adjoint.nn.leaky_relu`."""

    slope: float = static(default=0.01)

    def __call__(self, x: Any) -> Any:
        return activation.leaky_relu(x, self.slope)


class PReLU(Module):
    """``x`` where positive, ``slope x`` elsewhere, with slopes that learn (He et al., 2015).

    Args:
        features: how many slopes: 1, or the length of the last axis.
        slope: where they start.
        dtype: of the slopes.

    Call:
        x: [..., n] -> [..., n]. Fields: slope [features].
    """

    slope: Any

    def __init__(self, features: int = 1, slope: float = 0.25, dtype: Any = np.float64) -> None:
        self.slope = np.full(features, slope, dtype)

    def __call__(self, x: Any) -> Any:
        return np.where(x > 0, x, self.slope * x)


class ELU(Module):
    """See :func:`adjoint.nn.elu`."""

    alpha: float = static(default=1.0)

    def __call__(self, x: Any) -> Any:
        return activation.elu(x, self.alpha)


class SELU(Module):
    """See :func:`adjoint.nn.selu`."""

    def __call__(self, x: Any) -> Any:
        return activation.selu(x)


class CELU(Module):
    """See :func:`adjoint.nn.celu`."""

    alpha: float = static(default=1.0)

    def __call__(self, x: Any) -> Any:
        return activation.celu(x, self.alpha)


class GELU(Module):
    """See :func:`adjoint.nn.gelu`."""

    approximate: bool = static(default=False)

    def __call__(self, x: Any) -> Any:
        return activation.gelu(x, self.approximate)


class SiLU(Module):
    """See :func:`adjoint.nn.silu`."""

    def __call__(self, x: Any) -> Any:
        return activation.silu(x)


class Mish(Module):
    """See :func:`adjoint.nn.mish`."""

    def __call__(self, x: Any) -> Any:
        return activation.mish(x)


class Softplus(Module):
    """See :func:`adjoint.nn.softplus`."""

    def __call__(self, x: Any) -> Any:
        return activation.softplus(x)


class Softsign(Module):
    """See :func:`adjoint.nn.softsign`."""

    def __call__(self, x: Any) -> Any:
        return activation.softsign(x)


class HardSigmoid(Module):
    """See :func:`adjoint.nn.hard_sigmoid`."""

    def __call__(self, x: Any) -> Any:
        return activation.hard_sigmoid(x)


class HardTanh(Module):
    """See :func:`adjoint.nn.hard_tanh`."""

    def __call__(self, x: Any) -> Any:
        return activation.hard_tanh(x)


class HardSwish(Module):
    """See :func:`adjoint.nn.hard_swish`."""

    def __call__(self, x: Any) -> Any:
        return activation.hard_swish(x)


class Softshrink(Module):
    """See :func:`adjoint.nn.softshrink`."""

    width: float = static(default=0.5)

    def __call__(self, x: Any) -> Any:
        return activation.softshrink(x, self.width)


class Sine(Module):
    """See :func:`adjoint.nn.sine`."""

    frequency: float = static(default=30.0)

    def __call__(self, x: Any) -> Any:
        return activation.sine(x, self.frequency)


class Softmax(Module):
    """See :func:`adjoint.nn.softmax`. A loss that takes logits must not be given its output."""

    axis: int = static(default=-1)

    def __call__(self, x: Any) -> Any:
        return activation.softmax(x, self.axis)


class LogSoftmax(Module):
    """See :func:`adjoint.nn.log_softmax`."""

    axis: int = static(default=-1)

    def __call__(self, x: Any) -> Any:
        return activation.log_softmax(x, self.axis)


class Maxout(Module):
    """See :func:`adjoint.nn.maxout`; the layer before has ``pieces`` times the units."""

    pieces: int = static(default=2)

    def __post_init__(self) -> None:
        """Refuse no pieces."""
        check_whole("Maxout", pieces=self.pieces)

    def __call__(self, x: Any) -> Any:
        return activation.maxout(x, self.pieces)


class GLU(Module):
    """See :func:`adjoint.nn.glu`."""

    axis: int = static(default=-1)

    def __call__(self, x: Any) -> Any:
        return activation.glu(x, self.axis)
