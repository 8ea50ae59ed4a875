"""Small idioms of NumPy users, each a function of a vector of three: NumPy's functions."""

import copy

import numpy as np
import numpy.linalg as la
from numpy import array, exp, zeros
from numpy import sum as nsum

G = np.arange(1.0, 13.0).reshape(4, 3)
W = np.ones(3) * 0.5


def trisolve(x):
    n = 3
    A = np.zeros((n, n))
    A[np.arange(n), np.arange(n)] = 2 + x**2
    A[np.arange(n - 1), np.arange(1, n)] = -1
    A[np.tril_indices(n, -1)] = x
    b = A[np.triu_indices(n)]
    return la.solve(A, x).sum() + b.sum()


def didx(x):
    A = np.zeros((3, 3))
    np.fill_diagonal(A, x)
    A[np.diag_indices(3)] += 1
    A[0, :] = x
    A[:, 0] = A[0]
    A[[0, 1]] = A[[1, 0]]
    return np.sum(A**2)


def swap(x):
    y = x.copy()
    y[0], y[1] = y[1], y[0]
    y[[0, 2]] = y[[2, 0]]
    return y @ np.arange(3)


def aug_scalar(x):
    t = 0
    t += x[0]
    t -= 2
    t *= x[1]
    t /= 3
    t **= 2
    s = x.sum()
    s += 1
    u = x[2]
    u += 1
    return t + s + u + x[2]


def zero_d(x):
    a = np.array(0.0)
    a[()] = x[0]
    a += x[1]
    b = np.zeros(())
    b[...] = x[2]
    return a * b + a[()]


def logsum(x):
    return np.log(np.sum(np.exp(x - x.max()))) + x.max() + np.logaddexp.reduce(x)


def kron(x):
    return np.kron(np.eye(2), x).sum() + np.trace(np.kron(np.outer(x, x), np.ones((2, 2))))


def ufunc_kw(x):
    return (
        np.sum(np.add(x, 1, where=x > 0, out=np.zeros(3)))
        + np.sum(np.divide(1, x, out=np.zeros_like(x), where=x != 0))
        + np.add.reduce(x)
        + np.multiply.accumulate(x)[2]
        + np.sum(x, where=[True, False, True])
        + np.multiply.outer(x, x)[0, 1]
    )


def vecm(x):
    return (
        np.vdot(x, x)
        + np.inner(x, W)
        + np.tensordot(x, x, 1)
        + np.tensordot(G, x, axes=([1], [0])).sum()
        + x.dot(x)
        + G.dot(x).sum()
        + x @ G.T @ G @ x
    )


def wherefun(x):
    return (
        np.sum(np.piecewise(x, [x < 0, x >= 0], [lambda t: t**2, lambda t: t**3]))
        + np.sum(np.select([x < 0, x < 1], [x, x**2], default=3 * x))
        + np.sum(np.choose([0, 1, 0], [x, x * 2]))
    )


def base_view(x):
    y = np.zeros((2, 3))
    r = y[0]
    r[:] = x
    c = y[:, 1]
    c += 1
    d = y.T
    d[2] = 7 * x[0]
    e = np.reshape(y, -1)
    e[0] = x[1]
    return np.sum(y**2) + np.sum(r)


def diag_view(x):
    A = np.outer(x, x)
    A.flat[::4] += 1
    A[range(3), range(3)] *= 2
    return np.sum(A**2) + np.einsum("ii->i", A).sum()


def empty_like_fill(x):
    g = np.empty_like(x)
    g.fill(0)
    g[:] = x
    o = np.full(3, np.nan)
    o[:] = x
    row = np.full_like(x, x[0])
    return g @ o + row.sum()


def ones_bool(x):
    m = np.zeros(3, dtype=bool)
    m[0] = True
    m |= x > 1
    k = np.ones(3, dtype=bool)
    k &= m
    return np.sum(x[m]) + np.sum(x * k) + np.count_nonzero(m) * x[0]


def counting(x):
    n = np.zeros(2, dtype=int)
    for v in x:
        n[int(v > 0)] += 1
    return n[1] * x.sum()


def intloop(x):
    k = int(np.ceil(x[2]))
    return sum(x[0] ** i for i in range(k)) + np.arange(k).sum() * x[1]


