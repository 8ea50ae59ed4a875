"""32,033 given names: counting pairs, the same by gradients, and a net of three letters."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint import nn, optim
from adjoint.gallery.experiment import Array, Data, Experiment, Report, at_most, close, shown
from adjoint.gallery.text import NAMES
from adjoint.gallery.tools import train_epochs

LETTERS = ".abcdefghijklmnopqrstuvwxyz"  # the dot begins and ends a name


def examples(names: list[str], context: int) -> tuple[Array, Array]:
    """The letters before, [n, context], and the letter that comes, [n]."""
    before, after = [], []
    for name in names:
        codes = [0] * context + [LETTERS.index(letter) for letter in name] + [0]
        for i in range(context, len(codes)):
            before.append(codes[i - context : i])
            after.append(codes[i])
    return np.array(before), np.array(after)


def run(data: Data, epochs: int, gain: float) -> Report:
    """Pairs by counts and by L-BFGS, then embeddings and a hidden layer."""
    names = data.path(NAMES).read_text(encoding="utf-8").split()
    order = np.random.default_rng(0).permutation(len(names))
    cut = int(0.9 * len(names))
    train, held = [names[i] for i in order[:cut]], [names[i] for i in order[cut:]]
    x, y = examples(train, 3)
    hx, hy = examples(held, 3)
    counts = np.full((27, 27), 1e-3)
    np.add.at(counts, (x[:, 2], y), 1)
    chances = counts / counts.sum(1, keepdims=True)
    counted = float(-np.sum(counts * np.log(chances)) / counts.sum())
    held_pairs = float(-np.mean(np.log(chances[hx[:, 2], hy])))

    def pairs(table: Array) -> Array:
        logs = table - nn.logsumexp(table, axis=1, keepdims=True)
        return -np.sum(counts * logs) / counts.sum()

    learned = ad.minimize(
        pairs, np.zeros((27, 27)), method="l-bfgs-b", options={"maxiter": 2000, "maxfun": 5000}
    )
    rng = np.random.default_rng(0)
    shapes = {"letters": (27, 10), "W": (30, 200), "V": (200, 27)}
    p: Any = {
        name: (rng.standard_normal(s) / np.sqrt(1 if name == "letters" else s[0])).astype(
            np.float32
        )
        for name, s in shapes.items()
    }
    p |= {"b": np.zeros(200, np.float32), "c": np.zeros(27, np.float32)}

    def logits(p: Any, x: Array) -> Array:
        hidden = np.tanh(p["letters"][x].reshape(-1, 30) @ p["W"] + p["b"])
        return hidden @ p["V"] + p["c"]

    def loss(p: Any, x: Array, y: Array) -> Array:
        return nn.cross_entropy(logits(p, x), y)

    steps = epochs * (len(x) // 128)
    p = train_epochs(loss, optim.adam(optim.cosine(3e-3, steps=steps)), p, (x, y), 128, epochs)
    net = float(loss(p, hx, hy))
    said, luck = [], np.random.default_rng(5)
    for _ in range(8):
        word = [0, 0, 0]
        while len(word) < 4 or (word[-1] and len(word) < 16):
            z = logits(p, np.array([word[-3:]]))[0].astype(float)
            word.append(int(luck.choice(27, p=np.exp(z - z.max()) / np.exp(z - z.max()).sum())))
        said.append("".join(LETTERS[i] for i in word[3:]).strip("."))
    figures = (
        close(
            "pairs by gradients: loss, against counting", counted, float(learned.fun), 2e-3, ".4f"
        ),
        at_most(
            "held-out loss of a net of three letters, below pairs", held_pairs - gain, net, ".3f"
        ),
        shown("names it makes up", "—", ", ".join(said)),
    )

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.imshow(chances, cmap="Blues")
        axes.set_xticks(range(27), LETTERS)
        axes.set_yticks(range(27), LETTERS)
        axes.set(xlabel="next letter", ylabel="letter")

    return Report(figures, draw)


def short(data: Data) -> Report:
    """Two epochs."""
    return run(data, 2, 0.15)


def full(data: Data) -> Report:
    """20 epochs."""
    return run(data, 20, 0.25)


EXPERIMENT = Experiment(
    "given_names",
    "Given names, letter by letter",
    "Bengio et al. 2003; Karpathy, makemore, 2022.",
    short,
    full,
    data=(NAMES,),
)
