"""Results whose values are not known lie in memory as NumPy's: views of them, and copies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import adjoint as ad

A = np.arange(6.0).reshape(2, 3) / 4
PLACES = np.array([0, 2])
MADE: dict[str, Any] = {
    "array": lambda x: np.array(x.T),
    "copy": lambda x: np.copy(x.T),
    "copy in order": lambda x: x.T.copy(),
    "cast": lambda x: x.T.astype(np.float32),
    "one operand": lambda x: np.sin(x.T),
    "positive": lambda x: +x.T,
    "both turned": lambda x: x.T + x.T,
    "one turned": lambda x: x.T + np.ones((3, 2)),
    "three": lambda x: np.clip(x.T, 0, 1),
    "where": lambda x: np.where(x.T > 0, x.T, 0.0),
    "zeros like": lambda x: np.zeros_like(x.T) + 1,
    "full like": lambda x: np.full_like(x.T, 2.0) + x.T,
    "columns": lambda x: x[:, PLACES],
    "columns computed": lambda x: np.sin(x[:, PLACES]),
    "take": lambda x: np.take(x, PLACES, axis=1),
    "repeat": lambda x: np.repeat(x, 2, axis=1),
    "pad": lambda x: np.pad(x.T, 1),
    "pad of an edge": lambda x: np.pad(x, 1, mode="edge"),
    "sort": lambda x: np.sort(x.T, axis=0),
    "running sum": lambda x: np.cumsum(x.T, axis=0),
    "sum": lambda x: np.sum(x[None].T, axis=2),
    "mean": lambda x: np.mean(np.stack([x, x]).T, axis=1),
    "roll": lambda x: np.roll(x.T, 1),
    "flip": lambda x: np.flip(x.T) * 1,
    "delete": lambda x: np.delete(x, 1, axis=1),
    "stack": lambda x: np.stack([x.T, x.T]),
    "beside": lambda x: np.concatenate([x.T, x.T], axis=1),
    "einsum": lambda x: np.einsum("ij->ji", x) * 1,
    "product": lambda x: x.T @ x,
    "stretched": lambda x: np.broadcast_to(x.T, (2, 3, 2)) * 1,
    "along an axis": lambda x: np.array(np.apply_along_axis(lambda row: row * 2, 0, x)),
}


@pytest.mark.parametrize("name", MADE)
def test_writes_through_views_arrive_where_numpys_do(name: str) -> None:
    made = MADE[name]

    def f(x: Any) -> Any:
        whole = made(x)
        line = whole.reshape(-1)  # a view, or a copy
        line[:2] = 50.0
        return whole

    def total(x: Any) -> Any:
        return np.sum(f(x) ** 2)

    want = f(A)
    gradient = ad.grad(total)(A)
    ahead = [ad.jvp(total, (A,), (way,))[1] for way in np.eye(6).reshape(6, 2, 3)]
    assert np.allclose(np.reshape(ahead, (2, 3)), gradient)
    assert np.array_equal(ad.vjp(f, A)[0], want)
    for found in (ad.jit(f)(A), ad.vmap(f)(A[None])[0]):
        assert np.allclose(found, want)
    for found in (ad.jit(ad.grad(total))(A), ad.vmap(ad.grad(total))(A[None])[0]):
        assert np.allclose(found, gradient)


def test_orders_of_copies_are_known() -> None:
    def f(x: Any) -> Any:
        turned = np.exp(x.T)
        return (
            turned.ravel("K"),
            turned.flatten("A"),
            turned.ravel("C"),
            turned.copy("A").ravel("K"),
        )

    for found, want in zip(ad.jit(f)(A), f(A), strict=True):
        assert np.allclose(found, want)
