"""Distances with weights, exponents that move, truths, and arcs between equal directions."""

from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.spatial
from scipy.spatial import distance

import adjoint as ad

rng = np.random.default_rng(0)
A, B = rng.normal(size=(3, 4)), rng.normal(size=(2, 4))
W = rng.uniform(0.5, 1.5, 4)
PLACES = rng.normal(size=(3, 2))


def followed(f: Any, *args: Any, order: int = 2, compiled: bool = False) -> None:
    """SciPy's value, and derivatives in both modes; those of compiled code if asked for."""
    value, pull = ad.vjp(f, *args)
    np.testing.assert_allclose(value, f(*args), rtol=1e-12, atol=1e-12)
    ad.check_grads(f, args, order=order)
    if not compiled:
        return
    bars = ad.vjp(ad.jit(f), *args)[1](np.ones_like(value))
    for ours, theirs in zip(bars, pull(np.ones_like(value)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", ["chebyshev", "cosine", "correlation", "braycurtis", "cb"])
def test_weights(name: str) -> None:
    followed(lambda a, b, w: distance.cdist(a, b, name, w=w), A, B, W)
    followed(lambda a, w: distance.pdist(a, name, w=w), A, W, order=1)


@pytest.mark.parametrize("p", [1.0, 2.0, 2.5])
def test_an_exponent_moves_where_scipy_has_a_formula_of_its_own(p: float) -> None:
    followed(
        lambda a, b, p: distance.cdist(a, b, "minkowski", p=p), A, B, np.float64(p), compiled=p == 2
    )
    followed(lambda a, p, w: distance.minkowski(a, B[0], p, w), A[0], np.float64(p), W, order=1)


def test_an_exponent_of_equal_points_and_an_infinite_one() -> None:
    def f(p: Any) -> Any:
        return np.sum(distance.cdist(A, A[:2] + np.eye(4)[:2], "minkowski", p=p))

    followed(f, np.float64(2.0))
    slope = ad.grad(lambda a, p: distance.minkowski(a, B[0], p))
    for run in (slope, ad.jit(slope)):
        assert np.count_nonzero(run(A[0], np.inf)) == 1


TRUTHS = ["dice", "yule", "rogerstanimoto", "russellrao", "sokalsneath", "hamming", "jaccard"]


@pytest.mark.parametrize("name", TRUTHS)
def test_weights_of_truths(name: str) -> None:
    followed(lambda w: distance.cdist(A > 0, B > 0, name, w=w), W, order=1)
    followed(lambda w: getattr(distance, name)(A[0] > 0, B[0] > 0, w), W)
    shares = rng.uniform(0.2, 0.8, (2, 4))
    followed(lambda u, v: getattr(distance, name)(u, v), *shares, order=1)


def test_a_function_of_the_users_with_a_name_of_scipys() -> None:
    def cosine(u: Any, v: Any) -> Any:
        return np.sum((u - v) ** 4)

    followed(lambda a: distance.cdist(a, B, cosine), A, order=1)
    followed(lambda p: distance.pdist(A, lambda u, v: p * np.sum(np.abs(u - v))), np.float64(0.7))


def test_points_of_different_dimensions_are_an_error() -> None:
    with pytest.raises(ValueError, match="of one dimension"):
        ad.vjp(lambda a: distance.cdist(a, B[:, :1]), A)


def test_the_farthest_of_the_nearest() -> None:
    followed(lambda a, b: distance.directed_hausdorff(a, b)[0], A, B, order=1)
    assert (
        ad.vjp(lambda a: distance.directed_hausdorff(a, B)[1:], A)[0]
        == (distance.directed_hausdorff(A, B)[1:])
    )


def test_a_compiled_tree_of_fixed_points() -> None:
    for kind in (scipy.spatial.cKDTree, scipy.spatial.KDTree):
        tree = kind(rng.normal(size=(9, 2)))
        followed(lambda x, tree=tree: tree.query(x, k=[1, 3], p=3)[0], PLACES)
        followed(lambda x, p, tree=tree: tree.query(x, 2, p=p)[0], PLACES, 2.0, order=1,
                 compiled=True)  # fmt: skip
        assert type(tree.query(PLACES[0])[1]) is not np.ndarray


def test_arcs() -> None:
    def f(a: Any, b: Any, t: Any) -> Any:
        return scipy.spatial.geometric_slerp(a / np.linalg.norm(a), b / np.linalg.norm(b), t)

    t = np.array([0.0, 0.3, 1.0])
    for end in (A[0], A[0] + 0.01 * B[0]):
        followed(f, A[0], end, t)
    followed(f, A[0], B[0], np.float64(0.3), order=1, compiled=True)


@pytest.mark.parametrize("metric", ["braycurtis", "canberra", "cosine", "euclidean"])
def test_sets_of_points_have_scipys_digits_in_double_precision(metric: str) -> None:
    points = np.random.default_rng(2).uniform(size=(12, 9)).astype(np.float32)
    for x in (points, points.astype(float)):
        for f in (lambda x: distance.pdist(x, metric), lambda x: distance.cdist(x, x[:3], metric)):
            made = ad.vjp(f, x)[0]
            np.testing.assert_array_equal(made, f(x))
            assert made.dtype == np.asarray(ad.jit(f)(x)).dtype == np.float64


def test_no_distance_is_below_zero() -> None:
    x = np.random.default_rng(0).uniform(size=(200, 9))
    assert np.min(ad.jit(lambda x: np.stack([distance.cosine(y, 3 * y) for y in x]))(x)) >= 0
