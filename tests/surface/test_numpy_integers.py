"""Functions of integers, bits and counts have no derivative; they run in every program."""

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import UnsupportedError

I = np.array([12, 18, -7, 0])  # noqa: E741
J = np.array([8, 27, 21, 5])
B = np.array([1, 0, 1, 1, 0, 0, 1, 0, 1, 255], np.uint8)
X = np.array([0.3, 1.2, 2.5, -0.4])
EDGES = [-1.0, 0.0, 1.0, 3.0]
W = np.array([1.0, 2.0, 4.0, 8.0])

PROGRAMS = {
    "gcd": (np.gcd, I, J),
    "gcd with a number": (lambda i: np.gcd(i, 6), I),
    "gcd of others": (lambda i: np.gcd(i.astype(np.int16), J.astype(np.int32)), I),
    "gcd.reduce": (lambda i: np.gcd.reduce(i), I),
    "lcm": (np.lcm, I, J),
    "lcm.outer": (lambda i, j: np.lcm.outer(i, j), I, J),
    "packbits": (np.packbits, B),
    "packbits along": (lambda b: np.packbits(b.reshape(2, 5) > 0, axis=1, bitorder="little"), B),
    "unpackbits": (np.unpackbits, B),
    "unpackbits along": (lambda b: np.unpackbits(b.reshape(2, 5), axis=0, count=11), B),
    "isin": (lambda i: np.isin(i.reshape(2, 2), [12, 0], invert=True), I),
    "isin of two": (np.isin, I, J),
    "histogram": (lambda x: np.histogram(x, EDGES)[0], X),
    "histogram of a range": (lambda x: np.histogram(x, 5, (-1, 3)), X),
    "density": (lambda x: np.histogram(x, EDGES, density=True)[0], X),
    "weights": (lambda x: np.histogram(x, EDGES, weights=W)[0], X),
    "histogram of integers": (lambda i: np.histogram(i, [-8, 0, 10, 20])[0], I),
    "histogram2d": (lambda x: np.histogram2d(x, x**2, [EDGES, [0, 1, 9]])[0], X),
    "histogramdd": (lambda x: np.histogramdd(x[:, None], 4, [(-1, 3)])[0], X),
    "poly1d": (lambda x: np.poly1d(x)(1.5) + np.poly1d(x).deriv()(0.5) + np.poly1d(x).order, X),
    "poly1d's arithmetic": (lambda x: (np.poly1d(x) * np.poly1d([1, 2.0]) ** 2 + 1).coeffs, X),
}


def _all(x):
    return [np.asarray(part) for part in (x if isinstance(x, tuple) else (x,))]


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_give_what_numpy_gives(name):
    f, *args = PROGRAMS[name]
    for made, wanted in zip(_all(ad.jit(f)(*args)), _all(f(*args)), strict=True):
        assert made.dtype == wanted.dtype
        np.testing.assert_array_equal(made, wanted)
    turned = [np.stack([a, a[::-1]]) for a in args]
    made = _all(ad.vmap(f)(*turned))
    for k in range(2):
        for many, one in zip(made, _all(f(*[a[k] for a in turned])), strict=True):
            np.testing.assert_array_equal(many[k], one)


def test_they_are_constants_of_a_derivative():
    def f(x):
        k = (x * 10).astype(int)
        return np.sum(x * np.gcd(k, 6)) + np.sum(x[np.isin(k, [25, 3])] ** 2)

    wanted = np.gcd((X * 10).astype(int), 6) + np.where(np.isin([3, 12, 25, -4], [25, 3]), 2 * X, 0)
    np.testing.assert_allclose(ad.grad(f)(X), wanted)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(X), wanted)
    polynomial = ad.jit(ad.grad(lambda x: np.poly1d(x)(2.0)))
    np.testing.assert_allclose(polynomial(X), [8, 4, 2, 1])


@pytest.mark.parametrize("bins", [4, "auto"])
def test_edges_that_follow_the_data_are_refused(bins):
    with pytest.raises(UnsupportedError, match="edges that follow the data"):
        ad.jit(lambda x: np.histogram(x, bins)[0])(X)


def test_counts_of_what_is_differentiated_are_refused():
    for mode in (lambda f: f, ad.jit):
        with pytest.raises(UnsupportedError, match="counts do not move with a"):
            mode(ad.grad(lambda x: np.sum(np.histogram(x * 2, EDGES)[0])))(X)
        fixed = mode(ad.grad(lambda x: x @ np.histogram(ad.stop_gradient(x) * 2, 4, (-1, 9))[0]))
        np.testing.assert_array_equal(fixed(X), np.histogram(X * 2, 4, (-1, 9))[0])


def test_what_is_no_integer_is_told_as_numpy_tells_it():
    with pytest.raises(TypeError, match="gcd"):
        ad.jit(lambda x: np.gcd(x, 2))(X)


def test_coordinates_in_a_list_are_counted_like_points():
    x = np.random.default_rng(0).normal(size=(3, 20))

    def counts(x):
        sample = [x[0], x[1], x[2]]
        return np.histogramdd(sample, bins=(4, 3, 2), range=[[-2, 2], [-3, 3], [-2, 2]])[0]

    want = counts(x)
    assert np.array_equal(ad.jit(counts)(x), want)
    assert np.array_equal(ad.vmap(counts)(x[None])[0], want)
    moved = ad.grad(lambda x: np.sum(counts(ad.stop_gradient(x))) * x[0, 0])(x)
    assert moved[0, 0] == want.sum() > 0


def test_recorded_edges_of_several_lengths_are_refused_by_name():
    def f(x):
        return np.histogram2d([0.5, 1.0], [0.5, 1.0], [[x, 1.0], [x, 1.0, 2.0]])[0].sum()

    for transform in ad.grad, ad.jit:
        with pytest.raises(UnsupportedError, match="counts do not move with bins"):
            transform(f)(0.1)
