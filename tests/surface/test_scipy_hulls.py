"""Hulls, triangulations and Voronoi cells of recorded points."""

import numpy as np
import pytest
import scipy.spatial
from scipy.spatial import ConvexHull, Delaunay, Voronoi

import adjoint as ad
from adjoint.errors import UnsupportedError

RNG = np.random.default_rng(0)
POINTS = {d: RNG.random((7 + d, d)) for d in (2, 3, 4)}


def cells(x):
    voronoi = Voronoi(x)
    near = np.all(np.abs(voronoi.vertices - 0.5) < 1.0, axis=1)
    return np.sum(np.tanh(voronoi.vertices)[near])


def shares(x):
    """Barycentric coordinates of fixed places, as SciPy's documentation computes them."""
    triangulation = Delaunay(x)
    places = np.mean(x, axis=0) + 0.01 * np.arange(3.0)[:, None]
    at = triangulation.find_simplex(places)
    m = triangulation.transform[at]
    first = np.einsum("ijk,ik->ij", m[:, :-1], places - m[:, -1])
    return np.sum(np.sin(first))


def areas(x):
    corners = x[Delaunay(x).simplices]
    return np.sum(np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])) ** 2)


FUNCTIONS = {
    "volume": lambda x: ConvexHull(x).volume,
    "area": lambda x: scipy.spatial.ConvexHull(x).area,
    "equations": lambda x: np.sum(np.sin(ConvexHull(x).equations)),
    "corners": lambda x: np.sum(ConvexHull(x).points[ConvexHull(x).vertices] ** 2),
    "simplices": areas,
    "shares": shares,
    "cells": cells,
}


@pytest.mark.parametrize("dimensions", POINTS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_they_move_with_their_points(name, dimensions):
    f, x = FUNCTIONS[name], POINTS[dimensions]
    assert ad.value_and_grad(f)(x)[0] == f(x)
    ad.check_grads(f, (x,), order=2)


def test_corners_of_half_spaces():
    planes = np.array([[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [2.0, 1.0, -4.0], [-0.5, 1.0, -2.0]])

    def f(planes):
        found = scipy.spatial.HalfspaceIntersection(planes, np.array([0.5, 0.5]))
        return np.sum(np.sin(found.intersections))

    assert ad.value_and_grad(f)(planes)[0] == f(planes)
    ad.check_grads(f, (planes,), order=2)


def test_places_in_a_fixed_triangulation_inside_jit():
    triangulation = Delaunay(POINTS[2])

    def f(places):
        m = np.take(triangulation.transform, triangulation.find_simplex(places), axis=0)
        return np.sum(np.einsum("ijk,ik->ij", m[:, :2], places - m[:, 2]) ** 2)

    places = 0.5 + 0.1 * RNG.random((4, 2))
    np.testing.assert_allclose(ad.jit(ad.grad(f))(places), ad.grad(f)(places), rtol=1e-12)
    ad.check_grads(f, (places,))


SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


@pytest.mark.parametrize(
    ("f", "x", "text"),
    [
        (lambda x: np.sum(Voronoi(x).vertices), SQUARE, "more points on a circle"),
        (lambda x: np.sum(Delaunay(x).equations), POINTS[2], "Delaunay.equations"),
        (lambda x: ConvexHull(x).add_points(x), POINTS[2], "ConvexHull.add_points"),
        (ad.jit(lambda x: ConvexHull(x).volume), POINTS[2], "not known, inside jit"),
    ],
)
def test_what_does_not_move_smoothly_is_refused(f, x, text):
    with pytest.raises(UnsupportedError, match=text):
        ad.grad(f)(x)


def test_plain_points_have_scipys_own_objects():
    kinds = []

    def f(x):
        hull = ConvexHull(POINTS[2], incremental=True)
        kinds.append(type(hull))
        hull.add_points(np.array([[2.0, 2.0]]))
        return hull.volume * x

    assert ad.grad(f)(1.0) > 1.0
    assert kinds == [ConvexHull]
