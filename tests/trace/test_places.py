"""``np.nonzero`` and its relatives where values are not known, and places given as arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import ConcreteValueError

X = np.array([[0.7, -0.3, 0.0], [-1.2, 2.5, -0.4]])
V = np.array([0.5, -1.5, 2.5, 0.7, -0.2])


def read(x: Any) -> Any:
    return (
        x[np.where(x > 0)].sum() + np.log(x[np.nonzero(x > 0.1)]).sum() + (x > 0).nonzero()[0].size
    )


def written(x: Any) -> Any:
    y = x * 2
    y[np.nonzero(y > 1)] *= 3
    i, j = np.where(y < 0)
    y[i, j] = -(x[i, j] ** 2)
    return y


def rows(x: Any) -> Any:
    y = x.copy()
    i = np.flatnonzero(x.sum(axis=1) > 0)
    y[i] = y[i] * np.array([1.0, 2.0, 3.0])
    y[i, 1] += 5
    return y + x[i].mean(axis=0) + x[i, 2].max()


def columns(x: Any) -> Any:
    (j,) = np.nonzero(x[0] < 0.5)
    y = x * 1.0
    y[:, j] += 1
    y[1, j] *= x[0, j]
    return y + x[..., j].sum(axis=1, keepdims=True)


def neighbours(x: Any) -> Any:
    i = np.where(x[:-1] * x[1:] < 0)[0]
    t = x[i] / (x[i] - x[i + 1])
    y = x * 1.0
    y[i + 1] -= 2 * x[i]
    y[i] = t
    return y + np.sum(i + t)


def added(x: Any) -> Any:
    y = np.zeros(7)
    i = np.flatnonzero(x > 0)
    np.add.at(y, i, x[i] ** 2)
    np.add.at(y, i + 1, x[i])
    np.subtract.at(y, np.flatnonzero(x < 0) * 0, 2.0)
    np.maximum.at(y, i + 2, 0.1)
    np.multiply.at(y, i, 3 * x[i])
    return y


def whole(x: Any) -> Any:
    y = np.sin(x)
    np.add.at(y, np.nonzero(x > 0), x[x > 0])
    np.add.at(y, x < 0, 1.0)
    return y


def taken(x: Any) -> Any:
    y = np.compress(x.sum(axis=0) > 0.1, x, axis=1).sum(axis=1)
    return y + np.extract(x > 0, x).prod() + x.compress([True, False, True]).sum()


def listed(x: Any) -> Any:
    p = np.argwhere(x > 0)
    return x[p[:, 0], p[:, 1]].sum() + np.sum(p**2) + (x > 5).nonzero()[1].sum()


def spaced(x: Any) -> Any:
    grid = np.linspace(0, 1, 5)
    i = np.where(x > 0)[0]
    return (
        np.trapezoid(np.where(x > 0, x, 0), grid) + np.sum(grid[i] * x[i]) + np.where(x > 9)[0].size
    )


CASES = [(f, X) for f in (read, written, rows, columns, whole, taken, listed)]
CASES += [(f, V) for f in (neighbours, added, spaced)]


@pytest.mark.parametrize(("f", "x"), CASES, ids=lambda v: getattr(v, "__name__", ""))
def test_as_numpy(f: Any, x: Any) -> None:
    if f is spaced:
        f = _with_places_inside
    wanted, other = f(x.copy()), f(1.1 * x[::-1])
    np.testing.assert_allclose(ad.jit(f)(x), wanted, rtol=1e-14, atol=1e-15)
    batch = ad.vmap(f)(np.stack([x, 1.1 * x[::-1]]))
    np.testing.assert_allclose(batch, [wanted, other], rtol=1e-13, atol=1e-14)

    def total(x: Any) -> Any:
        y = f(x)
        return np.sum(y * np.cos(np.arange(np.size(y)).reshape(np.shape(y)) + x.flat[0]))

    gradient = ad.grad(total)(x)
    h = 1e-6
    t = np.linspace(0.3, 1, x.size).reshape(x.shape) * (x != 0)
    slope = (total(x + h * t) - total(x - h * t)) / (2 * h)
    assert np.sum(gradient * t) == pytest.approx(slope, rel=1e-6, abs=1e-7)
    np.testing.assert_allclose(ad.jit(ad.grad(total))(x), gradient, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(
        ad.vmap(ad.grad(total))(x[None])[0], gradient, rtol=1e-12, atol=1e-13
    )
    pushed = ad.jit(lambda x: ad.jvp(total, (x,), (t,))[1])(x)
    np.testing.assert_allclose(pushed, np.sum(gradient * t), rtol=1e-11)
    np.testing.assert_allclose(
        ad.jit(ad.hessian(total))(x), ad.hessian(total)(x), rtol=1e-11, atol=1e-12
    )


def _with_places_inside(x: Any) -> Any:
    grid = np.linspace(0, 1, 5)
    i = np.where(x > 0)[0]
    return np.sum(grid[i] * x[i]) + np.where(x > 9)[0].size


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.zeros(len(np.nonzero(x > 0)[0])) + x.sum(),
        lambda x: x[np.nonzero(x > 0)],
        lambda x: sum(x[i, j] for i, j in zip(*np.nonzero(x > 0), strict=True)),
        lambda x: [x[i, 0] for i in np.flatnonzero(x[:, 0] > 0)],
        lambda x: x[np.nonzero(x > 0)] + x[np.nonzero(x < 0)],
        lambda x: X[np.nonzero(x > 0)[0]].sum() + x[0, 0],
    ],
)
def test_what_needs_the_number_is_refused_with_the_line(f: Any) -> None:
    with pytest.raises(ConcreteValueError, match=r"mask picks a number(.|\n)*test_places"):
        ad.jit(f)(X)


def test_places_beyond_the_end() -> None:
    with pytest.raises(IndexError):
        ad.jit(lambda x: x[np.flatnonzero(x > 0) + 3].sum())(V)


FORMS = [np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.fmax]


@pytest.mark.parametrize("ufunc", FORMS, ids=lambda u: u.__name__)
@pytest.mark.parametrize(
    "places", [np.array([0, 2, 2, -1, 0]), np.array([1, 0, 3, -4, 2])], ids=str
)
def test_at_places_that_are_arguments(ufunc: Any, places: Any) -> None:
    def f(y: Any, i: Any, v: Any) -> Any:
        a = np.array(y)
        ufunc.at(a, i, v)
        ufunc.at(a, i[:2], 1.25)
        return a

    y = np.array([1.0, -2.0, 0.5, 4.0])
    wanted = f(y, places, V)
    np.testing.assert_allclose(ad.jit(f)(y, places, V), wanted, rtol=1e-14)
    np.testing.assert_allclose(
        ad.vmap(f)(np.stack([y, y + 1]), np.stack([places, places]), np.stack([V, V]))[0], wanted
    )
    w = np.arange(1.0, 5.0)
    for k in (0, 2):
        slopes = ad.grad(lambda *a: f(*a) @ w, k)(y, places, V)
        got = ad.jit(ad.grad(lambda *a: f(*a) @ w, k))(y, places, V)
        np.testing.assert_allclose(got, slopes, rtol=1e-13)


def test_other_ufuncs_at_unknown_places_are_refused() -> None:
    def f(i: Any) -> Any:
        a = np.ones(3)
        np.power.at(a, i, 2.0)
        return a

    with pytest.raises(ConcreteValueError, match=r"np\.power\.at"):
        ad.jit(f)(np.array([0, 1]))
