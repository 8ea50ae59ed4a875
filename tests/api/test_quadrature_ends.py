"""Integrals whose integrands are singular at an end: QUADPACK extrapolates, derivatives follow."""

import mpmath
import numpy as np
import pytest
import scipy.integrate as si

import adjoint as ad

CASES = {
    "right": (lambda b: si.quad(lambda x: (1 - x) ** (b - 1), 0, 1)[0], lambda b: 1 / b, 1e-7),
    "left": (lambda b: si.quad(lambda x: x ** (b - 1), 0, 1)[0], lambda b: 1 / b, 1e-12),
    "turned": (lambda b: si.quad(lambda x: x ** (b - 1), 1, 0)[0], lambda b: -1 / b, 1e-7),
    "both": (
        lambda b: si.quad(lambda x: x ** (b - 1) * (1 - x) ** (b / 2), 0, 1)[0],
        lambda b: mpmath.beta(b, b / 2 + 1),
        1e-9,
    ),
    "half line": (
        lambda b: si.quad(lambda x: x ** (b - 1) * np.exp(-x), 0, np.inf)[0],
        mpmath.gamma,
        1e-8,
    ),
    "slow decay": (
        lambda b: si.quad(lambda x: (1 + x * x) ** (-b - 0.2), -np.inf, np.inf)[0],
        lambda b: mpmath.sqrt(mpmath.pi) * mpmath.gamma(b - 0.3) / mpmath.gamma(b + 0.2),
        1e-8,
    ),
    "inside, told": (
        lambda b: si.quad(lambda x: abs(x - 0.5) ** (b - 1), 0, 1, points=[0.5])[0],
        lambda b: 2 * mpmath.mpf(0.5) ** b / b,
        1e-7,
    ),
    "moving end": (
        lambda b: si.quad(lambda x: (b - x) ** -0.4, 0, b)[0],
        lambda b: b ** mpmath.mpf("0.6") / mpmath.mpf("0.6"),
        1e-8,
    ),
    "smooth": (lambda b: si.quad(lambda x: np.exp(-b * x), 0, 1)[0],
               lambda b: (1 - mpmath.exp(-b)) / b, 1e-13),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_derivatives_of_singular_integrals(name):
    f, exact, within = CASES[name]
    b = 0.6
    slope = float(mpmath.diff(exact, b))
    curve = float(mpmath.diff(exact, b, 2))
    assert ad.value_and_grad(f)(b)[0] == f(b)
    assert ad.grad(f)(b) == pytest.approx(slope, rel=within)
    assert ad.jvp(f, (b,), (1.0,))[1] == pytest.approx(slope, rel=within)
    if name != "moving end":  # whose second derivative is more singular than its points can tell
        assert ad.grad(ad.grad(f))(b) == pytest.approx(curve, rel=100 * within)
    if name != "both":  # which needs more room than there is inside jit
        assert ad.jit(ad.grad(f))(b) == pytest.approx(slope, rel=within)


def test_a_density_that_is_infinite_at_its_end():
    import scipy.stats as st

    def f(p):
        return st.beta.expect(lambda x: np.tanh(x), args=(p[0], p[1]))

    p = np.array([2.31, 0.627])
    with mpmath.workdps(20):

        def exact(a, b):
            return mpmath.quad(
                lambda x: mpmath.tanh(x) * x ** (a - 1) * (1 - x) ** (b - 1), [0, 0.5, 1]
            ) / mpmath.beta(a, b)

        slopes = [float(mpmath.diff(exact, tuple(p), n)) for n in ((1, 0), (0, 1))]
    np.testing.assert_allclose(ad.grad(f)(p), slopes, rtol=1e-6)
