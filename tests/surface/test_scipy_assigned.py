"""SciPy's objects with recorded data whose attributes are assigned or written afterwards."""

import numpy as np
import pytest
import scipy.interpolate as si
import scipy.signal as ss
import scipy.stats as st
from scipy.spatial.transform import Rotation

import adjoint as ad

T, Q = np.linspace(0, 1, 5), np.array([0.11, 0.52, 0.83])
X = np.array([0.3, 0.7, -0.2, 0.9, 0.4])
CORNERS = np.array([[0, 0], [1, 0], [0, 1], [1, 1.0], [0.5, 0.4]])
INSIDE = np.array([[0.3, 0.2], [0.6, 0.7]])


def scaled_pieces(x):
    s = si.CubicSpline(T, x)
    s.c *= 2
    s.c[0] = x[1] ** 2
    return s(Q).sum()


def new_pieces(x):
    s = si.PchipInterpolator(T, x)
    s.c = s.c**2
    return s(Q).sum()


def new_coefficients(x):
    s = si.make_interp_spline(T, x)
    s.c = s.c**2
    s.c[1] = x[0]
    return s(Q).sum()


def new_data(x):
    f = si.interp1d(T, x)
    f.y = f.y**2
    return f(Q).sum()


def new_values(x):
    x = x * 1.0  # which SciPy holds, and is written below
    f, h = si.LinearNDInterpolator(CORNERS, x), si.NearestNDInterpolator(CORNERS, x)
    f.values *= 2
    f.values = f.values**2
    h.values = h.values**3
    return f(INSIDE).sum() + h(INSIDE).sum()


def another_mean(x):
    d = st.multivariate_normal(x[:2], np.diag(x[3:]))
    d.mean = x[2:4] ** 2
    return d.logpdf(Q[:2])


def another_mean_of_plain(x):
    d = st.multivariate_normal(np.zeros(2), np.eye(2))
    d.mean = x[2:4] ** 2
    return d.logpdf(Q[:2])


def another_system(x):
    s = ss.StateSpace([[0, 1], [-x[0], -x[1]]], [[0], [1]], [[1, 0]], [[0]])
    s.A = s.A * 2
    t = ss.TransferFunction([x[0]], [1, x[1], 1])
    t.num = t.num * 2
    z = ss.ZerosPolesGain([x[0]], [-1 - x[1], -2.0], x[2])
    z.gain = z.gain * 3
    return (
        ss.lsim(s, np.ones(6), np.linspace(0, 1, 6))[1].sum()
        + abs(t.freqresp([0.5, 1.0])[1]).sum()
        + abs(z.to_tf().freqresp([0.5])[1]).sum()
    )


def another_width(x):
    k = st.gaussian_kde(x)
    k.set_bandwidth(k.factor * x[0] ** 2 + 0.1)
    return k(Q).sum()


def another_polynomial(x):
    p, q = np.poly1d(x), np.polynomial.Polynomial(x)
    p[1] = x[0] ** 2
    q.coef[1] = x[0] ** 2
    q.coef *= 2
    return p(Q).sum() + q(Q).sum()


def another_rotation(x):
    r = Rotation.from_rotvec(np.stack([x[:3], x[2:]]))
    r[0] = Rotation.from_rotvec(x[1:4] * 2)
    return r.as_matrix().sum()


@pytest.mark.parametrize(
    "f",
    [
        scaled_pieces, new_pieces, new_coefficients, new_data, new_values, another_mean,
        another_mean_of_plain, another_system, another_width, another_polynomial, another_rotation,
    ],
)  # fmt: skip
def test_what_is_assigned_is_what_counts(f):
    ad.check_grads(f, (X,), order=2)
    assert ad.value_and_grad(f)(X)[0] == pytest.approx(f(X.copy()), rel=1e-12)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(X), ad.grad(f)(X), rtol=1e-10, atol=1e-11)


def test_values_of_which_slopes_were_made_are_not_exchanged():
    def f(x):
        g = si.CloughTocher2DInterpolator(CORNERS, x)
        g.values = g.values**2
        return g(INSIDE).sum()

    with pytest.raises(ad.errors.UnsupportedError, match="other values"):
        ad.grad(f)(X)
