"""Run a function once on stand-ins and keep what it did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from adjoint import tree
from adjoint.errors import AdjointError, UnsupportedError
from adjoint.graph.collection import uncollected
from adjoint.graph.graph import Graph
from adjoint.graph.source import source_here
from adjoint.graph.types import ArrayType
from adjoint.trace.caught import went_on_after
from adjoint.trace.constants import stack_constants
from adjoint.trace.foreign import NUMBERS, refused, subclass_refused
from adjoint.trace.python_names import python_names
from adjoint.trace.randomness import states_before, tell_of_draws
from adjoint.trace.recorder import Recorder, TracedCore, unwrapped
from adjoint.trace.replacing import look_at_function
from adjoint.trace.session import session
from adjoint.trace.slots import closing

_PYTHON = (bool, int, float, complex)
_RUN_AGAIN = {"jit", "scan", "while_loop"}  # what they record is run more often than once


class Recording(NamedTuple):
    """A function as a graph.

    ``graph`` takes the leaves of the arguments and then ``captured``: arrays, and stand-ins
    of outer recordings, that the function used without being given them.
    """

    graph: Graph
    captured: list[Any]
    structure: tree.TreeDef  # of the result


def argument_payload(x: Any, function: str) -> tuple[Any, bool]:
    """What a stand-in for this argument holds, and whether it follows others' dtypes."""
    x = unwrapped(x)
    if isinstance(x, TracedCore):
        return x, x.weak
    plain = type(x) is np.ndarray or isinstance(x, np.generic)
    if plain and x.dtype.kind in NUMBERS:
        return x if x.dtype.isnative else native(x), False
    if type(x) in _PYTHON:
        return np.asarray(x)[()], type(x) in (float, complex)
    error = refused(x, function) if plain or isinstance(x, np.ndarray) else None
    if error is not None:
        raise error
    if isinstance(x, np.ndarray):
        raise subclass_refused(type(x), function)
    if hasattr(x, "__array__"):
        return np.asarray(x), False
    remedy = "bind other arguments beforehand: lambda x: f(x, setting)"
    if hasattr(x, "toarray"):
        remedy = "pass its toarray(), or let f take the matrix from outside: A @ x"
    raise UnsupportedError(
        f"an argument of type {type(x).__name__} cannot be recorded",
        function=function,
        source=source_here(),
        wanted="arrays, numbers, and dict, list, tuple or dataclass trees of them",
        remedy=remedy,
    )


def native(x: Any) -> Any:
    """The same numbers in the machine's order of bytes: loops have no other."""
    return x.astype(x.dtype.newbyteorder("="))


def record_graph(
    function: Callable[..., Any],
    types: Sequence[ArrayType],
    arguments: tree.TreeDef,
    name: str,
    *,
    weak: Sequence[bool] | None = None,
    inline: int = 8,
    at: Sequence[Any] | None = None,
) -> Recording:
    """Record a function on types alone: values are not known while it runs, unless they are given.

    Args:
        function: what to record; called with the arguments' tree of stand-ins, unpacked.
        types: of the argument leaves.
        arguments: the structure of the tuple of arguments.
        name: the public function that records, for messages.
        weak: which leaves stand for Python numbers.
        inline: constants up to this size become literals.
        at: values of the argument leaves; what is recorded is the branch that they take.
    """
    recorder = Recorder(name, concrete=at is not None, keep_all=True, transforming=False)
    return recorded_by(recorder, function, at or types, arguments, weak=weak, inline=inline)


def recorded_by(
    recorder: Recorder,
    function: Callable[..., Any],
    payloads: Sequence[Any],
    arguments: tree.TreeDef,
    *,
    weak: Sequence[bool] | None = None,
    inline: int = 8,
) -> Recording:
    """Record a function by a recorder that has seen nothing yet.

    Args:
        recorder: who notes what the function does.
        function: what to record.
        payloads: what the stand-ins of the arguments hold.
        arguments: the structure of the tuple of arguments.
        weak: which leaves stand for Python numbers.
        inline: constants up to this size become literals.
    """
    name = recorder.name
    before = states_before(function) if name in _RUN_AGAIN else []
    flags = weak or [False] * len(payloads)
    leaves = [recorder.input(x, weak=w) for x, w in zip(payloads, flags, strict=True)]
    with closing(recorder):
        look_at_function(function)
        try:
            with uncollected(), session, python_names:
                result = function(*tree.unflatten(arguments, leaves))
        except AdjointError:
            raise
        except Exception as error:
            if recorder.refused is None:
                raise
            raise went_on_after(recorder.refused) from error
        if recorder.refused is not None:
            raise went_on_after(recorder.refused)
        results, structure = tree.flatten(result)
        outputs = [recorder.index_of(x) for x in map(current, results)]
        with uncollected():
            made = recorder.graph([*outputs, *recorder.reads], range(len(leaves)), inline=inline)
    tell_of_draws(name, before)
    captured = [recorder.payloads[i] for i in made.captured]
    graph, captured = stack_constants(made.graph, len(leaves), captured)
    return Recording(graph, captured, structure)


def current(x: Any) -> Any:
    """A result as it is now: views are brought up to date, plain arrays are themselves."""
    if isinstance(x, TracedCore) and x.tie is not None:
        x.tie.refresh(x)
    return unwrapped(x)
