"""Values of filters and spectra are SciPy's to the bit; what SciPy leaves out has its slope."""

from typing import Any

import numpy as np
import pytest
import scipy.ndimage as nd
import scipy.signal as sg

import adjoint as ad

RNG = np.random.default_rng(8)
IMAGE = RNG.normal(size=(7, 6))
SIGNAL = RNG.normal(size=40)


def convolutions(name: str) -> Any:
    return lambda x: getattr(sg, name)(SIGNAL.astype(x.dtype), x)


FORMS = {
    "fourier_gaussian": (lambda x: nd.fourier_gaussian(x, 2.5), IMAGE),
    "fourier_uniform": (lambda x: nd.fourier_uniform(x, [2.0, 3.0]), IMAGE),
    "fourier_ellipsoid": (lambda x: nd.fourier_ellipsoid(x, 3.0), IMAGE),
    "fourier_shift": (lambda x: nd.fourier_shift(x, [1.5, 0.5]), IMAGE),
    "sepfir2d": (lambda x: sg.sepfir2d(x, [0.2, 0.7, 0.1], [1.0, 2.0, 1.0]), IMAGE),
    **{
        name: (convolutions(name), RNG.normal(size=9))
        for name in ("convolve", "correlate", "fftconvolve", "oaconvolve")
    },
}


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16"])
@pytest.mark.parametrize("name", FORMS)
def test_values_are_scipys_to_the_bit(name: str, dtype: str) -> None:
    f, x = FORMS[name]
    x = x.astype(dtype)
    plain, recorded, compiled = f(x), ad.vjp(f, x)[0], ad.jit(f)(x)
    assert recorded.dtype == compiled.dtype == plain.dtype
    np.testing.assert_array_equal(recorded, plain)
    np.testing.assert_allclose(compiled, plain, rtol=1e-4 if dtype in ("f4", "c8") else 1e-10)


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4"])
def test_filters_of_images_of_integers_have_scipys_dtype(dtype: str) -> None:
    image = (10 + 3 * IMAGE).astype(dtype)
    weights = np.array([0.25, 0.5, 0.25], np.float64 if dtype == "i4" else np.float32)
    f = lambda w: sg.sepfir2d(image, w, [1.0])  # noqa: E731
    assert f(weights).dtype == ad.vjp(f, weights)[0].dtype == ad.jit(f)(weights).dtype


def test_leading_zeros_of_an_analog_filter_move_the_digital_one() -> None:
    """SciPy takes them off; the filter's order is the other polynomial's."""
    wave = np.cos(np.arange(6.0))

    def f(b: Any) -> Any:
        return wave @ np.concatenate(sg.bilinear(b, [1.0, 0.5, 0.15], 0.5))

    for b in ([0.0, 0.15], [0.0, 0.0, 0.15], [0.2, 0.3, 0.15]):
        ad.check_grads(f, (np.array(b),), order=2)
        np.testing.assert_allclose(ad.jit(ad.grad(f))(np.array(b)), ad.grad(f)(np.array(b)))
    assert len(ad.vjp(lambda a: sg.bilinear([1.0], a), np.array([0.0, 1.0, 2.0]))[0][0]) == 2
    ad.check_grads(lambda fs: wave[:4] @ np.concatenate(sg.bilinear([2.0], [1, 3.0], fs)), (0.7,))


def test_filters_whose_equations_are_singular_have_scipys_values_under_jit() -> None:
    f = lambda b: sg.firls(21, b, [1, 1, 0, 0])  # noqa: E731
    bands = np.array([0, 0.1, 0.9, 1.0])
    np.testing.assert_array_equal(ad.jit(f)(bands), f(bands))
    assert not np.isfinite(ad.jit(ad.grad(lambda b: f(b)[3]))(bands)).any()


@pytest.mark.parametrize("evaluate", [sg.cspline1d_eval, sg.qspline1d_eval])
def test_splines_of_fixed_samples_are_compiled(evaluate: Any) -> None:
    places = np.linspace(-3.3, 11.7, 17)
    f = lambda x: np.sin(np.arange(17)) @ evaluate(SIGNAL[:10], x)  # noqa: E731
    np.testing.assert_allclose(ad.jit(ad.grad(f))(places), ad.grad(f)(places), atol=1e-12)
