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

from adjoint.api.control import around, recorded_cond, rolled_scan, rolled_while
from adjoint.errors import StructureError
from adjoint.nn import random
from adjoint.nn.module import rebuild
from adjoint.trace.recorder import TracedCore


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
    _check_out(current)
    return output, rebuild(model, current.changes) if current.changes else model


def _check_out(current: _Pass) -> None:
    """Refuse state from within a transformation that has ended: there is one for each row."""
    for module in current.alive:
        for name, value in current.changes[id(module)].items():
            if isinstance(value, TracedCore) and value.recorder.closed:
                raise StructureError(
                    "a layer hands over state from within another transformation",
                    function="apply",
                    got=f"{type(module).__name__}.{name} of a call inside {value.recorder.name}",
                    wanted="such a layer outside vmap, grad or jvp; inside scan, while_loop, cond "
                    "and checkpoint it may stand",
                    remedy="call the layer on the whole batch, or within nn.inference()",
                )


@contextmanager
def inference() -> Iterator[None]:
    """Within this block layers behave as in inference, whatever stands around it."""
    with _within(None):
        yield


@contextmanager
def _within(current: _Pass | None) -> Iterator[None]:
    """A block that belongs to a pass, its loops too."""
    tokens = _pass.set(current), around.set(None if current is None else _CARRIER)
    try:
        yield
    finally:
        _pass.reset(tokens[0])
        around.reset(tokens[1])


class _Carrier:
    """Brings state out of code that is recorded apart, and keys into it.

    What the layers inside hand over is known only when they have run, so loops and branches are
    recorded once to see, and again with the state among what goes round.
    """

    def scan(self, f: Any, init: Any, xs: Any, *settings: Any) -> tuple[Any, Any]:
        """Each step draws a key of its own and hands state on to the next."""
        first = _to_see()
        result = rolled_scan(_seen(f, first), init, xs, *settings)
        if not _has_met(first):
            return result
        modules, start = _handed_over(first)
        key = _next_key()

        def step(carry: Any, row: Any) -> tuple[Any, Any]:
            given, states, number = carry
            now = _inside(_folded(key, number), modules, states)
            new, result = _seen(f, now)(given, row)
            return (new, _states(now, modules), number + 1), result

        (carry, states, _), results = rolled_scan(step, (init, start, np.int64(0)), xs, *settings)
        _hand_over(modules, states)
        return carry, results

    def while_loop(self, condition: Any, body: Any, init: Any) -> Any:
        """As :meth:`scan`; the condition sees the state, and changes nothing."""
        first = _to_see()
        result = rolled_while(_seen(condition, _to_see()), _seen(body, first), init)
        if not _has_met(first):
            return result
        modules, start = _handed_over(first)
        key = _next_key()

        def within(f: Any, carry: Any) -> tuple[Any, _Pass]:
            given, states, number = carry
            now = _inside(_folded(key, number), modules, states)
            return _seen(f, now)(given), now

        def step(carry: Any) -> Any:
            new, now = within(body, carry)
            return new, _states(now, modules), carry[2] + 1

        carry = (init, start, np.int64(0))
        last, states, _ = rolled_while(lambda carry: within(condition, carry)[0], step, carry)
        _hand_over(modules, states)
        return last

    def cond(self, which: Any, on_true: Any, on_false: Any, *args: Any) -> Any:
        """The branch that is not taken leaves the state as it was."""
        firsts = _to_see(), _to_see()
        branches = tuple(map(_seen, (on_true, on_false), firsts))
        result = recorded_cond(which, *branches, *args)
        if not any(map(_has_met, firsts)):
            return result
        modules, start = _handed_over(*firsts)
        key = _next_key()

        def stateful(branch: Any) -> Any:
            def run(states: Any, *args: Any) -> Any:
                now = _inside(key, modules, states)
                result = _seen(branch, now)(*args)
                return result, _states(now, modules)

            return run

        result, states = recorded_cond(which, stateful(on_true), stateful(on_false), start, *args)
        _hand_over(modules, states)
        return result

    def call(self, transform: Callable[[Any], Any], f: Any, *args: Any) -> Any:
        """What f hands over comes out beside its result."""
        outer = _pass.get()
        assert outer is not None
        now = _inside(_next_key(), outer.changes, outer.changes.values())
        modules: dict[int, Any] = {}

        def lifted(*args: Any) -> Any:
            result = _seen(f, now)(*args)
            modules.update({id(module): module for module in now.alive})
            return result, _states(now, modules)

        token = around.set(None)
        try:
            result, states = transform(lifted)(*args)
        finally:
            around.reset(token)
        _hand_over(modules, states)
        return result


_CARRIER = _Carrier()


def _inside(key: Any = None, modules: Any = (), states: Any = ()) -> _Pass:
    """A pass inside the one that runs: its key, and the state so far of some modules."""
    outer = _pass.get()
    assert outer is not None  # the carrier is only there while one runs
    changes = {at: dict(fields) for at, fields in zip(modules, states, strict=True)}
    return _Pass(outer.training, key, changes=changes)


def _to_see() -> _Pass:
    """A pass whose results are only looked at."""
    outer = _pass.get()
    assert outer is not None
    return _inside(outer.key)


def _seen(f: Any, now: _Pass) -> Any:
    """A function that runs within a pass."""

    def run(*args: Any) -> Any:
        with _within(now):
            return f(*args)

    return run


def _has_met(first: _Pass) -> bool:
    return bool(first.changes or first.keys_given)


def _handed_over(*firsts: _Pass) -> tuple[dict[int, Any], list[dict[str, Any]]]:
    """The modules that handed state over in some passes, and that state as it is before."""
    modules = {id(module): module for first in firsts for module in first.alive}
    names: dict[int, dict[str, None]] = {key: {} for key in modules}
    for first in firsts:
        for key, fields in first.changes.items():
            names[key].update(dict.fromkeys(fields))
    return modules, [{name: kept(modules[key], name) for name in names[key]} for key in modules]


def _states(now: _Pass, modules: dict[int, Any]) -> list[dict[str, Any]]:
    return [now.changes[key] for key in modules]


def _hand_over(modules: dict[int, Any], states: list[dict[str, Any]]) -> None:
    for module, fields in zip(modules.values(), states, strict=True):
        keep(module, **fields)


def _next_key() -> Any:
    """The next key of the pass that runs, or None if it has none."""
    outer = _pass.get()
    assert outer is not None
    outer.keys_given += 1
    return _folded(outer.key, outer.keys_given)


def _folded(key: Any, number: Any) -> Any:
    return None if key is None else random.fold_in(key, number)


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
    return _next_key()


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
