"""The user's own rules, alone and inside everything else."""

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import NoDerivativeError, StructureError


def close(a, b, tolerance=1e-12):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@ad.custom_jvp
def softplus(x):
    return np.logaddexp(x, 0.0)


@softplus.defjvp
def _softplus_rule(primals, tangents):
    (x,), (x_dot,) = primals, tangents
    return softplus(x), x_dot / (1.0 + np.exp(-x))


@ad.custom_vjp
def scaled(p, y):
    return {"out": p["a"] * y**2, "twice": 2.0 * y}


scaled.defvjp(
    lambda p, y: (scaled(p, y), (p, y)),
    # Ten times the true cotangents, so that it shows which rule was used.
    lambda kept, bar: (
        {"a": 10 * np.sum(bar["out"] * kept[1] ** 2)},
        10 * (bar["out"] * kept[0]["a"] * 2 * kept[1] + 2 * bar["twice"]),
    ),
)

X = np.array([0.3, -1.2, 2.0])
SIGMOID = 1 / (1 + np.exp(-X))


@pytest.mark.parametrize("wrap", [lambda f: f, ad.jit, ad.checkpoint], ids=["plain", "jit", "ckpt"])
def test_custom_jvp_in_every_mode_and_order(wrap):
    f = wrap(lambda x: np.sum(softplus(x) * x))
    g = ad.grad(f)
    close(g(X), SIGMOID * X + np.logaddexp(X, 0.0))
    close(ad.jvp(f, (X,), (X,))[1], g(X) @ X)
    second = SIGMOID * (1 - SIGMOID) * X + 2 * SIGMOID
    close(ad.hessian(f)(X), np.diag(second))
    close(ad.grad(lambda x: np.sum(ad.grad(f)(x)))(X), second)
    ad.check_grads(f, (X,), order=3)


def test_custom_jvp_inside_loops_and_batches():
    f = lambda x: ad.scan(lambda c, w: (softplus(c * w), c), 0.5, x)[0]  # noqa: E731
    ad.check_grads(f, (X,))
    close(
        ad.vmap(ad.grad(softplus))(X),
        SIGMOID,
    )
    close(ad.jacobian(softplus, mode="reverse")(X), np.diag(SIGMOID))
    close(ad.jit(ad.vmap(ad.grad(softplus)))(X), SIGMOID)


@pytest.mark.parametrize("wrap", [lambda f: f, ad.jit, ad.checkpoint], ids=["plain", "jit", "ckpt"])
def test_custom_vjp_on_trees(wrap):
    def total(a, y):
        out = scaled({"a": a}, y)
        return np.sum(out["out"]) + np.sum(out["twice"] * np.arange(3.0))

    da, dy = ad.grad(wrap(total), (0, 1))(3.0, X)
    close(da, 10 * np.sum(X**2))
    close(dy, 10 * (3.0 * 2 * X + 2 * np.arange(3.0)))
    close(ad.grad(wrap(total), 1)(3.0, X), dy)


def test_custom_vjp_in_a_loop():
    f = lambda y: ad.scan(  # noqa: E731
        lambda c, w: (c + np.sum(scaled({"a": 1.0}, w)["out"]), None), 0.0, y
    )[0]
    close(ad.grad(f)(X), 20 * X)


def test_a_pullback_of_numpy_code_has_derivatives_of_its_own():
    """grad of grad differentiates the backward rule as it was written."""

    @ad.custom_vjp
    def cube(x):
        return x**3

    cube.defvjp(lambda x: (x**3, x), lambda x, bar: (bar * 3 * x**2,))
    close(ad.grad(ad.grad(cube))(2.0), 12.0)
    close(ad.grad(ad.grad(ad.grad(cube)))(2.0), 6.0)


def test_none_is_a_zero_cotangent():
    @ad.custom_vjp
    def f(x, y):
        return x * y

    f.defvjp(lambda x, y: (x * y, y), lambda y, bar: (bar * y, None))
    assert ad.grad(f, (0, 1))(2.0, 3.0) == (3.0, 0.0)


def test_a_rule_set_anew_is_used():
    f = ad.custom_jvp(np.sin)
    for factor in (1.0, 2.0):
        f.defjvp(lambda primals, tangents, k=factor: (f(*primals), k * tangents[0]))
        assert ad.grad(lambda x: f(x) * 3.0)(0.5) == 3.0 * factor
    h = ad.custom_vjp(np.sin)
    for factor in (1.0, 2.0):
        h.defvjp(lambda x: (np.sin(x), None), lambda _, bar, k=factor: (k * bar,))
        assert ad.grad(lambda x: h(x) * 3.0)(0.5) == 3.0 * factor


def test_code_that_is_no_numpy_gets_plain_arrays():
    seen = []

    @ad.custom_vjp
    def foreign(x):
        seen.append(type(x))
        return float(x) ** 2

    foreign.defvjp(lambda x: (float(x) ** 2, float(x)), lambda x, bar: (2 * x * bar,))
    assert ad.grad(lambda x: foreign(x) * 2)(3.0) == 12.0
    assert foreign(3.0) == 9.0
    assert seen == [float]


def _text(caught):
    return "\n".join(x for x in str(caught.value).splitlines() if not x.startswith("  at:"))


def test_errors():
    @ad.custom_vjp
    def bare(x):
        return x

    with pytest.raises(NoDerivativeError) as caught:
        ad.grad(bare)(1.0)
    assert _text(caught) == (
        "custom_vjp: bare has no rule yet\n  remedy: define it with .defvjp(forward, backward)"
    )
    bare.defvjp(lambda x: x, lambda _, bar: (bar,))
    with pytest.raises(StructureError) as caught:
        ad.grad(bare)(1.0)
    assert _text(caught) == (
        "custom_vjp: the forward rule must return a pair (result, residuals)\n  got: f64[]"
    )
    bare.defvjp(lambda x: (x, None), lambda _, bar: bar)
    with pytest.raises(StructureError) as caught:
        ad.grad(bare)(1.0)
    assert _text(caught) == (
        "custom_vjp: the backward rule must return a tuple with one cotangent for each argument\n"
        "  got: f64[]\n  wanted: 1"
    )
    wrong = ad.custom_jvp(np.sin)
    wrong.defjvp(lambda primals, tangents: tangents[0])
    with pytest.raises(StructureError) as caught:
        ad.jvp(wrong, (1.0,), (1.0,))
    assert _text(caught).startswith("custom_jvp: the rule must return a pair (result, tangent)")
