"""Arrays from outside keep for the derivative what they held when they met a recorded value."""

import pickle
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import ConversionError, LeakedArrayError
from adjoint.trace.keeping import fingerprint

LARGE = np.arange(1.0, 20_001)
LARGEST = np.arange(1.0, 2_200_001)


def item(a):
    x = LARGE * 2
    y = a * x
    x[0] = 5.0
    return y[0] ** 2 + x[0]


def whole(a):
    x = LARGE.reshape(100, 200) * 2
    total = 0.0
    for _ in range(3):
        total += (a * x[:2].T)[0, 1] * (a * x)[0, 1]
        x *= 5
    return total


def adopted(a):
    x = LARGE * 2
    y = a * x
    z = a * x[::2]
    x[0] = a
    return y[0] ** 2 + x[0] * z[0] ** 2


def back_again(a):
    x = LARGE * 2
    y = np.sin(a * x)[1]
    x += 1
    z = np.sin(a * x)[1]
    x -= 1
    return y * z * np.sin(a * x)[0]


@pytest.mark.parametrize("f", [item, whole, adopted, back_again])
def test_later_writes_do_not_reach_the_derivative(f):
    value, slope = ad.value_and_grad(f)(1.3)
    h = 1e-5
    assert value == f(1.3)
    assert slope == pytest.approx((f(1.3 + h) - f(1.3 - h)) / (2 * h), rel=1e-7)
    assert ad.jit(ad.grad(f))(1.3) == pytest.approx(slope, rel=1e-13)
    assert ad.jit(f)(1.3) == pytest.approx(value, rel=1e-13)
    _, dot = ad.jvp(f, (1.3,), (1.0,))
    assert dot == pytest.approx(slope, rel=1e-13)


def written_between(a):
    x = LARGEST * 2
    y = a * x
    x *= 5
    return (y * a * x)[0]


def test_the_largest_are_not_copied_and_their_changes_are_refused():
    def f(a, copies):
        x = LARGEST * 2
        y = a * (x.copy() if copies else x)
        x[0] = 5.0
        return y[0] ** 2 + x[0]

    assert ad.grad(f)(1.3, True) == pytest.approx(10.4)
    with pytest.raises(ConversionError, match=r"use a copy of it here: x\.copy\(\)") as caught:
        ad.grad(f)(1.3, False)
    assert "x.copy() if copies else x" in str(caught.value)
    with pytest.raises(ConversionError, match=r"use a copy of it here: x\.copy\(\)"):
        ad.grad(written_between)(1.3)
    assert ad.grad(lambda a: (a * LARGEST)[0] + (a * LARGEST.reshape(2, -1).T)[0, 0])(1.3) == 2


@pytest.mark.parametrize("x", [LARGE, LARGE.reshape(100, 200).T, LARGE[::3], LARGE > 7])
def test_fingerprints_tell_elements_and_their_places_apart(x):
    before = fingerprint(x)
    other = x.copy("K")
    assert fingerprint(other) == before
    other[[0, 1]] = other[[1, 0]] if x.dtype == float else ~other[[0, 1]]
    assert fingerprint(other) != before
    last = x.copy("K")
    last[-1] = x[-2] * 3 if x.dtype == float else ~last[-1]
    assert fingerprint(last) != before


class Lazy:
    """Makes its array when it is first called, and writes it in every call."""

    def __init__(self):
        self.held = None

    def __call__(self, x):
        if self.held is None:
            self.held = np.zeros(3)
        self.held[:] = x
        self.held[1] *= x[0]
        return (self.held**2).sum()


def test_an_array_kept_from_an_earlier_call_is_written_anew():
    x, wanted = np.array([1.5, 2, 3]), [2 * 1.5 + 2 * 4 * 1.5, 2 * 2 * 2.25, 6]
    f = Lazy()
    value, pull = ad.vjp(f, x)
    np.testing.assert_allclose(ad.grad(f)(x), wanted, rtol=1e-15)
    assert f(x) == Lazy()(x) == value
    assert f(2 * x) == Lazy()(2 * x)
    np.testing.assert_allclose(pull(1.0)[0], wanted, rtol=1e-15)  # has its own values
    np.testing.assert_allclose(ad.grad(f)(x), wanted, rtol=1e-15)
    second = ad.hvp(f, x, np.ones(3))
    np.testing.assert_allclose(second, ad.hvp(Lazy(), x, np.ones(3)), rtol=1e-14)

    def outer(x):
        g = Lazy()
        return (ad.grad(g)(x) ** 2).sum() + g(x) * x[2]

    def fresh(x):
        return (ad.grad(Lazy())(x) ** 2).sum() + Lazy()(x) * x[2]

    np.testing.assert_allclose(ad.grad(outer)(x), ad.grad(fresh)(x), rtol=1e-14)


@pytest.mark.parametrize("use", [float, np.array, lambda x: np.mean([x, x]), pickle.dumps])
def test_what_left_a_recording_says_so_wherever_it_is_used(use: Any) -> None:
    kept: list[Any] = []

    def f(x: Any) -> Any:
        kept.append(np.sum(x))
        return kept[-1] ** 2

    ad.grad(f)(np.ones(2))
    with pytest.raises(LeakedArrayError, match="after it had ended"):
        use(kept[0])
