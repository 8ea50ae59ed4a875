"""scipy.special where its own code keeps float16, and pseudo_huber where delta vanishes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special as sp

import adjoint as ad
from adjoint.testing import check_grads


@pytest.mark.parametrize("f", [sp.softmax, sp.log_softmax, sp.logsumexp])
def test_array_code_keeps_float16(f: Callable[..., Any]) -> None:
    x = np.linspace(-3, 4, 7).astype(np.float16)
    value, pull = ad.vjp(f, x)
    plain = np.asarray(f(x))
    assert value.dtype == plain.dtype == np.float16
    np.testing.assert_array_equal(value, plain)
    assert pull(np.ones_like(plain))[0].dtype == np.float16


def test_pseudo_huber_has_a_limit_at_delta_zero() -> None:
    # from above: delta sqrt(delta^2 + r^2) - delta^2 is |r| delta - delta^2 to second order
    both = ad.grad(sp.pseudo_huber, argnums=(0, 1))
    assert both(0.0, -2.0) == (2.0, 0.0)
    assert both(0.0, 0.0) == (0.0, 0.0)
    hessian = ad.hessian(lambda v: sp.pseudo_huber(v[0], v[1]))
    np.testing.assert_allclose(hessian(np.array([0.0, -2.0])), [[-2, -1], [-1, 0]])
    huge = hessian(np.array([1e8, 1.0]))
    np.testing.assert_allclose(huge, huge.T, rtol=1e-12)
    for delta, r in ((1.0, 2.0), (2.0, 1.0), (0.5, -0.7)):
        check_grads(sp.pseudo_huber, (delta, r), order=2)


@pytest.mark.parametrize("name", ["spherical_jn", "spherical_yn", "spherical_in", "spherical_kn"])
@pytest.mark.parametrize("derivative", [False, True])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.complex64])
def test_spherical_functions_have_scipys_dtype(name: str, derivative: bool, dtype: Any) -> None:
    x = np.linspace(1, 5, 20).astype(dtype)

    def f(x: Any) -> Any:
        return getattr(sp, name)(2, x, derivative)

    plain, value = f(x), ad.jvp(f, (x,), (x,))[0]
    assert value.dtype == ad.jit(f)(x).dtype == plain.dtype
    np.testing.assert_allclose(value, plain, rtol=2e-5)
    if not derivative:
        np.testing.assert_array_equal(value, plain)
    slope = ad.grad(lambda x: np.sum(np.real(f(x))))
    np.testing.assert_allclose(
        ad.jit(slope)(x), slope(x), rtol=1e-3 if dtype == np.float16 else 2e-4
    )
