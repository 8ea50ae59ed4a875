"""Losses for classes: labels or probabilities against scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.errors import StructureError
from adjoint.nn.activation import log_sigmoid, log_softmax, logsumexp, softplus
from adjoint.nn.losses.labels import labels_within, within
from adjoint.nn.losses.reduce import NEVER, arrays, reduce, same_shape
from adjoint.primitives.choose import stop_gradient
from adjoint.settings import check_range

_ZERO_ONE = "number two classes 0 and 1: (t > 0).astype(float) makes that of -1 and 1"

# Where a probability is 0 its logarithm is taken to be this, so a saturated unit costs much
# instead of infinitely much.
_LOWEST_LOG = -100.0


def _hits(function: str, output: Any, target: Any, mask: Any) -> Any:
    """[..., classes] booleans that are True at the label; None for targets with all classes."""
    arrays(function, output, target)
    if tuple(target.shape) == tuple(output.shape) and target.ndim > 0:
        return None
    if tuple(target.shape) != tuple(output.shape[:-1]) or target.dtype.kind not in "iub":
        raise StructureError(
            "the target does not fit the output",
            function=function,
            got=f"output {tuple(output.shape)}, target {tuple(target.shape)} of {target.dtype}",
            wanted=f"integer labels of shape {tuple(output.shape[:-1])}, "
            f"or probabilities of shape {tuple(output.shape)}",
            remedy=_reshaped(target),
        )
    classes = output.shape[-1]
    target = labels_within(function, target, classes, mask)
    # A comparison, not an index: it fuses into one loop with the exponentials, and its
    # gradient is softmax - hits without a scatter.
    return target[..., None] == np.arange(classes)


def _reshaped(target: Any) -> str:
    """What to do with labels that are floats, or stand in a column."""
    column = target.ndim > 1 and target.shape[-1] == 1
    floats = target.dtype.kind == "f"
    made = "target" + "[..., 0]" * column + ".astype(int)" * floats
    return f"labels are whole numbers in one axis less: {made}" if column or floats else ""


def cross_entropy(
    output: Any,
    target: Any,
    *,
    reduction: str = "mean",
    weights: Any = None,
    class_weights: Any = None,
    label_smoothing: float = 0.0,
    from_logits: bool = True,
) -> Any:
    """Categorical cross-entropy ``-sum_k t_k log softmax(z)_k``.

    Args:
        output: [..., k] logits z; probabilities with ``from_logits=False``.
        target: [...] integer labels, or [..., k] probabilities t (one-hot rows, for example).
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weights: one for each example, or a boolean mask.
        class_weights: [k]; the mean is divided by the weights of the labels that occur.
        label_smoothing: s, mixes the target with the uniform distribution: (1 - s) t + s / k.
        from_logits: whether softmax is part of the loss, as it should be.

    Returns:
        A scalar, in natural units.

    >>> round(float(cross_entropy(np.array([[1.0, 1.0]]), np.array([0]))), 6)
    0.693147
    """
    check_range("cross_entropy", "[0, 1]", label_smoothing=label_smoothing)
    hits = _hits("cross_entropy", output, target, weights)
    if from_logits and hits is not None and class_weights is None and not label_smoothing:
        moved = output - stop_gradient(np.max(output, axis=-1, keepdims=True))
        normaliser = np.log(np.sum(np.exp(moved), axis=-1))
        return reduce(normaliser - np.sum(np.where(hits, moved, 0), axis=-1), reduction, weights)

    logs = log_softmax(output) if from_logits else _log(output)
    shares = (target if hits is None else hits).astype(output.dtype)
    smooth = shares
    if label_smoothing:
        smooth = (1 - label_smoothing) * shares + label_smoothing / output.shape[-1]
    # A class that the target excludes may have the logarithm -inf: 0 times that counts as 0.
    terms = smooth * np.where(smooth == 0, 0, logs)
    if class_weights is None:
        return reduce(-np.sum(terms, axis=-1), reduction, weights)
    class_weights = _of_classes(class_weights, output)
    values = -np.sum(terms * class_weights, axis=-1)
    total = np.sum(shares * class_weights, axis=-1)
    if weights is not None:
        total = total * _as_array(weights).astype(output.dtype)
    return reduce(values, reduction, weights, total=np.sum(total))


def _of_classes(class_weights: Any, output: Any) -> Any:
    """One weight for each class, in the output's dtype."""
    found = _as_array(class_weights)
    if tuple(found.shape) != tuple(output.shape[-1:]) or found.dtype.kind not in "iufb":
        raise StructureError(
            "there must be one weight for each class",
            function="cross_entropy",
            got=f"class_weights of shape {tuple(found.shape)} and dtype {found.dtype}",
            wanted=f"numbers of shape {tuple(output.shape[-1:])}",
        )
    return found.astype(output.dtype)


def _as_array(values: Any) -> Any:
    return values if hasattr(values, "dtype") else np.array(values)


def _log(probability: Any) -> Any:
    positive = probability > 0
    return np.where(
        positive, np.maximum(np.log(np.where(positive, probability, 1)), _LOWEST_LOG), _LOWEST_LOG
    )


