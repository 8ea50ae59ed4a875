"""Fits the polynomials of the vector mathematics and writes them as a Python table.

    python benchmarks/fit_vectormath.py src/adjoint/lower/vectormath_coefficients.py

Each polynomial is a weighted least-squares fit at Chebyshev points in 100 digits, which is
within a small factor of the best. Coefficients are rounded to the working precision lowest
first, the rest fitted again after each rounding, so that later ones take up its error.
"""

import struct
import sys
from collections.abc import Callable
from pathlib import Path

import mpmath as mp

mp.mp.dps = 100
Function = Callable[[mp.mpf], mp.mpf]


def rounded(value: mp.mpf, bits: int) -> mp.mpf:
    if bits == 24:
        return mp.mpf(struct.unpack("f", struct.pack("f", float(value)))[0])
    return mp.mpf(float(value))


def chebyshev(a: mp.mpf, b: mp.mpf, count: int) -> list[mp.mpf]:
    middle, half = (a + b) / 2, (b - a) / 2
    return [middle - half * mp.cos(mp.pi * (2 * i + 1) / (2 * count)) for i in range(count)]


def least_squares(
    points: list[tuple[mp.mpf, mp.mpf, mp.mpf]], kept: list[mp.mpf], count: int
) -> list[mp.mpf]:
    """The coefficients after those kept, weighted; near minimax as the points are Chebyshev's."""
    first = len(kept)
    size = count - first
    rows = [[weight * u**j for j in range(first, count)] for u, _, weight in points]
    right = [weight * (value - mp.polyval(kept[::-1] or [0], u)) for u, value, weight in points]
    normal = mp.matrix(size, size)
    moments = mp.matrix(size, 1)
    for i in range(size):
        moments[i] = mp.fsum(row[i] * r for row, r in zip(rows, right, strict=True))
        for j in range(i, size):
            normal[i, j] = normal[j, i] = mp.fsum(row[i] * row[j] for row in rows)
    solution = mp.lu_solve(normal, moments)
    return [solution[j] for j in range(size)]


def fit(g: Function, w: Function, a: float, b: float, count: int, bits: int) -> tuple[list, float]:
    """Rounded coefficients of a polynomial of ``count`` terms, and the error they leave."""
    points = [(u, g(u), w(u)) for u in chebyshev(mp.mpf(a), mp.mpf(b), 10 * count)]
    kept: list[mp.mpf] = []
    for _ in range(count):
        kept.append(rounded(least_squares(points, kept, count)[0], bits))
    error = max(abs(weight * (value - mp.polyval(kept[::-1], u))) for u, value, weight in points)
    return [float(c) for c in kept], float(error)


def near_zero(f: Function, series: Function, edge: str = "1e-12") -> Function:
    """A quotient whose numerator cancels near 0: there the first terms of its series."""
    return lambda u: series(u) if abs(u) < mp.mpf(edge) else f(u)


def root(f: Function, series: Function) -> Function:
    """A function of sqrt(u)."""
    return near_zero(lambda u: f(mp.sqrt(u)), series)


one = mp.mpf(1)
half_log2 = mp.log(2) / 2 * mp.mpf("1.001")
quarter = mp.pi / 4 * mp.mpf("1.001")
narrow = (mp.sqrt(2) - 1) ** 2 / (mp.sqrt(2) + 1) ** 2 * mp.mpf("1.01")
ERFCX_MIDDLE = mp.mpf(4)


def erfcx_scaled(t: mp.mpf) -> mp.mpf:
    """(1 + 9 x / 8) exp(x^2) erfc(x) at t = (x - 4) / (x + 4)."""
    x = ERFCX_MIDDLE * (1 + t) / (1 - t)
    return (1 + 9 * x / 8) * mp.exp(x * x) * mp.erfc(x)


def t_of(x: float) -> mp.mpf:
    return (x - ERFCX_MIDDLE) / (x + ERFCX_MIDDLE)


