"""scipy.stats.levy_stable: SciPy's values, and derivatives by the integrals that define it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.stats as st

import adjoint as ad


def differences(f: Callable[..., Any], args: tuple[float, ...], k: int) -> Any:
    h = 1e-3

    def at(step: float) -> Any:
        return f(*[v + step * (i == k) for i, v in enumerate(args)])

    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)


@pytest.mark.parametrize("name", ["pdf", "logpdf", "cdf", "sf", "logcdf"])
@pytest.mark.parametrize(
    ("alpha", "beta", "x"), [(1.5, 0.3, 2.5), (0.7, -0.5, -3.0), (1.2, -0.9, 9.0), (1.0, 0.4, 2.5)]
)
def test_in_every_argument(name: str, alpha: float, beta: float, x: float) -> None:
    def f(x: Any, alpha: Any, beta: Any, loc: Any, scale: Any) -> Any:
        return getattr(st.levy_stable, name)(x, alpha, beta, loc=loc, scale=scale)

    args = (x, alpha, beta, 0.3, 1.7)
    out, pull = ad.vjp(f, *args)
    assert float(out) == f(*args)
    for k, slope in enumerate(pull(1.0)):
        if alpha == 1.0 and k == 1:
            assert not np.isfinite(slope)  # the law itself leaps there
        else:
            wanted = differences(f, args, k)
            np.testing.assert_allclose(slope, wanted, rtol=1e-4, atol=1e-7)


def test_other_modes_and_order_two() -> None:
    x = np.array([-3.0, 0.31, 2.5])
    p = np.array([1.5, 0.3, 0.1, 1.2])

    def f(p: Any) -> Any:
        return st.levy_stable.logpdf(x, p[0], p[1], p[2], p[3])

    rows = ad.jacobian(f)(p)
    np.testing.assert_allclose(ad.jit(ad.jacobian(f))(p), rows, rtol=1e-10)
    np.testing.assert_array_equal(ad.vmap(f)(np.stack([p, p + 0.1]))[0], f(p))
    ad.check_grads(lambda p: np.sum(f(p)), (p,), order=2)


def test_normal_and_cauchy_laws_and_the_middle() -> None:
    def normal(x: Any) -> Any:
        return st.levy_stable.pdf(x, 2.0, 0.0)

    x = np.array([0.0, 0.01, 0.7, -4.0])
    wanted = -0.5 * x * st.norm.pdf(x, scale=np.sqrt(2))
    np.testing.assert_allclose(ad.grad(lambda x: np.sum(normal(x)))(x), wanted, atol=1e-9)
    cauchy = ad.grad(lambda x: st.levy_stable.cdf(x, 1.0, 0.0))(0.7)
    np.testing.assert_allclose(cauchy, st.cauchy.pdf(0.7), rtol=1e-9)
    quantile = ad.grad(lambda q: st.levy_stable.ppf(q, 1.5, 0.3))(0.2)
    wanted = 1 / st.levy_stable.pdf(st.levy_stable.ppf(0.2, 1.5, 0.3), 1.5, 0.3)
    np.testing.assert_allclose(quantile, wanted, rtol=1e-9)
