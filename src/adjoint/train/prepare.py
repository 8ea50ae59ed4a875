"""From what the user passes to fit to what a run is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from adjoint.errors import DataError
from adjoint.nn import random
from adjoint.train import sampling
from adjoint.train.dataset import (
    Dataset,
    class_weights,
    is_arrays,
    make_dataset,
    no_data,
    split_rows,
    with_weights,
)
from adjoint.train.source import ArraySource, StreamSource, collect

_SPLIT = 3  # what the run's key is folded with for the held-out part


@dataclass(frozen=True)
class Wishes:
    """How examples are drawn and weighed; the fields are fit's arguments."""

    batch_size: int
    seed: int
    shuffle: bool = True
    balanced: bool = False
    drop_last: bool = False
    sample_weight: Any = None
    class_weight: Any = None
    steps_per_epoch: int | None = None
    check_finite: bool = True


def sources(
    data: Any, validation: Any, wishes: Wishes
) -> tuple[ArraySource | StreamSource, Dataset | None]:
    """Where batches come from, and the held-out examples.

    Args:
        data: arrays or a stream, see fit.
        validation: data, a share of the examples, or None.
        wishes: see :class:`Wishes`.
    """
    is_share = isinstance(validation, float | int) and not isinstance(validation, bool)
    if not is_arrays(data):
        if isinstance(data, str) or not (callable(data) or hasattr(data, "__iter__")):
            raise no_data("the data", data)
        _refuse_for_streams(wishes, is_share)
        stream = StreamSource(data, wishes.steps_per_epoch, wishes.check_finite)
        return stream, _held_out(validation, wishes)
    if wishes.steps_per_epoch is not None:
        raise DataError(
            "steps_per_epoch belongs to streams; arrays have an end of their own",
            function="fit",
            got=f"steps_per_epoch={wishes.steps_per_epoch}",
            remedy="leave it out, or pass a function that gives batches",
        )
    examples = make_dataset(data, check=wishes.check_finite)
    if wishes.sample_weight is not None:
        examples = with_weights(examples, wishes.sample_weight)
    held, among = _held_out(validation, wishes) if not is_share else None, None
    if is_share:
        key = random.fold_in(random.key(wishes.seed), _SPLIT)
        among, left = split_rows(examples, float(validation), key)
        held = examples.rows(left)
    if wishes.class_weight is not None:
        examples = _weighed(examples, wishes.class_weight, among)
    order = _order(examples, wishes, among)
    return ArraySource(examples, wishes.batch_size, order, wishes.drop_last, among), held


def _weighed(examples: Dataset, weights: Any, among: Any) -> Dataset:
    """Class weights of the rows that are learned from; those held out are not weighed."""
    rows = slice(None) if among is None else among
    found = np.ones(len(examples))
    found[rows] = class_weights(examples.labels("class_weight")[rows], weights)
    return with_weights(examples, found)


def _held_out(validation: Any, wishes: Wishes) -> Dataset | None:
    if validation is None:
        return None
    if is_arrays(validation):
        return make_dataset(validation, "the validation data", wishes.check_finite)
    if isinstance(validation, str) or not (callable(validation) or hasattr(validation, "__iter__")):
        raise no_data("the validation data", validation)
    batches = validation() if callable(validation) else validation
    return collect(batches, wishes.check_finite)


def _order(examples: Dataset, wishes: Wishes, among: Any) -> Callable[[Any, int], Any]:
    if not wishes.balanced:
        return sampling.shuffled if wishes.shuffle else sampling.in_order
    labels = np.asarray(examples.labels("balanced"))
    labels = labels if among is None else labels[among]
    return lambda key, n: sampling.balanced(key, labels)


def _refuse_for_streams(wishes: Wishes, is_share: bool) -> None:
    asked = {
        "sample_weight": wishes.sample_weight is not None,
        "class_weight": wishes.class_weight is not None,
        "balanced": wishes.balanced,
        "validation as a share": is_share,
    }
    if named := [name for name, is_asked in asked.items() if is_asked]:
        raise DataError(
            f"{', '.join(named)} needs all examples at once, and the data is a stream of batches",
            function="fit",
            remedy="pass arrays or memory maps, or let the stream give (inputs, targets, weights)",
        )
