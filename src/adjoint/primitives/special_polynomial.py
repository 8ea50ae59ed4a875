"""Elliptic integrals and orthogonal polynomials."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive, primitives
from adjoint.primitives.choose import stop_gradient
from adjoint.primitives.special import POSITIVE, UNIT, SciPyFunction, polynomial, special
from adjoint.primitives.special_carlson import elliprd
from adjoint.primitives.special_slopes import along, from_poles, slopes, wide

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


def _near_one(out: Any, p: Any) -> Any:
    return -(ellipe(1 - p) - p * out) / (2 * np.where(p > 1 - _NEAR, 0.5, 1 - p) * p)


ellipkm1 = special(
    "ellipkm1",
    lambda out, p: np.where(
        p > 1 - _NEAR, -_k_slope(np.where(p > 1 - _NEAR, 1 - p, 0.5)), _near_one(out, p)
    ),
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
    turns = np.round(phi / np.pi)  # each of which adds the same, however far the angle is

    def up_to(angle: Any) -> Any:
        squares = np.sin(angle[..., None] * points) ** 2
        return angle * np.sum(integrand(squares, m[..., None]) * weights, axis=-1)

    return up_to(phi - np.pi * turns) + 2 * turns * up_to(np.full_like(phi, np.pi / 2))


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


def _f_apart(phi: Any, m: Any) -> Any:
    """The closed form; near m = 1, where it loses digits, Carlson's, below a right angle."""
    near = (np.abs(1 - m) < _NEAR) & (np.abs(phi) < np.pi / 2)
    s = np.sin(np.where(near, phi, 1))
    smooth = s**3 / 6 * elliprd(1 - s * s, np.ones_like(m), 1 - np.where(near, m, 0.5) * (s * s))
    return np.where(near, smooth, _f_closed(phi, np.where(near, 0.5, m)))


_f_parameter = _incomplete_slope(lambda s, m: 0.5 * s * (1 - m * s) ** -1.5, _f_apart)


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
# *** orthogonal polynomials of integer or real degree ***


def _constant(n: Any) -> Any:
    """Where the polynomial does not depend on its argument: also where a mirrored degree is -1."""
    return (n == 0) | (n == -1)


def _below(n: Any, value: Any) -> Any:
    """A derivative in the argument, of the degree below; 0 of constants."""
    none = _constant(n)
    return np.where(none, 0.0, value(np.where(none, 0 * n, n - 1)))


def _leaving(name: str, n: Any, *xs: Any) -> Any:
    """The derivative in the argument, 0 of constants, as it leaves 0 with the degree.

    At the singularity of the argument it does so like a root: its own slope is infinite.
    """
    counts = [np.zeros(xs[-1].shape, np.int64)] * len(xs)
    row = primitives[f"{name}_slopes"]
    own = row(*counts, _constant(n).astype(np.int64), n, *xs)
    moved = own - row(*counts, _constant(n).astype(np.int64), stop_gradient(n), *xs)
    return np.where(np.isnan(own), np.sqrt(n - stop_gradient(n)), moved)


def _family(
    name: str, partial: Any, n_shapes: int = 0, domain: Any = INSIDE, mirror: Any = None
) -> Any:
    """A family of polynomials, and their continuation to real degrees.

    Args:
        name: of the function.
        partial: the derivative in the argument, of the degree, the one below it, and the rest.
        n_shapes: operands between the degree and the argument.
        domain: of the argument, for sampling.
        mirror: for degrees below 0 a sign and the degree that is the same function.
    """

    def slope(out: Any, n: Any, *xs: Any) -> Any:
        n = np.real(n)
        sign = 1.0
        if mirror is not None:
            sign, n = mirror(n)
        found = sign * _below(n, lambda lower: partial(n, lower, *xs))
        if n.dtype.kind in "iu":
            return found
        return np.where(_constant(n), sign * _leaving(name, n, *xs), found)

    return special(
        name,
        *(along(name, i) for i in range(1 + n_shapes)),
        slope,
        integers=(0,),
        real=tuple(range(1 + n_shapes)),
        domain=(DEGREE, *(POSITIVE,) * n_shapes, domain),
    )


def _even(n: Any) -> Any:
    return 1.0, np.abs(n)


def _about_half(n: Any) -> Any:
    return 1.0, np.where(n < 0, -1 - n, n)


def _odd(n: Any) -> Any:
    return np.where(n < 0, -1.0, 1.0), np.where(n < 0, -2 - n, n)


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
    mirror=_about_half,
)
eval_chebyt = _family("eval_chebyt", lambda n, k, x: n * eval_chebyu(k, x), mirror=_even)
eval_chebyu: Primitive = _family(
    "eval_chebyu", lambda n, k, x: 2 * eval_gegenbauer(k, _full(2.0, x), x), mirror=_odd
)
eval_chebyc = _family("eval_chebyc", lambda n, k, x: n * eval_chebys(k, x), mirror=_even)
eval_chebys: Primitive = _family(
    "eval_chebys", lambda n, k, x: eval_gegenbauer(k, _full(2.0, x), 0.5 * x), mirror=_odd
)
for _name, _twice in (("eval_hermite", 2), ("eval_hermitenorm", 1)):
    special(
        _name,
        None,
        lambda out, n, x, name=_name, twice=_twice: (
            twice * n * _below(n, lambda k: primitives[name](k, x))
        ),
        integers=(0,),
        domain=(DEGREE, INSIDE),
    )
