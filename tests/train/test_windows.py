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


class Two(nn.Module):
    """Two sequences and a mask in, two out."""

    gru: nn.GRU
    up: nn.Linear
    down: nn.Linear

    def run(self, parts, mask, initial=None):
        x = np.concatenate([parts["a"], parts["b"]], axis=-1)
        h, state = self.gru.run(x, mask, initial)
        return {"up": self.up(h), "down": self.down(h)}, state

    def __call__(self, parts, mask):
        return self.run(parts, mask)[0]


def two():
    with nn.seed(1):
        model = Two(nn.GRU(3, 4), nn.Linear(4, 1), nn.Linear(4, 2))
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(5, 9, 1)), rng.normal(size=(5, 9, 2))
    targets = {"up": rng.normal(size=(5, 9, 1)), "down": rng.normal(size=(5, 9, 2))}
    mask = np.arange(9) < np.array([9, 2, 5, 7, 1])[:, None]
    return model, ({"a": a, "b": b}, mask), targets, mask


LOSSES = {"up": nn.mean_squared_error, "down": nn.mean_absolute_error}


@pytest.mark.parametrize("backend", ["native", "interpreter"])
def test_trees_and_sequences_of_unequal_length(backend):
    model, (parts, mask), targets, _ = two()
    result = ad.fit(
        model, ((parts, mask), targets, mask), loss=LOSSES, loss_weights={"down": 0.5},
        optimizer=optim.sgd(0.2), epochs=1, batch_size=5, shuffle=False, truncate=4,
        backend=backend,
    )  # fmt: skip
    state, total, count = None, 0.0, 0
    for start in range(0, 9, 4):
        cut = (slice(None), slice(start, start + 4))

        def loss(model, cut=cut, state=state):
            here = {name: x[cut] for name, x in parts.items()}
            y, new = model.run(here, mask[cut], state)
            w = mask[cut].astype(float)
            n = max(w.sum(), 1)
            up = np.sum((y["up"] - targets["up"][cut]) ** 2 * w[..., None]) / n
            down = np.sum(np.abs(y["down"] - targets["down"][cut]) * w[..., None]) / (2 * n)
            return up + 0.5 * down, new

        (value, state), slope = ad.value_and_grad(loss, has_aux=True)(model)
        model = tree.tree_map(lambda p, g: p - 0.2 * g, model, slope)
        total, count = total + float(value) * mask[cut].sum(), count + mask[cut].sum()
    for a, b in zip(tree.leaves(result.model), tree.leaves(model), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    assert result.history[-1].loss == pytest.approx(total / count, rel=1e-9)


def test_what_stands_behind_the_mask_does_not_count():
    model, (parts, mask), targets, _ = two()
    settings = {"loss": LOSSES, "epochs": 2, "batch_size": 2, "truncate": 4, "seed": 5}
    first = ad.fit(model, ((parts, mask), targets, mask), backend="interpreter", **settings)
    noisy = {name: np.where(mask[..., None], x, 1e6) for name, x in parts.items()}
    other = {name: np.where(mask[..., None], x, -77.0) for name, x in targets.items()}
    second = ad.fit(model, ((noisy, mask), other, mask), backend="interpreter", **settings)
    for a, b in zip(tree.leaves(first.model), tree.leaves(second.model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_arrays_of_another_time_are_refused():
    model, (parts, mask), targets, _ = two()
    with pytest.raises(StructureError, match="repeat along time"):
        ad.fit(model, (({**parts, "b": parts["b"][:, :3]}, mask), targets), loss=LOSSES, truncate=4)


def test_targets_without_time_are_refused():
    x, y = series()
    with pytest.raises(StructureError, match="target for each step of time"):
        ad.fit(model(), (x, y[:, 0, 0]), loss=nn.mean_squared_error, truncate=4)
