"""An estimator's parameters, checked by name when it is fitted."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from adjoint.estimators.network import ACTIVATIONS, LEARNING_RATES, SOLVERS
from adjoint.optim import Optimizer


def check_parameters(estimator: Any) -> None:
    """Refuse parameters that make no sense.

    Raises:
        ValueError: naming the parameter, what came and what was wanted.
    """
    e = estimator
    hidden = np.atleast_1d(e.hidden_layer_sizes)
    if hidden.size and (hidden.ndim != 1 or hidden.dtype.kind not in "iu" or (hidden < 1).any()):
        raise _wrong(e, "hidden_layer_sizes", "whole numbers above 0")
    _one_of(e, "activation", ACTIVATIONS)
    if not isinstance(e.solver, Optimizer):
        _one_of(e, "solver", SOLVERS)
    _one_of(e, "learning_rate", LEARNING_RATES)
    if e.batch_size != "auto":
        _number(e, "batch_size", 1, np.inf, whole=True)
    for name, low, high in (
        ("alpha", 0, np.inf),
        ("power_t", 0, np.inf),
        ("tol", 0, np.inf),
        ("momentum", 0, 1),
    ):
        _number(e, name, low, high)
    for name in ("max_iter", "n_iter_no_change", "max_fun"):
        _number(e, name, 1, np.inf, whole=True)
    for name, high in (("learning_rate_init", np.inf), ("epsilon", np.inf)):
        _number(e, name, 0, high, above=True)
    for name in ("validation_fraction", "beta_1", "beta_2", "dropout"):
        _number(e, name, 0, 1, below=True)


def _number(
    e: Any, name: str, low: float, high: float, *, whole: bool = False, above: bool = False,
    below: bool = False,
) -> None:  # fmt: skip
    value: Any = getattr(e, name)
    kind: Any = numbers.Integral if whole else numbers.Real
    fits = isinstance(value, kind) and not isinstance(value, bool) and bool(low <= value <= high)
    if not fits or (above and value == low) or (below and value == high):
        what = "a whole number" if whole else "a number"
        left, right = "(" if above else "[", ")" if below or high == np.inf else "]"
        raise _wrong(e, name, f"{what} in {left}{low}, {high}{right}")


def _one_of(e: Any, name: str, choices: Any) -> None:
    value = getattr(e, name)
    if not isinstance(value, str) or value not in choices:
        raise _wrong(e, name, f"one of {', '.join(choices)}")


def _wrong(e: Any, name: str, wanted: str) -> ValueError:
    return ValueError(f"{type(e).__name__}: {name}={getattr(e, name)!r}, and {wanted} was wanted")
