"""Metrics by scikit-learn's names, and with its meaning: more is always better.

A network's output is read as its losses read it: rows of scores are logits of classes, one
score is the logit of the positive class of two, and beside floating-point targets it is the
predicted value itself.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from adjoint.errors import DataError, StructureError


@dataclass(frozen=True)
class Of:
    """A metric of one entry of outputs and targets that are dicts."""

    part: str
    metric: str | Callable[[Any, Any], Any]


Metric = str | Callable[[Any, Any], Any] | Of
Metrics = Iterable[Metric] | Mapping[str, Any]


class Judged:
    """Targets beside predictions, in the form that metrics want.

    Args:
        output: of the model.
        target: integers of shape [...], one-hot rows, or floating-point values.
        weights: [n], [n, time] or None.
    """

    def __init__(self, output: Any, target: Any, weights: Any = None) -> None:
        output, target = np.asarray(output), np.asarray(target)
        if weights is not None and (weights.ndim > 1 or weights.dtype.kind == "b"):
            weights, output, target = _by_step(weights, output, target)
        if output.ndim == target.ndim + 1 and output.shape[-1] == 1:
            output = output[..., 0]
        self.is_classes = target.dtype.kind in "iub" or (
            output.shape == target.shape
            and target.ndim >= 2
            and target.shape[-1] > 1
            and bool(((target == 0) | (target == 1)).all() and (target.sum(-1) == 1).all())
        )
        self.weights = weights
        if not self.is_classes:
            self.true, self.predicted = target, output
            return
        if output.shape == target.shape and target.ndim >= 2 and target.shape[-1] > 1:
            target = target.argmax(-1)
        self.true = target.reshape(-1).astype(np.int64)
        if output.shape == target.shape:  # one logit for two classes
            flat = output.reshape(-1)
            self.logits = np.stack([np.zeros_like(flat), flat], axis=1)
        else:
            self.logits = output.reshape(-1, output.shape[-1])
        # Of equal logits the first counts, so a single one must be above 0 for the second class.
        self.predicted = self.logits.argmax(1)
        if weights is not None:
            self.weights = np.repeat(weights, len(self.true) // len(weights))

    def mean(self, values: Any) -> float:
        """Weighted mean over examples, then over the outputs of each."""
        if values.ndim > 1:
            values = values.reshape(len(values), -1).mean(axis=1)
        return float(np.average(values, weights=self.weights))

    @property
    def probabilities(self) -> Any:
        """[n, classes]."""
        moved = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        return moved / moved.sum(axis=1, keepdims=True)

    def counts(self) -> tuple[Any, Any, Any]:
        """Hits, examples and predictions of each class that occurs."""
        classes = np.union1d(self.true, self.predicted)
        w = np.ones(len(self.true)) if self.weights is None else self.weights
        true = np.searchsorted(classes, self.true)
        guess = np.searchsorted(classes, self.predicted)
        n = len(classes)
        hits = np.bincount(true[true == guess], w[true == guess], n)
        return hits, np.bincount(true, w, n), np.bincount(guess, w, n)


def _by_step(weights: Any, output: Any, target: Any) -> tuple[Any, Any, Any]:
    """Each weighed step as an example of its own; those that a mask leaves out are dropped."""
    output, target = (x.reshape(-1, *x.shape[weights.ndim :]) for x in (output, target))
    flat = weights.reshape(-1)
    return (None, output[flat], target[flat]) if flat.dtype.kind == "b" else (flat, output, target)


def _accuracy(j: Judged) -> float:
    return j.mean((j.true == j.predicted).astype(float))


def _balanced_accuracy(j: Judged) -> float:
    hits, true, _ = j.counts()
    there = true > 0
    return float(np.mean(hits[there] / true[there]))


def _share(above: Any, below: Any) -> Any:
    return np.divide(above, below, out=np.zeros(np.shape(above)), where=below > 0)


def _per_class(what: str) -> Callable[[Judged], Any]:
    def values(j: Judged) -> Any:
        hits, true, guessed = j.counts()
        if what == "precision":
            return _share(hits, guessed)
        return _share(hits, true) if what == "recall" else _share(2 * hits, true + guessed)

    return values


def _averaged(what: str, average: str) -> Callable[[Judged], float]:
    each = _per_class(what)

    def value(j: Judged) -> float:
        if average == "binary":
            found = np.union1d(j.true, j.predicted)
            if not set(found) <= {0, 1}:
                raise StructureError(
                    f"{what} of more than two classes needs an average",
                    function="fit",
                    wanted=f"{what}_macro, {what}_micro or {what}_weighted",
                )
            return float(each(j)[list(found).index(1)]) if 1 in found else 0.0
        if average == "micro":
            return _accuracy(j)  # each wrong label is one false positive and one false negative
        if average == "macro":
            return float(np.mean(each(j)))
        return float(np.average(each(j), weights=j.counts()[1]))

    return value


def _neg_log_loss(j: Judged) -> float:
    tiny = np.finfo(j.probabilities.dtype).eps
    chosen = j.probabilities[np.arange(len(j.true)), j.true]
    return -j.mean(-np.log(np.clip(chosen, tiny, 1 - tiny)))


def _roc_auc(j: Judged) -> float:
    """Area under the curve for two classes; for more, the mean over one-against-rest."""
    scores = j.probabilities
    if scores.shape[1] == 2:
        return _area(j.true == 1, j.logits[:, 1] - j.logits[:, 0], j.weights)
    areas = [_area(j.true == k, scores[:, k], j.weights) for k in range(scores.shape[1])]
    return float(np.mean(areas))


def _area(positive: Any, score: Any, weights: Any) -> float:
    w = np.ones(len(score)) if weights is None else weights
    order = np.argsort(score, kind="stable")
    _, group = np.unique(score[order], return_inverse=True)
    up = np.bincount(group, (w * positive)[order])
    down = np.bincount(group, (w * ~positive)[order])
    if not up.sum() or not down.sum():
        return float("nan")
    below = np.cumsum(down) - down
    return float((up * (below + down / 2)).sum() / (up.sum() * down.sum()))


def _matthews(j: Judged) -> float:
    hits, true, guessed = j.counts()
    total = true.sum()
    above = hits.sum() * total - true @ guessed
    below = np.sqrt(total**2 - guessed @ guessed) * np.sqrt(total**2 - true @ true)
    return float(above / below) if below else 0.0


def _r2(j: Judged) -> float:
    true, guess = _columns(j)
    centre = np.average(true, axis=0, weights=j.weights)
    rest = np.average((true - guess) ** 2, axis=0, weights=j.weights)
    spread = np.average((true - centre) ** 2, axis=0, weights=j.weights)
    return _explained(rest, spread)


def _explained_variance(j: Judged) -> float:
    true, guess = _columns(j)
    gap = true - guess
    rest = gap - np.average(gap, axis=0, weights=j.weights)
    spread = true - np.average(true, axis=0, weights=j.weights)
    return _explained(
        np.average(rest**2, axis=0, weights=j.weights),
        np.average(spread**2, axis=0, weights=j.weights),
    )


def _explained(rest: Any, spread: Any) -> float:
    # A constant target is explained fully or not at all.
    safe = np.where(spread == 0, 1, spread)
    values = np.where(spread == 0, np.where(rest == 0, 1.0, 0.0), 1 - rest / safe)
    return float(np.mean(values))


def _columns(j: Judged) -> tuple[Any, Any]:
    n = len(j.true)
    return j.true.reshape(n, -1), j.predicted.reshape(n, -1)


def _root_mean_squared(j: Judged) -> float:
    true, guess = _columns(j)
    return float(np.mean(np.sqrt(np.average((true - guess) ** 2, axis=0, weights=j.weights))))


def _percentage(j: Judged) -> float:
    tiny = np.finfo(np.float64).eps
    return j.mean(np.abs(j.true - j.predicted) / np.maximum(np.abs(j.true), tiny))


_CLASSES: dict[str, Callable[[Judged], float]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "neg_log_loss": _neg_log_loss,
    "roc_auc": _roc_auc,
    "matthews_corrcoef": _matthews,
    **{
        what + ("" if average == "binary" else f"_{average}"): _averaged(what, average)
        for what in ("precision", "recall", "f1")
        for average in ("binary", "macro", "micro", "weighted")
    },
}
_VALUES: dict[str, Callable[[Judged], float]] = {
    "r2": _r2,
    "explained_variance": _explained_variance,
    "neg_mean_squared_error": lambda j: -j.mean((j.true - j.predicted) ** 2),
    "neg_root_mean_squared_error": lambda j: -_root_mean_squared(j),
    "neg_mean_absolute_error": lambda j: -j.mean(np.abs(j.true - j.predicted)),
    "neg_median_absolute_error": lambda j: -float(np.median(np.abs(j.true - j.predicted))),
    "neg_max_error": lambda j: -float(np.abs(j.true - j.predicted).max()),
    "neg_mean_absolute_percentage_error": lambda j: -_percentage(j),
}
NAMES = (*_CLASSES, *_VALUES)


def check(metrics: Metrics) -> dict[str, Metric]:
    """Metrics by name, unknown names refused.

    Args:
        metrics: names of scikit-learn's scorers, or functions ``metric(true, predicted)``; or
            these by the names of outputs, reported as ``output_metric``.
    """
    if isinstance(metrics, Mapping):
        return {
            f"{part}_{name}": Of(part, metric)  # type: ignore[arg-type]
            for part, several in metrics.items()
            for name, metric in check(several).items()
        }
    if isinstance(metrics, str) or callable(metrics):
        metrics = (metrics,)
    found: dict[str, Metric] = {}
    for metric in metrics:
        if isinstance(metric, str):
            if metric not in NAMES:
                raise StructureError(
                    f"unknown metric {metric!r}",
                    function="fit",
                    got=repr(metric),
                    wanted=", ".join(difflib.get_close_matches(metric, NAMES, 3, 0.5) or NAMES),
                    remedy="take one of adjoint.train.metrics.NAMES, or pass a function "
                    "metric(true, predicted), such as scikit-learn's",
                )
            found[metric] = metric
        elif not callable(metric):
            raise StructureError(
                "a metric must be a name or a function",
                function="fit",
                got=repr(metric),
                wanted="scikit-learn's name, such as 'accuracy', or metric(true, predicted)",
            )
        else:
            found[getattr(metric, "__name__", str(metric))] = metric
    return found


def score(metric: Metric, output: Any, target: Any, weights: Any = None) -> float:
    """One metric of an output.

    Args:
        metric: a name of :data:`NAMES`, or a function of targets and predictions.
        output: of the model, as the losses take it.
        target: integers, one-hot rows or values.
        weights: one for each example or step, or a mask, or None; a function sees only what a
            mask leaves, and gets no weights.

    >>> score("accuracy", np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([0, 0]))
    0.5
    """
    if isinstance(metric, Of):
        output, target, metric = output[metric.part], target[metric.part], metric.metric
    if isinstance(target, Mapping) or isinstance(output, Mapping):
        raise DataError(
            f"the metric {metric} does not say which output it is of",
            function="fit",
            remedy=f"give metrics={{{next(iter(output), 'a')!r}: ...}}, by the outputs' names",
        )
    judged = Judged(output, target, weights)
    if callable(metric):
        return float(metric(judged.true, judged.predicted))
    wants_classes = metric in _CLASSES
    if wants_classes != judged.is_classes:
        raise DataError(
            f"the metric {metric} does not fit the targets",
            function="fit",
            got=f"targets of dtype {np.asarray(target).dtype}",
            wanted="integer labels or one-hot rows" if wants_classes else "floating-point values",
        )
    return float((_CLASSES if wants_classes else _VALUES)[metric](judged))
