"""MLPClassifier and MLPRegressor: scikit-learn's parameters, and more."""

from __future__ import annotations

import warnings
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from adjoint import nn
from adjoint.estimators.network import (
    Penalised,
    WithPenalty,
    backend,
    binary,
    linear_layers,
    method,
    network,
    probabilities,
)
from adjoint.estimators.parameters import check_parameters
from adjoint.train import EarlyStopping, fit
from adjoint.train.callbacks import Stalling
from adjoint.train.dataset import class_weights


@dataclass(eq=False, repr=False)
class _Perceptron(BaseEstimator):  # type: ignore[misc]
    """What classifier and regressor share.

    The fields are the parameters: scikit-learn reads their names off the ``__init__`` made of them.
    """

    hidden_layer_sizes: Any = (100,)
    activation: str = "relu"
    _: KW_ONLY
    solver: Any = "adam"
    alpha: float = 0.0001
    batch_size: Any = "auto"
    learning_rate: str = "constant"
    learning_rate_init: float = 0.001
    power_t: float = 0.5
    max_iter: int = 200
    shuffle: bool = True
    random_state: Any = None
    tol: float = 1e-4
    verbose: bool = False
    warm_start: bool = False
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    early_stopping: bool = False
    validation_fraction: float = 0.1
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    n_iter_no_change: int = 10
    max_fun: int = 15000
    dropout: float = 0.0
    loss: Any = None
    validation_data: Any = None
    callbacks: Any = None

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train from new weights; with ``warm_start`` from those there are.

        Args:
            X: [n, features].
            y: [n] or [n, outputs].
            sample_weight: [n], or None.
        """
        goes_on = self.warm_start and hasattr(self, "model_")
        return self._train(X, y, sample_weight, goes_on=goes_on, epochs=self.max_iter)

    def _train(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        goes_on: bool,
        epochs: int,
        partial: bool = False,
    ) -> Self:
        check_parameters(self)
        X, y = validate_data(
            self, X, y, multi_output=True, dtype=(np.float64, np.float32),
            reset=not (goes_on and partial),
        )  # fmt: skip
        targets, outputs = self._targets(y, goes_on)
        weights = self._weights(X, targets, sample_weight)
        draw = check_random_state(self.random_state)
        if not goes_on:
            hidden = np.atleast_1d(self.hidden_layer_sizes).astype(int).tolist()
            sizes = [X.shape[1], *hidden, outputs]
            self.model_ = network(sizes, self.activation, self.dropout, draw, X.dtype)
            self._forget()
        elif linear_layers(self.model_)[-1].bias.shape != (outputs,):
            raise ValueError("warm_start and partial_fit need the outputs of the first call")
        self._run(X, targets, weights, draw.randint(2**31 - 1), epochs, partial)
        return self

    def _forget(self) -> None:
        self._remembered: Any = None
        self.n_iter_, self.t_ = 0, 0
        self.loss_curve_: list[float] = []
        self.best_loss_: float | None = np.inf

    def _weights(self, X: Any, targets: Any, sample_weight: Any) -> Any:
        return None if sample_weight is None else _check_sample_weight(sample_weight, X)

    def _run(
        self, X: Any, targets: Any, weights: Any, seed: int, epochs: int, partial: bool
    ) -> None:
        n = len(X)
        whole = self.solver == "lbfgs"
        batch = n if whole else min(200, n) if self.batch_size == "auto" else int(self.batch_size)
        batch = min(batch, n)
        mean_weight = 1.0 if weights is None else float(np.mean(weights))
        l2 = self.alpha / (batch * mean_weight) if mean_weight else self.alpha
        loss = self.loss or self._default_loss(targets)
        model: Any = self.model_
        held = self._held_out(X)
        if whole:
            model, loss = Penalised(model, l2), WithPenalty(loss)
        data = (X, targets) if weights is None else (X, targets, weights)
        metrics, stopping = self._stopping(held, whole or partial)
        result = fit(
            model, data, loss=loss, optimizer=method(self, batch, l2), epochs=epochs,
            batch_size=batch, validation=held, seed=seed, shuffle=self.shuffle, metrics=metrics,
            early_stopping=stopping, callbacks=list(self.callbacks or ()),
            optimizer_state=None if whole else self._remembered, progress=bool(self.verbose),
            backend=backend(model, n, batch, epochs), check_finite=False,
        )  # fmt: skip
        self.model_ = result.model.model if whole else result.model
        self._remembered = None if whole else result.optimizer_state
        self._note(result, n, metrics)
        if not (result.stopped or partial) and len(result.history) == epochs:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({epochs}) reached and the "
                "optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _held_out(self, X: Any) -> Any:
        if self.validation_data is not None:
            inputs, targets = self.validation_data
            inputs = validate_data(self, inputs, reset=False, dtype=X.dtype)
            return inputs, self._targets(np.asarray(targets), True)[0]
        return self.validation_fraction if self.early_stopping else None

    def _stopping(self, held: Any, never: bool) -> tuple[list[str], EarlyStopping | None]:
        """What is measured, and when a run ends before ``max_iter``."""
        metrics = [] if held is None else self._metrics()
        if never:
            return metrics, None
        monitor = "loss"
        if self.early_stopping:
            monitor = metrics[0] if metrics else "val_loss"
        return metrics, Stalling(
            self.n_iter_no_change,
            monitor=monitor,
            min_delta=self.tol,
            restore_best=self.early_stopping,
        )

    def _note(self, result: Any, n: int, metrics: list[str]) -> None:
        losses = result.history.column("loss")
        self.loss_curve_ = [*self.loss_curve_, *losses]
        self.n_iter_ += len(losses)
        self.t_ += n * len(losses)
        self.loss_ = losses[-1] if losses else np.nan
        self.best_loss_ = None if self.early_stopping else min(self.loss_curve_, default=np.inf)
        self.validation_scores_ = result.history.column(metrics[0]) if metrics else None
        self.history_ = result.history
        self.n_layers_ = len(linear_layers(self.model_)) + 1
        self.n_outputs_ = len(linear_layers(self.model_)[-1].bias)
        self.out_activation_ = self._out_activation()

    @property
    def coefs_(self) -> list[Any]:
        """Weights [inputs, outputs] of each layer."""
        return [layer.weight for layer in linear_layers(self.model_)]

    @property
    def intercepts_(self) -> list[Any]:
        """Biases [outputs] of each layer."""
        return [layer.bias for layer in linear_layers(self.model_)]

    def _output(self, X: Any) -> Any:
        check_is_fitted(self, "model_")
        X = validate_data(self, X, reset=False, dtype=(np.float64, np.float32))
        return self.model_(X)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One epoch on these examples, from where the last call ended."""
        if self.solver == "lbfgs":
            raise AttributeError("partial_fit needs a solver that takes steps, not lbfgs")
        goes_on = hasattr(self, "model_")
        return self._train(X, y, sample_weight, goes_on=goes_on, epochs=1, partial=True)

    def _targets(self, y: Any, known: bool) -> tuple[Any, int]:
        raise NotImplementedError

    def _default_loss(self, targets: Any) -> Any:
        raise NotImplementedError

    def _metrics(self) -> list[str]:
        raise NotImplementedError

    def _out_activation(self) -> str:
        raise NotImplementedError


