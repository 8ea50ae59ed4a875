"""Masks, labels, ranks and verdicts: SciPy's, in every mode, and nothing in them moves."""

import numpy as np
import pytest
from scipy import linalg, ndimage, signal, stats
from scipy.spatial import distance

import adjoint as ad
from adjoint.errors import ConcreteValueError

X = np.abs(np.random.default_rng(0).normal(size=(7, 9)))
SQUARE = X[:5, :5] @ X[:5, :5].T


def labels_written(x):
    labels = np.zeros(x.shape, np.int64)
    return ndimage.label(x > 0.5, output=labels), labels


def dilated_into(x):
    mask = np.zeros(x.shape, bool)
    ndimage.binary_dilation(x > 0.9, output=mask)
    return mask


def distances_into(x):
    far, nearest = np.zeros(x.shape), np.zeros((2, *x.shape), np.int32)
    nothing = ndimage.distance_transform_edt(
        x > 0.5, return_indices=True, distances=far, indices=nearest
    )
    assert nothing is None
    return far, nearest


DECIDED = {
    "erosion of floats": lambda x: ndimage.binary_erosion(x, iterations=2),
    "dilation": lambda x: ndimage.binary_dilation(x > 0.9, np.ones((2, 3))),
    "dilation into an array": dilated_into,
    "holes": lambda x: ndimage.binary_fill_holes(x > 0.5),
    "propagation": lambda x: ndimage.binary_propagation(x > 1.5, mask=x > 0.2),
    "label": lambda x: ndimage.label(x > 0.5),
    "label of floats": lambda x: ndimage.label(x),
    "label into an array": labels_written,
    "euclidean": lambda x: ndimage.distance_transform_edt(x > 0.5, sampling=[1.0, 2.0]),
    "euclidean of floats": lambda x: ndimage.distance_transform_edt(x, return_indices=True),
    "euclidean into arrays": distances_into,
    "chamfer": lambda x: ndimage.distance_transform_cdt(x > 0.5, return_distances=True),
    "brute force": lambda x: ndimage.distance_transform_bf(x > 0.5),
    "watershed": lambda x: ndimage.watershed_ift(
        (50 * x).astype(np.uint8), (x > 1.5).astype(np.int64)
    ),
    "highest": lambda x: ndimage.maximum_position(x),
    "bandwidth": lambda x: linalg.bandwidth(np.triu(x, 1)),
    "symmetric": lambda x: linalg.issymmetric(SQUARE * x[0, 0]),
    "hermitian": lambda x: linalg.ishermitian(x[:5, :5]),
    "overlap": lambda x: signal.check_NOLA(x[0, :8], 8, 4),
    "distances": lambda x: distance.is_valid_dm(distance.squareform(x[0, :6])),
    "how many": lambda x: distance.num_obs_y(x[0, :6]),
    "ranks": lambda x: stats.rankdata(x, axis=1),
    "dense ranks": lambda x: stats.rankdata(x.round(1), method="dense"),
}
MODES = {
    "reverse": lambda f: ad.value_and_grad(f, has_aux=True)(X)[0][1],
    "jit": lambda f: ad.jit(ad.value_and_grad(f, has_aux=True))(X)[0][1],
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", DECIDED)
def test_what_values_decide_is_scipys(name, mode):
    def both(x):
        return np.sum(x), DECIDED[name](x)

    expected = DECIDED[name](X)
    found = MODES[mode](both)
    if not isinstance(expected, tuple):
        expected, found = (expected,), (found,)
    for theirs, ours in zip(expected, found, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert np.asarray(ours).dtype == np.asarray(theirs).dtype


def test_masks_choose_what_moves():
    def f(x):
        mask = ndimage.binary_dilation(x > 0.9)
        labels, count = ndimage.label(mask)
        return np.sum(x[mask] ** 2) + np.sum(ndimage.sum_labels(x, labels, range(1, count + 1)))

    mask = ndimage.binary_dilation(X > 0.9)
    np.testing.assert_allclose(ad.grad(f)(X), np.where(mask, 2 * X + 1, 0), rtol=1e-15)


def test_images_are_looked_at_one_by_one():
    stack = np.stack([X, X[::-1]])
    found = ad.vmap(lambda x: ndimage.binary_dilation(x > 0.9))(stack)
    np.testing.assert_array_equal(found, [ndimage.binary_dilation(x > 0.9) for x in stack])


def test_lists_whose_length_is_not_known_are_refused():
    with pytest.raises(ConcreteValueError, match="the number of results depends on values"):
        ad.jit(lambda x: x * len(ndimage.find_objects(ndimage.label(x > 0.5)[0])))(X)
