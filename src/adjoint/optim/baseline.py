"""Gradients without differentiation, to show what backpropagation saves.

For n unknowns finite differences call the function 2 n times, backpropagation costs as much as
a few calls. Perturbation calls it twice whatever n is, and is wrong by noise that grows with n.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.optim.minimize import Vector


def finite_differences(f: Callable[[Any], Any], x: Any, step: float = 1e-6) -> Any:
    """``(f(x + h e_i) - f(x - h e_i)) / 2 h`` for every number of x in turn.

    Args:
        f: of a tree of real arrays, returning one number.
        x: where.
        step: h.

    Returns:
        A tree like x.

    >>> finite_differences(lambda x: float(np.sum(x**2)), np.array([1.0, 2.0])).round(6)
    array([2., 4.])
    """
    vector = Vector(x)
    slope = np.empty_like(vector.start)
    for i in range(len(slope)):
        there, back = vector.start.copy(), vector.start.copy()
        there[i] += step
        back[i] -= step
        slope[i] = (f(vector.split(there)) - f(vector.split(back))) / (there[i] - back[i])
    return vector.split(slope)


def perturbation(
    f: Callable[[Any], Any],
    x: Any,
    rng: np.random.Generator,
    scale: float = 1e-4,
    samples: int = 1,
) -> Any:
    """Simultaneous perturbation: all numbers are shaken at once (Spall, 1992).

    ``(f(x + h d) - f(x - h d)) / 2 h * d`` with random signs d, the mean of some samples. Its
    expected value is the gradient; its variance grows with the number of unknowns.

    Args:
        f: of a tree of real arrays, returning one number.
        x: where.
        rng: gives the signs.
        scale: h.
        samples: how many d.

    Returns:
        A tree like x.
    """
    vector = Vector(x)
    total = np.zeros_like(vector.start)
    for _ in range(samples):
        signs = rng.choice([-1.0, 1.0], size=len(total))
        there = f(vector.split(vector.start + scale * signs))
        back = f(vector.split(vector.start - scale * signs))
        total += (there - back) / (2 * scale) * signs
    return vector.split(total / samples)


def weight_perturbation(f: Callable[[Any], Any], x: Any, scale: float = 1e-6) -> Any:
    """One weight at a time is changed and the change of f seen: n + 1 calls, first-order error.

    Args:
        f: of a tree of real arrays, returning one number.
        x: where.
        scale: the change.

    Returns:
        A tree like x.
    """
    vector = Vector(x)
    here = f(vector.split(vector.start))
    slope = np.empty_like(vector.start)
    for i in range(len(slope)):
        there = vector.start.copy()
        there[i] += scale
        slope[i] = (f(vector.split(there)) - here) / scale
    return vector.split(slope)
