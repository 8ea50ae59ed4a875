"""scipy.special: functions with several results, orders and parameters, integrals."""

import importlib.util
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import scipy.special as sp

import adjoint as ad

_spec = importlib.util.spec_from_file_location("checking", Path(__file__).with_name("checking.py"))
assert _spec is not None
assert _spec.loader is not None
checking = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(checking)

X = np.array([0.4, 1.1])
FUNCTIONS = {
    "airye": lambda x: sp.airye(x),
    "airye-left": lambda x: sp.airye(-x)[2:],
    "itairy": lambda x: sp.itairy(x),
    "iti0k0": lambda x: sp.iti0k0(x),
    "itj0y0": lambda x: sp.itj0y0(x),
    "it2j0y0": lambda x: sp.it2j0y0(x),
    "it2i0k0": lambda x: sp.it2i0k0(x),
    "kelvin": lambda x: sp.kelvin(x),
    "modfresnelp": lambda x: sp.modfresnelp(x),
    "modfresnelm": lambda x: sp.modfresnelm(x),
    "pbdv": lambda x: sp.pbdv(1.3 * x, x),
    "pbvv": lambda x: sp.pbvv(1.3 * x, x),
    "pbwa": lambda x: sp.pbwa(1.3, x),
    "mathieu_cem": lambda x: sp.mathieu_cem(2, 0.7, 40 * x),
    "mathieu_sem": lambda x: sp.mathieu_sem(2, 0.7, 40 * x),
    "mathieu_modcem1": lambda x: sp.mathieu_modcem1(2, 0.7, x),
    "mathieu_modsem2": lambda x: sp.mathieu_modsem2(1, 0.7, x),
    "pro_ang1": lambda x: sp.pro_ang1(1, 2, 0.7, x / 2),
    "obl_ang1": lambda x: sp.obl_ang1(1, 2, 0.7, x / 2),
    "pro_rad1": lambda x: sp.pro_rad1(1, 2, 0.7, x + 1),
    "obl_rad1": lambda x: sp.obl_rad1(1, 2, 0.7, x),
    "pro_rad2": lambda x: sp.pro_rad2(1, 2, 0.7, x + 2),
    "pro_rad2_cv": lambda x: sp.pro_rad2_cv(0, 1, 2.5, sp.pro_cv(0, 1, 2.5), x + 1),
    "obl_rad2": lambda x: sp.obl_rad2(1, 2, 0.7, x + 4),
    "sph_harm_y": lambda x: sp.sph_harm_y(3, np.array([[-2], [0], [3]]), x, 0.3 + x),
    "sph_legendre_p": lambda x: sp.sph_legendre_p(4, 2, x),
    "assoc_legendre_p": lambda x: sp.assoc_legendre_p(3, 1, x / 2),
    "lpmv below 0": lambda x: sp.lpmv(
        np.array([[-1], [-2], [0]]), np.array([[1], [3], [0]]), x / 2
    ),
    "legendre_p": lambda x: sp.legendre_p(4, x / 2),
    "sph_harm_y_all": lambda x: sp.sph_harm_y_all(3, 2, x, 0.3 + x),
    "sph_legendre_p_all": lambda x: sp.sph_legendre_p_all(3, 2, x),
    "assoc_legendre_p_all": lambda x: sp.assoc_legendre_p_all(3, 2, x / 2),
    "legendre_p_all": lambda x: sp.legendre_p_all(4, x / 2),
    "riccati_jn": lambda x: sp.riccati_jn(3, x[0]),
    "riccati_yn": lambda x: sp.riccati_yn(0, x[1]),
    "lmbda": lambda x: sp.lmbda(2.5, x[0]),
    "lmbda whole": lambda x: sp.lmbda(2, x[1]),
    "pbdv_seq": lambda x: sp.pbdv_seq(2.5, x[0]),
    "pbvv_seq": lambda x: sp.pbvv_seq(0.3, x[1]),
    "lqn": lambda x: sp.lqn(3, 0.4 * x),
    "lqn beyond 1": lambda x: sp.lqn(2, x[1] + 0.2),
    "lqmn": lambda x: sp.lqmn(2, 3, 0.4 * x),
    "mathieu_cem in q": lambda x: sp.mathieu_cem(2, x, 40 * x),
    "mathieu_modsem2 in q": lambda x: sp.mathieu_modsem2(1, x, x),
    "pro_ang1 in c": lambda x: sp.pro_ang1(1, 2, 2 * x, 0.3 * x),
    "pro_rad2_cv in c": lambda x: sp.pro_rad2_cv(0, 1, x + 1, sp.pro_cv(0, 1, x + 1), x + 1.5),
    "obl_rad2 in c": lambda x: sp.obl_rad2(1, 2, x + 1, x + 4),
    "pbwa in a": lambda x: sp.pbwa(x, x),
    "ellip_harm": lambda x: sp.ellip_harm(5 + x, 8 - x, np.array([[1], [2], [3]]), 2, 3 + x),
    "ellip_harm roots": lambda x: sp.ellip_harm(5 + x, 8 - x, 3, np.array([[4], [5], [7]]), x, -1),
    "ellip_harm_2": lambda x: sp.ellip_harm_2(5 + x, 8 - x, 2, 3, 3 + x),
    "ellip_normal": lambda x: sp.ellip_normal(5 + x, 8 - x, 1, 2),
    "legendre_p slopes": lambda x: sp.legendre_p_all(4, x / 2, diff_n=2),
    "assoc_legendre_p norm": lambda x: sp.assoc_legendre_p(3, -1, x / 2, norm=True, diff_n=1),
    "assoc_legendre_p cut": lambda x: sp.assoc_legendre_p(3, 1, x + 1, branch_cut=3, diff_n=2),
    "sph_legendre_p slopes": lambda x: sp.sph_legendre_p(4, 2, -x, diff_n=2),
    "sph_harm_y slopes": lambda x: sp.sph_harm_y(3, -2, x, 0.3 + x, diff_n=2),
    "pbdv_seq in v": lambda x: sp.pbdv_seq(x[0] + 2, x[1])[0],
    "lmbda in v": lambda x: sp.lmbda(x[0] + 1, x[1]),
    "pbdn_seq": lambda x: [sp.pbdn_seq(n, x[0])[0] for n in (3, -3)],
    "pbdn_seq complex": lambda x: sp.pbdn_seq(3, x[0] + 1j * x[1]),
    "mathieu_even_coef": lambda x: sp.mathieu_even_coef(2, x[1])[:5],
    "mathieu_odd_coef": lambda x: sp.mathieu_odd_coef(3, x[1])[:5],
    "pro_cv_seq": lambda x: sp.pro_cv_seq(1, 3, x[0]),
    "obl_cv_seq": lambda x: sp.obl_cv_seq(0, 2, x[1]),
    "factorial2": lambda x: sp.factorial2(x, extend="complex"),
    "factorialk": lambda x: sp.factorialk(x + 0.3j * x, 3, extend="complex"),
    "zeta left of 1": lambda x: sp.zeta(np.array([-5.5, 0.2]) + x),
    "zeta complex": lambda x: sp.zeta(0.5 + 7j * x),
    "degrees": lambda x: [sp.eval_legendre(x + 1, x / 2), sp.eval_jacobi(x, 0.7, x, x / 2)],
    "degrees below 0": lambda x: [sp.eval_chebyu(-4, x / 2), sp.eval_legendre(-3, x / 2)],
    "degrees complex": lambda x: sp.eval_gegenbauer(2.3, 0.7, x * (0.4 + 0.3j)),
    "orders complex": lambda x: sp.jv(x, 1.5j * x),
    "obl_rad1_cv": lambda x: sp.obl_rad1_cv(1, 2, 0.7, sp.obl_cv(1, 2, 0.7), x),
}


