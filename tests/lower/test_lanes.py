"""Lanes that lie neither side by side nor just anywhere: strides, repeats, small windows."""

import itertools
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.lower import lower_graph
from adjoint.lower.index import Var, var_index
from adjoint.lower.steps import KernelStep, walk
from adjoint.rewrite import rewrite
from adjoint.run import native


def pooled(x: Any) -> Any:
    n, h, w = x.shape
    return np.max(np.reshape(x, (n, h // 2, 2, w // 2, 2)), axis=(2, 4))


PROGRAMS = {
    "every second": lambda x: x[:, :, ::2] + 1,
    "every fourth": lambda x: x[:, :, 1::4] + 1,
    "every sixth": lambda x: x[:, :, ::6] + 1,
    "backwards": lambda x: np.flip(x, 2) + x,
    "backwards, every third": lambda x: x[:, :, ::-3] * 2,
    "twice": lambda x: np.repeat(x, 2, axis=2) * 3,
    "four times": lambda x: np.repeat(x, 4, axis=2) + 1,
    "upsampled": lambda x: np.kron(x[0], np.ones((2, 2), x.dtype)) + 1,
    "pooled": pooled,
    "short rows": lambda x: np.sum(np.reshape(x, (-1, 2)) * 2, axis=1),
    "rows of four": lambda x: np.max(np.reshape(x, (-1, 4)), axis=1),
    "rows of three": lambda x: np.sum(np.reshape(x[:, :, :3], (-1, 3)), axis=1),
    "short rows added": lambda x: np.sum(np.reshape(x, (-1, 2, 4)), axis=1),
    "short and wide": lambda x: np.reshape(x, (-1, 2)) * np.arange(1, 3, dtype=x.dtype),
    "turned short": lambda x: np.reshape(np.reshape(x, (4, -1)).T + 1, (-1,)),
    "compared": lambda x: (np.reshape(x, (-1, 2)) > 0) & (np.reshape(x, (-1, 2)) < 1),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_numbers_are_the_interpreter_s(name: str, dtype: str, rng: np.random.Generator) -> None:
    for shape in ((2, 6, 4), (3, 4, 12), (2, 10, 36), (1, 2, 68)):
        x = (rng.normal(size=shape) * 9).astype(dtype)
        np.testing.assert_allclose(ad.jit(PROGRAMS[name])(x), PROGRAMS[name](x), rtol=1e-5)


@pytest.mark.parametrize("features", [frozenset({"avx2"}), frozenset({"avx2", "avx512f"})])
def test_other_processors_read_with_other_widths(features: frozenset[str]) -> None:
    x = np.zeros((2, 10, 36), np.float32)
    for name in PROGRAMS:
        text = lower_graph(rewrite(ad.trace(PROGRAMS[name], x)), features).text
        assert native.optimise(text) is not None


def test_nothing_outside_the_array_is_touched(rng: np.random.Generator) -> None:
    # A page that may not be read lies behind the array: a read too far ends the process.
    import ctypes
    import mmap

    size = mmap.PAGESIZE
    pages = mmap.mmap(-1, 2 * size)
    whole = np.frombuffer(pages, np.uint8)
    libc = ctypes.CDLL(None, use_errno=True)
    guard = ctypes.c_void_p(whole.ctypes.data + size)
    if libc.mprotect(guard, size, 0):
        pytest.skip("pages cannot be protected here")
    for n in (6, 10, 22, 38, 60):
        x = whole[size - 4 * n : size].view(np.float32).reshape(1, 2, n // 2)
        x[...] = rng.normal(size=x.shape)
        for name in ("every second", "backwards", "twice", "short rows", "turned short"):
            if name == "turned short" and n % 4:
                continue
            np.testing.assert_array_equal(ad.jit(PROGRAMS[name])(x), PROGRAMS[name](x))
    libc.mprotect(guard, size, 3)


def test_pooling_runs_in_full_vectors(rng: np.random.Generator) -> None:
    x = rng.normal(size=(3, 8, 32)).astype("f")
    graph = ad.trace(ad.grad(lambda x: np.sum(pooled(x) ** 2)), x)
    _, features = native.processor()
    lowered = lower_graph(rewrite(graph), features)
    assert "masked.gather" not in lowered.text
    kernels = [step.kernel for step in walk(lowered.steps) if isinstance(step, KernelStep)]
    assert [kernel.across for kernel in kernels] == [False] * len(kernels)


def test_short_loops_join_only_if_nothing_is_gathered_then() -> None:
    x = np.zeros((2000, 10, 4))
    lowered = lower_graph(
        rewrite(ad.trace(lambda x: np.sum(x, axis=1), x)), frozenset({"avx512f", "avx512vl"})
    )
    assert "masked.gather" not in lowered.text
    (kernel,) = [step.kernel for step in walk(lowered.steps) if isinstance(step, KernelStep)]
    assert kernel.groups == [[0], [1], [2]]


def test_a_coarse_quotient_is_one_of_the_coarse_part() -> None:
    i, j, k = Var("i", 6, 1), Var("j", 28, 2), Var("k", 3, 0)
    flat = var_index(i) * 28 + var_index(j)
    assert flat.div(56) == var_index(i).div(2)
    assert (flat + var_index(k) * 168).div(56) == var_index(i).div(2) + var_index(k) * 3
    for a, b, c, d in itertools.product((4, 6, 12), (1, 2, 3), (0, 5), (6, 12, 36)):
        index = var_index(i) * a + var_index(k) * b + c
        for x, y in itertools.product(range(6), range(3)):
            values = {i: x, k: y}
            whole = a * x + b * y + c
            assert _value(index.div(d), values) == whole // d


def _value(index: Any, known: dict[Any, int]) -> int:
    total: int = index.const
    for atom, factor in index.terms.items():
        inner = getattr(atom, "index", None)
        total += factor * (known[atom] if inner is None else _value(inner, known) // atom.divisor)
    return total


@pytest.mark.parametrize("columns", [1, 63, 64, 130, 512, 700])
def test_sums_of_columns_read_runs_of_rows(columns: int, rng: np.random.Generator) -> None:
    x = rng.normal(size=(70, columns)).astype("f")

    def f(x: Any) -> Any:
        return np.sum(x, axis=0), np.sum(x * x, axis=0), np.max(x, axis=0)

    one, two = ad.jit(f, threads=1)(x), ad.jit(f, threads=2)(x)
    for got, again, wanted in zip(one, two, f(x.astype("d")), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=2e-5)
        np.testing.assert_array_equal(got, again)
    _, features = native.processor()
    lowered = lower_graph(rewrite(ad.trace(lambda x: np.sum(x, axis=0), x)), features)
    kernels = [step.kernel for step in walk(lowered.steps) if isinstance(step, KernelStep)]
    assert columns < 512 or [kernel.vectors >= 4 for kernel in kernels] == [True]
