"""Training and inference: one call of a model with randomness and state made explicit.

``model(x)`` is inference: no randomness, stored statistics, nothing changes. ``apply`` is the
one door to training: it takes the key of the pass and gives back a new model that holds the
state its layers have handed over. Layers between need not pass anything on, so a user's own
dataclass with a dropout layer inside trains like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from adjoint.errors import StructureError
from adjoint.nn import random
from adjoint.nn.module import rebuild


@dataclass
class _Pass:
    """One call of apply: what its layers may ask for and what they hand over."""

    training: bool
    key: Any
    keys_given: int = 0
    changes: dict[int, dict[str, Any]] = field(default_factory=dict)
    # A module is known by its id, which is only its own while it is alive.
    alive: list[Any] = field(default_factory=list)


_pass: ContextVar[_Pass | None] = ContextVar("pass", default=None)


def apply(model: Any, *inputs: Any, training: bool = False, key: Any = None) -> tuple[Any, Any]:
    """Call a model once, in training or inference.

    Args:
        model: a module, or any callable dataclass with modules inside.
        inputs: what to call it with.
        training: whether layers such as dropout and batch normalisation behave as in
            training.
        key: an integer seed, or a key of :mod:`adjoint.nn.random`; needed by random layers.

    Returns:
        The output, and the model with its new state (batch statistics). Both are functions of
        the arguments alone.

    >>> import numpy as np
    >>> from adjoint import nn
    >>> model = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm(3))
    >>> x = np.ones((4, 3))
    >>> output, model = nn.apply(model, x, training=True, key=0)
    """
    if isinstance(key, int):
        key = random.key(key)
    current = _Pass(training, key)
    token = _pass.set(current)
    try:
        output = model(*inputs)
    finally:
        _pass.reset(token)
    return output, rebuild(model, current.changes) if current.changes else model


@contextmanager
def inference() -> Iterator[None]:
    """Within this block layers behave as in inference, whatever stands around it."""
    token = _pass.set(None)
    try:
        yield
    finally:
        _pass.reset(token)


def is_training() -> bool:
    """Whether the model is being called by ``apply(..., training=True)``."""
    current = _pass.get()
    return current is not None and current.training


def next_key(layer: str) -> Any:
    """A fresh key for a random layer: the key of the pass folded with a count of such calls.

    Args:
        layer: the layer's name, for the message.

    Raises:
        StructureError: if ``apply`` was given no key.
    """
    current = _pass.get()
    if current is None or current.key is None:
        raise StructureError(
            f"{layer} draws random numbers in training and was given no key",
            function="apply",
            got="key=None",
            wanted="an integer or a key of adjoint.nn.random",
            remedy="call nn.apply(model, x, training=True, key=0), another key for each step",
        )
    current.keys_given += 1
    return random.fold_in(current.key, current.keys_given)


def keep(module: Any, **fields: Any) -> None:
    """Hand over new values of a module's state fields to the ``apply`` that is running.

    Outside ``apply`` there is nowhere to put them, and they are dropped.
    """
    current = _pass.get()
    if current is not None:
        current.changes.setdefault(id(module), {}).update(fields)
        current.alive.append(module)


def kept(module: Any, name: str) -> Any:
    """The newest value of a state field: handed over in this pass, or the stored one.

    A layer that is called twice in one pass updates its statistics twice.
    """
    current = _pass.get()
    changes = {} if current is None else current.changes.get(id(module), {})
    return changes.get(name, getattr(module, name))
