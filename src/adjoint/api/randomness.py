"""Random numbers that a recorded function draws: a program would have the same ones for ever."""

from __future__ import annotations

import inspect
import pickle
import sys
import warnings
from collections.abc import Callable
from types import CodeType
from typing import Any

from adjoint.graph.source import source_here


class RandomnessWarning(UserWarning):
    """A jitted function drew random numbers, which are constants of its program."""


States = list[tuple[Any, bytes]]  # generators, and how they stood


def states_before(f: Callable[..., Any]) -> States:
    """How the generators stand that f can name.

    These are NumPy's global one, and those among the globals that f mentions and the variables
    of functions around it.
    """
    return [(generator, _state(generator)) for generator in _generators(f)]


def tell_of_draws(f: Callable[..., Any], before: States) -> None:
    """Warn if a generator does not stand as it did before f was recorded."""
    if any(_state(generator) != state for generator, state in before):
        place = source_here()
        warnings.warn_explicit(
            f"jit: {getattr(f, '__name__', 'the function')} drew random numbers while it was "
            "recorded; its program has the same ones in every call: draw them outside and pass "
            "them as an argument, or pass a key of adjoint.nn.random",
            RandomnessWarning,
            place.file,
            place.line,
        )


def _generators(f: Callable[..., Any]) -> list[Any]:
    module = sys.modules.get("numpy.random.mtrand")
    if module is None:  # nobody has asked for random numbers in this process
        return []
    f = inspect.unwrap(f)
    names = getattr(f, "__globals__", {})
    seen = [names.get(name) for name in _names(getattr(f, "__code__", None))]
    for cell in getattr(f, "__closure__", None) or ():
        try:
            seen.append(cell.cell_contents)
        except ValueError:
            continue  # not set yet
    found = {id(x): x for x in seen if hasattr(x, "bit_generator") or hasattr(x, "get_state")}
    return [module._rand, *found.values()]


def _names(code: CodeType | None) -> list[str]:
    """What a function's code mentions, and the functions within it."""
    found: list[str] = []
    pending = [code]
    while pending:
        part = pending.pop()
        if part is not None:
            found += part.co_names
            pending += [x for x in part.co_consts if isinstance(x, CodeType)]
    return found


def _state(generator: Any) -> bytes:
    if hasattr(generator, "bit_generator"):
        return pickle.dumps(generator.bit_generator.state)
    return pickle.dumps(generator.get_state())
