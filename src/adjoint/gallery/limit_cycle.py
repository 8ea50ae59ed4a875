"""A continuous-time recurrent net learns to go round a circle by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint import optim, tree
from adjoint.gallery.experiment import Array, Experiment, Report, at_most

H, PERIOD = 0.1, 10.0
CIRCLE = 2 * np.pi * H / PERIOD


def settle(p: Any, y: Array) -> Array:
    """dy/dt = −y + W tanh(y) + b."""
    return -y + np.tanh(y) @ p["W"] + p["b"]


def run(steps: int, units: int = 6) -> Report:
    """Backpropagation through the integration of one turn, from noisy places on the circle."""
    rng = np.random.default_rng(0)
    p = {
        "W": 1.5 * rng.standard_normal((units, units)) / np.sqrt(units),
        "b": np.zeros(units),
        "hidden": 0.1 * rng.standard_normal((2, units - 2)),  # where the others stand, by the phase
    }
    turn = int(PERIOD / H)

    def roll(p: Any, y: Array, length: int) -> Array:
        def step(y: Array, _: Any) -> tuple[Array, Array]:
            middle = y + 0.5 * H * settle(p, y)
            y = y + H * settle(p, middle)
            return y, y[..., :2]

        return ad.scan(step, y, None, length=length)[1]

    phases = 2 * np.pi * np.arange(8) / 8
    ring = 0.5 * np.stack([np.cos(phases), np.sin(phases)], 1)
    angle = phases + CIRCLE * np.arange(1, 2 * turn + 1)[:, None]
    target = 0.5 * np.stack([np.cos(angle), np.sin(angle)], -1)
    nudges = rng.uniform(0.5, 1.5, (steps, 8, 1))
    method = optim.clip_by_norm(optim.adam(optim.cosine(1e-2, steps=steps)), 1.0)

    def loss(p: Any, nudge: Array) -> Array:
        start = np.concatenate([nudge * ring, ring @ p["hidden"] * nudge], axis=1)
        off = np.sum((roll(p, start, 2 * turn) - target) ** 2, -1)
        return np.mean(off[turn // 2 :]) + 0.1 * np.mean(off)

    def step(state: Any, nudge: Array) -> Any:
        p, memory = state
        value, slope = ad.value_and_grad(loss)(p, nudge)
        return method.update(slope, memory, p), value

    (p, _), losses = ad.jit(lambda p: ad.scan(step, (p, method.init(p)), nudges))(p)
    p = tree.tree_map(np.asarray, p)
    far = np.concatenate([0.2 * ring[:1], 0.2 * ring[:1] @ p["hidden"]], axis=1)
    path = roll(p, far, 20 * turn)[:, 0]
    late = path[10 * turn :]
    radius = np.linalg.norm(late, axis=1)
    turns = np.unwrap(np.arctan2(late[:, 1], late[:, 0]))
    period = float(2 * np.pi * (len(late) - 1) * H / (turns[-1] - turns[0]))
    figures = (
        at_most(
            "after ten turns: |radius − 0.5|, at most",
            0,
            float(np.abs(radius - 0.5).max()),
            ".3f",
            slack=0.05,
        ),
        at_most("|period − 10|", 0, abs(period - PERIOD), ".3f", slack=0.3),
    )

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        left.plot(*path[: 5 * turn].T)
        left.plot(*path[:1].T, "o")
        left.set(aspect="equal", title="five turns from a point well inside")
        right.semilogy(losses)
        right.set(xlabel="step", ylabel="error")

    return Report(figures, draw, "Six units, of which two are to go round.")


EXPERIMENT = Experiment(
    "limit_cycle",
    "A continuous-time net learns a limit cycle",
    "Pearlmutter, Neural Computation 1, 1989.",
    short=lambda data: run(400),  # 400 steps
    full=lambda data: run(4000),  # 4000 steps
)
