"""Python's own functions of numbers: followed where values are known, refused elsewhere."""

import cmath
import math
import threading
from math import sin as sine

import numpy as np
import pytest

import adjoint as ad

_ONE = [
    *("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "log10", "sqrt", "asin", "acos"),
    *("atan", "asinh", "atanh", "exp2", "expm1", "log1p", "log2", "cbrt", "fabs", "degrees"),
    *("radians", "gamma", "lgamma", "erf", "erfc"),
]
_SEVERAL = {
    "acosh": lambda x: math.acosh(x + 1),
    "log with a base": lambda x: math.log(x, 3) + math.log(3, x),
    "atan2": lambda x: math.atan2(x, 0.3) + math.atan2(2, x),
    "pow": lambda x: math.pow(x, 2.5) + math.pow(2, x),
    "hypot": lambda x: math.hypot(x, 2 * x, 3.0) + math.hypot(x),
    "dist": lambda x: math.dist([x, 1.0], (2.0, x)),
    "fsum": lambda x: math.fsum(x**k for k in range(4)),
    "remainder": lambda x: math.remainder(x, 0.4) * math.fmod(x, 0.4),
    "parts": lambda x: math.modf(3 * x)[0] * x + math.modf(3 * x)[1] * x,
    "frexp": lambda x: math.frexp(5 * x)[0] + math.frexp(5 * x)[1] * x,
    "ldexp": lambda x: math.ldexp(x, 3) * math.copysign(x, -1.0),
    "by name": lambda x: sine(x) * x,
    "map": lambda x: sum(map(math.sin, [x, 2 * x])),
    "cmath": lambda x: abs(cmath.exp(1j * x) + cmath.sqrt(-x) * cmath.atan(x)),
    "phase": lambda x: cmath.phase(x + 1j) * cmath.polar(x + 2j)[1] * cmath.polar(x + 2j)[0],
    "rect": lambda x: cmath.rect(x, 2 * x).real,
}
_CASES = {**{name: getattr(math, name) for name in _ONE}, **_SEVERAL}


@pytest.mark.parametrize("case", _CASES.values(), ids=list(_CASES))
def test_functions_of_math_have_their_derivatives(case):
    def f(x):
        return case(x)

    x = 0.63
    ad.check_grads(f, (x,), order=2)
    gradient = ad.grad(f)(x)
    assert type(gradient) is float
    assert gradient == pytest.approx((f(x + 1e-6) - f(x - 1e-6)) / 2e-6, rel=1e-7, abs=1e-7)
    assert ad.jvp(f, (x,), (1.0,))[1] == pytest.approx(gradient, rel=1e-12)
    assert ad.value_and_grad(f)(x)[0] == pytest.approx(f(x), rel=1e-14)


def test_results_are_python_numbers_that_follow_arrays():
    def f(a):
        return np.sum(a * math.sin(a[0])) + a.sum() * math.exp(2.0)

    assert ad.grad(f)(np.ones(3, np.float32)).dtype == np.float32


def test_loops_over_elements():
    def f(p):
        out = np.zeros(3)
        for i in range(3):
            out[i] = math.exp(p[i]) * math.cos(p[i - 1])
        return out.sum()

    def g(p):
        return np.sum(np.exp(p) * np.cos(np.roll(p, 1)))

    p = np.array([0.3, -1.0, 2.0])
    np.testing.assert_allclose(ad.grad(f)(p), ad.grad(g)(p), rtol=1e-14)
    np.testing.assert_allclose(ad.hessian(f)(p), ad.hessian(g)(p), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(
    ("f", "error", "text"),
    [
        (lambda x: math.sqrt(x - 2), ValueError, "math domain error|nonnegative"),
        (lambda x: math.exp(x * 1e4), OverflowError, "math range error"),
        (lambda x: math.sin(x * 1j), TypeError, "real number"),
        (lambda x: math.sin(np.ones(2) * x), TypeError, "arrays can be converted"),
    ],
)
def test_what_python_raises_is_raised(f, error, text):
    with pytest.raises(error, match=text):
        f(1.0)
    with pytest.raises(error, match=text):
        ad.grad(f)(1.0)


@pytest.mark.parametrize("transform", [ad.jit, lambda f: ad.vmap(lambda x: f(x[0]))])
def test_where_values_are_not_known_the_line_and_the_remedy_are_named(transform):
    with pytest.raises(
        ad.errors.ConcreteValueError, match=r"math\.sin(.*\n)*.*remedy: use np\.sin"
    ):
        transform(lambda x: math.sin(x))(np.ones((2, 1)))


def test_math_is_pythons_own_afterwards_and_in_other_threads():
    own = math.sin
    seen = []

    def f(x):
        def other():
            seen.append(math.sin(1.0))

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        return math.sin(x)

    assert ad.grad(f)(1.0) == pytest.approx(math.cos(1.0))
    assert seen == [own(1.0)]
    assert math.sin is own
    assert sine is own
