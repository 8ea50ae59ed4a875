"""The learning-rate range test: which rate to begin with, from one short run (Smith, 2017)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from adjoint import optim
from adjoint.errors import NonFiniteError, StructureError
from adjoint.optim import Optimizer
from adjoint.train.compiled import NATIVE
from adjoint.train.dataset import make_dataset
from adjoint.train.fitting import data_in_one, fit

_MEMORY = 0.9  # share of the old mean in the smoothed loss
_LAG = 10  # steps by which such a mean is late
_BELOW = 10.0  # the suggested rate is so many times smaller than the one of least loss


@dataclass(frozen=True)
class RateTest:
    """Losses at growing rates.

    Args:
        rates: [steps] of the steps that were taken.
        losses: [steps], of each step's batch before the step.
        suggested: a tenth of the rate at which the smoothed loss is least.
    """

    rates: Any
    losses: Any
    suggested: float

    @property
    def smoothed(self) -> Any:
        """Running means of the losses."""
        return _smooth(self.losses)


@data_in_one
def find_rate(
    model: Any,
    data: Any,
    *,
    loss: Callable[..., Any],
    optimizer: Callable[[Any], Optimizer] = optim.adam,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
    batch_size: int = 32,
    seed: int = 0,
    backend: str = NATIVE,
) -> RateTest:
    """Train for some steps at a rate that grows from step to step, and see where it goes wrong.

    Args:
        model: as for :func:`adjoint.fit`; it is not changed.
        data: arrays, as for fit.
        loss: likewise.
        optimizer: called with the rate, which is a schedule.
        low: the first rate.
        high: the last.
        steps: how many; the test ends sooner where numbers are no longer finite.
        batch_size: examples of a step.
        seed: of the batches.
        backend: as for fit.

    >>> from adjoint import nn
    >>> x = np.linspace(-1, 1, 64)[:, None]
    >>> test = find_rate(
    ...     nn.Linear(1, 1, rng=0),
    ...     (x, 3 * x),
    ...     loss=nn.mean_squared_error,
    ...     optimizer=optim.sgd,
    ...     backend="interpreter",
    ... )
    >>> 0.001 < test.suggested < 1
    True
    """
    if steps < 2 or not 0 < low < high:
        raise StructureError(
            "the rate must grow over two steps at least",
            function="find_rate",
            got=f"low={low}, high={high}, steps={steps}",
        )
    examples = make_dataset(data)
    batch = min(batch_size, len(examples))

    def batches(epoch: int) -> Iterator[Any]:
        draw = np.random.default_rng((seed, epoch))
        yield examples.rows(np.sort(draw.choice(len(examples), batch, replace=False)))

    schedule = optim.range_test(low, high, steps)
    try:
        result = fit(
            model, batches, loss=loss, optimizer=optimizer(schedule), epochs=steps,
            steps_per_epoch=1, seed=seed, progress=False, backend=backend,
        )  # fmt: skip
    except NonFiniteError as error:
        result = error.result
    losses = np.array(result.history.column("loss"))
    if not len(losses):
        raise StructureError(
            "the first step already gave numbers that are not finite",
            function="find_rate",
            remedy="take a smaller low=, or look at the model with ad.xray",
        )
    rates = np.array([float(schedule(i)) for i in range(len(losses))])
    least = max(0, int(np.argmin(_smooth(losses))) - _LAG)
    return RateTest(rates, losses, float(rates[least] / _BELOW))


def _smooth(losses: Any) -> Any:
    """Running means without the bias of their start."""
    mean, means = 0.0, []
    for i, loss in enumerate(losses, start=1):
        mean = _MEMORY * mean + (1 - _MEMORY) * loss
        means.append(mean / (1 - _MEMORY**i))
    return np.array(means)
