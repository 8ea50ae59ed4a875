"""scipy.special where formulas meet: zeros of 1/gamma, ends of domains, whole and real orders."""

import warnings
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import scipy.special as sp

import adjoint as ad


def slope(f: Any, x: Any, order: int = 1) -> float:
    for _ in range(order):
        f = ad.grad(f)
    return float(f(x))


def difference(f: Any, x: Any, d: Any = 1.0, h: float = 1e-4) -> Any:
    near = [f(x + k * h * d) for k in (1, -1, 2, -2)]
    return (8 * (near[0] - near[1]) - (near[2] - near[3])) / (12 * h)


def close(got: Any, wanted: Any, digits: float) -> bool:
    return bool(abs(complex(got) - complex(wanted)) <= digits * max(1.0, abs(complex(wanted))))


@pytest.mark.parametrize(
    ("f", "exact", "points"),
    [
        (sp.rgamma, mp.rgamma, [0.0, -1.0, -3.0, -2.3, 0.3]),
        (lambda z: sp.poch(z, 5.0), lambda z: mp.rf(z, 5), [0.0, -3.0, 1.5]),
        (lambda z: sp.poch(z, 2.5), lambda z: mp.gammaprod([z + 2.5], [z]), [0.0, -2.0, -1.3]),
        (lambda n: sp.binom(n, 5.0), lambda n: mp.binomial(n, 5), [0.0, 3.0, 2.6]),
        (lambda k: sp.binom(3.0, k), lambda k: mp.binomial(3, k), [5.0, -2.0, 1.2]),
        (
            lambda a: sp.beta(a, 0.5),
            lambda a: mp.gammaprod([a, mp.mpf("0.5")], [a + mp.mpf("0.5")]),
            [-0.5, -1.5, 2.0],
        ),
        (sp.spence, lambda x: mp.polylog(2, 1 - x), [1.0, 0.95, 1.3]),
        (sp.log_ndtr, lambda x: mp.log(mp.ncdf(x)), [4.9, 5.1, 30.0]),
        (sp.ellipkm1, lambda p: mp.ellipk(1 - p), [1.0, 0.95, 0.3]),
        (sp.bei, lambda x: mp.bei(0, x), [0.0, 0.7]),
        (lambda m: sp.ellipkinc(20.0, m), lambda m: mp.ellipf(20, m), [0.05, -0.09, 0.4]),
        (lambda m: sp.ellipeinc(-20.0, m), lambda m: mp.ellipe(-20, m), [0.05, 0.4]),
        (lambda a: sp.hyperu(a, 1.5, 2.0), lambda a: mp.hyperu(a, 1.5, 2), [0.3, 1.8, -2.4]),
        (lambda b: sp.hyperu(0.95, b, 6.0), lambda b: mp.hyperu(0.95, b, 6), [1.0, -1.3, 4.5]),
        (lambda n: sp.eval_legendre(n, 0.4), lambda n: mp.legendre(n, 0.4), [2.0, 2.7]),
        (sp.zeta, mp.zeta, [-3.5, -0.5, 0.3]),
    ],
)
def test_where_formulas_meet(f: Any, exact: Any, points: list[float]) -> None:
    with mp.workdps(30):
        for x in points:
            assert close(slope(f, x), mp.diff(exact, mp.mpf(x)), 1e-9), x
            assert close(slope(f, x, 2), mp.diff(exact, mp.mpf(x), 2), 1e-7), x


@pytest.mark.parametrize("df", [0.3, 1.0, 59.0, 61.0, 1e4])
@pytest.mark.parametrize("t", [0.0, 0.3, -2.0])
def test_students_law_in_its_middle(df: float, t: float) -> None:
    def law(df: Any, t: Any) -> Any:
        middle = mp.gamma((df + 1) / 2) / mp.sqrt(mp.pi * df) / mp.gamma(df / 2)
        return 0.5 + t * middle * mp.hyp2f1(0.5, (df + 1) / 2, 1.5, -t * t / df)

    with mp.workdps(30):
        first = mp.diff(lambda d: law(d, mp.mpf(t)), df)
        mixed = mp.diff(law, (mp.mpf(df), mp.mpf(t)), (1, 1))
    found = slope(lambda d: sp.stdtr(d, t), df)
    assert abs(found - first) <= 1e-7 * abs(first)
    found = slope(lambda t: ad.grad(lambda d: sp.stdtr(d, t))(df), t)
    assert abs(found - mixed) <= 1e-7 * abs(mixed)


