"""Distribution functions of scipy.special that are found by a search: inverses, noncentral ones.

An inverse has the operands of the function that it inverts, with the chance in the place of
what is looked for: its derivatives are those of that function, turned round.
"""

from __future__ import annotations

import importlib
from functools import partial
from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.primitives.special import POSITIVE, UNIT, WIDE, special
from adjoint.primitives.special_distribution import chdtr, fdtr, gdtr, stdtr
from adjoint.primitives.special_gamma import beta_density, betainc, gamma_density
from adjoint.primitives.special_slopes import along, positive, slopes

_COUNTS = ("bdtrik", "nbdtrik", "pdtrik")
# partial(*xs) of the function that is inverted; None where it counts, rounding down
Partials = tuple[Any, ...]


def _term(row: Primitive, which: int, *xs: Any) -> Any:
    """The partial of a row that does not ask for the row's value."""
    rule: Any = row.terms[which]
    return rule(1.0, None, *xs)


def _of(row: Primitive) -> Partials:
    return tuple(partial(_term, row, i) for i in range(len(row.terms)))


def inverse(
    name: str, of: Partials, place: int, domain: Any, value: Primitive | None = None
) -> Primitive:
    """A row for the inverse of a function in one of its operands.

    Args:
        name: of the inverse.
        of: the partials of the function.
        place: of what is looked for among its operands.
        domain: for sampling.
        value: the function itself, where SciPy's search may stop at the end of its range, or
            before the last digits.
    """
    counts = tuple(i for i, partial in enumerate(of) if partial is None)

    def solved(which: int) -> Any:
        if of[which] is None:
            return lambda out, *xs: np.zeros_like(out)

        def slope(out: Any, *xs: Any) -> Any:
            there = [np.floor(x) if i in counts else x for i, x in enumerate(xs)]
            there[place], met = (out, True) if value is None else _met(value, of, place, out, xs)
            steep = of[place](*there)
            moved = 1 / steep if which == place else -of[which](*there) / steep
            if value is not None:
                # at an end of the range of a search the answer stays
                end = (np.abs(out) > 1e99) | (np.abs(out) < 1e-99)
                return np.where(met, moved, np.where(end, 0, np.nan))
            # no count is below 0: there it stays, whatever the chance
            return np.where(out == 0, 0, moved) if name in _COUNTS else moved

        return slope

    return special(name, *map(solved, range(len(of))), integers=counts, domain=domain)


def _met(value: Primitive, of: Partials, place: int, out: Any, xs: Any) -> tuple[Any, Any]:
    """What was found, with its last digits by a step of Newton's; and whether it was."""
    there, chance = list(xs), xs[place]
    there[place] = out
    met = np.abs(value(*there) - chance) <= 0.01 * np.minimum(chance, 1 - chance)
    there[place] = np.where(met, out, 1)
    step = (chance - value(*there)) / of[place](*there)
    return there[place] + np.where(met, step, 0), met


# *** noncentral distributions ***


def _spread(x: Any, df: Any, nc: Any) -> Any:
    return np.minimum(positive(x), np.sqrt(2 * df + 4 * nc))


slopes(
    "chndtr",
    (
        _spread,
        lambda x, df, nc: np.minimum(positive(df), np.sqrt(2 * df + 4 * nc)),
        lambda x, df, nc: np.minimum(positive(nc), np.sqrt(2 * df + 4 * nc)),
    ),
    (POSITIVE, POSITIVE, POSITIVE),
)


def _deviation(df: Any, t: Any) -> Any:
    """Of Student's noncentral variable, about, where it is t."""
    return np.sqrt(1 + t * t / (2 * df))


def _of_t(df: Any, nc: Any, t: Any) -> Any:
    """Singular at t^2 = -df, and like a normal law in its middle."""
    wide = _deviation(df, t)
    return np.minimum(0.25 * np.sqrt(df + t * t), wide / (1 + np.abs(t - nc) / wide))


