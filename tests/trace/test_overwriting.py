"""Arrays filled piece by piece: the pieces are paid for, not the array, and nothing is lost."""

import tracemalloc

import numpy as np
import pytest

import adjoint as ad


def history(u0, steps):
    u = np.zeros((steps, u0.size))
    u[0] = u0
    for t in range(steps - 1):
        u[t + 1, 1:-1] = u[t, 1:-1] + 0.1 * (u[t, 2:] - 2 * u[t, 1:-1] + np.sin(u[t, :-2]))
    return np.sum(u[-1] ** 2) + u.mean()


@pytest.mark.parametrize("mode", ["grad", "jvp", "hvp", "grad of grad"])
def test_memory_grows_with_the_pieces(mode):
    steps, x = 150, np.linspace(0.0, 1.0, 700)
    run = {
        "grad": lambda: ad.grad(history)(x, steps),
        "jvp": lambda: ad.jvp(lambda v: history(v, steps), (x,), (x,)),
        "hvp": lambda: ad.hvp(lambda v: history(v, steps), x, x),
        "grad of grad": lambda: ad.grad(lambda v: ad.grad(history)(v, steps) @ v)(x),
    }[mode]
    run()  # what is prepared once does not count
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * steps * x.nbytes  # a copy of the history for each step: 300 and more


def test_gradient_of_a_filled_history():
    x, t, e = np.linspace(0.1, 1.0, 7), np.sin(np.arange(7.0)), 1e-6
    slope = (history(x + e * t, 9) - history(x - e * t, 9)) / (2 * e)
    assert ad.grad(history)(x, 9) @ t == pytest.approx(slope, rel=1e-7)
    bend = (ad.grad(history)(x + e * t, 9) - ad.grad(history)(x - e * t, 9)) / (2 * e)
    np.testing.assert_allclose(ad.hvp(lambda v: history(v, 9), x, t), bend, rtol=1e-6, atol=1e-8)


def read_by_sin(u, i):
    return np.sum(np.sin(u))


def kept_as_copy(u, i):
    return u.copy() ** 2


def kept_whole(u, i):
    return u.copy()


def kept_as_reshaped_view(u, i):
    return np.exp(u.reshape(-1)[::-1])


def kept_as_slice(u, i):
    return u[1:] * u[:-1]


def kept_as_sum(u, i):
    return (u + 1.0) ** 3


def kept_as_cast(u, i):
    return u.astype(complex) ** 2


def kept_stretched(u, i):
    return np.broadcast_to(u, (2, *u.shape)) * np.arange(1.0, 3.0)[:, None, None]


def kept_turned(u, i):
    return u.T @ u


def kept_by_index(u, i):
    return u[[0, 2, 0]] ** 3


@pytest.mark.parametrize(
    "look",
    [
        read_by_sin,
        kept_as_copy,
        kept_whole,
        kept_as_reshaped_view,
        kept_as_slice,
        kept_as_sum,
        kept_as_cast,
        kept_stretched,
        kept_turned,
        kept_by_index,
    ],
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_what_was_read_before_a_write_stays(look, order):
    def f(x):
        u = np.zeros((3, 2), order=order)
        u[0] = x
        seen = []
        for i in range(1, 4):
            u[i % 3, 0] = u[i - 1, 1] * x[0]
            u[[0, 2], [1, 0]] = x * i
            seen.append(look(u, i))
        return sum(np.sum(np.real(part)) for part in seen) + np.sum(u)

    x, t, e = np.array([0.7, 1.3]), np.array([0.4, -0.8]), 1e-6
    value, slope = ad.jvp(f, (x,), (t,))
    assert value == f(x)
    assert slope == pytest.approx((f(x + e * t) - f(x - e * t)) / (2 * e), rel=1e-7)
    assert ad.grad(f)(x) @ t == pytest.approx(slope, rel=1e-12)


def test_views_of_written_arrays_are_views():
    def f(x):
        u = np.zeros((2, 3))
        u[0] = x
        row, turned = u[0], np.flip(u, 0)
        u[0, 1] = 2 * x[2]
        copy = turned.reshape(-1)  # of reversed rows NumPy makes a copy
        row[2] = x[0] * x[1]
        turned[0, 0] = x[1] ** 2
        copy[1] = 5.0
        return np.concatenate([u.ravel(), row, copy])

    x = np.array([0.5, 2.0, 3.0])
    out, pull = ad.vjp(f, x)
    np.testing.assert_array_equal(out, f(x))
    (back,) = pull(np.arange(1.0, 16.0))
    columns = [ad.jvp(f, (x,), (unit,))[1] @ np.arange(1.0, 16.0) for unit in np.eye(3)]
    np.testing.assert_allclose(back, columns, rtol=1e-14)
