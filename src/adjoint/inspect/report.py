"""What ``xray`` found: figures by layer and parameter, a verdict, and three ways to show them."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

from adjoint.inspect import page
from adjoint.inspect.digits import number
from adjoint.inspect.provenance import Birth

_TOO_FAR = 1e3  # first and last delta apart by more than this: vanishing, or exploding
_USUAL = (1e-5, 1e-1)  # ratios of update to parameter outside of this are marked


@dataclass(frozen=True)
class Layer:
    """A layer's output and its delta, the derivative of the loss with respect to it.

    Args:
        path: in the model; a second call is marked ``(2)``.
        kind: the layer's class, or the name of a plain function.
        owns: whether it has parameters.
        shape: of the output.
        mean: of the finite outputs; so std, low (least) and high (largest).
        std: see mean.
        low: see mean.
        high: see mean.
        zeros: share of the outputs that are exactly 0.
        saturated: share at the ends of a bounded activation; None for other layers.
        dead: units of an activation that are 0 for every row; None for other layers.
        units: how many units there are.
        delta: root mean square of the delta.
        bad: how many outputs are not finite.
        bad_delta: how many elements of the delta are not finite.
    """

    path: str
    kind: str
    owns: bool
    shape: tuple[int, ...]
    mean: float
    std: float
    low: float
    high: float
    zeros: float
    saturated: float | None
    dead: int | None
    units: int
    delta: float
    bad: int
    bad_delta: int


@dataclass(frozen=True)
class Parameter:
    """A parameter, its gradient, and how far a step would move it.

    Args:
        path: in the model.
        shape: of the parameter.
        norm: of the parameter.
        gradient: norm of its gradient.
        ratio: norm of ``rate * gradient`` over norm of the parameter; NaN for one that is 0.
        bad: how many elements are not finite.
        bad_gradient: how many of the gradient.
    """

    path: str
    shape: tuple[int, ...]
    norm: float
    gradient: float
    ratio: float
    bad: int
    bad_gradient: int

    @property
    def is_unusual(self) -> bool:
        """Whether a step would hardly move it, or throw it over."""
        if self.norm == 0:  # such as a bias at the start
            return self.gradient == 0 or self.bad_gradient > 0
        return not _USUAL[0] <= self.ratio <= _USUAL[1]


class Flow(NamedTuple):
    """How the delta changes on its way to the first layer.

    ``verdict`` is ``"healthy"``, ``"vanishing"``, ``"exploding"``, ``"stopped"`` (exactly 0) or
    ``"not finite"``; ``factor`` is what one layer multiplies the delta by, on average.
    """

    verdict: str
    factor: float
    words: str


def flow_verdict(layers: Sequence[Layer]) -> Flow:
    """Compare the deltas of the first and the last layer with parameters."""
    deep = [layer for layer in layers if layer.owns and not math.isnan(layer.delta)]
    if any(layer.bad_delta for layer in layers):
        return Flow("not finite", math.nan, "deltas are not finite")
    if not deep or deep[-1].delta == 0:
        return Flow("stopped", math.nan, "no delta arrives at the last layer with parameters")
    first, last = deep[0], deep[-1]
    if first.delta == 0:
        dry = next(layer for layer in reversed(deep) if layer.delta == 0)
        return Flow("stopped", 0.0, f"the delta is exactly 0 from {dry.path} down")
    ratio = first.delta / last.delta
    factor = ratio ** (1 / (len(deep) - 1)) if len(deep) > 1 else 1.0
    verdict = "healthy"
    if not 1 / _TOO_FAR <= ratio <= _TOO_FAR:
        verdict = "vanishing" if ratio < 1 else "exploding"
    return Flow(
        verdict,
        factor,
        f"the delta of {first.path} is {number(ratio, 3)} times that of {last.path}, "
        f"a factor of {number(factor, 3)} a layer",
    )


@dataclass(frozen=True)
class Report:
    """One pass through a model, forward and back.

    Args:
        title: model and loss.
        loss: its value.
        batch: number of rows.
        rate: that the ratios of the parameters are for.
        layers: in the order in which they were called.
        parameters: in the order of the model.
        flow: of the gradient, by depth.
        birth: where the first number that is not finite was born.
        masked: such places that the loss does not depend on.
        notes: numbers close to the ends of their range.
    """

    title: str
    loss: float
    batch: int | None
    rate: float
    layers: tuple[Layer, ...]
    parameters: tuple[Parameter, ...]
    flow: Flow
    birth: Birth | None
    masked: tuple[Birth, ...]
    notes: tuple[str, ...]

    def findings(self) -> list[str]:
        """What deserves a look, the worst first; empty if all is well."""
        found = []
        if self.birth is not None:
            found.append(f"not finite: {self.birth}")
        if self.flow.verdict != "healthy":
            found.append(f"gradient {self.flow.verdict}: {self.flow.words}")
        for layer in self.layers:
            if layer.dead:
                found.append(f"dead units: {layer.dead} of {layer.units} in {layer.path}")
            if layer.saturated is not None and layer.saturated > 0.5:
                share = number(100 * layer.saturated, 3)
                found.append(f"saturated: {share} % of the outputs of {layer.path}")
        still = [p.path for p in self.parameters if p.gradient == 0 and p.shape != (0,)]
        if still:
            found.append(f"no gradient: {', '.join(still)}")
        return found

    def layer_table(self) -> tuple[list[str], list[list[str]]]:
        """Heading and rows as text."""
        head = ["layer", "kind", "output", "mean", "std", "min", "max", "zeros", "saturated"]
        head += ["dead", "delta", "not finite"]
        rows = []
        for x in self.layers:
            dead = "" if x.dead is None else f"{x.dead}/{x.units}"
            figures = [number(v, 3) for v in (x.mean, x.std, x.low, x.high)]
            cells = [x.path, x.kind, str(list(x.shape)), *figures, _percent(x.zeros)]
            cells += [_percent(x.saturated), dead, number(x.delta, 3)]
            rows.append([*cells, _count(x.bad + x.bad_delta)])
        return head, rows

    def parameter_table(self) -> tuple[list[str], list[list[str]]]:
        """Heading and rows as text."""
        head = ["parameter", "shape", "norm", "gradient", "update / norm", "not finite"]
        rows = []
        for x in self.parameters:
            figures = [number(v, 3) for v in (x.norm, x.gradient)]
            figures.append("" if x.norm == 0 else number(x.ratio, 3))
            rows.append([x.path, str(list(x.shape)), *figures, _count(x.bad + x.bad_gradient)])
        return head, rows

    def headline(self) -> str:
        """The loss, the batch and the flow in one line."""
        rows = "" if self.batch is None else f" over {self.batch} rows"
        return (
            f"loss {number(self.loss, 6)}{rows}; "
            f"gradient flow {self.flow.verdict}: {self.flow.words}"
        )

    def text(self) -> str:
        """All of it as plain text."""
        parts = [f"X-ray of {self.title}", self.headline(), ""]
        parts += [f"! {finding}" for finding in self.findings()] or ["nothing stands out"]
        parts += ["", _aligned(*self.layer_table(), words=3)]
        parts += ["", _aligned(*self.parameter_table(), words=2)]
        parts.append(f"\nupdate: gradient descent at rate {number(self.rate)}")
        if self.masked:
            parts.append("\nnot finite, and without effect on the loss:")
            parts += [str(birth) for birth in self.masked]
        if self.notes:
            parts += ["\nnear the ends of the numbers:", *self.notes]
        return "\n".join(parts) + "\n"

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write one page that needs nothing else; the file is replaced as a whole."""
        found = "".join(f"<li><pre>{escape(x)}</pre></li>" for x in self.findings())
        parts = [f'<p class="verdict">{escape(self.headline())}</p>']
        parts.append(f'<ul class="bad">{found}</ul>' if found else "<p>Nothing stands out.</p>")
        parts += ["<h2>Delta of each layer's output (root mean square, logarithmic)</h2>"]
        end = self.layers[-1].delta if self.layers else 0.0
        deltas = [(x.path, x.delta, _is_far(x.delta, end)) for x in self.layers]
        parts.append(page.bars(_log_bars(deltas), "delta by layer"))
        parts += [f"<h2>Update over parameter, rate {number(self.rate)} (logarithmic)</h2>"]
        ratios = [(x.path, x.ratio, x.is_unusual) for x in self.parameters if x.norm]
        parts.append(page.bars(_log_bars(ratios), "update ratio by parameter"))
        parts += ["<h2>Layers</h2>", page.table(*self.layer_table(), names=3)]
        unusual = [i for i, x in enumerate(self.parameters) if x.is_unusual]
        parts += ["<h2>Parameters</h2>"]
        parts.append(page.table(*self.parameter_table(), names=2, bad=unusual))
        for heading, notes in (
            ("Not finite, and without effect on the loss", [str(b) for b in self.masked]),
            ("Near the ends of the numbers", list(self.notes)),
        ):
            if notes:
                parts.append(f"<h2>{heading}</h2>")
                parts += [f"<pre>{escape(note)}</pre>" for note in notes]
        page.write(path, f"X-ray of {self.title}", "\n".join(parts))

    def figure(self) -> Any:
        """A matplotlib figure: activations, deltas and update ratios."""
        from adjoint.inspect.drawing import draw

        return draw(self)

    def __str__(self) -> str:
        return self.text()


def _is_far(delta: float, end: float) -> bool:
    """Whether a delta has vanished or exploded on the way from the end of the model."""
    return not end / _TOO_FAR <= delta <= end * _TOO_FAR


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.3g}%"


def _count(n: int) -> str:
    return str(n) if n else ""


def _log_bars(rows: Sequence[tuple[str, float, bool]]) -> list[tuple[str, float, str, bool]]:
    """Bars as long as the logarithm; the least has still some length, none is 0 or not finite."""
    logs = [math.log10(v) if 0 < v < math.inf else None for _, v, _ in rows]
    known = [x for x in logs if x is not None]
    low, high = (min(known) - 0.5, max(known)) if known else (0.0, 1.0)
    made = []
    for (name, value, warn), place in zip(rows, logs, strict=True):
        length = 0.0 if place is None else (place - low) / (high - low)
        made.append((name, length, number(value, 3), warn or (place is None and value == value)))
    return made


def _aligned(head: list[str], rows: list[list[str]], words: int) -> str:
    """A plain table; the first columns hold words, the others numbers."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = []
    for row in [head, ["-" * width for width in widths], *rows]:
        cells = [
            cell.ljust(width) if i < words else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
