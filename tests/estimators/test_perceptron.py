"""Estimators: scikit-learn's own checks, its own numbers, and what it does not have."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn import neural_network as reference
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from adjoint import nn, optim
from adjoint.estimators import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4))
Y = {
    "three": rng.integers(0, 3, 60),
    "two": np.where(X[:, 0] > 0, "yes", "no"),
    "several": np.column_stack([X[:, 0] > 0, X[:, 1] > 0]).astype(int),
    "value": X @ [1.0, 2.0, 3.0, 4.0],
    "values": np.column_stack([X[:, 0] ** 2, X @ [1.0, 2.0, 3.0, 4.0]]),
}


def pair(kind):
    if kind in ("value", "values"):
        return MLPRegressor, reference.MLPRegressor
    return MLPClassifier, reference.MLPClassifier


# --- scikit-learn's checks -----------------------------------------------------------------------


@pytest.mark.parametrize(("estimator", "least"), [(MLPClassifier, 63), (MLPRegressor, 56)])
def test_check_estimator_passes_in_full(estimator, least):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # The epochs that scikit-learn's tests give its own networks.
        results = check_estimator(estimator(max_iter=100), on_fail=None)
    failed = [r["check_name"] for r in results if r["status"] not in ("passed", "skipped")]
    passed = [r["check_name"] for r in results if r["status"] == "passed"]
    print(f"{estimator.__name__}: {len(passed)} checks passed of {len(results)}")
    assert failed == []
    # What is skipped wants pandas, array-API mode or a decision_function.
    assert len(passed) >= least


# --- scikit-learn's numbers ----------------------------------------------------------------------


SGD = {
    "sgd": {},
    "plain": {"momentum": 0.0},
    "heavy ball": {"nesterovs_momentum": False},
    "invscaling": {"learning_rate": "invscaling", "momentum": 0.0},
    "penalty": {"alpha": 0.5, "activation": "tanh"},
    "logistic": {"activation": "logistic"},
    "identity": {"activation": "identity"},
}


@pytest.mark.parametrize("kind", Y)
@pytest.mark.parametrize("name", SGD)
def test_gradient_descent_takes_scikit_learns_steps_to_rounding(name, kind):
    ours, theirs = pair(kind)
    settings = {
        "hidden_layer_sizes": (6, 5), "max_iter": 30, "random_state": 3, "solver": "sgd",
        "learning_rate_init": 0.01, "tol": 0.0, "n_iter_no_change": 50, **SGD[name],
    }  # fmt: skip
    a, b = ours(**settings).fit(X, Y[kind]), theirs(**settings).fit(X, Y[kind])
    for mine, wanted in zip([*a.coefs_, *a.intercepts_], [*b.coefs_, *b.intercepts_], strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-9, atol=1e-12)
    assert a.n_iter_ == b.n_iter_
    assert (a.n_layers_, a.n_outputs_, a.out_activation_) == (
        b.n_layers_, b.n_outputs_, b.out_activation_,
    )  # fmt: skip
    predicted = a.predict(X)
    assert predicted.dtype == b.predict(X).dtype
    if kind in ("value", "values"):
        np.testing.assert_allclose(predicted, b.predict(X), rtol=1e-9)
    else:
        assert np.array_equal(predicted, b.predict(X))
        np.testing.assert_allclose(a.predict_proba(X), b.predict_proba(X), rtol=1e-8)
        np.testing.assert_allclose(a.predict_log_proba(X), b.predict_log_proba(X), rtol=1e-7)


@pytest.mark.parametrize("kind", Y)
def test_adam_agrees_where_no_gradient_is_almost_zero(kind):
    ours, theirs = pair(kind)
    settings = {
        "hidden_layer_sizes": (6,), "activation": "tanh", "max_iter": 20, "random_state": 3,
        "learning_rate_init": 0.01, "epsilon": 1e-14,
    }  # fmt: skip
    a, b = ours(**settings).fit(X, Y[kind]), theirs(**settings).fit(X, Y[kind])
    for mine, wanted in zip(a.coefs_, b.coefs_, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-6, atol=1e-9)


def test_lbfgs_walks_scikit_learns_way():
    settings = {"hidden_layer_sizes": (5,), "solver": "lbfgs", "max_iter": 40, "random_state": 0}
    a = MLPRegressor(**settings).fit(X, Y["value"])
    b = reference.MLPRegressor(**settings).fit(X, Y["value"])
    assert a.loss_ == pytest.approx(b.loss_, rel=1e-6)
    assert a.n_iter_ == b.n_iter_


def test_sample_weights_count_as_repetition():
    weights = rng.integers(1, 4, 60)
    settings = {"solver": "sgd", "max_iter": 20, "random_state": 0, "activation": "tanh"}
    weighted = MLPClassifier(**settings).fit(X, Y["three"], sample_weight=weights)
    rows = np.repeat(np.arange(60), weights)
    repeated = MLPClassifier(**settings).fit(X[rows], Y["three"][rows])
    for a, b in zip(weighted.coefs_, repeated.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


# --- a day's work --------------------------------------------------------------------------------


def test_digits_are_learned_by_native_code():
    data = load_digits()
    train, test, y_train, y_test = train_test_split(
        data.data / 16, data.target, random_state=0, stratify=data.target
    )
    model = MLPClassifier((64,), max_iter=30, batch_size=16, random_state=0, dropout=0.2)
    assert model.fit(train, y_train).score(test, y_test) > 0.96
    assert np.array_equal(model.predict(test), clone(model).fit(train, y_train).predict(test))


def test_pipelines_searches_copies_and_pickles():
    features, labels = load_iris(return_X_y=True)
    model = make_pipeline(
        StandardScaler(), MLPClassifier((6,), max_iter=40, random_state=0, learning_rate_init=0.03)
    )
    search = GridSearchCV(model, {"mlpclassifier__alpha": [1e-4, 10.0]}, cv=2)
    search.fit(features, labels)
    assert search.best_score_ > 0.7
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    assert np.array_equal(again.predict(features), search.predict(features))


def test_partial_fit_and_warm_start_go_on_with_the_optimiser():
    settings = {"random_state": 0, "shuffle": False, "batch_size": 60, "activation": "tanh"}
    whole = MLPClassifier(max_iter=6, **settings).fit(X, Y["three"])
    parts = MLPClassifier(**settings)
    parts.partial_fit(X, Y["three"], classes=[0, 1, 2])
    for _ in range(5):
        parts.partial_fit(X, Y["three"])
    warm = MLPClassifier(max_iter=3, warm_start=True, **settings)
    warm.fit(X, Y["three"]).fit(X, Y["three"])
    for other in (parts, warm):
        for a, b in zip(whole.coefs_, other.coefs_, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    assert whole.n_iter_ == parts.n_iter_ == warm.n_iter_ == 6
    assert whole.t_ == parts.t_ == 360
    with pytest.raises(ValueError, match="classes not in the first call"):
        parts.partial_fit(X, np.full(60, 7))
    with pytest.raises(AttributeError, match="lbfgs"):
        MLPClassifier(solver="lbfgs").partial_fit(X, Y["three"])


def test_runs_end_early_and_say_when_they_do_not():
    model = MLPClassifier(
        (8,), max_iter=300, early_stopping=True, random_state=0, n_iter_no_change=4
    )
    model.fit(X, Y["two"])
    assert model.n_iter_ < 300
    assert len(model.validation_scores_) == model.n_iter_
    held = MLPClassifier((8,), max_iter=3, validation_data=(X, Y["two"]), random_state=0)
    held.fit(X, Y["two"])
    assert held.validation_scores_[-1] == pytest.approx(held.score(X, Y["two"]))
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(2\)"):
        MLPClassifier(max_iter=2).fit(X, Y["two"])


# --- what scikit-learn's networks do not have ---------------------------------------------------


def test_dropout_class_weights_losses_optimisers_and_callbacks():
    rare = np.where(rng.uniform(size=60) < 0.1, "rare", "usual")
    settings = {"max_iter": 60, "random_state": 0, "solver": optim.adam(0.02)}
    plain = MLPClassifier((8,), **settings).fit(X, rare)
    balanced = MLPClassifier((8,), class_weight="balanced", **settings).fit(X, rare)
    named = MLPClassifier((8,), class_weight={"rare": 1e6}, **settings).fit(X, rare)
    shares = [m.predict_proba(X)[:, 0].mean() for m in (plain, balanced, named)]
    assert shares[0] < shares[1] < shares[2]

    seen = []
    dropped = MLPClassifier(
        (8,), dropout=0.5, callbacks=[lambda run, row: seen.append(row)], **settings
    )
    dropped.fit(X, Y["three"])
    assert len(seen) == dropped.n_iter_
    assert any(isinstance(layer, nn.Dropout) for layer in dropped.model_.layers)
    assert np.array_equal(dropped.predict(X), dropped.predict(X))

    outlier = Y["value"].copy()
    outlier[0] = 1e4
    robust = MLPRegressor((16,), loss=nn.mean_absolute_error, max_iter=300, random_state=0,
                          solver=optim.adam(0.02)).fit(X, outlier)  # fmt: skip
    assert np.median(np.abs(robust.predict(X) - outlier)) < 1.0


def test_float32_stays_float32():
    model = MLPRegressor((4,), max_iter=2).fit(X.astype(np.float32), Y["value"].astype(np.float32))
    assert {w.dtype for w in model.coefs_} == {np.dtype(np.float32)}
    assert model.predict(X.astype(np.float32)).dtype == np.float32


def test_parameters_are_refused_by_name():
    bad = {
        "hidden_layer_sizes": (0,), "activation": "relux", "solver": "newton", "alpha": -1,
        "batch_size": 0, "learning_rate": "fast", "learning_rate_init": 0, "max_iter": 0,
        "tol": -1, "momentum": 2, "validation_fraction": 1, "beta_1": 1, "epsilon": 0,
        "n_iter_no_change": 0, "max_fun": 0, "dropout": 1.0, "power_t": -1,
    }  # fmt: skip
    for name, value in bad.items():
        with pytest.raises(ValueError, match=rf"{name}=.*wanted"):
            MLPClassifier(**{name: value}).fit(X, Y["two"])


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_one_class_alone_is_all_there_is_to_predict(solver):
    model = MLPClassifier((3,), max_iter=3, solver=solver).fit(X, np.full(len(X), "only"))
    assert set(model.predict(X)) == {"only"}
    np.testing.assert_array_equal(model.predict_proba(X), np.ones((len(X), 1)))