def test_ends_of_domains() -> None:
    assert slope(lambda lam: sp.boxcox(0.0, lam), 2.0) == 0.25
    assert slope(lambda lam: sp.boxcox1p(-1.0, lam), 2.0, 2) == -0.25
    assert slope(lambda y: sp.powm1(0.0, y), 1.5) == 0.0
    assert slope(lambda v: sp.jv(v, 0.0), 0.7) == 0.0
    assert slope(lambda x: sp.it2i0k0(x)[0], 0.0) == 0.0
    assert slope(sp.it2struve0, 0.0) == -2 / np.pi
    assert np.imag(ad.jvp(sp.kelvin, (0.0,), (1.0,))[1][2]) == 0.5
    assert slope(lambda x: sp.lmbda(2, x)[0][1], 0.0, 2) == pytest.approx(-0.25)
    found = ad.jvp(lambda x: sp.assoc_legendre_p(3, 2, x), (np.array([1.0, -1.0]),), (np.ones(2),))
    assert found[1].tolist() == [[-30.0, -30.0]]


def test_orders_that_scipy_rounds() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for f in (
            lambda x: sp.bdtr(1.5, 5.7, x),
            lambda x: sp.bdtri(1.5, 5.7, x),
            lambda x: sp.nbdtr(1.5, 5.7, x),
            lambda x: sp.pdtri(1.5, x),
            lambda x: sp.kn(2.7, x),
            lambda x: sp.yn(0.3, x),
            lambda x: sp.expn(2.7, x),
        ):
            assert close(slope(f, 0.3), difference(f, 0.3), 1e-8)
        assert slope(lambda k: sp.bdtri(k, 5, 0.3), 1.5) == 0.0


@pytest.mark.parametrize(
    ("name", "args", "place"),
    [
        ("ncfdtridfd", (15.0, 3.7, 0.25, 2.0), 1),
        ("ncfdtridfn", (3.7, 2.0, 0.25, 15.0), 0),
        ("ncfdtrinc", (2.0, 3.0, 3.7, 1.5), 2),
    ],
)
def test_what_searches_find_has_the_digits_of_its_equation(
    name: str, args: tuple[float, ...], place: int
) -> None:
    given = list(args)
    given[place] = sp.ncfdtr(*args)

    def law(i: int, x: float) -> Any:
        return sp.ncfdtr(*[x if k == i else a for k, a in enumerate(args)])

    slopes = ad.grad(getattr(sp, name), argnums=(0, 1, 2, 3))(*map(float, given))
    steep = difference(lambda x: law(place, x), args[place], h=1e-3)
    for i, found in enumerate(slopes):
        moved = difference(lambda x, i=i: law(i, x), args[i], h=1e-3)
        wanted = 1 / steep if i == place else -moved / steep
        assert found == pytest.approx(wanted, rel=1e-6)


def test_a_search_that_ends_stays_there() -> None:
    assert sp.fdtridfd(0.8, 0.55, 0.2) == 1e100
    assert ad.grad(sp.fdtridfd, argnums=(0, 1, 2))(0.8, 0.55, 0.2) == (0.0, 0.0, 0.0)
    assert np.isnan(ad.grad(sp.stdtridf)(0.99, 1.0))  # no answer, and no end


@pytest.mark.parametrize("direction", [1 + 0j, 1j, 0.6 - 0.8j])
def test_scaled_functions_are_not_analytic(direction: complex) -> None:
    z, d = np.complex128(1.2 - 0.7j), np.complex128(direction)
    for f in (
        lambda z: sp.ive(1.3, z),
        lambda z: sp.jve(1.3, z),
        lambda z: sp.yve(1.3, z),
        lambda z: sp.airye(z)[0],
        lambda z: sp.airye(z)[3],
        lambda z: sp.ive(np.real(z), z),
    ):
        assert close(ad.jvp(f, (z,), (d,))[1], difference(f, z, d), 1e-9)

        def first(z: Any, f: Any = f) -> Any:
            return ad.jvp(f, (z,), (d,))[1]

        assert close(ad.jvp(first, (z,), (d,))[1], difference(first, z, d), 1e-8)