eval_sh_legendre = _family(
    "eval_sh_legendre",
    lambda n, k, x: (n + 1) * eval_jacobi(k, _full(1.0, x), _full(1.0, x), 2 * x - 1),
    domain=UNIT,
    mirror=_about_half,
)
eval_sh_chebyt = _family(
    "eval_sh_chebyt",
    lambda n, k, x: 2 * n * eval_chebyu(k, 2 * x - 1),
    domain=UNIT,
    mirror=_even,
)
eval_sh_chebyu = _family(
    "eval_sh_chebyu",
    lambda n, k, x: 4 * eval_gegenbauer(k, _full(2.0, x), 2 * x - 1),
    domain=UNIT,
    mirror=_odd,
)
eval_sh_jacobi: Primitive = _family(
    "eval_sh_jacobi", lambda n, k, p, q, x: n * eval_sh_jacobi(k, p + 2, q + 1, x), 2, UNIT
)
# *** in their shapes and degrees ***


class _Degrees:
    """A function of whole degrees by recurrence, as SciPy has it, and of those in between."""

    def __init__(self, name: str, n_shapes: int) -> None:
        self.function = SciPyFunction(name, tuple(range(1 + n_shapes)))

    def __call__(self, n: Any, *xs: Any) -> Any:
        """Evaluate; the degree comes as a number among the operands of slopes."""
        n = np.real(n)
        whole = n == np.round(n)
        if np.all(whole):
            return self.function(n.astype(np.int64), *xs)
        counted = self.function(np.where(whole, n, 0).astype(np.int64), *xs)
        return np.where(whole, counted, self.function(n, *xs))


def _of_degree(n: Any, *xs: Any) -> Any:
    return wide(n, xs[-1])


# Between whole degrees there is a singularity in the argument; at -1 where nothing is said.
_SINGULAR = {"eval_chebyc": -2.0, "eval_chebys": -2.0, "eval_laguerre": None,
             "eval_genlaguerre": None, "eval_sh_legendre": 0.0, "eval_sh_chebyt": 0.0,
             "eval_sh_chebyu": 0.0, "eval_sh_jacobi": 0.0}  # fmt: skip


def _of_argument(name: str) -> Any:
    """Without shapes the row is asked for what moves with the degree alone: all are in between."""
    singular = _SINGULAR.get(name, -1.0)

    def reach(n: Any, *xs: Any) -> Any:
        if singular is None:
            return wide(n)
        near = np.minimum(wide(n), 0.13 * np.abs(xs[-1] - singular))
        return np.where(n == np.round(n), wide(n), near) if len(xs) > 1 else near

    return reach


def _unless_whole(n: Any, reach: Any, pole: Any) -> Any:
    """Between whole degrees there are poles in the shapes."""
    return np.where(n == np.round(n), reach, np.minimum(reach, from_poles(pole)))


_SHAPES: dict[str, tuple[Any, ...]] = {
    "eval_genlaguerre": (lambda n, a, x: np.minimum(wide(n), a + 1),),  # SciPy's: NaN from -1 on
    "eval_jacobi": (
        lambda n, a, b, x: _unless_whole(n, wide(n), a + 1),
        lambda n, a, b, x: wide(n),
    ),
    "eval_gegenbauer": (lambda n, a, x: _unless_whole(n, wide(n), a + 0.5),),
    "eval_sh_jacobi": (  # it is over a binomial coefficient
        lambda n, p, q, x: _unless_whole(n, from_poles(p + n) * wide(n), p - q + 1),
        lambda n, p, q, x: _unless_whole(n, (1 + np.abs(q)) * wide(n), p - q + 1),
    ),
}
_PLAIN = ("laguerre", "legendre", "chebyt", "chebyu", "chebyc", "chebys", "sh_legendre",
          "sh_chebyt", "sh_chebyu")  # fmt: skip

for _name in (*_SHAPES, *(f"eval_{name}" for name in _PLAIN)):
    _shapes = _SHAPES.get(_name, ())
    _domains = ((3.0, 4.0), (1.0, 2.0)) if _name == "eval_sh_jacobi" else (POSITIVE,) * len(_shapes)
    slopes(
        _name,
        (_of_degree, *_shapes, _of_argument(_name)),
        ((1.0, 4.0), *_domains, UNIT),
        _Degrees(_name, len(_shapes)),
    )