slopes(
    "nctdtr",
    (
        lambda df, nc, t: positive(df),
        lambda df, nc, t: 1 / (1 + np.abs(t - nc) / _deviation(df, t)),
        _of_t,
    ),
    (POSITIVE, POSITIVE, POSITIVE),
)
slopes(
    "ncfdtr",
    tuple((lambda *xs, i=i: 0.5 * positive(xs[i])) for i in range(4)),
    (POSITIVE, POSITIVE, POSITIVE, POSITIVE),
)


def _searched(name: str, count: int) -> Primitive:
    return special(name, *(along(name, i) for i in range(count)), domain=(POSITIVE,) * count)


chndtr = _searched("chndtr", 3)
nctdtr = _searched("nctdtr", 3)
ncfdtr = _searched("ncfdtr", 4)

# *** discrete distributions, continued between the counts ***


def _poisson_order(k: Any, m: Any) -> Any:
    from adjoint.primitives.special_gamma import gammaincc

    return _term(gammaincc, 0, k + 1, m)


def _beta(which: int, *xs: Any) -> Any:
    return _term(betainc, which, *xs)


POISSON: Partials = (_poisson_order, lambda k, m: -gamma_density(k + 1, m))
BINOMIAL: Partials = (  # I_(1-p)(n - k, k + 1)
    lambda k, n, p: _beta(1, n - k, k + 1, 1 - p) - _beta(0, n - k, k + 1, 1 - p),
    lambda k, n, p: _beta(0, n - k, k + 1, 1 - p),
    lambda k, n, p: -beta_density(n - k, k + 1, 1 - p),
)
NEGATIVE: Partials = (  # I_p(n, k + 1)
    lambda k, n, p: _beta(1, n, k + 1, p),
    lambda k, n, p: _beta(0, n, k + 1, p),
    lambda k, n, p: beta_density(n, k + 1, p),
)
GAMMA, BETA, STUDENT = _of(gdtr), _of(betainc), _of(stdtr)
CHI, FISHER = _of(chdtr), _of(fdtr)
CHI_OFF, STUDENT_OFF, FISHER_OFF = _of(chndtr), _of(nctdtr), _of(ncfdtr)
LOW = (0.3, 0.5)

_VALUES = {STUDENT: stdtr, FISHER: fdtr, CHI_OFF: chndtr, STUDENT_OFF: nctdtr, FISHER_OFF: ncfdtr}

for _name, _partials, _place, _domain in (
    ("gdtria", GAMMA, 0, (UNIT, POSITIVE, POSITIVE)),
    ("gdtrib", GAMMA, 1, (POSITIVE, UNIT, POSITIVE)),
    ("gdtrix", GAMMA, 2, (POSITIVE, POSITIVE, UNIT)),
    ("btdtria", BETA, 0, (UNIT, POSITIVE, UNIT)),
    ("btdtrib", BETA, 1, (POSITIVE, UNIT, UNIT)),
    ("chdtriv", CHI, 0, (UNIT, POSITIVE)),
    ("fdtridfd", FISHER, 1, ((2.0, 4.0), (0.55, 0.6), (1.0, 1.1))),
    ("stdtridf", STUDENT, 0, ((0.85, 0.9), (1.7, 1.9))),
    ("pdtrik", POISSON, 0, (UNIT, (3.0, 5.0))),
    ("pdtri", (None, POISSON[1]), 1, ((1, 1), UNIT)),
    ("bdtri", (None, None, BINOMIAL[2]), 2, ((2, 2), (7, 7), UNIT)),
    ("bdtrik", BINOMIAL, 0, ((0.4, 0.8), (8.0, 9.0), (0.4, 0.6))),
    ("bdtrin", BINOMIAL, 1, ((3.0, 4.0), (0.4, 0.8), (0.4, 0.6))),
    ("nbdtri", (None, None, NEGATIVE[2]), 2, ((2, 2), (7, 7), UNIT)),
    ("nbdtrik", NEGATIVE, 0, ((0.4, 0.8), (8.0, 9.0), (0.4, 0.6))),
    ("nbdtrin", NEGATIVE, 1, ((3.0, 4.0), (0.4, 0.8), (0.4, 0.6))),
    ("chndtrix", CHI_OFF, 0, (UNIT, POSITIVE, POSITIVE)),
    ("chndtridf", CHI_OFF, 1, ((4.0, 6.0), LOW, (1.0, 2.0))),
    ("chndtrinc", CHI_OFF, 2, ((5.0, 6.0), (1.0, 2.0), LOW)),
    ("nctdtrit", STUDENT_OFF, 2, (POSITIVE, POSITIVE, UNIT)),
    ("nctdtridf", STUDENT_OFF, 0, ((0.55, 0.6), (1.5, 1.6), (2.0, 2.1))),
    ("nctdtrinc", STUDENT_OFF, 1, (POSITIVE, LOW, WIDE)),
    ("ncfdtri", FISHER_OFF, 3, (POSITIVE, POSITIVE, POSITIVE, UNIT)),
    ("ncfdtridfd", FISHER_OFF, 1, ((2.0, 3.0), (0.6, 0.7), LOW, (2.0, 2.2))),
    ("ncfdtridfn", FISHER_OFF, 0, ((0.55, 0.6), (3.0, 4.0), LOW, (2.0, 2.2))),
    ("ncfdtrinc", FISHER_OFF, 2, ((2.0, 3.0), (3.0, 4.0), LOW, (2.0, 2.2))),
):
    inverse(_name, _partials, _place, _domain, _VALUES.get(_partials))