def test_elliptic_integrals_of_complex_numbers() -> None:
    f = lambda y: sp.elliprc(1 + 0.3j, y)  # noqa: E731
    y = np.complex128(-2 + 1j)
    assert close(ad.jvp(f, (y,), (np.complex128(1),))[1], difference(f, y), 1e-9)


def test_signs_and_softplus_take_what_scipy_takes() -> None:
    x = np.array([0.5, np.nan, -0.5], np.float32)
    got = ad.jit(sp.gammasgn)(x)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, sp.gammasgn(x))
    if hasattr(sp, "softplus"):
        out = ad.vjp(lambda x: sp.softplus(x, dtype=np.float32), np.array([0.3, 1.2]))[0]
        assert out.dtype == np.float32


def test_multifactorials_of_whole_numbers() -> None:
    n = np.arange(-2, 9)
    for f in (lambda n: sp.factorial2(n), lambda n: sp.factorialk(n, 3)):
        np.testing.assert_allclose(ad.jit(f)(n), f(n), rtol=1e-14)
    with pytest.raises(ValueError, match="extend"):
        ad.grad(lambda x: sp.factorial2(x))(1.5)


def test_results_that_a_value_counts_are_refused_where_it_is_not_known() -> None:
    for f in (lambda q: sp.mathieu_even_coef(2, q), lambda v: sp.pbdv_seq(v, 0.7)):
        with pytest.raises(ad.errors.UnsupportedError, match="not inside jit"):
            ad.jit(f)(1.5)
    with pytest.raises(ad.errors.UnsupportedError, match="values jump"):
        ad.jvp(lambda z: sp.pbdn_seq(-3, z)[0], (1 + 1j,), (1 + 0j,))


@pytest.mark.parametrize(
    "f",
    [
        lambda a: sp.roots_jacobi(4, a, a),
        lambda a: sp.roots_gegenbauer(3, a, mu=True),
        lambda a: sp.roots_genlaguerre(4, a),
        lambda a: sp.roots_sh_jacobi(2, a + 2, 1.1),
    ],
)
def test_points_of_gauss_in_recorded_shapes(f: Any) -> None:
    a = np.float64(1.3)
    for got, wanted in zip(ad.jit(f)(a), f(a), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-13)
    moved = ad.vmap(lambda a: ad.jvp(f, (a,), (1.0,))[1])(np.array([1.3]))
    for k, dot in enumerate(moved):
        wanted = difference(lambda a, k=k: f(a)[k], a)
        np.testing.assert_allclose(np.asarray(dot)[0], wanted, rtol=1e-8, atol=1e-9)


def test_polynomials_as_objects_are_refused_with_what_to_call() -> None:
    with pytest.raises(ad.errors.UnsupportedError, match="eval_genlaguerre"):
        ad.grad(lambda a: sp.genlaguerre(3, a)(0.3))(1.2)


@pytest.mark.parametrize(
    ("f", "x", "first", "second"),
    [
        (lambda x: sp.gammainc(1.0, x), 0.0, 1, -1),
        (lambda x: sp.gammaincc(2.0, x), 0.0, 0, -1),
        (lambda x: sp.gammainc(20.0, x), 0.0, 0, 0),
        (lambda x: sp.betainc(1.0, 2.0, x), 0.0, 2, -2),
        (lambda x: sp.betaincc(3.0, 2.0, x), 1.0, 0, 12),
        (lambda x: sp.fdtr(2.0, 4.0, x), 0.0, 1, -1.5),
        (lambda n: sp.fdtr(n, 3.0, 0.0), 0.7, 0, None),
        (lambda a: sp.gammainc(a, 0.0), 2.0, 0, 0),
        (lambda a: sp.betainc(a, 2.0, 1.0), 2.0, 0, 0),
        (lambda a: sp.betaincinv(a, 2.0, 0.0), 1.5, 0, None),
        (lambda a: sp.gammaincinv(a, 0.0), 1.5, 0, None),
        (lambda v: sp.chdtri(v, 1.0), 3.0, 0, None),
    ],
)
def test_laws_at_the_ends_of_their_support(f, x, first, second):
    assert abs(slope(f, x) - first) < 1e-14
    if second is not None:
        assert abs(slope(f, x, 2) - second) < 1e-13
    assert abs(float(ad.jit(ad.grad(f))(x)) - first) < 1e-14


