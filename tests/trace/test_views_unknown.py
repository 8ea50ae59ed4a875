"""Views of views where values are not known: a write goes where NumPy's would go."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.graph import evaluate

X = np.array([0.1, -0.2, 0.3, 0.4])


def _flat_of_a_transpose(x: Any) -> Any:
    a = np.zeros((2, 3))
    a[0] = x[:3]
    a.T.ravel()[:] = 5.0  # a copy: nothing arrives
    a[:, ::-1].reshape(-1)[:] = 6.0  # a copy too
    return a


def _flat_of_a_column(x: Any) -> Any:
    a = np.zeros((3, 2))
    a[:, 0] = x[:3]
    a[:, 1:].reshape(3)[...] = x[1:]  # a view with a stride
    a[:, 1:].ravel()[...] = 7.0  # a copy: ravel gives contiguous memory only
    return a


def _flat_in_columns(x: Any) -> Any:
    a = np.zeros((2, 3))
    a.T.reshape(6, order="F")[4:] = x[:2]
    a.T.ravel("F")[0] = x[3]
    a.reshape(6, order="F")[0] = 9.0  # a copy
    return a


@pytest.mark.parametrize("f", [_flat_of_a_transpose, _flat_of_a_column, _flat_in_columns])
def test_writes_through_reshaped_views(f: Any) -> None:
    want = f(X)
    np.testing.assert_array_equal(ad.jit(f)(X), want)
    np.testing.assert_array_equal(ad.vmap(f)(np.stack([X, 2 * X])), [want, f(2 * X)])
    value, gradient = ad.value_and_grad(lambda x: f(x).sum())(X)
    np.testing.assert_array_equal(value, want.sum())
    np.testing.assert_array_equal(ad.jit(ad.grad(lambda x: f(x).sum()))(X), gradient)


def _random_chain(seed: int) -> Any:
    """Views of views, chosen by a seed, written to on the way."""

    def f(x: Any) -> Any:
        rng = np.random.default_rng(seed)
        a = np.zeros((2, 3, 4))
        a[:] = x[0]
        a[1, :, 2] = x[1:4]
        b: Any = a
        for _ in range(rng.integers(1, 6)):
            choice = rng.integers(8)
            if choice == 0:
                b = b.T
            elif choice == 1:
                b = b.reshape(-1)
            elif choice == 2:
                b = b[::-1]
            elif choice == 3 and b.size % 2 == 0:
                b = b.reshape(b.size // 2, 2)
            elif choice == 4:
                b = b.swapaxes(0, -1)
            elif choice == 5 and b.ndim > 1:
                b = b[:, 1:] if b.shape[1] > 1 else b[0]
            elif choice == 6:
                b = b[..., None].squeeze()
            else:
                b = b.ravel("FCAK"[rng.integers(4)])
            if b.ndim == 0:
                break
            if rng.integers(2):
                b[...] = b * 2 + x[0]
        b[...] = b + 1
        return a

    return f


@pytest.mark.parametrize("seed", range(150))
def test_random_chains_of_views(seed: int) -> None:
    f = _random_chain(seed)
    want = f(X)
    np.testing.assert_array_equal(evaluate(ad.trace(f, X), [X])[0], want)
    value, gradient = ad.value_and_grad(lambda x: f(x).sum())(X)
    np.testing.assert_array_equal(value, want.sum())
    again = evaluate(ad.trace(ad.grad(lambda x: f(x).sum()), X), [X])[0]
    np.testing.assert_array_equal(again, gradient)
