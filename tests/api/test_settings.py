"""Arguments of jitted functions that are no arrays, and results that are none."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.api.compiled import RecompilationWarning
from adjoint.errors import ConcreteValueError, StructureError

X = np.array([1.0, 2.0, 4.0])


def test_named_arguments() -> None:
    f = ad.jit(lambda x, *, scale, shift=1.0: x * scale + shift)
    np.testing.assert_array_equal(f(X, scale=2.0), 2 * X + 1)
    np.testing.assert_array_equal(f(X, scale=2.0, shift=X), 3 * X)
    np.testing.assert_array_equal(f(x=X, scale=3.0), 3 * X + 1)
    assert "mul" in f.lower(X, scale=2.0).kernels


def test_strings_booleans_and_functions_are_settings() -> None:
    @ad.jit
    def f(x: Any, how: str, twice: bool = False, activation: Any = np.tanh) -> Any:
        y = activation(x.sum() if how == "sum" else x.mean())
        return 2 * y if twice else y

    assert f(X, "sum") == np.tanh(7.0)
    assert f(X, "mean", True) == 2 * np.tanh(7 / 3)
    assert f(X, "mean", twice=False) == np.tanh(7 / 3)
    assert f(X, "sum", True, np.sqrt) == 2 * np.sqrt(7.0)
    assert f(X, "sum") == np.tanh(7.0)  # the first program is still there


def test_true_is_not_one() -> None:
    f = ad.jit(lambda x, n: x + 10 if n is True else x * n)
    np.testing.assert_array_equal(f(X, True), X + 10)
    np.testing.assert_array_equal(f(X, 1), X)
    np.testing.assert_array_equal(f(X, 1.0), X)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, n: sum(x * k for k in range(n)),
        lambda x, n: np.zeros(n + 1) + x[0],
        lambda x, n: x[:n] * 2,
        lambda x, n: x**n if n > 2 else x / n,
        lambda x, n: np.reshape(np.tile(x, n), (n, -1)),
        lambda x, n: np.linspace(0, 1, n) * x[1],
        lambda x, n: np.eye(n) @ np.ones(n) * x[2],
    ],
)
def test_integers_are_settings_where_their_value_is_needed(f: Any) -> None:
    jitted = ad.jit(f)
    for n in (3, 2, 3, 5):
        np.testing.assert_allclose(jitted(X, n), f(X, n), rtol=1e-15)
    assert jitted._integers_are_settings


def test_integers_that_are_only_computed_with_stay_arguments() -> None:
    calls = []

    @ad.jit
    def f(x: Any, n: int) -> Any:
        calls.append(n)
        return x[n] * n

    assert [float(f(X, n)) for n in (0, 1, 2, -1)] == [0.0, 2.0, 8.0, -4.0]
    assert len(calls) == 1
    assert not f._integers_are_settings


def test_a_branch_on_an_array_is_still_refused() -> None:
    with pytest.raises(ConcreteValueError, match="a branch needs the value"):
        ad.jit(lambda x, n: x if x[0] > n else -x)(X, 1)


def test_each_setting_counts_as_a_compilation() -> None:
    f = ad.jit(lambda x, n: x + len(range(n)))
    for n in range(15):
        f(X, n)
    with pytest.warns(RecompilationWarning, match="settings, the last being"):
        f(X, 15)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        f(X, 30)


def test_results_that_are_no_arrays() -> None:
    f = ad.jit(lambda x: {"name": "total", "sum": x.sum(), "n": len(x), "ok": True, "none": None})
    got = f(X)
    assert got == {"name": "total", "sum": 7.0, "n": 3, "ok": True, "none": None}
    assert [type(got[k]) for k in ("name", "n", "ok")] == [str, int, bool]
    value, (text, mean) = ad.jit(lambda x: (x[0], ("a", x.mean())))(X)
    assert (value, text, mean) == (1.0, "a", 7 / 3)


def test_under_other_transformations() -> None:
    f = ad.jit(lambda x, how, n: (getattr(np, how)(x) ** n).sum())
    np.testing.assert_allclose(ad.grad(f)(X, "sin", 3), 3 * np.sin(X) ** 2 * np.cos(X))
    np.testing.assert_allclose(ad.jit(ad.grad(f))(X, "sin", 3), 3 * np.sin(X) ** 2 * np.cos(X))


def test_methods() -> None:
    @dataclass(frozen=True)
    class Line:
        slope: Any
        name: str = "line"

        @ad.jit
        def __call__(self, x: Any) -> Any:
            return self.slope * x if self.name == "line" else x

    np.testing.assert_array_equal(Line(3.0)(X), 3 * X)
    np.testing.assert_array_equal(Line(3.0, "none")(X), X)
    gradient = ad.grad(lambda line: line(X).sum())(Line(3.0))
    assert gradient == Line(7.0)


def test_checkpoint() -> None:
    def f(x: Any, how: str, n: int = 2, *, twice: bool = False) -> Any:
        y = sum(getattr(np, how)(x) ** k for k in range(1, n + 1)).sum()
        return 2 * y if twice else y

    kept = ad.checkpoint(f)
    assert kept(X, "sin", twice=True) == f(X, "sin", twice=True)
    want = ad.grad(lambda x: f(x, "sin", 3, twice=True))(X)
    got = ad.grad(lambda x: kept(x, "sin", 3, twice=True))
    np.testing.assert_allclose(got(X), want, rtol=1e-15)
    np.testing.assert_allclose(ad.jit(got)(X), want, rtol=1e-14)


def test_what_cannot_be_mapped_or_counted_is_named() -> None:
    with pytest.raises(StructureError, match="named arguments have no axis"):
        ad.vmap(lambda x, k=1.0: x * k)(X, k=2.0)
    with pytest.raises(StructureError, match="argnums are positions"):
        ad.grad(lambda x, y: (x * y).sum(), argnums="y")(X, X)  # type: ignore[arg-type]
