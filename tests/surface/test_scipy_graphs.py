"""scipy.sparse.csgraph on recorded weights: SciPy's choices, and the slopes of what is chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse import csgraph

import adjoint as ad
from adjoint.errors import UnsupportedError

RNG = np.random.default_rng(3)
N = 7
JOINED = RNG.uniform(size=(N, N)) < 0.5
np.fill_diagonal(JOINED, False)
ROWS, COLUMNS = (x.astype(np.int32) for x in np.nonzero(JOINED))
WEIGHTS = RNG.uniform(0.5, 2, len(ROWS))
AWAY = RNG.normal(size=(N, N))


def _finite(x: Any) -> Any:
    return np.where(np.isfinite(x), x, 0.0)


def _sparse(w: Any) -> Any:
    return sp.csr_array((w, (ROWS, COLUMNS)), shape=(N, N))


def _coo(w: Any) -> Any:
    return sp.coo_matrix((w, (ROWS, COLUMNS)), shape=(N, N))


def _dense(w: Any) -> Any:
    g = np.zeros((N, N))
    g[ROWS, COLUMNS] = w
    return g


BEFORE = csgraph.shortest_path(_sparse(WEIGHTS), return_predecessors=True)[1]
CASES: dict[str, Callable[[Any], Any]] = {
    "shortest": lambda g: csgraph.shortest_path(g),
    "undirected": lambda g: csgraph.shortest_path(g, directed=False),
    "floyd": lambda g: csgraph.floyd_warshall(g, False),
    "dijkstra": lambda g: csgraph.dijkstra(g, indices=[2, 0], limit=2.5),
    "one": lambda g: csgraph.dijkstra(g, True, 3),
    "nearest": lambda g: csgraph.dijkstra(g, indices=[1, 4], min_only=True),
    "told": lambda g: csgraph.bellman_ford(csgraph=g, return_predecessors=True)[0],
    "johnson": lambda g: csgraph.johnson(g, indices=0),
    "given ways": lambda g: csgraph.construct_dist_matrix(g, BEFORE),
    "spanning": lambda g: csgraph.minimum_spanning_tree(g).toarray(),
}
KNOWN: dict[str, Callable[[Any], Any]] = {
    "several": lambda g: csgraph.yen(g, 0, 5, 3),
    "breadth": lambda g: csgraph.breadth_first_tree(g, 0).toarray(),
    "depth": lambda g: csgraph.depth_first_tree(g, 0, directed=False).toarray(),
    "reconstructed": lambda g: csgraph.reconstruct_path(g, BEFORE[0]).toarray(),
}


@pytest.mark.parametrize("make", [_sparse, _coo, _dense])
@pytest.mark.parametrize("name", CASES | KNOWN)
def test_what_scipy_chooses_moves(name: str, make: Any) -> None:
    if name not in ("dijkstra", "one", "johnson", "spanning", "breadth") and make is _coo:
        make = _sparse  # SciPy itself takes no other

    def f(w: Any) -> Any:
        return _finite((CASES | KNOWN)[name](make(w)))

    wanted = f(WEIGHTS)
    made, pull = ad.vjp(f, WEIGHTS)
    np.testing.assert_array_equal(made, wanted)
    away = np.resize(AWAY, wanted.shape)
    to = RNG.normal(size=WEIGHTS.shape)
    slope = np.sum(away * (f(WEIGHTS + 1e-6 * to) - f(WEIGHTS - 1e-6 * to))) / 2e-6
    assert abs(slope) > 1e-3
    assert np.sum(away * ad.jvp(f, (WEIGHTS,), (to,))[1]) == pytest.approx(slope, rel=1e-6)
    assert pull(away)[0] @ to == pytest.approx(slope, rel=1e-6)

    def loss(w: Any) -> Any:
        return np.sum(away * f(w) ** 2)

    if name in CASES:
        slopes = ad.grad(loss)(WEIGHTS)
        np.testing.assert_allclose(ad.jit(ad.grad(loss))(WEIGHTS), slopes, rtol=1e-9, atol=1e-12)
        both = ad.vmap(ad.grad(loss))(np.stack([WEIGHTS, WEIGHTS[::-1]]))
        np.testing.assert_allclose(both[0], slopes, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(both[1], ad.grad(loss)(WEIGHTS[::-1].copy()), atol=1e-9)
        moved = ad.hvp(loss, WEIGHTS, to)
        ends = [ad.grad(loss)(WEIGHTS + h * to) for h in (1e-6, -1e-6)]
        np.testing.assert_allclose(moved, (ends[0] - ends[1]) / 2e-6, rtol=1e-5, atol=1e-6)
    else:
        with pytest.raises(UnsupportedError, match="not known"):
            ad.jit(ad.grad(loss))(WEIGHTS)


def test_graphs_between_dense_and_sparse() -> None:
    dense = _dense(WEIGHTS)

    def there(g: Any) -> Any:
        return csgraph.csgraph_from_dense(g).toarray() ** 2

    def back(w: Any) -> Any:
        return csgraph.csgraph_to_dense(_sparse(w), null_value=3.0) ** 2

    np.testing.assert_array_equal(ad.vjp(there, dense)[0], there(dense))
    np.testing.assert_allclose(ad.grad(lambda g: np.sum(there(g)))(dense), 2 * dense)
    np.testing.assert_array_equal(ad.vjp(back, WEIGHTS)[0], back(WEIGHTS))
    np.testing.assert_allclose(ad.jit(ad.grad(lambda w: np.sum(back(w))))(WEIGHTS), 2 * WEIGHTS)


def test_labels_and_matchings_are_read_where_values_are_known() -> None:
    def f(w: Any) -> Any:
        g = _dense(w) + 10.0
        rows, columns = csgraph.min_weight_full_bipartite_matching(sp.csr_array(g))
        count, _ = csgraph.connected_components(_sparse(w))
        return np.sum(g[rows, columns]) * count

    slope = ad.grad(f)(WEIGHTS)
    to = RNG.normal(size=WEIGHTS.shape)
    wanted = (f(WEIGHTS + 1e-6 * to) - f(WEIGHTS - 1e-6 * to)) / 2e-6
    assert slope @ to == pytest.approx(wanted, rel=1e-6)


def test_of_edges_side_by_side_the_shortest_counts() -> None:
    starts, to = np.array([0, 2, 3, 3]), np.array([1, 1, 2])

    def f(w: Any) -> Any:
        g = sp.csr_array((w, to, starts), shape=(3, 3))
        return csgraph.csgraph_to_dense(g)[0, 1] + csgraph.dijkstra(g, indices=0)[2]

    w = np.array([3.0, 1.0, 2.0])
    assert ad.vjp(f, w)[0] == f(w) == 4.0
    np.testing.assert_array_equal(ad.grad(f)(w), [0.0, 2.0, 1.0])
