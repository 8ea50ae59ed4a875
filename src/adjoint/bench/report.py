"""Tables of results, as Markdown, and where they stand in a page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from adjoint.bench.harness import Result
from adjoint.run.floor import Floor

HEAD = (
    "row",
    "ours us",
    "fastest peer",
    "peer us",
    "ratio",
    "bar",
    "floor us",
    "over floor",
    "gradient cost",
    "first s",
    "peer first s",
    "others us",
)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _bold_if(text: str, wrong: bool) -> str:
    return f"**{text}**" if wrong else text


def _line(result: Result) -> list[str]:
    row, ours, peer = result.row, result.times[result.ours], result.peer
    others = ", ".join(
        f"{name} {t:.4g}"
        for name, t in sorted(result.times.items(), key=lambda item: item[1])
        if name not in (peer, result.ours)
    )
    cost = result.gradient_cost
    return [
        f"{row.family} {row.name}",
        f"{ours:.4g}",
        peer or "none",
        f"{result.times[peer]:.4g}" if peer else "",
        _bold_if(f"{result.ratio:.2f}", result.ratio < result.bar),
        f"{result.bar:g}",
        f"{result.floor:.3g}",
        f"{ours / result.floor:.1f}" if result.floor else "",
        "" if cost != cost else _bold_if(f"{cost:.1f} of {row.cost_bar:g}", cost > row.cost_bar),
        f"{result.first[result.ours]:.2f}",
        f"{result.first[peer]:.2f}" if peer else "",
        others,
    ]


def report(results: Sequence[Result], floor: Floor) -> str:
    """The table of rows, the machine's peaks above it, what is wrong below it."""
    rows = []
    for result in results:
        rows.append(_line(result))
        for text in result.disagree:
            plain = " ".join(text.replace("|", "/").split())
            rows.append([f"**{plain}**", *[""] * (len(HEAD) - 1)])
    short = [f"{r.row.family} {r.row.name}" for r in results if r.falls_short]
    return (
        f"GEMM peak {floor.gemm_float32:.0f} GFLOP/s float32, {floor.gemm_float64:.0f} float64; "
        f"bandwidth {floor.bandwidth:.0f} GB/s.\n\n{table(HEAD, rows)}\n\n"
        f"{len(results) - len(short)} of {len(results)} rows reach their bars"
        + (f"; these do not: {'; '.join(short)}." if short else ".")
    )


def write_into(path: Path, tables: dict[str, str]) -> None:
    """Put tables in a page, each between its two marks; a page without marks is replaced.

    The marks of the table ``mlp`` are the lines ``<!-- bench mlp -->`` and
    ``<!-- end mlp -->``. What is written by hand around them stays.
    """
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    if "<!-- bench " not in page:
        path.write_text("\n\n".join(tables.values()) + "\n", encoding="utf-8")
        return
    for name, text in tables.items():
        first, last = f"<!-- bench {name} -->", f"<!-- end {name} -->"
        pattern = re.compile(f"{re.escape(first)}.*?{re.escape(last)}", re.DOTALL)
        whole = f"{first}\n\n{text}\n\n{last}"
        page = pattern.sub(whole.replace("\\", r"\\"), page)
    path.write_text(page, encoding="utf-8")
