"""scipy.fft rounds otherwise than numpy.fft: its own digits where values are known."""

from typing import Any

import numpy as np
import pytest
import scipy.fft

import adjoint as ad


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, complex])
@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
@pytest.mark.parametrize("name", ["fft", "irfft", "hfftn", "ifft2", "dctn", "idst"])
def test_transforms_have_scipys_bits(name: str, norm: Any, dtype: Any) -> None:
    x = (
        np.random.default_rng(6)
        .normal(size=(5, 6, 2))
        .astype(np.float32)
        .view(np.complex64)[..., 0]
    )
    x = (x if np.dtype(dtype).kind == "c" else x.real).astype(dtype)

    def f(x: Any) -> Any:
        return getattr(scipy.fft, name)(x, norm=norm)

    plain = f(x)
    value, tangent = ad.jvp(f, (x,), (x,))
    assert value.dtype == plain.dtype
    np.testing.assert_array_equal(value, plain)
    close = 1e-5 if value.dtype.char in "fF" else 1e-13
    np.testing.assert_allclose(tangent, plain, rtol=close, atol=close * np.abs(plain).max())
