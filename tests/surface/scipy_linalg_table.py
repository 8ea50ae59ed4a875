"""scipy.linalg beyond systems and factors: cases in every mode."""

from typing import Any

import numpy as np
import scipy.linalg as la

import adjoint as ad
from adjoint.trace.scipy_gate import holds_traced

rng = np.random.default_rng(0)
x = rng.uniform(0.3, 1.6, 24)
y = rng.uniform(0.3, 1.6, 24)
X = rng.uniform(0.2, 1.5, (5, 7))
A = rng.uniform(-1, 1, (4, 4)) + 3 * np.eye(4)
B = rng.uniform(-1, 1, (4, 4))
t = np.linspace(0, 1, 24)
ab = np.array([[0, 0.3, 0.2, 0.4], [2.0, 2.3, 2.1, 2.6]])
T = rng.uniform(0.5, 1, (5, 3))
q = np.eye(4)
d = rng.uniform(1, 3, 5)
e = rng.uniform(0.2, 0.6, 4)


def sym(m: Any) -> Any:
    return m @ m.T


def exact(f: Any) -> Any:
    """On plain numbers too the solution to the last digits, for differences of it."""

    def g(*a: Any) -> Any:
        return f(*a) if holds_traced(a) else ad.vjp(f, *a)[0]

    return g


def gaugeless(t: Any, z: Any) -> Any:
    """What the signs and phases of the columns do not change."""
    size = np.tril(np.abs(t)) + np.abs(t) ** 2
    return size, np.abs(z), np.diagonal(t)


def sizes(parts: Any) -> Any:
    """Without the signs, which LAPACK may give otherwise to a matrix nearby."""
    return [np.abs(x) for x in parts]


def pairwise(parts: Any) -> Any:
    """Forms and factors of a pencil."""
    return parts[:2], parts[2:]