def append(x):
    a = np.array([])
    for v in x:
        a = np.append(a, v**2)
    b = np.concatenate(([0.0], np.cumsum(x)))
    c = np.insert(x, 1, x[0])
    d = np.delete(x, 0)
    e = np.hstack([x, [1.0, x[1]]])
    return a.sum() + b @ b + c @ c + d @ d + e @ e


def zeros_list(x):
    A = np.zeros((2, 2))
    A[0] = [x[0], x[1]]
    A[1, :] = (x[2], 1)
    A[:, 0] += [1, x[0]]
    return np.linalg.det(A)


def np_array_rows(x):
    R = np.array([[np.cos(x[0]), -np.sin(x[0])], [np.sin(x[0]), np.cos(x[0])]])
    return (R @ np.array([x[1], x[2]])) @ [1.0, 2.0]


def npmatlist(x):
    return (
        np.dot([[x[0], 0.0], [1.0, x[1]]], [x[2], 1.0]).sum()
        + np.linalg.det([[x[0], 1.0], [2.0, x[1]]])
        + np.linalg.solve([[x[0], 1.0], [2.0, x[1]]], [1.0, x[2]])[0]
    )


def npcumprod(x):
    return (
        np.cumprod(x)[-1]
        + np.prod(x[:2])
        + np.diff(x).sum()
        + np.gradient(x)[1]
        + np.trapezoid(x)
        + np.trapezoid(x, dx=0.5)
        + np.interp(0.3, [0, 0.5, 1], x)
        + np.convolve(x, W).max()
        + np.median(x)
        + np.percentile(x, 30)
        + np.std(x)
        + np.var(x, ddof=1)
        + np.cov(x, W * x)[0, 1]
        + np.corrcoef(x, x**2)[0, 1]
        + np.ptp(x)
        + np.average(x, weights=W)
    )


def deepc(x):
    y = copy.deepcopy(x)
    y[0] = 2
    z = copy.copy(x)
    z[1] = 4
    return np.sum(y * x) + z.sum()


def aliasdict(x):
    s = {"v": np.zeros(3)}
    s["v"] += x
    s["v"][0] *= 2
    t = [s["v"]]
    t[0][1] = 9 * x[2]
    return np.sum(s["v"] ** 2)


def newton(x):
    y = x[2]
    for _ in range(20):
        d = (y**3 - 2 * y - x[2]) / (3 * y**2 - 2)
        y = y - d
        if np.abs(d) < 1e-12:
            break
    return y


def bisect(x):
    lo, hi = 0.0, 10.0

    def f(t):
        return t**2 - x[2]

    for _ in range(40):
        m = (lo + hi) / 2
        if f(m) > 0:
            hi = m
        else:
            lo = m
    t = (lo + hi) / 2
    return t - f(t) / (2 * t)


def np_vectors(x):
    return (
        np.linalg.norm(x)
        + np.linalg.norm(G * x, axis=1).sum()
        + np.cross(x, W) @ x
        + np.hypot(x[0], x[1])
        + np.arctan2(x[1], x[0])
        + np.sinc(x).sum()
        + np.unwrap(x).sum()
        + np.degrees(x)[0]
    )


def uniq(x):
    _u, inv = np.unique(np.array([3, 1, 3]), return_inverse=True)
    return np.sum(x[inv]) + np.bincount(inv, weights=x, minlength=3) @ [1.0, 2, 3]


def apply_stuff(x):
    return (
        np.sum(list(map(np.sin, x)))
        + np.sum([v**2 for v in x])
        + np.max(list(x))
        + np.mean([x[0], 2.0])
        + np.prod([x[0], x[1]])
    )


def nansum(x):
    y = x.copy()
    y[1] = np.nan
    return (
        np.nansum(y)
        + np.nanmean(y)
        + np.nanmax(y)
        + np.nanstd(y)
        + np.sum(y[~np.isnan(y)])
        + np.nan_to_num(y).sum()
    )


def ellip(x):
    A = np.zeros((2, 3, 2))
    A[..., 0] = x
    A[1, ..., 1] = x * 2
    A[:, [0, 2], 1] += x[:2]
    A[A > 1] = 1
    return np.sum(A[..., None] ** 2)


