"""Arrays without axes: arrays, though what is computed from them are numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import adjoint as ad


def named_twice(x: Any) -> Any:
    a = np.array(x)
    b = a
    b += 1
    return a * x


def written_by_a_helper(x: Any) -> Any:
    def doubled(out: Any) -> None:
        out *= 2

    total = np.array(x * x)
    doubled(total)
    return total + x


def choice_of_two(x: Any) -> Any:
    a = np.where(x > 0, x, 0.0)
    b = a
    b *= a
    return a + x


def copied(x: Any) -> Any:
    a = np.array(x)
    b, c = a.copy(), np.copy(x)
    for y in (b, c):
        y += 3
    return a * b * c


def cast_to_itself(x: Any) -> Any:
    a = np.array(x).astype(float)
    b = a
    b -= 1
    return a * x


def by_its_class(x: Any) -> Any:
    return x * (2.0 if isinstance(np.asarray(x), np.ndarray) else 3.0)


def by_type(x: Any) -> Any:
    return x * (2.0 if type(np.asarray(x)) is np.float64 else 3.0)


def as_a_scalar(x: Any) -> Any:
    return x * (2.0 if np.isscalar(np.asarray(x)) else 3.0)


def by_its_length(x: Any) -> Any:
    return x * (2.0 if hasattr(np.array(x), "__len__") else 3.0)


def of_one_element(x: Any) -> Any:
    a = np.stack([x, 2 * x])[0, ...]
    return x * (2.0 if isinstance(a, np.ndarray) else 3.0)


def a_sum(x: Any) -> Any:
    return x * (2.0 if isinstance(np.asarray(x) + 1, np.ndarray) else 3.0)


def an_element(x: Any) -> Any:
    return x * (2.0 if isinstance(np.asarray(x)[()], np.ndarray) else 3.0)


def marked(x: Any) -> Any:
    a = np.array(x)
    return x * (2.0 if a.base is None and a.flags.owndata else 3.0)


PROGRAMS = [
    named_twice,
    written_by_a_helper,
    choice_of_two,
    copied,
    cast_to_itself,
    by_its_class,
    by_type,
    as_a_scalar,
    by_its_length,
    of_one_element,
    a_sum,
    an_element,
    marked,
]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("kind", [float, np.float64, np.array])
def test_programs_see_the_arrays_that_numpy_makes(program: Any, kind: Any) -> None:
    want = program(kind(1.3))
    slope = (program(kind(1.3 + 1e-6)) - program(kind(1.3 - 1e-6))) / 2e-6
    value, derivative = ad.jvp(program, (kind(1.3),), (kind(1.0),))
    assert value == want
    assert np.allclose(derivative, slope)
    assert np.allclose(ad.grad(program)(kind(1.3)), slope)
    assert np.allclose(ad.jit(program)(1.3), want)
    assert np.allclose(ad.vmap(program)(np.full(2, 1.3)), want)
    second = (ad.grad(program)(1.3 + 1e-6) - ad.grad(program)(1.3 - 1e-6)) / 2e-6
    assert np.allclose(ad.hessian(program)(kind(1.3)), second, atol=1e-8)


def test_an_argument_without_axes_is_written_as_numpy_writes_it() -> None:
    def through_another_name(x: Any) -> Any:
        y = np.asarray(x)
        y *= 2
        return x * x

    x = np.array(1.5)
    assert ad.grad(through_another_name)(x) == 12.0
    assert x == 1.5


@pytest.mark.parametrize("kind", [float, np.float64, np.array])
def test_powers_have_the_bits_of_arrays_and_of_numbers(kind: Any) -> None:
    def powers(x: Any) -> Any:
        a = np.asarray(x)
        other = np.array(0.73)
        return [a**0.73, x**0.73, x**other, a**x, np.abs(a) ** 0.73, (a * 1.0) ** 0.73, 3.3**a]

    for v in np.random.default_rng(0).uniform(0.1, 9.0, 60):
        x = kind(v)
        got, _ = ad.jvp(powers, (x,), (kind(1.0),))
        assert [float(y) for y in got] == [float(y) for y in powers(x)]
        nested, _ = ad.jvp(lambda x: ad.jvp(powers, (x,), (1.0,))[0], (x,), (kind(1.0),))
        assert [float(y) for y in nested] == [float(y) for y in powers(x)]
