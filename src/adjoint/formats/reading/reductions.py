"""Reductions, products and normalisation of ONNX, in NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adjoint import nn
from adjoint.formats.reading.step import Step, given, operator

# *** along axes ***


def _reduced(step: Step, x: Any, axes: Any) -> Any:
    which, keep = given(step, "axes", axes), bool(step.get("keepdims", 1))
    if not which and step.get("noop_with_empty_axes", 0):
        return which, keep, True
    return which or None, keep, False


@operator("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", known=(1,))
def _reduce(step: Step, x: Any, axes: Any = None) -> Any:
    rule: Any = {
        "ReduceSum": np.sum,
        "ReduceMean": np.mean,
        "ReduceMax": np.max,
        "ReduceMin": np.min,
        "ReduceProd": np.prod,
    }[step.op]
    which, keep, nothing = _reduced(step, x, axes)
    if nothing:
        return x
    extreme = step.op in ("ReduceMax", "ReduceMin")
    if extreme and not math.prod(x.shape):
        return rule(x, axis=which, keepdims=keep, initial=_worst(x.dtype, step.op))
    return rule(x, axis=which, keepdims=keep).astype(x.dtype)


def _worst(dtype: Any, op: str) -> Any:
    """What an extreme over nothing is."""
    if dtype.kind == "f":
        return -np.inf if op == "ReduceMax" else np.inf
    if dtype.kind == "b":
        return op == "ReduceMin"
    info = np.iinfo(dtype)
    return info.min if op == "ReduceMax" else info.max


@operator(
    "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp", known=(1,)
)  # fmt: skip
def _reduce_formula(step: Step, x: Any, axes: Any = None) -> Any:
    which, keep, nothing = _reduced(step, x, axes)
    if step.op == "ReduceLogSumExp":
        if nothing:
            return x
        top = np.max(x, axis=which, keepdims=True, initial=-np.inf)
        top = np.where(np.isfinite(top), top, 0)
        total = np.sum(np.exp(x - top), axis=which, keepdims=True)
        result = np.log(total) + top
        return result if keep else result.reshape(np.sum(x, axis=which).shape)
    rules: dict[str, Any] = {"ReduceL1": np.abs, "ReduceLogSum": lambda v: v}
    inner = rules.get(step.op, np.square)(x)
    total = inner if nothing else np.sum(inner, axis=which, keepdims=keep).astype(x.dtype)
    if step.op == "ReduceL2":
        return np.sqrt(total).astype(x.dtype)
    return np.log(total) if step.op == "ReduceLogSum" else total


@operator("ArgMax", "ArgMin")
def _arg(step: Step, x: Any) -> Any:
    rule: Any = np.argmax if step.op == "ArgMax" else np.argmin
    axis, keep = step.get("axis", 0), bool(step.get("keepdims", 1))
    if not step.get("select_last_index", 0):
        return rule(x, axis=axis, keepdims=keep)
    return x.shape[axis] - 1 - rule(np.flip(x, axis), axis=axis, keepdims=keep)


@operator("CumSum", known=(1,))
def _cumsum(step: Step, x: Any, axis: Any) -> Any:
    along = int(np.reshape(axis, ()))
    if step.get("reverse", 0):
        x = np.flip(x, along)
    y = np.cumsum(x, axis=along, dtype=x.dtype)
    if step.get("exclusive", 0):
        y = y - x
    return np.flip(y, along) if step.get("reverse", 0) else y


@operator("CumProd", known=(1,))
def _cumprod(step: Step, x: Any, axis: Any) -> Any:
    along = int(np.reshape(axis, ()))
    back = step.get("reverse", 0)
    y = np.cumprod(np.flip(x, along) if back else x, axis=along, dtype=x.dtype)
    if step.get("exclusive", 0):
        first = np.ones_like(np.take(y, [0], axis=along))
        y = np.concatenate([first, np.take(y, np.arange(y.shape[along] - 1), axis=along)], along)
    return np.flip(y, along) if back else y


@operator("TopK", known=(1,))
def _top_k(step: Step, x: Any, k: Any = None) -> Any:
    axis, count = step.get("axis", -1), int(np.reshape(step.get("k") if k is None else k, ()))
    # The stable order of the opposite puts the first of equal elements first.
    # Unsigned numbers have no negatives: the complement turns their order around as well.
    falling = np.invert(x) if x.dtype.kind in "iu" else -x
    order = np.argsort(falling if step.get("largest", 1) else x, axis=axis, kind="stable")
    places = np.take(order, np.arange(count), axis=axis)
    return np.take_along_axis(x, places, axis=axis), places.astype(np.int64)


# *** losses ***


@operator("SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss")
def _likelihood_loss(step: Step, scores: Any, labels: Any, weights: Any = None) -> Any:
    """Scores [n, c, ...] and labels [n, ...]: minus the logarithm at each label."""
    is_softmax = step.op == "SoftmaxCrossEntropyLoss"
    logarithms = nn.log_softmax(scores, axis=1) if is_softmax else scores
    ignored = labels == step.get("ignore_index", np.iinfo(labels.dtype).min)
    safe = np.where(ignored, 0, labels)
    picked = np.take_along_axis(logarithms, np.expand_dims(safe, 1), axis=1)
    share = np.ones(labels.shape, scores.dtype) if weights is None else np.take(weights, safe)
    share = np.where(ignored, 0, share)
    loss = -np.squeeze(picked, 1) * share
    reduction = step.get("reduction", "mean")
    if reduction != "none":
        loss = np.sum(loss)
        loss = loss / np.sum(share) if reduction == "mean" else loss
    return (loss, logarithms)[: len(step.outputs)]


# *** products ***


@operator("MatMul")
def _matmul(step: Step, x: Any, y: Any) -> Any:
    return np.matmul(x, y)


@operator("Gemm")
def _gemm(step: Step, a: Any, b: Any, c: Any = None) -> Any:
    a = a.T if step.get("transA", 0) else a
    b = b.T if step.get("transB", 0) else b
    alpha, beta = step.get("alpha", 1.0), step.get("beta", 1.0)
    y = a @ b
    y = y if alpha == 1 else y * alpha
    if c is None or beta == 0:
        return y
    return y + (c if beta == 1 else c * beta)


@operator("Einsum")
def _einsum(step: Step, *xs: Any) -> Any:
    return np.einsum(step.get("equation").replace(" ", ""), *xs)


@operator("Det")
def _det(step: Step, x: Any) -> Any:
    return np.linalg.det(x)


# *** normalisation ***


def _by_channel(v: Any, x: Any) -> Any:
    return np.reshape(v, (1, -1) + (1,) * (x.ndim - 2))


@operator("BatchNormalization", statistics=(3, 4))
def _batch_norm(step: Step, x: Any, scale: Any, shift: Any, mean: Any, variance: Any) -> Any:
    if not step.get("spatial", 1):
        raise step.refused("statistics of single places, spatial=0")
    if step.get("training_mode", 0):
        raise step.refused("a file that normalises by the batch when it is run")
    centred = x - _by_channel(mean, x)
    factor = scale / np.sqrt(variance + step.get("epsilon", 1e-5))
    return centred * _by_channel(factor, x) + _by_channel(shift, x)


def _standardised(x: Any, axes: tuple[int, ...], epsilon: float) -> tuple[Any, Any, Any]:
    mean = np.mean(x, axis=axes, keepdims=True)
    centred = x - mean
    inverse = 1 / np.sqrt(np.mean(centred * centred, axis=axes, keepdims=True) + epsilon)
    return centred * inverse, mean, inverse


@operator("InstanceNormalization")
def _instance_norm(step: Step, x: Any, scale: Any, shift: Any) -> Any:
    y, _, _ = _standardised(x, tuple(range(2, x.ndim)), step.get("epsilon", 1e-5))
    return y * _by_channel(scale, x) + _by_channel(shift, x)


@operator("LayerNormalization")
def _layer_norm(step: Step, x: Any, scale: Any, shift: Any = None) -> Any:
    axes = tuple(range(step.get("axis", -1) % x.ndim, x.ndim))
    y, mean, inverse = _standardised(x, axes, step.get("epsilon", 1e-5))
    y = y * scale
    return (y if shift is None else y + shift, mean, inverse)[: len(step.outputs)]


@operator("RMSNormalization", "SimplifiedLayerNormalization")
def _rms_norm(step: Step, x: Any, scale: Any) -> Any:
    axes = tuple(range(step.get("axis", -1) % x.ndim, x.ndim))
    power = np.mean(x * x, axis=axes, keepdims=True)
    return x / np.sqrt(power + step.get("epsilon", 1e-5)) * scale


@operator("GroupNormalization")
def _group_norm(step: Step, x: Any, scale: Any, shift: Any) -> Any:
    groups = step.get("num_groups")
    parts = x.reshape(x.shape[0], groups, -1)
    y, _, _ = _standardised(parts, (2,), step.get("epsilon", 1e-5))
    if scale.shape[0] != x.shape[1]:  # opset 18 had one number for a group
        y = y * scale[None, :, None] + shift[None, :, None]
        return y.reshape(x.shape)
    return y.reshape(x.shape) * _by_channel(scale, x) + _by_channel(shift, x)


@operator("MeanVarianceNormalization")
def _mean_variance(step: Step, x: Any) -> Any:
    axes = tuple(step.get("axes", (0, 2, 3)))
    centred = x - np.mean(x, axis=axes, keepdims=True)
    deviation = np.sqrt(np.mean(centred * centred, axis=axes, keepdims=True))
    return centred / (deviation + 1e-9)


@operator("LpNormalization")
def _lp_norm(step: Step, x: Any) -> Any:
    axis = step.get("axis", -1)
    if step.get("p", 2) == 1:
        norm = np.sum(np.abs(x), axis=axis, keepdims=True)
    else:
        norm = np.sqrt(np.sum(x * x, axis=axis, keepdims=True))
    return np.where(norm == 0, 0, x / np.where(norm == 0, 1, norm))


@operator("LRN")
def _local_response(step: Step, x: Any) -> Any:
    size = step.get("size")
    before = (size - 1) // 2
    pairs = [(0, 0), (before, size - 1 - before)] + [(0, 0)] * (x.ndim - 2)
    squares = np.pad(x * x, pairs)
    total: Any = 0
    for k in range(size):
        total = total + squares[:, k : k + x.shape[1]]
    scale = step.get("bias", 1.0) + step.get("alpha", 1e-4) / size * total
    return x / scale ** step.get("beta", 0.75)


@operator("Attention")
def _attention(step: Step, q: Any, k: Any, v: Any, mask: Any = None, *past: Any) -> Any:
    """Heads in an axis of their own, or side by side in the last."""
    if any(x is not None for x in past) or len(step.outputs) > 1 or step.get("softcap", 0.0):
        raise step.refused("keys from before, soft caps and further outputs")
    if max(step.get("left_window_size", -1), step.get("right_window_size", -1)) >= 0:
        raise step.refused("windows")
    flat = q.ndim == 3
    if flat:
        heads, pairs = step.get("q_num_heads"), step.get("kv_num_heads")
        q, k, v = _heads(q, heads), _heads(k, pairs), _heads(v, pairs)
    if k.shape[1] != q.shape[1]:  # several queries share their keys
        share = q.shape[1] // k.shape[1]
        k, v = np.repeat(k, share, axis=1), np.repeat(v, share, axis=1)
    scale = step.get("scale") or 1 / math.sqrt(q.shape[-1])
    scores = q @ np.swapaxes(k, -1, -2) * scale
    if step.get("is_causal", 0):
        scores = np.where(np.tri(*scores.shape[-2:]) > 0, scores, -np.inf)
    if mask is not None:
        missing = scores.shape[-1] - mask.shape[-1]
        mask = mask if missing == 0 else np.pad(
            mask, [(0, 0)] * (mask.ndim - 1) + [(0, missing)],
            constant_values=False if mask.dtype.kind == "b" else -np.inf,
        )  # fmt: skip
        scores = np.where(mask, scores, -np.inf) if mask.dtype.kind == "b" else scores + mask
    y = nn.softmax(scores) @ v
    return np.swapaxes(y, 1, 2).reshape(y.shape[0], y.shape[2], -1) if flat else y


def _heads(x: Any, count: int) -> Any:
    return np.swapaxes(x.reshape(*x.shape[:2], count, -1), 1, 2)
