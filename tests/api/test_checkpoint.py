"""Recomputation in place of memory: same numbers, fewer bytes, and which work is done twice."""

import tracemalloc

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import StructureError

W = [np.array([[0.2, 0.5, -0.1], [0.3, -0.4, 0.6], [0.7, 0.1, 0.2]]) * (k + 1) for k in range(3)]


def block(x, w):
    y = np.tanh(x @ w)
    return np.sin(y) * y + x


def net(x, ws, wrap):
    for w in ws:
        x = wrap(block)(x, w)
    return np.sum(x**2)


POLICIES = {
    "none": lambda f: f,
    "nothing": ad.checkpoint,
    "products": ad.checkpoint(policy="products"),
    "own": ad.checkpoint(policy=lambda name: name in ("tanh", "sin")),
    "everything": ad.checkpoint(policy=lambda name: True),
    "nested": lambda f: ad.checkpoint(ad.checkpoint(f, policy="products")),
}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("outer", ["plain", "jit", "vmap"])
def test_the_derivatives_are_the_same(policy, outer):
    x = np.array([0.3, -0.8, 1.1])
    f = lambda x, ws: net(x, ws, POLICIES[policy])  # noqa: E731
    plain = lambda x, ws: net(x, ws, lambda f: f)  # noqa: E731
    if outer == "jit":
        f = ad.jit(f)
    value, (dx, dw) = ad.value_and_grad(f, (0, 1))(x, W)
    wanted, (wx, ww) = ad.value_and_grad(plain, (0, 1))(x, W)
    np.testing.assert_allclose(value, wanted, rtol=1e-13)
    np.testing.assert_allclose(dx, wx, rtol=1e-12)
    np.testing.assert_allclose(dw, ww, rtol=1e-12)
    if outer == "vmap":
        both = ad.vmap(ad.grad(f), in_axes=(0, None))(np.stack([x, -x]), W)
        np.testing.assert_allclose(both[0], wx, rtol=1e-12)
    v = np.array([1.0, 0.5, -2.0])
    np.testing.assert_allclose(
        ad.grad(lambda x: ad.grad(f)(x, W) @ v)(x), ad.hessian(plain)(x, W) @ v, rtol=1e-10
    )
    np.testing.assert_allclose(ad.jvp(lambda x: f(x, W), (x,), (v,))[1], wx @ v, rtol=1e-12)


def _names(graph):
    """Primitives of a graph and of the graphs in it."""
    found = []
    for node in graph.nodes:
        found.append(node.primitive.name)
        if node.primitive.name == "call":
            found += _names(node.settings["graph"])
    return found


@pytest.mark.parametrize(
    ("policy", "products", "tanhs"), [("none", 1, 1), ("nothing", 2, 2), ("products", 1, 2)]
)
def test_what_is_done_twice(policy, products, tanhs):
    """Forward product, plus the transposed one; a product done again makes one more."""
    f = lambda x: np.sum(POLICIES[policy](lambda x: np.sin(np.tanh(x @ W[0])))(x))  # noqa: E731
    names = _names(ad.trace(ad.value_and_grad(f), np.ones(3)))
    assert names.count("matmul") - 1 == products
    assert names.count("tanh") == tanhs


def test_memory_goes_down():
    x = np.random.default_rng(0).standard_normal(200_000)

    def deep(x):
        for _ in range(30):
            x = np.sin(x) * 1.1 + 0.1
        return x

    def peak(wrap):
        def f(x):
            for _ in range(4):
                x = wrap(deep)(x)
            return np.sum(x)

        tracemalloc.start()
        gradient = ad.grad(f)(x)
        seen = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return seen / x.nbytes, gradient

    plain, wanted = peak(lambda f: f)
    little, got = peak(ad.checkpoint)
    np.testing.assert_array_equal(got, wanted)
    # Forward 1.1 sin(x) + 0.1 keeps two results a round; a block again keeps its own rounds.
    assert plain > 240
    assert little < 75


def test_results_that_do_not_depend_on_the_argument():
    f = ad.checkpoint(lambda x: (x * 2.0, 3.0, np.ones(2)))
    assert ad.grad(lambda x: f(x)[0] + f(x)[1] + f(x)[2].sum())(1.0) == 2.0


def test_an_unknown_policy_is_refused():
    with pytest.raises(StructureError) as caught:
        ad.checkpoint(np.sin, policy="some")
    assert str(caught.value) == (
        "checkpoint: there is no such policy\n  got: 'some'\n"
        "  wanted: 'nothing', 'products', or a function of a primitive's name"
    )


@pytest.mark.parametrize("policy", ["nothing", "products"])
@pytest.mark.parametrize("mode", [ad.grad, ad.hessian, lambda f: ad.jit(ad.grad(f))])
def test_what_a_checkpointed_function_takes_from_around_it_is_differentiated(policy, mode):
    def loss(w, keep):
        x = 2 * w + 1

        def inner(y):
            return np.tanh(y * w) + x

        def outer(y):
            return keep(inner)(y) * w + keep(inner)(2 * y)

        y, around = keep(lambda x: (outer(x), w))(x)
        return np.sum(keep(outer)(y) ** 2 * around)

    w = np.array([0.3, -0.7, 1.1])
    found = mode(lambda w: loss(w, ad.checkpoint(policy=policy)))(w)
    np.testing.assert_allclose(found, mode(lambda w: loss(w, lambda f: f))(w), rtol=1e-12)
