"""Legendre functions and spherical harmonics of scipy.special, of one degree and order."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from adjoint.primitives.special_polynomial import sph_legendre_p
from adjoint.trace.calls.scipy_special import floating, static
from adjoint.trace.elementwise import elementwise
from adjoint.trace.scipy_gate import scipy_rule
from adjoint.trace.without_rule import no_rule


def _count(value: Any, name: str, what: str) -> Any:
    return np.asarray(static(value, name, what)).astype(np.int64)


def _sph_legendre_p(n: Any, m: Any, theta: Any) -> Any:
    return elementwise(sph_legendre_p, n, m, floating(theta))


def _sph_harm_y(n: Any, m: Any, theta: Any, phi: Any) -> Any:
    return _sph_legendre_p(n, m, theta) * np.exp(1j * m * floating(phi))


def _assoc_legendre_p(n: Any, m: Any, z: Any) -> Any:
    none = np.abs(m) > n  # lpmv is not 0 there for orders below 0
    return np.where(none, 0.0, sp.lpmv(np.where(none, 0, m), n, floating(z)))


_RULES: dict[str, tuple[Any, int]] = {
    "sph_legendre_p": (_sph_legendre_p, 2),
    "sph_harm_y": (_sph_harm_y, 2),
    "assoc_legendre_p": (_assoc_legendre_p, 2),
    "legendre_p": (lambda n, z: sp.eval_legendre(n, floating(z)), 1),
}
_ALL = "_all"  # ends the names of functions that give all degrees and orders up to one


@scipy_rule("scipy.special._multiufuncs.MultiUFunc.__call__")
def call(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Values; several derivatives at once, other norms and cuts are refused."""
    name = f"scipy.special.{self.__name__}"
    found = _RULES.get(self.__name__.removesuffix(_ALL))
    if found is None or any(kwargs.values()):
        raise no_rule(
            name, "a derivative, norm or cut",
            remedy="call it for one degree and order with its defaults, and differentiate that",
        )  # fmt: skip
    rule, counts = found
    degrees = [_count(x, name, "its degree and order") for x in args[:counts]]
    if self.__name__.endswith(_ALL):
        degrees = _up_to(degrees, max(np.ndim(x) for x in args[counts:]))
    value = rule(*degrees, *args[counts:])
    # SciPy puts how often it has differentiated on a first axis, but for the harmonics
    return value if self.__name__.startswith("sph_harm_y") else value[None]


def _up_to(highest: list[Any], ndim: int) -> list[Any]:
    """All degrees, and orders 0, 1 ... m, -m ... -1, each on an axis before the others."""
    degrees = np.arange(highest[0] + 1)
    if len(highest) == 1:
        return [degrees.reshape(-1, *(1,) * ndim)]
    orders = np.r_[0 : highest[1] + 1, -highest[1] : 0]
    return [degrees.reshape(-1, 1, *(1,) * ndim), orders.reshape(-1, *(1,) * ndim)]
