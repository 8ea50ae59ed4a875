"""Schedules: the rate as a function of the number of steps taken so far.

A schedule is called with an integer, or an integer array of shape () that may not be known yet,
so it branches with ``np.where`` only.

>>> import numpy as np
>>> rate = step_decay(0.1, every=10, factor=0.5)
>>> [float(rate(n)) for n in (0, 9, 10, 25)]
[0.1, 0.1, 0.05, 0.025]
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from adjoint.errors import StructureError
from adjoint.optim.optimizer import check_rate
from adjoint.settings import Checked, inside

Schedule = Callable[[Any], Any]


@dataclass(frozen=True)
class constant(Checked):  # noqa: N801 - schedules are used like functions
    """Always ``rate``."""

    ranges = inside(rate="[0, inf)")

    rate: float

    def __call__(self, step: Any) -> Any:
        """The rate at a step."""
        return self.rate + 0.0 * step


@dataclass(frozen=True)
class step_decay(Checked):  # noqa: N801
    """``rate factor^floor(step / every)``."""

    ranges = inside(rate="[0, inf)", every="(0, inf)", factor="[0, inf)")

    rate: float
    every: int
    factor: float = 0.1

    def __call__(self, step: Any) -> Any:
        """The rate at a step."""
        return self.rate * self.factor ** np.floor(step / self.every)


@dataclass(frozen=True)
class piecewise(Checked):  # noqa: N801
    """``rates[i]`` from step ``boundaries[i - 1]`` on."""

    boundaries: tuple[int, ...]
    rates: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.rates) != len(self.boundaries) + 1:
            raise StructureError(
                "a piecewise schedule has one rate more than boundaries",
                function="piecewise",
                got=f"{len(self.boundaries)} boundaries, {len(self.rates)} rates",
            )
        for number, rate in enumerate(self.rates):
            check_rate("piecewise", **{f"rates[{number}]": rate})

    def __call__(self, step: Any) -> Any:
        """The rate at a step."""
        rate: Any = self.rates[0] + 0.0 * step
        for boundary, later in zip(self.boundaries, self.rates[1:], strict=True):
            rate = np.where(step >= boundary, later, rate)
        return rate


@dataclass(frozen=True)
class exponential(Checked):  # noqa: N801
    """``rate factor^(step / every)``."""

    ranges = inside(rate="[0, inf)", factor="(0, inf)", every="(0, inf)")

    rate: float
    factor: float
    every: int = 1

    def __call__(self, step: Any) -> Any:
        """The rate at a step."""
        return self.rate * self.factor ** (step / self.every)


@dataclass(frozen=True)
class inverse_time(Checked):  # noqa: N801
    """``rate / (1 + step / every)``: the 1/t of stochastic approximation (Robbins, Monro)."""

    ranges = inside(rate="[0, inf)", every="(0, inf)")

    rate: float
    every: int

    def __call__(self, step: Any) -> Any:
        """The rate at a step."""
        return self.rate / (1 + step / self.every)


@dataclass(frozen=True)
class polynomial(Checked):  # noqa: N801
    """From ``rate`` to ``end`` in ``steps`` steps, along a power; linear by default."""

    ranges = inside(rate="[0, inf)", steps="(0, inf)", end="[0, inf)", power="[0, inf)")

    rate: float
    steps: int
    end: float = 0.0
    power: float = 1.0

    def __call__(self, step: Any) -> Any:
        """The rate at a step."""
        left = 1 - np.minimum(step / self.steps, 1.0)
        return self.end + (self.rate - self.end) * left**self.power


@dataclass(frozen=True)
class cosine(Checked):  # noqa: N801
    """From ``rate`` to ``end`` in ``steps`` steps along half a cosine (Loshchilov, 2017).

    Args:
        rate: at the start.
        steps: until the end.
        end: the last rate.
        restarts: whether to begin again after ``steps``, instead of staying at the end.
    """

    ranges = inside(rate="[0, inf)", steps="(0, inf)", end="[0, inf)")

    rate: float
    steps: int
    end: float = 0.0
    restarts: bool = False

    def __call__(self, step: Any) -> Any:
        """The rate at a step."""
        share = step / self.steps
        share = share - np.floor(share) if self.restarts else np.minimum(share, 1.0)
        return self.end + (self.rate - self.end) * 0.5 * (1 + np.cos(math.pi * share))


@dataclass(frozen=True)
class warmup(Checked):  # noqa: N801
    """Rises linearly to the start of another schedule, which then begins at its step 0.

    Args:
        steps: how many steps the rise takes.
        after: the schedule that follows, or a constant rate.
        start: share of the first rate to begin with.
    """

    ranges = inside(start="[0, inf)")

    steps: int
    after: float | Schedule
    start: float = 0.0

    def __post_init__(self) -> None:
        steps: Any = self.steps
        if not hasattr(steps, "__index__") or steps < 0:
            raise StructureError(
                "the number of steps comes first",
                function="warmup",
                got=f"steps={steps!r}",
                wanted="warmup(steps, rate or schedule)",
            )
        check_rate("warmup", after=self.after)
        super().__post_init__()

    def __call__(self, step: Any) -> Any:
        """The rate at a step."""
        later = np.maximum(step - self.steps, 0)
        rate = self.after(later) if callable(self.after) else self.after
        share = np.minimum(step / self.steps, 1.0) if self.steps else 1.0
        return rate * (self.start + (1 - self.start) * share)


@dataclass(frozen=True)
class one_cycle(Checked):  # noqa: N801
    """Up to ``peak`` along half a cosine, then down to almost nothing (Smith, 2018).

    Args:
        peak: the largest rate.
        steps: length of the cycle.
        rise: share of the steps spent rising.
        start: the first rate is ``peak / start``.
        end: the last rate is the first divided by ``end``.
    """

    ranges = inside(
        peak="[0, inf)", steps="(0, inf)", rise="[0, 1)", start="(0, inf)", end="(0, inf)"
    )

    peak: float
    steps: int
    rise: float = 0.3
    start: float = 25.0
    end: float = 1e4

    def __call__(self, step: Any) -> Any:
        """The rate at a step."""
        first = self.peak / self.start
        last = first / self.end
        top = self.rise * self.steps - 1
        up = np.clip(step / top if top > 0 else 1.0 + 0.0 * step, 0.0, 1.0)
        down = np.clip((step - top) / (self.steps - 1 - top), 0.0, 1.0)
        rising = self.peak + (first - self.peak) * 0.5 * (1 + np.cos(math.pi * up))
        falling = last + (self.peak - last) * 0.5 * (1 + np.cos(math.pi * down))
        return np.where(step <= top, rising, falling)


@dataclass(frozen=True)
class range_test(Checked):  # noqa: N801
    """Grows from ``low`` to ``high`` geometrically: the learning-rate range test (Smith, 2017).

    Train with it for ``steps`` steps and plot the loss against the rate: the best rate is a
    little below the one where the loss begins to rise.
    """

    ranges = inside(low="(0, inf)", high="(0, inf)", steps="(0, inf)")

    low: float = 1e-7
    high: float = 10.0
    steps: int = 100

    def __call__(self, step: Any) -> Any:
        """The rate at a step."""
        return self.low * (self.high / self.low) ** (step / self.steps)
