"""Sparse Jacobians and Hessians: the pattern is never too small, and large ones are quick."""

import time

import numpy as np
import pytest
from scipy import sparse

import adjoint as ad
from adjoint.differentiate.colouring import colour_lines, full_lines
from adjoint.differentiate.sparsity import pattern_of
from adjoint.errors import StructureError
from adjoint.primitives.convolution import convolution_row
from adjoint.testing import random_array

D = np.diag(np.arange(1.0, 7)) + np.diag(np.ones(4), 2)
INDEX = np.array([[0, 3, 3], [5, 1, 0]])


def _assign(x):
    y = np.sin(x)
    y[1:3] = x[3:5] * x[0]
    y[INDEX[0]] = 2.0
    y[::2] += x[::-2] ** 2
    return y


def _scanned(x):
    total, rows = ad.scan(lambda c, w: (c * 0.5 + w[0], w[::-1] * c), x[0], x.reshape(3, 2))
    return np.concatenate([rows.ravel(), [total]])


def _scattered(x):
    """Advanced indices in the derivative of a gradient are a scatter_add."""
    return ad.grad(lambda x: np.sum(x[np.array([0, 2, 2])] ** 3))(x)[:4]


def _image(x):
    """Two channels of 3 pixels, through a layer with three channels."""
    weights = np.arange(1.0, 13.0).reshape(3, 2, 2)
    y = convolution_row(
        x.reshape(1, 2, 3), weights, stride=(1,), padding=((1, 0),), dilation=(1,), groups=1
    )
    return y**2


def _matrix(x):
    m = x.reshape(2, 3)
    return np.einsum("ij,jk->ik", m, np.ones((3, 2))) * m[:, :2]


FUNCTIONS = {
    "elementwise": (lambda x: np.sin(x) * x / (1 + x**2), 6),
    "neighbours": (lambda x: x[1:] * x[:-1] - x[:-1], 10),
    "reverse": (lambda x: x[::-1] * x, 12),
    "shapes": (lambda x: np.transpose(x.reshape(2, 3) ** 2)[..., None], 6),
    "broadcast": (lambda x: x.reshape(2, 3)[:, :1] * np.ones((2, 3)) * x[:3], 11),
    "sums": (lambda x: np.concatenate([x.reshape(2, 3).sum(0), x.reshape(2, 3).sum(1)]), 12),
    "cumsum": (lambda x: np.cumsum(x.reshape(3, 2), axis=0), 12),
    "gather": (lambda x: x[INDEX] ** 2, 6),
    "take rows": (lambda x: x.reshape(3, 2)[[2, 0]] * 3, 4),
    "scatter": (_scattered, 2),
    "join": (lambda x: np.concatenate([x[:2] ** 2, np.ones(3), x[4:] * x[:2]]), 6),
    "assignment": (_assign, None),
    "constant matrix": (lambda x: D @ x**2, 10),
    "matrix on the right": (lambda x: x @ D, 10),
    "matrix times matrix": (lambda x: D @ x.reshape(6, 1), 10),
    "einsum": (_matrix, None),
    "convolve": (lambda x: np.convolve(x**2, np.array([1.0, -2.0, 1.0]), "same"), 16),
    "convolve with a gap": (lambda x: np.convolve(np.array([1.0, 0.0, 3.0]), x), 12),
    "convolve with itself": (lambda x: np.convolve(x, x[:2]), None),
    "image": (_image, None),
    "diagonal": (lambda x: np.einsum("ii->i", np.outer(x, np.ones(6))) * x, 6),
    "where": (lambda x: np.where(x > 0, x**2, x[::-1]), None),
    "solve": (lambda x: np.linalg.solve(D[:3, :3] + 1, x.reshape(3, 2)), 18),
    "max": (lambda x: np.max(x.reshape(3, 2), axis=1), None),
    "scan": (_scanned, None),
    "cond": (lambda x: ad.cond(x[0] > 9, lambda v: v[::-1], lambda v: v[:3].sum() * v, x), None),
    "while": (
        lambda x: ad.jit(
            lambda x: ad.while_loop(lambda c: c[0] < 4.0, lambda c: c * 2.0 + 1.0, x**2 + 0.1)
        )(x),
        None,
    ),
    "checkpoint": (lambda x: ad.checkpoint(lambda v: np.sin(v) * v[::-1])(x), 12),
    "scipy matrix": (lambda x: sparse.csr_array(D) @ x**2, 10),
    "scipy matrix times columns": (lambda x: sparse.csr_array(D[:3, :3]) @ x.reshape(3, 2), 8),
    "columns times scipy matrix": (lambda x: x.reshape(2, 3) @ sparse.csr_array(D[:3]), 12),
    "correlate": (lambda x: np.correlate(x**2, np.array([1.0, 0.0, 1.0]), "valid"), 8),
    "rfft of rows": (lambda x: np.abs(np.fft.rfft(x.reshape(2, 3))) ** 2, 12),
    "fft of columns": (lambda x: np.fft.ifft(np.fft.fft(x.reshape(2, 3), axis=0), axis=0).real, 12),
    "windows": (lambda x: np.lib.stride_tricks.sliding_window_view(x, 3).sum(axis=1), 12),
    "sort": (lambda x: np.sort(x) * 2, 6),
    "one number": (lambda x: np.sum(x[:2] ** 2), 2),
    "nothing": (lambda x: np.floor(x), 0),
    "not moved at all": (lambda x: np.ones(4), 0),
    "empty": (lambda x: x[:0], 0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_equals_the_dense_jacobian(name, rng):
    f, entries = FUNCTIONS[name]
    x = random_array(rng, (6,), float, (0.2, 2.0))
    got = ad.jacobian(f, mode="sparse")(x)
    dense = ad.jacobian(f, mode="reverse")(x)
    assert isinstance(got, sparse.csr_array)
    np.testing.assert_allclose(got.toarray(), np.reshape(dense, (-1, 6)), rtol=1e-12, atol=1e-13)
    if entries is not None:
        assert got.nnz == entries


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n != "empty"])
def test_sparse_hessian_equals_the_dense_one(name, rng):
    f, _ = FUNCTIONS[name]
    x = random_array(rng, (6,), float, (0.2, 2.0))

    def total(x):
        y = f(x)
        return np.sum(np.sin(y) * np.linspace(1.0, 2.0, y.size).reshape(np.shape(y)))

    got = ad.hessian(total, mode="sparse")(x)
    np.testing.assert_allclose(got.toarray(), ad.hessian(total)(x), rtol=1e-11, atol=1e-12)


