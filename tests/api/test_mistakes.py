"""Mistakes of the first day: each is named at the line that made it, with what to do."""

import copy
import pickle

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.errors import (
    ConcreteValueError,
    ConversionError,
    NonScalarOutputError,
    StructureError,
    UnsupportedError,
)

X = np.arange(1.0, 4.0)


def _square(x):
    return np.sum(x**2)


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (lambda: ad.grad(_square(X)), ["grad takes a function", "got: f64[]", "f, not f(x)"]),
        (lambda: ad.value_and_grad(3.0), ["value_and_grad takes a function", "a float"]),
        (lambda: ad.jit("f"), ["jit takes a function", "got: a str"]),
        (lambda: ad.trace([], X), ["trace takes a function", "got: a list"]),
        (lambda: ad.vmap(None), ["vmap takes a function", "got: None"]),
        (lambda: ad.vjp(X, X), ["vjp takes a function", "got: f64[3]"]),
        (lambda: ad.hessian(2.0), ["hessian takes a function"]),
        (lambda: ad.jacobian(2.0), ["jacobian takes a function"]),
        (lambda: ad.grad(_square, argnums=0.5)(X), ["positions of arguments", "got: 0.5"]),
        (lambda: ad.grad(_square, argnums=(0, -1))(X), ["an argument twice", "got: (0, -1)"]),
        (lambda: ad.grad(_square)(x=X), ["no argument was passed by position", "not by name"]),
        (lambda: ad.grad(np.dot, 2)(X, X), ["2 arguments were passed", "from 0 to 1"]),
        (lambda: ad.jvp(_square, X, X), ["primals must be a tuple", "f64[3]", "(primal,)"]),
        (lambda: ad.jvp(_square, (X,), X), ["tangents must be a tuple", "(tangent,)"]),
        (lambda: ad.vmap(np.sin, in_axes=3)(X), ["in_axes=3 for f64[3]", "from 0 to 0"]),
        (lambda: ad.vmap(np.sin, out_axes=5)(X), ["out_axes=5 for f64[3]", "from 0 to 0"]),
        (lambda: ad.jit(np.sin, threads="two"), ["threads must be a whole number", "'two'"]),
        (lambda: ad.jit(np.sin, threads=0), ["threads must be a whole number", "got: 0"]),
        (lambda: ad.scan(0.0, X, X), ["scan takes a function", "got: a float"]),
        (
            lambda: ad.scan(lambda c, x: (c, x), 0.0, 10),
            ["xs must be arrays with rows", "got: i64[]", "length=n"],
        ),
        (lambda: ad.hvp(_square, X, X[:2]), ["hvp: a tangent", "got: (2,)"]),
        (lambda: ad.cond(X > 1, np.sin, np.cos, 1.0), ["one truth", "bool[3]", "np.where"]),
        (
            lambda: ad.while_loop(lambda c: c < 3, lambda c: c + 1, X),
            ["while_loop: the condition must be one truth", "got: bool[3]"],
        ),
        (
            lambda: ad.vjp(lambda x: (x, x), X)[1](X),
            ["got: one array or number", "wanted: a tuple with [0], [1]"],
        ),
        (
            lambda: ad.vjp(lambda x: {"a": x, "b": x}, X)[1]({"a": X, "c": X}),
            ["got: a dict with ['c']", "wanted: a dict with ['b']"],
        ),
        (
            lambda: ad.vjp(lambda x: [x, x], X)[1]((X, X)),
            ["got: a tuple", "wanted: a list"],
        ),
    ],
)
def test_a_wrong_call_says_what_came_and_what_to_do(call, parts):
    with pytest.raises(StructureError) as caught:
        call()
    text = str(caught.value)
    for part in parts:
        assert part in text


def test_the_line_of_a_wrong_call_is_shown():
    with pytest.raises(StructureError) as caught:
        ad.grad(_square(X))
    assert "test_mistakes.py" in str(caught.value)
    assert "`ad.grad(_square(X))`" in str(caught.value)


@pytest.mark.parametrize(
    ("transform", "name"), [(ad.value_and_grad, "value_and_grad"), (ad.hessian, "hessian")]
)
def test_the_function_that_was_called_speaks(transform, name):
    with pytest.raises(NonScalarOutputError, match=rf"^{name}: "):
        transform(np.sin)(X)
    with pytest.raises(NonScalarOutputError, match=r"^hvp: "):
        ad.hvp(np.sin, X, X)


def test_generators_and_coroutines_are_no_results():
    def made(x):
        yield x

    async def waited(x):
        return x

    with pytest.raises(NonScalarOutputError) as caught:
        ad.grad(made)(1.0)
    assert "got: a generator" in str(caught.value)
    assert "return, not with yield" in str(caught.value)
    with pytest.raises(NonScalarOutputError, match="got: a coroutine"):
        ad.grad(waited)(1.0)


