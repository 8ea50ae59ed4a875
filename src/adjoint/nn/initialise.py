"""Initial values of parameters.

An initialiser is called as ``init(rng, shape, fan_in, fan_out)`` and returns a float64 array.
``fan_in`` is the number of inputs that one output sums over, ``fan_out`` the number of outputs
that one input reaches.

A layer that is given no ``rng`` draws from a stream of its own: stream n for the n-th such
layer that the process makes, all from one seed (0 until :func:`seed` is called). The same
script therefore gives the same numbers, and no two layers of a model start alike.

>>> import numpy as np
>>> from adjoint import nn
>>> with nn.seed(7):
...     first = nn.Linear(2, 3)
>>> with nn.seed(7):
...     second = nn.Linear(2, 3)
>>> bool((first.weight == second.weight).all())
True
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from types import TracebackType
from typing import Any

import numpy as np

from adjoint.errors import StructureError

Array = np.ndarray[Any, Any]
Initializer = Callable[[np.random.Generator, tuple[int, ...], int, int], Array]
Rng = int | np.random.Generator | None


class _Streams:
    """Generators numbered in the order in which layers are made."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        # next() of a count is one step of the interpreter, so threads never share a number.
        self._count: Iterator[int] = itertools.count()

    def next(self) -> np.random.Generator:
        sequence = np.random.SeedSequence(self._seed, spawn_key=(next(self._count),))
        return np.random.default_rng(sequence)


_streams: ContextVar[_Streams] = ContextVar("streams", default=_Streams(0))  # noqa: B039


class seed:  # noqa: N801 - used like a function
    """Start the numbers of layers made without ``rng`` afresh; also as a ``with`` block.

    Args:
        value: the seed.
    """

    def __init__(self, value: int) -> None:
        self._token = _streams.set(_Streams(value))

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _streams.reset(self._token)


def generator(rng: Rng) -> np.random.Generator:
    """The generator that an ``rng=`` argument stands for."""
    if rng is None:
        return _streams.get().next()
    return np.random.default_rng(rng)


def zeros(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
    """All zero; usual for biases, useless for weights (every unit would stay alike)."""
    return np.zeros(shape)


def ones(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
    """All one."""
    return np.ones(shape)


def constant(value: float) -> Initializer:
    """All ``value``."""
    return lambda rng, shape, fan_in, fan_out: np.full(shape, float(value))


def normal(scale: float = 1.0) -> Initializer:
    """N(0, scale^2); with scale 1 as in Nielsen's first network."""
    return lambda rng, shape, fan_in, fan_out: scale * rng.standard_normal(shape)


def uniform(low: float = -1.0, high: float = 1.0) -> Initializer:
    """Uniform in [low, high)."""
    return lambda rng, shape, fan_in, fan_out: rng.uniform(low, high, shape)


def lecun_normal(
    rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int
) -> Array:
    """N(0, 1/fan_in): keeps the variance of a linear layer (LeCun et al., 1998).

    Also Nielsen's improved start, one over the square root of the number of inputs.
    """
    return rng.standard_normal(shape) / math.sqrt(max(fan_in, 1))


def lecun_uniform(
    rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int
) -> Array:
    """Uniform in +-sqrt(3/fan_in): variance 1/fan_in."""
    limit = math.sqrt(3 / max(fan_in, 1))
    return rng.uniform(-limit, limit, shape)


def inverse_root(
    rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int
) -> Array:
    """Uniform in +-1/sqrt(fan_in): what PyTorch's linear, convolution and LSTM layers use."""
    limit = 1 / math.sqrt(max(fan_in, 1))
    return rng.uniform(-limit, limit, shape)


def xavier_normal(
    rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int
) -> Array:
    """N(0, 2/(fan_in + fan_out)) (Glorot and Bengio, 2010): for tanh and linear layers."""
    return rng.standard_normal(shape) * math.sqrt(2 / max(fan_in + fan_out, 1))


def xavier_uniform(
    rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int
) -> Array:
    """Uniform in +-sqrt(6/(fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    limit = math.sqrt(6 / max(fan_in + fan_out, 1))
    return rng.uniform(-limit, limit, shape)


def he_normal(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
    """N(0, 2/fan_in) (He et al., 2015): for ReLU, which halves the variance."""
    return rng.standard_normal(shape) * math.sqrt(2 / max(fan_in, 1))


def he_uniform(
    rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int
) -> Array:
    """Uniform in +-sqrt(6/fan_in) (He et al., 2015)."""
    limit = math.sqrt(6 / max(fan_in, 1))
    return rng.uniform(-limit, limit, shape)


def orthogonal(gain: float = 1.0) -> Initializer:
    """A random matrix with orthonormal rows or columns, whichever are fewer (Saxe et al., 2014).

    Axes after the first are taken together.
    """

    def draw(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
        if len(shape) < 2:
            raise StructureError(
                "an orthogonal start needs a matrix", function="orthogonal", got=f"shape {shape}"
            )
        rows, columns = shape[0], math.prod(shape[1:])
        tall = rng.standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(tall)
        # The signs of R's diagonal are the library's choice; fixing them makes q uniform.
        q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
        return gain * (q if rows >= columns else q.T).reshape(shape)

    return draw
