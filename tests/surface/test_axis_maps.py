"""Filters along an axis: their transposes and patterns, on short and on long axes."""

import numpy as np
import pytest
from scipy import fft, ndimage, signal

import adjoint as ad

MODES = ["reflect", "mirror", "nearest", "wrap", "constant"]
FILTERS = {
    "gaussian": (lambda v, mode: ndimage.gaussian_filter1d(v, 1.3, axis=0, mode=mode), 7),
    "radius": (lambda v, mode: ndimage.gaussian_filter1d(v, 2.0, 0, 1, mode=mode, radius=3), 4),
    "uniform": (lambda v, mode: ndimage.uniform_filter1d(v, 4, axis=0, mode=mode, origin=-2), 4),
    "weights": (
        lambda v, mode: ndimage.correlate1d(v, [1.0, 0.0, -2.0, 5.0], axis=0, mode=mode, origin=1),
        4,
    ),
    "savgol": (lambda v, mode: signal.savgol_filter(v, 5, 2, axis=0, mode=SAVGOL[mode]), 5),
}
SAVGOL = dict(zip(MODES, ["interp", "mirror", "nearest", "wrap", "constant"], strict=True))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", FILTERS)
def test_transposes_and_patterns(name, mode, rng):
    """Just short of where the matrix is a band, there, with a rest, and far beyond."""
    f, reach = FILTERS[name]
    for n in (max(8, 4 * reach - 1), 4 * reach, 6 * reach + 5, 20 * reach):
        x, w = rng.normal(size=(2, n, 3))
        matrix = f(np.eye(n), mode)
        got = ad.grad(lambda x, n=n, w=w: np.sum(f(x, mode) * w))(x)
        np.testing.assert_allclose(got, matrix.T @ w, rtol=1e-10, atol=1e-12)
        sparse = ad.jacobian(lambda v: f(v, mode), mode="sparse")(x[:, 0])
        np.testing.assert_allclose(sparse.toarray(), matrix, rtol=1e-10, atol=1e-12)
        assert sparse.nnz == np.count_nonzero(matrix)


def test_long_axes_need_no_large_matrix(rng):
    n = 60_000
    x, w = rng.normal(size=(2, n))
    for f in (
        lambda v: ndimage.gaussian_filter1d(v, 2.0),
        lambda v: signal.savgol_filter(v, 7, 3),
        lambda v: signal.detrend(v, bp=[100, 5000]),
        lambda v: ndimage.laplace(v, mode="wrap"),
        lambda v: signal.lfilter([1.0, 0.5], [1.0], v),
    ):
        pulled = ad.grad(lambda v, f=f: np.sum(f(v) * w))(x)
        np.testing.assert_allclose(pulled @ x, np.sum(f(x) * w), rtol=1e-9)
    jacobian = ad.jacobian(lambda v: ndimage.laplace(v, mode="wrap"), mode="sparse")(x)
    assert jacobian.nnz == 3 * n
    taps = ad.jacobian(lambda v: signal.lfilter([1.0, 0.5], [2.0], v), mode="sparse")(x)
    assert taps.nnz == 2 * n - 1


@pytest.mark.parametrize(
    ("f", "entries"),
    [
        (lambda v: signal.lfilter([1.0, 0.5], [1.0, -0.3], v, axis=1), 3 * (4 * 5 // 2) * 2),
        (lambda v: signal.lfilter([1.0, 0.5], [1.0], v, axis=1), 3 * 7 * 2),
        (lambda v: fft.dct(v, axis=0), 3 * 3 * 4 * 2),
        (lambda v: signal.detrend(v, axis=1), 3 * 4 * 4 * 2),
    ],
    ids=["recursive", "finite", "cosine", "detrend"],
)
def test_patterns_along_one_axis_of_three(f, entries, rng):
    x = rng.normal(size=(3, 4, 2))
    got = ad.jacobian(f, mode="sparse")(x)
    assert got.nnz == entries
    np.testing.assert_allclose(
        got.toarray(), np.reshape(ad.jacobian(f)(x), (24, 24)), rtol=1e-10, atol=1e-12
    )
