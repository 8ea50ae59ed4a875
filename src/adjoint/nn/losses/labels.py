"""Targets that must be among certain values: labels of classes, probabilities, signs, counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.errors import DataError

_SLACK = 0.01


def labels_within(function: str, labels: Any, classes: int, mask: Any = None) -> Any:
    """The labels, if they are among the classes.

    Args:
        function: the loss that speaks.
        labels: [...] integers.
        classes: they must lie in 0..classes - 1.
        mask: [...] booleans; where it is False anything may stand.

    Raises:
        DataError: a label is outside the classes. Where values are not known yet, the program
            raises IndexError when it runs, and fit names it.
    """
    if type(labels) is not np.ndarray:
        return _looked_up(labels, classes, mask)
    _check_labels(function, labels, classes, mask)
    return labels


def within(
    function: str,
    target: Any,
    low: float,
    high: float,
    mask: Any = None,
    remedy: str = "",
) -> Any:
    """The target, if all of it is between two bounds, or a hundredth beyond.

    So much is left by rounding and resampling; another convention, such as -1 and 1 for 0 and
    1, is further away.

    Args:
        function: the loss that speaks.
        target: [...] numbers.
        low: the lower bound.
        high: the upper bound.
        mask: one for each example or element; where it is False anything may stand.
        remedy: for who has another convention.

    Raises:
        DataError: as for :func:`labels_within`.
    """
    if target.dtype.kind == "b":
        return target
    fits = (target >= low - _SLACK) & (target <= high + _SLACK)
    if mask is not None and getattr(mask, "dtype", None) == np.bool_ and mask.ndim <= fits.ndim:
        fits = fits | ~mask.reshape(*mask.shape, *(1,) * (fits.ndim - mask.ndim))
    if type(fits) is not np.ndarray:
        return target + np.take(np.zeros(1, target.dtype), np.where(fits, 0, 1))
    if not fits.all():
        raise DataError(
            "the target is outside what this loss compares with",
            function=function,
            got=f"targets from {target.min()} to {target.max()}",
            wanted=f"{low:g} to {high:g}" if high < np.inf else f"{low:g} or more",
            remedy=remedy,
        )
    return target


def _check_labels(function: str, labels: Any, classes: int, mask: Any) -> None:
    """Refuse labels outside the classes, where the values are known."""
    if type(labels) is not np.ndarray or not labels.size:
        return
    counted = labels
    if type(mask) is np.ndarray and mask.dtype.kind == "b" and mask.shape == labels.shape:
        counted = labels[mask]
    if counted.size and (counted.min() < 0 or counted.max() >= classes):
        raise DataError(
            "a label is outside the classes",
            function=function,
            got=f"labels from {counted.min()} to {counted.max()}",
            wanted=f"0 to {classes - 1}",
            remedy="number the classes from 0, or mask unlabelled places with weights=labels >= 0",
        )


def _looked_up(labels: Any, classes: int, mask: Any) -> Any:
    """The labels by way of a table: where values are not known, it is its index that is checked.

    Out of range raises IndexError when the program runs. Masked places may hold anything.
    """
    wanted = labels.astype(np.intp)
    wanted = np.where(wanted < 0, classes, wanted)
    if mask is not None and mask.dtype.kind == "b" and mask.shape == labels.shape:
        wanted = np.where(mask, wanted, 0)
    return np.take(np.arange(classes), wanted)
