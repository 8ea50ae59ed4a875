"""Elliptic integrals and orthogonal polynomials."""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.primitives.special import POSITIVE, UNIT, SciPyFunction, polynomial, special
from adjoint.primitives.special_slopes import along, from_poles, positive, slopes, wide

INSIDE = (-0.9, 0.9)
DEGREE = (0, 5)

# *** complete elliptic integrals, of the parameter m ***

# K(m) = pi/2 sum c_k^2 m^k with c_k = (2k-1)!! / (2k)!!; E(m) has -c_k^2 / (2k-1).
_C = np.cumprod([1.0, *((2 * k - 1) / (2 * k) for k in range(1, 24))])
_K = np.pi / 2 * _C**2
_E = -_K / (2 * np.arange(24) - 1)
_K_SLOPE = (_K[1:] * np.arange(1, 24)).tolist()
_E_SLOPE = (_E[1:] * np.arange(1, 24)).tolist()
_NEAR = 0.1  # below, the closed forms lose digits


def _series(m: Any, coefficients: list[float], closed: Any) -> Any:
    near = np.abs(m) < _NEAR
    inner = polynomial(np.where(near, m, np.zeros_like(m)), coefficients)
    return np.where(near, inner, closed(np.where(near, np.full_like(m, 0.5), m)))


def _k_slope(m: Any) -> Any:
    return _series(m, _K_SLOPE, lambda m: (ellipe(m) - (1 - m) * ellipk(m)) / (2 * m * (1 - m)))


ellipk = special("ellipk", lambda out, m: _k_slope(m), domain=(UNIT,))
ellipe: Primitive = special(
    "ellipe",
    lambda out, m: _series(m, _E_SLOPE, lambda m: (ellipe(m) - ellipk(m)) / (2 * m)),
    domain=(UNIT,),
)
ellipkm1 = special(
    "ellipkm1",
    lambda out, p: -(ellipe(1 - p) - p * out) / (2 * (1 - p) * p),
    domain=((0.05, 0.8),),
)

# *** incomplete elliptic integrals ***


@lru_cache(maxsize=4)
def _gauss(dtype: Any) -> tuple[Any, Any]:
    """Points and weights on [0, 1]."""
    points, weights = np.polynomial.legendre.leggauss(40)
    return (0.5 * (1 + points)).astype(dtype), (0.5 * weights).astype(dtype)


def _by_points(integrand: Any, phi: Any, m: Any) -> Any:
    """The integral over the angle from 0 to phi, for small m where it is smooth."""
    points, weights = _gauss(phi.dtype)
    squares = np.sin(phi[..., None] * points) ** 2
    return phi * np.sum(integrand(squares, m[..., None]) * weights, axis=-1)


def _incomplete_slope(integrand: Any, closed: Any) -> Any:
    def partial(out: Any, phi: Any, m: Any) -> Any:
        near = np.abs(m) < _NEAR
        zero = np.zeros_like(m)
        inner = _by_points(integrand, np.where(near, phi, zero), np.where(near, m, zero))
        return np.where(near, inner, closed(phi, np.where(near, np.full_like(m, 0.5), m)))

    return partial


def delta(phi: Any, m: Any) -> Any:
    """sqrt(1 - m sin(phi)^2)."""
    return np.sqrt(1 - m * np.sin(phi) ** 2)


def _f_closed(phi: Any, m: Any) -> Any:
    e, f = ellipeinc(phi, m), ellipkinc(phi, m)
    rest = np.sin(2 * phi) / (4 * (1 - m) * delta(phi, m))
    return (e - (1 - m) * f) / (2 * m * (1 - m)) - rest


_f_parameter = _incomplete_slope(lambda s, m: 0.5 * s * (1 - m * s) ** -1.5, _f_closed)


def parameter_slope(phi: Any, m: Any) -> Any:
    """The derivative of ellipkinc(phi, m) in m."""
    return _f_parameter(None, phi, m)


ellipkinc = special(
    "ellipkinc",
    lambda out, phi, m: 1 / delta(phi, m),
    _f_parameter,
    domain=(UNIT, UNIT),
)
ellipeinc: Primitive = special(
    "ellipeinc",
    lambda out, phi, m: delta(phi, m),
    _incomplete_slope(
        lambda s, m: -0.5 * s * (1 - m * s) ** -0.5,
        lambda phi, m: (ellipeinc(phi, m) - ellipkinc(phi, m)) / (2 * m),
    ),
    domain=(UNIT, UNIT),
)
elliprf = special(
    "elliprf",
    lambda out, x, y, z: elliprd(y, z, x) / -6,
    lambda out, x, y, z: elliprd(x, z, y) / -6,
    lambda out, x, y, z: elliprd(x, y, z) / -6,
    domain=(POSITIVE, POSITIVE, POSITIVE),
)


