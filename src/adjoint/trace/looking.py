"""What only looks at a recorded number: ``"%g" % x``, ``plt.plot(x)``, ``memo[n, x]``.

Python asks for a float, or for a hash, and what it makes of it has no derivative. So where the
value is known it is shown to formats and to questions that are answered by yes or no. As a key
a recorded number stands for itself: what is kept for it must not be handed to another number
of the same value, which has another derivative.
"""

from __future__ import annotations

import sys
from functools import _lru_cache_wrapper
from types import FrameType
from typing import Any

from adjoint.errors import ConcreteValueError, ConversionError
from adjoint.graph.source import instruction_at, is_hidden, only_looked_at, source_here
from adjoint.trace.indexing import concrete_value
from adjoint.trace.refusals import QUESTIONS, called_here
from adjoint.trace.session import at_end

_LOOKING_UP = ("BINARY_SUBSCR", "STORE_SUBSCR", "DELETE_SUBSCR", "CONTAINS_OP")
_MAKING = ("BUILD_MAP", "MAP_ADD")
_OF_DICTIONARIES = {"get", "setdefault", "pop"}

met: list[None] = []  # holds something while recorded numbers may be keys


def seen_value(x: Any) -> Any:
    """The value of x, if it is known and a plot or a check asks for it; otherwise None."""
    return concrete_value(x) if only_looked_at() else None


def shown_value(x: Any) -> Any:
    """The value of x, if it is known and the caller's caller only looks at it; otherwise None."""
    frame = sys._getframe(2)
    if is_hidden(frame.f_code):
        return seen_value(x)
    step = instruction_at(frame.f_code, frame.f_lasti)
    formats = step.opname == "BINARY_OP" and step.argrepr.startswith("%")
    if formats or called_here().rpartition(".")[2] in QUESTIONS:
        return concrete_value(x)
    return None


def key_of(x: Any) -> int:
    """The hash of a recorded number, where a dictionary or a cache is asked for it."""
    frame = sys._getframe(2)
    if x.shape or x.tie is not None or is_hidden(frame.f_code):
        raise TypeError("unhashable type: 'numpy.ndarray'")
    value = concrete_value(x)
    kept = _kept_by(frame)
    if kept is None:
        raise ConversionError(
            "a recorded number has no hash here: others of its value have other derivatives",
            function=called_here() or x.recorder.name,
            source=source_here(),
            remedy="keep places instead of values" if value is None else _VALUE,
        )
    if not met:
        met.append(None)
        at_end(met.clear)
    if isinstance(kept, _lru_cache_wrapper):
        at_end(kept.cache_clear)  # what it keeps is of this recording
    return 0 if value is None else hash(value.item())


_VALUE = "write float(ad.stop_gradient(x)) where the value alone is meant"


def same_key(x: Any, other: Any) -> bool | None:
    """Whether two numbers are one key; None if they are compared for another reason."""
    kept = _kept_by(sys._getframe(2)) if not x.shape else None
    if kept is None:
        return None
    if _made_alike(x, other):
        return True
    if isinstance(kept, _lru_cache_wrapper):
        return False  # it calls the function again
    values = [concrete_value(y) if type(y) is type(x) else y for y in (x, other)]
    unknown = any(value is None for value in values)
    if not unknown and values[0] != values[1]:
        return False
    kind = ConcreteValueError if unknown else ConversionError
    raise kind(
        "a dictionary has two numbers of one value, or of unknown values, as keys: they may have "
        "other derivatives",
        function=x.recorder.name,
        source=source_here(),
        remedy="keep results by places, or with functools.cache" if unknown else _VALUE,
    )


def _made_alike(x: Any, other: Any) -> bool:
    """Whether two numbers come from the same operations on the same values."""
    if type(other) is not type(x) or x.recorder is not other.recorder:
        return False
    made = {record[3]: record for record in x.recorder.records}
    pending = [(x.number, other.number)]
    while pending:
        pair = pending.pop()
        if pair[0] == pair[1]:
            continue
        first, second = (made.get(index) for index in pair)
        if first is None or second is None or first[0] is None:
            return False
        if first[:2] != second[:2] or len(first[2]) != len(second[2]):
            return False
        pending.extend(zip(first[2], second[2], strict=True))
    return True


def _kept_by(frame: FrameType) -> Any:
    """What keeps something by a key now: a function with a cache, or True for a dictionary."""
    step = instruction_at(frame.f_code, frame.f_lasti)
    if step.opname.startswith(_LOOKING_UP + _MAKING) or step.argrepr == "[]":
        return True
    if not step.opname.startswith(("CALL", "PRECALL")):
        return None
    first, *rest = called_here().split(".")
    if rest and rest[-1] in _OF_DICTIONARIES:
        return True
    found = {**frame.f_globals, **frame.f_locals}.get(first)
    for name in rest:
        found = getattr(found, name, None)
    return found if isinstance(found, _lru_cache_wrapper) else None
