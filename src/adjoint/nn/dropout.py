"""Layers that are random in training and do nothing in inference."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.nn import random
from adjoint.nn.context import is_training, next_key
from adjoint.nn.module import Module, static
from adjoint.nn.sizes import as_input
from adjoint.settings import check_range


class Dropout(Module):
    """Sets each number to 0 with probability p and divides the others by ``1 - p``.

    The expected value stays, so inference needs no scaling (Srivastava et al., 2014).

    Args:
        p: the probability, 0 <= p < 1.
        axes: the axes along which numbers are dropped one by one; they fall together along
            the others. None means all. ``(0, 1)`` drops whole channels of [batch, channels, ...].

    Call:
        x: [...] -> [...]. In training only, see :func:`adjoint.nn.apply`.
    """

    p: float = static()
    axes: tuple[int, ...] | None = static()

    def __init__(self, p: float = 0.5, axes: tuple[int, ...] | None = None) -> None:
        check_range("Dropout", "[0, 1)", p=p)
        self.p = p
        self.axes = axes

    def __call__(self, x: Any) -> Any:
        x = as_input(x, "Dropout")
        if not is_training() or self.p == 0:
            return x
        shape = tuple(x.shape)
        if self.axes is not None:
            alone = {axis % len(shape) for axis in self.axes}
            shape = tuple(n if axis in alone else 1 for axis, n in enumerate(shape))
        keep = random.bernoulli(next_key("Dropout"), 1 - self.p, shape)
        return np.where(keep, x * (1 / (1 - self.p)), 0)


class AlphaDropout(Module):
    """Dropout for SELU: keeps mean 0 and variance 1 (Klambauer et al., 2017).

    Args:
        p: the probability, 0 <= p < 1.
    """

    p: float = static(default=0.5)

    def __post_init__(self) -> None:
        """Refuse what is no probability."""
        check_range("AlphaDropout", "[0, 1)", p=self.p)

    def __call__(self, x: Any) -> Any:
        x = as_input(x, "AlphaDropout")
        if not is_training() or self.p == 0:
            return x
        # Dropped numbers go to SELU's limit on the left, and the whole is brought back to
        # variance 1 and mean 0.
        low = -1.7580993408473766
        stay = 1 - self.p
        scale = (stay * (1 + self.p * low * low)) ** -0.5
        keep = random.bernoulli(next_key("AlphaDropout"), stay, tuple(x.shape))
        return scale * np.where(keep, x, low) - scale * low * self.p


class GaussianNoise(Module):
    """Adds N(0, scale^2) in training.

    Args:
        scale: standard deviation of the noise.
    """

    scale: float = static(default=0.1)

    def __post_init__(self) -> None:
        """Refuse a negative deviation."""
        check_range("GaussianNoise", "[0, inf)", scale=self.scale)

    def __call__(self, x: Any) -> Any:
        x = as_input(x, "GaussianNoise")
        if not is_training() or self.scale == 0:
            return x
        return x + self.scale * random.normal(next_key("GaussianNoise"), tuple(x.shape), x.dtype)
