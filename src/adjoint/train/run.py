"""A run in progress: where it stands, and how it goes on."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.errors import NonFiniteError
from adjoint.nn import random
from adjoint.train.callbacks import Callback
from adjoint.train.compiled import INTERPRETER, Compiled, seconds_of
from adjoint.train.evaluate import Evaluator
from adjoint.train.history import History, Row
from adjoint.train.interrupts import undisturbed
from adjoint.train.problem import Carry, Problem
from adjoint.train.source import ArraySource, Piece, StreamSource

# A call into the loop takes about this long, so that Ctrl-C and progress are prompt.
_CALL_SECONDS = 0.25
# From so many bytes on, what the optimiser remembers is updated in place, one step a call. The
# parameters never are: those of before a step are the last good ones if it goes wrong.
_LARGE = 1 << 25
_ORDER, _STEPS = 1, 2  # what the run's key is folded with


@dataclass(frozen=True)
class Position:
    """Where a run stands. Replaced as a whole, so an interrupt never finds half of it.

    Args:
        carry: parameters, states, optimiser.
        epoch: epochs that are finished.
        step: steps taken in the epoch that is running.
        sums: losses of those steps by name, each times its batch.
        weight: examples that they were of.
        seconds: spent on the running epoch before this process.
        before: steps taken in the epochs that are finished.
    """

    carry: Carry
    epoch: int = 0
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    weight: int = 0
    seconds: float = 0.0
    before: int = 0


class Run:
    """What callbacks see.

    Attributes:
        history: the rows so far.
        epochs: how many are wanted.
        steps: of an epoch; None if a stream has not said yet.
        stopped: why the run ended before its time; empty otherwise.
        failed: whether that is a number that is not finite.
        notes: what was decided about dtypes.
    """

    def __init__(
        self,
        problem: Problem,
        source: ArraySource | StreamSource,
        evaluator: Evaluator | None,
        callbacks: Sequence[Callback],
        *,
        epochs: int,
        seed: int,
        validates: bool,
        backend: str,
        threads: int | None,
        steps_per_call: int | None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.epochs = epochs
        self.history = History()
        self.stopped = ""
        self.failed = False
        self.notes = notes
        carry = problem.start()
        memory = sum(np.asarray(x).nbytes for x in tree.leaves(carry["optimizer"]))
        self._in_place = memory >= _LARGE and backend != INTERPRETER and steps_per_call in (None, 1)
        if self._in_place:
            # It may hold arrays of somebody else's, and is to be written over.
            carry = {**carry, "optimizer": tree.tree_map(np.array, carry["optimizer"])}
        self._torn = False
        self.position = Position(carry)
        self.callbacks = list(callbacks)
        self._problem = problem
        self._source = source
        self._evaluator = evaluator
        self._validates = validates
        self._steps = Compiled(functools.partial(_steps, problem), backend, threads, self._in_place)
        key = random.key(seed)
        self._order_key = random.fold_in(key, _ORDER)
        self._step_key = random.fold_in(key, _STEPS)
        self._limit = 1 if self._in_place else steps_per_call
        self._is_slow = backend == INTERPRETER
        self._used: dict[str, Any] | None = None
        self._since = perf_counter()

    # *** what callbacks may ask and do ***

    @property
    def epoch(self) -> int:
        """Epochs that are finished."""
        return self.position.epoch

    @property
    def step(self) -> int:
        """Steps taken in the running epoch."""
        return self.position.step

    @property
    def steps(self) -> int | None:
        """Steps of an epoch; of a stream, if it does not say, as many as there were so far."""
        if self._source.steps is None and self.epoch:
            return round(self.position.before / self.epoch)
        return self._source.steps

    @property
    def can_be_saved(self) -> bool:
        """Whether the position says all that is needed to go on from here."""
        return True

    def still_holds(self, position: Position) -> bool:
        """Whether a position noted earlier is as it was: no step has been taken in place since."""
        steps = position.before + position.step
        now = self.position.before + self.position.step
        return not self._in_place or (steps == now and not self._torn)

    @property
    def loss(self) -> float:
        """Mean loss of the running epoch so far."""
        return self.position.sums.get("loss", 0.0) / max(self.position.weight, 1)

    @property
    def model(self) -> Any:
        """The model as it is now."""
        if self._used is None:
            return self._current()
        return self._problem.parts.whole(self._used)

    def arrays(self) -> dict[str, Any]:
        """The arrays of the model as it is now, by path."""
        return self._problem.parts.by_path(self._current())

    def _current(self) -> Any:
        carry = self.position.carry
        model = self._problem.model(carry)
        if not self._in_place:
            return model
        # An average of the parameters is the optimiser's, and would go on changing.
        own = {id(x) for x in tree.leaves(carry["optimizer"])}
        return self._problem.parts.whole(
            {
                name: x.copy() if id(x) in own or x.base is not None else x
                for name, x in self._problem.parts.by_path(model).items()
            }
        )

    def use(self, arrays: dict[str, Any]) -> None:
        """Let the result be the model with these arrays, by path."""
        self._used = arrays

    def stop(self, reason: str) -> None:
        """End the run after this epoch."""
        self.stopped = reason

    # *** going on ***

    def go(self) -> None:
        """All epochs that are left.

        Raises:
            NonFiniteError: the loss or a parameter is no longer finite.
        """
        self._begin()
        while self.epoch < self.epochs and not self.stopped:
            self._epoch()

    def _begin(self) -> None:
        self._since = perf_counter()

    def _epoch(self) -> None:
        # The position itself is not kept here: that would hold on to the arrays it began with.
        for piece in self._source.pieces(
            self._order_key, self.epoch, self.step, self._call_length(self.position)
        ):
            with undisturbed() if self._in_place else nullcontext():
                self._advance(piece)
                for callback in self.callbacks:
                    callback.on_steps(self)
        self._close_epoch()

    def _close_epoch(self) -> None:
        """Measure, tell the optimiser and the callbacks."""
        row = self._row()
        self.history = self.history + row
        at = self.position
        carry = at.carry
        watched = row.loss if row.val_loss is None else row.val_loss
        state = self._problem.optimizer.observe(carry["optimizer"], np.asarray(watched))
        self.position = Position(
            {**carry, "optimizer": state}, at.epoch + 1, before=at.before + at.step
        )
        self._since = perf_counter()
        for callback in self.callbacks:
            callback.on_epoch(self, row)

    def _advance(self, piece: Piece) -> None:
        at = self.position
        self._torn = True
        try:
            carry, losses = self._steps(*self._arguments(at.carry, at.step, piece.rows))
        except IndexError as error:
            raise self._problem.named(error, at.carry, self._batches(piece)) from None
        if not is_good(carry, losses):
            self._fail(piece, carry, losses)
        sums = {name: _add(at.sums.get(name, 0.0), x, piece.batch) for name, x in losses.items()}
        self.position = replace(
            at,
            carry=carry,
            step=at.step + piece.steps,
            sums=sums,
            weight=at.weight + piece.steps * piece.batch,
        )
        self._torn = False

    def _arguments(self, carry: Carry, step: int, rows: Any) -> tuple[Any, ...]:
        first = np.asarray(self.position.before + step)
        rest = {name: part for name, part in carry.items() if name != "optimizer"}
        return carry["optimizer"], rest, self._step_key, first, rows, self._source.gathered

    def _call_length(self, at: Position) -> int:
        """Steps of one call: fixed by the sizes of the graph, never by a clock."""
        if self._limit is None:
            self._limit = 1
            if isinstance(self._source, ArraySource) and self.steps:
                piece = next(self._source.pieces(self._order_key, 0, 0, self.steps))
                arguments = self._arguments(at.carry, 0, piece.rows)
                each = seconds_of(self._steps.recorded(*arguments)) / piece.steps
                each *= 30 if self._is_slow else 1
                whole = each * piece.steps <= 2 * _CALL_SECONDS
                self._limit = piece.steps if whole else max(1, int(_CALL_SECONDS / each))
        return self._limit

    def _row(self) -> Row:
        at = self.position
        means = {name: total / at.weight for name, total in at.sums.items()}
        loss = means.pop("loss")
        val_loss, metrics = None, means
        if self._evaluator is not None:
            losses, found = self._evaluator(at.carry)
            if self._validates:
                val_loss = losses.pop("loss")
                metrics = {**means, **{f"val_{name}": x for name, x in losses.items()}}
            metrics = {**metrics, **found}
        seconds = at.seconds + perf_counter() - self._since
        return Row(at.epoch + 1, loss, val_loss, metrics, seconds)

    def seconds_of_epoch(self) -> float:
        """Spent on the running epoch, before a resume too."""
        return self.position.seconds + perf_counter() - self._since

    def _fail(self, piece: Piece, new: Carry, losses: dict[str, Any]) -> None:
        """Find the step that went wrong, keep the model before it, and say so."""
        at = self.position
        carry, batch, bad = at.carry, {}, at.step
        batches = self._batches(piece)
        for i in range(piece.steps):
            bad = at.step + i
            batch = next(batches)
            if piece.steps > 1:
                rows = tree.tree_map(lambda x, i=i: x[i : i + 1], piece.rows)
                new, losses = self._steps(*self._arguments(carry, bad, rows))
            if not is_good(new, losses):
                break
            carry = new
        if self._in_place:
            # The bad step has written over what the optimiser remembers, averages too.
            carry = {**carry, "optimizer": None}
            last = self._problem.parts.join(carry["parameters"], carry["states"])
            self.use(self._problem.parts.by_path(last))
        self.position = replace(at, carry=carry, step=bad)
        self.failed = True
        what = "the loss"
        if np.isfinite(losses["loss"]).all():
            what = (
                f"the parameter {next(n for n, x in new['parameters'].items() if not is_finite(x))}"
            )
        self.stopped = f"{what} is not finite at epoch {at.epoch + 1}, step {bad + 1}"
        raise NonFiniteError(
            f"{what} became NaN or infinite at epoch {at.epoch + 1}, step {bad + 1}"
            + (f" of {self.steps}" if self.steps else ""),
            function="fit",
            got=f"loss {float(losses['loss'][0])}",
            remedy="lower the rate or clip gradients; error.result.model is the last good model "
            "and error.batch the batch: ad.xray(error.result.model, loss, *error.batch) shows "
            "where it begins",
            batch=(batch["inputs"], batch["targets"]),
        )

    def _batches(self, piece: Piece) -> Iterator[Any]:
        """The batches of some steps, each a tree of arrays."""
        data = self._source.gathered
        for i in range(piece.steps):
            one = tree.tree_map(lambda x, i=i: x[i], piece.rows)
            yield (
                one if data is None else tree.tree_map(lambda x, one=one: np.asarray(x[one]), data)
            )


def _steps(problem: Problem, memory: Any, rest: Carry, *others: Any) -> Any:
    """Steps, with what the optimiser remembers as an argument of its own."""
    return problem.steps({**rest, "optimizer": memory}, *others)


def _add(total: float, losses: Any, batch: int) -> float:
    """Losses added one after the other, so that it does not matter how steps are cut to calls."""
    terms = np.concatenate([[total], losses.astype(float) * batch])
    return float(np.add.accumulate(terms)[-1])


def is_good(carry: Carry, losses: dict[str, Any]) -> bool:
    """Whether a run can go on from here."""
    return bool(np.isfinite(losses["loss"]).all()) and is_finite(carry["parameters"])


def is_finite(values: Any) -> bool:
    """Whether every number of a tree is finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        leaves = tree.leaves(values)
        return all(bool(np.isfinite(x.sum()) or np.isfinite(x).all()) for x in leaves)
