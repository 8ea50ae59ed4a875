"""Elementwise operators of ONNX, in NumPy."""

from __future__ import annotations

import functools
import operator as python
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint import nn
from adjoint.formats.reading.step import OPERATORS, Operator, Step, operator

_PLAIN: dict[str, Any] = {
    "Abs": np.abs,
    "Acos": np.arccos,
    "Acosh": np.arccosh,
    "And": np.logical_and,
    "Asin": np.arcsin,
    "Asinh": np.arcsinh,
    "Atan": np.arctan,
    "Atanh": np.arctanh,
    "BitwiseAnd": np.bitwise_and,
    "BitwiseNot": np.invert,
    "BitwiseOr": np.bitwise_or,
    "BitwiseXor": np.bitwise_xor,
    "Ceil": np.ceil,
    "Cos": np.cos,
    "Cosh": np.cosh,
    "Equal": np.equal,
    "Exp": np.exp,
    "Floor": np.floor,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "HardSwish": nn.hard_swish,
    "IsNaN": np.isnan,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Log": np.log,
    "Mish": nn.mish,
    "Neg": np.negative,
    "Not": np.logical_not,
    "Or": np.logical_or,
    "Reciprocal": np.reciprocal,
    "Relu": nn.relu,
    "Round": np.rint,
    "Sign": np.sign,
    "Sin": np.sin,
    "Sinh": np.sinh,
    "Softplus": nn.softplus,
    "Softsign": nn.softsign,
    "Sqrt": np.sqrt,
    "Tan": np.tan,
    "Tanh": np.tanh,
    "Where": np.where,
    "Xor": np.logical_xor,
}


