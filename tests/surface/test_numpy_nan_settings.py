"""where=, initial= and mean= of the functions that pass over NaN, also for integers."""

from typing import Any

import numpy as np
import pytest

import adjoint as ad

WHOLE = np.array([[3.0, 1.0, 2.0], [4.0, 5.0, 6.0]])
SOME = np.array([[True, False, True], [False, True, True]])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("nanmean", {"where": SOME}),
        ("nanvar", {"where": SOME}),
        ("nanstd", {"where": SOME}),
        ("nanvar", {"mean": np.array([[3.0], [4.0]])}),
        ("nanmax", {"where": SOME, "initial": 4}),
        ("nanmin", {"where": SOME, "initial": 3}),
    ],
)
def test_recorded_integers(name: str, options: dict[str, Any]) -> None:
    def f(x: Any) -> Any:
        return getattr(np, name)(x.astype(int), axis=1, **options) + 0 * x.sum()

    plain = f(WHOLE)
    np.testing.assert_array_equal(ad.jvp(f, (WHOLE,), (WHOLE,))[0], plain)
    np.testing.assert_allclose(ad.jit(f)(WHOLE), plain, rtol=1e-14)


@pytest.mark.parametrize("name", ["nanmean", "nanvar", "nanstd"])
def test_sums_under_where_have_numpys_bits(name: str) -> None:
    rng = np.random.default_rng(0)
    x, some = rng.normal(size=(40,)).astype(np.float32), rng.random(40) > 0.4
    x[::7] = np.nan

    def f(x: Any) -> Any:
        return getattr(np, name)(x, where=some)

    assert ad.jvp(f, (x,), (x,))[0] == f(x)
