"""Functions of scipy.special that give lists of solutions of an equation, with their slopes.

SciPy's lists are found when the program runs. What it gives as the slope is the derivative of the
values, and the equation gives that of the slope: so on, to every order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from adjoint.api.callback import pure_callback
from adjoint.api.custom import custom_jvp
from adjoint.trace.calls.scipy_special import doubled, static
from adjoint.trace.scipy_gate import scipy_rule

Bend = Callable[[Any, Any, Any], Any]


def _solved(plain: Callable[[Any], Any], bend: Bend, orders: tuple[int, ...], z: Any) -> Any:
    """Values and slopes at z, for orders that stand on axes before those of z.

    Args:
        plain: SciPy's function of a plain z.
        bend: the second derivative, of (value, slope, z).
        orders: how many there are.
        z: the places.
    """
    example = np.zeros(orders + z.shape, z.dtype)

    @custom_jvp
    def call(z: Any) -> Any:
        return pure_callback(plain, (example, example), z)

    @call.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        (z,), (moved,) = primals, tangents
        value, slope = call(z)
        return (value, slope), (slope * moved, bend(value, slope, z) * moved)

    return call(z)


def _count(value: Any, name: str, what: str) -> int:
    return int(static(value, f"scipy.special.{name}", what))


def _legendre_bend(degree: Any, order: Any) -> Bend:
    def bend(value: Any, slope: Any, z: Any) -> Any:
        around = 1 - z * z
        return (2 * z * slope - (degree * (degree + 1) - order**2 / around) * value) / around

    return bend


@scipy_rule("scipy.special.lqn")
def lqn(n: Any, z: Any) -> Any:
    """Legendre functions of the second kind, of all degrees up to one."""
    n, z = _count(n, "lqn", "its degree"), doubled(z)
    degree = np.arange(n + 1.0).reshape(-1, *(1,) * z.ndim)
    return _solved(lambda z: sp.lqn(n, z), _legendre_bend(degree, 0), (n + 1,), z)


@scipy_rule("scipy.special.lqmn")
def lqmn(m: Any, n: Any, z: Any) -> Any:
    """The associated ones, of all orders and degrees up to two."""
    m, n = _count(m, "lqmn", "its order"), _count(n, "lqmn", "its degree")
    z = doubled(z)
    order = np.arange(m + 1.0).reshape(-1, 1, *(1,) * z.ndim)
    degree = np.arange(n + 1.0).reshape(-1, *(1,) * z.ndim)
    return _solved(lambda z: sp.lqmn(m, n, z), _legendre_bend(degree, order), (m + 1, n + 1), z)
