"""Functions of scipy.special that give all orders up to one, on stand-in arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from adjoint.graph.primitive import primitives
from adjoint.trace.calls.scipy_special import doubled, floating, static
from adjoint.trace.elementwise import elementwise
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import scipy_rule
from adjoint.trace.without_rule import no_rule


def _known(value: Any, name: str, what: str) -> float:
    """A number that says how many results there are; it may have a derivative as well."""
    known = known_value(value)
    if known is None or np.ndim(known):
        raise no_rule(
            f"scipy.special.{name}", f"{what} that is not known, or no number,",
            "a number: it says how many results there are, so not inside jit and vmap",
        )  # fmt: skip
    return float(known)


def _place(x: Any, name: str) -> Any:
    if np.ndim(x):
        raise no_rule(f"scipy.special.{name}", "an array of places", "a number, as SciPy does")
    return floating(x)


def _all_orders(
    name: str, order: Any, x: Any, pair: Callable[[Any, Any], Any], least: int = 0
) -> Any:
    """Values and derivatives for the orders that end at one, a whole step apart.

    Args:
        name: of the function.
        order: the highest.
        x: a number.
        pair: value and derivative of one order.
        least: the order, but for its fraction, that SciPy takes a lower one for.
    """
    top = _known(order, name, "an order")
    whole = max(int(top), least)
    first = order - int(top) if top >= int(top) else order - int(top) + 1  # below 0
    found = [pair(first + k, _place(x, name)) for k in range(whole + 1)]
    return np.stack([v for v, _ in found]), np.stack([d for _, d in found])


def _riccati(name: str, order: Any, x: Any, bessel: Any) -> Any:
    def pair(k: float, x: Any) -> Any:
        value = bessel(int(k), x)
        return x * value, value + x * bessel(int(k), x, derivative=True)

    return _all_orders(name, static(order, name, "its order"), x, pair)


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

    def at(k: Any, x: Any) -> Any:
        return sp.hyp0f1(k + 1, -0.25 * x * x)

    return _all_orders("lmbda", v, x, lambda k, x: (at(k, x), -0.5 * x / (k + 1) * at(k + 1, x)))


@scipy_rule("scipy.special.pbdv_seq")
def pbdv_seq(v: Any, x: Any) -> Any:
    """Parabolic cylinder functions D of all orders."""
    return _all_orders("pbdv_seq", v, x, sp.pbdv, least=1)


@scipy_rule("scipy.special.pbvv_seq")
def pbvv_seq(v: Any, x: Any) -> Any:
    """Parabolic cylinder functions V of all orders."""
    return _all_orders("pbvv_seq", v, x, sp.pbvv, least=1)


@scipy_rule("scipy.special.pbdn_seq")
def pbdn_seq(n: Any, z: Any) -> Any:
    """Parabolic cylinder functions D of whole orders, as SciPy computes them.

    For complex z and orders above 0 it puts exp(-|z|^2 / 4) where exp(-z^2 / 4) belongs: a
    function that is not analytic, whose derivatives in the two parts of z these are. For orders
    below 0 it goes from one method to another, some with that mistake, with jumps between them.
    """
    n = int(static(n, "scipy.special.pbdn_seq", "n"))
    z = _place(z, "pbdn_seq")
    if n < -1:
        if z.dtype.kind == "c":
            raise no_rule(
                "scipy.special.pbdn_seq", "a complex z of orders below 0, where values jump,",
                "a real z, or n >= 0", remedy="use pbdv, or mpmath.pcfd in ad.pure_callback",
            )  # fmt: skip
        count = len(sp.pbdn_seq(n, 0.5)[0])
        found = [sp.pbdv(-1.0 * k, z) for k in range(count)]
        both = [np.stack(part) for part in zip(*found, strict=True)]
        return both[0].astype(complex), both[1].astype(complex)
    z = z.astype(complex)
    values = [np.exp(-0.25 * (z * np.conj(z)))]
    values.append(z * values[0])
    for k in range(2, n + 1):
        values.append(z * values[-1] - (k - 1) * values[-2])
    slopes = [-0.5 * z * values[0]]
    slopes += [k * values[k - 1] - 0.5 * z * values[k] for k in range(1, len(values))]
    return np.stack(values), np.stack(slopes)


# *** sequences for Mathieu's and spheroidal functions ***


def _coefficients(name: str) -> None:
    @scipy_rule(f"scipy.special.{name}")
    def rule(m: Any, q: Any) -> Any:
        order = int(static(m, f"scipy.special.{name}", "m"))
        count = len(getattr(sp, name)(order, _known(q, name, "a parameter")))
        return elementwise(primitives[name], np.arange(count), np.int64(order), floating(q))


def _levels(name: str) -> None:
    @scipy_rule(f"scipy.special.{name}_seq")
    def rule(m: Any, n: Any, c: Any) -> Any:
        low, high = (int(static(k, f"scipy.special.{name}_seq", "m and n")) for k in (m, n))
        return elementwise(primitives[name], np.int64(low), np.arange(low, high + 1), floating(c))


for _name in ("mathieu_even_coef", "mathieu_odd_coef"):
    _coefficients(_name)
for _name in ("pro_cv", "obl_cv"):
    _levels(_name)

# *** ellipsoidal harmonics ***


def _ellipsoidal(name: str, n: Any, p: Any, signs: tuple[Any, ...], *places: Any) -> Any:
    counts = [static(k, f"scipy.special.{name}", "its degree and order") for k in (n, p)]
    counts = [np.asarray(k).astype(np.int64) for k in (*counts, *signs)]
    return elementwise(primitives[name], *counts, *map(doubled, places))


@scipy_rule("scipy.special.ellip_harm")
def ellip_harm(h2: Any, k2: Any, n: Any, p: Any, s: Any, signm: Any = 1, signn: Any = 1) -> Any:
    """Lamé's functions of the first kind."""
    return _ellipsoidal("ellip_harm", n, p, (signm, signn), h2, k2, s)


@scipy_rule("scipy.special.ellip_harm_2")
def ellip_harm_2(h2: Any, k2: Any, n: Any, p: Any, s: Any) -> Any:
    """Lamé's functions of the second kind."""
    return _ellipsoidal("ellip_harm_2", n, p, (), h2, k2, s)


@scipy_rule("scipy.special.ellip_normal")
def ellip_normal(h2: Any, k2: Any, n: Any, p: Any) -> Any:
    """The squares of the norms of Lamé's functions."""
    return _ellipsoidal("ellip_normal", n, p, (), h2, k2)
