"""Filters and interpolators whose values are SciPy's by bits where they are known."""

import numpy as np
import pytest
from scipy import integrate, interpolate, signal

import adjoint as ad

RNG = np.random.default_rng(0)
PLACES, DATA, AT = RNG.random((20, 2)), RNG.random((20, 3)), RNG.random((5, 2))
U = RNG.normal(size=60)
B, A = signal.butter(3, 0.3)
SECTIONS = signal.butter(4, 0.3, output="sos")
GRID = np.arange(4.0), np.arange(5.0)


def radial(t, **settings):
    return interpolate.RBFInterpolator(PLACES * t, DATA * t, **settings)(AT * t)


FUNCTIONS = {
    "radial": radial,
    "radial gaussian": lambda t: radial(t, kernel="gaussian", epsilon=1.3),
    "radial smoothed": lambda t: radial(t, smoothing=0.1 * t),
    "radial neighbours": lambda t: radial(t, neighbors=7),
    "grid": lambda t: interpolate.RegularGridInterpolator(GRID, U[:20].reshape(4, 5) * t)(AT * 3),
    "grid splines": lambda t: interpolate.RegularGridInterpolator(
        GRID, U[:20].reshape(4, 5) * t, method="pchip"
    )(AT * 3 * t),
    "pchip": lambda t: interpolate.pchip_interpolate(
        np.arange(8.0), U[:8] * t, np.linspace(0.1, 6, 9) * t
    ),
    "krogh": lambda t: interpolate.krogh_interpolate(
        np.arange(8.0), U[:8] * t, np.linspace(0.1, 6, 9) * t
    ),
    "resample": lambda t: signal.resample(U * t, 31),
    "resample_poly": lambda t: signal.resample_poly(U * t, 3, 2),
    "decimate": lambda t: signal.decimate(U * t, 3),
    "filtfilt": lambda t: signal.filtfilt(B, A * np.array([1, t, t, t]), U * t),
    "sosfiltfilt": lambda t: signal.sosfiltfilt(SECTIONS, U * t),
    "lfilter_zi": lambda t: signal.lfilter_zi(B * t, A),
    "hilbert": lambda t: signal.hilbert(U * t).imag,
    "simpson": lambda t: integrate.simpson(U * t, dx=0.1),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_have_scipys_digits(name):
    f = FUNCTIONS[name]

    def both(t):
        made = f(t)
        return np.sum(made), made

    np.testing.assert_array_equal(ad.value_and_grad(both, has_aux=True)(1.0)[0][1], f(1.0))
    ad.check_grads(lambda t: np.sum(np.sin(f(t))), (1.0,), order=1)
    np.testing.assert_allclose(ad.jit(f)(1.0), f(1.0), rtol=1e-7, atol=1e-9)
