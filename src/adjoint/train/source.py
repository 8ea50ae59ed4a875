"""Where batches come from: arrays, cut by an order drawn for each epoch, or a stream."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from adjoint import tree
from adjoint.errors import DataError
from adjoint.nn import random
from adjoint.train.dataset import Dataset, make_dataset

Order = Callable[[Any, int], Any]


class Piece(NamedTuple):
    """Some steps with batches of one shape, for one call into the compiled loop.

    ``rows`` is [steps, batch] of indices into the data, or stacked batches.
    """

    rows: Any
    steps: int
    batch: int


class ArraySource:
    """Batches from arrays.

    Args:
        data: the examples.
        batch_size: rows of a batch; the last of an epoch may have fewer.
        order: the examples of an epoch from a key and their number.
        drop_last: whether a smaller last batch is left out.
        among: the rows of data that are learned from; None for all. Nothing is copied.
    """

    def __init__(
        self, data: Dataset, batch_size: int, order: Order, drop_last: bool, among: Any = None
    ) -> None:
        n = len(data) if among is None else len(among)
        self.data = data
        self.count = n
        self._among = among
        self.batch = min(batch_size, n)
        self._order = order
        self._whole, self._rest = n // self.batch, n % self.batch
        if drop_last:
            self._rest = 0
        self.steps: int | None = self._whole + (self._rest > 0)

    @property
    def gathered(self) -> Any:
        """The arrays that rows point into."""
        return self.data.parts

    def learned(self) -> Dataset:
        """The examples that are learned from, copied if they are not all."""
        return self.data if self._among is None else self.data.rows(self._among)

    def example(self) -> Any:
        """A batch, for its shapes."""
        return tree.tree_map(lambda x: x[: self.batch], self.data.parts)

    def pieces(self, key: Any, epoch: int, start: int, limit: int) -> Iterator[Piece]:
        """The epoch from a step on, cut into pieces of at most ``limit`` steps.

        Pieces end at multiples of one length wherever they start, so a resumed run goes on
        with the calls that the first one would have made.
        """
        order = np.asarray(self._order(random.fold_in(key, epoch), self.count), np.int64)
        if self._among is not None:
            order = self._among[order]
        grid = order[: self._whole * self.batch].reshape(self._whole, self.batch)
        length = _even(self._whole, limit)
        while start < self._whole:
            stop = min(start + length - start % length, self._whole)
            yield Piece(grid[start:stop], stop - start, self.batch)
            start = stop
        if self._rest and start == self._whole:
            rest = order[self._whole * self.batch :][: self._rest]
            yield Piece(rest[None], 1, self._rest)


def _even(steps: int, limit: int) -> int:
    """A length of at most ``limit``; one that divides ``steps`` if there is one near it."""
    limit = max(1, min(limit, steps))
    for length in range(limit, limit // 2, -1):
        if steps % length == 0:
            return length
    return limit


class StreamSource:
    """Batches from something that gives them one by one.

    Args:
        stream: an iterable of batches, started anew each epoch; a function that returns one,
            ``stream()`` or ``stream(epoch)``; or an iterator, which can be read only once.
        steps: batches of an epoch; None for all there are.
        check: whether NaN and infinity are looked for.
    """

    gathered = None

    def __init__(self, stream: Any, steps: int | None, check: bool) -> None:
        self._stream = stream
        self.steps = steps
        self._check = check
        self._is_once = isinstance(stream, Iterator)
        self._taken = 0  # batches that a stream read only once has given
        self._first: Any = None

    def example(self) -> Any:
        """The first batch, for its shapes; it is not lost."""
        batch = next(self._begin(0), None)
        if batch is None:
            raise self._dry(0)
        if self._is_once:
            self._first = batch
        return self._read(batch)

    def pieces(self, key: Any, epoch: int, start: int, limit: int) -> Iterator[Piece]:
        """The epoch from a step on, batch by batch."""
        count = 0
        for batch in self._epoch(epoch):
            count += 1
            if count > start:
                parts = self._read(batch)
                stacked = tree.tree_map(lambda x: x[None], parts)
                yield Piece(stacked, 1, int(tree.leaves(parts)[0].shape[0]))
            if count == self.steps:
                return
        if count == 0:
            raise self._dry(epoch)

    def _epoch(self, epoch: int) -> Iterator[Any]:
        if not self._is_once:
            yield from self._begin(epoch)
            return
        # After a resume the batches of earlier epochs are read past.
        skip = epoch * (self.steps or 0) - self._taken
        while True:
            batch, self._first = self._first, None
            if batch is None:
                batch = next(self._stream, None)
            if batch is None:
                return
            self._taken += 1
            if skip > 0:
                skip -= 1
            else:
                yield batch

    def _begin(self, epoch: int) -> Iterator[Any]:
        if not callable(self._stream):
            return iter(self._stream)
        wants_epoch = bool(inspect.signature(self._stream).parameters)
        return iter(self._stream(epoch) if wants_epoch else self._stream())

    def _read(self, batch: Any) -> Any:
        if not isinstance(batch, tuple | Dataset):
            raise DataError(
                "a batch must be (inputs, targets) or (inputs, targets, weights)",
                function="fit",
                got=type(batch).__name__,
                remedy="arrays of all examples go into a tuple, data=(X, y); a list is a stream "
                "of batches",
            )
        return make_dataset(batch, "a batch", self._check).parts

    def _dry(self, epoch: int) -> DataError:
        again = " a second time" if self._is_once and epoch else ""
        return DataError(
            f"the data gave no batch{again}",
            function="fit",
            wanted="an iterable that can be started again for each epoch",
            remedy="pass a list, or a function that returns a new iterator, or for an endless "
            "stream steps_per_epoch",
        )


def collect(batches: Iterable[Any], check: bool) -> Dataset:
    """Batches joined into one dataset, for validation.

    Raises:
        DataError: there are none.
    """
    found = [make_dataset(batch, "a validation batch", check).parts for batch in batches]
    if not found:
        raise DataError("the validation data gave no batch", function="fit")
    return Dataset(**tree.tree_map(lambda *xs: np.concatenate(xs), *found))
