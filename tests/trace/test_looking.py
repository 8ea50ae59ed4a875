"""Formats, questions and memories look at recorded numbers, and keep their derivatives."""

import functools
import math
from math import isnan

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import ConversionError, UnsupportedError

X = np.array([0.3, 0.7, 1.1])
DEFAULTS = {0.3: 1.0}
NUMPYS = {X[0]: 1.0}


@functools.cache
def legendre(n, x):
    if n < 2:
        return x if n else 1.0
    return ((2 * n - 1) * x * legendre(n - 1, x) - (n - 1) * legendre(n - 2, x)) / n


def cached(x):
    return sum(legendre(n, x[0]) * legendre(n, x[1]) for n in range(6))


def by_hand(x):
    memo = {}

    def fibonacci(n, v):
        if (n, v) not in memo:
            memo[n, v] = v if n < 2 else fibonacci(n - 1, v) * v + fibonacci(n - 2, v)
        return memo[n, v]

    return fibonacci(9, x[0]) * fibonacci(5, x[1])


def kept(x):
    a, b = x[:2]
    d = {a: [b], **{v: [v] for v in x[1:] * 2}}
    d.setdefault(a, []).append(x[2])
    d.setdefault(b, []).append(a)
    return d[a][0] * d.get(a)[1] * sum(d.pop(b))


def again(x):
    d = {x[0]: 2.0, x[1]: 3.0}
    d[x[0]] += 1
    return d[x[0]] * x[0] * d[x[1]] if x[1] in d else x[2]


@pytest.mark.parametrize("f", [cached, by_hand, kept, again])
def test_numbers_are_keys(f):
    value, slope = ad.value_and_grad(f)(X)
    assert value == f(X)
    numeric = [(f(X + 1e-6 * e) - f(X - 1e-6 * e)) / 2e-6 for e in np.eye(3)]
    np.testing.assert_allclose(slope, numeric, rtol=1e-7, atol=1e-9)
    if f is cached:  # a dictionary must know whether numbers are the same
        np.testing.assert_allclose(ad.jit(ad.grad(f))(X), slope, rtol=1e-12)
        wanted = [f(X), f(2 * X)]
        np.testing.assert_allclose(ad.vmap(f)(np.stack([X, 2 * X])), wanted, rtol=1e-12)
    else:
        with pytest.raises(ad.errors.ConcreteValueError, match=r"functools\.cache"):
            ad.jit(f)(X)


def test_numbers_of_one_value_are_not_one_key():
    def f(x):
        kept = {x[0]: 1.0, x[1]: 2.0}
        return kept[x[0]] * x[0]

    assert ad.grad(f)(X)[0] == 1
    with pytest.raises(ConversionError, match="two numbers of one value"):
        ad.grad(f)(np.ones(2))
    with pytest.raises(ConversionError, match="two numbers of one value"):
        ad.grad(lambda x: x[0] if x[0] in DEFAULTS else x[1])(X)
    with pytest.raises(ConversionError, match="two numbers of one value"):
        ad.grad(lambda x: x[0] if x[0] in NUMPYS else x[1])(X)


def test_a_cache_is_not_asked_for_another_numbers_result():
    legendre.cache_clear()
    assert legendre(2, 0.3) == pytest.approx(-0.365)  # the value of the recorded number
    assert ad.grad(lambda x: legendre(2, x))(0.3) == pytest.approx(0.9)
    assert legendre(2, np.float64(0.3)) == pytest.approx(-0.365)
    assert ad.grad(lambda x: legendre(2, x))(0.3) == pytest.approx(0.9)
    assert legendre.cache_info().currsize == 0  # nothing of a recording is left
    both = ad.grad(lambda x: legendre(3, x[0]) * legendre(3, x[1]))(np.array([0.5, 0.5]))
    np.testing.assert_allclose(both, -0.4375 * 0.375 * np.ones(2), rtol=1e-13)


def test_values_are_shown():
    shown = []

    def f(x):
        shown.append("%.2f and %d, %s" % (x[0], x[2], "text"))  # noqa: UP031
        assert not isnan(x[0])
        assert not math.isinf(x.sum())
        assert math.isclose(x[1], 0.7)
        return (x * x).sum()

    np.testing.assert_array_equal(ad.grad(f)(X), 2 * X)
    assert shown == ["0.30 and 1, text"]


@pytest.mark.parametrize(
    ("f", "remedy"),
    [
        (lambda x: len({x[0], x[1]}) * x[0], r"float\(ad.stop_gradient\(x\)\)"),
        (lambda x: len(set(x)) * x[0], r"float\(ad.stop_gradient\(x\)\)"),
        (lambda x: len(x.tobytes()) * x[0], r"ad.stop_gradient\(x\).tobytes"),
    ],
)
def test_what_is_not_a_look_is_refused(f, remedy):
    with pytest.raises((ConversionError, UnsupportedError), match=remedy) as caught:
        ad.grad(f)(X)
    assert "test_looking.py" in str(caught.value)
    with pytest.raises((ConversionError, UnsupportedError), match=r"test_looking\.py"):
        ad.jit(f)(X)


def test_the_remedies_work():
    assert ad.grad(lambda x: len({float(ad.stop_gradient(v)) for v in x}) * x[0])(X)[0] == 3
    assert ad.grad(lambda x: len(ad.stop_gradient(x).tobytes()) * x[0])(X)[0] == 24


@pytest.mark.parametrize(
    ("f", "remedy"),
    [
        (lambda x: isnan(x[0]) or x[0], r"np\.isnan$"),
        (lambda x: len("%g" % x[0]) * x[0], "f-string"),  # noqa: UP031
    ],
)
def test_unknown_values_cannot_be_looked_at(f, remedy):
    with pytest.raises(ConversionError, match=remedy):
        ad.jit(f)(X)


def test_arrays_are_no_keys():
    with pytest.raises(TypeError, match=r"unhashable type: 'numpy\.ndarray'"):
        ad.grad(lambda x: {x: 1.0}[x])(X)


def test_iterators_make_their_results():
    def f(x):
        with np.nditer([x, None]) as places:
            for a, b in places:
                b[...] = a * a
        total = np.nditer([x[:, None], x, None])
        for a, b, c in total:
            c[...] = a * b
        return (places.operands[1] * total.operands[2]).sum()

    np.testing.assert_allclose(ad.grad(f)(X), (X**3).sum() + 3 * X**2 * X.sum(), rtol=1e-13)
