"""Colours of sparse matrices: few, and every entry can be read."""

import numpy as np
import pytest
from scipy import sparse

from adjoint.differentiate.colouring import colour_lines, star_colours, star_entries


def _places(matrix):
    full = sparse.csr_array((matrix + matrix.T) != 0)
    full.sort_indices()
    return np.repeat(np.arange(full.shape[0]), np.diff(full.indptr)), full.indices


def _beside(m):
    return sparse.diags_array([np.ones(m - 1)], offsets=[1], shape=(m, m))


def _grid(m, n):
    flat = sparse.kron(sparse.eye_array(m), _beside(n)) + sparse.kron(_beside(m), np.eye(n))
    return flat + sparse.eye_array(m * n)


def _arrow(n):
    matrix = sparse.lil_array((n, n))
    matrix[-1, :] = 1
    matrix.setdiag(1)
    return matrix.tocsr()


@pytest.mark.parametrize(
    ("matrix", "columns", "star"),
    [
        (sparse.eye_array(7), 1, 1),
        (_beside(50), 2, 3),
        (_beside(50) + sparse.eye_array(50), 3, 3),
        (_grid(13, 17), 7, 6),
        (_arrow(40), 40, 2),
        (_arrow(40) + _beside(40), 40, 4),
        (sparse.csr_array((0, 0)), 0, 0),
    ],
    ids=["diagonal", "path", "band", "grid", "arrow", "arrow and band", "nothing"],
)
def test_stars_need_fewer(matrix, columns, star):
    n = matrix.shape[0]
    rows, cols = _places(matrix)
    assert colour_lines(rows, cols, (n, n))[1] == columns
    colours, count = star_colours(rows, cols, n, 99)
    assert count == star
    assert len(colours) == n


def test_every_entry_is_read_from_the_products(rng):
    for k in range(200):
        n = int(rng.integers(1, 16))
        rows, cols = _places(sparse.csr_array(rng.random((n, n)) < 0.6 * rng.random()))
        dense = np.zeros((n, n))
        dense[rows, cols] = np.where(rows < cols, 1, 0)
        dense *= rng.normal(size=(n, n))
        dense += dense.T
        dense[rows[rows == cols], rows[rows == cols]] = 1.0 + k
        colours, count = star_colours(rows, cols, n, 99)
        products = (dense @ np.eye(count)[colours]).T
        product, target = star_entries(rows, cols, colours, n)
        np.testing.assert_array_equal(products[product, target], dense[rows, cols])


def test_it_gives_up_at_the_bound():
    rows, cols = _places(_grid(5, 6))
    assert star_colours(rows, cols, 30, 5) == (None, 5)
    assert star_colours(rows, cols, 30, 6)[1] == 5
