"""Recurrent operators of ONNX: a scan along time, one for each direction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint import nn
from adjoint.api.control import scan
from adjoint.formats.reading.step import Step, operator

_ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "Affine": lambda x, a, b: a * x + b,
    "Elu": lambda x, a, b: nn.elu(x, a),
    "HardSigmoid": lambda x, a, b: np.clip(a * x + b, 0, 1),
    "LeakyRelu": lambda x, a, b: nn.leaky_relu(x, a),
    "Relu": lambda x, a, b: nn.relu(x),
    "ScaledTanh": lambda x, a, b: a * np.tanh(b * x),
    "Sigmoid": lambda x, a, b: nn.sigmoid(x),
    "Softplus": lambda x, a, b: nn.softplus(x),
    "Softsign": lambda x, a, b: nn.softsign(x),
    "Tanh": lambda x, a, b: np.tanh(x),
    "ThresholdedRelu": lambda x, a, b: np.where(x > a, x, 0),
}
_DEFAULTS = {"Elu": 1.0, "HardSigmoid": 0.2, "LeakyRelu": 0.01, "ThresholdedRelu": 1.0}
_FUNCTIONS = {"RNN": ("Tanh",), "GRU": ("Sigmoid", "Tanh"), "LSTM": ("Sigmoid", "Tanh", "Tanh")}
_GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def _functions(step: Step, directions: int) -> list[list[Callable[[Any], Any]]]:
    """The activations of each direction."""
    names = step.get("activations") or _FUNCTIONS[step.op] * directions
    alphas, betas = list(step.get("activation_alpha", ())), list(step.get("activation_beta", ()))
    found = []
    for name in names:
        if name not in _ACTIVATIONS:
            raise step.refused(f"the activation {name}")
        takes_alpha = name in ("Affine", "ScaledTanh", *_DEFAULTS)
        takes_beta = name in ("Affine", "ScaledTanh", "HardSigmoid")
        a = alphas.pop(0) if takes_alpha and alphas else _DEFAULTS.get(name, 1.0)
        b = betas.pop(0) if takes_beta and betas else 0.5
        found.append(_bound(_ACTIVATIONS[name], a, b))
    each = len(_FUNCTIONS[step.op])
    return [found[k * each : (k + 1) * each] for k in range(directions)]


def _bound(rule: Callable[..., Any], a: float, b: float) -> Callable[[Any], Any]:
    return lambda x: rule(x, a, b)


@operator("RNN", "GRU", "LSTM", known=(4,))
def _recurrent(
    step: Step,
    x: Any,
    w: Any,
    r: Any,
    bias: Any = None,
    lengths: Any = None,
    hidden: Any = None,
    cell: Any = None,
    peepholes: Any = None,
) -> Any:
    batch_first = bool(step.get("layout", 0))
    if batch_first:
        x = np.swapaxes(x, 0, 1)
    directions, size = w.shape[0], r.shape[-1]
    functions = _functions(step, directions)
    ways = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
    sequences, ends, cells = [], [], []
    for k, backwards in enumerate(ways[step.get("direction", "forward")]):
        b = np.zeros(2 * _GATES[step.op] * size, x.dtype) if bias is None else bias[k]
        start = [
            np.zeros((x.shape[1], size), x.dtype) if v is None
            else (v[:, k] if batch_first else v[k])
            for v in (hidden, cell)
        ]  # fmt: skip
        p = np.zeros(3 * size, x.dtype) if peepholes is None else peepholes[k]
        (h, c), ys = _run(step, functions[k], (x, w[k], r[k], b, p), start, lengths, backwards)
        sequences.append(ys)
        ends.append(h)
        cells.append(c)
    y = np.stack(sequences, axis=2 if batch_first else 1)
    y = np.moveaxis(y, 0, 1) if batch_first else y
    last = [np.stack(v, axis=1 if batch_first else 0) for v in (ends, cells)]
    return (y, *last)[: len(step.outputs)]


def _run(
    step: Step,
    functions: list[Any],
    arrays: tuple[Any, ...],
    start: list[Any],
    lengths: Any,
    backwards: bool,
) -> tuple[Any, Any]:
    x, w, r, b, p = arrays
    half = b.shape[0] // 2
    limit = step.get("clip")
    inputs = x @ w.T + b[:half]  # of all times at once
    cells = {"RNN": _rnn, "GRU": _gru, "LSTM": _lstm}

    def clipped(v: Any) -> Any:
        return v if limit is None else np.clip(v, -limit, limit)

    def advance(state: Any, row: Any) -> tuple[Any, Any]:
        given, inside = row
        new = cells[step.op](step, functions, clipped, given, state, (r, b[half:], p))
        if lengths is not None:
            new = tuple([np.where(inside, n, old) for n, old in zip(new, state, strict=True)])
            return new, np.where(inside, new[0], 0)
        return new, new[0]

    times = np.arange(x.shape[0])
    inside = np.ones((x.shape[0], 1, 1), bool) if lengths is None else (
        times[:, None, None] < np.reshape(lengths, (1, -1, 1))
    )  # fmt: skip
    if lengths is None:
        return scan(lambda s, row: advance(s, (row, None)), tuple(start), inputs, reverse=backwards)
    return scan(advance, tuple(start), (inputs, inside), reverse=backwards)


def _rnn(step: Step, f: Any, clip: Any, given: Any, state: Any, arrays: Any) -> Any:
    (h, c), (r, b, _) = state, arrays
    return f[0](clip(given + h @ r.T + b)), c


def _gru(step: Step, f: Any, clip: Any, given: Any, state: Any, arrays: Any) -> Any:
    (h, c), (r, b, _) = state, arrays
    n = h.shape[-1]
    gates = given[:, : 2 * n] + h @ r[: 2 * n].T + b[: 2 * n]
    z, reset = f[0](clip(gates[:, :n])), f[0](clip(gates[:, n:]))
    if step.get("linear_before_reset", 0):
        inner = reset * (h @ r[2 * n :].T + b[2 * n :])
    else:
        inner = (reset * h) @ r[2 * n :].T + b[2 * n :]
    new = f[1](clip(given[:, 2 * n :] + inner))
    return (1 - z) * new + z * h, c


def _lstm(step: Step, f: Any, clip: Any, given: Any, state: Any, arrays: Any) -> Any:
    (h, c), (r, b, p) = state, arrays
    n = h.shape[-1]
    gates = given + h @ r.T + b
    i, o, forget, new = (gates[:, k * n : (k + 1) * n] for k in range(4))
    i = f[0](clip(i + p[:n] * c))
    forget = 1 - i if step.get("input_forget", 0) else f[0](clip(forget + p[2 * n :] * c))
    c = forget * c + i * f[1](clip(new))
    o = f[0](clip(o + p[n : 2 * n] * c))
    return o * f[2](c), c
