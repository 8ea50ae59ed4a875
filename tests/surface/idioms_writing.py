"""Small idioms of NumPy users, each a function of a vector of three: calls, writing and state."""

import copy
import dataclasses
import functools

import numpy as np

G = np.arange(1.0, 13.0).reshape(4, 3)
W = np.ones(3) * 0.5


def outside_index_loop(x):
    return sum((G[k] @ x) ** 2 for k in range(4))


def exp_list(x):
    return np.sum(np.exp([x[0], x[1]]))


def exp_nested(x):
    return np.sum(np.sin([[x[0], 1.0], [x[1], x[2]]]))


def maximum_list(x):
    return np.sum(np.maximum([x[0], x[1]], 0.3))


def add_lists(x):
    return np.sum(np.add([x[0], x[1]], [1.0, 2.0]))


def mult_outer_list(x):
    return np.sum(np.outer([x[0], x[1]], [x[2], 1.0]))


def nditer(x):
    t = 0.0
    for v in np.nditer(x):
        t = t + v * v
    return t


def ndenumerate(x):
    t = 0.0
    for (i,), v in np.ndenumerate(x):
        t = t + i * v * v
    return t


def ndindex(x):
    t = 0.0
    for i in np.ndindex(x.shape):
        t = t + x[i] ** 2
    return t


def outside_copy(x):
    a = G.copy()
    a[0] = x
    a[1] += x
    return np.sum(a**2)


def outside_arr(x):
    a = np.array(G)
    a[0] = x
    return np.sum(a**2)


def outside_reshape(x):
    a = G.T.copy()
    a[:, 1] = x
    return np.sum(a**2)


def outside_method_copy(x):
    a = G.astype(float)
    a[2] *= x
    return np.sum(a**2)


def copycopy(x):
    a = copy.copy(G)
    a[0] = x
    b = copy.deepcopy(G)
    b[1] = x * 2
    return np.sum(a * b)


def array_dtype(x):
    a = np.array([x[0], x[1]], dtype=np.float64)
    return a @ a


def array_dtype_float(x):
    a = np.array([1, x[1]], dtype=float)
    return a @ a


def asarray_dtype(x):
    a = np.asarray([x, x * 2], dtype="float64")
    return np.sum(a**3)


def list_of(x):
    row = list(x)
    return row[0] * row[1] + row[2]


def unpack(x):
    a, b, c = x
    return a * b**2 + c


def star(x):
    a, *r = x
    return a * r[0] + r[1]


def builtin_sum(x):
    return sum(x) + sum(list(x**2), 1.0)


def builtin_max(x):
    return (
        max(x[0], x[1])
        + min(x[1], 0.0)
        + max(0, x[2])
        + max(x)
        + abs(x[1])
        + max([x[0], x[2]], key=lambda v: v)
    )


def fstring(x):
    text = f"{x[0]:.3f} {x} {x[0]} {x!r:>10}" + f"{x[1]:8.2e}" + str(x) + repr(x)
    return x @ x if text else 0.0


def formatted(x):
    text = f"{x[0]} {x[1]:.3f}"
    return x @ x if text else 0.0


def tolist(x):
    return sum(v * v for v in x.tolist())


def vectorize(x):
    @np.vectorize
    def f(v):
        return v**2 if v > 0 else -v

    return np.sum(f(x))


def vectorize_kw(x):
    f = np.vectorize(lambda v, n: v**n, excluded=["n"])
    return np.sum(f(x, n=2))


def vectorize_otypes(x):
    f = np.vectorize(lambda v, n: v**n, otypes=[float])
    return np.sum(f(x, 2))


def vectorize_sig(x):
    f = np.vectorize(lambda v: v @ v, signature="(n)->()")
    return np.sum(f(np.stack([x, x * 2])))


def along(x):
    return np.sum(np.apply_along_axis(lambda r: r / np.linalg.norm(r), 1, np.outer(x, x) + 1) ** 3)


def fromfunction(x):
    return np.sum(np.fromfunction(lambda i, j: x[0] * i + j * x[1], (2, 3)) ** 2)


def fromfunction_index(x):
    return np.sum(np.fromfunction(lambda i, j: x[i] * j, (3, 3), dtype=int) ** 2)


def einsum_opt(x):
    A = np.outer(x, x)
    return (
        np.einsum("ij,jk,kl->il", A, G.T, G, optimize="greedy").sum()
        + np.einsum(A, [0, 1], [1, 0]).sum()
        + np.einsum("i...->...", A).sum()
        + np.einsum("ij,j", A, x).sum()
    )


def einsum_out(x):
    o = np.zeros((3, 3))
    np.einsum("i,j->ij", x, x, out=o)
    return np.sum(o**2)


def einsum_path(x):
    p = np.einsum_path("ij,j,i", np.outer(x, x), x, x)[0]
    return np.einsum("ij,j,i", np.outer(x, x), x, x, optimize=p)


def block(x):
    return np.sum(np.block([[np.outer(x, x), x[:, None]], [x[None, :], np.ones((1, 1))]]) ** 2)


def newaxis(x):
    return np.sum((x[:, np.newaxis] - x[np.newaxis]) ** 2 * np.array([1.0, 2, 3])[..., np.newaxis])


def out_everywhere(x):
    a = np.empty(3)
    np.add(x, 1, a)
    np.multiply(a, x, out=a)
    np.exp(a, a)
    np.sum(np.outer(a, a), axis=0, out=a)
    np.matmul(np.eye(3), a, out=a)
    np.dot(np.eye(3), x, out=a)
    np.mean(np.outer(x, a), axis=1, out=a)
    return a @ a


def out_more(x):
    a = np.empty((3, 3))
    np.outer(x, x, out=a)
    b = np.empty(3)
    np.take(a, 1, axis=0, out=b)
    np.clip(b, -1, 1, out=b)
    np.cumsum(b, out=b)
    np.maximum(b, x, out=b)
    np.round(b, 3)
    np.concatenate([x[:1], x[1:]], out=b)
    c = np.empty((2, 3))
    np.stack([x, b], out=c)
    np.max(c, axis=0, out=b)
    np.prod(c, axis=0, out=b)
    np.std(c, axis=0, out=b)
    return np.sum(a) + b @ b + c.sum()


def inplace_args(x):
    x += 1
    x *= 2
    x[0] = 3.0
    x[1:] -= x[:1]
    x **= 2
    x /= 3
    return np.sum(x)


def inplace_chain(x):
    y = x.copy()
    y[::2][1] = 5 * x[0]
    y.T[0] = 2
    y.reshape(3, 1)[2, 0] += 4
    v = y.ravel()
    v[1] = x[2]
    return np.sum(y**2)


@dataclasses.dataclass
class P:
    a: object
    b: object

    def energy(self):
        return np.sum(self.a**2) + self.b


def dclass(x):
    p = P(x, x[0])
    q = dataclasses.replace(p, b=x[1] ** 2)
    return p.energy() * q.energy()


@functools.cache
def grid(n):
    return np.linspace(0, 1, n)


def lru(x):
    t = grid(5)
    return np.sum(np.sin(np.outer(x, t)))


@functools.cache
def grid_w(n):
    g = np.zeros(n)
    g[1] = 2
    return g


def lru_write(x):
    g = grid_w(3)
    h = g + x
    h[0] = x[1]
    return np.sum(h**2 * g)


def partial(x):
    return functools.partial(np.power, x)(2).sum() + functools.partial(np.sum, axis=0)(x)


def recursion(x):
    def fib(n):
        return x[0] if n == 0 else x[1] if n == 1 else fib(n - 1) + x[2] * fib(n - 2)

    return fib(6)
