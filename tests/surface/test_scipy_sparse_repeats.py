"""Sparse matrices with recorded elements of which some share a place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import adjoint as ad
from adjoint.errors import UnsupportedError

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


PLACED = {
    "coo": lambda w, j: sp.coo_matrix((w, (np.arange(4), j)), shape=(4, 5)),
    "csr": lambda w, j: sp.csr_matrix((w, (range(4), j)), shape=(4, 5)),
    "rows of a csr": lambda w, j: sp.csr_array((w, j, [0, 1, 2, 3, 4]), shape=(4, 5)),
    "list": lambda w, j: sp.csc_matrix((w, (range(4), [j[0], j[1], j[2], j[3]])), shape=(4, 5)),
    "plain elements": lambda w, j: sp.csr_matrix((np.ones(4), (range(4), j)), (4, 5)).multiply(
        w[0]
    ),
}


@pytest.mark.parametrize("name", PLACED)
@pytest.mark.parametrize("whole", [True, False])
def test_places_computed_from_recorded_values(name: str, whole: bool) -> None:
    """Particles between the points of a grid: where they are decides which points take part."""

    def f(x: Any) -> Any:
        j = np.floor(x)
        w = x - j
        A = PLACED[name](w, j.astype(int) if whole else j)
        return np.sum((A @ np.arange(1.0, 6.0)) ** 2)

    x = np.array([0.3, 2.6, 1.1, 3.9])
    assert float(ad.vjp(f, x)[0]) == float(f(x))
    ad.check_grads(f, (x,), order=2)
    with pytest.raises(UnsupportedError, match="not known"):
        ad.jit(f)(x)
