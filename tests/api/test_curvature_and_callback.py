"""Gauss-Newton and Fisher products, per-example gradients, opaque functions."""

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import NoDerivativeError, StructureError

A = np.linspace(-1.0, 1.0, 15).reshape(5, 3)
B = np.linspace(0.5, 1.5, 5)
X = {"w": np.array([0.3, -0.7, 0.9]), "b": 0.2}
V = {"w": np.array([1.0, 2.0, -1.0]), "b": 0.5}


def model(p):
    return np.tanh(A @ p["w"] + p["b"])


def _jacobian(f):
    blocks = ad.jacobian(f)(X)
    return np.concatenate([blocks["w"], blocks["b"][:, None]], axis=1)


FLAT = np.array([1.0, 2.0, -1.0, 0.5])


def test_gauss_newton_is_the_transposed_jacobian_times_the_jacobian():
    got = ad.gauss_newton_product(lambda p: model(p) - B, X, V)
    j = _jacobian(model)
    np.testing.assert_allclose([*got["w"], got["b"]], j.T @ (j @ FLAT), rtol=1e-12)
    assert type(got["b"]) is float


def test_gauss_newton_with_a_loss():
    def loss(y):
        return np.sum(np.logaddexp(0.0, y * np.sign(B - 1.1)))

    got = ad.jit(lambda p, v: ad.gauss_newton_product(model, p, v, loss))(X, V)
    j, h = _jacobian(model), ad.hessian(loss)(model(X))
    np.testing.assert_allclose([*got["w"], got["b"]], j.T @ (h @ (j @ FLAT)), rtol=1e-12)


def test_fisher_product_and_per_example_gradients():
    def log_likelihoods(p):
        return -0.5 * (model(p) - B) ** 2

    def one(p, a, b):
        return -0.5 * (np.tanh(a @ p["w"] + p["b"]) - b) ** 2

    scores = ad.vmap(ad.grad(one), in_axes=(None, 0, 0))(X, A, B)
    rows = np.concatenate([scores["w"], scores["b"][:, None]], axis=1)
    assert rows.shape == (5, 4)
    np.testing.assert_allclose(rows, _jacobian(log_likelihoods), rtol=1e-12)
    got = ad.fisher_product(log_likelihoods, X, V)
    np.testing.assert_allclose([*got["w"], got["b"]], rows.T @ (rows @ FLAT), rtol=1e-12)


def test_products_with_many_directions_are_the_matrix():
    """Batched over directions, compiled or not: the dense matrices, column by column."""

    def nll(y):
        return np.log(np.sum(np.exp(y))) - y[1]

    units = {"w": np.eye(4)[:, :3], "b": np.eye(4)[:, 3]}
    j, h = _jacobian(model), ad.hessian(nll)(model(X))
    cases = [
        (lambda p, v: ad.gauss_newton_product(model, p, v, nll), j.T @ h @ j),
        (lambda p, v: ad.gauss_newton_product(model, p, v), j.T @ j),
        (lambda p, v: ad.fisher_product(lambda p: model(p) * B, p, v), j.T @ np.diag(B**2) @ j),
    ]
    for product, dense in cases:
        many = ad.vmap(product, in_axes=(None, 0))
        for f in (many, ad.jit(many)):
            got = f(X, units)
            np.testing.assert_allclose(
                np.concatenate([got["w"], got["b"][:, None]], axis=1), dense, rtol=1e-10, atol=1e-14
            )


def test_gauss_newton_of_complex_outputs_is_never_indefinite():
    def f(x):
        return np.exp(1j * x) * x[::-1]

    x, v = np.array([0.3, 1.1, -0.4]), np.array([1.0, -2.0, 0.5])
    j = np.stack([ad.jvp(f, (x,), (e,))[1] for e in np.eye(3)], axis=1)
    np.testing.assert_allclose(
        ad.gauss_newton_product(f, x, v), (j.conj().T @ j).real @ v, rtol=1e-12
    )


# *** pure_callback ***


def opaque(x):
    assert type(x) in (np.ndarray, np.float64)
    return np.asarray([float(v) ** 2 for v in x])


def test_it_is_called_on_plain_arrays_everywhere():
    x = np.array([1.0, 2.0, 3.0])
    f = lambda x: ad.pure_callback(opaque, np.zeros(3), x) + 1.0  # noqa: E731
    for g in (
        f,
        ad.jit(f),
        lambda x: ad.value_and_grad(lambda x: np.sum(f(ad.stop_gradient(x)) * x))(x)[1],
    ):
        np.testing.assert_allclose(g(x), x**2 + 1)
    stacked = np.stack([x, 2 * x])
    np.testing.assert_allclose(ad.vmap(f)(stacked), stacked**2 + 1)
    np.testing.assert_allclose(ad.jit(ad.vmap(f))(stacked), stacked**2 + 1)
    rows = ad.scan(lambda c, r: (c, f(r)), 0.0, stacked)[1]
    np.testing.assert_allclose(rows, stacked**2 + 1)


def test_trees_and_several_results():
    def split(p, n):
        return {"sum": p["a"].sum() * n, "sign": (p["a"] > 0)}

    result = {"sum": 0.0, "sign": np.zeros(2, bool)}
    f = lambda p: ad.pure_callback(split, result, p, 3)  # noqa: E731
    for g in (f, ad.jit(f)):
        got = g({"a": np.array([-1.0, 5.0])})
        assert got["sum"] == 12.0
        assert got["sign"].tolist() == [False, True]


def test_with_a_rule_it_has_derivatives():
    @ad.custom_vjp
    def square(x):
        return ad.pure_callback(opaque, x, x)

    square.defvjp(lambda x: (square(x), x), lambda x, bar: (2 * x * bar,))
    x = np.array([1.0, 2.0, 3.0])
    total = lambda x: np.sum(np.sin(square(x)))  # noqa: E731
    wanted = np.cos(x**2) * 2 * x
    np.testing.assert_allclose(ad.grad(total)(x), wanted)
    np.testing.assert_allclose(ad.jit(ad.grad(total))(x), wanted)


@pytest.mark.parametrize(
    "mode",
    [
        lambda f, x: ad.grad(f)(x),
        lambda f, x: ad.jit(ad.grad(f))(x),
        lambda f, x: ad.jvp(f, (x,), (x,)),
    ],
)
def test_a_derivative_is_refused_not_zero(mode):
    f = lambda x: np.sum(ad.pure_callback(opaque, np.zeros(2), x))  # noqa: E731
    with pytest.raises(NoDerivativeError) as caught:
        mode(f, np.ones(2))
    lines = str(caught.value).splitlines()
    assert lines[0] == "grad: a pure_callback has no derivative"
    assert "test_curvature_and_callback.py" in lines[1]


def test_what_f_returns_is_checked():
    with pytest.raises(StructureError, match="something else than it was said to"):
        ad.pure_callback(opaque, np.zeros(4), np.ones(3))
    with pytest.raises(StructureError, match="f64"):
        ad.pure_callback(opaque, np.zeros(3, int), np.ones(3))