@pytest.mark.filterwarnings("ignore:The occurrence of roundoff")  # SciPy's ellip_harm_2, too
@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name: str, rng: np.random.Generator) -> None:
    case = checking.Case(name, FUNCTIONS[name], (X,), frozenset({"vmap", "jit", "bits"}), 3e-5)
    checking.check(case, rng)


def test_values_that_are_wrong_have_no_derivative() -> None:
    """By Wronski's determinant SciPy's oblate function is off by nearly a half here."""
    assert np.isnan(ad.grad(lambda x: sp.obl_rad2(1, 2, 0.7, x)[0])(0.5))


def test_clamped_counts_and_ends_of_supports_stay() -> None:
    assert ad.grad(lambda p: sp.bdtrik(p, 8.0, 1e-4))(0.06) == 0.0  # no count is below 0
    assert ad.grad(sp.tklmbda, argnums=(0, 1))(-1.9, 10.0) == (0.0, 0.0)


def test_digits_where_scipy_has_few() -> None:
    """Characteristic values move like their mean of x^2; Cauchy's value of elliprc."""
    for c in (1e-3, 0.05):
        wanted = 2 * c / 3 * (1 - 4 * c * c / 45)  # its series in c
        assert ad.grad(lambda c: sp.pro_cv(0, 0, c))(c) == pytest.approx(wanted, rel=1e-6)
    with mp.workdps(30):
        exact = mp.diff(lambda y: mp.elliprc(mp.mpf("0.5"), y), mp.mpf(-2))
    found = ad.grad(lambda y: sp.elliprc(0.5, y))(-2.0)
    assert found == pytest.approx(float(mp.re(exact)), rel=1e-10)