# *** the normal distribution in its mean and deviation ***


def _normal_quantile(p: Any) -> Any:
    from adjoint.primitives.special_error import ndtri

    return ndtri(p)


def _quantile_slope(p: Any) -> Any:
    q = _normal_quantile(p)
    return np.sqrt(2 * np.pi) * np.exp(0.5 * q * q)


nrdtrimn = special(
    "nrdtrimn",
    lambda out, p, std, x: -std * _quantile_slope(p),
    lambda out, p, std, x: -_normal_quantile(p),
    lambda out, p, std, x: np.ones_like(x),
    domain=(UNIT, POSITIVE, POSITIVE),
)
nrdtrisd = special(
    "nrdtrisd",
    lambda out, mn, p, x: -1 / _normal_quantile(p),
    lambda out, mn, p, x: -out * _quantile_slope(p) / _normal_quantile(p),
    lambda out, mn, p, x: 1 / _normal_quantile(p),
    domain=((0.0, 0.5), (0.6, 0.9), (1.0, 2.0)),
)

# *** Lambert's function: the branch k of w exp(w) = z ***

lambertw = special(
    "lambertw",
    None,
    lambda out, k, z: np.exp(-out) / (1 + out),
    integers=(0,),
    evaluate=lambda k, z: importlib.import_module("scipy.special").lambertw(z, k),
    domain=((0, 0), (0.4, 4.0)),
)

# *** Kolmogorov's distribution ***


def kolmogorov_slope(x: Any) -> Any:
    """By the series in exp(-x^2), or the one in exp(-1 / x^2) that it turns into near 0."""
    small = x < 1
    far = np.where(small, 1.0, x)
    near = np.where(small & (x > 0.04), x, 1.0)
    tail, start = 0.0, 0.0
    for k in range(1, 8):
        tail = tail - (-1) ** (k - 1) * 8 * k * k * far * np.exp(-2 * k * k * far * far)
        c = (2 * k - 1) ** 2 * np.pi**2 / 8
        inverse_square = 1 / (near * near)
        start = start - np.sqrt(2 * np.pi) * np.exp(-c * inverse_square) * inverse_square * (
            2 * c * inverse_square - 1
        )
    return np.where(x <= 0.04, 0.0, np.where(small, start, tail))


kolmogorov = special("kolmogorov", lambda out, x: kolmogorov_slope(x), domain=((0.3, 2.0),))
kolmogi = special("kolmogi", lambda out, p: 1 / kolmogorov_slope(out), domain=(UNIT,))
