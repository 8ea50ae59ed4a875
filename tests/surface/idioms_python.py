"""Small idioms of NumPy users, each a function of a vector of three: Python's own forms."""

import collections
import functools
import itertools
import math
import operator

import numpy as np
import numpy.linalg as la

G = np.arange(1.0, 13.0).reshape(4, 3)
W = np.ones(3) * 0.5


def generators(x):
    def gen():
        v = x[0]
        for _k in range(4):
            yield v
            v = v * x[1] + x[2]

    return sum(gen()) + np.sum(np.array(list(gen()))) + np.sum(np.fromiter(gen(), float))


class Pair(collections.abc.Sequence):
    def __init__(self, *items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def other_sequences(x):
    last = collections.deque(maxlen=2)
    for step in range(4):
        last.append(x * (step + 1.0))
    both = np.stack(last, axis=1)
    return np.sum(np.asarray(last) ** 2) + np.array(Pair(x[0] * x[1], 2.0)).prod() + both[1] @ W[:2]


def random_shapes(x):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=x.shape)
    i = rng.permutation(3)
    j = rng.choice(3, 2)
    y = x + noise
    y = y[i]
    return np.sum(y[j] ** 2)


class Model:
    def __init__(self):
        self.w = np.array([1.0, 2, 3])
        self.hist = []

    def __call__(self, x):
        self.hist.append(1)
        return np.tanh(self.w * x)

    @property
    def norm(self):
        return np.sum(self.w**2)

    @staticmethod
    def act(z):
        return 1 / (1 + np.exp(-z))


def cls(x):
    m = Model()
    return np.sum(m(x)) + m.norm + m.act(x).sum()


def cls_state(x):
    m = Model()
    m.w = m.w + x
    m.w[0] = x[1]
    m.w *= 2
    return np.sum(m(x) ** 2)


def cls_attr_write(x):
    m = Model()
    m.w[1] = x[0]
    return np.sum(m.w**2)


def flat_set(x):
    a = np.zeros((2, 3))
    a.flat[:] = np.arange(6)
    a.flat[::2] = x
    a.flat[[1, 3]] = 2 * x[:2]
    a.flat[...] = a.flat[...] * 2 if False else 1.0
    a.flat[-1] = x[2]
    return np.sum(a**2)


def ix(x):
    K = np.zeros((4, 4))
    d = [0, 2, 3]
    K[np.ix_(d, d)] += np.outer(x, x)
    K[np.ix_([1, 0, 2], [3, 1, 0])] -= np.outer(x, W)
    return np.sum(K**2)


def add_at(x):
    a = np.zeros(4)
    np.add.at(a, [0, 0, 3], x)
    np.subtract.at(a, np.array([1]), x[:1])
    b = np.zeros((2, 3))
    np.add.at(b, ([0, 1, 0], [1, 1, 1]), x)
    return a @ a + np.sum(b**3)


def nan_copy_false(x):
    y = x / np.array([1.0, 0, 2])
    np.nan_to_num(y, copy=False, posinf=0, neginf=0.25)
    return np.sum(y**2)


def sort_inplace(x):
    y = x.copy()
    y.sort()
    z = np.outer(x, x)
    z.sort(axis=0)
    return y @ np.arange(3) + z[0] @ x


def resize_method(x):
    y = x.copy()
    y.resize(5)
    return np.sum(y**2) + y[3]


def resize_refcheck(x):
    y = x * 2
    y.resize((2, 2), refcheck=False)
    return np.sum(y**2)


def swv(x):
    return np.sum(np.lib.stride_tricks.sliding_window_view(np.r_[x, x], 3) @ x)


def mgrid(x):
    X, Y = np.mgrid[-1:1:4j, -1:1:3j]
    X2, Y2 = np.meshgrid(x, W, indexing="ij")
    o = np.ogrid[0:3]
    return np.sum(np.exp(-(X**2) * x[0] - Y**2 * x[1])) + np.sum(X2 * Y2) + np.sum(o * x)


def while_val(x):
    y = x[0]
    while y < 10:
        y = y * 2
    return y * x[1]


def bools(x):
    if x[0] > 0 and (x < 3).all() and not np.any(np.isnan(x)):
        return np.sum(x)
    return x[0]


def mask_assign(x):
    y = x.copy()
    y[y < 0] = 0
    y[y > 1] *= 2
    m = x > 0
    z = np.zeros(3)
    z[m] = x[m] ** 2
    z[~m] = np.exp(x[~m])
    return y.sum() + z.sum()


def where_1(x):
    i = np.where(x > 0)[0]
    (j,) = np.nonzero(x < 0)
    return np.sum(x[i] ** 2) + np.sum(x[j]) + x[np.argmax(x)] * np.argmin(x)


def argsort_idx(x):
    i = np.argsort(-x)
    r = np.empty(3, int)
    r[i] = np.arange(3)
    return x[i][0] + np.sum(r * x)


def int_index_array(x):
    idx = np.array([0, 2, 1])
    inv = np.zeros(3, dtype=int)
    inv[idx] = np.arange(3)
    return np.sum(x[inv] * np.arange(3))


def dictionary(x):
    d = {"a": x[0], "b": [x[1], {"c": x[2]}]}
    return d["a"] * d["b"][0] + d["b"][1]["c"]


def zipped(x):
    return (
        sum(a * b for a, b in zip(x, G[0], strict=False))
        + functools.reduce(operator.mul, x)
        + sum(v**2 for v in x)
        + sum(itertools.accumulate(x))
    )