def binary_cross_entropy(
    output: Any,
    target: Any,
    *,
    reduction: str = "mean",
    weights: Any = None,
    positive_weight: float = 1.0,
    label_smoothing: float = 0.0,
    from_logits: bool = True,
) -> Any:
    """``-t log sigmoid(z) - (1 - t) log(1 - sigmoid(z))``, element by element.

    Args:
        output: [...] logits z; probabilities with ``from_logits=False``.
        target: [...] in 0..1: labels or probabilities t; others, such as -1 and 1, are refused.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weights: one for each example or element, or a boolean mask.
        positive_weight: factor of the first term, against rare positives.
        label_smoothing: s, moves the target to (1 - s) t + s / 2.
        from_logits: whether the sigmoid is part of the loss, as it should be.
    """
    same_shape("binary_cross_entropy", output, target)
    target = within("binary_cross_entropy", target, 0, 1, weights, _ZERO_ONE)
    target = target.astype(output.dtype)
    if label_smoothing:
        target = (1 - label_smoothing) * target + label_smoothing / 2
    if not from_logits:
        hit, miss = _log(output), _log(1 - output)
        values = -(positive_weight * target * hit + (1 - target) * miss)
    elif positive_weight == 1:
        values = softplus(output) - target * output
    else:
        values = positive_weight * target * softplus(-output) + (1 - target) * softplus(output)
    return reduce(values, reduction, weights)


def focal(
    output: Any,
    target: Any,
    *,
    gamma: float = 2.0,
    alpha: float | None = None,
    reduction: str = "mean",
    weights: Any = None,
) -> Any:
    """Cross-entropy times ``(1 - p)^gamma``, p the probability of the truth (Lin et al., 2017).

    Args:
        output: [...] logits of two classes, or [..., k] logits with integer labels.
        target: [...] of 0 and 1 in the output's shape, or [...] labels one axis shorter.
        gamma: how little examples count that are already right; 0 is cross-entropy.
        alpha: weight of the positive class (two classes only), the other has 1 - alpha.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weights: one for each example, or a boolean mask.
    """
    arrays("focal", output, target)
    check_range("focal", "[0, inf)", gamma=gamma)
    if tuple(output.shape) == tuple(target.shape):
        target = within("focal", target, 0, 1, weights, _ZERO_ONE).astype(output.dtype)
        # Powers by way of logarithms: a root has no slope at 0, and a saturated unit is there.
        hit = np.exp(gamma * log_sigmoid(-output)) * softplus(-output)
        miss = np.exp(gamma * log_sigmoid(output)) * softplus(output)
        share = (1.0, 1.0) if alpha is None else (alpha, 1 - alpha)
        values = share[0] * target * hit + share[1] * (1 - target) * miss
        return reduce(values, reduction, weights)
    if alpha is not None:
        raise StructureError("alpha belongs to two classes", function="focal", got=f"{alpha=}")
    hits = _hits("focal", output, target, weights)
    logs = log_softmax(output)
    right = np.sum(np.where(hits, logs, 0), axis=-1)
    # The logarithm of 1 - p from the other classes: exact where p is almost 1.
    others = logsumexp(np.where(hits, NEVER, logs), axis=-1)
    return reduce(-np.exp(gamma * others) * right, reduction, weights)


def kl_divergence(output: Any, target: Any, *, reduction: str = "mean", weights: Any = None) -> Any:
    """``sum_k t_k (log t_k - log softmax(z)_k)``: how far the output is from the target.

    Args:
        output: [..., k] logits z.
        target: [..., k] probabilities t; numbers outside 0..1, such as logarithms, are refused.
        reduction: over examples: ``"mean"``, ``"sum"`` or ``"none"``.
        weights: one for each example, or a boolean mask.
    """
    same_shape("kl_divergence", output, target)
    target = within("kl_divergence", target, 0, 1, weights, "nn.softmax makes them of scores")
    positive = target > 0
    safe = np.where(positive, target, 1)
    terms = np.where(positive, safe * (np.log(safe) - log_softmax(output)), 0)
    return reduce(np.sum(terms, axis=-1), reduction, weights)


def hinge(
    output: Any,
    target: Any,
    *,
    margin: float = 1.0,
    squared: bool = False,
    reduction: str = "mean",
    weights: Any = None,
) -> Any:
    """``max(0, margin - t z)`` for t = +-1; the perceptron's own cost with ``margin=0``.

    For [..., k] scores with integer labels: ``sum_j max(0, margin - z_label + z_j)`` over the
    other classes (Weston and Watkins, 1999).

    Args:
        output: [...] scores, or [..., k].
        target: [...] of -1 and 1 in the output's shape, where 0 counts as -1, so that 0 and 1
            do as well; or labels one axis shorter.
        margin: how far on the right side an example must be to cost nothing.
        squared: whether each term is squared.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weights: one for each example, or a boolean mask.
    """
    arrays("hinge", output, target)
    if tuple(output.shape) == tuple(target.shape):
        target = within("hinge", target, -1, 1, weights, "say -1 and 1, or 0 and 1")
        # A label of 0 would have no slope at all, and nothing would be learned of its class.
        signs = np.where(target == 0, -1, target).astype(output.dtype)
        short = _shortfall(margin - signs * output, squared)
        return reduce(short, reduction, weights)
    hits = _hits("hinge", output, target, weights)
    right = np.sum(np.where(hits, output, 0), axis=-1, keepdims=True)
    short = np.where(hits, 0, _shortfall(margin - right + output, squared))
    return reduce(np.sum(short, axis=-1), reduction, weights)


def _shortfall(missing: Any, squared: bool) -> Any:
    # A point exactly on the margin of a perceptron still counts as wrong.
    short = np.where(missing < 0, 0, missing)
    return short * short if squared else short
