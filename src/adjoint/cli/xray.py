"""adjoint xray: what passes through a saved model, forward and back."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from adjoint import nn
from adjoint.cli.refusal import check_writable
from adjoint.cli.saved import examples_for, load_model
from adjoint.inspect import xray


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data")
@click.option("--rows", type=click.IntRange(1), default=256, show_default=True, help="At most.")
@click.option("--rate", default=1e-3, show_default=True, help="For the size of the updates.")
@click.option("--html", type=click.Path(path_type=Path), help="Write a page instead of text.")
def command(model: Path, data: str, rows: int, rate: float, html: Path | None) -> int:
    """Show activations, deltas and gradients of MODEL on DATA, whose target is known.

    DATA is a CSV file with the columns that the model was trained on and the target; or the
    word digits, for the held-out part of them.
    """
    check_writable(html)
    loaded, about = load_model(model)
    examples = examples_for(about, data, wants_target=True)
    loss = nn.mean_squared_error if examples.classes is None else nn.cross_entropy
    with np.errstate(all="ignore"):
        report = xray(loaded, loss, examples.inputs[:rows], examples.targets[:rows], rate=rate)
    if html is None:
        click.echo(report.text(), nl=False)
    else:
        report.to_html(html)
    return 0
