"""Activations that a layer of the user's calls as functions, found in the record of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from adjoint.graph.types import ArrayType
from adjoint.trace.recorder import Recorder

_NAMES = {"tanh": "tanh", "expit": "sigmoid", "maximum": "relu", "where": "relu"}
_STRETCHES = ("broadcast", "cast")
_COMPARISONS = ("less", "less_equal", "greater", "greater_equal")


class Interval(NamedTuple):
    """A module's call: its records from ``start`` to before ``stop``.

    ``is_closed`` says that what happens inside is the library's own and already shown.
    """

    path: str
    start: int
    stop: int
    is_closed: bool


class Squashing(NamedTuple):
    """An activation: where in the record, which value, and how it is called."""

    position: int
    value: int
    path: str
    kind: str


def squashings(recorder: Recorder, intervals: Sequence[Interval]) -> Iterator[Squashing]:
    """Every logistic, tanh and rectifier outside of closed intervals.

    Args:
        recorder: of the run so far.
        intervals: of all modules that were called.
    """
    made = {record[3]: record for record in recorder.records}

    def is_zero(value: int) -> bool:
        """Whether a value is known, and 0 throughout."""
        record = made.get(value)
        while record is not None and record[0] is not None and record[0].name in _STRETCHES:
            value = record[2][0]
            record = made.get(value)
        payload = recorder.payloads[value]
        return not isinstance(payload, ArrayType) and not np.any(payload)

    def rectifies(name: str, operands: tuple[int, ...]) -> bool:
        """Whether an operation is ``max(x, 0)``, also written by ``where``."""
        first, second = is_zero(operands[-2]), is_zero(operands[-1])
        if first == second or name == "maximum":
            return first != second
        kept = operands[-2] if second else operands[-1]
        test = made.get(operands[0])
        return (
            test is not None
            and test[0] is not None
            and test[0].name in _COMPARISONS
            and kept in test[2]
            and any(is_zero(i) for i in test[2] if i != kept)
        )

    for position, (primitive, _, operands, value) in enumerate(recorder.records):
        kind = None if primitive is None else _NAMES.get(primitive.name)
        if kind is None or (kind == "relu" and not rectifies(primitive.name, operands)):
            continue
        around = [i for i in intervals if i.start <= position < i.stop]
        if not around or any(i.is_closed for i in around):
            continue
        inner = max(around, key=lambda i: i.start).path
        yield Squashing(position, value, f"{inner}.{kind}".lstrip("."), kind)
