"""Activations: functions of one array, applied element by element unless said otherwise.

Every one is finite at +-1e4 and so is its derivative. The slope at the corner of a piecewise
function is named in its docstring. NaN passes through all of them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adjoint.errors import StructureError
from adjoint.primitives.choose import stop_gradient

# Self-normalising constants (Klambauer et al., 2017): the fixed point of mean 0, variance 1.
_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


def linear(x: Any) -> Any:
    """``x``: the identity, for output layers of regression."""
    return x


def sigmoid(x: Any) -> Any:
    """The logistic function ``1 / (1 + exp(-x))``."""
    from scipy.special import expit

    return expit(x)


def log_sigmoid(x: Any) -> Any:
    """``log(sigmoid(x)) = -softplus(-x)``."""
    return -softplus(-x)


def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return np.tanh(x)


def lecun_tanh(x: Any) -> Any:
    """``1.7159 tanh(2 x / 3)``: slope and range chosen so that targets of +-1 are not extremes.

    Source: LeCun, Bottou, Orr, Müller: Efficient BackProp (1998).
    """
    return 1.7159 * np.tanh(x * (2 / 3))


def relu(x: Any) -> Any:
    """``max(x, 0)``; slope 0 at 0."""
    # The comparison is this way round so that NaN falls through instead of becoming 0.
    return np.where(x <= 0, 0, x)


def relu6(x: Any) -> Any:
    """``min(max(x, 0), 6)``; slope 0 at 0 and at 6."""
    return np.where(x <= 0, 0, np.where(x >= 6, 6, x))


def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """``x`` where positive, ``slope x`` elsewhere; the smaller slope at 0."""
    return np.where(x > 0, x, slope * x)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """``x`` where positive, ``alpha (exp(x) - 1)`` elsewhere (Clevert et al., 2016)."""
    # The untaken branch must not overflow, so it sees only what belongs to it.
    return np.where(x > 0, x, alpha * np.expm1(np.where(x > 0, 0, x)))


def selu(x: Any) -> Any:
    """The scaled ELU that keeps mean 0 and variance 1 (Klambauer et al., 2017)."""
    return _SELU_SCALE * elu(x, _SELU_ALPHA)


def celu(x: Any, alpha: float = 1.0) -> Any:
    """``x`` where positive, ``alpha (exp(x / alpha) - 1)`` elsewhere: smooth for any alpha."""
    return np.where(x > 0, x, alpha * np.expm1(np.where(x > 0, 0, x) / alpha))


def gelu(x: Any, approximate: bool = False) -> Any:
    """``x Phi(x)``, Phi the normal distribution function (Hendrycks and Gimpel, 2016).

    Args:
        x: any shape.
        approximate: whether to use the form with tanh, as GPT-2 does.
    """
    if approximate:
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))
        return 0.5 * x * (1 + np.tanh(inner))
    from scipy.special import erfc

    # erfc keeps its digits far to the left, where 1 + erf would cancel to 0.
    return 0.5 * x * erfc(x * -math.sqrt(0.5))


def silu(x: Any) -> Any:
    """``x sigmoid(x)``, also called swish."""
    return x * sigmoid(x)


def mish(x: Any) -> Any:
    """``x tanh(softplus(x))`` (Misra, 2019)."""
    return x * np.tanh(softplus(x))


def softplus(x: Any) -> Any:
    """``log(1 + exp(x))``, a smooth relu."""
    return np.logaddexp(x, 0.0)


def softsign(x: Any) -> Any:
    """``x / (1 + |x|)``."""
    return x / (1 + np.abs(x))


def hard_sigmoid(x: Any) -> Any:
    """``clip(x / 6 + 1/2, 0, 1)``; slope 0 at the corners."""
    return relu6(x + 3) / 6


def hard_tanh(x: Any) -> Any:
    """``clip(x, -1, 1)``; slope 0 at the corners."""
    return np.where(x <= -1, -1, np.where(x >= 1, 1, x))


def hard_swish(x: Any) -> Any:
    """``x hard_sigmoid(x)``."""
    return x * hard_sigmoid(x)


def softshrink(x: Any, width: float = 0.5) -> Any:
    """``x`` moved towards 0 by ``width``, 0 where it would cross; slope 0 at the corners."""
    return np.where(np.abs(x) <= width, 0, x - np.copysign(width, x))


def sine(x: Any, frequency: float = 30.0) -> Any:
    """``sin(frequency x)`` (Sitzmann et al., 2020)."""
    return np.sin(frequency * x)


def logsumexp(x: Any, axis: int = -1, keepdims: bool = False) -> Any:
    """``log(sum(exp(x)))`` along an axis, without overflow; -inf where all are -inf."""
    top = stop_gradient(np.max(x, axis=axis, keepdims=True))
    # inf - inf would be NaN: an infinite maximum is not subtracted.
    top = np.where(np.isfinite(top), top, 0)
    total = np.sum(np.exp(x - top), axis=axis, keepdims=True)
    # Masked rows sum to 0; the logarithm is then taken of 1 and replaced.
    empty = total == 0
    result = np.where(empty, -np.inf, np.log(np.where(empty, 1, total)) + top)
    return result if keepdims else np.squeeze(result, axis=axis)


def softmax(x: Any, axis: int = -1) -> Any:
    """``exp(x) / sum(exp(x))`` along an axis; all zero where all inputs are -inf."""
    top = stop_gradient(np.max(x, axis=axis, keepdims=True))
    weights = np.exp(x - np.where(np.isfinite(top), top, 0))
    total = np.sum(weights, axis=axis, keepdims=True)
    return weights / np.where(total == 0, 1, total)


def log_softmax(x: Any, axis: int = -1) -> Any:
    """``x - logsumexp(x)`` along an axis."""
    top = stop_gradient(np.max(x, axis=axis, keepdims=True))
    moved = x - np.where(np.isfinite(top), top, 0)
    return moved - np.log(np.sum(np.exp(moved), axis=axis, keepdims=True))


def maxout(x: Any, pieces: int) -> Any:
    """The largest of each group of ``pieces`` neighbours (Goodfellow et al., 2013).

    Args:
        x: [..., n * pieces].
        pieces: how many linear pieces each unit has.

    Returns:
        [..., n].
    """
    if x.shape[-1] % pieces:
        raise StructureError(
            "the last axis does not divide into pieces",
            function="maxout",
            got=f"{x.shape[-1]} features",
            wanted=f"a multiple of {pieces}",
        )
    return np.max(x.reshape(*x.shape[:-1], x.shape[-1] // pieces, pieces), axis=-1)


def glu(x: Any, axis: int = -1) -> Any:
    """``a sigmoid(b)`` for the halves a, b of an axis (Dauphin et al., 2017)."""
    if x.shape[axis] % 2:
        raise StructureError(
            "a gated linear unit halves its axis", function="glu", got=f"{x.shape[axis]} features"
        )
    value, gate = np.split(x, 2, axis=axis)
    return value * sigmoid(gate)
