"""Functions of scipy.special that give all orders up to one, on stand-in arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from adjoint.trace.calls.scipy_special import floating, static
from adjoint.trace.scipy_gate import scipy_rule
from adjoint.trace.without_rule import no_rule


def _list(name: str, order: Any, x: Any, pair: Callable[[Any, Any], Any], more: int) -> Any:
    """Values and derivatives for the orders that end at one, a whole step apart.

    Args:
        name: of the function.
        order: the highest.
        x: a number.
        pair: value and derivative of one order.
        more: how many orders there are at least.
    """
    name = f"scipy.special.{name}"
    top = float(static(order, name, "its order"))
    if np.ndim(x) or top < 0:
        raise no_rule(name, "an array of places, or an order below 0,", "a number, and order >= 0")
    count = max(int(top) + 1, more)
    found = [pair(top - int(top) + k, floating(x)) for k in range(count)]
    return np.stack([v for v, _ in found]), np.stack([d for _, d in found])


def _riccati(name: str, order: Any, x: Any, bessel: Any) -> Any:
    def pair(k: float, x: Any) -> Any:
        value = bessel(int(k), x)
        return x * value, value + x * bessel(int(k), x, derivative=True)

    return _list(name, order, x, pair, 1)


@scipy_rule("scipy.special.riccati_jn")
def riccati_jn(n: Any, x: Any) -> Any:
    """X times the spherical Bessel functions of the first kind."""
    return _riccati("riccati_jn", n, x, sp.spherical_jn)


@scipy_rule("scipy.special.riccati_yn")
def riccati_yn(n: Any, x: Any) -> Any:
    """X times the spherical Bessel functions of the second kind."""
    return _riccati("riccati_yn", n, x, sp.spherical_yn)


@scipy_rule("scipy.special.lmbda")
def lmbda(v: Any, x: Any) -> Any:
    """Jahnke's and Emden's Λ_v(x) = Γ(v + 1) (x/2)^-v J_v(x), and -x/2 Λ_{v+1}/(v + 1)."""

    def at(k: float, x: Any) -> Any:
        return sp.gamma(k + 1) * (0.5 * x) ** -k * sp.jv(k, x)

    return _list("lmbda", v, x, lambda k, x: (at(k, x), -0.5 * x / (k + 1) * at(k + 1, x)), 1)


@scipy_rule("scipy.special.pbdv_seq")
def pbdv_seq(v: Any, x: Any) -> Any:
    """Parabolic cylinder functions D of all orders."""
    return _list("pbdv_seq", v, x, sp.pbdv, 2)


@scipy_rule("scipy.special.pbvv_seq")
def pbvv_seq(v: Any, x: Any) -> Any:
    """Parabolic cylinder functions V of all orders."""
    return _list("pbvv_seq", v, x, sp.pbvv, 2)
