"""Riemann's and Hurwitz's zeta functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.primitives.special import POSITIVE, SciPyFunction, special
from adjoint.primitives.special_gamma import BERNOULLI, gamma, psi
from adjoint.primitives.special_slopes import along, from_one, slopes

_DIRECT = 14


def _zeta_order(out: Any, s: Any, q: Any) -> Any:
    """The derivative in s, by Euler's and Maclaurin's sum differentiated term by term."""
    total = 0.0
    for k in range(_DIRECT):
        total = total - np.log(q + k) * (q + k) ** -s
    end = q + _DIRECT
    log = np.log(end)
    total = total - end ** (1 - s) * (log + 1 / (s - 1)) / (s - 1) - 0.5 * log * end**-s
    # terms c s (s+1) ... (s+2j-2) end^(-s-2j+1): the product's derivative by Leibniz
    product, slope = s, np.ones_like(s)
    power = end ** (-s - 1)
    for j, c in enumerate(BERNOULLI, start=1):
        total = total + c * power * (slope - product * log)
        for shift in (2 * j - 1, 2 * j):
            slope = slope * (s + shift) + product
            product = product * (s + shift)
        power = power / (end * end)
    return total


def _hurwitz(s: Any, q: Any) -> Any:
    return SciPyFunction("zeta")(s, q)


zeta: Primitive = special(
    "zeta",
    _zeta_order,
    lambda out, s, q: -s * zeta(s + 1, q),
    evaluate=_hurwitz,
    domain=((1.5, 6.0), POSITIVE),
)


def _riemann_slope(out: Any, s: Any) -> Any:
    """By the sum, or from the other side of 1/2 where the sum has lost its digits."""
    if s.dtype.kind == "c":
        return along("zeta", 0)(None, s)
    left = s < 0
    across = np.where(left, 1 - s, np.full_like(s, 2.0))
    one = np.ones_like(s)
    half = (np.pi / 2) * np.where(left, s, one)
    scale = 2 * (2 * np.pi) ** -across * gamma(across)
    turned = (float(np.log(2 * np.pi)) - psi(across)) * np.sin(half) + (np.pi / 2) * np.cos(half)
    reflected = turned * zeta(across, one) - np.sin(half) * _zeta_order(None, across, one)
    return np.where(left, scale * reflected, _zeta_order(None, np.where(left, 2 * one, s), one))


riemann_zeta = special(
    "riemann_zeta", _riemann_slope, evaluate=SciPyFunction("zeta"), domain=((1.5, 6.0),)
)
zetac = special("zetac", _riemann_slope, domain=((1.5, 6.0),))
# Riemann's, for complex numbers; for real ones its derivative is a sum.
slopes("zeta", (from_one,), ((1.5, 6.0),))