def _without_step(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda step, *xs: function(*xs)


for _name, _function in _PLAIN.items():
    OPERATORS[_name] = Operator(_without_step(_function), (), (), False)


# *** arithmetic ***


def _stretched(step: Step, x: Any, y: Any) -> Any:
    """Before opset 7 the second operand was put at an axis of the first."""
    axis = step.get("axis")
    if axis is None or not step.get("broadcast"):
        return y
    return np.reshape(y, y.shape + (1,) * (x.ndim - axis % x.ndim - y.ndim))


@operator("Add", "Sub", "Mul")
def _arithmetic(step: Step, x: Any, y: Any) -> Any:
    rule = {"Add": python.add, "Sub": python.sub, "Mul": python.mul}[step.op]
    return rule(x, _stretched(step, x, y))


@operator("Div")
def _div(step: Step, x: Any, y: Any) -> Any:
    y = _stretched(step, x, y)
    if x.dtype.kind == "f":
        return x / y
    # Whole numbers are divided towards zero.
    return ((x - np.fmod(x, y)) // y).astype(x.dtype)


@operator("Pow")
def _pow(step: Step, x: Any, y: Any) -> Any:
    return np.power(x, _stretched(step, x, y)).astype(x.dtype)


@operator("Mod")
def _mod(step: Step, x: Any, y: Any) -> Any:
    return np.fmod(x, y) if step.get("fmod", 0) else np.remainder(x, y)


@operator("BitShift")
def _shift(step: Step, x: Any, y: Any) -> Any:
    left = step.get("direction") == "LEFT"
    return np.left_shift(x, y) if left else np.right_shift(x, y)


@operator("Sum", "Mean", "Min", "Max")
def _several(step: Step, *xs: Any) -> Any:
    rule: Any = {"Min": np.minimum, "Max": np.maximum}.get(step.op, np.add)
    total = functools.reduce(rule, xs)
    return total / len(xs) if step.op == "Mean" else total


@operator("IsInf")
def _isinf(step: Step, x: Any) -> Any:
    found = np.isinf(x)
    if not step.get("detect_positive", 1):
        found = found & (x < 0)
    return found if step.get("detect_negative", 1) else found & (x > 0)


@operator("Clip")
def _clip(step: Step, x: Any, low: Any = None, high: Any = None) -> Any:
    low = step.get("min") if low is None else low
    high = step.get("max") if high is None else high
    # Slope 0 at the bounds, and NaN falls through.
    if low is not None:
        x = np.where(x <= low, low, x)
    return x if high is None else np.where(x >= high, high, x)


@operator("Erf")
def _erf(step: Step, x: Any) -> Any:
    from scipy.special import erf

    return _kept(erf(x), x)


def _kept(y: Any, x: Any) -> Any:
    """SciPy's functions have no float16 of their own."""
    return y if y.dtype == x.dtype else y.astype(x.dtype)


@operator("Sigmoid")
def _sigmoid(step: Step, x: Any) -> Any:
    return _kept(nn.sigmoid(x), x)


# *** activations ***


@operator("LeakyRelu")
def _leaky_relu(step: Step, x: Any) -> Any:
    return nn.leaky_relu(x, step.get("alpha", 0.01))


@operator("PRelu")
def _prelu(step: Step, x: Any, slope: Any) -> Any:
    return np.where(x > 0, x, slope * x)


@operator("Elu")
def _elu(step: Step, x: Any) -> Any:
    return nn.elu(x, step.get("alpha", 1.0))


@operator("Celu")
def _celu(step: Step, x: Any) -> Any:
    return nn.celu(x, step.get("alpha", 1.0))


@operator("Selu")
def _selu(step: Step, x: Any) -> Any:
    alpha, gamma = step.get("alpha", 1.6732632423543772), step.get("gamma", 1.0507009873554805)
    return gamma * nn.elu(x, alpha)


@operator("ThresholdedRelu")
def _thresholded(step: Step, x: Any) -> Any:
    return np.where(x > step.get("alpha", 1.0), x, 0)


@operator("HardSigmoid")
def _hard_sigmoid(step: Step, x: Any) -> Any:
    y = x * step.get("alpha", 0.2) + step.get("beta", 0.5)
    return np.where(y <= 0, 0, np.where(y >= 1, 1, y))


@operator("Gelu")
def _gelu(step: Step, x: Any) -> Any:
    return _kept(nn.gelu(x, approximate=step.get("approximate", "none") == "tanh"), x)


@operator("Swish")
def _swish(step: Step, x: Any) -> Any:
    return x * _kept(nn.sigmoid(step.get("alpha", 1.0) * x), x)


@operator("Shrink")
def _shrink(step: Step, x: Any) -> Any:
    width, bias = step.get("lambd", 0.5), step.get("bias", 0.0)
    return np.where(x < -width, x + bias, np.where(x > width, x - bias, 0)).astype(x.dtype)


@operator("Softmax", "LogSoftmax", "Hardmax")
def _softmax(step: Step, x: Any) -> Any:
    rule = {"Softmax": nn.softmax, "LogSoftmax": nn.log_softmax, "Hardmax": _hardmax}[step.op]
    if step.version >= 13:
        return rule(x, axis=step.get("axis", -1))
    # It used to take the axes from this one on as one.
    axis = step.get("axis", 1) % max(x.ndim, 1)
    rows = int(np.prod(x.shape[:axis]))
    return rule(x.reshape(rows, -1), axis=1).reshape(x.shape)


def _hardmax(x: Any, axis: int) -> Any:
    best = np.expand_dims(np.argmax(x, axis=axis), axis)
    places = np.arange(x.shape[axis]).reshape([-1 if i == axis % x.ndim else 1
                                               for i in range(x.ndim)])  # fmt: skip
    return (places == best).astype(x.dtype)


# *** dtypes and what changes nothing ***


@operator("Identity")
def _identity(step: Step, x: Any) -> Any:
    return x


@operator("Dropout")
def _dropout(step: Step, x: Any, ratio: Any = None, training: Any = None) -> Any:
    """As it is used: nothing is dropped."""
    if training is not None and bool(training):
        raise step.refused("a file that drops at random when it is run")
    return (x, np.ones(x.shape, bool))[: len(step.outputs)]


@operator("Cast")
def _cast(step: Step, x: Any) -> Any:
    dtype = step.get("to")
    return x if x.dtype == dtype else x.astype(dtype)


@operator("CastLike")
def _cast_like(step: Step, x: Any, like: Any) -> Any:
    return x if x.dtype == like.dtype else x.astype(like.dtype)
