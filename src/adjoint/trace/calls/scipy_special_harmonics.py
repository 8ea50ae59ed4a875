"""Legendre functions and spherical harmonics of scipy.special, of one degree and order."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from adjoint.errors import UnsupportedError
from adjoint.graph.primitive import Primitive
from adjoint.graph.source import source_here
from adjoint.primitives.special import special
from adjoint.trace.calls.scipy_special import floating, static
from adjoint.trace.elementwise import elementwise
from adjoint.trace.scipy_gate import scipy_rule


def _slope(out: Any, n: Any, m: Any, angle: Any) -> Any:
    """By the neighbours in the order: finite at the poles too."""
    down = np.sqrt(np.maximum((n + m) * (n - m + 1), 0) * 1.0)
    up = np.sqrt(np.maximum((n - m) * (n + m + 1), 0) * 1.0)
    return 0.5 * (up * sph_legendre(n, m + 1, angle) - down * sph_legendre(n, m - 1, angle))


sph_legendre: Primitive = special(
    "sph_legendre_p",
    None,
    None,
    _slope,
    integers=(0, 1),
    evaluate=lambda n, m, angle: sp.sph_legendre_p(n, m, angle)[0],
    domain=((2, 4), (-2, 2), (0.2, 2.8)),
)


def _count(value: Any, name: str, what: str) -> Any:
    return np.asarray(static(value, name, what)).astype(np.int64)


def _sph_legendre_p(n: Any, m: Any, theta: Any) -> Any:
    return elementwise(sph_legendre, n, m, floating(theta))


def _sph_harm_y(n: Any, m: Any, theta: Any, phi: Any) -> Any:
    return _sph_legendre_p(n, m, theta) * np.exp(1j * m * floating(phi))


def _assoc_legendre_p(n: Any, m: Any, z: Any) -> Any:
    return sp.lpmv(m, n, floating(z))


_RULES: dict[str, tuple[Any, int]] = {
    "sph_legendre_p": (_sph_legendre_p, 2),
    "sph_harm_y": (_sph_harm_y, 2),
    "assoc_legendre_p": (_assoc_legendre_p, 2),
    "legendre_p": (lambda n, z: sp.eval_legendre(n, floating(z)), 1),
}


@scipy_rule("scipy.special._multiufuncs.MultiUFunc.__call__")
def call(self: Any, *args: Any, **kwargs: Any) -> Any:
    """One value; several derivatives at once, other norms and cuts are refused."""
    name = f"scipy.special.{self.__name__}"
    found = _RULES.get(self.__name__)
    if found is None or any(kwargs.values()):
        raise UnsupportedError(
            "several degrees, derivatives, norms or cuts have no rule for arrays under recording",
            function=name,
            source=source_here(),
            remedy="call it for one degree and order with its defaults, and differentiate that",
        )
    rule, counts = found
    degrees = [_count(x, name, "its degree and order") for x in args[:counts]]
    value = rule(*degrees, *args[counts:])
    # SciPy puts how often it has differentiated on a first axis, but for the harmonics
    return value if self.__name__ == "sph_harm_y" else value[None]