def test_trees_and_argnums():
    def f(p, q):
        return {"y": p["a"][:, None] * q, "z": q[:2] * p["b"], "n": q > 0}

    p, q = {"a": np.array([1.0, 2.0]), "b": 3.0}, np.array([4.0, 5.0, 6.0])
    got = ad.jacobian(f, (0, 1), mode="sparse")(p, q)
    dense = ad.jacobian(f, (0, 1))(p, q)
    assert got["y"][0]["a"].shape == (6, 2)
    assert got["y"][0]["b"].nnz == 0
    assert got["n"][1].shape == (3, 3)
    for name in ("y", "z"):
        for leaf in ("a", "b"):
            size = got[name][0][leaf].shape
            np.testing.assert_allclose(
                got[name][0][leaf].toarray(), np.reshape(dense[name][0][leaf], size)
            )
        size = got[name][1].shape
        np.testing.assert_allclose(got[name][1].toarray(), np.reshape(dense[name][1], size))


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_dtypes(dtype, rng):
    x = random_array(rng, (5,), dtype)
    got = ad.jacobian(lambda x: x[1:] * x[:-1], mode="sparse")(x)
    assert got.dtype == np.dtype(dtype)
    dense = ad.jacobian(lambda x: x[1:] * x[:-1])(x)
    np.testing.assert_allclose(got.toarray(), dense, rtol=1e-6)


def test_wide_and_tall_take_the_cheaper_mode():
    """Every output sees all inputs, or every input all outputs: one product either way."""
    x = np.linspace(0.0, 1.0, 4000)
    row = ad.jacobian(lambda x: np.sum(np.sin(x))[None], mode="sparse")(x)
    np.testing.assert_allclose(row.toarray()[0], np.cos(x))
    tall = ad.jacobian(lambda a: np.sin(a * x), mode="sparse")(2.0)
    np.testing.assert_allclose(tall.toarray()[:, 0], x * np.cos(2 * x))


def test_an_arrow_is_found_by_both_modes_together():
    n = 3000
    x = np.linspace(0.5, 1.5, n)

    def arrow(x):
        return np.concatenate([np.sum(x**2)[None], x[1:] * x[0]])

    got = ad.jacobian(arrow, mode="sparse")(x)
    assert got.nnz == n + 2 * (n - 1)
    np.testing.assert_allclose(got.toarray()[0], 2 * x)
    np.testing.assert_allclose(got.toarray()[1:, 0], x[1:])
    np.testing.assert_allclose(got.diagonal()[1:], x[0])
    lines = np.repeat(np.arange(n), np.diff(got.indptr))
    assert full_lines(lines, n) == (np.array([0]), 3)


