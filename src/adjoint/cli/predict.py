"""adjoint predict: what a saved model says about a table."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import click
import numpy as np

from adjoint.cli.refusal import Refusal, check_writable
from adjoint.cli.saved import examples_for, load_model, output_of
from adjoint.train.atomic import write_atomic


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="CSV file to write.")
@click.option("--probabilities", is_flag=True, help="A column for each class.")
def command(model: Path, data: str, output: Path | None, probabilities: bool) -> int:
    """Print what MODEL predicts for each row of DATA, as CSV.

    DATA is a CSV file with the columns that the model was trained on, in any order, with or
    without the target; or the word digits, for the held-out part of them.
    """
    check_writable(output)
    loaded, about = load_model(model)
    if probabilities and about["classes"] is None:
        raise Refusal(f"{model} predicts values: there are no classes to give probabilities of")
    examples = examples_for(about, data, wants_target=False)
    text = _csv(output_of(loaded, examples.inputs, model), about["classes"], probabilities)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_atomic(output, text.encode())
    return 0


def _csv(output: Any, classes: list[str] | None, probabilities: bool) -> str:
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    if classes is None:
        writer.writerow(["prediction"])
        writer.writerows([[repr(float(value))] for value in output[:, 0]])
        return made.getvalue()
    labels = [classes[i] for i in output.argmax(axis=1)]
    if not probabilities:
        writer.writerow(["prediction"])
        writer.writerows([[label] for label in labels])
        return made.getvalue()
    moved = np.exp(output - output.max(axis=1, keepdims=True))
    shares = moved / moved.sum(axis=1, keepdims=True)
    writer.writerow(["prediction", *classes])
    for label, row in zip(labels, shares, strict=True):
        writer.writerow([label, *(f"{share:.6g}" for share in row)])
    return made.getvalue()
