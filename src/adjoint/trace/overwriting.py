"""Writes in place: a loop that fills an array piece by piece pays for the pieces alone.

To a recording a write makes a new value, with an array of its own. Where values are known that
would copy the whole array for every piece, so the array of the value before is written into
instead, if it is the result of a write itself and nobody can want it back:

- no derivative will read it: only operations that are linear have had it as an operand
  (``Recorder.written`` holds the values of which that is true);
- nobody looks into its memory, as a view of it or by another name: Python counts no reference
  but the stand-in's and the recording's.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from adjoint.graph.graph import Node
from adjoint.graph.primitive import Primitive
from adjoint.graph.source import Source
from adjoint.graph.types import ArrayType
from adjoint.trace import recorder as core


def overwrite(primitive: Primitive, x: Any, *others: Any, **settings: Any) -> Any:
    """A written array's new value.

    Args:
        primitive: a row that notes ``writes``.
        x: what is written into; the caller has it stand for the result at once.
        others: the further operands.
        settings: the attributes.
    """
    recorder = core.innermost((x, *others))
    if recorder is None:
        return primitive(x, *others, **settings)
    concrete = recorder.concrete and not recorder.closed and recorder is not core.PLAIN
    if concrete and type(x) is core.TracedArray and x.recorder is recorder:
        result = _changed(recorder, primitive, x, others, settings)
    else:
        result = primitive(x, *others, **settings)
    _mark(result)
    return result


def write_at(source: Source | None, node: Node, operands: Sequence[Any], dies: bool) -> Any:
    """A node that writes, recorded with a line; the first operand may be one that dies here."""
    return core.bind_at(source, node, operands, _overwrite_node if dies else _write_node)


def _overwrite_node(node: Node, operands: Sequence[Any]) -> Any:
    return overwrite(node.primitive, *operands, **node.settings)


def _write_node(node: Node, operands: Sequence[Any]) -> Any:
    result = node.primitive(*operands, **node.settings)
    _mark(result)
    return result


def _mark(result: Any) -> None:
    """The array of a result is its own, in every recording that has part in it."""
    while type(result) is core.TracedArray and result.recorder.concrete:
        result.recorder.written.add(result.number)
        result = result.payload


def _changed(
    recorder: core.Recorder,
    primitive: Primitive,
    x: Any,
    others: Sequence[Any],
    settings: dict[str, Any],
) -> Any:
    lower = [recorder.lowered(y) for y in others]
    alone = x.number in recorder.written and _references(x) <= _ALONE
    payload = x.payload
    if any(type(y) is core.TracedArray for y in (payload, *lower)):
        # Of an outer recording, which has its own mind about its array.
        write = partial(overwrite, primitive) if alone else primitive
        payload = write(payload, *lower, **settings)
    else:
        if isinstance(payload, np.generic):
            payload = np.array(payload)  # a number cannot be written
        elif not alone:
            payload = payload.copy("K")  # what is a view depends on the layout
        primitive.notes["writes"](payload, *lower, **settings)
    if alone:
        recorder.payloads[x.number] = ArrayType(x.shape, x.dtype)
        recorder.written.discard(x.number)
    attributes = tuple([settings[name] for name in primitive.attributes])
    return recorder.emit(primitive, (x, *others), attributes, (payload,))[0]


def _references(x: Any) -> int:
    return sys.getrefcount(x.payload)


def _count_of_one() -> int:
    """How many references Python counts where a stand-in and its recording have an array."""
    x = core.TracedArray(core.PLAIN, 0, np.zeros(1), False)
    payloads = [x.payload]
    count = _references(x)
    payloads.clear()
    return count


_ALONE = _count_of_one()
