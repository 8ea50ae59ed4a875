"""numpy.fft of real signals in single and half precision: NumPy's loops, factors and bits."""

from typing import Any

import numpy as np
import pytest

import adjoint as ad


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64])
@pytest.mark.parametrize("norm", [None, "backward", "ortho", "forward"])
@pytest.mark.parametrize("name", ["fft", "ifft", "irfft", "hfft", "ifft2"])
def test_transforms_have_numpys_bits(name: str, norm: Any, dtype: Any) -> None:
    x = np.random.default_rng(3).normal(size=(3, 31)).astype(dtype)

    def f(x: Any) -> Any:
        return getattr(np.fft, name)(x, norm=norm)

    plain = f(x)
    value, tangent = ad.jvp(f, (x,), (x,))
    assert value.dtype == plain.dtype
    np.testing.assert_array_equal(value, plain)
    close = 1e-2 if dtype == np.float16 else 1e-5
    np.testing.assert_allclose(tangent, plain, rtol=close, atol=close * np.abs(plain).max())
    np.testing.assert_allclose(ad.jit(f)(x), plain, rtol=close, atol=close * np.abs(plain).max())
    w = np.cos(np.arange(plain.size)).reshape(plain.shape).astype(plain.real.dtype)
    slope = ad.grad(lambda x: np.sum(np.real(f(x)) * w))(x)
    assert slope.dtype == dtype
    along = float(np.real(np.sum(slope.astype(complex) * x)))
    np.testing.assert_allclose(along, np.sum(plain.real.astype(float) * w), rtol=0.02, atol=0.02)
