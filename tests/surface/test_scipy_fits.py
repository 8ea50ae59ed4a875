"""scipy.stats.fit within bounds, and what fits do where the data do not decide."""

import numpy as np
import pytest
import scipy.stats as st

import adjoint as ad

X = np.random.default_rng(0).normal(1.0, 2.0, 15)
V = np.cos(np.arange(15.0))


def test_within_bounds_the_optimum_moves() -> None:
    def f(x):
        found = st.fit(st.norm, x, {"loc": (-5, 5), "scale": (0.1, 10)})
        return found.params.loc, found.params.scale, found.nllf()

    _, moved = ad.jvp(f, (X,), (V,))
    spread = X.std()
    wanted = [V.mean(), np.mean((X - X.mean()) * V) / spread]
    assert np.allclose(moved[:2], wanted, rtol=1e-9)
    assert np.isclose(moved[2], 15 * wanted[1] / spread, rtol=1e-6)


def test_on_a_bound_a_parameter_stays() -> None:
    def f(x):
        return np.stack(st.fit(st.norm, x, [(-5.0, 0.5), (0.1, 10.0)]).params)

    out, moved = ad.jvp(f, (X,), (V,))
    spread = np.sqrt(np.mean((X - 0.5) ** 2))
    assert np.allclose(out, [0.5, spread], rtol=1e-5)
    assert np.allclose(moved, [0.0, np.mean((X - 0.5) * V) / spread], rtol=1e-9)


def test_spacings() -> None:
    def f(x):
        return np.stack(st.fit(st.norm, x, [(-5.0, 5.0), (0.1, 10.0)], method="mse").params)

    _, (a, b) = ad.jvp(f, (X,), (np.ones(15),))  # a shift moves loc alone
    assert np.isclose(a, 1.0, rtol=1e-6)
    assert abs(b) < 1e-6


def test_shapes_that_the_data_do_not_decide_are_named() -> None:
    with pytest.raises(ad.errors.ConvergenceError, match=r"scipy\.stats\.t\.fit"):
        ad.grad(lambda x: st.t.fit(x)[0])(np.linspace(-1.0, 1.0, 20))
    with pytest.raises(ad.errors.UnsupportedError, match="no bound"):
        ad.grad(lambda x: st.powerlaw.fit(x)[0])(np.linspace(0.1, 1.0, 20) ** 2)
    with pytest.raises(ad.errors.UnsupportedError, match="counts"):
        ad.grad(lambda x: st.fit(st.binom, x, [(1, 5), (0, 1)]).params.p)(np.arange(4.0))
