"""scipy.cluster, scipy.stats.qmc and scipy.constants on recorded points."""

import numpy as np
import pytest
from scipy import constants
from scipy.cluster import hierarchy
from scipy.cluster.vq import kmeans, kmeans2, vq, whiten
from scipy.spatial.distance import pdist
from scipy.stats import binned_statistic, binned_statistic_2d, qmc

import adjoint as ad
from adjoint.errors import UnsupportedError

X = 0.3 + 0.4 * np.random.default_rng(0).random((7, 3))
W = np.cos(np.arange(1.0, 22.0))
METHODS = ["single", "complete", "average", "weighted", "centroid", "median", "ward"]


def right(f, x, jit=True):
    """SciPy's value by bits, derivatives to the second order, and the same inside jit."""
    value, slope = ad.value_and_grad(f)(x)
    assert value == f(x)
    ad.check_grads(f, (x,), order=2)
    if jit:
        compiled = ad.jit(ad.value_and_grad(f))(x)
        np.testing.assert_allclose(compiled[0], value, rtol=1e-12)
        np.testing.assert_allclose(compiled[1], slope, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_heights_of_merged_clusters_move(method):
    right(lambda x: W[:6] @ hierarchy.linkage(x, method)[:, 2], X, jit=False)
    right(lambda y: W[:6] @ getattr(hierarchy, method)(y)[:, 2], pdist(X), jit=False)


def test_options_of_linkage():
    def f(x):
        tree = hierarchy.linkage(x, "average", metric="cityblock", optimal_ordering=True)
        return W[:6] @ tree[:, 2]

    right(f, X, jit=False)


def test_cophenetic_distances_move():
    right(lambda x: W @ hierarchy.cophenet(hierarchy.linkage(x, "average")), X, jit=False)
    right(lambda x: hierarchy.cophenet(hierarchy.average(x), pdist(x))[0], X, jit=False)


def test_which_cluster_is_scipys_choice():
    def clusters(x):
        tree = hierarchy.linkage(x, "average")
        return hierarchy.fcluster(tree, 3, "maxclust"), hierarchy.leaves_list(tree)

    found = ad.value_and_grad(lambda x: (x.sum(), clusters(x)), has_aux=True)(X)[0][1]
    for ours, theirs in zip(found, clusters(X), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_trees_of_unknown_points_are_refused():
    with pytest.raises(UnsupportedError, match="not known, inside jit"):
        ad.jit(lambda x: hierarchy.linkage(x)[:, 2])(X)


def test_quantized_vectors():
    right(lambda x: np.sum(whiten(x) * W.reshape(7, 3)), X)
    right(lambda x: W[:7] @ vq(x, 1.1 * X[:2])[1], X)
    right(lambda book: W[:7] @ vq(X, book)[1], 1.1 * X[:2])


@pytest.mark.parametrize("iterative", [False, True])
@pytest.mark.parametrize("method", ["CD", "WD", "MD", "L2-star"])
def test_discrepancies(method, iterative):
    right(lambda x: qmc.discrepancy(x, method=method, iterative=iterative), X)


@pytest.mark.parametrize("method", ["mindist", "mst"])
def test_geometric_discrepancies(method):
    right(lambda x: qmc.geometric_discrepancy(x, method=method), X)


def test_designs_are_scaled():
    right(lambda x: np.sum(qmc.scale(x, [0, 1, 2], [3, 4, 5]) ** 2), X)


@pytest.mark.parametrize("statistic", ["mean", "sum", "std", "median", "max"])
def test_bins_laid_out_by_the_sample(statistic):
    x, v = np.random.default_rng(1).random((2, 20))

    def f(t):
        values, edges, _ = binned_statistic(x * t, v * t, statistic, bins=4)
        plane = binned_statistic_2d(x * t, v, v * t, statistic, bins=2)[0]
        return values.sum() + W[:5] @ edges + plane.sum()

    value, slope = ad.value_and_grad(f)(1.0)
    assert value == f(1.0)
    np.testing.assert_allclose(slope, value, rtol=1e-12)  # all of it grows with t


def test_units_are_converted():
    def f(x):
        return 1e-9 * np.sum(constants.lambda2nu(x) + constants.nu2lambda(x)) + np.sum(
            constants.convert_temperature(x, "C", "F")
        )

    right(f, X)


def test_trees_from_elsewhere_and_in_another_order():
    tree = hierarchy.to_mlab_linkage(hierarchy.linkage(X, "average"))

    def reordered(x):
        far = pdist(x)
        return W[:6] @ hierarchy.optimal_leaf_ordering(hierarchy.average(far), far)[:, 2]

    def of_heights(heights):
        z = np.column_stack([tree[:, :2], heights])
        return np.sum(np.sin(hierarchy.from_mlab_linkage(z)))

    right(reordered, X, jit=False)
    right(of_heights, tree[:, 2], jit=False)


def test_means_of_clusters_move_with_their_members():
    points = np.concatenate([X, X + np.array([2.0, 0.0, 1.0])])
    guess = points[[0, 8]]
    rng = np.random.default_rng(0)
    w = rng.random((2, 3))

    def found(x):
        book, far = kmeans(x, guess)
        return np.sum(w * book**2) + far

    right(found, points, jit=False)
    right(lambda x: np.sum(w * kmeans2(x, guess, minit="matrix")[0] ** 2), points, jit=False)
    right(lambda x: w[0, :2] @ kmeans(x, guess[:, 0])[0], points[:, 0], jit=False)
    codes = ad.value_and_grad(
        lambda x: (x.sum(), kmeans2(x, guess, minit="matrix")[1]), has_aux=True
    )(points)[0][1]
    np.testing.assert_array_equal(codes, np.repeat([0, 1], 7))
    lost = np.array([[0.5, 0.5, 0.5], [9.0, 9.0, 9.0]])
    alone = lambda x: np.sum(kmeans2(x, lost, minit="matrix")[0])  # noqa: E731
    with (
        pytest.warns(UserWarning, match="clusters is empty"),
        pytest.raises(UnsupportedError, match="empty, or still change"),
    ):
        ad.grad(alone)(X)