def test_colours_of_a_band():
    band = sparse.diags_array([np.ones(99), np.ones(100), np.ones(99)], offsets=[-1, 0, 1]).tocoo()
    colours, count = colour_lines(band.row, band.col, (100, 100))
    assert count == 3
    assert colours[:6].tolist() == [0, 1, 2, 0, 1, 2]


def test_pattern_is_of_the_structure_not_of_the_values():
    graph_of = ad.api.gradients.Run(lambda x: x * x[::-1], (np.zeros(3),), {}, (0,), "jacobian")
    forward = graph_of.tape.pushforward()
    (pattern,) = pattern_of(forward.graph, graph_of.tape.residuals(forward))
    assert pattern.toarray().tolist() == [
        [True, False, True],
        [False, True, False],
        [True, False, True],
    ]


N = 100_000


def _reaction_diffusion(u):
    """Filled in place, as in textbooks."""
    rate = np.zeros_like(u)
    rate[1:-1] = u[2:] - 2 * u[1:-1] + u[:-2]
    rate[0] = u[1] - u[0]
    rate[-1] = u[-2] - u[-1]
    return rate + u * (1 - u**2)


def _grid(u):
    v = u.reshape(250, 400)
    w = v[1:-1, 1:-1]
    return 4 * w - v[:-2, 1:-1] - v[2:, 1:-1] - v[1:-1, :-2] - v[1:-1, 2:] + w**3


def _energy(u):
    return np.sum((u[1:] - u[:-1]) ** 2 / (1 + u[1:] ** 2)) + np.sum(np.cos(u))


@pytest.mark.parametrize(
    ("function", "make", "entries"),
    [
        (_reaction_diffusion, ad.jacobian, 3 * N - 2),
        (_grid, ad.jacobian, 5 * 248 * 398),
        (_energy, ad.hessian, 3 * N - 2),
    ],
)
def test_a_hundred_thousand_unknowns_within_seconds(function, make, entries, rng):
    u = rng.standard_normal(N)
    start = time.perf_counter()
    matrix = make(function, mode="sparse")(u)
    seconds = time.perf_counter() - start
    assert matrix.nnz == entries
    assert seconds < 10.0
    v = rng.standard_normal(N)
    wanted = ad.jvp(function if make is ad.jacobian else ad.grad(function), (u,), (v,))[1]
    np.testing.assert_allclose(matrix @ v, wanted.ravel(), rtol=1e-9, atol=1e-9)


def test_what_is_not_sparse_is_refused_before_memory_runs_out():
    u = np.ones(N)
    for f in (lambda u: u * np.sum(u**2), lambda u: np.fft.fft(u).real):
        with pytest.raises(StructureError) as caught:
            ad.jacobian(f, mode="sparse")(u)
        assert str(caught.value).startswith("jacobian: the derivative is not sparse: ")
        assert "test_sparse.py" in str(caught.value)


def test_a_plan_is_kept_until_what_it_rests_on_changes(monkeypatch):
    from adjoint.api import sparse_plan as module

    made = []
    real = module.pattern_of
    monkeypatch.setattr(module, "pattern_of", lambda *a: made.append(1) or real(*a))

    def f(x):
        return np.where(x > 0, x[::-1] * x, np.sin(x)) + np.cumsum(x)[0]

    jacobian, dense = ad.jacobian(f, mode="sparse"), ad.jacobian(f)
    points = np.random.default_rng(0).normal(size=(3, 7))
    points[1] = 2 * points[0]  # the same signs
    for x, plans in zip(points, (1, 1, 2), strict=True):
        np.testing.assert_allclose(jacobian(x).toarray(), dense(x), rtol=1e-14)
        assert len(made) == plans


def test_matrices_of_one_plan_share_nothing():
    jacobian = ad.jacobian(lambda x: x[1:] * x[:-1], mode="sparse")
    first, second = jacobian(np.arange(4.0)), jacobian(np.arange(4.0) + 1)
    first.indices[:] = 0
    first.indptr[:] = 0
    np.testing.assert_allclose(second.toarray(), [[2, 1, 0, 0], [0, 3, 2, 0], [0, 0, 4, 3]])
