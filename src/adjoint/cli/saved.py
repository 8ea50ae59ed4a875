"""Models that ``adjoint train`` saved, and the data to run them on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from adjoint.cli.examples import DIGITS, Examples, digits, for_model
from adjoint.cli.refusal import Refusal
from adjoint.cli.train import held_out
from adjoint.train import load, load_metadata


def load_model(path: Path) -> tuple[Any, dict[str, Any]]:
    """A model and what was written beside it.

    Raises:
        Refusal: no such file, or a model that another program saved.
    """
    if not path.is_file():
        raise Refusal(f"{path} is a folder" if path.is_dir() else f"there is no file {path}")
    about = load_metadata(path)
    if not {"data", "columns", "target", "classes"} <= about.keys():
        raise Refusal(
            f"{path} was not saved by adjoint train, so its columns are unknown; "
            "use adjoint.load in Python"
        )
    return load(path), about


def examples_for(about: dict[str, Any], data: str, wants_target: bool) -> Examples:
    """The examples that a command was given.

    For digits these are the held-out ones, in the order of the set.
    """
    if data != DIGITS:
        return for_model(Path(data), about, wants_target)
    if about["data"] != DIGITS:
        raise Refusal("the model was not trained on the digits")
    whole = digits()
    _, held = held_out(whole, about["seed"], about["test_share"])
    return Examples(held.inputs, whole.columns, held.targets, whole.classes, whole.target)


def output_of(model: Any, inputs: Any, path: Path) -> Any:
    """The model's output [rows, outputs].

    Raises:
        Refusal: it is not finite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        output = model(inputs)
    if not np.isfinite(output).all():
        row = int(np.argwhere(~np.isfinite(output))[0][0])
        raise Refusal(f"the output of {path} is not finite for row {row + 1}")
    return output
