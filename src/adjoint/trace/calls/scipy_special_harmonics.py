"""Legendre functions and spherical harmonics of scipy.special, with their derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.primitive import primitives
from adjoint.primitives.special_legendre import PARTS
from adjoint.trace.calls.scipy_special import floating, static
from adjoint.trace.elementwise import elementwise
from adjoint.trace.scipy_gate import scipy_rule

_ALL = "_all"  # ends the names of functions that give all degrees and orders up to one
_DEGREES = {"legendre_p": 1, "assoc_legendre_p": 2, "sph_legendre_p": 2, "sph_harm_y": 2}


def _count(value: Any, name: str) -> Any:
    return np.asarray(static(value, name, "its degree and order")).astype(np.int64)


@scipy_rule("scipy.special._multiufuncs.MultiUFunc.__call__")
def call(
    self: Any,
    *args: Any,
    diff_n: int = 0,
    norm: bool = False,
    branch_cut: Any = 2,
) -> Any:
    """Values and up to two derivatives, with SciPy's own options."""
    name = self.__name__.removesuffix(_ALL)
    counts = _DEGREES[name]
    degrees = [_count(x, f"scipy.special.{self.__name__}") for x in args[:counts]]
    places = [floating(x) for x in args[counts:]]
    if not 0 <= diff_n <= 2:
        raise ValueError(f"diff_n is implemented for 0, 1 and 2, got {diff_n}")
    if self.__name__.endswith(_ALL):
        degrees = _up_to(degrees, max(np.ndim(x) for x in places))
    if name == "sph_harm_y":
        (n, m), (theta, phi) = degrees, places
        return _harmonics(n, m, theta, phi, diff_n)
    if name == "assoc_legendre_p":
        degrees = [np.int64(bool(norm)), np.asarray(branch_cut).astype(np.int64), *degrees]
    parts = PARTS[: diff_n + 1]
    return np.stack([elementwise(primitives[name + part], *degrees, *places) for part in parts])


def _harmonics(n: Any, m: Any, theta: Any, phi: Any, diff_n: int) -> Any:
    """The harmonic; with derivatives, also its gradient and its Hessian in both angles."""
    wave = np.exp(1j * m * phi)
    in_theta = [
        elementwise(primitives["sph_legendre_p" + part], n, m, theta) * wave
        for part in PARTS[: diff_n + 1]
    ]

    def mixed(*axes: int) -> Any:
        return in_theta[axes.count(0)] * (1j * m) ** axes.count(1)

    results = [in_theta[0]]
    if diff_n:
        results.append(np.stack([mixed(0), mixed(1)], axis=-1))
    if diff_n == 2:
        rows = [np.stack([mixed(i, 0), mixed(i, 1)], axis=-1) for i in (0, 1)]
        results.append(np.stack(rows, axis=-2))
    return tuple(results) if diff_n else results[0]


def _up_to(highest: list[Any], ndim: int) -> list[Any]:
    """All degrees, and orders 0, 1 ... m, -m ... -1, each on an axis before the others."""
    degrees = np.arange(highest[0] + 1)
    if len(highest) == 1:
        return [degrees.reshape(-1, *(1,) * ndim)]
    orders = np.r_[0 : highest[1] + 1, -highest[1] : 0]
    return [degrees.reshape(-1, 1, *(1,) * ndim), orders.reshape(-1, *(1,) * ndim)]
