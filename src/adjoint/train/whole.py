"""Full-batch methods in fit: an epoch is one iteration on all examples.

A line search asks for the loss as often as it needs, so the objective must be a function of
the parameters alone: dropout, noise and batch statistics are as in inference.

What SciPy's methods remember of the curvature cannot be saved. So a run with a checkpoint is cut
into legs of as many iterations each, at the start of which the method begins afresh, resumed or
not: that is where its state is the parameters alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint import nn, tree
from adjoint.errors import NonFiniteError, StructureError
from adjoint.optim.full_batch import FullBatch
from adjoint.optim.optimizer import Optimizer, State
from adjoint.train import sampling
from adjoint.train.compiled import NATIVE
from adjoint.train.evaluate import Evaluator, batched
from adjoint.train.run import Position, Run, is_finite
from adjoint.train.source import ArraySource


def whole_of(source: Any) -> ArraySource:
    """A source whose only batch is all that is learned from."""
    return ArraySource(source.learned(), source.count, sampling.in_order, drop_last=False)


class Held(Optimizer):
    """Takes no steps of its own: the full-batch method moves the parameters."""

    def init(self, parameters: Any) -> State:
        """Nothing is remembered from step to step."""
        return {}

    def update(self, gradients: Any, state: State, parameters: Any) -> tuple[Any, State]:
        """The parameters as they are."""
        return parameters, state


LEG = 100  # iterations


class _Enough(Exception):  # noqa: N818 - it ends a search, nothing is wrong
    """A callback has stopped the run."""


class WholeRun(Run):
    """A run whose epochs are the iterations of a full-batch method.

    Args:
        method: the method.
        parts: as for :class:`Run`.

    Attributes:
        leg: iterations after which the method begins afresh; None for never.
    """

    def __init__(self, method: FullBatch, *parts: Any, **settings: Any) -> None:
        super().__init__(*parts, **settings)
        self.leg: int | None = None
        self._method = method
        self._backend = settings["backend"]
        self._data = self._source.example()
        assert isinstance(self._source, ArraySource)  # streams have been refused
        self._measure = Evaluator(
            self._problem, self._source.data, {}, self._backend, settings["threads"]
        )

    @property
    def steps(self) -> int | None:
        """One iteration is one step."""
        return 1

    def go(self) -> None:
        """Minimise, one row of the history for each iteration."""
        self._begin()
        objective = self._residuals() if self._method.of_residuals else self._loss
        while self.epoch < self.epochs and not self.stopped:
            until = self.epochs
            if self.leg is not None:
                until = min(until, self.epoch - self.epoch % self.leg + self.leg)
            try:
                _, found = self._method.run(
                    objective,
                    self.position.carry["parameters"],
                    until - self.epoch,
                    callback=self._iterated,
                    native=None if self._backend == NATIVE else False,
                )
            except _Enough:
                return
            except IndexError as error:
                raise self._problem.named(error, self.position.carry, [self._data]) from None
            if self.epoch < until:
                self.stop(f"the method ended: {found.message}")

    @property
    def can_be_saved(self) -> bool:
        """At the start of a leg."""
        return self.leg is not None and self.step == 0 and self.epoch % self.leg == 0

    def _output(self, parameters: Any) -> Any:
        model = self._problem.parts.join(parameters, self.position.carry["states"])
        return batched(self._problem, model, self._data["inputs"])

    def _loss(self, parameters: Any) -> Any:
        targets = self._problem.cast(self._data["targets"])
        weights = self._data.get("weights")
        return self._problem.objective(self._output(parameters), targets, weights)["loss"]

    def _residuals(self) -> Callable[[Any], Any]:
        """Differences whose halved sum of squares is the loss."""
        losses = list(self._problem.objective.losses.values())
        targets = self._problem.cast(self._data["targets"])
        weights = self._data.get("weights")
        share = np.full(len(tree.leaves(targets)[0]), 1.0) if weights is None else weights
        share = share / share.sum()
        if losses == [nn.mean_squared_error]:
            share = 2 * share / max(1, int(np.prod(targets.shape[share.ndim :])))
        elif losses != [nn.half_squared_error] or share.ndim > 1:
            raise StructureError(
                f"{self._method.method} minimises sums of squares",
                function="fit",
                got=", ".join(getattr(loss, "__name__", str(loss)) for loss in losses),
                wanted="nn.mean_squared_error or nn.half_squared_error",
                remedy="use optim.lbfgs() for other losses",
            )
        factor = (
            np.sqrt(share)
            .reshape(*share.shape, *(1,) * (targets.ndim - share.ndim))
            .astype(targets.dtype)
        )

        def residuals(parameters: Any) -> Any:
            output = self._output(parameters)
            if output.shape != targets.shape:
                raise StructureError(
                    "output and target have different shapes",
                    function="fit",
                    got=f"output {tuple(output.shape)}, target {targets.shape}",
                )
            return factor * (output - targets)

        return residuals

    def _iterated(self, parameters: Any) -> None:
        at = self.position
        parameters = tree.tree_map(np.array, parameters)
        carry = {**at.carry, "parameters": parameters}
        losses, _ = self._measure(carry)
        if not (np.isfinite(losses["loss"]) and is_finite(parameters)):
            self.failed = True
            self.stopped = f"the loss is not finite at iteration {at.epoch + 1}"
            raise NonFiniteError(
                f"the loss became NaN or infinite at epoch {at.epoch + 1}",
                function="fit",
                got=f"loss {losses['loss']}",
                remedy="scale the inputs; error.result.model is the last good model, and "
                "ad.xray(error.result.model, loss, *error.batch) shows where it begins",
                batch=(self._data["inputs"], self._data["targets"]),
            )
        self.position = Position(carry, at.epoch, 1, losses, 1)
        for callback in self.callbacks:
            callback.on_steps(self)
        self._close_epoch()
        if self.stopped:
            raise _Enough
