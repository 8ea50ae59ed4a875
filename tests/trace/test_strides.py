"""``as_strided`` and windows that may be written: what shows an element twice writes it once."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided, sliding_window_view

import adjoint as ad
from adjoint.errors import UnsupportedError

X = np.array([0.5, 1.5, -2.0, 0.7])


def rows(x, n=3):
    """Pairs of neighbours, each element in two of them."""
    return as_strided(x, (n, 2), (8, 8))


def base_written(x):
    x = x * 1.0
    v = rows(x)
    x[1] = 3 * x[3]
    return v * v


def view_written(x):
    x = x * 1.0
    v = as_strided(x, (2, 2), (16, 8))
    v[0] = x[3] ** 2
    return x


def whole_view_written(x):
    x = x * 1.0
    v = rows(x)
    v += 1
    np.add(v, x[0], out=v)
    return x + v.sum()


def shown_twice(x):
    x = x * 1.0
    v = rows(x)
    v[1, 0] = x[3] ** 2
    v[0, 1] *= x[0]
    return np.concatenate([x, v.ravel()])


def view_of_the_view(x):
    x = x * 1.0
    v = rows(x)
    w = v[1:]
    w[0, 0] = 2 * x[0]
    x[2] = x[0] ** 2
    return w * w + v[:2]


def of_a_piece(x):
    x = x * 1.0
    y = x[1:]
    v = rows(y, 2)
    y[0] = 3 * x[3]
    return v * x[:2]


def of_steps(x):
    x = x * 1.0
    v = as_strided(x[::2], (2,), (16,))
    x[0] = 3 * x[3]
    return v * x[::2]


def backwards(x):
    x = x * 1.0
    v = as_strided(x[::-1], (3,), (-8,))
    v[1:] = x[:2]
    return v * x[1]


def turned(x):
    x = x * 1.0
    v = as_strided(x.reshape(2, 2).T, (2, 2), (8, 16))
    x[0] = x[3] * 2
    return v * x[1]


def of_a_made_array(x):
    z = np.zeros(5)
    v = rows(z)
    z[:4] = x
    return v * 1.0


def written_into_a_made_array(x):
    z = np.zeros(5)
    v = as_strided(z, (3, 3), (8, 8))
    v[...] = x[:3]
    v[0, 1] = x[1] * x[2]
    return z * 1.0


def repeated(x):
    x = x * 1.0
    v = as_strided(x, strides=(0,), shape=(3,))
    x[0] = x[2]
    return v * 2


def of_strides(x):
    x = x * 1.0
    v = as_strided(rows(x), (2,), (8,))
    v[0] = 3 * x[1]
    return v * x[:2]


def windows(x):
    x = x * 1.0
    v = sliding_window_view(x, 2, writeable=True)
    v[0, 1] = 5 * x[0]
    x[2] = x[0]
    return v * v


PROGRAMS = (
    base_written,
    view_written,
    whole_view_written,
    shown_twice,
    view_of_the_view,
    of_a_piece,
    of_steps,
    backwards,
    turned,
    of_a_made_array,
    written_into_a_made_array,
    repeated,
    of_strides,
    windows,
)


@pytest.mark.parametrize("f", PROGRAMS)
def test_writes_are_seen_as_numpy_shows_them(f):
    wanted = f(X)
    assert np.array_equal(ad.vjp(f, X)[0], wanted)
    assert np.array_equal(ad.jit(f)(X), wanted)
    assert np.array_equal(ad.vmap(f)(np.stack([2 * X, X]))[1], wanted)
    ad.check_grads(f, (X,), order=1)


def test_a_view_for_reading_is_not_written():
    def f(x):
        v = as_strided(x * 1.0, (3, 2), (8, 8), writeable=False)
        v[0] = 1.0
        return v

    with pytest.raises(ValueError, match="read-only"):
        ad.jit(f)(X)


@pytest.mark.parametrize("strides", [(8, 16), (-8, 8), (4, 8)])
def test_strides_that_leave_the_array_are_refused(strides):
    with pytest.raises(UnsupportedError, match="leave an array"):
        ad.jit(lambda x: as_strided(x, (3, 2), strides))(X)


def test_a_recorded_index_into_a_view_that_shows_elements_twice_is_refused():
    def f(x, k):
        v = rows(x * 1.0)
        v[k] = 1.0
        return v

    with pytest.raises(UnsupportedError, match="more than once"):
        ad.jit(f)(X, np.array(1))
