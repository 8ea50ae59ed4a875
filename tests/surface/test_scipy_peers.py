"""Values to the last digits against mpmath, gradients against JAX, where they are installed."""

from typing import Any

import numpy as np
import pytest
import scipy.special as sp
import scipy.stats as st

import adjoint as ad

VALUES = {
    "polygamma": (lambda m, x: m.polygamma(2, x), lambda x: sp.polygamma(2, x), 1.7),
    "digamma": (lambda m, x: m.digamma(x), sp.digamma, 0.37),
    "loggamma": (lambda m, x: m.loggamma(x), sp.gammaln, 2.3),
    "gammainc": (lambda m, x: m.gammainc(2.5, 0, x, True), lambda x: sp.gammainc(2.5, x), 1.9),
    "betainc": (
        lambda m, x: m.betainc(2.5, 1.3, 0, x, True),
        lambda x: sp.betainc(2.5, 1.3, x),
        0.4,
    ),
    "zeta": (lambda m, x: m.zeta(2.5, x), lambda x: sp.zeta(2.5, x), 1.4),
    "jv": (lambda m, x: m.besselj(1.5, x), lambda x: sp.jv(1.5, x), 2.1),
    "erfcx": (lambda m, x: m.exp(x * x) * m.erfc(x), sp.erfcx, 1.2),
    "expi": (lambda m, x: m.ei(x), sp.expi, 0.8),
    "ellipk": (lambda m, x: m.ellipk(x), sp.ellipk, 0.3),
    "lambertw": (lambda m, x: m.lambertw(x), lambda x: np.real(sp.lambertw(x)), 0.9),
}


@pytest.mark.parametrize("name", VALUES)
def test_value_and_slope_against_mpmath(name: str) -> None:
    mpmath = pytest.importorskip("mpmath")
    theirs, ours, x = VALUES[name]
    with mpmath.workdps(40):
        value = float(mpmath.re(theirs(mpmath, mpmath.mpf(x))))
        slope = float(mpmath.re(mpmath.diff(lambda v: theirs(mpmath, v), mpmath.mpf(x))))
    got, by = ad.value_and_grad(ours)(x)
    assert abs(got - value) <= 1e-13 * abs(value)
    assert abs(by - slope) <= 1e-12 * abs(slope)


DENSITIES: dict[str, tuple[float, ...]] = {
    "norm": (), "t": (3.2,), "gamma": (1.7,), "beta": (2.1, 0.8), "expon": (), "laplace": (),
    "logistic": (), "cauchy": (), "chi2": (4.2,), "pareto": (2.3,),
}  # fmt: skip


@pytest.mark.parametrize("name", DENSITIES)
def test_log_density_against_jax(name: str) -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    import jax.scipy.stats as theirs

    x = np.array([0.2, 0.45, 0.7]) + (1.0 if name == "pareto" else 0.0)
    args = tuple(map(np.float64, DENSITIES[name]))

    def total(module: Any, *values: Any) -> Any:
        return getattr(module, name).logpdf(*values).sum()

    ours = ad.grad(lambda *v: total(st, *v), argnums=tuple(range(1 + len(args))))(x, *args)
    wanted = jax.grad(lambda *v: total(theirs, *v), argnums=tuple(range(1 + len(args))))(x, *args)
    for one, other in zip(ours, wanted, strict=True):
        np.testing.assert_allclose(one, np.asarray(other), rtol=1e-9)
