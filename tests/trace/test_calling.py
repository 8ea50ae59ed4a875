"""NumPy's functions that call one of the user's, on plain arrays: its results may be recorded."""

from functools import partial, reduce

import numpy as np
import pytest

import adjoint as ad

TABLE = np.arange(12.0).reshape(3, 4)


class Scale:
    def __init__(self, factor):
        self.factor = factor

    def of(self, x):
        return self.factor * x


FORMS = {
    "rows": lambda a: np.apply_along_axis(lambda x: np.array([x[0], a * x[1]]), 1, TABLE).sum(),
    "columns": lambda a: np.apply_along_axis(lambda x: a * x.sum(), 0, np.ones((2, 3))).sum(),
    "arguments": lambda a: np.apply_along_axis(np.dot, 1, np.ones((2, 3)), a * np.ones(3)).sum(),
    "axes": lambda a: np.apply_over_axes(lambda x, k: a * np.sum(x, k), TABLE, [0, 1]).sum(),
    "vectorized": lambda a: np.vectorize(lambda x: a * x if x > 1 else x**2)(TABLE).sum(),
    "partial": lambda a: np.vectorize(partial(lambda b, x: b * x, a))(TABLE).sum(),
    "method": lambda a: np.vectorize(Scale(a).of)(TABLE).sum(),
    "mapped": lambda a: reduce(np.matmul, map(np.array, [[[a, 1.0], [0.0, a]]] * 3))[0].sum(),
    "listed": lambda a: sum(list(map(np.array, [[a, 1.0], [2.0, a]])))[0] * a,
    "piecewise": lambda a: np.piecewise(TABLE, [TABLE < 5], [lambda x: a * x, a**2]).sum(),
}


@pytest.mark.parametrize("name", FORMS)
def test_results_of_the_users_function_stay_recorded(name):
    f = FORMS[name]
    value, slope = ad.value_and_grad(f)(1.3)
    assert value == pytest.approx(f(1.3), rel=1e-15)
    assert slope == pytest.approx((f(1.31) - f(1.29)) / 0.02, rel=1e-3)
    assert ad.jit(ad.grad(f))(1.3) == pytest.approx(slope, rel=1e-13)
    points = np.array([0.7, 1.3])
    np.testing.assert_allclose(ad.vmap(f)(points), [f(x) for x in points], rtol=1e-13)


def test_functions_of_plain_numbers_are_numpys():
    def f(a):
        counts = np.vectorize(lambda x: int(x) % 3)(TABLE)
        assert counts.dtype == np.int64
        firsts = np.apply_along_axis(lambda x: x[0] > 3, 1, TABLE)
        assert firsts.dtype == np.bool_
        return a * counts.sum() + firsts.sum() * a**2

    assert ad.grad(f)(2.0) == pytest.approx((f(2.0 + 1e-4) - f(2.0 - 1e-4)) / 2e-4)
