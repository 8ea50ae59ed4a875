"""Filters of scipy.ndimage over some axes, with a boundary for each, and with complex weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.ndimage as nd

import adjoint as ad

rng = np.random.default_rng(5)
X = rng.normal(size=(5, 6, 4))
CHOICES = [None, (0, 2), (-1, 0), 1, (2, 0, 1)]
MODES, ORIGINS, SIZES = ["reflect", "constant", "nearest"], [-1, 0, 1], [3, 2, 4]


def _first_and_last(window: Any) -> Any:
    return 2 * window[0] + window[-1]


def _equal(f: Any, x: Any, tolerance: float = 1e-10) -> None:
    wanted, (made, pull) = f(x), ad.vjp(f, x)
    assert made.dtype == wanted.dtype
    np.testing.assert_allclose(made, wanted, rtol=tolerance, atol=tolerance)
    if wanted.dtype == np.float64:
        to, away = rng.normal(size=x.shape), rng.normal(size=wanted.shape)
        step = 1e-6 * to
        slope = np.sum(away * (f(x + step) - f(x - step))) / 2e-6
        np.testing.assert_allclose(np.sum(pull(away)[0] * to), slope, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("axes", CHOICES)
@pytest.mark.parametrize("filtered", ["correlate", "convolve"])
def test_weights_lie_along_the_axes_in_the_order_of_the_image(filtered: str, axes: Any) -> None:
    n = 3 if axes is None else np.size(axes)
    weights, origin = rng.normal(size=[2, 3, 2][:n]), [-1, 0, 0][:n]
    f = getattr(nd, filtered)
    _equal(lambda x: f(x, weights, mode="constant", cval=0.3, origin=origin, axes=axes), X)
    _equal(lambda w: f(X, w, mode="mirror", origin=origin, axes=axes), weights)


@pytest.mark.parametrize("axes", CHOICES)
@pytest.mark.parametrize("several", [False, True])
def test_windows_and_boundaries_of_some_axes(axes: Any, several: bool) -> None:
    n = 3 if axes is None else np.size(axes)
    size, origin = SIZES[:n], ORIGINS[:n]
    mode: Any = MODES[:n] if several else "reflect"
    common: Any = {"mode": mode, "cval": 0.2, "axes": axes}
    _equal(lambda x: nd.minimum_filter(x, size, origin=origin, **common), X)
    _equal(lambda x: nd.uniform_filter(x, size, origin=origin, **common), X)
    _equal(lambda x: nd.gaussian_laplace(x, [1.0, 0.5, 0.8][:n], **common), X)
    _equal(lambda x: nd.laplace(x, **common), X)
    if np.size(axes) != 3:
        _equal(lambda x: nd.gaussian_gradient_magnitude(x, 0.7, **common), X)
    if not several:
        _equal(lambda x: nd.rank_filter(x, 1, size, origin=0, **common), X)
        _equal(lambda x: nd.generic_filter(x, _first_and_last, size, **common), X)


def test_complex_weights_are_conjugated_where_scipy_does() -> None:
    line, block = rng.normal(size=(2, 3)) @ [1, 1j, 0.5], rng.normal(size=(2, 3)) * (1 + 2j)
    for x in (X, X * (1 - 0.5j), X.astype(np.float32)):
        close = 1e-5 if x.dtype == np.float32 else 1e-10
        for one, several in ((nd.correlate1d, nd.correlate), (nd.convolve1d, nd.convolve)):
            _equal(lambda x, f=one: f(x, line, 1), x, close)
            _equal(lambda w, f=one, x=x: f(x, w, 1), line, close)
            _equal(lambda x, f=several: f(x, block, axes=(0, 2)), x, close)
            _equal(lambda w, f=several, x=x: f(x, w, axes=(0, 2)), block, close)
    made = ad.jit(lambda x: nd.correlate(x, block))(np.arange(12, dtype=np.uint8).reshape(3, 4))
    assert made.dtype == np.complex64


def _line(given: Any, made: Any) -> None:
    made[:] = given[:-2] * given[2:]


OUTPUTS: dict[str, Any] = {
    "generic_filter": lambda x, kept: nd.generic_filter(x, _first_and_last, 3, output=kept),
    "generic_filter1d": lambda x, kept: nd.generic_filter1d(x, _line, 3, output=kept),
    "generic_laplace": lambda x, kept: nd.generic_laplace(x, nd.sobel, kept),
    "generic_gradient_magnitude": lambda x, kept: nd.generic_gradient_magnitude(x, nd.sobel, kept),
    "fourier_gaussian": lambda x, kept: nd.fourier_gaussian(x, 0.7, output=kept),
    "fourier_uniform": lambda x, kept: nd.fourier_uniform(x, 2.7, output=kept),
    "fourier_ellipsoid": lambda x, kept: nd.fourier_ellipsoid(x, 1.3, output=kept),
    "fourier_shift": lambda x, kept: nd.fourier_shift(x + 0j, 1.3, output=kept),
    "map_coordinates": lambda x, kept: nd.map_coordinates(x, X[0, :3, :3], kept),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_results_have_the_dtype_that_output_names(name: str) -> None:
    for kept in (np.complex64, np.complex128) if "shift" in name else (np.float32, np.float64):
        for x in (X, X.astype(np.float32)):
            wanted = OUTPUTS[name](x, kept)
            made, pull = ad.vjp(lambda x, kept=kept: OUTPUTS[name](x, kept), x)
            assert made.dtype == wanted.dtype == kept
            np.testing.assert_allclose(made, wanted, rtol=1e-5, atol=1e-6)
            assert pull(np.ones_like(made))[0].dtype == x.dtype


@pytest.mark.parametrize("size", [0.0, -1.3, (0.0, 2.0, 1.0)])
def test_a_box_without_width_keeps_the_mean_alone(size: Any) -> None:
    made = ad.vjp(lambda x: nd.fourier_uniform(x, size), X)[0]
    np.testing.assert_allclose(made, nd.fourier_uniform(X, size), rtol=1e-12, atol=1e-15)
