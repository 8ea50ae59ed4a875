"""``adjoint bench``: this machine against its peers and its floor."""

from __future__ import annotations

from pathlib import Path

import click

from adjoint.bench import mlp, networks, science
from adjoint.run.floor import measure_floor
from adjoint.bench.harness import Result, measure, report
from adjoint.cli.refusal import Refusal

FAMILIES = {"mlp": mlp.rows, "networks": networks.rows, "science": science.rows}


@click.command()
@click.argument("names", nargs=-1)
@click.option("--family", type=click.Choice(sorted(FAMILIES)), help="Only one family of rows.")
@click.option("--rounds", default=7, show_default=True, help="Timings of each; medians count.")
@click.option("--compiled", is_flag=True, help="torch.compile too: half a minute a row.")
@click.option("--quick", is_flag=True, help="Three short rounds.")
@click.option("--write", type=click.Path(path_type=Path), help="Write the table to a file as well.")
def command(
    names: tuple[str, ...],
    family: str | None,
    rounds: int,
    compiled: bool,
    quick: bool,
    write: Path | None,
) -> None:
    """Time training steps and gradients against the peers that are installed.

    NAMES keeps the rows whose name holds one of these words. Every row first checks that all
    contenders get the same losses; each is then timed in turn.
    """
    rows = [
        row
        for name, make in FAMILIES.items()
        if family in (None, name)
        for row in make()
        if not names or any(word in f"{row.family} {row.name}" for word in names)
    ]
    if not rows:
        raise Refusal(f"no row of the benchmarks is named like {', '.join(names)}")
    floor = measure_floor()
    results: list[Result] = []
    for row in rows:
        if not compiled:
            for contender in [c for c in row.contenders if "compile" in c]:
                del row.contenders[contender]
        rounds_now, seconds = (3, 0.02) if quick else (rounds, 0.06)
        results.append(measure(row, floor, rounds=rounds_now, seconds=seconds))
        result = results[-1]
        peer = f"{result.ratio:.2f} x the speed of {result.peer}" if result.peer else "no peer"
        click.echo(f"{row.family} {row.name}: {peer}", err=True)
    table = report(results, floor)
    click.echo(table)
    if write is not None:
        write.write_text(table + "\n", encoding="utf-8")
