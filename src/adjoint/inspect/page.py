"""One self-contained page: no script, no font, no picture from elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from adjoint.train.atomic import write_atomic

if TYPE_CHECKING:
    from adjoint.inspect.explaining import Explanation

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #2a6fbb; --bad: #c0392b }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.3rem; overflow-wrap: anywhere } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; margin: .3rem 0 } .wide { overflow-x: auto }
td, th { padding: .15rem .6rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums }
td.name, th.name, td.words { text-align: left } td.words { white-space: normal; min-width: 16rem }
code, .numbers { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .9em }
.source { margin-top: 1.2rem; padding: .3rem .6rem; background: var(--soft);
  border-left: 3px solid var(--accent); overflow-wrap: anywhere }
.head { margin: .7rem 0 .1rem; font-weight: 600 } .numbers { margin-left: 1.5rem }
.numbers div { overflow-wrap: anywhere; padding-left: 2rem; text-indent: -2rem }
.result { color: var(--accent); font-weight: 600 } .bad { color: var(--bad); font-weight: 600 }
.verdict { padding: .5rem .8rem; border: 1px solid var(--line); border-radius: .4rem }
svg text { font: 12px system-ui, sans-serif; fill: currentColor }
svg .bar { fill: var(--accent) } svg .warn { fill: var(--bad) }
"""


def write(path: str | os.PathLike[str], title: str, body: str) -> None:
    """Write a page; the file is either the old one or the whole new one."""
    text = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )
    write_atomic(path, text.encode())


def explanation(made: Explanation) -> str:
    """Worked numbers, section by section."""
    parts = [f'<p class="verdict">{escape(made.check)}</p>']
    for heading, blocks in made.sections():
        parts.append(f"<h2>{escape(heading)}</h2>")
        source = ""
        for block in blocks:
            if block.source and block.source != source:
                parts.append(f'<div class="source"><code>{escape(block.source)}</code></div>')
            source = block.source
            if block.head:
                parts.append(f'<div class="head"><code>{escape(block.head)}</code></div>')
            rows = [_row(row.name, row.steps) for row in block.rows]
            parts.append(f'<div class="numbers">{"".join(rows)}</div>')
    return "\n".join(parts)


def _row(name: str, steps: Sequence[str]) -> str:
    middle = "".join(f" = {escape(step)}" for step in steps[:-1])
    last = f' = <span class="result">{escape(steps[-1])}</span>'
    return f"<div>{escape(name)}{middle}{last}</div>"


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], names: int = 1, bad: Iterable[int] = ()
) -> str:
    """A table; the first ``names`` columns hold words, rows in ``bad`` are marked."""
    marked = set(bad)

    def cells(tag: str, row: Sequence[str]) -> str:
        kinds = [' class="name"' if i < names else "" for i in range(len(row))]
        found = zip(kinds, row, strict=True)
        return "".join(f"<{tag}{kind}>{escape(cell)}</{tag}>" for kind, cell in found)

    body = "\n".join(
        f"<tr{' class=bad' if i in marked else ''}>{cells('td', row)}</tr>"
        for i, row in enumerate(rows)
    )
    top = f"<thead><tr>{cells('th', head)}</tr></thead>"
    return f'<div class="wide"><table>{top}<tbody>\n{body}\n</tbody></table></div>'


def bars(rows: Sequence[tuple[str, float, str, bool]], label: str) -> str:
    """Horizontal bars as inline SVG.

    Args:
        rows: name, length from 0 to 1, what is written behind the bar, whether to warn.
        label: what the picture shows, for readers who do not see it.
    """
    left = 8 * max((len(name) for name, *_ in rows), default=0) + 12
    height, full = 22, 420
    parts = [
        f'<svg role="img" aria-label="{escape(label, quote=True)}" '
        f'width="{left + full + 190}" height="{height * len(rows) + 6}">'
    ]
    for i, (name, length, text, warn) in enumerate(rows):
        y = i * height + 4
        width = max(1.0, full * min(max(length, 0.0), 1.0))
        kind = "warn" if warn else "bar"
        parts.append(
            f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{escape(name)}</text>'
            f'<rect class="{kind}" x="{left}" y="{y}" width="{width:.1f}" height="16" rx="2"/>'
            f'<text x="{left + width + 6:.1f}" y="{y + 13}">{escape(text)}</text>'
        )
    return f'<div class="wide">{"".join(parts)}</svg></div>'
