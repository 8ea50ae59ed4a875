"""What NumPy reads as a sequence may hold recorded numbers: deques, the user's own classes."""

from collections import UserList, deque
from typing import NamedTuple

import numpy as np
import pytest

import adjoint as ad


class Pair(NamedTuple):
    a: float
    b: float


class Path(list):
    """A list with a name of its own."""


FORMS = {
    "mean": lambda x: np.mean(deque([x[0], x[1]])),
    "rows": lambda x: np.max(deque([x, 2 * x]), axis=0).prod(),
    "pair": lambda x: np.sum(Pair(x[0], x[1])) * x[0],
    "subclass": lambda x: np.median(Path([x[0], 2.0, x[1]])),
    "user list": lambda x: np.exp(UserList([x[0], x[1]])).sum(),
    "ufunc": lambda x: np.multiply(deque([x[0], x[1]]), [1.0, x[2]]).sum(),
    "operator": lambda x: (x[:2] * deque([x[0], x[1]])).sum(),
    "plain operator": lambda x: (np.arange(2.0) - deque([x[0], x[1]]))[1],
    "reduce": lambda x: np.multiply.reduce(deque([x[0], x[1]])),
    "accumulate": lambda x: np.add.accumulate([x[0], x[1]]).prod(),
    "reduceat": lambda x: np.add.reduceat([x[0], x[1], x[2]], [0, 2]).prod(),
    "nested": lambda x: np.array([deque([x[0], 1.0]), deque([x[1], 2.0])]).prod(),
    "joined": lambda x: np.concatenate([deque([x[0]]), [x[1]], x]).prod(),
    "norm": lambda x: np.linalg.norm(deque(x)),
    "solve": lambda x: np.linalg.solve(((x[0], 1.0), (1.0, 4 * x[1])), deque([1.0, x[2]])).sum(),
    "spectrum": lambda x: abs(np.fft.rfft(deque(x)))[1],
    "by name": lambda x: np.interp(0.3, xp=[0, 1], fp=[x[0], x[1] * x[2]]),
    "both by name": lambda x: np.trapezoid(y=[x[0], x[1]], x=[0.0, x[2]]),
    "polynomial": lambda x: np.polyval(deque([x[0], x[1]]), 2.0) * x[2],
    "ranked": lambda x: np.dot(np.arange(3.0)[sorted(range(3), key=lambda i: -x[i])], x),
}


@pytest.mark.parametrize("name", FORMS)
def test_sequences_of_recorded_numbers(name):
    f, x = FORMS[name], np.array([0.3, 0.7, 1.1])
    value, slope = ad.value_and_grad(f)(x)
    assert value == f(x)
    h = 1e-6
    wanted = [(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(3)]
    np.testing.assert_allclose(slope, wanted, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(x), slope, rtol=1e-13, atol=1e-14)


def measurements_with_gaps(x):
    rows = [x[0], None, x[1] * x[2]]
    assert (np.size(rows), np.size(rows, 0), np.shape(rows), np.ndim(rows)) == (3, 3, (3,), 1)
    assert np.shape([x, 2 * x]) == (2, 3)
    assert np.size(([x, x],), axis=1) == 2
    return sum(row**2 for row in rows if row is not None)


def test_shapes_of_lists_that_hold_more_than_numbers():
    x = np.array([0.3, 0.7, 1.1])
    ad.check_grads(measurements_with_gaps, (x,), order=2)
    slope = ad.jit(ad.grad(measurements_with_gaps))(x)
    np.testing.assert_allclose(slope, [0.6, 2 * 0.7 * 1.21, 2 * 1.1 * 0.49])
    doubled = ad.vmap(measurements_with_gaps)(np.stack([x, x]))
    np.testing.assert_allclose(doubled, [measurements_with_gaps(x)] * 2)


class Vector:
    """A class of the user's that says by a method what array it is."""

    def __init__(self, values):
        self.values = np.array(values)

    def __array__(self, dtype=None, copy=None):
        return self.values

    def __len__(self):
        return len(self.values)

    def __getitem__(self, index):
        return self.values[index]


def filled_from(x):
    u, v = np.zeros(2), Vector(np.zeros(2))
    v.values[:] = 3 * x
    u[:] = v
    return np.sum(u * x)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.asarray(Vector(x)) ** 2),
        lambda x: np.sum(Vector(x)) ** 2,
        lambda x: np.dot(x, Vector(x)),
        lambda x: (x * Vector(x)).sum() + (Vector(x) * x).sum(),
        lambda x: np.exp(Vector(x)).sum() + np.linalg.norm(Vector(x)),
        lambda x: np.stack([Vector(x), Vector(2 * x)]).prod(),
        lambda x: np.array([Vector(x), Vector(2 * x)]).prod(),
        lambda x: np.concatenate((Vector(x), Vector(2 * x))).prod(),
        filled_from,
    ],
)
def test_objects_that_are_arrays_by_a_method(f):
    x = np.array([0.3, 0.8])
    ad.check_grads(f, (x,), order=2)
    np.testing.assert_allclose(ad.jit(f)(x), f(x), rtol=1e-15)