def test_counts_are_refused_by_name() -> None:
    for f in (lambda m: sp.mathieu_cem(m, 0.5, 40.0)[0], lambda n: sp.pro_ang1(1, n, 0.5, 0.3)[0]):
        with pytest.raises(ad.errors.NoDerivativeError, match=r"scipy\.special"):
            ad.grad(f)(2.0)


@pytest.mark.parametrize(
    ("f", "exact", "at", "digits"),
    [
        (lambda v: sp.kv(v, 0.1), lambda v: mp.besselk(v, mp.mpf("0.1")), 2.5, 2e-12),
        (lambda v: sp.jv(v, 30.0), lambda v: mp.besselj(v, 30), 2.5, 5e-11),
        (lambda v: sp.iv(v, 1e-6), lambda v: mp.besseli(v, mp.mpf(1e-6)), 1.0, 2e-12),
        (lambda a: sp.hyp1f1(a, 2.5, -4.0), lambda a: mp.hyp1f1(a, 2.5, -4), 3.0, 5e-12),
        (
            lambda b: sp.betainc(3.6e-4, b, 1.4e-4),
            lambda b: mp.betainc(mp.mpf(3.6e-4), b, 0, mp.mpf(1.4e-4), regularized=True),
            12.0,
            1e-10,
        ),
        (
            lambda b: sp.betainc(3.6e-4, b, 1.4e-5),
            lambda b: mp.betainc(mp.mpf(3.6e-4), b, 0, mp.mpf(1.4e-5), regularized=True),
            0.5,
            1e-10,
        ),
        (
            lambda s: sp.voigt_profile(0.3, s, 0.7),
            lambda s: (
                mp.re(
                    mp.exp(-(((0.3 + 0.7j) / s) ** 2) / 2)
                    * mp.erfc(-1j * (0.3 + 0.7j) / (s * mp.sqrt(2)))
                )
                / (s * mp.sqrt(2 * mp.pi))
            ),
            1e-3,
            1e-12,
        ),
        (lambda a: sp.eval_genlaguerre(2, a, 0.3), lambda a: mp.laguerre(2, a, 0.3), -0.9, 1e-11),
        (lambda p: sp.eval_sh_jacobi(1, p, 44.0, 0.77), lambda p: (p - 43) / (p + 1), 0.5, 1e-11),
        (lambda b: sp.hyp1f1(1.5, b, 3.0), lambda b: mp.hyp1f1(1.5, b, 3), 0.2, 2e-11),
        (lambda c: sp.hyp2f1(1.0, 2.0, c, 0.8), lambda c: mp.hyp2f1(1, 2, c, 0.8), 3.5, 2e-11),
        (lambda a: sp.eval_jacobi(3, a, 0.4, 0.3), lambda a: mp.jacobi(3, a, 0.4, 0.3), 0.7, 1e-11),
        (lambda x: sp.elliprd(x, 2.0, 3.0), lambda x: mp.elliprd(x, 2, 3), 0.5, 1e-10),
        (lambda p: sp.elliprj(1.0, 2.0, 3.0, p), lambda p: mp.elliprj(1, 2, 3, p), 0.4, 1e-10),
    ],
)
def test_orders_and_parameters(f: Any, exact: Any, at: float, digits: float) -> None:
    with mp.workdps(40):
        wanted = mp.diff(exact, mp.mpf(at))
    assert abs(float(ad.grad(f)(at)) / float(wanted) - 1) < digits


def test_signs_stay() -> None:
    x = np.array([-1.5, -0.5, 0.3, 2.0])
    out, dot = ad.jvp(lambda x: sp.gammasgn(x) * x, (x,), (np.ones(4),))
    assert out.tolist() == (sp.gammasgn(x) * x).tolist()
    assert dot.tolist() == sp.gammasgn(x).tolist()


def test_matern_smoothness() -> None:
    """The smoothness of a Matern kernel, learned like any other parameter."""
    r = np.array([0.3, 0.8, 1.7])

    def kernel(v: Any) -> Any:
        z = np.sqrt(2 * v) * r
        return np.sum(2 ** (1 - v) / sp.gamma(v) * z**v * sp.kv(v, z))

    h = 1e-3
    near = [kernel(1.5 + k * h) for k in (1, -1, 2, -2)]
    wanted = (8 * (near[0] - near[1]) - (near[2] - near[3])) / (12 * h)
    assert ad.grad(kernel)(1.5) == pytest.approx(wanted, rel=1e-9)
