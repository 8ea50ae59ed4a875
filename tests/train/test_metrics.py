"""Metrics against scikit-learn's, weights and corners included."""

import functools
import warnings

import numpy as np
import pytest
from sklearn import metrics as reference

from adjoint.errors import DataError, StructureError
from adjoint.train.metrics import NAMES, check, score

rng = np.random.default_rng(0)
N = 57
LOGITS = rng.normal(size=(N, 3)) * 2
THREE = rng.integers(0, 3, N)
SCORES = rng.normal(size=N)
TWO = rng.integers(0, 2, N)
VALUES = rng.normal(size=(N, 2)) + 3
GUESS = VALUES + 0.3 * rng.normal(size=(N, 2))
WEIGHTS = rng.uniform(0.1, 3, N)


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def averaged(what, average):
    function = getattr(reference, f"{what}_score")
    return functools.partial(function, average=average, zero_division=0)


CLASS_SCORES = {
    "accuracy": reference.accuracy_score,
    "balanced_accuracy": reference.balanced_accuracy_score,
    "matthews_corrcoef": reference.matthews_corrcoef,
    **{
        f"{what}_{average}": averaged(what, average)
        for what in ("precision", "recall", "f1")
        for average in ("macro", "micro", "weighted")
    },
}
VALUE_SCORES = {
    "r2": reference.r2_score,
    "explained_variance": reference.explained_variance_score,
    "neg_mean_squared_error": lambda *a, **k: -reference.mean_squared_error(*a, **k),
    "neg_root_mean_squared_error": lambda *a, **k: -reference.root_mean_squared_error(*a, **k),
    "neg_mean_absolute_error": lambda *a, **k: -reference.mean_absolute_error(*a, **k),
    "neg_mean_absolute_percentage_error": (
        lambda *a, **k: -reference.mean_absolute_percentage_error(*a, **k)
    ),
}


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("name", CLASS_SCORES)
def test_scores_of_classes(name, weights):
    wanted = CLASS_SCORES[name](THREE, LOGITS.argmax(1), sample_weight=weights)
    assert score(name, LOGITS, THREE, weights) == pytest.approx(wanted, rel=1e-12)
    one_hot = np.eye(3)[THREE]
    assert score(name, LOGITS, one_hot, weights) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("name", ["precision", "recall", "f1", "accuracy"])
@pytest.mark.parametrize("output", [SCORES, SCORES[:, None], np.stack([-SCORES, SCORES], axis=1)])
def test_scores_of_two_classes_from_one_logit_or_two(output, name, weights):
    wanted = getattr(reference, f"{name}_score")(TWO, SCORES > 0, sample_weight=weights)
    assert score(name, output, TWO, weights) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_scores_of_probabilities(weights):
    shares = softmax(LOGITS)
    wanted = -reference.log_loss(THREE, shares, sample_weight=weights)
    assert score("neg_log_loss", LOGITS, THREE, weights) == pytest.approx(wanted, rel=1e-12)
    wanted = reference.roc_auc_score(THREE, shares, multi_class="ovr")
    assert score("roc_auc", LOGITS, THREE) == pytest.approx(wanted, rel=1e-12)
    tied = np.round(SCORES)
    wanted = reference.roc_auc_score(TWO, tied, sample_weight=weights)
    assert score("roc_auc", tied, TWO, weights) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("name", VALUE_SCORES)
def test_scores_of_values(name, weights):
    wanted = VALUE_SCORES[name](VALUES, GUESS, sample_weight=weights)
    assert score(name, GUESS, VALUES, weights) == pytest.approx(wanted, rel=1e-12)
    one = VALUE_SCORES[name](VALUES[:, 0], GUESS[:, 0], sample_weight=weights)
    assert score(name, GUESS[:, :1], VALUES[:, 0], weights) == pytest.approx(one, rel=1e-12)


def test_scores_of_single_values():
    y, p = VALUES[:, 0], GUESS[:, 0]
    assert score("neg_max_error", p, y) == pytest.approx(-reference.max_error(y, p))
    wanted = -reference.median_absolute_error(y, p)
    assert score("neg_median_absolute_error", p, y) == pytest.approx(wanted)


def test_corners():
    assert score("r2", np.ones((3, 1)), np.ones((3, 1))) == 1.0
    assert score("r2", np.zeros((3, 1)), np.ones((3, 1))) == 0.0
    assert np.isnan(score("roc_auc", SCORES, np.zeros(N, int)))
    assert score("f1", -np.ones(4), np.array([0, 0, 0, 0])) == 0.0
    assert score("accuracy", np.array([[1.0, 2.0]]), np.array([1])) == 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = reference.matthews_corrcoef([0, 0], [0, 0])
    assert score("matthews_corrcoef", np.array([[1.0, 0.0]] * 2), np.array([0, 0])) == wanted
    # A label for every step of a sequence.
    steps = rng.normal(size=(4, 6, 3))
    assert score("accuracy", steps, steps.argmax(-1)) == 1.0


def test_a_function_gets_labels_or_values():
    wanted = reference.zero_one_loss(THREE, LOGITS.argmax(1))
    assert score(reference.zero_one_loss, LOGITS, THREE) == pytest.approx(wanted)
    found = score(lambda y, p: np.abs(y - p).sum(), GUESS, VALUES)
    assert found == pytest.approx(np.abs(VALUES - GUESS).sum())


def test_names_are_scikit_learns_and_others_are_refused():
    known = set(reference.get_scorer_names())
    assert {name for name in NAMES if name not in known} <= {"neg_max_error"}
    assert list(check("accuracy")) == ["accuracy"]
    assert list(check([reference.zero_one_loss, "f1"])) == ["zero_one_loss", "f1"]
    with pytest.raises(StructureError, match="unknown metric 'acc'"):
        check(["acc"])
    with pytest.raises(DataError, match="does not fit the targets"):
        score("accuracy", GUESS, VALUES)
    with pytest.raises(DataError, match="does not fit the targets"):
        score("r2", LOGITS, THREE)
    with pytest.raises(StructureError, match="f1_macro"):
        score("f1", LOGITS, THREE)


def test_a_mask_of_steps_leaves_steps_out_and_weights_of_steps_count():
    rng = np.random.default_rng(0)
    mask = np.arange(6) < np.array([6, 2, 0, 3])[:, None]
    logits, labels = rng.normal(size=(4, 6, 3)), rng.integers(0, 3, (4, 6))
    right = logits.argmax(-1) == labels
    assert score("accuracy", logits, labels, mask) == pytest.approx(right[mask].mean())
    weights = rng.uniform(size=(4, 6))
    wanted = np.average(right, weights=weights)
    assert score("accuracy", logits, labels, weights) == pytest.approx(wanted)
    y, t = rng.normal(size=(4, 6, 2)), rng.normal(size=(4, 6, 2))
    y[~mask] = 1e9
    assert score("neg_max_error", y, t, mask) == -np.abs(y - t)[mask].max()
    assert score("r2", y, t, mask) == pytest.approx(score("r2", y[mask], t[mask]))


@pytest.mark.parametrize("what", ["precision", "recall", "f1"])
@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
def test_nothing_right_is_a_score_of_0(what, average):
    output, labels = np.eye(3)[[0, 1, 2, 0]], np.array([1, 2, 0, 2])
    (metric,) = check([f"{what}_{average}"]).values()
    assert score(metric, output, labels, None) == 0.0