def objarr(x):
    a = np.empty(3, dtype=object)
    for i in range(3):
        a[i] = x[i] ** 2
    return a.sum()


def lstsq(x):
    return (
        np.linalg.lstsq(G, np.arange(4.0) * x[0] + x[1], rcond=None)[0] @ x
        + np.linalg.pinv(G * x)[0, 0]
        + np.linalg.matrix_power(np.outer(x, x), 3)[0, 0]
        + np.linalg.multi_dot([G, np.diag(x), G.T])[0, 0]
    )


def fftf(x):
    X = np.fft.fft(x)
    P = np.abs(X) ** 2
    X[0] = 0
    y = np.fft.ifft(X).real
    k = np.fft.fftfreq(3)
    return (
        P.sum()
        + y @ y
        + np.sum(np.real(np.fft.ifft(1j * k * np.fft.fft(x))) ** 2)
        + np.abs(np.fft.rfft(x)[1])
    )


def any_all(x):
    return np.sum(x) * np.any(x > 0) * np.all(x < 5) * (0 in np.array([0, 1])) + (2.5 in x) * x[0]


def try_except(x):
    try:
        return np.linalg.inv(np.outer(x, x) * 0)[0, 0]
    except np.linalg.LinAlgError:
        return x @ x


def globalfrom(x):
    a = zeros(3)
    a[1] = x[0]
    b = array([x[0], 1.0])
    return nsum(exp(a)) + b @ b


def lexs(x):
    return (
        x[np.lexsort((x, np.zeros(3)))][0]
        + x[np.argpartition(x, 1)[0]]
        + np.partition(x, 1)[1]
        + x[np.searchsorted(np.sort(x), 0.6) - 1]
    )


def rolls(x):
    return (
        np.sum(np.roll(x, 1) * x)
        + np.flip(x)[0]
        + np.flipud(x)[1]
        + np.rot90(np.outer(x, W))[0, 0]
        + np.tril(np.outer(x, x)).sum()
        + np.triu(np.outer(x, x), 1).sum()
        + np.pad(x, 1, mode="edge").sum()
        + np.pad(x, (1, 2)).sum()
        + np.pad(np.outer(x, x), ((1, 0), (0, 1)), constant_values=2.0).sum()
    )


def iter2d(x):
    A = np.outer(x, x)
    return (
        sum(np.sum(row) * row[0] for row in A)
        + sum(v for row in A for v in row)
        + sum(np.dot(r, c) for r, c in zip(A, A.T, strict=False))
    )


def nested_func(x):
    cache = {}

    def f(i):
        if i not in cache:
            cache[i] = x[i % 3] * (f(i - 1) if i else 1.0)
        return cache[i]

    return f(5)


def starargs(x):
    def f(*a, **k):
        return sum(a) + sum(k.values())

    return f(*x, p=x[0])


def setattr_(x):
    class Holder:
        pass

    o = Holder()
    o.x = x
    o.y = o.x * 2
    o.y[0] += 1
    return (o.x * o.y).sum()


def nprandomstate(x):
    r = np.random.RandomState(0)
    return (
        r.randn(3) @ x
        + r.uniform(0, 1, 3) @ x
        + np.random.default_rng(3).choice(np.arange(5.0), 3) @ x
    )


def shuffle_(x):
    r = np.random.default_rng(0)
    i = np.arange(3)
    r.shuffle(i)
    return x[i] @ [1.0, 2, 3]


def rng_traced(x):
    r = np.random.default_rng(0)
    return x[0] + x[1] * r.normal() + np.sum(x[1] * r.normal(size=4))


def flat_elements(x):
    a = np.outer(x, x[:2])
    return np.sort(a.flat)[-1] + np.max(a.flat) * np.sum(np.multiply(a.flat, np.arange(6.0)))


def flat_as_an_array(x):
    a = np.outer(x, x[:2])
    return np.array(a.flat)[3] * np.concatenate([a.flat, x])[7]


def roots_of_either_sign(x):
    E = np.emath
    return (
        np.abs(E.sqrt(x)).sum()
        + E.log(x).real.sum()
        + np.abs(E.arcsin(x * 3) * E.power(x, 0.3)).sum()
    )