LEAVING = {  # of degree 0: how the slope in the argument moves with the degree, at 0.3
    "eval_legendre": 1 / 1.3,  # (P_{-1} - x P_0) / (1 - x^2)
    "eval_chebyu": np.arccos(0.3) / 0.91**1.5 - 0.3 / 0.91,
    "eval_laguerre": -np.expm1(0.3) / 0.3,
}


@pytest.mark.parametrize("name", list(LEAVING))
def test_constant_polynomials_that_their_degree_moves(name: str) -> None:
    f = getattr(sp, name)

    def slope(n: Any) -> Any:
        return ad.jvp(lambda x: f(n, x), (0.3,), (1.0,))[1]

    assert slope(0.0) == 0.0
    assert ad.grad(slope)(0.0) == pytest.approx(LEAVING[name], rel=1e-9)
    assert ad.jit(ad.grad(slope))(0.0) == pytest.approx(LEAVING[name], rel=1e-9)
    assert ad.grad(lambda x: f(0.0, x))(-1.0) == 0.0


@pytest.mark.parametrize("phi", [0.7, -1.2, 1.5])
@pytest.mark.parametrize("m", [1.0, 1 - 1e-6, 0.95])
def test_elliptic_integrals_at_the_parameter_one(phi: float, m: float) -> None:
    pairs = ((sp.ellipkinc, mp.ellipf), (sp.ellipeinc, mp.ellipe))
    for f, exact in pairs:
        with mp.workdps(30):
            first, second = (mp.diff(lambda m, g=exact: g(phi, m), mp.mpf(m), k) for k in (1, 2))
            mixed = mp.diff(exact, (mp.mpf(phi), mp.mpf(m)), (1, 1))
        assert close(slope(lambda m, f=f: f(phi, m), m), mp.re(first), 1e-9)
        assert close(slope(lambda m, f=f: f(phi, m), m, 2), mp.re(second), 1e-7)
        found = slope(lambda p, f=f: ad.grad(lambda m: f(p, m))(m), phi)
        assert close(found, mp.re(mixed), 1e-8)
    with mp.workdps(30):
        wanted = mp.diff(lambda m: mp.ellipfun("sn", 0.7, m=m), mp.mpf(m))
    assert close(slope(lambda m: sp.ellipj(0.7, m)[0], m), mp.re(wanted), 1e-9)
    assert close(ad.jit(ad.grad(lambda m: sp.ellipj(0.7, m)[0]))(m), mp.re(wanted), 1e-9)


@pytest.mark.parametrize(("f", "exact"), [(sp.struve, mp.struveh), (sp.modstruve, mp.struvel)])
def test_struve_functions_of_order_zero_have_all_derivatives(f: Any, exact: Any) -> None:
    for x in (0.0, 0.8):
        for k in (1, 2, 3):
            with mp.workdps(30):
                wanted = mp.diff(lambda x: exact(0, x), mp.mpf(x), k)
            assert close(slope(lambda x: f(0.0, x), x, k), wanted, 1e-9)


@pytest.mark.parametrize("f", [sp.struve, sp.modstruve])
def test_struve_functions_at_0_do_not_move_with_the_order(f: Any) -> None:
    for v in (-0.4, 0.0, 0.7):
        assert abs(slope(lambda v: f(v, 0.0), v)) < 1e-12
        assert abs(slope(lambda v: f(v, 0.0), v, 2)) < 1e-12


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.3), (-2.0, 0.5), (0.5, -1.5), (2.3, 0.9)])
def test_tricomis_function_at_0_has_its_derivatives_in_both_parameters(a: float, b: float) -> None:
    def exact(a: Any, b: Any) -> Any:
        return mp.gamma(1 - b) * mp.rgamma(a - b + 1)

    for k in (1, 2):
        with mp.workdps(30):
            in_a = mp.diff(lambda a: exact(a, b), mp.mpf(a), k)
            in_b = mp.diff(lambda b: exact(a, b), mp.mpf(b), k)
        assert close(slope(lambda a: sp.hyperu(a, b, 0.0), a, k), in_a, 1e-8)
        assert close(slope(lambda b: sp.hyperu(a, b, 0.0), b, k), in_b, 1e-8)
    found = ad.jit(ad.grad(lambda a: sp.hyperu(a, b, 0.0)))(a)
    assert close(found, slope(lambda a: sp.hyperu(a, b, 0.0), a), 1e-12)


