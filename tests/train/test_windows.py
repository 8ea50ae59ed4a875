"""Truncated backpropagation through time against windows walked by hand."""

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn, optim, tree
from adjoint.errors import StructureError


def model(seed=0):
    with nn.seed(seed):
        return nn.Sequential(nn.GRU(2, 4), nn.Tanh(), nn.RNN(4, 3), nn.Linear(3, 1))


def series(time=11, batch=6):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, time, 2))
    return x, np.cumsum(x[..., :1], axis=1) * 0.3


def walk(model, x, state):
    gru, tanh, rnn, linear = model.layers
    h, first = gru.run(x, initial=None if state is None else state[0])
    h, second = rnn.run(tanh(h), initial=None if state is None else state[1])
    return linear(h), (first, second)


def by_hand(model, x, y, window, rate, epochs):
    for _ in range(epochs):
        state, total = None, 0.0
        for start in range(0, x.shape[1], window):
            part, wanted = x[:, start : start + window], y[:, start : start + window]

            def loss(model, part=part, wanted=wanted, state=state):
                output, new = walk(model, part, state)
                return nn.mean_squared_error(output, wanted), new

            (value, state), gradient = ad.value_and_grad(loss, has_aux=True)(model)
            model = tree.tree_map(lambda p, g: p - rate * g, model, gradient)
            total += float(value) * part.shape[1]
    return model, total / x.shape[1]


@pytest.mark.parametrize(
    ("window", "backend"),
    [(4, "native"), (4, "interpreter"), (11, "interpreter"), (20, "interpreter"), (1, "native")],
)
def test_windows_are_updates_with_the_state_carried_on(window, backend):
    x, y = series()
    wanted, loss = by_hand(model(), x, y, window, 0.1, epochs=2)
    result = ad.fit(
        model(), (x, y), loss=nn.mean_squared_error, optimizer=optim.sgd(0.1), epochs=2,
        batch_size=6, shuffle=False, truncate=window, backend=backend,
    )  # fmt: skip
    for a, b in zip(tree.leaves(result.model), tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    assert result.history[-1].loss == pytest.approx(loss)


def test_a_window_as_long_as_the_sequence_is_ordinary_training():
    x, y = series()
    settings = {"loss": nn.mean_squared_error, "epochs": 2, "batch_size": 4}
    whole = ad.fit(model(), (x, y), backend="interpreter", **settings)
    windowed = ad.fit(model(), (x, y), backend="interpreter", truncate=11, **settings)
    for a, b in zip(tree.leaves(whole.model), tree.leaves(windowed.model), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


def test_targets_without_time_are_refused():
    x, y = series()
    with pytest.raises(StructureError, match="target for each step of time"):
        ad.fit(model(), (x, y[:, 0, 0]), loss=nn.mean_squared_error, truncate=4)
