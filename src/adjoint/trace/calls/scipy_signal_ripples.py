"""scipy.signal.remez on stand-in arrays: the filter is SciPy's, its ripples say how it moves.

SciPy looks at a grid of frequencies. In each band it starts at the lower edge, moves with it, and
has the upper edge as its last point. On one more of these points than the filter has unknowns the
weighted error has one size and alternating signs. These linear equations give the derivatives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from adjoint.errors import ConvergenceError
from adjoint.graph.types import ArrayType
from adjoint.trace.calls.looked_up import found_in, pick
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import moved_as
from adjoint.trace.scipy_gate import scipy_rule


@dataclass(frozen=True)
class _Design:
    """A filter's settings; the frequencies here are shares of the sampling rate."""

    taps: int
    kind: str
    repeats: int
    density: int

    @property
    def odd(self) -> bool:
        """Whether the second half of the filter is the first one with the other sign."""
        return self.kind != "bandpass"

    @property
    def unknowns(self) -> int:
        """How many coefficients are free."""
        return self.taps // 2 + (self.taps % 2 if not self.odd else 0)

    def base(self, places: Any) -> Any:
        """The real response of each free coefficient at frequencies."""
        off = (self.taps - 1) / 2 - np.arange(self.unknowns)
        angle = 2 * np.pi * places[:, None] * off
        if self.odd:
            return 2 * np.sin(angle)
        return np.where(off == 0, 1.0, 2.0) * np.cos(angle)

    def whole(self, half: Any) -> Any:
        """The filter of free coefficients."""
        if not self.odd:
            return np.concatenate([half, np.flip(half[: self.taps // 2])])
        middle = np.zeros(self.taps % 2)
        return np.concatenate([half, middle, -np.flip(half)])

    def wished(self, places: Any, desired: Any, weight: Any) -> tuple[Any, Any]:
        """The response that is asked for, and the weight of the error."""
        if self.kind != "differentiator":
            return desired, weight
        return desired * places, np.where(desired < 1e-4, weight, weight / places)

    def grid(self, bands: Any) -> tuple[Any, Any]:
        """SciPy's points: which of the band's edges each moves with (-1 for none), and how far."""
        step = 0.5 / (self.density * self.unknowns)
        edges: list[int] = []
        beyond: list[float] = []
        for band in range(len(bands) // 2):
            at, edge = bands[2 * band], 2 * band
            if band == 0 and self.odd and at < step:
                at, edge = step, -1  # sines are zero at zero
            first = at
            while True:
                edges.append(edge)
                beyond.append(at - (first if edge >= 0 else 0.0))
                at = at + step
                if at > bands[2 * band + 1]:
                    break
            edges[-1], beyond[-1] = 2 * band + 1, 0.0
        if self.odd == bool(self.taps % 2) and bands[edges[-1]] > 0.5 - step:
            edges, beyond = edges[:-1], beyond[:-1]  # the response is zero there
        return np.array(edges), np.array(beyond)

    def __call__(self, bands: Any, desired: Any, weight: Any) -> tuple[Any, ...]:
        """SciPy's filter, and the points of its greatest errors: band, edge, distance from it."""
        import scipy.signal

        h = scipy.signal.remez(
            self.taps, bands, desired, weight=weight, type=self.kind, maxiter=self.repeats,
            grid_density=self.density, fs=1.0,
        )  # fmt: skip
        edges, beyond = self.grid(bands)
        places = np.where(edges >= 0, bands[edges], 0.0) + beyond
        band = np.maximum(edges, 0) // 2
        level, scale = self.wished(places, desired[band], weight[band])
        error = scale * (level - self.base(places) @ h[: self.unknowns])
        chosen = _alternating(error, self.unknowns + 1)
        sizes = np.abs(error[chosen])
        if len(chosen) <= self.unknowns or np.ptp(sizes) > 1e-3 * sizes.max() + 1e-12:
            raise ConvergenceError(
                "the errors of the filter that was found do not ripple equally, so no equations "
                "say how it moves",
                function="scipy.signal.remez",
                got=f"greatest errors from {sizes.min():.3g} to {sizes.max():.3g}",
                remedy="more iterations by maxiter=, a larger grid_density=, or fewer taps",
            )
        return h, band[chosen], edges[chosen], beyond[chosen]


def _alternating(error: Any, count: int) -> Any:
    """The greatest errors of runs of one sign; where they are more than count, those to keep."""
    starts = np.flatnonzero(np.diff(np.signbit(error))) + 1
    runs = np.split(np.arange(len(error)), starts)
    kept = [int(run[np.argmax(np.abs(error[run]))]) for run in runs]
    while len(kept) > count:
        size = np.abs(error[kept])
        if len(kept) == count + 1:
            del kept[0 if size[0] < size[-1] else -1]
            continue
        least = int(np.argmin(size))
        if least in (0, len(kept) - 1):
            del kept[least]
        else:  # with the smaller of its neighbours, so that the signs still alternate
            other = least - 1 if size[least - 1] < size[least + 1] else least + 1
            del kept[max(least, other)], kept[min(least, other)]
    return np.array(kept)


@scipy_rule("scipy.signal.remez")
def remez(
    numtaps: int, bands: Any, desired: Any, *, weight: Any = None, type: str = "bandpass",
    maxiter: int = 25, grid_density: int = 16, fs: Any = None,
) -> Any:  # fmt: skip
    """The filter whose greatest error is least."""
    design = _Design(int(numtaps), type, int(maxiter), int(grid_density))
    bands, desired = np.ravel(floating(bands)), np.ravel(floating(desired))
    bands = bands if fs is None else bands / fs
    weight = np.ones(desired.shape) if weight is None else np.ravel(floating(weight))
    n = design.unknowns
    types = [ArrayType((design.taps,), np.dtype(np.float64))]
    types += [ArrayType((n + 1,), np.dtype(kind)) for kind in (np.int64, np.int64, np.float64)]
    h, band, edge, beyond = found_in(design, types, bands, desired, weight)
    moves = edge >= 0
    places = np.where(moves, pick(bands, np.where(moves, edge, 0)), 0.0) + beyond
    level, scale = design.wished(places, pick(desired, band), pick(weight, band))
    ripple = (1 - 2 * (np.arange(n + 1) % 2)) / scale
    system = np.concatenate([design.base(places), ripple[:, None]], axis=1)
    return moved_as(h, design.whole(np.linalg.solve(system, level)[:n]))
