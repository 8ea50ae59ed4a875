"""Images and signals of integers: SciPy cuts to the dtype of the image, and so must programs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.ndimage as nd
import scipy.signal as sg

import adjoint as ad
from adjoint.errors import ConcreteValueError, UnsupportedError

rng = np.random.default_rng(7)
IMAGE = rng.integers(0, 256, (5, 7)).astype(np.uint8)
KERNEL = np.array([[1, 2], [3, 5]], np.int16)
PLACES = 4 * rng.random((2, 6))
FUNCTIONS: dict[str, Any] = {
    "gaussian": lambda x: nd.gaussian_filter(x, 1.0),
    "gaussian along an axis": lambda x: nd.gaussian_filter1d(x, 1.0, axis=0),
    "sobel": nd.sobel,
    "laplace": lambda x: nd.gaussian_laplace(x, 0.8),
    "weights": lambda x: nd.correlate(x, np.full((3, 3), 1 / 9)),
    "largest": lambda x: nd.maximum_filter(x, 3),
    "median": lambda x: nd.median_filter(x, 3),
    "opening": lambda x: nd.grey_opening(x, 3),
    "places": lambda x: nd.map_coordinates(x, PLACES, order=1),
    "zoom": lambda x: nd.zoom(x, 1.5),
    "turned": lambda x: nd.rotate(x, 30),
    "as floats": lambda x: nd.gaussian_filter(x, 1.0, output=np.float64),
    "convolution": lambda x: sg.convolve2d(x, KERNEL),
    "correlation": lambda x: sg.correlate(x, x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_an_image_of_integers_stays_one(name: str, dtype: Any) -> None:
    f, image = FUNCTIONS[name], IMAGE.astype(dtype)
    wanted, made = f(image), ad.jit(f)(image)
    assert made.dtype == wanted.dtype
    np.testing.assert_allclose(made, wanted, rtol=1e-12 if wanted.dtype.kind == "f" else 0)


def test_integers_are_filtered_for_each_example() -> None:
    images = np.stack([IMAGE, IMAGE // 2, IMAGE // 3])
    made = ad.vmap(lambda x: nd.gaussian_filter(x, 1.0))(images)
    assert made.dtype == np.uint8
    assert made.tolist() == [nd.gaussian_filter(x, 1.0).tolist() for x in images]


def test_places_in_an_image_of_integers_are_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"map_coordinates: an image of integers"):
        ad.grad(lambda p: np.sum(nd.map_coordinates(IMAGE, p, order=1)))(PLACES)
    slope = ad.grad(lambda p: np.sum(nd.map_coordinates(IMAGE.astype(float), p, order=1)))(PLACES)
    assert np.count_nonzero(slope) == slope.size


def test_the_dtype_asked_for_is_given() -> None:
    image = rng.normal(size=(4, 3))
    f = lambda x: nd.gaussian_filter(x, 1.0, output=np.float32)  # noqa: E731
    value, slope = ad.vjp(f, image)
    assert value.dtype == f(image).dtype == np.float32
    assert slope(np.ones_like(value))[0].dtype == np.float64


@pytest.mark.parametrize("state", [None, np.array([0.3 - 0.2j, 1j])])
def test_filters_take_complex_signals(state: Any) -> None:
    b, a = np.array([0.2, 0.3, 0.1]), np.array([1.3, -0.4, 0.2])
    signal = rng.normal(size=6) + 1j * rng.normal(size=6)

    def f(x: Any, a: Any) -> Any:
        return sg.lfilter(b, a, x) if state is None else sg.lfilter(b, a, x, zi=state)[0]

    for x in (signal, signal.real if state is not None else signal):
        np.testing.assert_allclose(ad.jit(f)(x, a), f(x, a), rtol=1e-12)
        np.testing.assert_allclose(ad.jit(lambda x: f(x, a))(x), f(x, a), rtol=1e-12)
        ad.check_grads(f, (x, a), order=1)


def test_a_factor_of_zoom_that_is_not_known_is_named() -> None:
    image = rng.normal(size=(4, 3))
    assert ad.grad(lambda z: np.sum(nd.zoom(image * z, 1.0 + 0 * z)))(2.0) == np.sum(image)
    with pytest.raises(ConcreteValueError, match=r"the factor of zoom(.*\n)*.*test_scipy_images"):
        ad.jit(lambda z: nd.zoom(image, z))(2.0)