CASES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "cholesky_banded": (lambda a: la.cholesky_banded(a)[1], (ab,)),
    "cho_solve_banded": (
        lambda a, b: la.cho_solve_banded((la.cholesky_banded(a), False), b),
        (ab, x[:4]),
    ),
    "eigh_tridiagonal": (lambda d, e: la.eigh_tridiagonal(d, e)[0], (d, e)),
    "eigh_tridiagonal v": (lambda d, e: np.abs(la.eigh_tridiagonal(d, e)[1]), (d, e)),
    "eigvalsh_tridiagonal": (lambda d, e: la.eigvalsh_tridiagonal(d, e), (d, e)),
    "eig_banded": (lambda a: la.eig_banded(a)[0], (ab,)),
    "eigvals_banded": (lambda a: la.eigvals_banded(a), (ab,)),
    "expm_cond": (lambda a: la.expm_cond(a), (A,)),
    "signm": (lambda a: la.signm(a), (A - 3 * np.eye(4) + np.diag([2.0, -2, 1.5, -1]),)),
    "null_space": (lambda a: (lambda n: n @ n.T)(la.null_space(a)), (X[:3],)),
    "orth": (lambda a: (lambda n: n @ n.T)(la.orth(a)), (T,)),
    "orthogonal_procrustes": (lambda a, b: la.orthogonal_procrustes(a, b), (T, T[::-1] + 0.1)),
    "pinvh": (lambda a: la.pinvh(sym(a)), (A,)),
    "qr_multiply": (lambda a, c: la.qr_multiply(a, c), (T, rng.uniform(-1, 1, (4, 5)))),
    "rq": (lambda a: la.rq(a), (A,)),
    "are": (
        exact(lambda a, b: la.solve_continuous_are(a, b, np.eye(4), np.eye(2))),
        (A / 4, B[:, :2]),
    ),
    "are q": (
        exact(lambda a, q, r: la.solve_continuous_are(a, B[:, :2], q @ q.T, r @ r.T)),
        (A - 4 * np.eye(4), A, A[:2, :2]),
    ),
    "dare": (
        exact(lambda a, b: la.solve_discrete_are(a, b, np.eye(4), np.eye(2))),
        (A / 4, B[:, :2]),
    ),
    "subspace_angles": (lambda a, b: la.subspace_angles(a, b), (T, rng.uniform(0.5, 1, (5, 2)))),
    "hessenberg": (lambda a: la.hessenberg(a, calc_q=True), (B,)),
    "hessenberg complex": (lambda a, b: np.abs(la.hessenberg(a + 1j * b)), (A, B)),
    "ldl": (lambda a: la.ldl(a + a.T)[:2], (B,)),
    "ldl upper": (lambda a: la.ldl(a + a.T, lower=False)[:2], (B,)),
    "ldl symmetric": (lambda a, b: la.ldl(a + 1j * b, hermitian=False)[:2], (A, B)),
    "ldl complex": (lambda a, b: la.ldl(a + 1j * b, lower=False)[:2], (B, A)),
    "qr_insert": (
        lambda a, u: (lambda q, r: (q[:, :3], r))(*la.qr_insert(*la.qr(a), u, 1)),
        (T, x[:6].reshape(2, 3)),
    ),
    "qr_insert column": (lambda a, u: la.qr_insert(*la.qr(a), u, -1, "col"), (T, x[:5])),
    "qr_delete": (lambda a: la.qr_delete(*la.qr(a), 1, 2), (T,)),
    "qr_delete column": (
        lambda a: la.qr_delete(*la.qr(a, mode="economic"), 1, which="col"),
        (T,),
    ),
    "qr_update": (
        lambda a, u, v: la.qr_update(*la.qr(a, mode="economic"), u, v),
        (T, x[:5], y[:3]),
    ),
    "rsf2csf": (lambda a: gaugeless(*la.rsf2csf(*la.schur(a))), (B,)),
    "qz": (lambda a, b: sizes(la.qz(a, b)), (A, B)),
    "qz blocks": (lambda a, b: sizes(la.qz(a, b)), (B, A)),
    "qz complex": (
        lambda a, b: [
            gaugeless(t, z) for t, z in zip(*pairwise(la.qz(a + 1j * b, b)), strict=True)
        ],
        (A, B),
    ),
    # only the quotients of alpha and beta are determined
    "ordqz": (
        lambda a, b: (lambda s, t, u, v, *qz: (sizes((s, t, *qz)), u / v))(*la.ordqz(a, b, "rhp")),
        (B, A),
    ),
    "cossin": (lambda a: sizes(la.cossin(la.expm(a - a.T), 2, 2)), (B,)),
    "cossin unequal": (lambda a: la.cossin(la.expm(a - a.T), 1, 3, swap_sign=True)[1], (B,)),
    "cossin complex": (
        lambda a, b: la.cossin(la.expm(a - a.T + 1j * (b + b.T)), 2, 1, separate=True)[1],
        (B, A),
    ),
    "cdf2rdf": (lambda a: la.cdf2rdf(*la.eig(a)), (B,)),
    "funm": (lambda a: la.funm(a, lambda x: x * np.exp(x)), (B,)),
    "matrix_balance": (
        lambda a: la.matrix_balance(a)[0],
        (B * np.array([1.0, 50.0, 1.0, 2.0])[:, None],),
    ),
    "schur": (lambda a: la.schur(a), (sym(B),)),
    "schur pairs": (lambda a: la.schur(a), (B,)),
    "schur complex": (lambda a, b: gaugeless(*la.schur(a + 1j * b)), (A, B)),
    "schur output": (lambda a: gaugeless(*la.schur(a, "complex")), (B,)),
    "schur sort": (lambda a: la.schur(a, sort="lhp")[:2], (B,)),
    "diagsvd": (lambda s: la.diagsvd(s, 5, 3), (x[:3],)),
    "fiedler": (lambda a: la.fiedler(a), (x[:4],)),
    "fiedler_companion": (lambda a: la.fiedler_companion(a), (x[:4],)),
    "clark": (lambda a: la.clarkson_woodruff_transform(a, 3, rng=0), (T,)),
}
# What is left out, by case: SciPy's code adds in another order (bits), chooses by values
# (jit, vmap), or the second derivative is not asked for.
SKIP: dict[str, str] = {
    "null_space": "bits",
    "orth": "bits",
    "orthogonal_procrustes": "bits",
    "subspace_angles": "bits",
    "expm_cond": "bits",
    "qr_insert column": "bits",
    "qr_update": "bits",
    "funm": "bits",
}
