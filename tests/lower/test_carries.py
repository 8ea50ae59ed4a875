"""Loops whose carries change places: copied, doubled, passed on and written over.

Where the new value of a carry is written straight over the old one, nobody may still need it: not
another carry that the old value goes on as, nor a second carry with the same new value.
"""

from typing import Any

import numpy as np
import pytest

import adjoint as ad

OPERATIONS = (
    lambda a, b: np.sin(a + 0.5 * b),
    lambda a, b: a * b * 0.3 + 0.1,
    lambda a, b: np.tanh(a @ b * 0.1),
    lambda a, b: (a - b.T) * 0.5,
    lambda a, b: np.mean(a, axis=0) * np.ones_like(b) + 0.3 * b[::-1],
)


def random_loop(seed: int) -> tuple[Any, list[Any]]:
    """A loop of random operations on square matrices; new carries are any of its values."""
    rng = np.random.default_rng(seed)
    carries, made = int(rng.integers(2, 5)), int(rng.integers(1, 7))
    steps = [
        (
            OPERATIONS[rng.integers(len(OPERATIONS))],
            *(int(i) for i in rng.integers(carries + k, size=2)),
        )
        for k in range(made)
    ]
    results = [
        int(rng.integers(0 if rng.random() < 0.4 else carries, carries + made))
        for _ in range(carries)
    ]
    if rng.random() < 0.5:
        results[-1] = results[0]
    length, size = int(rng.integers(1, 6)), int(rng.choice([5, 12, 40]))
    as_while = bool(rng.integers(2))

    def body(values: Any) -> tuple[Any, ...]:
        values = list(values)
        for operation, i, j in steps:
            values.append(operation(values[i], values[j]))
        return tuple(values[r] for r in results)

    def loop(*first: Any) -> Any:
        if as_while:
            start = (0, *first)
            return ad.while_loop(
                lambda s: s[0] < length, lambda s: (s[0] + 1, *body(s[1:])), start
            )[1:]
        return ad.scan(lambda c, _: (body(c), np.sum(c[0])), first, None, length=length)[0]

    return loop, [rng.standard_normal((size, size)) for _ in range(carries)]


@pytest.mark.parametrize("seed", range(40))
def test_compiled_loops_have_the_interpreters_numbers(seed: int) -> None:
    loop, first = random_loop(seed)

    def total(*values: Any) -> Any:
        return sum(np.sum(x * np.cos(np.arange(x.size).reshape(x.shape))) for x in loop(*values))

    for got, want in zip(ad.jit(loop)(*first), loop(*first), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-10)
    gradient = ad.grad(total, argnums=tuple(range(len(first))))
    for got, want in zip(ad.jit(gradient)(*first), gradient(*first), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-9)
