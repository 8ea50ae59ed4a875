"""The learning-rate range test on a quadratic whose largest rate is known."""

import numpy as np
import pytest

from adjoint import nn, optim
from adjoint.errors import StructureError
from adjoint.train import find_rate

X = np.array([[1.0], [-1.0]])  # the mean squared error of a weight is (w - 2)^2: curvature 2
LINE = nn.Linear(1, 1, bias=False).replace(weight=np.zeros((1, 1)))


def run(**settings):
    return find_rate(
        LINE,
        (X, 2 * X),
        loss=nn.mean_squared_error,
        optimizer=optim.sgd,
        **{"low": 1e-3, "high": 1e2, "steps": 60, "backend": "interpreter", **settings},
    )


def test_losses_are_those_of_the_growing_rate():
    test = run()
    w, losses = 0.0, []
    for rate in test.rates:
        losses.append((w - 2) ** 2)
        w -= rate * 2 * (w - 2)
    np.testing.assert_allclose(test.losses, losses, rtol=1e-9)
    np.testing.assert_allclose(test.rates, 1e-3 * 1e5 ** (np.arange(60) / 60))
    means = [np.average(losses[: i + 1], weights=0.9 ** np.arange(i, -1, -1)) for i in range(60)]
    np.testing.assert_allclose(test.smoothed, means, rtol=1e-9)
    # Above a rate of 1 each step leaves more than it found.
    assert 0.02 < test.suggested < 0.5


def test_it_ends_where_numbers_are_no_longer_finite():
    test = run(high=1e40, steps=400)
    assert 10 < len(test.losses) < 400
    assert len(test.rates) == len(test.losses)
    assert np.isfinite(test.losses).all()
    with pytest.raises(StructureError, match="not finite"):
        run(low=1e308, high=1.5e308)


def test_a_rate_that_does_not_grow_is_refused():
    for wrong in ({"low": 0.0}, {"low": 2.0, "high": 1.0}, {"steps": 1}):
        with pytest.raises(StructureError, match="must grow"):
            run(**wrong)
