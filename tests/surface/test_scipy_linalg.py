"""scipy.linalg and multivariate densities: values, both modes, second order, batches."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.linalg as la
import scipy.stats as st

import adjoint as ad

_spec = importlib.util.spec_from_file_location("checking", Path(__file__).with_name("checking.py"))
assert _spec is not None
assert _spec.loader is not None
checking = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(checking)

CASES: list[Any] = []


def c(name: str, f: Callable[..., Any], *args: Any, skip: str = "", tol: float = 1e-6) -> None:
    """Note a case; values are compared to rounding unless ``exact`` is among skip."""
    left_out = {"bits", *skip.split()} - ({"bits"} if "exact" in skip else set())
    CASES.append(checking.Case(name, f, args, frozenset(left_out), tol))


r = np.random.default_rng(3)
A = r.normal(size=(4, 4)) + 3 * np.eye(4)
b = r.normal(size=4)
B = r.normal(size=(4, 2))
S = A @ A.T
R = r.normal(size=(5, 3))
for kw in (
    {},
    {"assume_a": "sym"},
    {"assume_a": "pos"},
    {"assume_a": "sym", "lower": True},
    {"transposed": True},
    {"assume_a": "upper triangular"},
    {"assume_a": "lower triangular", "transposed": True},
    {"assume_a": "diagonal"},
    {"assume_a": "tridiagonal"},
    {"assume_a": "her"},
):
    c(
        f"solve{kw}",
        *(
            lambda a, b, kw=kw: la.solve(a, b, **kw),
            S
            if "diag" not in str(kw.get("assume_a"))
            else (
                np.diag(np.diag(S)) if kw["assume_a"] == "diagonal" else np.triu(np.tril(S, 1), -1)
            ),
            b,
        ),
    )
for tr in (0, 1, 2, "T"):
    for lo in (0, 1):
        for un in (0, 1):
            c(
                f"solve_triangular-{tr}-{lo}-{un}",
                *(
                    lambda a, b, tr=tr, lo=lo, un=un: la.solve_triangular(
                        a, b, trans=tr, lower=lo, unit_diagonal=un
                    ),
                    A,
                    B,
                ),
            )
for lo in (False, True):
    c("chol", lambda a, lo=lo: la.cholesky(a, lower=lo), S)
    tri = np.tril if lo else np.triu  # SciPy promises nothing about the other triangle
    c("cf", lambda a, lo=lo, tri=tri: tri(la.cho_factor(a, lower=lo)[0]), S)
    c("cs", *(lambda a, b, lo=lo: la.cho_solve(la.cho_factor(a, lower=lo), b), S, b))
    c("eigh", lambda a, lo=lo: (lambda wv: (wv[0], wv[1] ** 2))(la.eigh(a, lower=lo)), S, tol=1e-5)
for t in (1, 2, 3):
    c(
        f"eigh-type{t}",
        *(lambda a, b, t=t: la.eigh(a, b, type=t), S, S[::-1, ::-1] + np.eye(4)),
        tol=1e-5,
    )
c("gev", *(lambda a, b: la.eigvalsh(a, b), S, S[::-1, ::-1] + np.eye(4)), tol=1e-5)
c("sub", lambda a: la.eigh(a, subset_by_index=[1, 2]), S, tol=1e-5)
c("subp", lambda a: la.eigh(a, S + np.eye(4), subset_by_index=[0, 1], lower=False), S[::-1, ::-1])
c("subv", lambda a: la.eigh(a, subset_by_value=[1.5, 30.0]), S, tol=1e-5, skip="vmap jit")
c("vectors", lambda a: la.eigh(a + a.T), A, skip="exact", tol=1e-5)
c("lu", lambda a: la.lu(a)[1:], A)
c("lup", lambda a: la.lu(a, permute_l=True), R)
c("luw", lambda a: la.lu(a, p_indices=True)[1:], R.T)
c("luf", lambda a: la.lu_factor(a)[0], A)
for tr in (0, 1, 2):
    c(
        f"lu_solve-{tr}",
        *(lambda a, b, tr=tr: la.lu_solve(la.lu_factor(a), b, trans=tr), r.normal(size=(4, 4)), B),
        tol=1e-5,
    )
c("lu_solve-stack", *(lambda a, b: la.lu_solve(la.lu_factor(a), b), np.stack([A, S]), B))
c("pinv-atol", lambda a: la.pinv(a, atol=0.1), R, skip="jit vmap", tol=1e-5)
c("rq-stack", lambda a: tuple(la.rq(a)), np.stack([A, S]), tol=1e-5)
# imaginary parts of the diagonal are not read
H = S + 1j * (A - A.T + np.eye(4))
c("solve-imag", *(lambda a, b: la.solve(a, b, assume_a="her"), H, B + 0j))
c("eigvalsh-imag", *(lambda a, b: la.eigvalsh(a, b), H, S + np.eye(4) + 0j), tol=1e-5)
c("lu-singular", lambda a: la.lu(a @ np.diag([1.0, 1, 1, 0]))[1:], A)
c("tridiagonal", lambda d: la.eigh_tridiagonal(d, b[:3], select="i", select_range=(1, 2)), b + 3)
c("banded", lambda d: la.eig_banded(d, select="i", select_range=(0, 1)), r.normal(size=(2, 5)))
c("qr", lambda a: la.qr(a, mode="economic"), R, tol=1e-5)
c("qrp", lambda a: la.qr(a, mode="economic", pivoting=True)[:2], R, tol=1e-5)
c("qrr", lambda a: la.qr(a, mode="r")[0], R, tol=1e-5)
c("svd", lambda a: la.svd(a, full_matrices=False), R, tol=1e-5)
c("svdv", lambda a: la.svdvals(a), R, tol=1e-5)
for n in ("expm", "sinm", "cosm", "tanm", "sinhm", "coshm"):
    c(n, lambda a, n=n: getattr(la, n)(a * 0.3), A)
c("logm", lambda a: la.logm(a), 0.1 * S + np.eye(4), tol=1e-5)
c("sqrtm", lambda a: la.sqrtm(a), S)
# a real matrix with complex roots: jit does not know, and is told by a complex argument
c("sqrtmc", lambda a: la.sqrtm(a), -S, skip="second vmap jit")
c("fmp", lambda a: la.fractional_matrix_power(a, 0.3), 0.1 * S + np.eye(4), tol=1e-5)
c("frech", *(lambda a, b: la.expm_frechet(a * 0.3, b), A, A.T))
c("toe", lambda x: la.toeplitz(x), b)
c("toe2", *(lambda x, y: la.toeplitz(x, y), b, np.arange(3.0)))
c("hank", *(lambda x, y: la.hankel(x, y), b, np.arange(3.0)))
c("hank1", la.hankel if 0 else (lambda x: la.hankel(x)), b)
c("circ", lambda x: la.circulant(x), b)
c("comp", lambda x: la.companion(x), b)
c("les", *(lambda x, y: la.leslie(x, y), b, np.arange(3.0)))
c("bd", *(lambda x, y: la.block_diag(x, y, 1.0), R, b))
c("kr", *(lambda x, y: la.khatri_rao(x, y), R, R[:2]))
for m0 in ("full", "same", "valid"):
    c("cm" + m0, lambda x, m0=m0: la.convolution_matrix(x, 3, mode=m0), b)
c("stp", *(lambda x, y: la.solve_toeplitz(x, y), np.array([5.0, 1, 0.3, 0.2]), b))
c("stp2", *(lambda x, y: la.solve_toeplitz((x, x * 0.5), y), np.array([5.0, 1, 0.3, 0.2]), B))
c("mtp", *(lambda x, y: la.matmul_toeplitz((x, x * 0.5), y), np.array([5.0, 1, 0.3, 0.2]), B))
c("sc", *(lambda x, y: la.solve_circulant(x, y), np.array([5.0, 1, 0.3, 0.2]), b))
ab = r.normal(size=(4, 5))
ab[1] += 5
c("sb", *(lambda x, y: la.solve_banded((2, 1), x, y), ab, r.normal(size=5)))
hb = np.array([[0, 0.3, 0.4, 0.2], [5.0, 4, 5, 6]])
c("shb", *(lambda x, y: la.solveh_banded(x, y), hb, b))
c("shbl", *(lambda x, y: la.solveh_banded(x[::-1], y, lower=True), hb, b))
c("syl", *(lambda x, y: la.solve_sylvester(x, y, S), A, A[:4, :4].T * 0.5 + np.eye(4)), tol=1e-5)
c("lyap", *(lambda x, y: la.solve_continuous_lyapunov(x, y), A, S), tol=1e-5)
c("dlyap", *(lambda x, y: la.solve_discrete_lyapunov(x * 0.1, y), A, S))
c("inv", lambda a: la.inv(a), A)
c("det", lambda a: la.det(a), A)
c("norm", lambda a: np.asarray(la.norm(a, 1)) if isinstance(a, np.ndarray) else la.norm(a, 1), A)
c("pinv", lambda a: la.pinv(a), R, tol=1e-5)
c("lstsq", *(lambda a, b: la.lstsq(a, b)[0], R, r.normal(size=5)), tol=1e-5)
c("eig", lambda a: la.eigvals(a), A, tol=1e-5)
c("eigp", *(lambda a, b: la.eigvals(a, b), A, S), tol=1e-5)
c("eigvals over ones", lambda a: la.eigvals(a, homogeneous_eigvals=True), A, tol=1e-5)
c("eig over ones", lambda a: la.eig(a, homogeneous_eigvals=True)[0], A, tol=1e-5)
c("eigl", lambda a: la.eig(S + 0.1 * a, left=True), A, tol=1e-5)
# LAPACK leaves the phases of a pair's vectors open
c("eigb", *(lambda a, b: [np.abs(x) for x in la.eig(a, b, left=True)], A, S), tol=1e-5)
c("polar", lambda a: la.polar(a), R, tol=1e-5)
mv = st.multivariate_normal
m = b * 0.1
c("mvn", *(lambda x, s: mv.logpdf(x, mean=m, cov=s), B.T.copy(), S))
c("mvnm", lambda m: mv.pdf(B.T, m, S), m)
c("mvnf", *(lambda m, s: mv(m, s).logpdf(B.T), m, S))
c("mvt", *(lambda x, s: st.multivariate_t.logpdf(x, m, s, df=3.3), B.T.copy(), S))
c("mvn1", lambda x: mv.logpdf(x, 0.3, x[0] ** 2), b)

al = np.array([0.7, 1.5, 2.0])
pr = np.array([0.2, 0.5, 0.3])
c("dir", lambda a: st.dirichlet.logpdf(pr, a), al)
c("multi", lambda p: st.multinomial.logpmf([1, 2, 3], 6, p / p.sum()), pr)
c("wish", lambda s: st.wishart.logpdf(np.eye(4) + 0.1 * np.ones((4, 4)), 7.3, s), S)
c("iwish", lambda s: st.invwishart.logpdf(np.eye(4) + 0.1 * np.ones((4, 4)), 7.3, s), S)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_function(case: Any, rng: np.random.Generator) -> None:
    checking.check(case, rng)


def test_roots_of_real_matrices_that_are_complex() -> None:
    a, plain = np.array([[1.0, 2], [3, 4]]), np.array([[2.0, 1], [1, 3]])
    half = lambda a: la.fractional_matrix_power(a, 0.5)  # noqa: E731
    for f in (la.sqrtm, half):
        assert np.iscomplexobj(f(a))
        np.testing.assert_allclose(ad.vjp(f, a)[0], f(a), rtol=1e-10)
        assert np.isnan(ad.jit(f)(a)).all()  # a program's dtype does not depend on values
        np.testing.assert_allclose(ad.jit(f)(a + 0j), f(a), rtol=1e-10)
        np.testing.assert_allclose(ad.jit(f)(plain), f(plain), rtol=1e-10)


def test_single_precision_is_double_where_it_is_in_scipy() -> None:
    a = np.eye(3, dtype=np.float32) + np.float32(0.25)
    for f in (
        la.det,
        lambda x: la.logm(x * 0 + np.eye(3, dtype=np.float32)),
        lambda x: la.expm_frechet(x, x),
        lambda x: la.solve_discrete_lyapunov(x / 4, x),
        lambda x: la.solve_toeplitz(x[0], x[1]),
        lambda x: la.matmul_toeplitz(x[0], x[1]),
    ):
        assert np.asarray(ad.vjp(f, a)[0]).dtype == np.asarray(f(a)).dtype


def test_a_kernel_of_unknown_size_is_refused() -> None:
    with pytest.raises(ad.errors.UnsupportedError, match="null_space"):
        ad.jit(lambda a: la.null_space(a))(np.ones((2, 2)))
