"""A recurrent net that writes Shakespeare letter by letter."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint import nn, optim
from adjoint.gallery.experiment import Array, Data, Experiment, Report, at_most, close
from adjoint.gallery.text import SHAKESPEARE, pair_loss, shakespeare, windows
from adjoint.gallery.tools import curves


def read(p: Any, codes: Array) -> Array:
    """Logits of each next letter, [batch, time] to [time, batch, letters]."""

    def step(carry: Any, x: Array) -> Any:
        h = carry
        gates = nn.sigmoid(x @ p["gate_in"] + h @ p["gate"] + p["gate_bias"])
        n = h.shape[1]
        new = np.tanh(x @ p["in"] + (gates[:, :n] * h) @ p["again"] + p["bias"])
        h = gates[:, n:] * h + (1 - gates[:, n:]) * new
        return h, h

    start = np.zeros((codes.shape[0], p["bias"].shape[0]), np.float32)
    hidden = ad.scan(step, start, np.moveaxis(p["letters"][codes], 1, 0))[1]
    return hidden @ p["out"] + p["out_bias"]


def run(data: Data, steps: int, hidden: int, name: str) -> Report:
    """A gated recurrent net with stretches of 50 letters, against counting pairs."""
    train, held, letters = shakespeare(data)
    rng = np.random.default_rng(0)
    k, e = len(letters), 32

    def draw(n: int, m: int) -> Array:
        return (rng.standard_normal((n, m)) / np.sqrt(n)).astype(np.float32)

    zeros = np.zeros(hidden, np.float32)
    p = {
        "letters": draw(k, e) * np.float32(np.sqrt(k)),
        "gate_in": draw(e, 2 * hidden),
        "gate": draw(hidden, 2 * hidden),
        "gate_bias": np.concatenate([zeros, zeros + 1]),
        "in": draw(e, hidden),
        "again": draw(hidden, hidden),
        "bias": zeros,
        "out": draw(hidden, k),
        "out_bias": np.zeros(k, np.float32),
    }
    method = optim.clip_by_norm(optim.adam(optim.cosine(5e-3, steps=steps)), 1.0)

    def loss(p: Any, rows: Array) -> Array:
        logits = read(p, rows[:, :-1]).reshape(-1, k)
        return nn.cross_entropy(logits, rows[:, 1:].T.reshape(-1))

    def step(state: Any, rows: Array) -> Any:
        p, memory = state
        value, slope = ad.value_and_grad(loss)(p, rows)
        return method.update(slope, memory, p), value

    rows = windows(rng, train, steps, 32, 50)
    (p, _), losses = ad.jit(lambda s, r: ad.scan(step, s, r))((p, method.init(p)), rows)
    held_rows = windows(rng, held, 1, 400, 100)[0]
    ours = float(ad.jit(loss)(p, held_rows))
    pairs = pair_loss(train, held, k)
    figures = (
        close("loss before learning: log 65", np.log(65), float(losses[0]), 0.6, ".3f"),
        at_most(f"held-out loss ({name}), below counting pairs", pairs, ours, ".3f"),
    )
    return Report(figures, curves({"": (np.arange(steps), losses)}, "step", "loss, nats a letter"))


EXPERIMENT = Experiment(
    "char_rnn",
    "A recurrent net that writes",
    "Karpathy, The Unreasonable Effectiveness of Recurrent Neural Networks, 2015; Cho et al. 2014.",
    short=lambda data: run(data, 200, 64, "64 units, 200 steps"),  # 200 steps, 64 units
    full=lambda data: run(data, 2000, 128, "128 units, 2000 steps"),  # 2000 steps, 128 units
    data=(SHAKESPEARE,),
)
