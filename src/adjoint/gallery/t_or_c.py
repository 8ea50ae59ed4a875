"""T or C, turned and moved anywhere: one receptive field shared by every place."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.gallery.experiment import Array, Experiment, Report, at_least, claim
from adjoint.gallery.tools import descend, logistic

LETTERS = {
    "T": np.array([[1.0, 1, 1], [0, 1, 0], [0, 1, 0]]),
    "C": np.array([[1.0, 1, 0], [1, 0, 0], [1, 1, 0]]),
}


def retinas(side: int, row: int, column: int) -> tuple[Array, Array]:
    """The eight turned letters at one place: the 3 × 3 windows [8, places, 9], and T = 0, C = 1."""
    windows, is_c = [], []
    for target, letter in enumerate(LETTERS.values()):
        for turns in range(4):
            retina = np.zeros((side, side))
            retina[row : row + 3, column : column + 3] = np.rot90(letter, turns)
            views = np.lib.stride_tricks.sliding_window_view(retina, (3, 3))
            windows.append(views.reshape(-1, 9))
            is_c.append(float(target))
    return np.array(windows), np.array(is_c)


def net(parameters: Any, windows: Array) -> Array:
    """Hidden units that share one field, and one output that adds them up."""
    field, bias, strength, threshold = parameters
    hidden = logistic(windows @ field + bias)
    return logistic(strength * np.sum(hidden, axis=1) + threshold)


def run(starts: int) -> Report:
    """Learn in the middle, test everywhere."""
    windows, is_c = retinas(7, 2, 2)
    rng = np.random.default_rng(0)
    shapes = ((starts, 9), (starts,), (starts,), (starts,))
    found = descend(
        lambda p: 0.5 * np.sum((net(p, windows) - is_c) ** 2),
        lambda p: np.max(np.abs(net(p, windows) - is_c)) < 0.3,
        tuple(rng.uniform(-1, 1, shape) for shape in shapes),
        rate=0.1,
        momentum=0.9,
        sweeps=4000,
    )
    solved = np.flatnonzero(found.sweep >= 0)
    tested, right = 0, 0
    for row in range(2, 7):
        for column in range(2, 7):
            views, wanted = retinas(11, row, column)
            for i in solved:
                field, bias, strength, threshold = [leaf[i] for leaf in found.parameters]
                # The wider retina has 56 more units; over blank places they only add a constant.
                blank = 56 * strength * logistic(bias)
                said = net((field, bias, strength, threshold - blank), views) > 0.5
                right += int(np.sum(said == (wanted > 0.5)))
                tested += 8
    figures = (
        claim(
            "learned",
            "yes",
            f"{found.solved} of {starts} starts, median {found.median:.0f} sweeps",
            found.solved > 0.1 * starts,
        ),
        at_least("right wherever the letter stands", 1.0, right / tested, ".1%"),
    )

    def draw(figure: Any) -> None:
        for ax, i in zip(figure.subplots(1, 4), solved, strict=False):
            field = found.parameters[0][i].reshape(3, 3)
            most = np.abs(field).max()
            ax.imshow(field, cmap="RdBu", vmin=-most, vmax=most)
            ax.set(xticks=[], yticks=[], title=f"start {i}")

    return Report(
        figures,
        draw,
        "The picture shows receptive fields that solve it, red negative, blue positive.",
    )


EXPERIMENT = Experiment(
    "t_or_c",
    "T or C, with tied weights",
    "Rumelhart, Hinton & Williams, Parallel Distributed Processing, chapter 8, 1986.",
    short=lambda data: run(20),  # 20 starts
    full=lambda data: run(200),  # 200 starts
)
