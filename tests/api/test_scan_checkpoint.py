"""Loops with snapshots: the schedule is the best there is, the derivatives are the same."""

import functools
import tracemalloc

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import StructureError
from adjoint.primitives.sweeps import binomial_schedule, least_steps, longest

# (rounds, snapshots) and the fewest rounds to run again: Griewank 1992, Griewank & Walther 2000.
PUBLISHED = {
    (10, 3): 15,
    (16, 4): 27,
    (50, 5): 122,
    (56, 5): 140,
    (100, 5): 316,
    (100, 10): 222,
    (184, 9): 486,
    (220, 3): 1485,
}


def _follow(length, snapshots):
    """Run a schedule; returns rounds run again, and the most snapshots held at a time."""
    kept, at, advanced, most = {0}, 0, 0, 1
    left = list(range(length))
    for action, k in binomial_schedule(length, snapshots):
        if action == "advance":
            assert k == at
            at += 1
            advanced += 1
        elif action == "save":
            assert k == at
            kept.add(k)
        elif action == "restore":
            assert k in kept
            at = k
        elif action == "drop":
            kept.remove(k)
        else:
            assert action == "reverse"
            assert k == at
            assert left.pop() == k
        most = max(most, len(kept))
    assert left == []
    return advanced, most


@pytest.mark.parametrize(("case", "steps"), PUBLISHED.items())
def test_the_published_counts(case, steps):
    length, snapshots = case
    assert least_steps(length, snapshots) == steps
    advanced, most = _follow(length, snapshots)
    assert advanced == steps
    assert most <= snapshots


@functools.cache
def _best(length, snapshots):
    """The least of all schedules, by trying every place for the next snapshot."""
    if length <= 1:
        return 0
    if snapshots == 1:
        return length * (length - 1) // 2
    return min(m + _best(length - m, snapshots - 1) + _best(m, snapshots) for m in range(1, length))


def test_no_schedule_is_shorter():
    for snapshots in range(1, 7):
        for length in range(41):
            advanced, most = _follow(length, snapshots)
            assert advanced == _best(length, snapshots) == least_steps(length, snapshots)
            assert most <= snapshots
    assert longest(3, 2) == 10


W = np.array([[0.2, 0.5, -0.1], [0.3, -0.4, 0.6], [0.7, 0.1, 0.2]])
C0 = {"h": np.array([0.1, -0.3, 0.2]), "n": np.array(1.0)}
XS = np.linspace(-1.0, 1.0, 21).reshape(7, 3)


def total(w, start, xs, **options):
    def step(c, x):
        h = np.tanh(w @ c["h"] + x)
        return {"h": h, "n": c["n"] * 0.9 + h[0]}, (h * c["n"], x[0] * c["n"])

    last, (rows, more) = ad.scan(step, start, xs, **options)
    return np.sum(last["h"] ** 2) * last["n"] + np.sum(rows[::2] ** 2) + more @ np.arange(7.0)


ARGS = (W, C0, XS)


@pytest.mark.parametrize("snapshots", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("outer", ["eager", "jit", "vmap"])
def test_the_same_derivatives(snapshots, reverse, outer):
    def f(w, start, xs):
        return total(w, start, xs, reverse=reverse, checkpoint=snapshots)

    def plain(w, start, xs):
        return total(w, start, xs, reverse=reverse)

    both = ad.value_and_grad(f, (0, 1, 2))
    wanted, gradients = ad.value_and_grad(plain, (0, 1, 2))(*ARGS)
    if outer == "vmap":
        values, found = ad.vmap(both, in_axes=(0, None, 0))(
            np.stack([W, 0.5 * W]), C0, np.stack([XS, -XS])
        )
        value, found = values[0], ad.api.gradients.tree.tree_map(lambda g: g[0], found)
    else:
        value, found = (ad.jit(both) if outer == "jit" else both)(*ARGS)
    np.testing.assert_allclose(value, wanted, rtol=1e-13)
    leaves = ad.api.gradients.tree.leaves
    for a, b in zip(leaves(found), leaves(gradients), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


def test_every_order_against_differences():
    f = functools.partial(total, checkpoint=2)
    f.__name__ = "total"
    ad.check_grads(f, ARGS)
    v = np.ones(3)
    third = ad.grad(lambda x: ad.grad(lambda y: ad.grad(lambda z: f(W * z, C0, XS))(y))(x))
    plain = ad.grad(lambda x: ad.grad(lambda y: ad.grad(lambda z: total(W * z, C0, XS))(y))(x))
    np.testing.assert_allclose(third(v[0]), plain(v[0]), rtol=1e-10)
    hessian = ad.hessian(lambda x: f(W, {"h": x, "n": C0["n"]}, XS))(C0["h"])
    np.testing.assert_allclose(
        hessian, ad.hessian(lambda x: total(W, {"h": x, "n": C0["n"]}, XS))(C0["h"]), rtol=1e-10
    )


def test_no_rounds_at_all_and_one():
    for n in (0, 1):
        f = lambda c, n=n: ad.scan(  # noqa: E731
            lambda c, x: (np.sin(c) * x, None), c, np.full(n, 2.0), checkpoint=3
        )[0]
        assert ad.grad(f)(0.5) == (1.0 if n == 0 else 2 * np.cos(0.5))


@pytest.mark.parametrize("mode", ["gradient", "hessian product"])
def test_memory_does_not_grow_with_the_rounds(mode):
    """A long carry, few snapshots."""
    c0 = np.linspace(0.0, 1.0, 20_000)

    def peak(rounds, **options):
        def f(c):
            last, _ = ad.scan(
                lambda c, x: (np.sin(c) * 1.01 + x, None), c, np.zeros(rounds), **options
            )
            return np.sum(last**2)

        tracemalloc.start()
        result = ad.grad(f)(c0) if mode == "gradient" else ad.hvp(f, c0, np.ones_like(c0))
        seen = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return seen / c0.nbytes, result

    kept, wanted = peak(60)
    few, got = peak(60, checkpoint=4)
    np.testing.assert_allclose(got, wanted, rtol=1e-10)
    more, _ = peak(120, checkpoint=4)
    assert kept > 60
    assert few < 32
    assert abs(more - few) < 1


def test_no_snapshot_is_refused():
    with pytest.raises(StructureError) as caught:
        ad.scan(lambda c, x: (c, x), 0.0, np.ones(3), checkpoint=0)
    lines = str(caught.value).splitlines()
    assert lines[0] == "scan: at least one carry must be kept: the first"
    assert lines[-1] == "  got: checkpoint=0"
