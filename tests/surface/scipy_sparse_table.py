"""scipy.sparse: recorded elements and systems, cases in every mode."""

from typing import Any

import numpy as np
import scipy.sparse as ss
import scipy.sparse.linalg as ssl

rng = np.random.default_rng(0)
x = rng.uniform(0.3, 1.6, 24)
y = rng.uniform(0.3, 1.6, 24)
X = rng.uniform(0.2, 1.5, (5, 7))
A = rng.uniform(-1, 1, (4, 4)) + 3 * np.eye(4)
B = rng.uniform(-1, 1, (4, 4))
t = np.linspace(0, 1, 24)
D = np.array([[4.0, 1, 0, 0.5], [1, 3, 0.2, 0], [0, 0.2, 5, 1], [0.5, 0, 1, 4]])
SA = ss.csr_array(D)
b4 = np.array([1.0, 2, 0.5, -0.3])
dd = np.array([4.0, 3, 5, 4])
r_, c_ = SA.nonzero()
vals = SA.data


def written(a: Any, x: Any) -> Any:
    m = ss.lil_matrix((4, 4))
    for i in range(4):
        m[i, i] = 4.0 + x[i]
        if i < 3:
            m[i, i + 1] = a[i]
            m[i + 1, i] = -1.0
    m[0, 1] = a[0] * a[1]
    m[2, :2] = a[:2]
    m[3, 0] += x[1]
    return m.copy()