def _elliprc_slope(which: int) -> Any:
    """Where y is below 0, Cauchy's value: sqrt(x / (x - y)) of the function at (x - y, -y)."""

    def partial(out: Any, x: Any, y: Any) -> Any:
        below = y < 0
        first, second = np.where(below, x - y, x), np.where(below, -y, y)
        in_x, in_y = elliprd(second, second, first) / -6, elliprd(first, second, second) / -3
        size, apart = np.sqrt(np.where(below, x / first, 1)), np.where(below, first, 1)
        if which == 0:
            turned = 0.5 * out * (1 / x - 1 / apart) + size * in_x
            return np.where(below, turned, in_x)
        return np.where(below, 0.5 * out / apart - size * (in_x + in_y), in_y)

    return partial


elliprc = special(
    "elliprc",
    _elliprc_slope(0),
    _elliprc_slope(1),
    domain=(POSITIVE, POSITIVE),
)
elliprd: Primitive = special(
    "elliprd", *(along("elliprd", i) for i in range(3)), domain=(POSITIVE, POSITIVE, POSITIVE)
)
elliprg = special(
    "elliprg", *(along("elliprg", i) for i in range(3)), domain=(POSITIVE, POSITIVE, POSITIVE)
)
elliprj = special("elliprj", *(along("elliprj", i) for i in range(4)), domain=(POSITIVE,) * 4)


def _at(which: int) -> Any:
    return lambda *xs: positive(xs[which])


for _name, _count in (("elliprd", 3), ("elliprg", 3), ("elliprj", 4)):
    slopes(_name, tuple(map(_at, range(_count))), (POSITIVE,) * _count)


def _agm_slope(which: int) -> Any:
    def partial(out: Any, a: Any, b: Any) -> Any:
        mine, other = (b, a) if which else (a, b)
        total = a + b
        m = ((a - b) / total) ** 2
        k = ellipk(m)
        moved = 4 * other * (mine - other) / total**3
        return np.pi / 4 * (1 / k - total * _k_slope(m) * moved / (k * k))

    return partial


agm = special("agm", _agm_slope(0), _agm_slope(1), domain=(POSITIVE, POSITIVE))

# *** orthogonal polynomials of integer or real degree ***


def _below(n: Any, value: Any) -> Any:
    """A derivative that is zero for degree 0."""
    return np.where(n == 0, 0.0, value(np.where(n == 0, n, n - 1)))


def _family(name: str, partial: Any, n_shapes: int = 0, domain: Any = INSIDE) -> Any:
    shapes = [along(name, 1 + i) for i in range(n_shapes)]
    return special(
        name,
        None,
        *shapes,
        lambda out, n, *xs: _below(n, lambda lower: partial(n, lower, *xs)),
        integers=(0,),
        domain=(DEGREE, *(POSITIVE,) * n_shapes, domain),
    )


def _full(value: float, like: Any) -> Any:
    return np.full(like.shape, value, like.dtype)


