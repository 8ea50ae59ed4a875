"""Recomputation in place of memory in machine code: the arena is small, the bits are the same."""

import numpy as np
import pytest

import adjoint as ad
from adjoint.run.compile import peak_bytes

X = np.linspace(0.0, 1.0, 5_000)


def block(x):
    for _ in range(6):
        x = np.sin(x) * 1.01 + np.cos(x) * x
    return x


def net(wrap, n):
    def f(x):
        for _ in range(n):
            x = wrap(block)(x)
        return np.sum(x**2)

    return f


def arrays(f, x=X):
    """How many arrays of x's size a call of the compiled function takes."""
    return peak_bytes(ad.trace(f, x)) / x.nbytes


@pytest.mark.parametrize("blocks", [2, 3, 12])
def test_only_what_goes_from_block_to_block_is_kept(blocks):
    plain, little = net(lambda f: f, blocks), net(ad.checkpoint, blocks)
    a, b = ad.jit(ad.value_and_grad(plain))(X), ad.jit(ad.value_and_grad(little))(X)
    np.testing.assert_array_equal(a[0], b[0])
    np.testing.assert_array_equal(a[1], b[1])
    assert arrays(ad.grad(plain)) > 10 * blocks
    assert arrays(ad.grad(little)) <= blocks + 10


def test_a_policy_keeps_what_it_says():
    w = np.eye(40) * 0.9 + 0.01

    def layer(x):
        return np.tanh(np.sin(x @ w) * x)

    def f(wrap):
        def total(x):
            for _ in range(4):
                x = wrap(layer)(x)
            return np.sum(x)

        return total

    x = np.linspace(-1.0, 1.0, 160_000).reshape(4_000, 40)  # more than a run of rows may hold
    keep = ad.checkpoint(policy="products")
    np.testing.assert_array_equal(ad.jit(ad.grad(f(keep)))(x), ad.jit(ad.grad(f(ad.checkpoint)))(x))
    least, some, most = (arrays(ad.grad(f(wrap)), x) for wrap in (ad.checkpoint, keep, lambda g: g))
    assert least < some < most


def test_second_order_and_batches():
    f = net(ad.checkpoint, 3)
    plain = net(lambda g: g, 3)
    x, v = X[:7], np.cos(X[:7])
    got = ad.jit(lambda x: ad.hvp(f, x, v))(x)
    np.testing.assert_allclose(got, ad.hvp(plain, x, v), rtol=1e-12)
    twice = ad.jit(lambda x: ad.grad(lambda y: ad.grad(f)(y) @ v)(x))(x)
    np.testing.assert_allclose(twice, got, rtol=1e-10)
    xs = np.stack([x, x[::-1]])
    many = ad.jit(ad.vmap(ad.grad(f)))(xs)
    np.testing.assert_allclose(many[1], ad.grad(plain)(x[::-1]), rtol=1e-12)


@pytest.mark.parametrize("budget", ["2MB", "1.2MB", "1MB"])
def test_the_budget_holds_for_machine_code(budget):
    f = net(lambda g: g, 10)
    g = ad.grad(f, memory_budget=budget)
    limit = ad.api.budget.budget_bytes(budget)
    assert peak_bytes(ad.trace(g, X)) <= limit
    np.testing.assert_allclose(ad.jit(g)(X), ad.grad(f)(X), rtol=1e-12)
