"""scipy.stats of vectors and matrices, frozen families and covariances: cases in every mode."""

from typing import Any

import numpy as np
import scipy.stats as st

m = np.array([0.5, 1.1, 1.9])
C = np.eye(3) + 0.3
r = np.array([0.1, 0.2, 0.7])
R = np.array([[0.1, 0.4, 0.2], [1.0, -0.3, 0.6]])
S = np.array([[1.0, 0.2, 0.0], [0.1, 1.3, 0.4], [0.3, 0.0, 0.8]])
a = np.float64(1.3)
W = (st.wishart, st.invwishart)
mvn, mvt = st.multivariate_normal, st.multivariate_t

CASES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "normal by diagonal": (lambda x, d: mvn.logpdf(x, d, st.Covariance.from_diagonal(d)), (R, m)),
    "normal by precision": (
        lambda d: mvn.pdf(R, r, st.Covariance.from_precision(d @ d.T)),
        (S,),
    ),
    "normal frozen by factor": (
        lambda d: [
            mvn(d, st.Covariance.from_cholesky(np.diag(d))).logpdf(r),
            mvn(d, st.Covariance.from_cholesky(np.diag(d))).entropy(),
            mvn(d, st.Covariance.from_cholesky(np.diag(d))).cov,
        ],
        (m,),
    ),
    "normal by axes": (
        lambda d: mvn.logpdf(r, cov=st.Covariance.from_eigendecomposition((d, np.eye(3)))),
        (m,),
    ),
    "covariance": (
        lambda d: [
            st.Covariance.from_diagonal(d).colorize(r),
            st.Covariance.from_precision(np.diag(d)).covariance,
        ],
        (m,),
    ),
    "normal frozen": (
        lambda d, c: [
            mvn(d, c @ c.T).rvs(2, random_state=1),
            mvn(d, c @ c.T).marginal([0, 2]).logpdf(r[:2]),
        ],
        (m, S),
    ),
    "normal fit": (lambda x: mvn.fit(x), (R,)),
    "t frozen": (lambda d, c, v: mvt(d, c @ c.T, v).logpdf(R), (m, S, np.float64(3.5))),
    "t at equal axes": (lambda c: mvt.logpdf(r, m, c @ c.T, 4.0), (np.eye(3),)),
    "t without end": (lambda c: mvt.logpdf(r, m, c @ c.T, np.inf), (S,)),
    "t entropy": (lambda c, v: mvt.entropy(None, c @ c.T, v), (S, np.float64(3.5))),
    "t draws": (lambda d: mvt.rvs(d, np.diag(d), 4.0, size=2, random_state=3), (m,)),
    "dirichlet frozen": (
        lambda d: [st.dirichlet(d).logpdf(r), st.dirichlet(d).entropy(), st.dirichlet.cov(d)],
        (m,),
    ),
    "dirichlet counts": (lambda d: st.dirichlet_multinomial(d, 6).logpmf([1, 2, 3]), (m,)),
    "multinomial frozen": (
        lambda d: [
            st.multinomial(6, d / d.sum()).logpmf([1, 2, 3]),
            st.multinomial.cov(6, d / d.sum()),
            st.multinomial.entropy(6, d / d.sum()),
        ],
        (m,),
    ),
    "wishart frozen": (
        lambda d, v: [st.wishart(v, d * C).logpdf(S @ S.T), st.wishart(v, d * C).entropy()],
        (a, np.float64(5.5)),
    ),
    "wishart moments": (
        lambda d: [f(5, d * C) for k in W for f in (k.mean, k.var)],
        (a,),
    ),
    "wishart several": (
        lambda d: [k(5, d * C).logpdf(np.stack([C, 2 * C], -1)) for k in W],
        (a,),
    ),
    "wishart draws": (
        lambda d: [k.rvs(5, d**3 * C, 2, random_state=1) for k in W],
        (a,),
    ),
    "matrix normal": (
        lambda d, c: [
            st.matrix_normal(d * S, c @ c.T, C).logpdf(C),
            st.matrix_normal.entropy(d * C, C),
        ],
        (a, S),
    ),
    "matrix t": (lambda d: st.matrix_t.logpdf(C, d * S, d * C, C, 5), (a,)),
    "normal inverse gamma": (
        lambda d: [st.normal_inverse_gamma.logpdf(0.3, 0.5, d, 1.0, 2.0, d),
                   st.normal_inverse_gamma(d, 1.0, 2.5, d).var()],
        (a,),
    ),
    "von mises fisher frozen": (
        lambda d: [st.vonmises_fisher([0, 0, 1.0], d).logpdf([0, 0.6, 0.8]),
                   st.vonmises_fisher([0, 0, 1.0], d).entropy()],
        (a,),
    ),
}  # fmt: skip
# What is left out, by case: SciPy decomposes by other factors (bits).
SKIP: dict[str, str] = {
    name: "bits" for name in CASES if name.split()[0] in ("normal", "t", "wishart", "matrix")
} | {"multinomial frozen": "bits", "t draws": "bits"}
