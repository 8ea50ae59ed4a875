"""Whole trainings: any number of threads, the same bits."""

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn, optim, tree
from adjoint.run import compile_graph


def _same(a, b):
    pairs = zip(tree.leaves(a), tree.leaves(b), strict=True)
    return all(np.array_equal(x, y) and x.dtype == y.dtype for x, y in pairs)


def _digits(rng):
    return rng.standard_normal((300, 1, 14, 14)).astype("f4"), rng.integers(0, 10, 300)


def _perceptron(rng):
    f4 = {"dtype": np.float32, "rng": rng}
    return nn.Sequential(
        nn.Flatten(), nn.Linear(196, 300, **f4), nn.BatchNorm(300, dtype=np.float32), nn.ReLU(),
        nn.Dropout(0.3), nn.Linear(300, 200, **f4), nn.Tanh(), nn.Linear(200, 10, **f4),
    )  # fmt: skip


def _convolutions(rng):
    f4 = {"dtype": np.float32, "rng": rng}
    return nn.Sequential(
        nn.Conv2d(1, 12, 5, **f4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(12, 20, 3, **f4),
        nn.GELU(), nn.AveragePool2d(3), nn.Flatten(), nn.Linear(20, 10, **f4),
    )  # fmt: skip


class Rows(nn.Module):
    """The rows of an image as a sequence."""

    body: nn.Module
    head: nn.Linear

    def __call__(self, x):
        return self.head(self.body(np.reshape(x, (-1, 14, 14)))[:, -1])


def _sequences(rng):
    f4 = {"dtype": np.float32, "rng": rng}
    return Rows(nn.LSTM(14, 64, **f4), nn.Linear(64, 10, **f4))


def _attention(rng):
    f4 = {"dtype": np.float32, "rng": rng}
    return Rows(nn.TransformerBlock(14, 2, hidden=128, **f4), nn.Linear(14, 10, **f4))


@pytest.mark.parametrize(
    ("make", "method"),
    [
        (_perceptron, optim.adam(1e-3)),
        (_convolutions, optim.momentum(0.05)),
        (_sequences, optim.adam(1e-3)),
        (_attention, optim.momentum(0.05)),
    ],
)
def test_two_threads_train_to_the_bits_of_one(make, method, monkeypatch):
    used = []

    def noted(graph, **settings):
        program = compile_graph(graph, **settings)
        used.append(program.lowered.threads)
        return program

    monkeypatch.setattr("adjoint.run.compile_graph", noted)
    x, y = _digits(np.random.default_rng(1))
    one, two = [
        ad.fit(
            make(np.random.default_rng(0)), (x, y), loss=nn.cross_entropy, optimizer=method,
            epochs=2, batch_size=64, seed=5, threads=threads, progress=False,
        )
        for threads in (1, 2)
    ]  # fmt: skip
    assert set(used) == {1, 2}
    assert _same(one.model, two.model)
    assert one.history.column("loss") == two.history.column("loss")