# name: (function fitted, weight that makes the error relative to the result, interval,
#        terms in float64, terms in float32)
FITS: dict[str, tuple[Function, Function, object, object, int, int]] = {
    "EXP": (
        near_zero(lambda r: (mp.exp(r) - 1 - r) / r**2, lambda r: 0.5 + r / 6),
        lambda r: r**2 * mp.exp(-r),
        -half_log2,
        half_log2,
        10,
        5,
    ),
    "EXPM1": (
        near_zero(lambda r: (mp.exp(r) - 1 - r) / r**2, lambda r: 0.5 + r / 6),
        lambda r: r,
        -half_log2,
        half_log2,
        11,
        6,
    ),
    "EXP2": (
        near_zero(lambda r: (2**r - 1) / r, lambda r: mp.log(2) + r * mp.log(2) ** 2 / 2),
        lambda r: r * 2**-r,
        mp.mpf("-0.5"),
        mp.mpf("0.5"),
        11,
        6,
    ),
    "LOG": (
        root(lambda s: (2 * mp.atanh(s) / s - 2) / s**2, lambda z: 2 * one / 3 + 2 * z / 5),
        lambda z: z,
        mp.mpf(0),
        narrow,
        7,
        3,
    ),
    "LOG_DIRECT": (
        near_zero(lambda f: (mp.log1p(f) - f + f * f / 2) / f**3, lambda f: one / 3 - f / 4),
        lambda f: f**2,
        mp.sqrt(0.5) - 1,
        mp.sqrt(2) - 1,
        0,
        8,
    ),
    "SIN": (
        root(lambda r: (mp.sin(r) - r) / r**3, lambda z: -one / 6 + z / 120),
        lambda z: z,
        mp.mpf(0),
        quarter**2,
        6,
        3,
    ),
    "COS": (
        root(lambda r: (mp.cos(r) - 1 + r * r / 2) / r**4, lambda z: one / 24 - z / 720),
        lambda z: z**2,
        mp.mpf(0),
        quarter**2,
        6,
        3,
    ),
    "SINH": (
        root(lambda r: (mp.sinh(r) - r) / r**3, lambda z: one / 6 + z / 120),
        lambda z: z,
        mp.mpf(0),
        one,
        8,
        4,
    ),
    "ATAN": (
        root(lambda r: (mp.atan(r) - r) / r**3, lambda z: -one / 3 + z / 5),
        lambda z: z,
        mp.mpf(0),
        mp.mpf("0.2501"),
        13,
        6,
    ),
    "ASIN": (
        root(lambda r: (mp.asin(r) - r) / r**3, lambda z: one / 6 + 3 * z / 40),
        lambda z: z,
        mp.mpf(0),
        mp.mpf("0.2501"),
        13,
        5,
    ),
    "ERF": (
        root(lambda r: mp.erf(r) / r - 1, lambda z: 2 / mp.sqrt(mp.pi) * (1 - z / 3) - 1),
        lambda z: one,
        mp.mpf(0),
        one,
        12,
        7,
    ),
    # ln((1 + s) / (1 - s)) = 2 s + s^3 (2/3 + z (these)), z = s^2
    "ATANH_TAIL": (
        root(
            lambda s: (2 * mp.atanh(s) / s - 2 - 2 * s**2 / 3) / s**4,
            lambda z: mp.mpf("0.4") + 2 * z / 7,
        ),
        lambda z: z**2,
        mp.mpf(0),
        narrow,
        8,
        0,
    ),
    # For single precision computed in double lanes.
    "LOG_SHORT": (
        root(lambda s: (2 * mp.atanh(s) / s - 2) / s**2, lambda z: 2 * one / 3 + 2 * z / 5),
        lambda z: z,
        mp.mpf(0),
        narrow,
        4,
        0,
    ),
    "EXP_SHORT": (
        near_zero(lambda r: (mp.exp(r) - 1 - r) / r**2, lambda r: 0.5 + r / 6),
        lambda r: r**2 * mp.exp(-r),
        -half_log2,
        half_log2,
        5,
        0,
    ),
    "CBRT_START": (
        lambda m: m ** (-one / 3),
        lambda m: m ** (one / 3),
        mp.sqrt(0.5) * mp.mpf("0.999"),
        4 * mp.sqrt(2) * mp.mpf("1.001"),
        6,
        6,
    ),
    "ERFCX": (erfcx_scaled, lambda t: one, t_of(0), t_of(28), 26, 13),
}


def main(path: str, names: list[str]) -> None:
    lines = [
        '"""Coefficients of the polynomials, lowest first: benchmarks/fit_vectormath.py.',
        "",
        "In comments: the largest error of the fit, relative to the function's result.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
    ]
    for name, (g, w, a, b, double_terms, single_terms) in FITS.items():
        if names and name not in names:
            continue
        lines.append(f"{name} = {{")
        for kind, terms, bits in (("double", double_terms, 53), ("float", single_terms, 24)):
            if not terms:
                continue
            coefficients, error = fit(g, w, a, b, terms, bits)
            print(f"{name:12} {kind:7} {terms:3} terms {error:.2e}", flush=True)
            lines.append(f'    "{kind}": (  # {error:.1e}')
            lines += [f"        {c!r}," for c in coefficients]
            lines.append("    ),")
        lines.append("}")
    if path != "-":
        Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