def test_tricomis_polynomials_have_their_slopes_at_0() -> None:
    def cubic(x: Any) -> Any:
        return sp.hyperu(-3.0, 0.5, x)

    # U(-n, b, x) is a sum of powers: -(b)_3 + 3 (b+1)_2 x - 3 (b+2) x**2 + x**3
    for k, wanted in ((1, 3 * 1.5 * 2.5), (2, -6 * 2.5), (3, 6.0)):
        assert close(slope(cubic, 0.0, k), wanted, 1e-12)
    assert close(ad.jvp(cubic, (0.0,), (1.0,))[1], 3 * 1.5 * 2.5, 1e-12)


def test_differences_of_nearly_equal_digammas_keep_their_digits() -> None:
    for a, b in ((1e10, 1e-6), (1e10, 1.0), (1e5, -1e-5), (40.0, 3.0), (17.0, -0.5)):
        with mp.workdps(40):
            wanted = mp.taylor(lambda t, a=a, b=b: mp.log(abs(mp.beta(a * t, b))), 1, 2)
        assert slope(lambda a, b=b: sp.betaln(a, b), a) * a == pytest.approx(
            float(wanted[1]), rel=1e-12
        )
        assert slope(lambda a, b=b: sp.betaln(a, b), a, 2) * a * a == pytest.approx(
            float(2 * wanted[2]), rel=1e-12
        )
    with mp.workdps(40):
        wanted = mp.diff(lambda n: mp.binomial(n, 1), mp.mpf(10) ** 10)
    assert slope(lambda n: sp.binom(n, 1.0), 1e10) == pytest.approx(float(wanted), rel=1e-12)


@pytest.mark.parametrize(("a", "b"), [(1e-10, 1e5), (700.0, 1e-10), (3.0, 3.0), (-2.0, -5.0)])
def test_means_of_numbers_far_apart_have_their_slopes(a: float, b: float) -> None:
    sign = np.sign(a)
    with mp.workdps(40):
        wanted = mp.taylor(lambda t: sign * mp.agm(abs(a) * t, abs(b)), 1, 2)
    found = [slope(lambda a: sp.agm(a, b), a, k) * a**k for k in (1, 2)]
    assert found[0] == pytest.approx(float(wanted[1]), rel=1e-12)
    assert found[1] == pytest.approx(float(2 * wanted[2]), rel=1e-9)
    assert ad.grad(sp.agm, argnums=(0, 1))(4.0, 0.0) == (0.0, np.inf)


def test_symmetric_integrals_of_small_numbers_have_their_second_slopes() -> None:
    def f(t: Any) -> Any:
        return mp.elliprg(mp.exp(t) / 10**6, mp.mpf("10.2"), mp.mpf("2.25"))

    with mp.workdps(40):
        wanted = mp.diff(f, 0, 2)
    found = slope(lambda t: sp.elliprg(1e-6 * np.exp(t), 10.2, 2.25), 0.0, 2)
    assert found == pytest.approx(float(wanted), rel=1e-9)


def test_prolate_functions_that_break_their_equation_have_no_second_slope() -> None:
    """Near 1 SciPy's value and slope miss Wronski's determinant by 2e-4."""

    def f(x: Any) -> Any:
        return sp.pro_rad2(1, 2, 0.7, x)[0]

    assert slope(f, 1.1) == pytest.approx(sp.pro_rad2(1, 2, 0.7, 1.1)[1])
    assert np.isnan(slope(f, 1.1, 2))
    assert slope(f, 2.5, 2) == pytest.approx(difference(lambda x: slope(f, x), 2.5), rel=1e-8)
