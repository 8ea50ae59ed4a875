"""Labels outside the classes: refused where values are known and where they are not."""

from __future__ import annotations

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn, optim
from adjoint.errors import DataError

SCORES = np.array([[0.5, -1.0, 2.0], [0.0, 1.0, -2.0]])


@pytest.mark.parametrize("labels", [[0, 3], [-1, 2], [0, 2**40]])
def test_labels_outside_the_classes(labels: list[int]) -> None:
    y = np.array(labels)
    with pytest.raises(DataError, match="a label is outside the classes"):
        nn.cross_entropy(SCORES, y)
    with pytest.raises(IndexError, match="out of bounds"):
        ad.jit(nn.cross_entropy)(SCORES, y)
    with pytest.raises(IndexError, match="out of bounds"):
        ad.vmap(nn.cross_entropy)(SCORES, y)


def test_masked_places_may_hold_anything() -> None:
    y = np.array([-1, 1])
    mask = y >= 0
    want = nn.cross_entropy(SCORES[1:], y[1:])

    def loss(scores: np.ndarray, y: np.ndarray, mask: np.ndarray) -> float:
        return nn.cross_entropy(scores, y, weights=mask)

    assert loss(SCORES, y, mask) == want
    np.testing.assert_allclose(ad.jit(loss)(SCORES, y, mask), want, rtol=1e-15)
    with pytest.raises(IndexError, match="out of bounds"):
        ad.jit(loss)(SCORES, y, ~mask)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, bool])
def test_label_dtypes(dtype: type) -> None:
    y = np.array([0, 1]).astype(dtype)
    want = nn.cross_entropy(SCORES, np.array([0, 1]))
    assert nn.cross_entropy(SCORES, y) == want
    np.testing.assert_allclose(ad.jit(nn.cross_entropy)(SCORES, y), want, rtol=1e-15)


def test_training_stops_at_a_bad_label() -> None:
    x, y = np.ones((20, 4), np.float32), np.full(20, 3)
    with pytest.raises(DataError, match="a label is outside the classes"):
        ad.fit(
            nn.Linear(4, 3), (x, y), loss=nn.cross_entropy, optimizer=optim.sgd(0.1), batch_size=5
        )


def test_labels_of_sequences_outside_the_classes() -> None:
    scores = np.random.default_rng(0).normal(size=(2, 5, 3))
    targets = np.array([[1, 2, -1], [2, 3, -1]])
    chain = nn.CRF(3)

    def crf(scores: np.ndarray, targets: np.ndarray) -> float:
        return nn.crf_nll(chain(scores[:, :3]), targets)

    for loss in (nn.ctc, crf):
        right = np.where(targets == 3, 1, targets)
        np.testing.assert_allclose(ad.jit(loss)(scores, right), loss(scores, right), rtol=1e-12)
        with pytest.raises(DataError, match="a label is outside the classes"):
            loss(scores, targets)
        with pytest.raises(IndexError, match="out of bounds"):
            ad.jit(loss)(scores, targets)
