"""A small transformer on tiny Shakespeare, at nanoGPT's setting for a CPU."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint import nn, optim
from adjoint.gallery.experiment import Array, Data, Experiment, Report, at_most, close, shown
from adjoint.gallery.text import SHAKESPEARE, shakespeare, windows
from adjoint.gallery.tools import curves

BLOCK, BATCH, WIDTH, HEADS, LAYERS = 64, 12, 128, 4, 4


def start(rng: np.random.Generator, letters: int) -> Any:
    """Letters and places as vectors, four blocks, a last normalisation."""

    def draw(n: int) -> Array:
        return (0.02 * rng.standard_normal((n, WIDTH))).astype(np.float32)

    return {
        "letters": draw(letters),
        "places": draw(BLOCK),
        "blocks": [
            nn.TransformerBlock(WIDTH, HEADS, causal=True, rng=rng, dtype=np.float32)
            for _ in range(LAYERS)
        ],
        "norm": nn.LayerNorm(WIDTH, dtype=np.float32),
    }


def loss(p: Any, rows: Array) -> Array:
    """Mean −log chance of each next letter; the output shares the letters' vectors."""
    x = p["letters"][rows[:, :-1]] + p["places"]
    for block in p["blocks"]:
        x = block(x)
    logits = p["norm"](x) @ p["letters"].T
    return nn.cross_entropy(logits.reshape(-1, logits.shape[-1]), rows[:, 1:].reshape(-1))


def run(data: Data, steps: int, goal: float | None) -> Report:
    """AdamW, warmed up over 100 steps, down to a tenth of the rate."""
    train, held, letters = shakespeare(data)
    rng = np.random.default_rng(0)
    p = start(rng, len(letters))
    warm = min(100, steps // 4)

    def rate(step: Any) -> Any:
        share = (step - warm) / max(steps - warm, 1)
        return 1e-3 * np.where(step < warm, (step + 1) / warm, 0.55 + 0.45 * np.cos(np.pi * share))

    method = optim.clip_by_norm(optim.adamw(rate, 0.1, b2=0.99), 1.0)

    @ad.jit
    def many(state: Any, rows: Array) -> Any:
        def step(state: Any, rows: Array) -> Any:
            p, memory = state
            value, slope = ad.value_and_grad(loss)(p, rows)
            return method.update(slope, memory, p), value

        return ad.scan(step, state, rows)

    rows = windows(rng, train, steps, BATCH, BLOCK)
    state, losses = (p, method.init(p)), []
    for part in np.array_split(rows, max(1, steps // 50)):
        state, found = many(state, part)
        losses += list(found)
    # nanoGPT estimates its losses by 20 batches drawn at random.
    test = ad.jit(loss)
    ours = float(np.mean([test(state[0], r) for r in windows(rng, held, 20, BATCH, BLOCK)]))
    figures = [close("loss before learning: log 65", np.log(65), float(losses[0]), 0.15, ".3f")]
    if goal is None:
        shares = np.bincount(train, minlength=len(letters)) / len(train)
        single = float(-np.mean(np.log(shares[held])))
        name = f"held-out loss after {steps} steps, below the letters' frequencies"
        figures.append(at_most(name, single, ours, ".3f"))
    else:
        rest = held[: len(held) // (BLOCK + 1) * (BLOCK + 1)].reshape(-1, BLOCK + 1)
        whole = np.mean(
            [test(state[0], r) for r in rest[: len(rest) // 100 * 100].reshape(-1, 100, BLOCK + 1)]
        )
        figures.append(
            at_most(f"held-out loss after {steps} steps, of 20 batches", goal, ours, ".3f")
        )
        figures.append(shown("… of the whole held-out text", "—", f"{whole:.3f}"))
    return Report(
        tuple(figures),
        curves({"": (np.arange(steps), losses)}, "step", "loss, nats a letter"),
        "4 layers, 4 heads, 128 features, 64 letters, batches of 12, no dropout; AdamW at 1e-3, "
        "warmed up over 100 steps, down to 1e-4 along half a cosine. Tested once, at the end.",
    )


EXPERIMENT = Experiment(
    "gpt",
    "A small GPT on tiny Shakespeare",
    "Vaswani et al. 2017; Karpathy, nanoGPT, whose readme gives 1.88 for this setting.",
    short=lambda data: run(data, 40, None),  # 40 steps
    full=lambda data: run(data, 2000, 1.88),  # 2000 steps
    data=(SHAKESPEARE,),
    slow=True,
)
