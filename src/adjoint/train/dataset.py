"""What a model is trained on: arrays with one row for each example, checked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.errors import DataError
from adjoint.nn import random

_NUMBERS = (
    "turn words into numbers first: classes by np.unique(words, return_inverse=True)[1], features "
    "into one column for each word; objects that are numbers by .astype(float)"
)
_SPLIT_REMEDY = "pass (inputs, targets), or (inputs, targets, weights)"


@dataclass(frozen=True)
class Dataset:
    """Examples in memory or in mapped files; every array has one row for each.

    Args:
        inputs: a tree of arrays; a tuple is spread over the model's arguments.
        targets: a tree of arrays.
        weights: [n], or [n, time] as the losses take them, or None.
    """

    inputs: Any
    targets: Any
    weights: Any = None

    def __len__(self) -> int:
        return int(tree.leaves(self.inputs)[0].shape[0])

    @property
    def parts(self) -> dict[str, Any]:
        """The tree of arrays that batches are taken from."""
        found = {"inputs": self.inputs, "targets": self.targets}
        return found if self.weights is None else {**found, "weights": self.weights}

    def rows(self, which: Any) -> Dataset:
        """Some of the examples."""
        return Dataset(**tree.tree_map(lambda x: x[which], self.parts))

    @property
    def has_labels(self) -> bool:
        """Whether the targets are classes: whole numbers [n], or one-hot rows."""
        y = self.targets
        if not isinstance(y, np.ndarray):
            return False
        is_flat = y.dtype.kind in "iub" and y.ndim == 1
        return is_flat or (y.ndim == 2 and y.shape[1] > 1 and _is_one_hot(y))

    def labels(self, wanted_by: str) -> Any:
        """The targets as one array of class labels [n]: integers, or the largest of a row.

        Raises:
            DataError: the targets are no classes.
        """
        y = self.targets
        if self.has_labels:
            return y if y.ndim == 1 else np.argmax(y, axis=1)
        raise DataError(
            f"{wanted_by} needs class labels",
            function="fit",
            got=_shown(y),
            wanted="integer labels of shape [n], or one-hot rows",
        )


def _is_one_hot(y: Any) -> bool:
    return bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all())


def _shown(x: Any) -> str:
    if isinstance(x, np.ndarray):
        return f"an array of dtype {x.dtype} and shape {x.shape}"
    return f"a {type(x).__name__}"


def is_arrays(data: Any) -> bool:
    """Whether data is a tree of arrays, rather than something that gives batches."""
    if isinstance(data, np.ndarray | tuple | Mapping | Dataset):
        return True
    return hasattr(data, "__array__") or hasattr(data, "__dataclass_fields__")


def no_data(name: str, given: Any) -> DataError:
    """What to say of something that is neither arrays nor a stream."""
    return DataError(
        f"{name} must be arrays, or something that gives batches",
        function="fit",
        got=repr(given)[:80],
        wanted="(X, y), or an iterable of such pairs",
    )


def make_dataset(data: Any, name: str = "data", check: bool = True) -> Dataset:
    """Data as the user gave it, as a checked Dataset.

    Args:
        data: ``(inputs, targets)``, ``(inputs, targets, weights)``, or inputs alone, which
            are then their own targets.
        name: what messages call it.
        check: whether NaN and infinity are looked for, except in mapped files.

    Raises:
        DataError: it is empty, ragged, not numeric, or not finite.
    """
    if isinstance(data, Dataset):
        return data
    weights, of = None, "" if name == "data" else f" of {name}"
    if isinstance(data, tuple):
        if len(data) not in (2, 3):
            raise DataError(
                f"{name} must not be a tuple of {len(data)}",
                function="fit",
                got=", ".join(map(_shown, data)) or "()",
                wanted="two or three parts",
                remedy=_SPLIT_REMEDY,
            )
        inputs, targets = data[:2]
        if len(data) == 3 and data[2] is not None:
            weights = as_array(data[2], f"the weights{of}", check)
    else:
        inputs = targets = data
    inputs = _arrays(inputs, f"the inputs{of}", check)
    targets = _arrays(targets, f"the targets{of}", check)
    made = Dataset(inputs, targets)
    _check_rows(made, name)
    return made if weights is None else with_weights(made, weights)


def with_weights(data: Dataset, weights: Any) -> Dataset:
    """The same examples with weights, or a mask; those that they had already are multiplied.

    Raises:
        DataError: weights of another shape, or negative, or all zero.
    """
    weights = as_array(weights, "sample_weight")
    if weights.shape[0] != len(data) or weights.dtype.kind not in "biuf":
        raise DataError(
            "there must be one weight for each example, or for each step of each example",
            function="fit",
            got=_shown(weights),
            wanted=f"shape ({len(data)},) or ({len(data)}, time)",
        )
    if (weights < 0).any() or not weights.any():
        raise DataError(
            "weights must not be negative, nor all zero",
            function="fit",
            got=f"weights from {weights.min()} to {weights.max()}",
        )
    weights = weights.astype(float) if weights.dtype.kind in "iu" else weights
    if data.weights is not None:
        axes = max(weights.ndim, data.weights.ndim)
        weights = _with_axes(data.weights, axes) * _with_axes(weights, axes)
    return replace(data, weights=weights)


def _with_axes(weights: Any, axes: int) -> Any:
    """Weights of examples beside weights of their steps."""
    return weights.reshape(*weights.shape, *(1,) * (axes - weights.ndim))


def _arrays(values: Any, name: str, check: bool) -> Any:
    """A tree with NumPy arrays for leaves; a list is one array, as NumPy reads it."""
    if isinstance(values, list) or not isinstance(values, tuple | Mapping):
        if hasattr(values, "__dataclass_fields__") and not hasattr(values, "__array__"):
            return tree.tree_map(lambda x: as_array(x, name, check), values)
        return as_array(values, name, check)
    if isinstance(values, tuple):
        return tuple([_arrays(x, name, check) for x in values])
    return {key: _arrays(x, f"{name} at {key!r}", check) for key, x in values.items()}


def as_array(values: Any, name: str, check: bool = True) -> Any:
    """One array, checked.

    Raises:
        DataError: text, objects, no rows, NaN or infinity.
    """
    if hasattr(values, "toarray") and hasattr(values, "nnz"):
        raise DataError(
            f"a sparse matrix cannot be used for {name}",
            function="fit",
            got=type(values).__name__,
            remedy="pass its toarray()",
        )
    if isinstance(values, np.ma.MaskedArray):
        raise DataError(
            f"a masked array cannot be used for {name}",
            function="fit",
            got=_shown(values),
            remedy="fill it, and pass the mask as weights",
        )
    is_mapped = isinstance(values, np.memmap)
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(
            f"no array can be made of {name}: {error}",
            function="fit",
            got=_shown(values),
            wanted="rows of one length",
            remedy="pad the rows, such as by nn.pad_sequences",
        ) from None
    if array.dtype.kind not in "biufc":
        raise DataError(
            f"numbers are wanted for {name}",
            function="fit",
            got=f"{_shown(array)}, which begins with {array.reshape(-1)[:1].tolist()}",
            remedy=_NUMBERS,
        )
    if array.ndim == 0 or array.shape[0] == 0:
        raise DataError(
            f"there are no rows in {name}",
            function="fit",
            got=_shown(array),
            wanted="an array with one row for each example",
        )
    if check and not is_mapped and not _is_finite(array):
        rows = np.unique(np.argwhere(~np.isfinite(array))[:, 0])
        raise DataError(
            f"there is NaN or infinity in {name}, first in row {rows[0]}",
            function="fit",
            got=f"{len(rows)} such rows of {len(array)}",
            wanted="finite numbers",
            remedy="drop or fill such rows; check_finite=False lets them pass",
        )
    return array


def _is_finite(array: Any) -> bool:
    if array.dtype.kind not in "fc":
        return True
    with np.errstate(over="ignore", invalid="ignore"):
        # A sum is finite only if every term is; it needs no second array.
        return bool(np.isfinite(array.sum())) or bool(np.isfinite(array).all())


def _check_rows(data: Dataset, name: str) -> None:
    counts = {int(x.shape[0]) for x in tree.leaves(data.parts)}
    if not counts:
        raise DataError(f"{name} holds no arrays", function="fit", remedy=_SPLIT_REMEDY)
    if len(counts) > 1:
        raise DataError(
            f"the arrays of {name} differ in their number of rows",
            function="fit",
            got=", ".join(map(str, sorted(counts))),
            wanted="one row for each example in all of them",
        )


def split(data: Dataset, share: float, key: Any) -> tuple[Dataset, Dataset]:
    """A part to train on and a held-out part: see :func:`split_rows`."""
    learned, held = split_rows(data, share, key)
    return data.rows(learned), data.rows(held)


def split_rows(data: Dataset, share: float, key: Any) -> tuple[Any, Any]:
    """Rows to train on and rows to hold out, drawn at random, class by class if there are any.

    Args:
        data: the examples.
        share: of the held-out part, 0 < share < 1.
        key: of :mod:`adjoint.nn.random`.

    Returns:
        Two arrays of row numbers, each in ascending order.

    Raises:
        DataError: a part would be empty.
    """
    n = len(data)
    if not 0 < share < 1:
        raise DataError(
            "the held-out share must lie between 0 and 1",
            function="fit",
            got=f"validation={share}",
            wanted="0 < share < 1, or data of its own: validation=(X, y)",
        )
    order = random.permutation(key, n)
    labels = data.labels("a stratified split") if data.has_labels else np.zeros(n, int)
    # Sorted by class, every 1/share-th example: each class at its share.
    ranked = order[np.argsort(labels[order], kind="stable")]
    ends = np.floor((np.arange(n) + 1) * share + 1e-9) > np.floor(np.arange(n) * share + 1e-9)
    held = np.zeros(n, bool)
    held[ranked[ends]] = True
    if not held.any() or held.all():
        raise DataError(
            f"{n} examples cannot be split at {share}", function="fit", remedy="give more data"
        )
    return np.flatnonzero(~held), np.flatnonzero(held)


def class_weights(labels: Any, weights: Any) -> Any:
    """A weight for each example from one for each class.

    Args:
        labels: [n].
        weights: ``"balanced"`` (each class counts alike: n / (classes * count)), a dict, or an
            array by label.
    """
    if isinstance(weights, str):
        if weights != "balanced":
            raise DataError(
                "unknown class weights", function="fit", got=repr(weights), wanted='"balanced"'
            )
        classes, which, counts = np.unique(labels, return_inverse=True, return_counts=True)
        return (len(labels) / (len(classes) * counts))[which]
    if isinstance(weights, Mapping):
        found = np.ones(len(labels))
        if not np.isin(list(weights), labels).any():
            raise DataError(
                "no class is weighed",
                function="fit",
                got=f"weights of {list(weights)}, labels {np.unique(labels)[:20].tolist()}",
                wanted="class_weight={label: weight}, by labels that occur",
            )
        for label, weight in weights.items():
            found[labels == label] = weight
        return found
    table = np.asarray(weights, float)
    if table.ndim != 1 or labels.min() < 0 or labels.max() >= len(table):
        raise DataError(
            "class weights do not cover the labels",
            function="fit",
            got=f"{table.shape[0] if table.ndim else 0} weights, labels to {labels.max()}",
        )
    return table[labels]
