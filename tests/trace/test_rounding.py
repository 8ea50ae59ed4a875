"""Python's ``round`` of recorded numbers: a count, or a number of Python's."""

from typing import Any

import numpy as np
import pytest

import adjoint as ad


def steps_of_known_length(x: Any) -> Any:
    table = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    n = round(x * 3.3)
    assert isinstance(n, int)
    y = x
    for _ in range(n):
        y = y + 0.1 * np.sin(y)
    return y * table[n] + round(x, 1)


def of_an_element(x: Any) -> Any:
    return steps_of_known_length(x[0]) * x[1]


def test_a_rounded_number_is_a_count() -> None:
    value, slope = ad.value_and_grad(steps_of_known_length)(2.0)
    assert value == steps_of_known_length(2.0)
    h = 1e-6
    wanted = (steps_of_known_length(2 + h) - steps_of_known_length(2 - h)) / (2 * h)
    np.testing.assert_allclose(slope, wanted, rtol=1e-8)
    ad.check_grads(of_an_element, (np.array([2.0, 0.7]),), order=2)


@pytest.mark.parametrize("digits", [(), (1,)])
def test_what_is_rounded_follows_the_dtype_of_arrays(digits: Any) -> None:
    def program(x: Any) -> Any:
        return np.ones(3, np.float32) * round(x, *digits)

    wanted = program(2.34)
    for found in (ad.jit(program)(2.34), ad.vjp(program, 2.34)[0]):
        assert found.dtype == wanted.dtype == np.float32
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("transform", [ad.grad, ad.jit])
def test_a_number_that_is_no_count_is_refused_with_its_line(transform: Any) -> None:
    def program(x: Any) -> Any:
        return [1.0, 2.0][x] * x

    with pytest.raises(TypeError, match=r"(?s)scalar index.*\[1.0, 2.0\]\[x\].*round\(x\)"):
        transform(program)(1.0)


A = np.arange(4.0).reshape(2, 2) + 1

PRODUCTS = {
    "casting": lambda a: np.matmul(a, a, casting="unsafe"),
    "out": lambda a: np.matmul(a, a, out=np.zeros((2, 2), np.float32), casting="unsafe"),
    "dtype": lambda a: np.matmul(a, a, dtype=np.float32, casting="same_kind", order="F"),
    "vectors": lambda a: np.vecdot(a, a, subok=True),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_take_the_settings_of_ufuncs(name: str) -> None:
    f = PRODUCTS[name]
    wanted = f(A)
    for found in (ad.jit(f)(A), ad.vjp(f, A)[0]):
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(found, wanted, rtol=1e-7)
    np.testing.assert_allclose(ad.jvp(f, (A,), (A,))[1], 2 * wanted, rtol=1e-6)


@pytest.mark.parametrize("transform", [ad.jit, lambda f: lambda a: ad.vjp(f, a)])
def test_casts_that_numpy_refuses_are_refused(transform: Any) -> None:
    for settings in ({"casting": "safe", "dtype": np.float32}, {"dtype": int}):
        with pytest.raises(TypeError, match="ast"):
            np.matmul(A, A, **settings)
        with pytest.raises(TypeError, match=r"Cannot cast np\.matmul input"):
            transform(lambda a, settings=settings: np.matmul(a, a, **settings))(A)
