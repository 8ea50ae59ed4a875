"""Polynomials of NumPy's, old and new, in every mode; roots whose ends are exactly zero."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.polynomial import Chebyshev, Hermite, HermiteE, Laguerre, Legendre, Polynomial

import adjoint as ad
from adjoint.errors import UnsupportedError

_spec = importlib.util.spec_from_file_location("checking", Path(__file__).with_name("checking.py"))
assert _spec is not None
assert _spec.loader is not None
checking = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(checking)

A = np.array([1.3, -0.7, 2.1, 0.4])
B = np.array([0.8, 0.5, -1.1])
X = np.array([0.3, -0.2, 0.7, 1.1, -0.9])
Y = np.cos(X)
BASES = (Polynomial, Chebyshev, Legendre, Hermite, HermiteE, Laguerre)

OLD: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "quotient": (lambda a, b: [p.coeffs for p in np.poly1d(a) / np.poly1d(b)], (A, B)),
    "polydiv": (lambda a, b: [p.coeffs for p in np.polydiv(np.poly1d(a), np.poly1d(b))], (A, B)),
    "long divisor": (lambda a, b: np.polydiv(b, a), (A, B)),
    "compose": (lambda a, b: np.poly1d(a)(np.poly1d(b)).coeffs, (A, B)),
    "of a list": (lambda a, x: np.poly1d([a[0], a[1] * a[2], 1.0])(x), (A, X)),
    "integ": (lambda a, x: np.poly1d(a).integ(2, k=[x[0], x[1]])(x), (A, X)),
    "roots": (lambda a: np.sort_complex(np.poly1d(a).roots), (A,)),
    "power": (lambda a: (np.poly1d(a, r=True) ** 2 - a[0] * np.poly1d(a)).coeffs, (A,)),
    "matrix": (lambda a: np.poly(np.outer(a, a) + np.diag(a)), (A,)),
}


def new(kind: Any) -> dict[str, tuple[Callable[..., Any], tuple[Any, ...]]]:
    """Cases of one basis."""
    return {
        "compose": (lambda a, b: kind(a)(kind(b)).coef, (A, B)),
        "over a number": (lambda a, b: (kind(a) / b[0]).coef, (A, B)),
        "divmod": (lambda a, b: [p.coef for p in divmod(kind(a), kind(b))], (A, B)),
        "fit": (lambda x, y: kind.fit(x, y, [0, 2]).convert().coef, (X, Y)),
        "as Chebyshev": (lambda a: kind(a, domain=[0, 2]).convert(kind=Chebyshev).coef, (A,)),
        "roots": (lambda a: np.sort_complex(kind(a).roots() + 0j), (A,)),
        "from roots": (lambda a: kind.fromroots(a, domain=[-1, 1]).trim(1e-9)(0.3), (A,)),
        "domain": (lambda a, d: kind(a, domain=d).integ(1, k=d[:1], lbnd=d[1])(0.3), (A, B[:2])),
    }


CASES = {f"poly1d {name}": case for name, case in OLD.items()} | {
    f"{kind.__name__} {name}": case for kind in BASES for name, case in new(kind).items()
}


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    f, args = CASES[name]
    skip = frozenset({"bits"} if "fit" in name else ())
    case = checking.Case(name, f, args, skip, 1e-5)
    checking.check(case, np.random.default_rng(3))


@pytest.mark.parametrize("p", [[1.0, -1.0, 0.0], [0.0, 1.0, -1.0], [0.0, 2.0, 1.0, 0.0]])
def test_roots_move_with_coefficients_that_are_zero(p: list[float]) -> None:
    got = ad.jacobian(lambda p: np.sort(np.roots(p).real))(np.array(p))
    roots, slope = np.sort(np.roots(p).real), np.polyder(p)
    powers = np.arange(len(p))[::-1]
    wanted = -(roots[:, None] ** powers) / np.polyval(slope, roots)[:, None]
    np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", BASES)
def test_roots_in_a_basis_move_with_a_last_coefficient_of_zero(kind: Any) -> None:
    a = np.array([-0.3, 0.2, 0.9, 0.0])
    got = ad.jacobian(lambda a: np.sort(kind(a).roots()))(a)
    near = np.sort(kind(a[:3]).roots())
    slope = kind(a).deriv()(near)
    wanted = -np.stack([kind.basis(k)(near) for k in range(4)], 1) / slope[:, None]
    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", BASES)
def test_a_last_coefficient_of_zero_keeps_its_derivative(kind: Any) -> None:
    def f(a: Any) -> Any:
        return (kind(a) * kind([1.0, 2.0]) + kind(a))(0.4)

    a = np.array([1.0, -2.0, 0.0])
    other = kind([1.0, 2.0])(0.4) + 1.0
    wanted = [kind.basis(k)(0.4) * other for k in range(3)]
    np.testing.assert_allclose(ad.grad(f)(a), wanted, rtol=1e-12)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(a), wanted, rtol=1e-12)


def test_a_divisor_that_is_led_by_zero_is_refused() -> None:
    with pytest.raises(ad.errors.UnsupportedError, match="exactly 0"):
        ad.grad(lambda b: (np.poly1d(A) / np.poly1d(b))[0](2.0))(np.array([0.0, 1.0, 2.0]))
    with pytest.raises(ad.errors.UnsupportedError, match="exactly 0"):
        ad.grad(lambda b: (Polynomial(A) // Polynomial(b))(2.0))(np.array([2.0, 1.0, 0.0]))


def test_characteristic_polynomial_where_eigenvalues_meet() -> None:
    """Two integrators in a row: the eigenvalues have no derivative there, the coefficients do."""
    chain = np.array([[0.5, 0, 0], [1, 0, 0], [0, 1, 0]])
    weights = np.array([3.0, -1.0, 2.0, 0.5])

    def f(a):
        return np.sum(weights * np.poly(a))

    np.testing.assert_array_equal(ad.vjp(np.poly, chain)[0], np.poly(chain))
    _, along = ad.jvp(np.poly, (chain,), (np.ones((3, 3)),))
    np.testing.assert_allclose(along, [0, -3, -1, -0.5], atol=1e-14)
    ad.check_grads(f, (chain,), order=2)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(chain), ad.grad(f)(chain), atol=1e-14)
    single = ad.vjp(np.poly, np.eye(2, dtype=np.float32))[0]
    assert single.dtype == np.float32


@pytest.mark.parametrize("name", ["polynomial", "chebyshev", "laguerre"])
def test_a_companion_whose_size_hangs_on_a_zero_is_refused(name: str) -> None:
    module = getattr(np.polynomial, name)
    companion = getattr(
        module, {"polynomial": "poly", "chebyshev": "cheb"}.get(name, "lag") + "companion"
    )
    whole = np.array([3.0, 1.0, 2.0])
    np.testing.assert_array_equal(ad.vjp(companion, whole)[0], companion(whole))
    np.testing.assert_allclose(ad.jit(companion)(whole), companion(whole), rtol=1e-14)
    with pytest.raises(UnsupportedError, match=r"companion: .*exactly 0[\s\S]*c\[:-1\]"):
        ad.vjp(companion, np.array([3.0, 1.0, 0.0]))


PLACES = np.array([[-1.0, 0.5, 2.0], [3.0, -2.0, 0.1]])
PIECES: dict[str, Any] = {
    "one condition": lambda x: np.piecewise(x, True, np.array([-10, 10])),
    "numbers": lambda x: np.piecewise(x, [x < 0], [x[0, 0], x[0, 1]]),
    "an array of conditions": lambda x: np.piecewise(
        x, np.array([x < 0, x > 1]), [np.square, np.sin, 7.0]
    ),
    "one number": lambda x: np.piecewise(x[0, 0], x[0, 0] < 0, [np.square, 3.0]),
}


@pytest.mark.parametrize("name", PIECES)
def test_pieces_have_the_shape_of_their_argument_in_every_mode(name: str) -> None:
    f = PIECES[name]
    wanted = f(PLACES)
    for made in (ad.vjp(f, PLACES)[0], ad.jit(f)(PLACES), ad.vmap(f)(PLACES[None])[0]):
        assert np.shape(made) == np.shape(wanted)
        np.testing.assert_allclose(made, wanted, rtol=1e-14)
    slope = ad.grad(lambda x: np.sum(f(x) ** 2))
    np.testing.assert_allclose(ad.jit(slope)(PLACES), slope(PLACES), rtol=1e-14)
