"""Histograms: linear in their weights, and steps in their data."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.errors import UnsupportedError
from adjoint.graph.source import source_here
from adjoint.graph.types import ArrayType
from adjoint.trace import recorder as core
from adjoint.trace.borrow import borrowed
from adjoint.trace.calls.from_values import from_values
from adjoint.trace.calls.support import as_operand, is_traced
from adjoint.trace.indexing import known_value
from adjoint.trace.records import n_outputs
from adjoint.trace.tables import implements

_DATA = ("a", "x", "y", "sample")


def _refused(function: Any, name: str, what: str) -> UnsupportedError:
    return UnsupportedError(
        what,
        function=f"np.{function.__name__}",
        source=source_here(),
        remedy=f"sum a smooth kernel, or give it ad.stop_gradient({name}); weights are "
        "differentiated",
    )


def _recorded(x: Any) -> bool:
    """Whether anything of what may be a list of lists is recorded."""
    if isinstance(x, list | tuple):
        return any(map(_recorded, x))
    return is_traced(x) and not core.is_plain(x)


def _without_slope(function: Any, name: str) -> UnsupportedError:
    what = f"counts do not move with {name}, so nothing can be differentiated"
    return _refused(function, name, what)


def _is_differentiated(x: Any) -> bool:
    """Whether a derivative by x is being taken in this run, as far as the recording knows."""
    while type(x) is core.TracedArray:
        if x.recorder is not core.PLAIN and x.recorder.concrete and _moves(x):
            return True
        x = x.payload
    return False


def _moves(x: Any) -> bool:
    """Whether a value depends on the inputs of its recording other than by constants."""
    needed = {x.number}
    for record in reversed(x.recorder.records):
        primitive, _, operands, first = record
        outputs = range(first, first + n_outputs(record))
        if needed.isdisjoint(outputs):
            continue
        needed.difference_update(outputs)
        if primitive is not None and primitive.structure != "constant":
            needed.update(operands)
    return bool(needed)  # what no record has made is an input


def _of_weights(function: Any) -> Callable[..., Any]:
    """A histogram by NumPy's own code, of data that nothing is differentiated by."""
    parameters = inspect.signature(function)

    def histogram(*args: Any, **options: Any) -> Any:
        given = parameters.bind(*args, **options).arguments
        unknown = False
        for name, value in given.items():
            if name == "weights" or not _recorded(value):
                continue
            if name not in _DATA:
                raise _without_slope(function, name)
            x = as_operand(value)
            if name == "sample" and not hasattr(value, "shape"):
                x = np.transpose(np.atleast_2d(x))  # a list holds coordinates, not points
            if _is_differentiated(x):
                raise _without_slope(function, name)
            found = known_value(x)
            unknown |= found is None
            given[name] = x if found is None else found
        return _when_run(function, given) if unknown else borrowed(function)(**given)

    return histogram


def _when_run(function: Any, given: dict[str, Any]) -> Any:
    """Counts of data that is known when the program runs, between edges that are known now."""
    data = {name: given[name] for name in _DATA if name in given}
    weights = given.get("weights")
    settings = {name: x for name, x in given.items() if name not in (*data, "weights")}
    first, other = (
        function(**{name: np.full(np.shape(x), k) for name, x in data.items()}, **settings)
        for k in (0.0, 1.0)
    )
    edges = first[1] if function is np.histogramdd else list(first[1:])
    same = other[1] if function is np.histogramdd else list(other[1:])
    fixed = all(np.array_equal(a, b) for a, b in zip(edges, same, strict=True))
    fixed = fixed and type(settings.get("bins")) is not str  # how many follows the spread
    if not fixed or _recorded(weights):
        what = "edges that follow the data, or recorded weights, need data that is known"
        raise _refused(function, next(iter(data)), what)
    density = bool(given.get("density"))
    count = first[0] if weights is None else first[0] * as_operand(weights).dtype.type(1)
    (made,) = from_values(
        _counts,
        (ArrayType(first[0].shape, count.dtype),),
        [*data.values(), *edges, *([] if weights is None else [weights])],
        function.__name__,
        len(data),
        density,
        weights is not None,
    )
    return made, *first[1:]


def _counts(*given: Any) -> list[Any]:
    *arrays, name, count, density, weighted = given
    weights = arrays.pop() if weighted else None
    edges = arrays[count:]
    bins = edges[0] if name == "histogram" else edges
    function = getattr(np, name)
    return [function(*arrays[:count], bins=bins, density=density, weights=weights)[0]]


for _function in (np.histogram, np.histogram2d, np.histogramdd):
    implements(_function)(_of_weights(_function))
