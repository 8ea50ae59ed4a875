"""Products of operands that lie in memory in odd ways have NumPy's bits: its dot and its matmul
sum in other orders there."""

from itertools import product
from typing import Any

import numpy as np
import pytest

import adjoint as ad

LAYOUTS = {
    "reversed columns": (slice(None), slice(None, None, -1)),
    "reversed rows": (slice(None, None, -2), slice(None)),
    "every second": (slice(None, None, 2), slice(None, None, 2)),
    "every third, reversed": (slice(None, None, 3), slice(None, None, -1)),
    "inner block": (slice(5, 40), slice(3, 43)),
}
PRODUCTS = {
    "dot": lambda a, b: np.dot(a, b),
    "matmul": lambda a, b: a @ b,
    "dot with a column": lambda a, b: np.dot(a, b[:, 3]),
    "matmul with a row": lambda a, b: a @ b[3],
    "dot of rows": lambda a, b: np.dot(a[3], b[4]),
    "dot of a column and a row": lambda a, b: np.dot(a[:, 3], b[3]),
    "tensordot": lambda a, b: np.tensordot(a, b, axes=([0], [1])),
    "dot of one row again and again": lambda a, b: np.dot(np.broadcast_to(a[3], (30, 30)), b),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
@pytest.mark.parametrize("name", PRODUCTS)
def test_bits(name, dtype):
    rng = np.random.default_rng(0)
    data = (rng.standard_normal((90, 90)) * (1 + 2j if dtype is np.complex128 else 1)).astype(dtype)
    for left, right in product(LAYOUTS.values(), repeat=2):

        def f(x):
            return PRODUCTS[name](x[left][:30, :30], x[right][:30, :30])  # noqa: B023

        np.testing.assert_array_equal(ad.jvp(f, (data,), (data,))[0], f(data), str((left, right)))


VIEWS = [
    lambda A: A[3],
    lambda A: A[:, 3],
    lambda A: A[1:-1, 1:-1],
    lambda A: A[::2, ::2],
    lambda A: A.T[1:6, 2:9],
    lambda A: A[:, ::-1],
    lambda A: np.diagonal(A),
    lambda A: A.reshape(3, 48)[:, 3:7],
]


@pytest.mark.parametrize("row", ["none", "one", "loop"])
@pytest.mark.parametrize("view", VIEWS, ids=lambda f: str(f.__code__.co_firstlineno))
def test_views_of_written_arrays_are_multiplied_as_they_lie(row: str, view: Any) -> None:
    w = np.linspace(-0.3, 1.7, 12)

    def f(B: Any) -> Any:
        A = B * 1.0
        if row == "one":
            A[2, 3] = 5 * A[1, 1]
        if row == "loop":
            for i in range(1, 5):
                A[i] = A[i - 1] * 0.5 + A[i]
        V = view(A)
        v = w[: V.shape[-1]]
        sums = [
            V @ v,
            np.dot(V, v),
            np.vdot(V, V),
            np.inner(V, V),
            V.T @ V,
            np.einsum("...i,i", V, v),
        ]
        return np.concatenate([np.ravel(x) for x in sums])

    for seed in range(6):
        B = np.random.default_rng(seed).standard_normal((12, 12))
        assert np.array_equal(ad.vjp(f, B)[0], f(B))
