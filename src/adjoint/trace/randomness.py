"""Random numbers that a recorded function draws: a program has the same ones for ever."""

from __future__ import annotations

import functools
import inspect
import pickle
import sys
import warnings
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from adjoint.graph.source import source_here


class RandomnessWarning(UserWarning):
    """A function drew random numbers while it was recorded to be run again and again."""


States = list[tuple[Any, bytes]]  # generators, and how they stood


def states_before(f: Callable[..., Any]) -> States:
    """How the generators stand that f can name.

    These are NumPy's global one, and those among the globals that f mentions and the variables
    of functions around it.
    """
    return [(generator, _state(generator)) for generator in _generators(f)]


def tell_of_draws(name: str, before: States) -> None:
    """Warn if a generator does not stand as it did before the recording.

    Args:
        name: the public function that records.
        before: what :func:`states_before` gave.
    """
    if any(_state(generator) != state for generator, state in before):
        place = source_here()
        warnings.warn_explicit(
            f"{name}: the function drew random numbers while it was recorded; they are the same "
            "ones whenever it is run: draw them outside and pass them as an argument, or use "
            "adjoint.nn.random with a key that is one",
            RandomnessWarning,
            place.file,
            place.line,
        )


def _generators(f: Callable[..., Any]) -> list[Any]:
    module = sys.modules.get("numpy.random.mtrand")
    if module is None:  # nobody has asked for random numbers in this process
        return []
    found = {id(module._rand): module._rand}
    pending: list[Any] = [f]
    looked: set[int] = set()
    while pending:
        x = pending.pop()
        kind = type(x)  # objects themselves are not asked: some raise, some import
        if issubclass(kind, np.random.Generator | np.random.RandomState):
            found[id(x)] = x
        elif id(x) not in looked and issubclass(kind, FunctionType | functools.partial):
            looked.add(id(x))
            pending += _seen_by(x)
    return list(found.values())


def _seen_by(f: Any) -> list[Any]:
    """What a function can name: functions in it are looked through, those it calls are not."""
    if isinstance(f, functools.partial):
        return [f.func, *f.args, *f.keywords.values()]
    f = inspect.unwrap(f)
    if not isinstance(f, FunctionType):
        return []  # of NumPy's own
    held = [f.__globals__.get(name) for name in _names(f.__code__)]
    seen = [x for x in held if type(x) is not FunctionType]
    for cell in f.__closure__ or ():
        try:
            seen.append(cell.cell_contents)
        except ValueError:
            continue  # not set yet
    return seen


def _names(code: CodeType) -> list[str]:
    """What a function's code mentions, and the functions within it."""
    found: list[str] = []
    pending = [code]
    while pending:
        part = pending.pop()
        found += part.co_names
        pending += [x for x in part.co_consts if isinstance(x, CodeType)]
    return found


def _state(generator: np.random.Generator | np.random.RandomState) -> bytes:
    if isinstance(generator, np.random.Generator):
        return pickle.dumps(generator.bit_generator.state)
    return pickle.dumps(generator.get_state())