@dataclass(eq=False, repr=False)
class MLPClassifier(ClassifierMixin, _Perceptron):  # type: ignore[misc]
    """A network for classes, with scikit-learn's parameters and these besides.

    Args:
        dropout: probability of dropping a hidden unit in training.
        class_weight: ``"balanced"`` or a dict by label.
        loss: ``loss(output, target)`` on logits, instead of the cross-entropy: output [n, k] with
            targets 0..k-1, or [n, 1] with targets [n, 1] of 0 and 1 for two classes.
        validation_data, callbacks: (X, y) to validate on; as for :func:`adjoint.fit`.
        solver: ``"adam"``, ``"sgd"``, ``"lbfgs"``, or an optimiser of :mod:`adjoint.optim`.
        parameters: all others as in scikit-learn.

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((8,), solver="lbfgs", max_iter=500, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    """

    class_weight: Any = field(default=None, kw_only=True)

    def partial_fit(  # type: ignore[override]
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """One epoch; the first call names all classes."""
        if not hasattr(self, "model_") and classes is not None:
            self._binarizer = LabelBinarizer().fit(classes)
            self.classes_ = self._binarizer.classes_
        return super().partial_fit(X, y, sample_weight)

    def _targets(self, y: Any, known: bool) -> tuple[Any, int]:
        check_classification_targets(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        has_classes = hasattr(self, "_binarizer") and (known or not hasattr(self, "model_"))
        if not has_classes:
            self._binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._binarizer.classes_
        elif unknown := sorted(set(np.unique(y)) - set(self.classes_)):
            raise ValueError(f"y has classes not in the first call: {unknown}")
        self._several = type_of_target(y) == "multilabel-indicator"
        if self._several:
            return np.asarray(y, np.int64), y.shape[1]
        labels = np.searchsorted(self.classes_, y)
        if len(self.classes_) <= 2:
            return labels[:, None], 1
        return labels, len(self.classes_)

    def _weights(self, X: Any, targets: Any, sample_weight: Any) -> Any:
        weights = super()._weights(X, targets, sample_weight)
        if self.class_weight is None or self._several:
            return weights
        labels = targets.reshape(-1)
        given = self.class_weight
        if isinstance(given, dict):
            numbers = {label: i for i, label in enumerate(self.classes_.tolist())}
            given = {numbers[label]: weight for label, weight in given.items() if label in numbers}
        mine = class_weights(labels, given).astype(X.dtype)
        return mine if weights is None else weights * mine

    def _default_loss(self, targets: Any) -> Any:
        return binary if targets.ndim == 2 else nn.cross_entropy

    def _metrics(self) -> list[str]:
        return [] if self._several else ["accuracy"]

    def _out_activation(self) -> str:
        return "logistic" if self._several or self.n_outputs_ == 1 else "softmax"

    def predict_proba(self, X: Any) -> Any:
        """[n, classes] probabilities."""
        output = self._output(X)
        if not self._several and len(self.classes_) == 1:
            return np.ones((len(output), 1))
        return probabilities(output, self._several)

    def predict_log_proba(self, X: Any) -> Any:
        """[n, classes] logarithms of the probabilities."""
        return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> Any:
        """The most probable class of each row; [n, outputs] of 0 and 1 for several labels."""
        output = self._output(X)
        if self._several:
            return (output > 0).astype(int)
        chosen = output.argmax(axis=1) if output.shape[1] > 1 else (output[:, 0] > 0).astype(int)
        # Of one class alone there is nothing else to choose.
        return self.classes_[np.minimum(chosen, len(self.classes_) - 1)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class MLPRegressor(RegressorMixin, _Perceptron):  # type: ignore[misc]
    """A network for values; see :class:`MLPClassifier`.

    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> model = MLPRegressor((8,), solver="lbfgs", max_iter=500, random_state=0)
    >>> model.fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2) > 0.95
    True
    """

    def _targets(self, y: Any, known: bool) -> tuple[Any, int]:
        y = np.asarray(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._is_flat = y.ndim == 1
        values = y.astype(y.dtype if y.dtype in (np.float32, np.float64) else float)
        return (values[:, None] if self._is_flat else values), 1 if y.ndim == 1 else y.shape[1]

    def _default_loss(self, targets: Any) -> Any:
        return nn.half_squared_error

    def _metrics(self) -> list[str]:
        return ["r2"]

    def _out_activation(self) -> str:
        return "identity"

    def predict(self, X: Any) -> Any:
        """[n] or [n, outputs], as y was."""
        output = self._output(X)
        return output[:, 0] if self._is_flat else output