eval_jacobi: Primitive = _family(
    "eval_jacobi",
    lambda n, k, a, b, x: 0.5 * (n + a + b + 1) * eval_jacobi(k, a + 1, b + 1, x),
    2,
)
eval_gegenbauer: Primitive = _family(
    "eval_gegenbauer", lambda n, k, a, x: 2 * a * eval_gegenbauer(k, a + 1, x), 1
)
eval_genlaguerre: Primitive = _family(
    "eval_genlaguerre", lambda n, k, a, x: -eval_genlaguerre(k, a + 1, x), 1, POSITIVE
)
eval_laguerre = _family(
    "eval_laguerre", lambda n, k, x: -eval_genlaguerre(k, _full(1.0, x), x), 0, POSITIVE
)
eval_legendre = _family(
    "eval_legendre",
    lambda n, k, x: 0.5 * (n + 1) * eval_jacobi(k, _full(1.0, x), _full(1.0, x), x),
)
eval_chebyt = _family("eval_chebyt", lambda n, k, x: n * eval_chebyu(k, x))
eval_chebyu: Primitive = _family(
    "eval_chebyu", lambda n, k, x: 2 * eval_gegenbauer(k, _full(2.0, x), x)
)
eval_chebyc = _family("eval_chebyc", lambda n, k, x: n * eval_chebys(k, x))
eval_chebys: Primitive = _family(
    "eval_chebys", lambda n, k, x: eval_gegenbauer(k, _full(2.0, x), 0.5 * x)
)
eval_hermite: Primitive = _family("eval_hermite", lambda n, k, x: 2 * n * eval_hermite(k, x))
eval_hermitenorm: Primitive = _family(
    "eval_hermitenorm", lambda n, k, x: n * eval_hermitenorm(k, x)
)
eval_sh_legendre = _family(
    "eval_sh_legendre",
    lambda n, k, x: (n + 1) * eval_jacobi(k, _full(1.0, x), _full(1.0, x), 2 * x - 1),
    0,
    UNIT,
)
eval_sh_chebyt = _family(
    "eval_sh_chebyt", lambda n, k, x: 2 * n * eval_chebyu(k, 2 * x - 1), 0, UNIT
)
eval_sh_chebyu = _family(
    "eval_sh_chebyu",
    lambda n, k, x: 4 * eval_gegenbauer(k, _full(2.0, x), 2 * x - 1),
    0,
    UNIT,
)
eval_sh_jacobi: Primitive = special(
    "eval_sh_jacobi",
    None,
    along("eval_sh_jacobi", 1),
    along("eval_sh_jacobi", 2),
    lambda out, n, p, q, x: _below(n, lambda k: n * eval_sh_jacobi(k, p + 2, q + 1, x)),
    integers=(0,),
    domain=(DEGREE, (3.0, 4.0), (1.0, 2.0), UNIT),
)
lpmv: Primitive = special(
    "lpmv",
    None,
    None,
    # Of negative orders there is none of a degree below: v + m = 0 there, lpmv is NaN.
    lambda out, m, v, x: (
        (v * x * out - _below(v + m, lambda k: (v + m) * lpmv(m, k - m, x))) / (x * x - 1)
    ),
    integers=(0, 1),
    domain=((0, 2), (2, 4), INSIDE),
)


def _harmonic_slope(out: Any, n: Any, m: Any, angle: Any) -> Any:
    """By the neighbours in the order: finite at the poles too."""
    down = np.sqrt(np.maximum((n + m) * (n - m + 1), 0) * 1.0)
    up = np.sqrt(np.maximum((n - m) * (n + m + 1), 0) * 1.0)
    return 0.5 * (up * sph_legendre_p(n, m + 1, angle) - down * sph_legendre_p(n, m - 1, angle))


sph_legendre_p: Primitive = special(
    "sph_legendre_p",
    None,
    None,
    _harmonic_slope,
    integers=(0, 1),
    evaluate=lambda *xs: importlib.import_module("scipy.special").sph_legendre_p(*xs)[0],
    domain=((2, 4), (-2, 2), (0.2, 2.8)),
)


# *** in their shapes ***


def _counted(name: str) -> Any:
    """The degree, which counts, is carried among the operands of slopes as a number."""
    function = SciPyFunction(name)
    return lambda n, *xs: function(np.round(np.real(n)).astype(np.int64), *xs)


slopes(
    "eval_genlaguerre",
    (
        lambda n, a, x: wide(n),
        lambda n, a, x: np.minimum(wide(n), a + 1),  # SciPy's is NaN from -1 on
        lambda n, a, x: wide(n),
    ),
    ((1.0, 4.0), POSITIVE, INSIDE),
    _counted("eval_genlaguerre"),
)
for _name, _count in (("eval_jacobi", 2), ("eval_gegenbauer", 1)):
    slopes(
        _name,
        tuple((lambda n, *xs: wide(n)) for _ in range(_count + 2)),
        ((1.0, 4.0), *(POSITIVE,) * _count, INSIDE),
        _counted(_name),
    )
slopes(
    "eval_sh_jacobi",
    (
        lambda n, p, q, x: wide(n),
        lambda n, p, q, x: from_poles(p + n) * wide(n),  # it is over a binomial coefficient
        lambda n, p, q, x: (1 + np.abs(q)) * wide(n),
        lambda n, p, q, x: wide(n),
    ),
    ((1.0, 4.0), (3.0, 4.0), (1.0, 2.0), UNIT),
    _counted("eval_sh_jacobi"),
)
