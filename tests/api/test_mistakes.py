"""Mistakes of the first day: each is named at the line that made it, with what to do."""

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import NonScalarOutputError, StructureError

X = np.arange(1.0, 4.0)


def _square(x):
    return np.sum(x**2)


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (lambda: ad.grad(_square(X)), ["grad takes a function", "got: f64[]", "f, not f(x)"]),
        (lambda: ad.value_and_grad(3.0), ["value_and_grad takes a function", "a float"]),
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
