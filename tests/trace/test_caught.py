"""A function that catches a refusal must not have its other branch compiled."""

import contextlib
import math
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import AdjointError


def exponential(x: Any) -> Any:
    try:
        return math.exp(x)
    except:  # noqa: E722  # as people write it
        return 1e308


def converted(x: Any) -> Any:
    try:
        return float(x) ** 2
    except Exception:
        return 0.0


def decided(x: Any) -> Any:
    y = 0.0
    with contextlib.suppress(TypeError):
        if x > 1:
            y = x
    return y * x


def counted(x: Any) -> Any:
    try:
        n = int(x)
    except (TypeError, ValueError):
        n = 3
    return x * n


FORMS = [exponential, converted, decided, counted]


@pytest.mark.parametrize("f", FORMS)
def test_a_caught_refusal_ends_the_recording(f: Any) -> None:
    for call in (
        lambda: ad.jit(f)(2.5),
        lambda: ad.jit(ad.grad(f))(2.5),
        lambda: ad.vmap(f)(np.array([2.5, 3.5])),
        lambda: ad.jit(lambda x: ad.scan(lambda c, _: (f(c), c), x, np.arange(2.0))[0])(2.5),
    ):
        with pytest.raises(AdjointError, match="caught this error and went on") as told:
            call()
        assert told.value.source is not None
        assert "test_caught.py" in str(told.value.source)


@pytest.mark.parametrize("f", FORMS)
def test_where_values_are_known_the_branch_of_numpy_is_taken(f: Any) -> None:
    value, slope = ad.value_and_grad(f)(2.5)
    h = 1e-6
    assert value == pytest.approx(f(2.5), rel=1e-15)
    np.testing.assert_allclose(slope, (f(2.5 + h) - f(2.5 - h)) / (2 * h), rtol=1e-7)


def test_errors_of_the_function_itself_are_its_own() -> None:
    def lookup(x: Any) -> Any:
        try:
            return {"a": 1.0}["b"] * x
        except KeyError:
            return 2 * x

    assert ad.jit(lookup)(3.0) == 6.0
