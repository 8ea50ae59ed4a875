"""scipy.stats: powers that make data most like normal ones, chosen from the data, in every mode."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.optimize as so
import scipy.stats as st

import adjoint as ad

rng = np.random.default_rng(0)
x = rng.gamma(2.0, 1.0, 9)
d = rng.normal(size=9)


def within(f: Any) -> Any:
    return so.minimize_scalar(f, bounds=(0.0, 0.3), method="bounded")


CASES: dict[str, Callable[[Any], Any]] = {
    "boxcox": st.boxcox,
    "interval": lambda x: st.boxcox(x, alpha=0.1)[2],
    "both measures": lambda x: st.boxcox_normmax(x, method="all"),
    "greatest": lambda x: st.boxcox_normmax(x, ymax=3.0),
    "own search": lambda x: st.boxcox(x, optimizer=within)[0],
    "yeojohnson": lambda x: st.yeojohnson(x - 1.5),
    "below": lambda x: st.yeojohnson_normmax(-x),
    "from a bracket": lambda x: st.yeojohnson_normmax(x, brack=(-1.0, 1.0)),
}


@pytest.mark.filterwarnings("ignore:The optimal lambda:UserWarning")
@pytest.mark.parametrize("name", CASES)
def test_in_every_mode(name: str) -> None:
    def f(x: Any) -> Any:
        return np.concatenate([np.ravel(part) for part in ad.tree.leaves(CASES[name](x))])

    def exact(x: Any) -> Any:
        return ad.vjp(f, x)[0]

    value, slope = ad.jvp(f, (x,), (d,))
    np.testing.assert_allclose(value, f(x), rtol=1e-5 if name == "own search" else 1e-7, atol=1e-8)
    h = 1e-4
    by_difference = (exact(x + h * d) - exact(x - h * d)) / (2 * h)
    np.testing.assert_allclose(slope, by_difference, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ad.jit(f)(x), value, rtol=1e-9, atol=1e-12)
    if name not in ("greatest", "below"):
        return
    rows = ad.vmap(f)(np.stack([x, x + 0.1]))
    np.testing.assert_allclose(rows[0], value, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ad.jit(ad.jacobian(f))(x) @ d, slope, rtol=1e-8, atol=1e-10)
    again = ad.hvp(lambda x: np.sum(f(x) ** 2), x, d)
    steps = [ad.grad(lambda x: np.sum(f(x) ** 2))(x + s * h * d) for s in (1, -1)]
    np.testing.assert_allclose(again, (steps[0] - steps[1]) / (2 * h), rtol=1e-4, atol=1e-4)


def test_data_are_positive_and_in_a_row() -> None:
    with pytest.raises(ValueError, match="positive"):
        ad.grad(lambda x: st.boxcox(x)[1])(x - 3.0)
    with pytest.raises(ValueError, match="1-dimensional"):
        ad.jit(st.boxcox)(np.ones((2, 3)))


def test_equal_angles_vary_smoothly() -> None:
    # The resultant of equal angles is 1, where SciPy cuts off what rounding adds.
    expected = np.eye(3) / 3 - 1 / 9
    for at in (0.0, 0.4):
        hessian = ad.hessian(lambda v: st.circvar(v))(np.full(3, at))
        np.testing.assert_allclose(hessian, expected, atol=1e-9)
