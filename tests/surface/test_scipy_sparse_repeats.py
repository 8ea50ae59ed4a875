"""Sparse matrices with recorded elements of which some share a place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import adjoint as ad

ROWS, COLUMNS = np.array([0, 0, 2, 3, 0, 2]), np.array([0, 0, 2, 3, 2, 2])
ELEMENTS = np.array([4.0, 5.0, -6.0, 7.0, 1.0, 1.5])


def _check(f: Any) -> None:
    weights = np.arange(1.0, 1 + np.size(f(ELEMENTS))).reshape(np.shape(f(ELEMENTS)))

    def total(t: Any) -> Any:
        return np.sum(f(t) * weights)

    made, slope = ad.value_and_grad(total)(ELEMENTS)
    assert made == pytest.approx(total(ELEMENTS), rel=1e-12)
    steps = 1e-6 * np.eye(6)
    wanted = [(total(ELEMENTS + s) - total(ELEMENTS - s)) / 2e-6 for s in steps]
    np.testing.assert_allclose(slope, wanted, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(ad.jit(ad.grad(total))(ELEMENTS), slope, rtol=1e-12)


@pytest.mark.parametrize("form", ["coo", "csr", "csc"])
@pytest.mark.parametrize("kind", [sp.coo_array, sp.csr_array, sp.csc_matrix])
def test_elements_of_one_place_are_one(form: str, kind: Any) -> None:
    def made(t: Any) -> Any:
        return kind((t, (ROWS, COLUMNS)), shape=(4, 5)).asformat(form)

    _check(lambda t: made(t).power(2).toarray())
    _check(lambda t: abs(made(t)).toarray())
    _check(lambda t: made(t) @ np.arange(1.0, 6.0))
    if form != "coo":
        _check(lambda t: made(t).data ** 2)
        assert ad.vjp(lambda t: t * made(t).nnz, ELEMENTS)[0][0] == 4 * ELEMENTS[0]


def test_rows_that_were_given_stay_as_they_are() -> None:
    starts = np.array([0, 3, 4, 6])
    _check(lambda t: sp.csr_array((t, COLUMNS, starts), shape=(3, 5)).data ** 2)
    _check(lambda t: sp.csr_array((t, COLUMNS, starts), shape=(3, 5)).toarray())
