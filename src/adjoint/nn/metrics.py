"""Metrics by scikit-learn's names, called as ``metric(output, target)`` like a loss.

An output is what a model puts out: scores [batch, k] for k classes, one score [batch] or
[batch, 1] for two classes (the second above 0), or numbers. They are NumPy code without
branches on values, so they can be part of a compiled run. All return a scalar.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.errors import StructureError
from adjoint.nn.losses.classification import binary_cross_entropy, cross_entropy
from adjoint.nn.losses.reduce import same_shape

Metric = Callable[[Any, Any], Any]


def predicted_labels(output: Any) -> Any:
    """The class of the highest score: [batch, k] -> [batch]; for one score whether it is > 0."""
    if output.ndim > 1 and output.shape[-1] > 1:
        return np.argmax(output, axis=-1)
    flat = output.reshape(output.shape[0]) if output.ndim > 1 else output
    return (flat > 0).astype(np.int64)


def _labels(output: Any, target: Any) -> tuple[Any, Any, int]:
    """Predicted and true labels, and how many classes there are."""
    classes = output.shape[-1] if output.ndim > 1 and output.shape[-1] > 1 else 2
    predicted = predicted_labels(output)
    if target.ndim == output.ndim and target.ndim > 1:
        # A column of 0 and 1 is split at one half, one-hot rows at their highest.
        target = predicted_labels(target - 0.5)
    same_shape("accuracy", predicted, target)
    return predicted, target, classes


def accuracy(output: Any, target: Any) -> Any:
    """The share of examples whose highest score is at the true label."""
    predicted, target, _ = _labels(output, target)
    return np.mean((predicted == target).astype(np.float64))


def top_k_accuracy(output: Any, target: Any, k: int = 2) -> Any:
    """The share of examples with fewer than k scores above that of the true label."""
    hits = target[..., None] == np.arange(output.shape[-1])
    right = np.sum(np.where(hits, output, 0), axis=-1, keepdims=True)
    above = np.sum((output > right).astype(np.float64), axis=-1)
    return np.mean((above < k).astype(np.float64))


def confusion_matrix(output: Any, target: Any) -> Any:
    """Counts [true, predicted]."""
    predicted, target, classes = _labels(output, target)
    each = np.arange(classes)
    true = (target[..., None] == each).astype(np.float64).reshape(-1, classes)
    guess = (predicted[..., None] == each).astype(np.float64).reshape(-1, classes)
    return true.T @ guess  # [k, n] @ [n, k] -> [k, k]


def _share(part: Any, whole: Any) -> Any:
    """Part / whole, 0 where there is nothing."""
    return np.where(whole == 0, 0.0, part / np.where(whole == 0, 1.0, whole))


def balanced_accuracy(output: Any, target: Any) -> Any:
    """The mean over the classes that occur of the share found of each."""
    table = confusion_matrix(output, target)
    present = np.sum(table, axis=1)
    return np.sum(_share(np.diagonal(table), present)) / np.sum((present > 0).astype(np.float64))


def _averaged(table: Any, each: Any, average: str) -> Any:
    if average == "binary":
        return each[1]
    if average == "macro":
        # A class that neither occurs nor is predicted does not count.
        counted = (np.sum(table, axis=0) + np.sum(table, axis=1)) > 0
        return np.sum(np.where(counted, each, 0)) / np.sum(counted.astype(np.float64))
    if average == "weighted":
        present = np.sum(table, axis=1)
        return np.sum(each * present) / np.sum(present)
    raise StructureError(
        "unknown average",
        function="metric",
        got=repr(average),
        wanted="'binary', 'macro' or 'weighted'",
    )


def precision(output: Any, target: Any, average: str = "binary") -> Any:
    """Of what was called a class, the share that is."""
    table = confusion_matrix(output, target)
    return _averaged(table, _share(np.diagonal(table), np.sum(table, axis=0)), average)


def recall(output: Any, target: Any, average: str = "binary") -> Any:
    """Of what is a class, the share that was called so."""
    table = confusion_matrix(output, target)
    return _averaged(table, _share(np.diagonal(table), np.sum(table, axis=1)), average)


def f1(output: Any, target: Any, average: str = "binary") -> Any:
    """The harmonic mean of precision and recall."""
    table = confusion_matrix(output, target)
    both = np.sum(table, axis=0) + np.sum(table, axis=1)
    return _averaged(table, _share(2 * np.diagonal(table), both), average)


def matthews_corrcoef(output: Any, target: Any) -> Any:
    """Matthews' correlation of predicted and true labels, for any number of classes."""
    table = confusion_matrix(output, target)
    n, right = np.sum(table), np.trace(table)
    guessed, true = np.sum(table, axis=0), np.sum(table, axis=1)
    above = right * n - np.sum(guessed * true)
    below = (n * n - np.sum(guessed * guessed)) * (n * n - np.sum(true * true))
    return _share(above, np.sqrt(below))


