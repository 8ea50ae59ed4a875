"""Trees of points of both classes, and what is said where points are not known."""

import numpy as np
import pytest
from scipy.spatial import KDTree, cKDTree

import adjoint as ad
from adjoint.errors import UnsupportedError


def test_the_compiled_tree_moves_as_well():
    points = np.random.default_rng(0).normal(size=(7, 2))
    plain = cKDTree(points)

    def f(x):
        tree = cKDTree(x)
        assert isinstance(tree, cKDTree)
        assert isinstance(plain, cKDTree)
        assert not isinstance(x, cKDTree)
        near = tree.query_ball_point(x[0], 1.5)
        assert sorted(near) == sorted(plain.query_ball_point(x[0], 1.5))
        pairs = tree.query_pairs(1.0)
        assert pairs == plain.query_pairs(1.0)
        assert tree.count_neighbors(plain, 1.0) == plain.count_neighbors(plain, 1.0)
        far, _ = tree.query(x[:3] * 1.01, k=2)
        between = sum(np.sum((x[a] - x[b]) ** 2) for a, b in sorted(pairs))
        return np.sum(far**2) + np.sum(x[near] ** 2) + between

    assert ad.value_and_grad(f)(points)[0] == f(points)
    ad.check_grads(f, (points,), order=2)


def test_trees_whose_points_are_not_known_do_not_count():
    points = np.random.default_rng(0).normal(size=(7, 2))
    for method in (
        lambda x: KDTree(points).query_ball_tree(KDTree(x), 1.0),
        lambda x: cKDTree(points).query_ball_point(x[0], 1.0),
        lambda x: cKDTree(x).query_pairs(1.0),
    ):
        with pytest.raises(UnsupportedError, match="recorded inside jit"):
            ad.jit(lambda x, method=method: x * len(method(x)))(points)
