"""Arrays of two axes: iterators, windows and corners, each an array of a plane."""

import functools

import numpy as np

GRID = np.array([[0.55, 1.7, 2.3], [0.9, -0.8, 1.2], [2.6, 0.35, -1.9]])


def of_a_plane(f):
    """A program of a plane as one of a point: all that it gives, weighted."""

    @functools.wraps(f)
    def program(x):
        made = f(GRID + 0.1 * np.outer(x, np.array([1.0, -0.5, 0.25])))
        return np.sum(made * np.cos(np.arange(made.size)).reshape(made.shape))

    del program.__wrapped__  # its parameter is a point
    return program


@of_a_plane
def plane_nditer_rw(x):
    y = x.copy()
    for e in np.nditer(y, op_flags=[["readwrite"]]):
        e[...] = e * e + 1
    return y


@of_a_plane
def plane_nditer_multi(x):
    y = x.copy()
    it = np.nditer(y, flags=["multi_index"], op_flags=["readwrite"])
    while not it.finished:
        y[it.multi_index] = it[0] * sum(it.multi_index)
        it.iternext()
    return y


@of_a_plane
def plane_ndenum(x):
    s = 0.0
    for (i, j), v in np.ndenumerate(x):
        s = s + v * (i - 2 * j)
    return s * np.ones(2)


@of_a_plane
def plane_vectorize_sig(x):
    return np.vectorize(lambda r: r @ r * r, signature="(n)->(n)")(x)


@of_a_plane
def plane_along(x):
    return np.apply_along_axis(lambda r: np.cumsum(r) * r[0], 1, x)


@of_a_plane
def plane_fromiter(x):
    return np.fromiter((v**2 for v in x.ravel()), float, count=x.size)


@of_a_plane
def plane_chained(x):
    a = b = x * 1.0
    a[0] += 1
    b[1] *= 2
    c = d = a[0]
    c = c * 2
    return a + b + c + d


@of_a_plane
def plane_neg(x):
    y = x * 1.0
    y[::-1, ::-2] = y[:, ::2] * 3
    return y[::-1]


@of_a_plane
def plane_ix(x):
    y = x * 1.0
    y[np.ix_([0, 2], [1, 2])] *= x[np.ix_([1, 0], [0, 2])]
    return y


@of_a_plane
def plane_r(x):
    return np.r_["0,2", x[0], x[1] * 2, np.r_[0.0:1:3j]]


@of_a_plane
def plane_ein_out(x):
    o = np.empty((3, 3))
    np.einsum("ij,kj->ik", x, x, out=o)
    o += 1
    return o


@of_a_plane
def plane_norms(x):
    return np.array(
        [np.linalg.norm(x, o) for o in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)]
        + [np.linalg.norm(x[0], o) for o in (0, 1, 3, 0.5, np.inf)]
    )


@of_a_plane
def plane_ured(x):
    return np.add.reduce(x, axis=1, where=x > 0.5, initial=2.0) * np.maximum.reduce(
        x, axis=(0, 1), initial=-5
    )


@of_a_plane
def plane_uat(x):
    y = np.zeros(4)
    np.add.at(y, [0, 1, 1], x[:, 0])
    np.multiply.at(y, [0, 0], x[0, :2])
    return y


@of_a_plane
def plane_redat(x):
    return np.multiply.reduceat(x.ravel(), [0, 3, 1, 6])


@of_a_plane
def plane_accum(x):
    return np.subtract.accumulate(x, axis=1) + np.logaddexp.accumulate(x, axis=0)


@of_a_plane
def plane_copyto(x):
    y = np.zeros((2, 3, 3))
    np.copyto(y, x)
    np.copyto(y[0], x * 2, where=np.eye(3, dtype=bool))
    return y


@of_a_plane
def plane_flat(x):
    y = x * 1.0
    y.flat[::4] = x[0] * 2
    y.flat[[1, 3]] += 1
    return y


@of_a_plane
def plane_swap(x):
    y = x * 1.0
    y[0], y[1] = y[1].copy(), y[0].copy()
    y[:, [0, 1]] = y[:, [1, 0]]
    return y


@of_a_plane
def plane_sortinp(x):
    y = x * 1.0
    y.sort(axis=0)
    y[:, 0].sort()
    return y * np.arange(9).reshape(3, 3)


@of_a_plane
def plane_resize(x):
    y = np.resize(x, (2, 7))
    return y * y.T.reshape(2, 7)


@of_a_plane
def plane_tri(x):
    y = x * 1.0
    y[np.tril_indices(3, -1)] = 0
    y[np.diag_indices(3)] **= 2
    return y


@of_a_plane
def plane_pw(x):
    return np.piecewise(x, [x < 0.5, x > 2], [lambda v: v**2, lambda v: v * 3, 0.0]) + np.select(
        [x > 1, x > 0.5], [x, 2 * x], x**3
    )


@of_a_plane
def plane_roll(x):
    y = np.roll(x, (1, -1), (0, 1))
    y += np.rot90(x)
    y -= np.flip(x, 1)
    return np.block([[y, x], [x, y]])


@of_a_plane
def plane_view_reshape(x):
    y = x * 1.0
    v = y.reshape(-1)[2:8].reshape(2, 3).T
    v += x[:, :2]
    v[0] *= 2
    return y


@of_a_plane
def plane_iadd_bcast(x):
    y = np.zeros((2, 3, 3))
    y += x
    y[:, 0] -= x[1]
    y[..., -1] /= x[2]
    return y


@of_a_plane
def plane_take_modes(x):
    return (
        np.take(x, [-1, 7, 4], mode="wrap")
        + np.take(x, [-1, 70, 4], mode="clip")
        + np.choose([0, 1, 2], x)
    )


@of_a_plane
def plane_lists(x):
    rows = [r * k for k, r in enumerate(x)]
    rows[0] += 1
    return np.array(rows) + np.array([list(r) for r in x.tolist()])


@of_a_plane
def plane_memov(x):
    y = np.array(x, order="F")
    y.T[0] = 1
    y.ravel(order="K")[2]
    return y.ravel(order="F") * x.ravel()


@of_a_plane
def plane_setattrs(x):
    y = x * 1.0
    y.shape = (9,)
    y[4] = x[0, 0]
    return y.reshape(3, 3)


@of_a_plane
def plane_cplx(x):
    z = x + 1j * x.T
    z.real[0] = x[1]
    z.imag *= 2
    return np.abs(z) + np.angle(z * z.conj() + 1)


@of_a_plane
def plane_nanf(x):
    y = np.where(x > 2, np.nan, x)
    return np.nansum(y, axis=0) + np.nanmean(y) * np.nanmax(y, axis=1) + np.nanstd(y)


@of_a_plane
def plane_outer_bc(x):
    return (
        np.subtract.outer(x[0], x[1]) ** 2
        + np.hypot.outer(x[0], x[2])
        + np.broadcast_to(x[:, None, 0], (3, 3))
    )


@of_a_plane
def plane_insert(x):
    return np.delete(
        np.insert(np.append(x, x[:1] ** 2, axis=0), 1, x[2] * 3, axis=0), [0, 2], axis=0
    )


@of_a_plane
def plane_split(x):
    a, b = np.hsplit(x, [1])
    c = np.vsplit(x, 3)
    a = a + 0
    a[:] = c[1][0, 0]
    return np.concatenate([a, b * 2], 1) + np.dstack(c)[0]


@of_a_plane
def plane_strides(x):
    y = x * 1.0
    np.fill_diagonal(y, x[0])
    np.fill_diagonal(y[::-1], 5 * x[1, 1])
    return y[::2, ::-1].T
