"""NumPy's functions held by closures, tables and objects, or asked for by a name."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import adjoint as ad

TABLE = {"least": np.amin, "root": np.sqrt}
KEYS = {np.std: 2.0, np.cos: 3.0}
TUPLE = (np.std, np.cos)


class Model:
    def __init__(self, norm: Callable[..., Any]) -> None:
        self.norm = norm
        self.layers = [norm]

    def __call__(self, x: Any) -> Any:
        return self.norm([x, 2 * x]) + self.layers[0]((x, 1.0))


def _within(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: 3 * f(x)


def _held(norm: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    def own(x: Any) -> Any:
        return norm([x, 2 * x, 1.0])

    model = Model(norm)
    return {
        "own": own,
        "within": _within(_within(own)),
        "given": lambda x: (lambda f: f([x, x * x]))(norm),
        "table": lambda x: TABLE["least"]([x, 4.0]) * np.sum(TABLE["root"]([x, 1.0])),
        "object": model,
        "attribute": lambda x: model.norm([x, 2 * x]),
        "partial": functools.partial(lambda f, x: f([x, 2 * x]), norm),
        "asked": lambda x: getattr(np, "na" + "nmax")([x, 2 * x]) + norm([x, x]),
        "within NumPy": lambda x: vars(np.linalg)["no" + "rm"]([x, 2 * x]),
    }


@pytest.mark.parametrize("name", list(_held(np.mean)))
@pytest.mark.parametrize("norm", [np.mean, np.linalg.norm, np.ptp])
def test_lists_with_recorded_numbers(norm: Callable[..., Any], name: str) -> None:
    f = _held(norm)[name]
    step = 1e-6
    expected = (f(1.7 + step) - f(1.7 - step)) / (2 * step)
    for _ in range(2):  # the second time the code is known
        assert ad.grad(f)(1.7) == pytest.approx(expected, rel=1e-7)
    assert ad.jit(ad.grad(f))(1.7) == pytest.approx(expected, rel=1e-7)


def test_functions_are_equal_to_what_tables_hold() -> None:
    def f(x: Any) -> Any:
        assert np.std in TUPLE
        assert np.cos in TUPLE
        return KEYS[np.std] * KEYS[np.cos] * np.std([x, 2 * x])

    assert ad.grad(f)(1.0) == 3.0


def test_numbers_that_are_keys_where_functions_are_asked_for() -> None:
    def f(x: Any) -> Any:
        kept = {x[0]: 1.0, x[1]: 2.0}
        return kept[x[0]] * getattr(np, "eq" + "ual")(x[0], 0.3) * x[0]

    np.testing.assert_array_equal(ad.grad(f)(np.array([0.3, 0.7])), [1.0, 0.0])
    assert KEYS.get(np.float64(0.3)) is None


def test_a_helper_that_is_given_many_functions() -> None:
    def slope(f: Callable[..., Any]) -> Any:
        return ad.grad(_within(lambda x: f([x, 2 * x])))(1.5)

    for _ in range(20):
        assert slope(lambda pair: pair[0] * pair[1]) == 18.0
    assert slope(np.amax) == 6.0
