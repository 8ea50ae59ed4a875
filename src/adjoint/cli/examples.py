"""What a command works on: a table of the user's, or scikit-learn's digits."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from adjoint.cli.refusal import Refusal
from adjoint.cli.table import Table, read_table

DIGITS = "digits"
_MANY = 20  # integers of more values than this are quantities, not classes


@dataclass(frozen=True)
class Examples:
    """Inputs and maybe targets.

    Args:
        inputs: [n, features]: a number for each column, or a 0 or 1 for each of its words.
        columns: their names.
        targets: labels [n] of integers 0..k-1, or values [n, 1]; None if there are none.
        classes: the names of the labels; None for values.
        target: the name of the column that is predicted.
        words: those of the columns that are no numbers, in the order of their features.
    """

    inputs: Any
    columns: list[str]
    targets: Any
    classes: list[str] | None
    target: str
    words: dict[str, list[str]] = field(default_factory=dict)


def digits() -> Examples:
    """1797 handwritten digits of 8 x 8 pixels, each from 0 to 16."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise Refusal(
            "the digits come with scikit-learn: python -m pip install 'adjoint[sklearn]'"
        ) from None
    found = load_digits()
    names = [f"pixel_{i // 8}_{i % 8}" for i in range(64)]
    classes = [str(i) for i in range(10)]
    return Examples(found.data, names, found.target.astype(np.int64), classes, "digit")


def from_table(
    path: Path, target: str | None, task: str, as_words: tuple[str, ...] = ()
) -> Examples:
    """A table to learn from: one column is the target, all others are inputs.

    Args:
        path: of a CSV file.
        target: the column; without one the last.
        task: ``"classification"``, ``"regression"`` or ``"auto"``.
        as_words: columns that are words though there are numbers in them.
    """
    table = read_table(path)
    name = table.columns[-1] if target is None else target
    table.position(name)
    columns = [column for column in table.columns if column != name]
    if not columns:
        raise Refusal(f"{path} has no column beside the target {name!r}")
    words = _words(table, columns, as_words)
    inputs = _inputs(table, columns, words)
    if task == "regression" or (task == "auto" and not _is_classes(table.texts(name))):
        return Examples(inputs, columns, table.numbers(name)[:, None], None, name, words)
    texts = table.texts(name)
    classes = _sorted(set(texts))
    if len(classes) < 2:
        raise Refusal(f"{path}: the target {name!r} is {classes[0]!r} in every row")
    if len(classes) > max(_MANY, len(texts) // 2):
        raise Refusal(
            f"{path}: the target {name!r} has {len(classes)} different texts in {len(texts)} rows"
        )
    numbers = {text: i for i, text in enumerate(classes)}
    labels = np.array([numbers[t] for t in texts])
    return Examples(inputs, columns, labels, classes, name, words)


def _words(table: Table, columns: list[str], as_words: tuple[str, ...]) -> dict[str, list[str]]:
    """The words of each column that has some."""
    for column in as_words:
        table.position(column)
    found: dict[str, list[str]] = {}
    for column in columns:
        words = sorted(set(table.texts(column))) if column in as_words else table.words(column)
        if words is None:
            continue
        if len(words) > max(_MANY, len(table.rows) // 2):
            raise Refusal(
                f"{table.path}: column {column!r} has {len(words)} different words in "
                f"{len(table.rows)} rows, and nothing can be learned of words seen once; drop it"
            )
        found[column] = words
    return found


def _inputs(table: Table, columns: list[str], words: dict[str, list[str]]) -> Any:
    """[rows, features], column after column."""
    parts = [
        table.marks(column, words[column]) if column in words else table.numbers(column)[:, None]
        for column in columns
    ]
    return np.concatenate(parts, axis=1)


def for_model(path: Path, about: dict[str, Any], wants_target: bool) -> Examples:
    """A table in the columns that a saved model was trained on, in whatever order they stand.

    Args:
        path: of a CSV file.
        about: the model's metadata.
        wants_target: whether the column of the target must be there.
    """
    table = read_table(path)
    columns, target, classes = about["columns"], about["target"], about["classes"]
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise Refusal(f"{path} lacks the column {missing[0]!r} that the model was trained on")
    extra = [column for column in table.columns if column not in [*columns, target]]
    if extra:
        raise Refusal(f"{path} has the column {extra[0]!r}, which the model does not know")
    if wants_target and target not in table.columns:
        raise Refusal(f"{path} lacks the target {target!r}, and there is nothing to compare with")
    words = about.get("words", {})
    inputs = _inputs(table, columns, words)
    targets = _targets(table, target, classes) if wants_target else None
    return Examples(inputs, columns, targets, classes, target, words)


def _targets(table: Table, target: str, classes: list[str] | None) -> Any:
    if classes is None:
        return table.numbers(target)[:, None]
    numbers = {text: i for i, text in enumerate(classes)}
    texts = table.texts(target)
    unknown = [text for text in texts if text not in numbers]
    if unknown:
        raise Refusal(
            f"{table.path}: the class {unknown[0]!r} of {target!r} is unknown to the model, "
            f"which has {', '.join(classes)}"
        )
    return np.array([numbers[text] for text in texts])


def _is_classes(texts: list[str]) -> bool:
    """Text is classes; so are a few whole numbers. Many numbers with a text among them are not."""
    found = set(texts)
    values = [value for value in map(_value, found) if value is not None]
    if len(values) == len(found):
        return len(found) <= _MANY and all(value.is_integer() for value in values)
    return not values or len(found) <= _MANY


def _value(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _sorted(texts: set[str]) -> list[str]:
    try:
        return sorted(texts, key=lambda text: (float(text), text))
    except ValueError:
        return sorted(texts)
