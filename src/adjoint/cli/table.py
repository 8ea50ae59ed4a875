"""Tables: CSV files with a heading, of numbers and words, checked line by line."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from adjoint.cli.refusal import Refusal

_SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class Table:
    """The cells of a file as text.

    Args:
        path: of the file, for messages.
        columns: their names.
        rows: the cells.
        lines: the line of the file that each row begins in.
    """

    path: Path
    columns: list[str]
    rows: list[list[str]]
    lines: list[int]

    def position(self, column: str) -> int:
        """Where a column stands.

        Raises:
            Refusal: there is none of this name.
        """
        if column not in self.columns:
            raise Refusal(f"{self.path} has no column {column!r}; it has {', '.join(self.columns)}")
        return self.columns.index(column)

    def numbers(self, column: str) -> Any:
        """[rows] of float64.

        Raises:
            Refusal: a cell is empty, text, NaN or infinite.
        """
        return np.array(
            [self._number(cell, i, column) for i, cell in enumerate(self.texts(column))]
        )

    def texts(self, column: str) -> list[str]:
        """The cells of one column.

        Raises:
            Refusal: a cell is empty.
        """
        place = self.position(column)
        found = [row[place].strip() for row in self.rows]
        if "" in found:
            more = f", and {found.count('') - 1} more below" if found.count("") > 1 else ""
            raise Refusal(
                f"{self._at(found.index(''), column)} is empty{more}; fill or drop such rows"
            )
        return found

    def words(self, column: str) -> list[str] | None:
        """The different words of a column without any number; None for all others."""
        found = set(self.texts(column))
        return None if any(map(_is_number, found)) else sorted(found)

    def marks(self, column: str, words: list[str]) -> Any:
        """[rows, words] of 0 and 1: a column for each word.

        Raises:
            Refusal: a cell is empty, or none of the words.
        """
        texts = self.texts(column)
        places = {word: i for i, word in enumerate(words)}
        for row, text in enumerate(texts):
            if text not in places:
                raise Refusal(
                    f"{self._at(row, column)} is {text!r}, which the model does not know; "
                    f"it knows {_listed(words)}"
                )
        return np.eye(len(words))[[places[text] for text in texts]]

    def _number(self, cell: str, row: int, column: str) -> float:
        try:
            value = float(cell)
        except ValueError:
            raise Refusal(
                f"{self._at(row, column)} is {cell!r}, and a number was wanted; "
                f"--words {column} would take all of the column as words"
            ) from None
        if not math.isfinite(value):
            raise Refusal(f"{self._at(row, column)} is {cell}; drop or fill such rows")
        return value

    def _at(self, row: int, column: str) -> str:
        return f"{self.path}, line {self.lines[row]}, column {column!r}"


def read_table(path: Path) -> Table:
    """Read a CSV file: the first line names the columns.

    Raises:
        Refusal: no such file, no rows, rows of unequal length, no text.
    """
    if not path.is_file():
        raise Refusal(f"{path} is a folder" if path.is_dir() else f"there is no file {path}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Refusal(f"{path} is not a text file; a CSV table was wanted") from None
    first = text.partition("\n")[0]
    if not first.strip():
        raise Refusal(f"{path} is empty" if not text.strip() else f"{path}, line 1 is empty")
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(text.splitlines(), delimiter=separator)
    try:
        columns = [cell.strip() for cell in next(reader)]
        found = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise Refusal(f"{path}, line {reader.line_num}: {error}") from None
    _check_heading(path, columns)
    for line, row in found:
        if len(row) != len(columns):
            raise Refusal(
                f"{path}, line {line} has {len(row)} cells and the heading has {len(columns)}"
            )
    if not found:
        raise Refusal(f"{path} has a heading and no rows")
    return Table(path, columns, [row for _, row in found], [line for line, _ in found])


def _check_heading(path: Path, columns: list[str]) -> None:
    if all(_is_number(cell) for cell in columns):
        raise Refusal(f"{path}, line 1 holds numbers, and the names of the columns were wanted")
    if "" in columns:
        raise Refusal(f"{path}, line 1: column {columns.index('') + 1} has no name")
    twice = [name for name in columns if columns.count(name) > 1]
    if twice:
        raise Refusal(f"{path}, line 1: there are two columns {twice[0]!r}")


def _listed(words: list[str]) -> str:
    return ", ".join(words) if len(words) <= 10 else ", ".join([*words[:10], f"… ({len(words)})"])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
