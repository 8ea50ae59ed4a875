"""Pictures, kept results, and the page of the documentation that is made from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from adjoint.gallery.catalogue import CHAPTERS, find
from adjoint.gallery.experiment import Experiment, Report

_HEAD = """# The gallery

The classic experiments on backpropagation, each in one short file of plain NumPy over this
library. `adjoint gallery NAME` runs one in seconds, `adjoint gallery NAME --full` as it stands
here. This page is written by `adjoint gallery --all --full --write-docs`, and the slow ones by
name; no figure is typed. Settings that the source leaves open were chosen on held-out data.

*reached*: our figure is as good as the source's, or as close as the table says; of several runs the
best counts, and the median stands beside it. *not reached*: it is not. *shown*: for comparison,
because the source does not tell every setting, or has no such figure.
"""


def picture(report: Report, path: Path) -> None:
    """Write a report's picture as a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(7, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    report.draw(figure)
    figure.savefig(path, dpi=80)


def save(experiment: Experiment, report: Report, seconds: float, form: str, folder: Path) -> None:
    """Keep a run: ``NAME.png`` and ``NAME.json`` in a folder.

    Args:
        experiment: which.
        report: what it found.
        seconds: how long it took.
        form: ``"short"`` or ``"full"``.
        folder: made if need be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    picture(report, folder / f"{experiment.name}.png")
    kept = {
        "form": form,
        "seconds": round(seconds, 1),
        "note": report.note,
        "figures": [vars(figure) for figure in report.figures],
    }
    text = json.dumps(kept, indent=1, ensure_ascii=False) + "\n"
    (folder / f"{experiment.name}.json").write_text(text, encoding="utf-8")


def write_page(folder: Path) -> Path:
    """Write ``gallery.md`` from the runs kept in ``folder/gallery``.

    Args:
        folder: the documentation's.

    Returns:
        The path of the page.
    """
    parts = [_HEAD]
    for title, entries in CHAPTERS.items():
        sections = [
            _section(find(name), json.loads(path.read_text(encoding="utf-8")))
            for name in entries
            if (path := folder / "gallery" / f"{name}.json").is_file()
        ]
        if sections:
            parts += [f"## {title}\n", *sections]
    page = folder / "gallery.md"
    page.write_text("\n".join(parts), encoding="utf-8")
    return page


def _section(experiment: Experiment, kept: dict[str, Any]) -> str:
    rows = [
        "| {name} | {published} | {ours} | {verdict} |".format(
            **{key: value.replace("|", "\\|") for key, value in row.items()}
        )
        for row in kept["figures"]
    ]
    lines = [
        f"### {experiment.title}\n",
        f"`{experiment.name}`, {kept['form']} form, {kept['seconds']:g} s. {experiment.source}\n",
        "| figure | published | ours | |",
        "|---|---|---|---|",
        *rows,
        "",
        *([kept["note"], ""] if kept["note"] else []),
        f"![{experiment.title}](gallery/{experiment.name}.png)\n",
    ]
    return "\n".join(lines)
