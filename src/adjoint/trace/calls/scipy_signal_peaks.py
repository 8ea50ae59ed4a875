"""Peaks of scipy.signal on stand-in arrays: where they are is chosen by values, and stays."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from adjoint.errors import ConcreteValueError
from adjoint.graph.source import source_here
from adjoint.trace.calls.scipy_special import doubled
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import entries, scipy_rule
from adjoint.trace.without_rule import no_rule

_MOVING = ("widths", "width_heights", "left_ips", "right_ips")


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
    if any(name in told for name in _MOVING):
        raise no_rule("scipy.signal.find_peaks", "the width of a peak",
                      "height, threshold, distance, prominence or plateau_size")  # fmt: skip
    x = doubled(x)
    tops = x[peaks]
    if "peak_heights" in told:
        told["peak_heights"] = tops
    if "left_thresholds" in told:
        told |= {"left_thresholds": tops - x[peaks - 1], "right_thresholds": tops - x[peaks + 1]}
    if "prominences" in told:
        bases = np.maximum(x[told["left_bases"]], x[told["right_bases"]])
        told["prominences"] = tops - bases
    return peaks, told


def _indices(name: str) -> None:
    """Functions that give indices alone."""

    @scipy_rule(f"scipy.signal.{name}")
    def rule(data: Any, *args: Any, **kwargs: Any) -> Any:
        return entries[f"scipy.signal.{name}"].original(_settled(name, data), *args, **kwargs)


for _name in ("argrelmax", "argrelmin", "argrelextrema"):
    _indices(_name)
