"""What an entry of the gallery is, and what a run of it reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from adjoint.errors import DataError

Array = Any
"""An array, or the stand-in for one while a function is recorded."""

Verdict = Literal["reached", "not reached", "shown"]


@dataclass(frozen=True)
class Figure:
    """One row of a report: a figure of the source beside ours."""

    name: str
    published: str
    ours: str
    verdict: Verdict


@dataclass(frozen=True)
class Report:
    """What one run of an experiment found.

    Args:
        figures: the rows of the table.
        draw: fills a matplotlib figure with the picture.
        note: what a reader must know to judge the figures; may be empty.
        seconds: how long it took, where earlier processes did a part of it.
    """

    figures: tuple[Figure, ...]
    draw: Callable[[Any], None]
    note: str = ""
    seconds: float | None = None

    @property
    def reached(self) -> bool:
        """Whether no figure falls short of the published one."""
        return all(figure.verdict != "not reached" for figure in self.figures)


@dataclass(frozen=True)
class Data:
    """The folder with the data sets, or none.

    Args:
        root: the folder.
        kept: where long runs keep their checkpoints; None for nowhere.
        until: of ``time.monotonic``: when long runs end with what they have.
    """

    root: Path | None = None
    kept: Path | None = None
    until: float = float("inf")

    def checkpoint(self, name: str) -> Path | None:
        """The file of a run's checkpoint, or None."""
        return None if self.kept is None else self.kept / f"{name.replace(' ', '_')}.safetensors"

    def path(self, name: str) -> Path:
        """The path of one file.

        Args:
            name: relative to the folder, such as ``mnist/train-images-idx3-ubyte.gz``.

        Raises:
            DataError: the folder was not given, or has no such file.
        """
        if self.root is None or not (self.root / name).is_file():
            raise DataError(
                f"the data file {name} is not there",
                function="gallery",
                got="no data folder" if self.root is None else f"data folder {self.root}",
                remedy="give the folder that holds it with --data, or in ADJOINT_DATA",
            )
        return self.root / name

    def has(self, names: tuple[str, ...]) -> bool:
        """Whether all of these files are there."""
        return all(self.root is not None and (self.root / name).is_file() for name in names)


@dataclass(frozen=True)
class Experiment:
    """One entry of the gallery.

    Args:
        name: what it is called on the command line.
        title: one line.
        source: who published it, and where.
        short: the form the tests run, in seconds.
        full: the form that is written into the documentation.
        data: the files it reads, relative to the data folder.
        slow: whether the full form takes more than five minutes.
    """

    name: str
    title: str
    source: str
    short: Callable[[Data], Report]
    full: Callable[[Data], Report]
    data: tuple[str, ...] = ()
    slow: bool = False


def _verdict(holds: bool) -> Verdict:
    return "reached" if holds else "not reached"


def at_least(
    name: str, published: float, ours: float, form: str = ".4g", slack: float = 0
) -> Figure:
    """A figure that is reached from above, such as an accuracy.

    Args:
        name: what is measured.
        published: the source's figure.
        ours: the figure of this run.
        form: how both are written.
        slack: how far below still counts, for figures that vary from seed to seed.
    """
    return _row(name, published, ours, form, ours >= published - slack, "≥", slack)


def at_most(
    name: str, published: float, ours: float, form: str = ".4g", slack: float = 0
) -> Figure:
    """A figure that is reached from below, such as an error; see :func:`at_least`."""
    return _row(name, published, ours, form, ours <= published + slack, "≤", slack)


def best_of(name: str, published: float, runs: Sequence[float], form: str = ".2f") -> Figure:
    """A figure that is reached from above by the best of several runs, told with their median.

    Args:
        name: what is measured.
        published: the source's figure.
        runs: ours.
        form: how they are written.
    """
    ours = f"{max(runs):{form}}, median {float(np.median(runs)):{form}} of {len(runs)} runs"
    return Figure(name, f"{published:{form}}", ours, _verdict(max(runs) >= published))


def close(name: str, published: float, ours: float, tolerance: float, form: str = ".4g") -> Figure:
    """A figure that must come out as published, to a tolerance."""
    holds = abs(ours - published) <= tolerance
    return Figure(
        name, f"{published:{form}} (± {tolerance:.2g})", f"{ours:{form}}", _verdict(holds)
    )


def claim(name: str, published: str, ours: str, holds: bool) -> Figure:
    """Something the source says in words, and whether it came out so."""
    return Figure(name, published, ours, _verdict(holds))


def shown(name: str, published: str, ours: str) -> Figure:
    """A figure given for comparison only, because the source's settings are not all known."""
    return Figure(name, published, ours, "shown")


def _row(
    name: str, published: float, ours: float, form: str, holds: bool, sign: str, slack: float
) -> Figure:
    told = f"{published:{form}}"
    if slack:
        told += f" (asked: {sign} {published - slack if sign == '≥' else published + slack:{form}})"
    return Figure(name, told, f"{ours:{form}}", _verdict(holds))
