"""Calls of jitted functions: what varies from call to call, and what a program is made for.

Arrays and numbers are the program's arguments. Strings, booleans, functions and their like
are *settings*: a program is recorded for each combination of them. A Python integer is an
argument too, until a function turns out to need its value (``range(n)``, ``np.zeros(n)``);
then integers are settings of that function.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from adjoint import tree
from adjoint.api.asked import defined_at, described
from adjoint.errors import UnsupportedError
from adjoint.graph.graph import Graph
from adjoint.graph.types import ArrayType
from adjoint.trace.record import argument_payload, record_graph
from adjoint.trace.recorder import TracedCore
from adjoint.trace.replacing import look_at_function

_SETTINGS = (str, bytes, bool, type, np.dtype, range, enum.Enum)


def is_setting(x: Any) -> bool:
    """Whether an argument has no array in it, and says how something is to be done."""
    if isinstance(x, _SETTINGS):
        return True
    return callable(x) and not hasattr(x, "__array__") and type(x).__hash__ is not None


class Call(NamedTuple):
    """The arguments of a call.

    Args:
        pairs: of each array or number: its payload, and whether it is a Python number.
        structure: of the tuple of arguments and the dict of named ones.
        settings: position among the leaves, type and value of each setting.
        integers: whether Python integers are among the pairs.
    """

    pairs: list[tuple[Any, bool]]
    structure: tree.TreeDef
    settings: tuple[tuple[int, type, Any], ...]
    integers: bool

    @property
    def types(self) -> list[ArrayType]:
        """Of the arguments."""
        return [ArrayType(x.shape, x.dtype) for x, _ in self.pairs]

    @property
    def key(self) -> Any:
        """Calls of one key are served by one program."""
        kinds = tuple([(x.shape, x.dtype, weak) for x, weak in self.pairs])
        return self.structure, kinds, self.settings


def understand(
    args: Sequence[Any], options: Mapping[str, Any], integers_are_settings: bool, function: str
) -> Call:
    """Take a call apart."""
    leaves, structure = tree.flatten((tuple(args), dict(options)))
    pairs, settings, integers = [], [], False
    for i, x in enumerate(leaves):
        if type(x) is int:
            integers = integers or not integers_are_settings
            if integers_are_settings:
                settings.append((i, int, x))
                continue
        elif type(x) is not np.ndarray and is_setting(x):
            settings.append((i, type(x), x))
            continue
        pairs.append(argument_payload(x, function))
    return Call(pairs, structure, tuple(settings), integers)


class Recorded(NamedTuple):
    """A function as a graph, for the calls of one key.

    Args:
        graph: takes the arrays of a call and then ``captured``.
        captured: arrays, and stand-ins of outer recordings, that it took from outside.
        structure: of the result.
        fixed: leaves of the result that are no arrays: position and value.
        matrices: leaves that are sparse matrices, and what makes them from their elements.
    """

    graph: Graph
    captured: list[Any]
    structure: tree.TreeDef
    fixed: tuple[tuple[int, Any], ...]
    matrices: tuple[tuple[int, Callable[[Any], Any]], ...]

    def result(self, arrays: Sequence[Any]) -> Any:
        """The function's result from the graph's outputs."""
        if self.fixed:
            whole = list(arrays)
            for i, value in self.fixed:
                whole.insert(i, value)
            arrays = whole
        if self.matrices:
            arrays = list(arrays)
            for i, make in self.matrices:
                arrays[i] = make(arrays[i])
        return tree.unflatten(self.structure, arrays)


def record(f: Callable[..., Any], call: Call, name: str) -> Recorded:
    """Record f for calls like this one; values are not known while it runs."""
    seen: list[tuple[tree.TreeDef, Any, Any]] = []

    def run(*arrays: Any) -> list[Any]:
        leaves = list(arrays)
        for i, _, value in call.settings:
            leaves.insert(i, value)
        args, options = tree.unflatten(call.structure, leaves)
        results, structure = tree.flatten(f(*args, **options))
        matrices = []
        for i, x in enumerate(results):
            if "_shape" in getattr(x, "__dict__", ()):
                # A module of rules: there is such a matrix only where it has been imported.
                from adjoint.trace.calls.scipy_sparse_recorded import is_recorded, parts, rebuilt

                if not is_recorded(x):
                    continue

                results[i] = parts(x)[0]
                matrices.append((i, rebuilt(x)))
        plain = tuple([(i, x) for i, x in enumerate(results) if not _is_array(x)])
        for _, x in plain:
            if isinstance(x, Iterator | Coroutine):
                raise _comes_later(f, x, name)
        seen.append((structure, plain, tuple(matrices)))
        return [x for x in results if _is_array(x)]

    look_at_function(f)
    types = call.types
    weak = [flag for _, flag in call.pairs]
    made = record_graph(run, types, tree.structure((0.0,) * len(types)), name, weak=weak)
    return Recorded(made.graph, made.captured, *seen[0])


def _comes_later(f: Callable[..., Any], x: Any, name: str) -> UnsupportedError:
    """The error for a result whose values would be computed when the recording is over."""
    if isinstance(x, Coroutine):
        x.close()  # or Python would warn that nobody waited for it
    return UnsupportedError(
        f"{getattr(f, '__name__', 'the function')} returned {described(x)}, whose values are not "
        "computed yet",
        function=name,
        source=defined_at(f),
        remedy="return a list or a tuple of them",
    )


def bound(
    f: Callable[..., Any], args: Sequence[Any], options: Mapping[str, Any]
) -> tuple[Callable[..., Any], list[Any]]:
    """F as a function of the arrays of a call alone, and those: settings are put in."""
    leaves, structure = tree.flatten((tuple(args), dict(options)))
    fixed = [(i, x) for i, x in enumerate(leaves) if type(x) is int or is_setting(x)]
    places = {i for i, _ in fixed}

    def run(*arrays: Any) -> Any:
        whole = list(arrays)
        for i, value in fixed:
            whole.insert(i, value)
        given, named = tree.unflatten(structure, whole)
        return f(*given, **named)

    return run, [x for i, x in enumerate(leaves) if i not in places]


def record_call(f: Callable[..., Any], args: Sequence[Any], name: str) -> Recorded:
    """Record f for arguments of these shapes and dtypes."""
    return record(f, understand(args, {}, False, name), name)


def _is_array(x: Any) -> bool:
    return isinstance(x, TracedCore | np.ndarray | np.generic) or (
        hasattr(x, "__array__") and not isinstance(x, type)
    )
