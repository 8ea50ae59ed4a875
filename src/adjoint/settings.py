"""Settings that must lie in a range: one way to declare it, one way to refuse what does not.

Ranges are written as in mathematics: ``"[0, 1)"`` for 0 <= x < 1, and ``"whole [1, inf)"`` for
whole numbers from 1 up. What is not a plain number, such as an array that is being recorded or
a schedule, has no value to look at and passes.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np

from adjoint.errors import StructureError


def check_range(function: str, interval: str, **settings: Any) -> None:
    """Refuse settings outside an interval.

    Args:
        function: who speaks.
        interval: such as ``"[0, 1)"``, ``"(0, inf]"`` or ``"whole [1, inf)"``.
        settings: by the names of the arguments.

    Raises:
        StructureError: one lies outside, or is no number.

    >>> check_range("Dropout", "[0, 1)", p=0.5)
    """
    allowed = _read(interval)
    for name, value in settings.items():
        if not _fits(value, allowed):
            raise StructureError(
                f"{name} must be {_in_words(allowed)}",
                function=function,
                got=f"{name}={value!r}",
                wanted=None if allowed.low == -np.inf else _inequality(name, allowed),
            )


def check_whole(function: str, least: int = 1, **settings: Any) -> None:
    """Refuse settings that are no whole numbers from ``least`` up."""
    check_range(function, f"whole [{least}, inf)", **settings)


def inside(**ranges: str) -> Mapping[str, str]:
    """Intervals by the names of fields, for :class:`Checked`."""
    return MappingProxyType(ranges)


class Checked:
    """A dataclass whose numbers are looked at when it is made.

    A subclass says in ``ranges`` where its fields must lie.
    """

    ranges: ClassVar[Mapping[str, str]] = inside()

    def __post_init__(self) -> None:
        """Refuse what lies outside."""
        for name, interval in self.ranges.items():
            check_range(self.spoken_name(), interval, **{name: getattr(self, name)})

    @classmethod
    def spoken_name(cls) -> str:
        """The name that users call it by: ``ClipByNorm`` is made by ``clip_by_norm``."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()


class _Interval(NamedTuple):
    whole: bool
    low: float
    high: float
    has_low: bool
    has_high: bool


@functools.cache
def _read(interval: str) -> _Interval:
    whole = interval.startswith("whole")
    ends = interval.removeprefix("whole ")
    low, high = ends[1:-1].split(",")
    return _Interval(whole, float(low), float(high), ends[0] == "[", ends[-1] == "]")


def _fits(value: Any, interval: _Interval) -> bool:
    if interval.whole:
        try:
            value = operator.index(value)
        except TypeError:
            return False
    elif isinstance(value, np.ndarray | np.generic):
        if np.ndim(value) or value.dtype.kind not in "iuf":
            return False
    elif not isinstance(value, int | float):
        return hasattr(value, "dtype")
    above = value > interval.low or (interval.has_low and value == interval.low)
    below = value < interval.high or (interval.has_high and value == interval.high)
    return bool(above and below)


def _in_words(interval: _Interval) -> str:
    kind = "a whole number" if interval.whole else "a number"
    if interval.low == -np.inf:
        return kind
    if interval[:3] == (True, 1, np.inf):
        return f"{kind} above 0"
    low = f"{kind} {'from' if interval.has_low else 'above'} {interval.low:g}"
    if interval.high == np.inf:
        return low + " up" * interval.has_low
    return f"{low} to {'' if interval.has_high else 'below '}{interval.high:g}"


def _inequality(name: str, interval: _Interval) -> str:
    if interval.high == np.inf:
        return f"{name} {'>=' if interval.has_low else '>'} {interval.low:g}"
    below, above = ("<=" if has else "<" for has in (interval.has_low, interval.has_high))
    return f"{interval.low:g} {below} {name} {above} {interval.high:g}"
