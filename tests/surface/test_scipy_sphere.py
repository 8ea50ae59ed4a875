"""FITPACK's splines on a sphere: SciPy's values, linear in the data of fixed knots."""

from typing import Any

import numpy as np
import pytest
import scipy.interpolate as si

import adjoint as ad

rng = np.random.default_rng(0)
U, V = np.linspace(0.3, 2.8, 6), np.linspace(-3, 2.5, 7)
R = rng.normal(size=(6, 7))
THETA, PHI = (v.ravel() for v in np.meshgrid(np.linspace(0.1, 3.0, 9), np.linspace(0.05, 6.2, 10)))
DATA = np.cos(THETA) + 0.3 * np.sin(PHI) * np.sin(THETA) + 0.05 * rng.normal(size=90)
POLES = np.array([0.3, -0.2])
AT = np.array([0.4, 1.2, 2.0]), np.array([0.5, 1.9, 2.2])


def on_grid(r: Any, poles: Any, theta: Any, phi: Any) -> Any:
    held = {"pole_values": (poles[0], poles[1]), "pole_continuity": True}
    one = si.RectSphereBivariateSpline(U, V, r, **held, pole_flat=True)
    two = si.RectSphereBivariateSpline(U, V, r)
    return np.stack([one(theta, phi, dtheta=1), two(theta, phi)])


def scattered(r: Any, theta: Any, phi: Any) -> Any:
    weights = np.linspace(1.0, 2.0, 90)
    made = si.LSQSphereBivariateSpline(THETA, PHI, r, [1.0, 2.0], [1.5, 3.0, 4.5], w=weights)
    return made(theta, phi, grid=False) * made.fp


def fixed(theta: Any, phi: Any) -> Any:
    smooth = si.SmoothSphereBivariateSpline(THETA, PHI, DATA, s=1.0)
    return smooth(theta, phi, dphi=1) + si.RectSphereBivariateSpline(U, V, R).ev(theta, phi)


CASES = {"grid": (on_grid, (R, POLES, *AT)), "scattered": (scattered, (DATA, *AT)),
         "places": (fixed, AT)}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives(name: str) -> None:
    f, args = CASES[name]
    value, pull = ad.vjp(f, *args)
    np.testing.assert_allclose(value, f(*args), rtol=1e-11, atol=1e-12)
    ad.check_grads(f, args, order=1)
    bar = np.cos(np.arange(value.size, dtype=float)).reshape(value.shape)
    if name == "scattered":
        return
    compiled = ad.vjp(ad.jit(f), *args)[1](bar)
    for ours, theirs in zip(pull(bar), compiled, strict=True):
        np.testing.assert_allclose(theirs, ours, rtol=1e-8, atol=1e-10)


def test_what_the_data_decide_is_named() -> None:
    with pytest.raises(ad.errors.UnsupportedError, match="the knots"):
        ad.vjp(lambda r: si.SmoothSphereBivariateSpline(THETA, PHI, r, s=1.0)(*AT), DATA)
    with pytest.raises(ad.errors.UnsupportedError, match="smoothing"):
        ad.vjp(lambda r: si.RectSphereBivariateSpline(U, V, r, s=1.0)(*AT), R)
    with pytest.raises(ValueError, match="theta out of bounds"):
        ad.vjp(lambda t: fixed(t, AT[1]), AT[0] + 3)