def log_loss(output: Any, target: Any) -> Any:
    """Cross-entropy of the scores, taken as logits."""
    if output.ndim > 1 and output.shape[-1] > 1:
        return cross_entropy(output, target)
    return binary_cross_entropy(output.reshape(-1), target.reshape(-1))


def roc_auc(output: Any, target: Any) -> Any:
    """The chance that a positive example scores above a negative one; ties count one half.

    Args:
        output: [batch] or [batch, 1] scores, or [batch, 2].
        target: [batch] of 0 and 1.
    """
    scores = output[:, 1] - output[:, 0] if output.shape[-1:] == (2,) else output.reshape(-1)
    target = target.reshape(-1)
    # The mean rank of each score: how many lie below, and half of those that are equal.
    ordered = np.sort(scores)
    below = np.searchsorted(ordered, scores, side="left")
    up_to = np.searchsorted(ordered, scores, side="right")
    rank = (below + up_to + 1) / 2
    positive = (target > 0).astype(np.float64)
    count = np.sum(positive)
    others = positive.shape[0] - count
    return _share(np.sum(rank * positive) - count * (count + 1) / 2, count * others)


def mean_squared_error(output: Any, target: Any) -> Any:
    """The mean of squared differences."""
    same_shape("mean_squared_error", output, target)
    return np.mean(np.square(output - target))


def root_mean_squared_error(output: Any, target: Any) -> Any:
    """The square root of the mean of squared differences."""
    return np.sqrt(mean_squared_error(output, target))


def mean_absolute_error(output: Any, target: Any) -> Any:
    """The mean of absolute differences."""
    same_shape("mean_absolute_error", output, target)
    return np.mean(np.abs(output - target))


def max_error(output: Any, target: Any) -> Any:
    """The greatest absolute difference."""
    same_shape("max_error", output, target)
    return np.max(np.abs(output - target))


def r2(output: Any, target: Any) -> Any:
    """1 minus the share of the target's variance that is left; the mean over columns."""
    same_shape("r2", output, target)
    left = np.sum(np.square(target - output), axis=0)
    there = np.sum(np.square(target - np.mean(target, axis=0)), axis=0)
    # A constant target: 1 if it is met, else 0, as scikit-learn has it.
    constant = np.where(left == 0, 1.0, 0.0)
    return np.mean(np.where(there == 0, constant, 1 - _share(left, there)))


def explained_variance(output: Any, target: Any) -> Any:
    """As :func:`r2`, but a constant error costs nothing."""
    same_shape("explained_variance", output, target)
    rest = target - output
    return r2(output + np.mean(rest, axis=0), target)


METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "explained_variance": explained_variance,
    "f1": f1,
    "f1_macro": lambda y, t: f1(y, t, "macro"),
    "f1_weighted": lambda y, t: f1(y, t, "weighted"),
    "log_loss": log_loss,
    "matthews_corrcoef": matthews_corrcoef,
    "max_error": max_error,
    "mean_absolute_error": mean_absolute_error,
    "mean_squared_error": mean_squared_error,
    "precision": precision,
    "precision_macro": lambda y, t: precision(y, t, "macro"),
    "precision_weighted": lambda y, t: precision(y, t, "weighted"),
    "r2": r2,
    "recall": recall,
    "recall_macro": lambda y, t: recall(y, t, "macro"),
    "recall_weighted": lambda y, t: recall(y, t, "weighted"),
    "roc_auc": roc_auc,
    "root_mean_squared_error": root_mean_squared_error,
    "top_k_accuracy": top_k_accuracy,
}


def metric(name: str | Metric) -> Metric:
    """A metric by name; ``_score`` at the end, or ``neg_`` in front as scorers have it, is cut.

    Args:
        name: one of :data:`METRICS`, or a function, which is returned as it is.
    """
    if callable(name):
        return name
    found = METRICS.get(name.removeprefix("neg_").removesuffix("_score"))
    if found is None:
        raise StructureError(
            "unknown metric",
            function="metric",
            got=repr(name),
            wanted=f"one of {', '.join(METRICS)}, or a function of output and target",
        )
    return found
