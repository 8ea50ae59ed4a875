"""place_poles: gains that the poles determine."""

from typing import Any

import numpy as np
import pytest
from scipy.signal import place_poles

import adjoint as ad

RNG = np.random.default_rng(5)
A = RNG.normal(size=(4, 4))
ONE, EACH = RNG.normal(size=(4, 1)), RNG.normal(size=(4, 5))
REAL = np.array([-1.3, -2.0, -0.4, -3.1])
PAIRS = np.array([-1.0 + 0.7j, -2.0, -1.0 - 0.7j, -3.0])


@pytest.mark.parametrize("b", [ONE, EACH, EACH[:, :4]], ids=["one", "more", "each"])
@pytest.mark.parametrize("pairs", [False, True])
def test_it_moves_as_scipys(b: Any, pairs: bool) -> None:
    def gain(a: Any, b: Any, s: Any) -> Any:
        return place_poles(a, b, PAIRS * s if pairs else REAL * s).gain_matrix

    at, t = (A, b, 1.2), (RNG.normal(size=A.shape), RNG.normal(size=b.shape), 0.3)
    value, moved = ad.jvp(gain, at, t)
    assert value.tolist() == gain(*at).tolist()
    e = 1e-6
    ahead, back = (gain(*[v + s * d for v, d in zip(at, t, strict=True)]) for s in (e, -e))
    np.testing.assert_allclose(moved, (ahead - back) / (2 * e), rtol=1e-6, atol=1e-7)
    bar = RNG.normal(size=value.shape)
    pulled = ad.vjp(gain, *at)[1](bar)
    total = sum(np.sum(p * d) for p, d in zip(pulled, t, strict=True))
    assert np.isclose(total, np.sum(bar * moved))
    if not pairs:
        np.testing.assert_allclose(ad.jit(gain)(*at), value, rtol=1e-12)
        slopes = ad.jit(ad.jacobian(lambda a: gain(a, b, 1.2)))(A)
        np.testing.assert_allclose(slopes, ad.jacobian(lambda a: gain(a, b, 1.2))(A), rtol=1e-9)


def test_given_pairs_under_jit_and_a_kept_pole() -> None:
    def gain(a: Any) -> Any:
        return place_poles(a, ONE, PAIRS).gain_matrix

    np.testing.assert_allclose(ad.jit(gain)(A), gain(A), rtol=1e-9)
    a, b = np.diag([-1.0, 2.0]), np.ones((2, 1))  # -1 stays: its state is not fed back
    slope = ad.jacobian(lambda p: place_poles(a, b, np.stack([-1.0, p])).gain_matrix)(-3.0)
    np.testing.assert_allclose(slope, [[0.0, -1.0]], atol=1e-12)


def test_what_the_poles_leave_open_is_refused() -> None:
    with pytest.raises(ad.errors.UnsupportedError, match="do not determine"):
        ad.grad(lambda s: np.sum(place_poles(A * s, EACH[:, :2], REAL).gain_matrix))(1.0)
    with pytest.raises(ad.errors.UnsupportedError, match="LAPACK"):
        ad.grad(lambda s: np.sum(place_poles(A * s, ONE, REAL).X))(1.0)
