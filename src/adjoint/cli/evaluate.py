"""adjoint evaluate: how good a saved model is."""

from __future__ import annotations

import json
from pathlib import Path

import click

from adjoint import nn
from adjoint.cli.refusal import Refusal
from adjoint.cli.saved import examples_for, load_model, output_of
from adjoint.train.metrics import NAMES, score

_USUAL = {
    True: ("accuracy", "balanced_accuracy", "f1_macro", "neg_log_loss"),
    False: ("r2", "neg_root_mean_squared_error", "neg_mean_absolute_error"),
}


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data")
@click.option("--metric", "metrics", multiple=True, help="scikit-learn's name; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(model: Path, data: str, metrics: tuple[str, ...], as_json: bool) -> int:
    """Measure MODEL on DATA, whose target is known.

    DATA is a CSV file with the columns that the model was trained on and the target; or the
    word digits, for the held-out part of them.
    """
    if unknown := [name for name in metrics if name not in NAMES]:
        raise Refusal(f"there is no metric {unknown[0]!r}; there are {', '.join(NAMES)}")
    loaded, about = load_model(model)
    examples = examples_for(about, data, wants_target=True)
    output = output_of(loaded, examples.inputs, model)
    is_classes = examples.classes is not None
    loss = nn.cross_entropy if is_classes else nn.mean_squared_error
    found = {"loss": float(loss(output, examples.targets))}
    for name in metrics or _USUAL[is_classes]:
        found[name] = score(name, output, examples.targets)
    if as_json:
        click.echo(json.dumps({"examples": len(output), **found}))
        return 0
    click.echo(f"{len(output)} examples")
    for name, value in found.items():
        click.echo(f"{name}: {value:.6g}")
    return 0
