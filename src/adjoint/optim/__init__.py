"""Optimisers: frozen settings with two pure functions, ``init`` and ``update``.

Lower-case names make them: ``optim.adam(1e-3)``. Rates may be schedules: ``optim.sgd(
optim.cosine(0.1, steps=1000))``. Wrappers take an optimiser first: ``optim.clip_by_norm(
optim.adam(1e-3), 1.0)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.optim.adaptive import Adam, Muon, NAdam, orthogonal_factor
from adjoint.optim.baseline import finite_differences, perturbation, weight_perturbation
from adjoint.optim.first_order import (
    SGD,
    Adadelta,
    Adagrad,
    Lion,
    Momentum,
    RMSprop,
    Rprop,
)
from adjoint.optim.full_batch import (
    FullBatch,
    bfgs,
    conjugate_gradient,
    gauss_newton,
    lbfgs,
    levenberg_marquardt,
    newton_cg,
)
from adjoint.optim.grouped import Groups, groups
from adjoint.optim.minimize import minimize
from adjoint.optim.optimizer import LeafOptimizer, Optimizer, Rate
from adjoint.optim.schedule import (
    constant,
    cosine,
    exponential,
    inverse_time,
    one_cycle,
    piecewise,
    polynomial,
    range_test,
    step_decay,
    warmup,
)
from adjoint.optim.transform import (
    Accumulate,
    Average,
    ClipByNorm,
    ClipByValue,
    MaxNorm,
    OnPlateau,
    WeightDecay,
    global_norm,
)

sgd = SGD
momentum = Momentum
adagrad = Adagrad
adadelta = Adadelta
rmsprop = RMSprop
rprop = Rprop
lion = Lion
adam = Adam
nadam = NAdam
clip_by_norm = ClipByNorm
clip_by_value = ClipByValue
weight_decay = WeightDecay
max_norm = MaxNorm
accumulate = Accumulate
average = Average
on_plateau = OnPlateau


def nesterov(rate: Rate, mass: float = 0.9) -> Momentum:
    """Momentum that looks ahead; see :class:`Momentum`."""
    return Momentum(rate, mass, nesterov=True)


def adamw(rate: Rate = 1e-3, decay: float = 0.01, **settings: Any) -> Adam:
    """Adam with weight decay apart from the gradient; see :class:`Adam`."""
    return Adam(rate, decay=decay, **settings)


def amsgrad(rate: Rate = 1e-3, **settings: Any) -> Adam:
    """Adam with the largest mean square so far; see :class:`Adam`."""
    return Adam(rate, amsgrad=True, **settings)


def muon(rate: Rate = 1e-3, other: Optimizer | None = None, **settings: Any) -> Groups:
    """Muon for matrices, another optimiser for the rest; see :class:`Muon`.

    Args:
        rate: of the matrices.
        other: for biases, vectors and kernels; AdamW at 3e-4 by default.
        settings: as for :class:`Muon`.
    """
    return Groups(
        (
            (_is_matrix, Muon(rate, **settings)),
            ("*", adamw(3e-4) if other is None else other),
        )
    )


def _is_matrix(path: str, leaf: Any) -> bool:
    return np.ndim(leaf) == 2


__all__ = [
    "SGD",
    "Accumulate",
    "Adadelta",
    "Adagrad",
    "Adam",
    "Average",
    "ClipByNorm",
    "ClipByValue",
    "FullBatch",
    "Groups",
    "LeafOptimizer",
    "Lion",
    "MaxNorm",
    "Momentum",
    "Muon",
    "NAdam",
    "OnPlateau",
    "Optimizer",
    "RMSprop",
    "Rate",
    "Rprop",
    "WeightDecay",
    "accumulate",
    "adadelta",
    "adagrad",
    "adam",
    "adamw",
    "amsgrad",
    "average",
    "bfgs",
    "clip_by_norm",
    "clip_by_value",
    "conjugate_gradient",
    "constant",
    "cosine",
    "exponential",
    "finite_differences",
    "gauss_newton",
    "global_norm",
    "groups",
    "inverse_time",
    "lbfgs",
    "levenberg_marquardt",
    "lion",
    "max_norm",
    "minimize",
    "momentum",
    "muon",
    "nadam",
    "nesterov",
    "newton_cg",
    "on_plateau",
    "one_cycle",
    "orthogonal_factor",
    "perturbation",
    "piecewise",
    "polynomial",
    "range_test",
    "rmsprop",
    "rprop",
    "sgd",
    "step_decay",
    "warmup",
    "weight_decay",
    "weight_perturbation",
]
