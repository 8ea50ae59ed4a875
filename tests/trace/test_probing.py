"""What a function finds that looks whether it was given an array or a number."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence, Sized
from numbers import Number
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import ConversionError

QUESTIONS: list[Callable[[Any], object]] = [
    lambda x: hasattr(x, "__len__"),
    lambda x: hasattr(x, "__iter__"),
    lambda x: hasattr(x, "index"),  # what pandas has
    lambda x: hasattr(x, "values"),
    lambda x: hasattr(x, "shape"),
    lambda x: getattr(x, "ndim", "none"),
    lambda x: getattr(x, "dtype", "none"),
    lambda x: np.iterable(x),
    lambda x: isinstance(x, Iterable),
    lambda x: isinstance(x, Sized),
    lambda x: isinstance(x, Sequence),
    lambda x: isinstance(x, Number),
    lambda x: isinstance(x, np.ndarray),
]
VALUES: dict[str, Callable[[Any, Any], Any]] = {
    "a float": lambda t, x: t,
    "a float that was computed": lambda t, x: 2 * t,
    "an array": lambda t, x: x,
    "an element": lambda t, x: x[1],
    "a sum": lambda t, x: x.sum(),
    "a view": lambda t, x: x[:, None],
}


@pytest.mark.parametrize("of", VALUES)
@pytest.mark.parametrize("way", [ad.grad, ad.jit])
def test_answers_are_those_of_plain_numpy(of: str, way: Callable[..., Any]) -> None:
    answers: list[list[object]] = []

    def f(t: Any, x: Any) -> Any:
        value = VALUES[of](t, x)
        answers.append([question(value) for question in QUESTIONS])
        return t * x.sum()

    f(2.0, np.arange(3.0))
    way(lambda z: f(z[0], z[1]))((2.0, np.arange(3.0)))
    assert answers[0] == answers[1]


def test_an_array_is_not_hashable() -> None:
    def f(x: Any) -> Any:
        assert not isinstance(x, Hashable)
        assert isinstance(x[0], Hashable)
        return x.sum()

    assert ad.grad(f)(np.ones(2)).tolist() == [1, 1]


@pytest.mark.parametrize("use", [len, list, iter])
def test_numbers_have_no_length_and_no_elements(use: Callable[[Any], object]) -> None:
    def f(x: Any) -> Any:
        with pytest.raises(TypeError):
            use(x)
        return x * x

    assert ad.grad(f)(3.0) == 6.0
    assert ad.grad(lambda x: f(x[1]))(np.array([1.0, 3.0])).tolist() == [0, 6]


def scale(x: Any, by: Any) -> Any:
    """Written for a number or a list, as libraries do."""
    if not hasattr(by, "__len__"):
        by = [by] * len(x)
    return np.sum(x * np.array(by))


def test_a_number_or_one_for_each_element() -> None:
    x = np.array([1.0, 2.0, 4.0])
    assert ad.grad(scale, argnums=1)(x, 3.0) == 7.0
    assert ad.jit(ad.grad(scale, argnums=1))(x, np.ones(3)).tolist() == [1, 2, 4]


def test_the_array_of_an_array_called_by_hand() -> None:
    def f(x: Any) -> Any:
        return np.sum(x.__array__() ** 2) + np.sum(x.__array__(np.float64))

    for way in (ad.grad(f), ad.jit(ad.grad(f))):
        assert way(np.array([1.0, 3.0])).tolist() == [3, 7]


def compiled(x: Any) -> Any:
    return memoryview(x)[0]


@pytest.mark.parametrize("way", [ad.grad, ad.jit])
def test_compiled_code_that_is_given_a_recorded_array(way: Callable[..., Any]) -> None:
    with pytest.raises(ConversionError, match=r"return memoryview\(x\)(.|\n)*ad\.pure_callback"):
        way(compiled)(np.ones(2))


def test_errors_of_the_users_own_stay_as_they_are() -> None:
    def f(x: Any) -> Any:
        raise TypeError("No matching unit found")

    with pytest.raises(TypeError, match="unit") as caught:
        ad.grad(f)(np.ones(2))
    assert not isinstance(caught.value, ConversionError)
