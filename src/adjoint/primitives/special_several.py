"""Functions of scipy.special with several results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType
from adjoint.primitives.special import SciPyFunction
from adjoint.primitives.special_polynomial import parameter_slope

SEVERAL: list[str] = []


def several(
    name: str, count: int, jvp: Any, kind: Callable[..., ArrayType] | None = None
) -> Primitive:
    """A row for a function with several results, all of the type of its operands or of a kind."""
    SEVERAL.append(name)
    return Primitive(
        name,
        "special",
        lambda *types: ((kind(*types) if kind else types[0]),) * count,
        SciPyFunction(name),
        jvp=lambda primals, tangents, outputs: jvp(primals, tangents, outputs),
        several=True,
        stretches=True,
        reason="several results of one pass",
        notes={"n_outputs": count, "scipy": name},
    )


def _airy(primals: Any, tangents: Any, outputs: Any) -> Any:
    (x,), (t,), (ai, aip, bi, bip) = primals, tangents, outputs
    return aip * t, x * ai * t, bip * t, x * bi * t


def _over(value: Any, x: Any) -> Any:
    """Value / x, and 1 at 0 where both vanish alike."""
    return np.where(x == 0, 1, value / np.where(x == 0, 1, x))


def _fresnel(primals: Any, tangents: Any, outputs: Any) -> Any:
    (x,), (t,) = primals, tangents
    angle = (np.pi / 2) * (x * x)
    return np.sin(angle) * t, np.cos(angle) * t


def _sici(primals: Any, tangents: Any, outputs: Any) -> Any:
    (x,), (t,) = primals, tangents
    return _over(np.sin(x), x) * t, np.cos(x) / x * t


def _shichi(primals: Any, tangents: Any, outputs: Any) -> Any:
    (x,), (t,) = primals, tangents
    return _over(np.sinh(x), x) * t, np.cosh(x) / x * t


def _ellipj(primals: Any, tangents: Any, outputs: Any) -> Any:
    """The amplitude moves by dn (u_dot - dF/dm m_dot); the others follow from it."""
    (_, m), (u_dot, m_dot), (sn, cn, dn, ph) = primals, tangents, outputs
    moved = 0.0 if u_dot is None else u_dot
    if m_dot is not None:
        moved = moved - parameter_slope(ph, m) * m_dot
    ph_dot = dn * moved
    sn_dot = cn * ph_dot
    dn_dot = -m * sn * sn_dot / dn
    if m_dot is not None:
        dn_dot = dn_dot - 0.5 * sn * sn * m_dot / dn
    return sn_dot, -sn * ph_dot, dn_dot, ph_dot


airy = several("airy", 4, _airy)
fresnel = several("fresnel", 2, _fresnel)
sici = several("sici", 2, _sici)
shichi = several("shichi", 2, _shichi)
ellipj = several("ellipj", 4, _ellipj)
