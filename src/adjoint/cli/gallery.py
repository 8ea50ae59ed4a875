"""``adjoint gallery``: the classic experiments, reproduced."""

from __future__ import annotations

import time
from pathlib import Path

import click

from adjoint.errors import DataError
from adjoint.gallery import CHAPTERS, Data, Experiment, Report, find, names, save, write_page


@click.command("gallery")
@click.argument("name", required=False)
@click.option("--full", is_flag=True, help="Run the full form; some take minutes.")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="ADJOINT_DATA",
    help="The folder with the data sets.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep each run's picture and figures in this folder.",
)
@click.option(
    "--checkpoints",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where long runs keep their state, to go on from it when they are started again.",
)
@click.option(
    "--minutes",
    type=float,
    default=float("inf"),
    help="End long runs after so long, and report how far they came.",
)
@click.option("--all", "everything", is_flag=True, help="Run every experiment.")
@click.option(
    "--write-docs", is_flag=True, help="Keep the runs in docs/ and write docs/gallery.md."
)
def command(
    name: str | None,
    full: bool,
    data: Path | None,
    out: Path | None,
    checkpoints: Path | None,
    minutes: float,
    everything: bool,
    write_docs: bool,
) -> None:
    """Run the classic experiments; without a NAME, list them."""
    if write_docs and out is None:
        out = Path("docs/gallery")
    files = Data(data, checkpoints, time.monotonic() + 60 * minutes)
    chosen = names() if everything else [find(name).name] if name else []
    if not chosen and not write_docs:
        _list()
    reached = True
    for each in chosen:
        # What takes more than five minutes is run when it is asked for by name.
        if name is None and full and find(each).slow:
            click.echo(f"{each}: left out, its full form is slow; ask for it by name")
            continue
        reached &= _run(find(each), full, files, out, skips=everything)
    if write_docs:
        assert out is not None
        click.echo(f"wrote {write_page(out.parent)}")
    if not reached:
        raise click.exceptions.Exit(1)


def _list() -> None:
    for title, entries in CHAPTERS.items():
        click.echo(click.style(title, bold=True))
        for name in entries:
            click.echo(f"  {name:<18} {find(name).title}")


def _run(
    experiment: Experiment, full: bool, data: Data, out: Path | None, skips: bool = False
) -> bool:
    click.echo(click.style(f"{experiment.name}: {experiment.title}", bold=True))
    click.echo(f"  {experiment.source}")
    start = time.perf_counter()
    try:
        report = (experiment.full if full else experiment.short)(data)
    except DataError as error:
        if not skips:
            raise
        click.echo(f"  skipped: {error}")
        return True
    seconds = time.perf_counter() - start if report.seconds is None else report.seconds
    _print(report)
    click.echo(f"  {seconds:.1f} s")
    if out is not None:
        save(experiment, report, seconds, "full" if full else "short", out)
    return report.reached


def _print(report: Report) -> None:
    for row in report.figures:
        colour = {"reached": "green", "not reached": "red"}.get(row.verdict)
        verdict = click.style(row.verdict, fg=colour)
        click.echo(f"  {row.name}: published {row.published}, ours {row.ours}: {verdict}")
    if report.note:
        click.echo(f"  {report.note}")
