"""Optimizer: two pure functions over trees, ``init`` and ``update``.

``init(parameters)`` makes a state, ``update(gradients, state, parameters)`` gives new parameters
and a new state. Both are NumPy code without branches on values, so they run as they stand and
inside a compiled step. A state is a tree of arrays: the number of steps taken, and one tree
like the parameters for each thing remembered.

>>> import numpy as np
>>> from adjoint import optim
>>> method = optim.momentum(0.1)
>>> parameters = {"w": np.array([1.0, 2.0])}
>>> state = method.init(parameters)
>>> for _ in range(2):
...     gradients = parameters  # of |w|^2 / 2
...     parameters, state = method.update(gradients, state, parameters)
>>> parameters["w"], int(state["step"])
(array([0.72, 1.44]), 2)
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, dataclass_transform

import numpy as np

from adjoint import tree
from adjoint.errors import StructureError
from adjoint.settings import Checked, check_range

State = dict[str, Any]
Rate = float | Callable[[Any], Any]
"""A number, or a schedule: a function of the number of steps taken so far."""


@dataclass_transform(frozen_default=True, kw_only_default=False)
class Optimizer(Checked, ABC):
    """The base of every optimiser; a subclass is made a frozen dataclass of settings."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclasses.dataclass(frozen=True)(cls)

    @abstractmethod
    def init(self, parameters: Any) -> State:
        """The state before the first step."""

    @abstractmethod
    def update(self, gradients: Any, state: State, parameters: Any) -> tuple[Any, State]:
        """One step: new parameters and new state."""

    def observe(self, state: State, value: Any) -> State:
        """Take note of a value that is watched, such as the validation loss of an epoch.

        Only schedules that wait for a plateau change their state; others return it as it is.
        """
        return state

    def evaluation(self, state: State, parameters: Any) -> Any:
        """The parameters to evaluate with: the averaged ones, where an average is kept."""
        return parameters


class Given(Optimizer):
    """An object of the user's that has ``init`` and ``update``."""

    method: Any

    def init(self, parameters: Any) -> State:
        """What the object says."""
        state: State = self.method.init(parameters)
        return state

    def update(self, gradients: Any, state: State, parameters: Any) -> tuple[Any, State]:
        """What the object says."""
        new, state = self.method.update(gradients, state, parameters)
        return new, state


def as_optimizer(method: Any, function: str = "fit", remedy: str = "") -> Optimizer:
    """An optimiser as it is; an object with ``init`` and ``update`` made one.

    Args:
        method: what was given.
        function: who was given it.
        remedy: what to do, if not to call it for its settings.

    Raises:
        StructureError: it is neither.
    """
    if isinstance(method, Optimizer):
        return method
    both = callable(getattr(method, "init", None)) and callable(getattr(method, "update", None))
    if both and not isinstance(method, type):
        return Given(method)
    is_class = isinstance(method, type)
    raise StructureError(
        "that is no optimiser",
        function=function,
        got=f"the class {method.__name__}" if is_class else repr(method)[:80],
        wanted="one of adjoint.optim, or an object with init(parameters) and "
        "update(gradients, state, parameters)",
        remedy=remedy or "call it for its settings, such as optim.adam(1e-3)",
    )


class LeafOptimizer(Optimizer):
    """An optimiser that treats every array alone; subclasses say how for one array."""

    def __post_init__(self) -> None:
        """Refuse a rate that is none, and what else lies outside."""
        check_rate(self.spoken_name(), rate=getattr(self, "rate", 0.0))
        super().__post_init__()

    def init(self, parameters: Any) -> State:
        """The state before the first step: no steps, and what each array starts with."""
        leaves, shape = tree.flatten(parameters)
        slots = [self.init_leaf(leaf) for leaf in leaves]
        names = list(slots[0]) if slots else []
        kept = {name: tree.unflatten(shape, [slot[name] for slot in slots]) for name in names}
        return {"step": np.zeros((), np.int64), "slots": kept}

    def update(self, gradients: Any, state: State, parameters: Any) -> tuple[Any, State]:
        """One step for every array."""
        leaves, shape = tree.flatten(parameters)
        slopes, slope_shape = tree.flatten(gradients)
        tree.check_same(shape, slope_shape, "update")
        step = state["step"]
        settings = self.settings(step)
        slots = {name: tree.leaves(kept) for name, kept in state["slots"].items()}
        news, new_slots = [], []
        for i, (leaf, slope) in enumerate(zip(leaves, slopes, strict=True)):
            mine = {name: kept[i] for name, kept in slots.items()}
            # A Python number or a number of a wider type must not widen the parameter.
            fitted = {name: fit(value, leaf) for name, value in settings.items()}
            new, slot = self.update_leaf(fit(slope, leaf), mine, leaf, fitted)
            news.append(new)
            new_slots.append(slot)
        kept = {name: tree.unflatten(shape, [slot[name] for slot in new_slots]) for name in slots}
        return tree.unflatten(shape, news), {"step": step + 1, "slots": kept}

    def settings(self, step: Any) -> dict[str, Any]:
        """Numbers that depend on the step alone, worked out once for all arrays.

        Args:
            step: steps taken so far, an integer array of shape ().
        """
        rate = getattr(self, "rate")  # noqa: B009 - a field of every subclass that does not override
        return {"rate": at_step(rate, step)}

    def init_leaf(self, parameter: Any) -> dict[str, Any]:
        """What is remembered for one array."""
        return {}

    @abstractmethod
    def update_leaf(
        self, gradient: Any, slot: dict[str, Any], parameter: Any, settings: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """One step for one array: the new array, and what is remembered of it."""


def check_rate(function: str, **rates: Any) -> None:
    """Refuse what is neither a rate nor a schedule."""
    for name, rate in rates.items():
        if callable(rate):
            continue
        try:
            check_range(function, "[0, inf)", **{name: rate})
        except StructureError:
            raise StructureError(
                f"the {name} must be a number from 0 up, or a schedule",
                function=function,
                got=f"{name}={rate!r}",
                remedy="such as 0.01, or optim.cosine(0.01, steps=1000)",
            ) from None


def at_step(rate: Rate, step: Any) -> Any:
    """A rate, or a schedule's rate at a step."""
    return rate(step) if callable(rate) else rate


def fit(value: Any, leaf: Any) -> Any:
    """A number or array in the dtype of a parameter."""
    if not hasattr(value, "dtype") or not hasattr(leaf, "dtype") or value.dtype == leaf.dtype:
        return value
    return value.astype(leaf.dtype)


def zeros_like(leaf: Any) -> Any:
    """Zeros of a leaf's shape and dtype; a Python float gets a float64."""
    return np.zeros_like(leaf)
