import numpy as np
import pytest
from sklearn import metrics as theirs

from adjoint import nn
from adjoint.errors import StructureError

RNG = np.random.default_rng(0)
SCORES = RNG.standard_normal((60, 4))
LABELS = RNG.integers(0, 3, 60)  # class 3 never occurs
GUESS = SCORES.argmax(1)
TWO = np.round(RNG.standard_normal(60), 1)  # with ties
BINARY = (TWO + RNG.standard_normal(60) > 0).astype(int)
Y, T = RNG.standard_normal((30, 2)), RNG.standard_normal((30, 2))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", theirs.accuracy_score(LABELS, GUESS)),
        ("f1_macro", theirs.f1_score(LABELS, GUESS, average="macro", zero_division=0)),
        ("f1_weighted", theirs.f1_score(LABELS, GUESS, average="weighted", zero_division=0)),
        (
            "precision_macro",
            theirs.precision_score(LABELS, GUESS, average="macro", zero_division=0),
        ),
        ("recall_macro", theirs.recall_score(LABELS, GUESS, average="macro", zero_division=0)),
        (
            "recall_weighted",
            theirs.recall_score(LABELS, GUESS, average="weighted", zero_division=0),
        ),
        (
            "precision_weighted",
            theirs.precision_score(LABELS, GUESS, average="weighted", zero_division=0),
        ),
        ("matthews_corrcoef", theirs.matthews_corrcoef(LABELS, GUESS)),
        ("log_loss", theirs.log_loss(LABELS, nn.softmax(SCORES), labels=range(4))),
        ("top_k_accuracy", theirs.top_k_accuracy_score(LABELS, SCORES, labels=range(4))),
    ],
)
def test_many_classes_as_scikit_learn_has_them(name, expected):
    assert nn.metrics.metric(name)(SCORES, LABELS) == pytest.approx(expected, rel=1e-12)
    if name not in ("log_loss", "top_k_accuracy"):
        one_hot = np.eye(4)[LABELS]
        assert nn.metrics.metric(name)(SCORES, one_hot) == pytest.approx(expected, rel=1e-12)


def test_balanced_accuracy_counts_the_classes_that_occur():
    expected = np.mean([(GUESS[k == LABELS] == k).mean() for k in range(3)])
    assert nn.metrics.balanced_accuracy(SCORES, LABELS) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", theirs.accuracy_score(BINARY, TWO > 0)),
        ("f1", theirs.f1_score(BINARY, TWO > 0)),
        ("precision", theirs.precision_score(BINARY, TWO > 0)),
        ("recall", theirs.recall_score(BINARY, TWO > 0)),
        ("roc_auc", theirs.roc_auc_score(BINARY, TWO)),
        ("matthews_corrcoef", theirs.matthews_corrcoef(BINARY, TWO > 0)),
        ("neg_log_loss", theirs.log_loss(BINARY, nn.sigmoid(TWO))),
    ],
)
def test_two_classes_as_scikit_learn_has_them(name, expected):
    metric = nn.metrics.metric(name)
    assert metric(TWO, BINARY) == pytest.approx(expected, rel=1e-12)
    assert metric(TWO[:, None], BINARY[:, None] if name == "accuracy" else BINARY) == (
        pytest.approx(expected, rel=1e-12)
    )
    if name != "neg_log_loss":
        both = np.stack([np.zeros(60), TWO], 1)
        assert metric(both, BINARY) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("neg_mean_squared_error", theirs.mean_squared_error(T, Y)),
        ("root_mean_squared_error", np.sqrt(theirs.mean_squared_error(T, Y))),
        ("mean_absolute_error", theirs.mean_absolute_error(T, Y)),
        ("max_error", np.abs(T - Y).max()),
        ("r2_score", theirs.r2_score(T, Y)),
        ("explained_variance", theirs.explained_variance_score(T, Y)),
    ],
)
def test_numbers_as_scikit_learn_has_them(name, expected):
    assert nn.metrics.metric(name)(Y, T) == pytest.approx(expected, rel=1e-12)


def test_edges():
    same = np.ones((3, 1))
    assert nn.metrics.r2(same, same) == 1
    assert nn.metrics.r2(0 * same, same) == 0
    assert nn.metrics.metric(nn.metrics.r2) is nn.metrics.r2
    with pytest.raises(StructureError, match="unknown metric"):
        nn.metrics.metric("magic")
    with pytest.raises(StructureError, match="unknown average"):
        nn.metrics.f1(SCORES, LABELS, average="median")
    with pytest.raises(StructureError, match="different shapes"):
        nn.metrics.accuracy(SCORES, LABELS[:5])
