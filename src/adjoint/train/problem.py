"""The pure functions that a run is made of: one step, an epoch's steps, and prediction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from adjoint import nn, tree
from adjoint.api import scan, value_and_grad
from adjoint.errors import AdjointError, StructureError
from adjoint.nn import random
from adjoint.nn.module import settings
from adjoint.optim import Optimizer
from adjoint.optim.paths import matches
from adjoint.train.objective import Objective
from adjoint.train.windows import run_windowed

Carry = dict[str, Any]
"""``parameters``, ``states`` (both by path) and ``optimizer``: all that a step changes."""


class Parts:
    """A model taken apart: the arrays that learn, those that are carried, and the rest.

    Args:
        model: a tree of modules.
        freeze: patterns of paths that do not learn, ``*`` for any text.
    """

    def __init__(self, model: Any, freeze: tuple[str, ...] = ()) -> None:
        self._all, self._structure = tree.flatten(model)
        self._is_setting = tree.leaves(settings(model))
        self.names = self._arrays(tree.paths(model))
        self.leaves = [np.asarray(leaf) for leaf in self._arrays(self._all)]
        flags = self._arrays(tree.leaves(nn.trainable(model)))
        unmet = [
            pattern for pattern in freeze if not any(matches(n, (pattern,)) for n in self.names)
        ]
        if unmet:
            raise StructureError(
                f"freeze names no array of the model: {', '.join(unmet)}",
                function="fit",
                wanted=f"patterns of {', '.join(self.names)}"[:300],
            )
        self.learns = [
            bool(flag) and not matches(name, freeze)
            for name, flag in zip(self.names, flags, strict=True)
        ]

    @property
    def parameters(self) -> dict[str, Any]:
        """The arrays that learn, by path."""
        return self._chosen(True)

    @property
    def states(self) -> dict[str, Any]:
        """The other arrays, by path."""
        return self._chosen(False)

    def _chosen(self, learns: bool) -> dict[str, Any]:
        rows = zip(self.names, self.leaves, self.learns, strict=True)
        return {name: leaf for name, leaf, flag in rows if flag == learns}

    def _arrays(self, leaves: list[Any]) -> list[Any]:
        """Of what stands for each leaf of the model, that of its arrays."""
        return [x for x, fixed in zip(leaves, self._is_setting, strict=True) if not fixed]

    def join(self, parameters: dict[str, Any], states: dict[str, Any]) -> Any:
        """The model with these arrays."""
        return self.whole({**parameters, **states})

    def whole(self, arrays: dict[str, Any]) -> Any:
        """The model with these arrays, by path."""
        found = iter([arrays[name] for name in self.names])
        rows = zip(self._all, self._is_setting, strict=True)
        leaves = [leaf if fixed else next(found) for leaf, fixed in rows]
        return tree.unflatten(self._structure, leaves)

    def by_path(self, model: Any) -> dict[str, Any]:
        """The arrays of a model of this structure."""
        return dict(zip(self.names, self._arrays(tree.leaves(model)), strict=True))

    def states_of(self, model: Any) -> dict[str, Any]:
        """Those that are carried."""
        rows = zip(self.by_path(model).items(), self.learns, strict=True)
        return {name: leaf for (name, leaf), learns in rows if not learns}


@dataclass(frozen=True)
class Problem:
    """A model, what it is trained for and how: everything that fixes the arithmetic of a step.

    Args:
        parts: the model.
        objective: what is minimised.
        optimizer: the method.
        dtype: floating inputs and targets are cast to it; None leaves them.
        augment: ``augment(inputs, key) -> inputs``, in training only.
        window: steps of time for truncated backpropagation; None for whole sequences.
    """

    parts: Parts
    objective: Objective
    optimizer: Optimizer
    dtype: Any = None
    augment: Callable[[Any, Any], Any] | None = None
    window: int | None = None

    def start(self) -> Carry:
        """The carry before the first step."""
        parameters = self.parts.parameters
        return {
            "parameters": parameters,
            "states": self.parts.states,
            "optimizer": self.optimizer.init(parameters),
        }

    def model(self, carry: Carry) -> Any:
        """The model to use: with averaged parameters, where the optimiser keeps them."""
        best = self.optimizer.evaluation(carry["optimizer"], carry["parameters"])
        return self.parts.join(best, carry["states"])

    def step(self, carry: Carry, key: Any, batch: Any) -> tuple[Carry, dict[str, Any]]:
        """One batch: forward, backward, update.

        Args:
            carry: see :data:`Carry`.
            key: of this step.
            batch: ``inputs``, ``targets`` and maybe ``weights``.

        Returns:
            The next carry, and the losses by name.
        """
        for_model, for_data = random.split(key)
        batch = self.cast(batch)
        if self.augment is not None:
            batch = {**batch, "inputs": self.augment(batch["inputs"], for_data)}
        if self.window is not None:
            return run_windowed(self, carry, for_model, batch, self.window)

        def forward(model: Any) -> tuple[Any, Any, None]:
            output, model = nn.apply(model, *spread(batch["inputs"]), training=True, key=for_model)
            return output, model, None

        carry, losses, _ = self.learn(carry, forward, batch["targets"], batch.get("weights"))
        return carry, losses

    def learn(
        self, carry: Carry, forward: Callable[[Any], Any], targets: Any, weights: Any
    ) -> tuple[Carry, dict[str, Any], Any]:
        """Differentiate the losses of one forward pass and update.

        Args:
            carry: see :data:`Carry`.
            forward: model -> (output, model with its new states, anything to hand on).
            targets: what the losses compare the output with.
            weights: one for each example, or None.
        """
        states = carry["states"]

        def losses(parameters: dict[str, Any]) -> tuple[Any, Any]:
            output, model, extra = forward(self.parts.join(parameters, states))
            values = self.objective(output, targets, weights)
            return values["loss"], (values, self.parts.states_of(model), extra)

        (_, (values, new, extra)), gradient = value_and_grad(losses, has_aux=True)(
            carry["parameters"]
        )
        parameters, state = self.optimizer.update(gradient, carry["optimizer"], carry["parameters"])
        # A batch of wider numbers must not widen what is carried on.
        new = {name: _as(value, states[name]) for name, value in new.items()}
        return {"parameters": parameters, "states": new, "optimizer": state}, values, extra

    def steps(
        self, carry: Carry, key: Any, first: Any, rows: Any, data: Any
    ) -> tuple[Carry, dict[str, Any]]:
        """Many steps as one loop of the graph.

        Args:
            carry: see :data:`Carry`.
            key: of the run; each step folds in its number.
            first: number of the first step, an integer array [].
            rows: [steps, batch] indices into data; with data None, batches stacked: a tree of
                [steps, batch, ...].
            data: a tree of [examples, ...].

        Returns:
            The last carry, and losses [steps] by name.
        """
        count = tree.leaves(rows)[0].shape[0]
        numbers = first + np.arange(count)

        def one(carry: Carry, row: Any) -> tuple[Carry, dict[str, Any]]:
            number, which = row
            batch = which
            if data is not None:
                batch = tree.tree_map(lambda x: np.take(x, which, axis=0), data)
            return self.step(carry, random.fold_in(key, number), batch)

        return scan(one, carry, (numbers, rows))

    def named(self, error: IndexError, carry: Carry, batches: Iterable[Any]) -> Exception:
        """The error in the words of the layer or loss that it comes from.

        Compiled code can only say that some index was outside some table. Where all values are
        known, layers and losses look at labels and indices themselves.

        Args:
            error: what compiled code said.
            carry: see :data:`Carry`.
            batches: trees of ``inputs``, ``targets`` and maybe ``weights``, among which it is.
        """
        model = self.model(carry)
        try:
            for batch in batches:
                known = self.cast(tree.tree_map(np.asarray, batch))
                output = self.predict(model, known["inputs"])
                self.objective(output, known["targets"], known.get("weights"))
        except AdjointError as told:
            return told
        return error

    def predict(self, model: Any, inputs: Any) -> Any:
        """The model's output in inference."""
        return model(*spread(self.cast(inputs)))

    def cast(self, batch: Any) -> Any:
        """Floating arrays in the run's dtype."""
        if self.dtype is None:
            return batch
        return tree.tree_map(
            lambda x: x.astype(self.dtype) if x.dtype.kind == "f" and x.dtype != self.dtype else x,
            batch,
        )


def spread(inputs: Any) -> tuple[Any, ...]:
    """The arguments of a model: a tuple is several, anything else is one."""
    return inputs if isinstance(inputs, tuple) else (inputs,)


def _as(value: Any, like: Any) -> Any:
    return value if value.dtype == like.dtype else value.astype(like.dtype)
