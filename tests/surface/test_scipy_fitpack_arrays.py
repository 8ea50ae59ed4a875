"""FITPACK's names for several curves in one array, and with SciPy's digits."""

from typing import Any

import numpy as np
import pytest
import scipy.interpolate as si

import adjoint as ad

PLACES = np.linspace(0, 6, 19)
T, C, K = si.splrep(PLACES, np.sin(PLACES), s=0)
ROWS = np.stack([C, 2 * C, C**2])[:, None, : len(PLACES)] * np.array([[1.0], [0.5]])

FORMS = {
    "splev": lambda c: si.splev(PLACES[:5] + 0.1, (T, c, K)),
    "a slope": lambda c: si.splev(PLACES[:5] + 0.1, (T, c, K), der=1),
    "splint": lambda c: si.splint(0.3, 4.0, (T, c, K)),
    "spalde": lambda c: [np.stack(p[0]) for p in si.spalde(PLACES[2:4], (T, c[:, 0], K))],
    "insert": lambda c: si.insert(2.2, (T, c[:, 1], K))[1],
    "sproot": lambda c: np.stack([roots[-1] for roots in si.sproot((T, c[:2, 0], K))]),
}


@pytest.mark.parametrize("name", FORMS)
def test_curves_in_an_array(name: str) -> None:
    f = lambda c: np.array(FORMS[name](c))  # noqa: E731
    wanted = f(ROWS)
    made = ad.vjp(f, ROWS)[0]
    if name == "insert":  # SciPy leaves what was in memory after the coefficients
        wanted, made = wanted[..., : len(PLACES)], made[..., : len(PLACES)]
    np.testing.assert_allclose(made, wanted, rtol=1e-12, atol=1e-13)
    ad.check_grads(lambda c: f(c)[..., : len(PLACES)], (ROWS,), order=1)


@pytest.mark.parametrize("s", [0, 0.1])
def test_values_are_fitpacks_to_the_bit(s: float) -> None:
    y = np.cos(PLACES) + 0.01 * PLACES**2

    def fit(y: Any) -> Any:
        return si.splrep(PLACES, y, s=s)

    (t, c), _ = ad.vjp(lambda y: fit(y)[:2], y)
    np.testing.assert_array_equal(t, fit(y)[0])
    np.testing.assert_array_equal(c, fit(y)[1])
    for der in (0, 1, 2):
        f = lambda x, der=der: si.splev(x, fit(y), der)  # noqa: E731
        np.testing.assert_array_equal(ad.vjp(f, PLACES)[0], f(PLACES))
    area = lambda c: si.splint(0.5, 5.0, (t, c, 3))  # noqa: E731
    assert ad.value_and_grad(area)(fit(y)[1])[0] == area(fit(y)[1])
