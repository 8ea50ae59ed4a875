"""Donated arguments: results lie in their memory, and are right all the same."""

import tracemalloc
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import StructureError


def momentum(state: Any, slopes: Any) -> Any:
    return {
        name: (w - 0.1 * (0.9 * v + g), 0.9 * v + g)
        for (name, (w, v)), g in zip(state.items(), slopes, strict=True)
    }


def drawn(seed: int) -> Any:
    rng = np.random.default_rng(seed)
    state = {
        "a": (rng.standard_normal((3, 4)), rng.standard_normal((3, 4))),
        "b": (rng.standard_normal(7), rng.standard_normal(7)),
    }
    return state, [rng.standard_normal((3, 4)), rng.standard_normal(7)]


def test_an_update_is_written_over_what_it_updates() -> None:
    step = ad.jit(momentum, donate=0)
    state, slopes = drawn(0)
    wanted = momentum(*drawn(0))
    given = {id(x) for x in ad.tree.leaves(state)}
    result = step(state, slopes)
    assert {id(x) for x in ad.tree.leaves(result)} == given
    for x, y in zip(ad.tree.leaves(result), ad.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-14)
    np.testing.assert_array_equal(slopes[0], drawn(0)[1][0])


def test_nothing_is_allocated() -> None:
    step = ad.jit(lambda x, y: x + 0.5 * y, donate=0)
    x, y = np.ones(200_000), np.ones(200_000)
    x = step(x, y)
    tracemalloc.start()
    for _ in range(5):
        x = step(x, y)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100_000  # an array is 1.6 MB
    assert x[0] == 4.0


@pytest.mark.parametrize("n", [5, 500])
def test_a_scan_starts_in_its_donated_carry(n: int) -> None:
    def run(carry: Any, xs: Any) -> Any:
        return ad.scan(lambda c, x: (np.tanh(c * x), np.sum(c)), carry, xs)

    carry, xs = np.linspace(0.1, 1, n), np.linspace(1, 2, 4 * n).reshape(4, n)
    wanted = run(carry.copy(), xs)
    jitted = ad.jit(run, donate=0)
    first = "loop" if n > 100 else "straight"
    assert jitted.lower(carry, xs).kernels.startswith(first)  # nothing is copied before it
    last, sums = jitted(carry, xs)
    assert last is carry
    np.testing.assert_allclose(last, wanted[0], rtol=1e-14)
    np.testing.assert_allclose(sums, wanted[1], rtol=1e-14)


def reversed_too(x: Any) -> Any:
    return x + 1, x[::-1] * 2


def swapped(x: Any, y: Any) -> Any:
    return y, x


def used_in_the_loop(x: Any, xs: Any) -> Any:
    return ad.scan(lambda c, r: (c * r + x, None), x, xs)[0]


def used_later(x: Any) -> Any:
    y = np.cumsum(x)
    return y, np.sort(x)[::-1] + y.sum()


def same_twice(x: Any) -> Any:
    y = np.exp(x)
    return y, y, x


HAZARDS = [
    (reversed_too, [(6,)]), (swapped, [(5,), (5,)]), (used_in_the_loop, [(4,), (3, 4)]),
    (used_later, [(7,)]), (same_twice, [(3, 2)]), (reversed_too, [(1,)]), (reversed_too, [(0,)]),
    (lambda x: x.T @ x, [(4, 4)]), (lambda x: x.T + x, [(4, 4)]),
    (lambda x: x - x.sum(0), [(4, 4)]),
    (lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True), [(4, 9)]),
]  # fmt: skip


@pytest.mark.parametrize("which", range(len(HAZARDS)))
def test_what_is_still_needed_is_not_written_over(which: int) -> None:
    f, shapes = HAZARDS[which]
    rng = np.random.default_rng(which)
    args = [rng.standard_normal(shape) for shape in shapes]
    wanted = ad.tree.leaves(f(*[x.copy() for x in args]))
    got = ad.tree.leaves(ad.jit(f, donate=range(len(args)))(*args))
    for x, y in zip(got, wanted, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-13)


def test_what_may_not_be_written_is_copied() -> None:
    step = ad.jit(lambda x, y: x + y, donate=0)
    x = np.arange(5.0)
    np.testing.assert_array_equal(step(x, x), [0, 2, 4, 6, 8])  # given twice
    np.testing.assert_array_equal(x, np.arange(5.0))
    fixed = np.arange(5.0)
    fixed.flags.writeable = False
    np.testing.assert_array_equal(step(fixed, np.ones(5)), np.arange(5.0) + 1)
    np.testing.assert_array_equal(fixed, np.arange(5.0))
    strided = np.arange(10.0)[::2]
    np.testing.assert_array_equal(step(strided, np.ones(5)), [1, 3, 5, 7, 9])
    np.testing.assert_array_equal(strided, [0, 2, 4, 6, 8])


def test_an_argument_that_is_not_there_is_refused() -> None:
    with pytest.raises(StructureError, match="donate"):
        ad.jit(lambda x: x, donate=1)(np.ones(3))
