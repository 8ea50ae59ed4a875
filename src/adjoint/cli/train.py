"""adjoint train: a network from a table, or from scikit-learn's digits."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import numpy as np

from adjoint import nn, optim
from adjoint.cli.examples import DIGITS, Examples, digits, from_table
from adjoint.cli.refusal import Refusal, check_writable
from adjoint.errors import NonFiniteError
from adjoint.nn import random
from adjoint.train import EarlyStopping, Result, Row, fit, save
from adjoint.train.dataset import Dataset, split
from adjoint.train.progress import Progress, lines_of

_TEST = 4  # what the seed's key is folded with for the held-out part
_USUAL: dict[bool, dict[str, Any]] = {
    True: {"hidden": "256", "dropout": 0.4},
    False: {"hidden": "64", "dropout": 0.0},
}


@click.command()
@click.argument("data")
@click.option("--target", help="Column to predict; the last one by default.")
@click.option(
    "--task",
    type=click.Choice(["auto", "classification", "regression"]),
    default="auto",
    help="Text and up to 20 whole numbers are classes unless this says otherwise.",
)
@click.option(
    "--words", multiple=True, help="A column of words that look like numbers; repeatable."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File for the model.")
@click.option("--hidden", help="Hidden units, as 64,32. [default: 64; digits 256]")
@click.option("--dropout", type=click.FloatRange(0, 0.95), help="[default: 0; digits 0.4]")
@click.option("--epochs", type=click.IntRange(1), default=40, show_default=True)
@click.option("--batch-size", type=click.IntRange(1), default=32, show_default=True)
@click.option("--rate", type=click.FloatRange(0, min_open=True), default=3e-3, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--test-share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.2,
    show_default=True,
    help="Share of the rows that is held out.",
)
@click.option("--patience", type=click.IntRange(0), help="Stop when the held-out loss rests.")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="Go on after a kill.")
@click.option("--quiet", is_flag=True, help="Only the result.")
def command(
    data: str, target: str | None, words: tuple[str, ...], output: Path | None, **settings: Any
) -> int:
    """Train a network on DATA and save it.

    DATA is a CSV file with a heading, or the word digits. Columns of words are learned from too:
    the model keeps the list of words of each. A part is held out, class by class, and never
    learned from; each row of the report measures on it.
    """
    settings = _USUAL[data == DIGITS] | {k: x for k, x in settings.items() if x is not None}
    hidden = _hidden(settings["hidden"])
    examples = (
        digits() if data == DIGITS else from_table(Path(data), target, settings["task"], words)
    )
    place = output or Path(f"{Path(data).stem}.safetensors")
    for file in (place, settings.get("checkpoint")):
        check_writable(file)
    return _train(data, examples, place, hidden, settings)


def _train(
    data: str, examples: Examples, place: Path, hidden: list[int], settings: dict[str, Any]
) -> int:
    seed, share = settings["seed"], settings["test_share"]
    learned, held = held_out(examples, seed, share)
    scale = _Scale(learned, examples, is_digits=data == DIGITS)
    model = _network(examples, hidden, settings["dropout"], seed)
    outputs = len(examples.classes) if examples.classes else 1
    if not settings["quiet"]:
        what = f"{outputs} classes of" if examples.classes else "values of"
        for column, words in examples.words.items():
            click.echo(f"{column!r}: {len(words)} words, a 0 or 1 for each")
        layers = " - ".join(map(str, [learned.inputs.shape[1], *hidden, outputs]))
        click.echo(
            f"{data}: {len(learned)} examples to learn from, {len(held)} held out; "
            f"{what} {examples.target!r}; network {layers}"
        )
    metric = "accuracy" if examples.classes else "r2"
    batches = settings["epochs"] * -(-len(learned) // settings["batch_size"])
    patience = settings.get("patience")
    try:
        result = fit(
            model,
            scale.apply(learned),
            loss=nn.cross_entropy if examples.classes else nn.mean_squared_error,
            optimizer=optim.adam(optim.cosine(settings["rate"], batches)),
            epochs=settings["epochs"],
            batch_size=settings["batch_size"],
            validation=scale.apply(held),
            metrics=[metric],
            seed=seed,
            early_stopping=None if patience is None else EarlyStopping(patience),
            checkpoint=settings.get("checkpoint"),
            callbacks=[] if settings["quiet"] else _reports(),
            progress=False,
        )
    except NonFiniteError as error:
        raise Refusal(f"{error.problem}; nothing was saved; try a smaller --rate") from None
    _finish(data, examples, place, scale.put_into(result.model), result, settings)
    return 0


def _finish(
    data: str, examples: Examples, place: Path, model: Any, result: Result, settings: dict[str, Any]
) -> None:
    about = {
        "data": DIGITS if data == DIGITS else "table",
        "columns": examples.columns,
        "words": examples.words,
        "target": examples.target,
        "classes": examples.classes,
        "seed": settings["seed"],
        "test_share": settings["test_share"],
        "epochs": len(result.history),
    }
    save(model, place, about)
    _, held = held_out(examples, settings["seed"], settings["test_share"])
    output = model(held.inputs)
    if result.stopped:
        click.echo(f"stopped after {len(result.history)} epochs: {result.stopped}")
    if examples.classes:
        right = int((output.argmax(axis=1) == held.targets).sum())
        share = 100 * right / len(held)
        click.echo(f"held-out accuracy: {share:.2f} % ({right} of {len(held)})")
    else:
        error = float(np.sqrt(np.mean((output - held.targets) ** 2)))
        rest = np.mean((held.targets - held.targets.mean(axis=0)) ** 2)
        fit_quality = 1 - error**2 / rest if rest else float("nan")
        click.echo(f"held-out root mean squared error: {error:.6g}, r2: {fit_quality:.4f}")
    click.echo(f"saved: {place}")
    click.echo(f"use it: adjoint predict {place} {data}")
    marks = ", a 0 or 1 in X for each word" if examples.words else ""
    click.echo(f'in Python: output = adjoint.load("{place}")(X){marks}')


def held_out(examples: Examples, seed: int, share: float) -> tuple[Dataset, Dataset]:
    """The part to learn from and the part to test on, the same for the same seed."""
    whole = Dataset(examples.inputs, examples.targets)
    return split(whole, share, random.fold_in(random.key(seed), _TEST))


class _Scale:
    """Brings columns to mean 0 and variance 1 while learning, and back into the weights after."""

    def __init__(self, learned: Dataset, examples: Examples, is_digits: bool) -> None:
        self._mean, self._spread = _moments(learned.inputs)
        if is_digits:  # pixels have one scale already, 0 to 16
            self._mean, self._spread = np.zeros(64), np.full(64, 16.0)
        self._target = (0.0, 1.0) if examples.classes else _moments(learned.targets)

    def apply(self, data: Dataset) -> Dataset:
        """Data as the network learns from it."""
        mean, spread = self._target
        is_values = data.targets.dtype.kind == "f"
        targets = (data.targets - mean) / spread if is_values else data.targets
        return Dataset((data.inputs - self._mean) / self._spread, targets)

    def put_into(self, model: Any) -> Any:
        """The network for data as it is: first and last weights take the scales in."""
        layers = list(model.layers)
        first = layers[0]
        weight = first.weight / self._spread[:, None]
        layers[0] = first.replace(weight=weight, bias=first.bias - self._mean @ weight)
        mean, spread = self._target
        last = layers[-1]
        layers[-1] = last.replace(weight=last.weight * spread, bias=last.bias * spread + mean)
        return nn.Sequential(*layers)


def _moments(values: Any) -> tuple[Any, Any]:
    """Mean and standard deviation of columns; a constant one keeps its unit."""
    spread = values.std(axis=0)
    return values.mean(axis=0), np.where(spread == 0, 1.0, spread)


def _network(examples: Examples, hidden: list[int], dropout: float, seed: int) -> Any:
    sizes = [examples.inputs.shape[1], *hidden]
    layers: list[Any] = []
    with nn.seed(seed):
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after, weight_init=nn.init.he_normal), nn.ReLU()]
            if dropout:
                layers.append(nn.Dropout(dropout))
        layers.append(nn.Linear(sizes[-1], len(examples.classes) if examples.classes else 1))
    return nn.Sequential(*layers)


def _hidden(text: str) -> list[int]:
    sizes = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdecimal() and int(part) > 0 for part in sizes):
        raise Refusal(f"--hidden {text} is not a list of sizes such as 64,32")
    return [int(part) for part in sizes]


def _reports() -> list[Any]:
    """A row for each epoch on standard output; a bar on standard error if it is a terminal."""
    shown: list[str] = []

    def write(run: Any, row: Row) -> None:
        for line in lines_of(row, shown):
            click.echo(line)

    return [write, Progress(rows=False)] if sys.stderr.isatty() else [write]
