"""The X-ray as a matplotlib figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from adjoint.inspect.report import Report


def draw(report: Report) -> Any:
    """Activations, deltas and update ratios, one below the other.

    The figure belongs to no window: show it in a notebook, or call its ``savefig``.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from matplotlib.figure import Figure

    rows = max(len(report.layers), len(report.parameters), 4)
    figure = Figure(figsize=(8, 2.5 + 0.75 * rows), layout="constrained")
    top, middle, bottom = figure.subplots(3, 1)
    layers, parameters = report.layers, report.parameters
    names = [layer.path for layer in layers]
    places = np.arange(len(layers))
    middles = np.array([layer.mean for layer in layers])
    spread = np.array([layer.std for layer in layers])
    top.errorbar(middles, places, xerr=spread, fmt="o", capsize=3)
    for low, high, place in zip(
        (x.low for x in layers), (x.high for x in layers), places, strict=True
    ):
        top.plot([low, high], [place, place], linewidth=1, alpha=0.4, color="grey")
    _label(top, names, "output: mean, standard deviation, range")
    _bars(middle, [layer.delta for layer in layers], [False] * len(layers))
    _label(middle, names, f"delta (root mean square): {report.flow.verdict}")
    _bars(bottom, [p.ratio for p in parameters], [p.is_unusual for p in parameters])
    _label(bottom, [p.path for p in parameters], f"update / parameter, rate {report.rate:g}")
    figure.suptitle(f"X-ray of {report.title}, loss {report.loss:.6g}")
    return figure


def _bars(axes: Any, values: list[float], marked: list[bool]) -> None:
    shown = [v if np.isfinite(v) else 0.0 for v in values]
    colours = ["tab:red" if mark else "tab:blue" for mark in marked]
    axes.barh(np.arange(len(shown)), shown, color=colours)
    if any(v > 0 for v in shown):
        axes.set_xscale("log")


def _label(axes: Any, names: list[str], title: str) -> None:
    axes.set_yticks(np.arange(len(names)), names)
    axes.invert_yaxis()  # the first layer on top
    axes.set_title(title, fontsize=10)
    axes.grid(axis="x", alpha=0.3)
