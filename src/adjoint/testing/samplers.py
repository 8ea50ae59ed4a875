"""Random arrays and directions for tests of derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.graph.types import type_of


def random_array(
    rng: np.random.Generator,
    shape: Sequence[int] = (),
    dtype: Any = float,
    domain: tuple[float, float] = (-2.0, 2.0),
) -> Any:
    """An array drawn evenly from an interval; complex numbers from the square over it.

    Args:
        rng: where the numbers come from.
        shape: of the array; ``()`` gives a NumPy scalar.
        dtype: floating, complex, integer or boolean.
        domain: the interval, such as a primitive's ``domain``; not for booleans.

    >>> random_array(np.random.default_rng(0), (2, 3), "float32", (0.3, 3.0)).dtype
    dtype('float32')
    """
    kind = np.dtype(dtype)
    low, high = domain
    if kind.kind == "b":
        return (rng.random(tuple(shape)) < 0.5)[()]
    drawn = low + (high - low) * rng.random(tuple(shape))
    if kind.kind == "c":
        drawn = drawn + 1j * (low + (high - low) * rng.random(tuple(shape)))
    return np.asarray(drawn).astype(kind)[()]


def random_like(x: Any, rng: np.random.Generator) -> Any:
    """A tree of normal random numbers in the structure, shapes and dtypes of another.

    >>> random_like({"a": np.zeros(3)}, np.random.default_rng(0))["a"].shape
    (3,)
    """
    return tree.tree_map(lambda leaf: _normal(leaf, rng), x)


def _normal(leaf: Any, rng: np.random.Generator) -> Any:
    kind = type_of(leaf)
    drawn = np.asarray(rng.standard_normal(kind.shape))
    if kind.dtype.kind == "c":
        drawn = drawn + 1j * rng.standard_normal(kind.shape)
    return drawn.astype(kind.dtype)[()]


def inner(a: Any, b: Any) -> float:
    """The pairing of tangents and cotangents: ``Re(sum(a b))`` over all leaves.

    >>> inner((1.0, np.array([2.0, 1j])), (3.0, np.array([1.0, 1j])))
    4.0
    """
    pairs = zip(tree.leaves(a), tree.leaves(b), strict=True)
    return float(sum(np.real(np.sum(np.multiply(x, y))) for x, y in pairs))