def sorting(x):
    return sorted(x)[0] * 2 + sorted(x, reverse=True)[0] + sum(reversed(x))


def rev(x):
    return np.sum(x[::-1] * W) + sum(v for v in x[::-1])


def divmods(x):
    return np.sum(x // 2 + x % 2) + divmod(x[2], 2)[1] + round(x[0], 1) + math.floor(2.5)


def mathmod(x):
    return x[0] * math.sqrt(2) + math.pi * x[1]


def mathceil(x):
    return x[0] * math.ceil(x[2]) + math.floor(x[2]) + int(x[2]) + float(3)


def np_size(x):
    return np.sum(x) / np.size(x) + len(x) * x.size * np.shape(x)[0] * x.ndim * x[0]


def nlin(x):
    A = np.outer(x, x) + 3 * np.eye(3)
    la.cholesky(A)
    return (
        la.norm(la.solve(A, x))
        + la.slogdet(A)[1]
        + la.slogdet(A).logabsdet
        + la.eigh(A).eigenvalues[0]
        + np.trace(la.inv(A))
        + la.svd(A).S[0]
        + la.qr(A).R[0, 0]
    )


def ptranspose(x):
    A = G @ np.diag(x)
    A = A.T
    A = A.transpose(1, 0).swapaxes(0, 1)
    return np.sum(A[0] * A[1])


def clip_m(x):
    return np.sum(x.clip(-1, 1) ** 2) + np.sum(np.clip(x, 0, None)) + x.clip(min=0).sum()


def histfill(x):
    u = np.zeros((11, 3))
    u[0] = x
    for t in range(10):
        u[t + 1] = u[t] + 0.1 * (np.roll(u[t], 1) - 2 * u[t] + np.roll(u[t], -1))
    return np.sum(u[-1] ** 2) + u[5, 1]


def list_append(x):
    out = []
    v = x
    for _k in range(5):
        v = v * 0.9
        out.append(v)
    return (
        np.mean(np.array(out))
        + np.sum(np.vstack(out)[:, 1])
        + np.asarray(out).shape[0] * x[0]
        + np.concatenate(out)[3]
        + np.stack(out, axis=1)[2, 2]
    )


def tuple_ret(x):
    def rk(f, y, h):
        k1 = f(y)
        k2 = f(y + h / 2 * k1)
        return y + h * k2

    y = x
    for _ in range(5):
        y = rk(lambda v: np.array([v[1], -v[0], v[2] * v[0]]), y, 0.1)
    return y @ y


def scalar_ops(x):
    a = x[0].item()
    b = x[1].real
    c = x[2].conjugate()
    d = x[0].astype(float)
    e = x.sum().item()
    return a * b * c + d + e + x[0].T + x[0].reshape(1)[0] + x[0].dtype.type(2)


def complexs(x):
    z = x[0] + 1j * x[1]
    w = np.exp(1j * x[2])
    q = complex(1, 2) * z
    return (
        abs(z * w) ** 2
        + (q.real * z.imag)
        + np.angle(z)
        + np.abs(np.array([z, w])).sum()
        + (z * np.conj(z)).real
    )


def polys(x):
    p = np.poly1d([1.0, 2.0, 3.0])
    q = np.poly1d(x)
    return (
        p(x[0])
        + q(2.0)
        + (q * p)(0.5)
        + np.polyval(q.deriv(), 1.0)
        + q.integ()(1.0)
        + (q + p).coeffs[0]
        + q[1]
    )


def polyclass(x):
    p = np.polynomial.Polynomial(x)
    c = np.polynomial.Chebyshev(x)
    row = np.polynomial.Legendre(x)
    return (
        p(0.3)
        + c(0.3)
        + row(0.2)
        + p.deriv()(0.1)
        + p.integ()(0.2)
        + (p * p)(0.3)
        + (p + 1)(0.2)
        + c.deriv()(0.4)
        + p(x).sum()
    )


def polyroots(x):
    return (
        np.sum(np.abs(np.polynomial.polynomial.polyroots(x + np.array([1.0, 9, 1]))))
        + np.polynomial.polynomial.polyfit(np.arange(3.0), x, 1)[0]
    )


def polyfitclass(x):
    return np.polynomial.Polynomial.fit(np.arange(3.0), x, 1)(1.5)


def chebfit(x):
    return (
        np.polynomial.chebyshev.chebfit(np.arange(3.0) / 3, x, 2)[0]
        + np.polynomial.chebyshev.Chebyshev.basis(3)(x[0])
        + np.polynomial.chebyshev.chebinterpolate(lambda t: x[0] * t, 2)[1]
    )


def gauss(x):
    t, w = np.polynomial.legendre.leggauss(5)
    return np.sum(w * np.exp(x[0] * t))


def isinst(x):
    assert isinstance(x, np.ndarray)
    assert not isinstance(x, (int, float))
    assert np.isscalar(1.0)
    y = x if isinstance(x, np.ndarray) else np.array(x)
    return (
        np.sum(np.atleast_1d(y))
        + np.atleast_2d(y).T.sum()
        + np.asarray(x[0]).sum()
        + np.ravel(x)[0]
    )


def np_isscalar(x):
    r = x[0] if np.isscalar(x[0]) else x[0] * 100
    return r


def errst(x):
    with np.errstate(divide="ignore"):
        return np.sum(np.log(np.abs(x)))


def expandd(x):
    return np.sum(np.expand_dims(x, 0) * np.tile(x, (2, 1)) + np.repeat(x, 2).reshape(2, 3))
