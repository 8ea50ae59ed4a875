"""Random numbers without hidden state: a key and a counter go in, bits come out.

The generator is Threefry-2x32 (Salmon, Moraes, Dror, Shaw: Parallel random numbers, as easy
as 1, 2, 3; SC 2011) with 13 rounds, the fewest that pass every test of BigCrush. It is a
few integer operations on ``uint32`` arrays, so the same bits come from NumPy and from native
code, on any number of threads, and a step of training can be replayed from its number.

>>> a = key(0)
>>> a.dtype, a.shape
(dtype('uint32'), (2,))
>>> bool((bits(a, (3,)) == bits(a, (3,))).all())
True
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_ROUNDS = 13
_FOLDED = 0x61646A74  # keeps keys made by fold_in apart from the bits that a key gives


def threefry(key: Any, first: Any, second: Any, rounds: int = _ROUNDS) -> tuple[Any, Any]:
    """Encrypt counters.

    Args:
        key: [2] uint32.
        first: [n] uint32, low words of the counters.
        second: [n] uint32, high words.
        rounds: how often to mix.

    Returns:
        Two arrays [n] of uint32.
    """
    # Slices rather than items: NumPy warns when a scalar wraps round, an array just wraps.
    k0, k1 = key[0:1], key[1:2]
    keys = (k0, k1, k0 ^ k1 ^ np.uint32(_PARITY))
    x, y = first + k0, second + k1
    for i in range(rounds):
        turn = _ROTATIONS[(i // 4) % 2][i % 4]
        x = x + y
        y = ((y << np.uint32(turn)) | (y >> np.uint32(32 - turn))) ^ x
        if i % 4 == 3:
            j = i // 4 + 1
            x = x + keys[j % 3]
            y = y + keys[(j + 1) % 3] + np.uint32(j)
    return x, y


def key(seed: int) -> Any:
    """A key [2] of uint32 from a seed of at most 64 bits."""
    return np.array([seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF], dtype=np.uint32)


def fold_in(key: Any, number: Any) -> Any:
    """A new key from a key and a number, such as a step or a layer's position.

    Args:
        key: [2] uint32.
        number: an integer or an integer array of shape (), also one not known yet.
    """
    if isinstance(number, int):
        counter = np.array([number & 0xFFFFFFFF], dtype=np.uint32)
    else:
        counter = number.astype(np.uint32).reshape(1)
    mark = np.array([_FOLDED], dtype=np.uint32)
    return np.concatenate(threefry(key, counter, mark))


def split(key: Any, n: int = 2) -> tuple[Any, ...]:
    """``n`` independent keys."""
    return tuple(fold_in(key, i) for i in range(n))


def bits(key: Any, shape: tuple[int, ...]) -> Any:
    """Uniform uint32 words of the given shape."""
    n = math.prod(shape)
    half = (n + 1) // 2
    count = np.arange(half, dtype=np.uint32)
    words = threefry(key, count, np.zeros(half, dtype=np.uint32))
    return np.concatenate(words)[:n].reshape(shape)


def uniform(key: Any, shape: tuple[int, ...], dtype: Any = np.float64) -> Any:
    """Uniform numbers in [0, 1), on a grid of 2**-24 for float32 and 2**-53 for float64."""
    if np.dtype(dtype).itemsize < 8:
        return (bits(key, shape) >> np.uint32(8)).astype(dtype) * 2.0**-24
    n = math.prod(shape)
    high, low = threefry(key, np.arange(n, dtype=np.uint32), np.zeros(n, dtype=np.uint32))
    fine = (high >> np.uint32(5)).astype(dtype) * 2.0**26
    return ((fine + (low >> np.uint32(6)).astype(dtype)) * 2.0**-53).reshape(shape)


def bernoulli(key: Any, probability: float, shape: tuple[int, ...]) -> Any:
    """Booleans that are True with a known probability (to 2**-32)."""
    if probability >= 1:
        return np.ones(shape, dtype=bool)
    return bits(key, shape) < np.uint32(round(probability * 2**32 - 0.5) if probability > 0 else 0)


def normal(key: Any, shape: tuple[int, ...], dtype: Any = np.float64) -> Any:
    """Standard normal numbers (Box and Muller)."""
    first, second = split(key)
    radius = np.sqrt(-2 * np.log(1 - uniform(first, shape, dtype)))
    return radius * np.cos(2 * math.pi * uniform(second, shape, dtype))


def permutation(key: Any, n: int) -> Any:
    """The numbers 0 to n - 1 in random order."""
    return np.argsort(bits(key, (n,)), kind="stable")
