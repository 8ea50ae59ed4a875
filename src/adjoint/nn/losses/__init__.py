"""Losses, called as ``loss(output, target)``; each returns one number.

They are NumPy functions like any other, and any NumPy function of an output and a target can
stand in their place. None overflows at scores of +-1e4.
"""

from adjoint.nn.losses.classification import (
    binary_cross_entropy,
    cross_entropy,
    focal,
    hinge,
    kl_divergence,
)
from adjoint.nn.losses.likelihood import gaussian_nll, negative_binomial_nll, poisson_nll
from adjoint.nn.losses.metric import contrastive, info_nce, triplet
from adjoint.nn.losses.regression import (
    cosine_distance,
    cosine_similarity,
    half_squared_error,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_squared_error,
    quantile,
)
from adjoint.nn.losses.sequence import crf_decode, crf_log_normaliser, crf_nll, ctc

__all__ = [
    "binary_cross_entropy",
    "contrastive",
    "cosine_distance",
    "cosine_similarity",
    "crf_decode",
    "crf_log_normaliser",
    "crf_nll",
    "cross_entropy",
    "ctc",
    "focal",
    "gaussian_nll",
    "half_squared_error",
    "hinge",
    "huber",
    "info_nce",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_squared_error",
    "negative_binomial_nll",
    "poisson_nll",
    "quantile",
    "triplet",
]
