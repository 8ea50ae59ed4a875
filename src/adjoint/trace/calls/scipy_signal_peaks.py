"""Peaks of scipy.signal on stand-in arrays: where they are is chosen by values, and stays."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np

from adjoint.errors import ConcreteValueError
from adjoint.graph.source import source_here
from adjoint.graph.types import ArrayType
from adjoint.trace.calls.looked_up import found_in, pick
from adjoint.trace.calls.scipy_special import doubled
from adjoint.trace.calls.support import as_operand, moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import entries, scipy_rule
from adjoint.trace.without_rule import no_rule


def _settled(name: str, x: Any) -> Any:
    """The values behind a stand-in."""
    if isinstance(x, list | tuple):
        return type(x)(_settled(name, part) for part in x)
    value = known_value(x)
    if value is None and x is not None:
        raise ConcreteValueError(
            "the number of peaks is not known while recording",
            function=f"scipy.signal.{name}",
            source=source_here(),
            remedy="find the peaks of a plain array outside, and index with them inside",
        )
    return value


@scipy_rule("scipy.signal.find_peaks")
def find_peaks(x: Any, *args: Any, **kwargs: Any) -> Any:
    """The indices of peaks; heights, thresholds and prominences move with the data."""
    own = entries["scipy.signal.find_peaks"].original
    call = inspect.signature(own).bind(x, *args, **kwargs)
    given = {key: _settled("find_peaks", value) for key, value in call.arguments.items()}
    peaks, told = own(**given)
    x = doubled(x)
    tops = x[peaks]
    if "peak_heights" in told:
        told["peak_heights"] = tops
    if "left_thresholds" in told:
        told |= {"left_thresholds": tops - x[peaks - 1], "right_thresholds": tops - x[peaks + 1]}
    if "prominences" in told:
        told["prominences"] = _prominences(x, peaks, told["left_bases"], told["right_bases"])
    if "widths" in told:
        height = tops - told["prominences"] * call.arguments.get("rel_height", 0.5)
        ends = told["left_ips"], told["right_ips"]
        told |= dict(zip(_WIDTHS, _widths(x, height, peaks, *ends), strict=True))
    return peaks, told


_WIDTHS = ("widths", "width_heights", "left_ips", "right_ips")


def _prominences(x: Any, peaks: Any, left: Any, right: Any) -> Any:
    """How far peaks stand above the higher of their bases."""
    return pick(x, peaks) - np.maximum(pick(x, left), pick(x, right))


def _widths(x: Any, height: Any, peaks: Any, left: Any, right: Any) -> tuple[Any, Any, Any, Any]:
    """Where the data cross a height, between the samples that SciPy found on either side."""

    def crossing(found: Any, step: int) -> Any:
        at = (np.floor(found) if step > 0 else np.ceil(found)).astype(np.int64)
        between = found != at
        here, beside = pick(x, at), pick(x, np.where(between, at + step, at))
        rise = np.where(between, beside - here, 1.0)
        return moved_as(found, at + step * np.where(between, (height - here) / rise, 0.0))

    ends = crossing(left, 1), crossing(right, -1)
    return ends[1] - ends[0], height, *ends


@dataclass(frozen=True)
class _Peaks:
    """SciPy's bases of peaks, and the crossings at a height."""

    name: str
    settings: tuple[tuple[str, Any], ...]

    def __call__(self, x: Any, peaks: Any, *given: Any) -> tuple[Any, ...]:
        own = entries[f"scipy.signal.{self.name}"].original
        settings = dict(self.settings)
        if given:
            settings["prominence_data"] = given
        return tuple(np.asarray(part) for part in own(x, peaks, **settings))


def _at_peaks(
    name: str, x: Any, peaks: Any, kinds: str, given: tuple[Any, ...] = (), **settings: Any
) -> Any:  # fmt: skip
    peaks = np.asarray(_settled(name, peaks))
    types = [ArrayType(peaks.shape, np.dtype(kind)) for kind in kinds]
    return peaks, found_in(_Peaks(name, tuple(settings.items())), types, x, peaks, *given)


@scipy_rule("scipy.signal.peak_prominences")
def peak_prominences(x: Any, peaks: Any, wlen: Any = None) -> Any:
    """Prominences, which move, and the bases where SciPy finds them."""
    x = doubled(x)
    peaks, (_, left, right) = _at_peaks("peak_prominences", x, peaks, "dll", wlen=wlen)
    return _prominences(x, peaks, left, right), left, right


@scipy_rule("scipy.signal.peak_widths")
def peak_widths(
    x: Any, peaks: Any, rel_height: Any = 0.5, prominence_data: Any = None, wlen: Any = None
) -> Any:  # fmt: skip
    """Widths, the heights where they are taken, and the crossings; all move."""
    x = doubled(x)
    data = peak_prominences(x, peaks, wlen) if prominence_data is None else prominence_data
    height = known_value(as_operand(rel_height))
    if height is None:
        raise no_rule("scipy.signal.peak_widths", "rel_height inside jit or vmap",
                      "a plain number")  # fmt: skip
    given = tuple(as_operand(part) for part in data)
    settings = {"rel_height": float(height)}
    peaks, found = _at_peaks("peak_widths", x, peaks, "dddd", given, **settings)
    return _widths(x, pick(x, peaks) - given[0] * rel_height, peaks, *found[2:])


def _indices(name: str) -> None:
    """Functions that give indices alone."""

    @scipy_rule(f"scipy.signal.{name}")
    def rule(data: Any, *args: Any, **kwargs: Any) -> Any:
        return entries[f"scipy.signal.{name}"].original(_settled(name, data), *args, **kwargs)


for _name in ("argrelmax", "argrelmin", "argrelextrema"):
    _indices(_name)
