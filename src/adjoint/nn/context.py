"""Training and inference: one call of a model with randomness and state made explicit.

``model(x)`` is inference: no randomness, stored statistics, nothing changes. ``apply`` is the
one door to training: it takes the key of the pass and gives back a new model that holds the
state its layers have handed over. Layers between need not pass anything on, so a user's own
dataclass with a dropout layer inside trains like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adjoint.api.control import around_scan, rolled_scan
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
    with _within(current):
        output = model(*inputs)
    return output, rebuild(model, current.changes) if current.changes else model


@contextmanager
def inference() -> Iterator[None]:
    """Within this block layers behave as in inference, whatever stands around it."""
    with _within(None):
        yield


@contextmanager
def _within(current: _Pass | None) -> Iterator[None]:
    """A block that belongs to a pass, its loops too."""
    tokens = _pass.set(current), around_scan.set(None if current is None else _scan)
    try:
        yield
    finally:
        _pass.reset(tokens[0])
        around_scan.reset(tokens[1])


def _scan(f: Callable[..., tuple[Any, Any]], init: Any, xs: Any, *settings: Any) -> tuple[Any, Any]:
    """A loop whose steps each draw a key of their own and hand state on to the next.

    Args:
        f: as for :func:`adjoint.scan`.
        init: likewise.
        xs: likewise.
        settings: likewise.
    """
    outer = _pass.get()
    assert outer is not None  # set together
    first = _Pass(outer.training, outer.key)

    def plain(carry: Any, row: Any) -> tuple[Any, Any]:
        with _within(first):
            return f(carry, row)

    result = rolled_scan(plain, init, xs, *settings)
    if not (first.changes or first.keys_given):
        return result
    # Only now is it known what the layers inside hand over: it goes round with the carry.
    modules = {id(module): module for module in first.alive}
    start = [
        {name: kept(module, name) for name in first.changes[key]} for key, module in modules.items()
    ]
    outer.keys_given += 1
    key = None if outer.key is None else random.fold_in(outer.key, outer.keys_given)

    def step(carry: Any, row: Any) -> tuple[Any, Any]:
        given, states, number = carry
        own = None if key is None else random.fold_in(key, number)
        now = _Pass(outer.training, own, changes=dict(zip(modules, states, strict=True)))
        with _within(now):
            new, result = f(given, row)
        return (new, [now.changes[key] for key in modules], number + 1), result

    (carry, states, _), results = rolled_scan(step, (init, start, np.int64(0)), xs, *settings)
    for module, fields in zip(modules.values(), states, strict=True):
        keep(module, **fields)
    return carry, results


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