CASES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "functions of a matrix": (
        lambda v, b: (
            ssl.inv(ss.csc_matrix((v, (r_, c_)), (4, 4))).toarray(),
            ssl.expm(ss.csc_array((v / 5, (r_, c_)), (4, 4))) @ b,
            ssl.expm_multiply(ss.csr_array((v / 5, (r_, c_)), (4, 4)), b, 0.0, 1.0, 3),
            ssl.spsolve_triangular(ss.tril(ss.csr_array((v, (r_, c_)), (4, 4)), format="csr"), b),
        ),
        (vals, b4),
    ),
    "sums of a matrix": (
        lambda v: (
            np.asarray(ss.csr_matrix((v, (r_, c_)), (4, 4)).sum(axis=0)),
            np.asarray(ss.csr_matrix((v, (r_, c_)), (4, 4)).mean(axis=1)),
            ss.csr_array((v, (r_, c_)), (4, 4)).mean(axis=1),
        ),
        (vals,),
    ),
    "coo@": (lambda v, x: ss.coo_array((v, (r_, c_)), shape=(4, 4)) @ x, (vals, b4)),
    "csr@": (lambda v, x: ss.csr_array((v, (r_, c_)), shape=(4, 4)) @ x, (vals, b4)),
    "csr idx": (
        lambda v, x: ss.csr_matrix((v, SA.indices, SA.indptr), shape=(4, 4)) @ x,
        (vals, b4),
    ),
    "csc toarray": (lambda v: ss.csc_array((v, (r_, c_)), shape=(4, 4)).toarray(), (vals,)),
    "diags": (lambda d, x: ss.diags_array(d) @ x, (dd, b4)),
    "diags3": (lambda d, x: ss.diags([d, d[:3] * 0.1, d[:3] * 0.2], [0, 1, -1]) @ x, (dd, b4)),
    "spsolve": (lambda v, b: ssl.spsolve(ss.csc_array((v, (r_, c_)), shape=(4, 4)), b), (vals, b4)),
    "spsolve columns": (
        lambda v, b: ssl.spsolve(ss.csr_matrix((v, (r_, c_)), shape=(4, 4)), b),
        (vals, X[:4, :3]),
    ),
    "spsolve fixed": (lambda b: ssl.spsolve(SA.tocsc(), b), (b4,)),
    "splu": (lambda b: ssl.splu(SA.tocsc()).solve(b), (b4,)),
    "blocks": (
        lambda v, d: ss.bmat(
            [[ss.csr_matrix((v, (r_, c_)), shape=(4, 4)), None], [np.ones((1, 4)), ss.diags(d[:1])]]
        ).toarray(),
        (vals, dd),
    ),
    "kron": (
        lambda v, d: (
            ss.kron(ss.eye(3), ss.csr_array((v, (r_, c_)), shape=(4, 4)))
            @ ss.kron(ss.diags_array(d[:3]), ss.csr_array((v, (c_, r_)), shape=(4, 4)))
            @ np.arange(12.0)
        ),
        (vals, dd),
    ),
    "operator": (
        lambda d, x: ssl.LinearOperator((4, 4), matvec=lambda v: D @ v + d * v) @ x,
        (dd, b4),
    ),
    "operator solve": (
        lambda d, x: ssl.gmres(
            ssl.LinearOperator((4, 4), matvec=lambda v: D @ v + d * v), x, rtol=1e-14
        )[0],
        (dd, b4),
    ),
    "written": (
        lambda a, x: (lambda m: (m.tocsr() @ x, m[1, 2], m.toarray()))(written(a, x)),
        (vals[:3], b4),
    ),
    "written solve": (lambda a, x: ssl.spsolve(written(a, x).tocsc(), x), (vals[:3], b4)),
    "multiply": (
        lambda v, x: (
            ss.csr_array((v, (r_, c_)), shape=(4, 4)).multiply(x).sum(axis=1),
            ss.csr_array((v, (r_, c_)), shape=(4, 4)).multiply(ss.diags_array(x)).toarray(),
            ss.triu(ss.csr_array((v, (r_, c_)), shape=(4, 4)), k=1).toarray(),
        ),
        (vals, b4),
    ),
    "repeated places": (
        lambda v: (
            ss.coo_matrix((v, ([0, 0, 1, 2, 1, 0], [0, 0, 1, 2, 1, 2])), shape=(3, 3))
            .tocsr()[:2]
            .toarray()
        ),
        (vals[:6],),
    ),
    "eigsh": (
        lambda v, d: [
            (w, np.abs(q[:2]))
            for m in [ss.csr_array((v, (r_, c_)), shape=(4, 4)) + ss.diags_array(d)]
            for w, q in [ssl.eigsh(m + m.T, 2, v0=np.ones(4))]
        ],
        (vals, dd),
    ),
    "eigs": (
        lambda v, d: [
            (w, np.abs(q))
            for m in [ss.csr_array((v, (r_, c_)), shape=(4, 4)) + ss.diags_array(d)]
            for w, q in [ssl.eigs(m, 2, v0=np.ones(4))]
        ],
        (vals, dd),
    ),
    "eigs complex": (
        lambda a, b: np.sum(ssl.eigs(a + 1j * b, 2, v0=np.ones(5), return_eigenvectors=False) ** 3),
        (X @ X.T, X[:, :5]),
    ),
    "svds": (
        lambda a: [(np.abs(u), s, np.abs(vt)) for u, s, vt in [ssl.svds(a, 2, v0=np.ones(5))]],
        (X,),
    ),
    "splu recorded": (
        lambda v, b: ssl.splu(ss.csc_matrix((v, (r_, c_)), shape=(4, 4))).solve(b, "T"),
        (vals, b4),
    ),
    "part": (
        lambda v, b: (
            ss.coo_matrix((v, (r_, c_)), shape=(4, 4)).tocsr()[1:, :][:, [0, 2, 3]] @ b[:3],
            ss.csr_array((v, (r_, c_)), shape=(4, 4))[2, 3],
        ),
        (vals, b4),
    ),
    "factorized": (lambda b: ssl.factorized(SA.tocsc())(b), (b4,)),
    "cg": (lambda b: ssl.cg(SA, b, rtol=1e-13)[0], (b4,)),
    "gmres": (lambda b: ssl.gmres(SA, b, rtol=1e-13)[0], (b4,)),
    "cg dense": (lambda D, b: ssl.cg(D @ D.T, b, rtol=1e-13)[0], (D, b4)),
    "expm_multiply": (lambda b: ssl.expm_multiply(SA, b), (b4,)),
    "expm_multiply d": (lambda D, b: ssl.expm_multiply(D, b), (D, b4)),
    "scale": (lambda a, x: (a * SA) @ x, (np.float64(0.7), b4)),
    "sum": (
        lambda v, w: (ss.csr_array((v, (r_, c_)), shape=(4, 4)) + ss.diags_array(w)) @ b4,
        (vals, dd),
    ),
    "T": (lambda v, x: ss.csr_array((v, (r_, c_)), shape=(4, 4)).T @ x, (vals, b4)),
    "norm": (lambda v: ssl.norm(ss.csr_array((v, (r_, c_)), shape=(4, 4))), (vals,)),
    "matmat": (
        lambda v, w: (
            ss.csr_array((v, (r_, c_)), shape=(4, 4)) @ ss.csr_array((w, (r_, c_)), shape=(4, 4))
        ).toarray(),
        (vals, vals + 1),
    ),
}
# What is left out, by case: SciPy's code adds in another order (bits), chooses by values
# (jit, vmap), or the second derivative is not asked for.
SKIP: dict[str, str] = {
    "functions of a matrix": "bits",
    "sums of a matrix": "bits",
    "spsolve": "bits",
    "spsolve columns": "bits",
    "splu recorded": "bits",
    "part": "bits",
    "eigsh": "bits",
    "eigs": "bits",
    "eigs complex": "bits",
    "svds": "bits",
    "kron": "bits",
    "multiply": "bits",
    "operator solve": "bits",
    "written": "bits",
    "written solve": "bits",
    "sum": "bits",
}