def test_the_function_given_to_minimize_is_named_with_its_line():
    def residuals(x):
        return x**2

    with pytest.raises(NonScalarOutputError) as caught:
        ad.minimize(residuals, X)
    text = str(caught.value)
    assert text.startswith("minimize: residuals must return one real number")
    assert "test_mistakes.py" in text


@pytest.mark.parametrize("transform", [lambda f: f, ad.jit])
def test_no_cotangent_is_a_zero_of_the_arguments_shape(transform):
    @ad.custom_vjp
    def scaled(x, y):
        return np.sum(x * y)

    scaled.defvjp(lambda x, y: (np.sum(x * y), y), lambda y, bar: (bar * y, None))
    x_bar, y_bar = transform(ad.grad(scaled, argnums=(0, 1)))(X, np.full(3, 2.0))
    np.testing.assert_array_equal(x_bar, [2.0, 2.0, 2.0])
    np.testing.assert_array_equal(y_bar, [0.0, 0.0, 0.0])


@pytest.mark.parametrize("transform", [lambda f: f, ad.jit])
def test_a_rule_of_another_shape_is_refused_and_not_read_in_another_order(transform):
    pulled = ad.custom_vjp(np.sum)
    pulled.defvjp(lambda x: (np.sum(x), x), lambda x, bar: (bar * x.T,))
    with pytest.raises(StructureError) as caught:
        transform(ad.grad(pulled))(np.ones((2, 3)))
    assert "custom_vjp: the rule gives a derivative of another shape" in str(caught.value)
    assert "got: f64[3,2]\n  wanted: f64[2,3]" in str(caught.value)
    pushed = ad.custom_jvp(np.sin)
    pushed.defjvp(lambda primals, tangents: (np.sin(primals[0]), tangents[0][:2]))
    with pytest.raises(StructureError, match="custom_jvp: the rule gives a derivative"):
        transform(lambda x: ad.jvp(pushed, (x,), (x,)))(X)


def test_what_a_mask_picks_is_named_where_it_would_be_returned():
    with pytest.raises(ConcreteValueError, match=r"^x\[mask\]: a boolean mask picks"):
        ad.jit(lambda x: x[x > 1])(X)


def test_sparse_matrices_are_named():
    sparse = pytest.importorskip("scipy.sparse")
    eye = sparse.csr_array(np.eye(3))
    with pytest.raises(UnsupportedError, match=r"remedy: write A @ x, or use A.toarray\(\)"):
        ad.grad(lambda x: np.sum(np.dot(eye, x)))(X)
    with pytest.raises(UnsupportedError, match="pass its toarray"):
        ad.grad(lambda a: a.sum())(eye)


_GENERATOR = np.random.default_rng(0)


def test_random_numbers_that_become_constants_are_told_of(rng):
    state = np.random.RandomState(0)
    drawing = [
        lambda x: x * np.random.normal(),  # noqa: NPY002
        lambda x: x * _GENERATOR.normal(size=3),
        lambda x: x * rng.normal(),
        lambda x: sum(x * state.rand() for _ in range(2)),
    ]
    for f in drawing:
        with pytest.warns(UserWarning, match="^jit: the function drew random numbers") as told:
            ad.jit(f)(X)
        assert told[0].filename == __file__
    with pytest.warns(UserWarning, match=r"^scan: the function drew random numbers"):
        ad.scan(lambda carry, _: (carry + rng.normal(), None), 0.0, X)
    with pytest.warns(UserWarning, match=r"^scan: the function drew random numbers"):
        ad.fit(
            nn.Linear(1, 1, rng=0), (X[:, None], X[:, None]), loss=nn.mean_squared_error, epochs=1,
            augment=lambda x, key: x + np.random.normal(size=x.shape),  # noqa: NPY002
        )  # fmt: skip
    fixed = rng.normal(size=3)
    ad.jit(lambda x: x * fixed * np.random.default_rng(0).normal())(X)


def test_what_is_computed_later_is_no_result_of_a_program():
    def made(x):
        yield x

    with pytest.raises(UnsupportedError) as caught:
        ad.jit(made)(X)
    text = str(caught.value)
    assert text.startswith("jit: made returned a generator, whose values are not computed yet")
    assert "remedy: return a list" in text
    with pytest.raises(UnsupportedError, match="returned a map"):
        ad.jit(lambda x: {"rows": map(np.sin, x)})(X)


def test_an_array_under_recording_is_copied_but_not_pickled():
    def sent(x):
        return pickle.loads(pickle.dumps(x))

    with pytest.raises(ConversionError) as caught:
        ad.grad(sent)(1.0)
    assert str(caught.value).startswith("pickle.dumps: an array under recording cannot be pickled")
    assert "test_mistakes.py" in str(caught.value)
    assert ad.grad(lambda x: copy.deepcopy([x])[0] ** 2)(3.0) == 6.0
