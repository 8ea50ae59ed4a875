"""Masks whose values are not known: inside jit, vmap and scan, as in plain NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import ConcreteValueError, ConversionError

X = np.array([[0.7, -0.3, 0.0], [-1.2, 2.5, -0.4]])


def clamp(x: Any) -> Any:
    y = x.copy()
    y[y < 0] = 0
    return y


def leak(x: Any) -> Any:
    y = x * 2
    y[y < 0] *= 0.1
    y[y > 1] = np.log(y[y > 1]) + 1
    return y


def mixed(x: Any) -> Any:
    a, b = x**2, np.sin(x)
    m = a > b
    a[m] = b[m] * a[m] - 3
    a[~m] -= b[~m]
    return a


def rows(x: Any) -> Any:
    y = x * 1.0
    good = x.sum(axis=1) > 0.5
    y[good] = y[good] * np.array([1.0, 2.0, 3.0]) + 1
    y[good, :] /= 2
    return y + y[good].sum(axis=0)


def reduced(x: Any) -> Any:
    p = x[x > -0.35]
    return p.sum() * p.mean() + np.log(p + 1).sum() + p.std() + p.var(ddof=1) + p.size + p @ p


def within(x: Any) -> Any:
    y = x[x > -0.5] * 2
    y[y > 1] = 1
    z = np.zeros_like(x)
    z[x > -0.5] = y
    return z


def made_inside(x: Any) -> Any:
    z = np.full((2, 3), 7)
    z[x < 0] = 2.9  # an integer array cuts the fraction off
    return z + x


def any_and_all(x: Any) -> Any:
    return np.any(x[x > 0] > 2) + 2.0 * np.all(x[x < 0] < -0.3) + np.prod(x[x != 0])


def logs_where_positive(x: Any) -> Any:
    y = np.zeros_like(x)
    m = x > 0
    y[m] = np.sqrt(x[m]) + np.log(x[m])
    return y


def extremes(x: Any) -> Any:
    p = np.round(x[x < 1] * 10)
    q = np.where(p > 2, p, -p).clip(-4, 3) + np.clip(p, -1, 1)
    return q.sum() + x[x > 0].min() + np.max(p / 3) + np.min(x[x.sum(axis=1) > -0.7], axis=0)


def columns(x: Any) -> Any:
    y = x * 1.0
    good = x.sum(axis=0) > -0.45
    y[:, good] *= np.array([[2.0], [3.0]])
    y[1, good] = 7 * y[0, good] + 1
    y[good[:2], 2] -= 4
    return y + y[:, good].sum(axis=1, keepdims=True) + (y[None, 0, good] ** 2).mean()


def apart(x: Any) -> Any:
    z = np.stack([x, 2 * x, np.sin(x)])  # (3, 2, 3)
    good = x[:, 0] < 0.1
    p = z[1, :, x[0] > 0]  # NumPy puts the picked axis first
    z[0, good, 1:] = z[2, good, :-1] + 1
    z[1, :, x[1] < 0] = 5
    q = z[..., good, :]
    q[0, :, 1] = 9
    return z.sum(axis=0) + p.sum(axis=0)[:, None] + np.max(q) + q[:, :, 0].sum() + q.size


def numbers(x: Any) -> Any:
    m = x[0, 0] > 0  # a mask of no axes
    y = x[0].copy()
    y[m] = y[m] * 2
    return x + y[~m].sum() + y


FUNCTIONS = [
    columns, apart, numbers, extremes,
    clamp, leak, mixed, rows, reduced, within, made_inside, any_and_all, logs_where_positive
]  # fmt: skip


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_as_numpy(f: Any) -> None:
    want = f(X)
    np.testing.assert_allclose(ad.jit(f)(X), want, rtol=1e-14)
    np.testing.assert_allclose(ad.vmap(f)(np.stack([X, -X])), [want, f(-X)], rtol=1e-14)

    def total(x: Any) -> Any:
        return np.sum(f(x) * np.cos(x))

    expected = ad.grad(total)(X)
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(ad.jit(ad.grad(total))(X), expected, rtol=1e-13)
    np.testing.assert_allclose(ad.vmap(ad.grad(total))(X[None])[0], expected, rtol=1e-13)
    direction = np.arange(6.0).reshape(2, 3)
    slope = ad.jit(lambda x: ad.jvp(total, (x,), (direction,))[1])(X)
    np.testing.assert_allclose(slope, np.sum(expected * direction), rtol=1e-12)
    want_h, got_h = ad.hessian(total)(X), ad.jit(ad.hessian(total))(X)
    np.testing.assert_allclose(got_h, want_h, rtol=1e-12, atol=1e-12)


def test_empty_selections() -> None:
    def f(x: Any) -> Any:
        picked = x[x > 100]
        return picked.sum(), picked.prod(), picked.size, np.any(picked)

    assert [float(v) for v in ad.jit(f)(X)] == [0.0, 1.0, 0.0, 0.0]


def test_the_largest_of_none() -> None:
    with pytest.raises(IndexError):
        ad.jit(lambda x: x[x > 100].max())(X)


def test_inside_a_loop() -> None:
    def f(x: Any) -> Any:
        for _ in range(4):
            x = x * 1.5
            x[x > 2] -= 2
        return x

    np.testing.assert_allclose(ad.jit(f)(X), f(X.copy()), rtol=1e-14)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: len(x[x > 0]),
        lambda x: np.sort(x[x > 0]),
        lambda x: x[x > 0] + x[x < 0],
        lambda x: x[x > 0] + x.ravel(),
        lambda x: np.concatenate([x[x > 0], x[x < 0]]),
        lambda x: list(x[x > 0]),
        lambda x: x[x > 0],
        lambda x: np.median(x[x > 0]),
        lambda x: x[x > 0].argmax(),
    ],
)
def test_what_needs_the_number_is_refused(f: Any) -> None:
    with pytest.raises(ConcreteValueError, match="mask picks a number of elements"):
        ad.jit(f)(X)


def test_a_mask_of_another_shape() -> None:
    with pytest.raises(IndexError, match="boolean index did not match"):
        ad.jit(lambda x: x[x[:, :2] > 0].sum())(X)


def test_an_empty_mask_of_several_axes_for_an_array_from_outside():
    outside, rows = np.ones((0, 3)), np.ones((2, 0, 3))

    def empty(x, shape):
        return np.ones(shape) * x > 0.0

    with pytest.raises(ConversionError, match=r"take it in first"):
        ad.jvp(lambda x: outside[empty(x, (0, 3))] * x, (1.0,), (1.0,))
    value = ad.jvp(lambda x: rows[:, empty(x, (0,))] * x, (1.0,), (1.0,))[0]
    assert value.shape == (2, 0, 3)
