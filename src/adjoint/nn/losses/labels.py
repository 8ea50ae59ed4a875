"""Labels of classes: whole numbers that must be among those there are."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.errors import DataError


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
