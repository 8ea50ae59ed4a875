"""Programs of single numbers: their kinds and digits, wherever the program comes from."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest

import adjoint as ad

# What Python's numbers give counts as Python's beside other dtypes.
KEPT: dict[str, Any] = {
    "+x": lambda x: +x,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "x // y": lambda x: x // 0.3,
    "divmod": lambda x: divmod(x, 0.3)[0],
    "real": lambda x: complex(x, 1).real,
    "imag": lambda x: ((x + 1j) ** 2).imag,
    "conjugate": lambda x: (x + 1j).conjugate(),
    "round": lambda x: round(x, 2),
}


@pytest.mark.parametrize("name", KEPT)
def test_pythons_numbers_stay_pythons(name: str) -> None:
    def f(x: Any) -> Any:
        return KEPT[name](x) * np.float32(1.5)

    found, want = ad.vjp(f, 0.7)[0], f(0.7)
    assert np.asarray(found).dtype == np.asarray(want).dtype
    assert found == want


def test_functions_of_python_keep_their_digits() -> None:
    for function in (math.exp, math.sin, math.tanh, math.gamma, math.lgamma, math.erf, math.cbrt):
        for x in np.random.default_rng(0).uniform(0.2, 2.5, 200).tolist():
            assert ad.vjp(lambda x, f=function: f(x), x)[0] == function(x)
    many = np.random.default_rng(1).normal(size=50).tolist()
    assert ad.vjp(lambda x: math.fsum([x, *many]), 0.1)[0] == math.fsum([0.1, *many])


def test_powers_of_complex_numbers_have_numpys_bits() -> None:
    z = np.random.default_rng(0).normal(size=(200, 2)).view(complex)[:, 0]
    for power in (2, -1, 0.5, 3):
        for k in range(200):
            found = ad.vjp(lambda z, k=k, power=power: z[k] ** power, z)[0]
            assert np.asarray(found).tobytes() == (z[k] ** power).tobytes()


def test_whole_numbers_are_parts_of_complex_ones() -> None:
    assert ad.grad(lambda x: complex(math.floor(x), 2).real * x)(2.5) == 2.0


def executed(source: str, **names: Any) -> Any:
    space = {"math": math, "np": np, **names}
    exec(compile(source, "<program>", "exec"), space)
    return space["f"]


def test_programs_that_are_executed_one_after_another() -> None:
    # The names of one are gone when the next comes, which may lie where they were.
    for k in range(60):
        f = executed(
            f"def helper(x):\n return float(x) * {k}\ndef f(x):\n return helper(x) + math.sin(x)\n"
        )
        assert ad.grad(f)(0.5) == pytest.approx(k + math.cos(0.5))


def test_helpers_may_be_defined_again() -> None:
    space: dict[str, Any] = {"np": np}
    main = "def f(x):\n return helper(x) + x\n"
    exec("def helper(x):\n return 2 * x\n" + main, space)
    assert ad.grad(space["f"])(0.5) == 3.0
    exec("def helper(x):\n return float(x) * float(x)\n", space)
    assert ad.grad(space["f"])(0.5) == 2.0


def test_functions_of_python_may_be_handed_over() -> None:
    assert ad.grad(math.sin)(0.5) == pytest.approx(math.cos(0.5))
    assert ad.hvp(math.exp, 0.5, 1.0) == pytest.approx(math.exp(0.5))
