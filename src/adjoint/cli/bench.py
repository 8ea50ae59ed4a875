"""``adjoint bench``: this machine against its peers and its floor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from adjoint.bench import layered, mlp, more, science, start, stepping
from adjoint.bench.harness import Result, Rows, measure
from adjoint.bench.report import report, write_into
from adjoint.cli.refusal import Refusal
from adjoint.run.floor import Floor, measure_floor

FAMILIES: dict[str, Callable[[], Rows]] = {
    "mlp": mlp.rows,
    "networks": layered.rows,
    "science": science.rows,
    "stepping": stepping.rows,
    "more": more.rows,
}
START = "start"


@click.command()
@click.argument("names", nargs=-1)
@click.option(
    "--family",
    "families",
    multiple=True,
    type=click.Choice([*FAMILIES, START]),
    help="Only these rows; may be given several times.",
)
@click.option("--rounds", default=5, show_default=True, help="Timings of each; medians count.")
@click.option("--compiled", is_flag=True, help="torch.compile too: half a minute a row.")
@click.option("--quick", is_flag=True, help="Three short rounds.")
@click.option(
    "--write",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Put the tables in this page, between its marks.",
)
def command(
    names: tuple[str, ...],
    families: tuple[str, ...],
    rounds: int,
    compiled: bool,
    quick: bool,
    write: Path | None,
) -> None:
    """Time training steps and gradients against the peers that are installed.

    NAMES keeps the rows whose name holds one of these words. Every row first checks that all
    contenders get the same losses; each is then timed in turn. The family "start" measures
    first steps and memory instead, each contender in a process of its own.
    """
    chosen: dict[str, Rows] = {}
    for family in families or FAMILIES:
        if family != START:
            kept = {n: make for n, make in FAMILIES[family]().items() if _wanted(n, names)}
            if kept:
                chosen[family] = kept
    starting = [n for n in start.ROWS if _wanted(n, names)]
    if families and START not in families:
        starting = []
    if not chosen and not starting:
        raise Refusal(f"no row of the benchmarks is named like {', '.join(names)}")
    timing = (3, 0.02) if quick else (rounds, 0.06)
    tables: dict[str, str] = {}
    floor = measure_floor() if chosen else None
    for family, rows in chosen.items():
        assert floor is not None
        tables[family] = _timed(rows, floor, *timing, compiled)
    if starting:
        tables[START] = start.report(starting, compiled, _tell)
    click.echo("\n\n".join(tables.values()))
    if write is not None:
        write_into(write, tables)


def _wanted(name: str, words: tuple[str, ...]) -> bool:
    return not words or any(word in name for word in words)


def _tell(text: str) -> None:
    click.echo(text, err=True)


def _timed(rows: Rows, floor: Floor, rounds: int, seconds: float, compiled: bool) -> str:
    results: list[Result] = []
    for name, make in rows.items():
        result = measure(make(), floor, rounds=rounds, seconds=seconds, compiled=compiled)
        peer = f"{result.ratio:.2f} x the speed of {result.peer}" if result.peer else "no peer"
        _tell(f"{name}: {peer}{''.join(f'; {t}' for t in result.disagree)}")
        results.append(result)
    return report(results, floor)
