"""32,033 given names: counting pairs, the same by gradients, and a net of three letters."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

import adjoint as ad
from adjoint import nn, optim
from adjoint.gallery.experiment import Array, Data, Experiment, Report, at_most, close, shown
from adjoint.gallery.text import NAMES
from adjoint.gallery.tools import BestUntil, train_epochs

LONGEST = 16  # letters of the longest name, and its end
BATCH = 128
EPOCHS = 20  # of the transformer
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


class Speller(nn.Module):
    """The default transformer of makemore: [batch, 16] letters so far to scores of the next."""

    letters: nn.Embedding
    places: nn.Positions
    blocks: nn.Sequential
    scores: nn.Sequential

    def __call__(self, before: Array) -> Array:
        """[batch, 16, 27]."""
        return self.scores(self.blocks(self.places(self.letters(before))))


def speller(rng: np.random.Generator) -> Speller:
    """4 layers, 4 heads, 64 features."""
    how: dict[str, Any] = {"rng": rng, "dtype": np.float32}
    blocks = [nn.TransformerBlock(64, 4, causal=True, dropout=0.1, **how) for _ in range(4)]
    return Speller(
        nn.Embedding(27, 64, **how),
        nn.Positions(64, LONGEST, **how),
        nn.Sequential(*blocks),
        nn.Sequential(nn.LayerNorm(64, dtype=np.float32), nn.Linear(64, 27, bias=False, **how)),
    )


def spelled(names: list[str]) -> tuple[Array, Array]:
    """Letters [n, 16] that a net has seen, and those that come; -1 behind the end of a name."""
    codes = np.full((len(names), LONGEST + 1), -1)
    codes[:, 0] = 0
    for row, name in zip(codes, names, strict=True):
        row[1 : len(name) + 2] = [*map(LETTERS.index, name), 0]
    return np.maximum(codes[:, :-1], 0), codes[:, 1:]


def next_letter(scores: Array, letters: Array) -> Array:
    """Mean of −log chance of each letter that is there."""
    there = letters >= 0
    return nn.cross_entropy(scores, np.where(there, letters, 0), weights=there)


def transformer(data: Data, train: list[str], held: list[str], epochs: int) -> Any:
    """The history of a run, measured on the held-out names after each epoch."""
    examples = spelled(train)
    steps = epochs * -(-len(train) // BATCH)
    result = ad.fit(
        speller(np.random.default_rng(0)),
        examples,
        loss=next_letter,
        optimizer=optim.adamw(optim.one_cycle(4e-3, steps, rise=0.1), 0.01, b2=0.99),
        epochs=epochs,
        batch_size=BATCH,
        validation=spelled(held),
        early_stopping=BestUntil(epochs, data, "val_loss"),
        checkpoint=data.checkpoint("given_names transformer"),
        progress=False,
    )
    return result.history


def split(data: Data, held: float) -> tuple[list[str], list[str]]:
    """Names to learn from, and a share of them held out."""
    names = data.path(NAMES).read_text(encoding="utf-8").split()
    order = np.random.default_rng(0).permutation(len(names))
    cut = round((1 - held) * len(names))
    return [names[i] for i in order[:cut]], [names[i] for i in order[cut:]]


def run(data: Data, epochs: int, gain: float) -> Report:
    """Pairs by counts and by L-BFGS, then embeddings and a hidden layer."""
    train, held = split(data, 0.1)
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
        axes.tick_params(labelsize=7)
        axes.set(xlabel="next letter", ylabel="letter")

    return Report(figures, draw)


def short(data: Data) -> Report:
    """Two epochs."""
    return run(data, 2, 0.15)


def full(data: Data) -> Report:
    """20 epochs of each net."""
    began = time.monotonic()
    report = run(data, 20, 0.25)
    seconds = time.monotonic() - began
    history = transformer(data, *split(data, 1000 / 32_033), epochs=EPOCHS)
    if not len(history):
        return report
    cut = f", {len(history)} of {EPOCHS} epochs" if len(history) < EPOCHS else ""
    best = min(row.val_loss for row in history)
    figure = at_most(f"transformer{cut}: loss of 1,000 held-out names", 1.92, best, ".3f")
    return replace(
        report,
        figures=(*report.figures, figure),
        note="The transformer is makemore's default: 4 layers, 4 heads, 64 features; its test set "
        "is as large as there, and like there chooses when to stop. AdamW, batches of 128, a rate "
        "that rises to 0.004 and falls, and dropout of 0.1, which makemore has not.",
        seconds=seconds + sum(row.seconds for row in history),
    )


EXPERIMENT = Experiment(
    "given_names",
    "Given names, letter by letter",
    "Bengio et al. 2003; Karpathy, makemore, 2022.",
    short,
    full,
    data=(NAMES,),
    slow=True,
)
