"""np.corrcoef where rows are each other's multiples: a greatest value, not a kink."""

import numpy as np

import adjoint as ad


def test_second_derivatives_at_full_correlation() -> None:
    line = np.array([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [-1.0, -3.0, -5.0, -7.0]])
    way = np.array([[0.1, -0.3, 0.2, 0.4], [0.2, 0.1, -0.5, 0.3], [0.3, 0.2, 0.1, -0.2]])

    def f(t):
        return np.sum(np.cos(np.arange(9.0)).reshape(3, 3) * np.corrcoef(line + t * way))

    step = 1e-3
    wanted = (f(step) - 2 * f(0.0) + f(-step)) / step**2
    for second in (ad.grad(ad.grad(f))(0.0), ad.jit(ad.grad(ad.grad(f)))(0.0)):
        np.testing.assert_allclose(second, wanted, rtol=1e-4)


def test_values_and_forms() -> None:
    x = np.random.default_rng(3).normal(size=(4, 7))
    z = x[:2] + 1j * x[2:]
    for call in (
        lambda x: np.corrcoef(x),
        lambda x: np.corrcoef(x[:2], x[2:]),
        lambda x: np.corrcoef(x, rowvar=False),
        lambda x: np.corrcoef(x[0]),
        lambda x: np.corrcoef(x, dtype=np.float32),
    ):
        plain, recorded = call(x), ad.vjp(call, x)[0]
        assert np.asarray(recorded).dtype == plain.dtype
        np.testing.assert_array_equal(recorded, plain)
    np.testing.assert_array_equal(ad.vjp(np.corrcoef, z)[0], np.corrcoef(z))
    ad.check_grads(lambda x: np.sum(np.corrcoef(x[:2], x[2:]) ** 3), (x,), order=2)
