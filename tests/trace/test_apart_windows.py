"""Sliding windows of which some are taken: nothing is made of the others."""

import numpy as np
import pytest
import scipy.signal

import adjoint as ad

sliding = np.lib.stride_tricks.sliding_window_view
LINE = np.sin(np.arange(40.0))
CUBE = np.cos(np.arange(9.0 * 11 * 5)).reshape(9, 11, 5)

CASES = [
    (lambda x: sliding(x, 7)[::3], LINE),
    (lambda x: sliding(x, 7)[2:20:5, 1:6], LINE),
    (lambda x: sliding(x, 7)[::-2], LINE),
    (lambda x: sliding(x, 7)[4], LINE),
    (lambda x: sliding(x, 7)[5:5], LINE),
    (lambda x: sliding(x, 3, axis=1)[:, ::2], CUBE),
    (lambda x: sliding(x, (3, 2), axis=(0, 2))[::2, :, 1:], CUBE),
    (lambda x: sliding(x, (3, 2), axis=(1, 2))[1:3, ::2, 1:], CUBE),
    (lambda x: sliding(x, (2, 3, 4))[1:7:2, 2:], CUBE),
    (lambda x: sliding(x, (3, 2), axis=(0, 0)), CUBE),
    (lambda x: sliding(x, (3, 2), axis=(2, 1))[::3, 1:9:2, 1:3], CUBE),
]


@pytest.mark.parametrize(("function", "x"), CASES)
def test_values_and_derivatives(function, x):
    def squared(x):
        return function(x) ** 2

    np.testing.assert_array_equal(ad.jit(function)(x), function(x))
    places = function(np.arange(x.size).reshape(x.shape))
    expected = 2 * x * np.bincount(places.ravel(), minlength=x.size).reshape(x.shape)
    gradient = ad.grad(lambda x: np.sum(squared(x)))
    np.testing.assert_allclose(gradient(x), expected, rtol=1e-12)
    np.testing.assert_allclose(ad.jit(gradient)(x), expected, rtol=1e-12)
    _, tangent = ad.jvp(squared, (x,), (x,))
    np.testing.assert_allclose(tangent, 2 * function(x) ** 2, rtol=1e-12)
    np.testing.assert_array_equal(ad.vmap(function)(np.stack([x, -x]))[1], -function(x))


def largest(function, x):
    graph = ad.trace(function, x)
    return max(value.type.size for node in graph.nodes for value in node.outputs)


def test_windows_that_are_not_taken_are_not_made():
    x = np.sin(np.arange(3000.0))
    assert largest(lambda x: sliding(x, 100)[::50] ** 2, x) < 10_000
    assert largest(ad.grad(lambda x: np.sum(scipy.signal.spectrogram(x)[2])), x) < 10_000


def test_transforms_in_convolutions_have_lengths_with_small_factors():
    x = np.ones(2**10 + 7)  # 1031 + 17 - 1 is 1047 = 3 * 349
    graph = ad.trace(lambda x: scipy.signal.fftconvolve(x, np.arange(17.0)), x)
    (back,) = [node for node in graph.nodes if node.primitive.name == "irfft"]
    assert back.settings["n"] == 1080
    np.testing.assert_allclose(
        ad.jit(lambda x: scipy.signal.fftconvolve(x, np.arange(17.0)))(x),
        np.convolve(x, np.arange(17.0)),
        atol=1e-10,
    )
