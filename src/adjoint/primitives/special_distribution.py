"""Distribution functions of scipy.special: incomplete gamma and beta under other names."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.primitives.products import divide_no_nan, multiply_no_nan
from adjoint.primitives.special import POSITIVE, UNIT, WIDE, polynomial, special
from adjoint.primitives.special_gamma import (
    beta_density,
    betainc_shape,
    gamma_density,
    gammainc_shape,
)


def _one(like: Any) -> Any:
    return np.broadcast_to(np.int64(1), like.shape)


def _nought(like: Any) -> Any:
    return np.broadcast_to(np.int64(0), like.shape)


def _p_a(a: Any, x: Any) -> Any:
    return gammainc_shape(_one(a), a, x)


def _i_a(a: Any, b: Any, x: Any) -> Any:
    return betainc_shape(_one(a), _nought(a), a, b, x)


def _i_b(a: Any, b: Any, x: Any) -> Any:
    return betainc_shape(_nought(a), _one(a), a, b, x)


def _both(name: str, complement: str, *partials: Any, **more: Any) -> Any:
    """A distribution function and one minus it."""
    first = special(name, *partials, **more)

    def minus(partial: Any) -> Any:
        return None if partial is None else lambda out, *xs: -partial(out, *xs)

    return first, special(complement, *map(minus, partials), **more)


gdtr, gdtrc = _both(
    "gdtr",
    "gdtrc",
    lambda out, a, b, x: x * gamma_density(b, a * x),
    lambda out, a, b, x: _p_a(b, a * x),
    lambda out, a, b, x: a * gamma_density(b, a * x),
    domain=(POSITIVE, POSITIVE, POSITIVE),
)
chdtr, chdtrc = _both(
    "chdtr",
    "chdtrc",
    lambda out, v, x: 0.5 * _p_a(0.5 * v, 0.5 * x),
    lambda out, v, x: 0.5 * gamma_density(0.5 * v, 0.5 * x),
    domain=(POSITIVE, POSITIVE),
)
# The counts of discrete distributions are rounded down: their slope is zero.
pdtrc, pdtr = _both(
    "pdtrc",
    "pdtr",
    lambda out, k, m: np.zeros_like(out),
    lambda out, k, m: gamma_density(np.floor(k) + 1, m),
    domain=((1.0, 5.0), POSITIVE),
)
bdtrc, bdtr = _both(
    "bdtrc",
    "bdtr",
    lambda out, k, n, p: np.zeros_like(out),
    lambda out, k, n, p: np.zeros_like(out),
    lambda out, k, n, p: beta_density(np.floor(k) + 1, np.trunc(n) - np.floor(k), p),
    integers=(1,),
    domain=((1.0, 3.0), (4, 7), UNIT),
)
nbdtr, nbdtrc = _both(
    "nbdtr",
    "nbdtrc",
    lambda out, k, n, p: np.zeros_like(out),
    lambda out, k, n, p: np.zeros_like(out),
    lambda out, k, n, p: beta_density(np.trunc(n), np.trunc(k) + 1.0, p),
    integers=(0, 1),
    domain=((1, 3), (4, 7), UNIT),
)


def _f_part(dfn: Any, dfd: Any, x: Any) -> Any:
    return dfn * x / (dfd + dfn * x)


def _f_slope(which: int) -> Any:
    def partial(out: Any, n: Any, d: Any, x: Any) -> Any:
        total = d + n * x
        t = n * x / total
        # the density of t times what t moves by
        moved = (d * x, -n * x, d * n)[which] / (total * total)
        share = multiply_no_nan(moved, beta_density(0.5 * n, 0.5 * d, t))
        if which == 0:
            return share + 0.5 * _i_a(0.5 * n, 0.5 * d, t)
        return share + 0.5 * _i_b(0.5 * n, 0.5 * d, t) if which == 1 else share

    return partial


fdtr, fdtrc = _both(
    "fdtr", "fdtrc", *map(_f_slope, range(3)), domain=(POSITIVE, POSITIVE, POSITIVE)
)


def t_density(df: Any, t: Any) -> Any:
    """Student's density."""
    from adjoint.primitives.special_gamma import betaln

    half = np.full_like(df, 0.5)
    return np.exp(-0.5 * (df + 1) * np.log1p(t * t / df) - betaln(0.5 * df, half)) / np.sqrt(df)


_POINTS, _WEIGHTS = (v.tolist() for v in np.polynomial.legendre.leggauss(16))
_DIGAMMA = [1 / 8, -1 / 64, 1 / 128, -17 / 2048, 31 / 2048]  # of psi(x + 1/2) - psi(x) - 1/(2x)


def _t_density_shape(df: Any, t: Any) -> Any:
    """The derivative of Student's density in df."""
    from adjoint.primitives.special_gamma import psi

    far = df > 60
    inverse = (2 / np.where(far, df, 60)) ** 2
    series = inverse * polynomial(inverse, _DIGAMMA)
    x = 0.5 * np.where(far, 2, df)
    steps = np.where(far, series, psi(x + 0.5) - psi(x) - 0.5 / x)
    share = t * t / df
    logs = steps - np.log1p(share) + (df + 1) / df * share / (1 + share)
    return 0.5 * t_density(df, t) * logs


def _t_shape(df: Any, t: Any) -> Any:
    # For t < 0: stdtr = I_w(df/2, 1/2) / 2 with w = df / (df + t^2), and 1 - that above.
    size = t * t
    near = size * (1 + 1 / df) < 0.5
    inner = np.where(near, t, 0)
    # near the middle the integral of the density's derivative, which is smooth there
    total = 0.0
    for point, weight in zip(_POINTS, _WEIGHTS, strict=True):
        total = total + 0.5 * weight * _t_density_shape(df, inner * (0.5 * (1 + point)))
    apart = np.where(near, 1, size)
    w = df / (df + apart)
    half = np.full_like(df, 0.5)
    # the density in w times dw/d(df) = t^2 / (df + t^2)^2
    share = beta_density(0.5 * df, half, w) * apart / (df + apart) ** 2
    moved = 0.25 * _i_a(0.5 * df, half, w) + 0.5 * share
    return np.where(near, inner * total, np.where(t < 0, moved, -moved))


stdtr = special(
    "stdtr",
    lambda out, df, t: _t_shape(df, t),
    lambda out, df, t: t_density(df, t),
    domain=(POSITIVE, WIDE),
)
stdtrit = special(
    "stdtrit",
    lambda out, df, p: -_t_shape(df, out) / t_density(df, out),
    lambda out, df, p: 1 / t_density(df, out),
    domain=(POSITIVE, UNIT),
)
chdtri = special(
    "chdtri",
    lambda out, v, p: divide_no_nan(-_p_a(0.5 * v, 0.5 * out), gamma_density(0.5 * v, 0.5 * out)),
    lambda out, v, p: -2 / gamma_density(0.5 * v, 0.5 * out),
    domain=(POSITIVE, UNIT),
)


def _f_inverse(which: int) -> Any:
    def partial(out: Any, n: Any, d: Any, p: Any) -> Any:
        density = _f_slope(2)(None, n, d, out)
        if which == 2:
            return 1 / density
        return divide_no_nan(-_f_slope(which)(None, n, d, out), density)

    return partial


fdtri = special("fdtri", *map(_f_inverse, range(3)), domain=(POSITIVE, POSITIVE, UNIT))
