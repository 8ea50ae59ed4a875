"""Histograms: linear in their weights, and steps in their data."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.errors import UnsupportedError
from adjoint.graph.source import source_here
from adjoint.trace.borrow import borrowed
from adjoint.trace.calls.support import any_traced, as_operand
from adjoint.trace.recorder import is_plain
from adjoint.trace.tables import implements


def _of_weights(function: Any) -> Callable[..., Any]:
    """A histogram by NumPy's own code, of data that is not recorded."""
    parameters = inspect.signature(function)

    def histogram(*args: Any, **options: Any) -> Any:
        given = parameters.bind(*args, **options).arguments
        for name, value in given.items():
            if name == "weights" or not any_traced(value) or is_plain(as_operand(value)):
                continue
            raise UnsupportedError(
                f"counts do not move with {name}, so nothing can be differentiated",
                function=f"np.{function.__name__}",
                source=source_here(),
                remedy=f"sum a smooth kernel, or give it ad.stop_gradient({name}); "
                "weights are differentiated",
            )
        return borrowed(function)(**given)

    return histogram


for _function in (np.histogram, np.histogram2d, np.histogramdd):
    implements(_function)(_of_weights(_function))
