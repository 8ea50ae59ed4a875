"""Losses and metrics of a model on data, in inference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api import scan
from adjoint.train.compiled import Compiled
from adjoint.train.dataset import Dataset
from adjoint.train.metrics import Metric, score
from adjoint.train.problem import Carry, Problem

_ROWS = 1024  # of a batch in inference; fixed, so that it cannot change any bits


class Evaluator:
    """Losses and metrics of the model so far on some data.

    Args:
        problem: the model and its losses.
        data: the examples.
        metrics: by name.
        backend: see :class:`adjoint.train.compiled.Compiled`.
        threads: likewise.
    """

    def __init__(
        self,
        problem: Problem,
        data: Dataset,
        metrics: Mapping[str, Metric],
        backend: str,
        threads: int | None,
    ) -> None:
        self.data = data
        self.metrics = metrics
        self._problem = problem
        self._run = Compiled(self._measure, backend, threads)

    def __call__(self, carry: Carry) -> tuple[dict[str, float], dict[str, float]]:
        """Losses and metrics, by name."""
        parameters = self._problem.optimizer.evaluation(carry["optimizer"], carry["parameters"])
        try:
            losses, output = self._run(parameters, carry["states"], self.data.parts)
        except IndexError as error:
            raise self._problem.named(error, carry, [self.data.parts]) from None
        found = {
            name: score(metric, output, self.data.targets, self.data.weights)
            for name, metric in self.metrics.items()
        }
        return {name: float(value) for name, value in losses.items()}, found

    def _measure(self, parameters: Any, states: Any, data: Any) -> tuple[Any, Any]:
        model = self._problem.parts.join(parameters, states)
        output = batched(self._problem, model, data["inputs"])
        losses = self._problem.objective(
            output, self._problem.cast(data["targets"]), data.get("weights")
        )
        # The output is handed back only if somebody looks at it.
        return losses, (output if self.metrics else ())


def batched(problem: Problem, model: Any, inputs: Any) -> Any:
    """The model's output for any number of rows, computed some at a time."""
    n = tree.leaves(inputs)[0].shape[0]
    whole = n // _ROWS
    if n <= _ROWS:
        return problem.predict(model, inputs)
    pieces = tree.tree_map(lambda x: x[: whole * _ROWS].reshape(whole, _ROWS, *x.shape[1:]), inputs)
    _, output = scan(lambda none, rows: (none, problem.predict(model, rows)), (), pieces)
    output = tree.tree_map(lambda y: y.reshape(whole * _ROWS, *y.shape[2:]), output)
    if whole * _ROWS == n:
        return output
    rest = problem.predict(model, tree.tree_map(lambda x: x[whole * _ROWS :], inputs))
    return tree.tree_map(lambda a, b: np.concatenate([a, b]), output, rest)
