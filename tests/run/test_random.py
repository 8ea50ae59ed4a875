"""Random programs, compiled against interpreted. ADJOINT_RANDOM_PROGRAMS sets how many."""

import os
import random
import warnings
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.graph import evaluate
from adjoint.run import compile_graph

COUNT = int(os.environ.get("ADJOINT_RANDOM_PROGRAMS", "120"))


class Draw(random.Random):
    """Draws while a function is recorded: NumPy's generators are recorded too."""

    def integers(self, low: int, high: int | None = None) -> int:
        return self.randrange(low) if high is None else self.randrange(low, high)

    def permutation(self, n: int) -> list[int]:
        return self.sample(range(n), n)


class Maker:
    """Draws operations on the values made so far."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.dtype = self.rng.choice(["f4", "f8", "f8", "f8"])
        extents = [1, 2, 3, 5, 8, 17, 33]
        self.shapes = [
            tuple(int(n) for n in self.rng.choice(extents, self.rng.integers(1, 4)))
            for _ in range(3)
        ]
        self.plan_seed = int(self.rng.integers(1 << 30))

    def arrays(self) -> list[Any]:
        return [self.rng.uniform(-1.5, 1.5, shape).astype(self.dtype) for shape in self.shapes]

    def program(self, *xs: Any) -> Any:
        rng = Draw(self.plan_seed)
        values = list(xs)
        for _ in range(int(rng.integers(4, 25))):
            x = values[rng.integers(len(values))]
            made = getattr(self, rng.choice(OPERATIONS))(rng, x, values)
            if made is not None and made.size <= 40_000:
                values.append(made)
        floats = [v for v in values if v.dtype.kind == "f"]
        keep = [floats[i] for i in rng.sample(range(len(floats)), min(3, len(floats)))]
        return [*keep, floats[-1]]

    def loss(self, *xs: Any) -> Any:
        return sum((np.tanh(v * 0.1)).sum() for v in self.program(*xs))

    # Every operation keeps numbers of moderate size, so that tolerances mean something.
    def unary(self, rng: Any, x: Any, values: Any) -> Any:
        f = [
            np.tanh,
            np.sin,
            np.cos,
            np.abs,
            np.negative,
            lambda v: v * v * 0.3,
            np.floor,
            lambda v: np.exp(-v * v),
            lambda v: np.sqrt(np.abs(v) + 1),
            lambda v: 1 / (2 + v * v),
            lambda v: np.log1p(v * v),
            lambda v: v**3 * 0.1,
        ][rng.integers(12)]
        return f(x)

    def binary(self, rng: Any, x: Any, values: Any) -> Any:
        y = values[rng.integers(len(values))]
        try:
            np.broadcast_shapes(x.shape, y.shape)
        except ValueError:
            return None
        f = [
            np.add,
            np.subtract,
            np.multiply,
            np.maximum,
            np.minimum,
            np.hypot,
            lambda a, b: a / (1.5 + b * b),
            lambda a, b: np.where(a > b, a, b * 0.5),
        ][rng.integers(8)]
        return f(x, y) * 0.7

    def reduce(self, rng: Any, x: Any, values: Any) -> Any:
        if x.ndim == 0:
            return None
        count = int(rng.integers(1, x.ndim + 1))
        axes = tuple(sorted(rng.sample(range(x.ndim), count)))
        f = [np.mean, np.sum, np.max, np.min][rng.integers(4)]
        made = f(x, axis=axes, keepdims=bool(rng.integers(2)))
        return made * 0.1 if f is np.sum else made

    def normalise(self, rng: Any, x: Any, values: Any) -> Any:
        if x.ndim == 0:
            return None
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def reshape(self, rng: Any, x: Any, values: Any) -> Any:
        choice = rng.integers(4)
        if choice == 0:
            return x.reshape(-1)
        if choice == 1:
            return x.reshape((*x.shape[:1], -1)) if x.ndim and x.size else None
        if choice == 2:
            return x[None] if x.ndim < 4 else None
        n = x.size
        k = next((d for d in (2, 3, 5) if n % d == 0 and n), None)
        return None if k is None else x.reshape(k, n // k)

    def permute(self, rng: Any, x: Any, values: Any) -> Any:
        return np.transpose(x, rng.permutation(x.ndim))

    def piece(self, rng: Any, x: Any, values: Any) -> Any:
        parts = []
        for n in x.shape:
            start = int(rng.integers(0, n))
            step = int(rng.choice([1, 1, 2, -1]))
            parts.append(slice(start, None, step))
        return x[tuple(parts)]

    def join(self, rng: Any, x: Any, values: Any) -> Any:
        if x.ndim == 0:
            return None
        axis = int(rng.integers(x.ndim))
        return np.concatenate([x, x * 0.5, np.flip(x, axis)][: int(rng.integers(2, 4))], axis=axis)

    def product(self, rng: Any, x: Any, values: Any) -> Any:
        if x.ndim < 2:
            return None
        for y in values[::-1]:
            if y.ndim >= 1 and y.shape[-1] == x.shape[-1] and y.ndim <= 2:
                return x @ y.T * (0.5 / x.shape[-1])
        return x @ np.swapaxes(x, -1, -2) * (0.5 / x.shape[-1])

    def pick(self, rng: Any, x: Any, values: Any) -> Any:
        if x.ndim == 0 or 0 in x.shape:
            return None
        axis = int(rng.integers(x.ndim))
        n = x.shape[axis]
        index = np.array([rng.integers(-n, n) for _ in range(rng.integers(1, 6))])
        return np.take(x, index % x.shape[axis], axis=axis)

    def write(self, rng: Any, x: Any, values: Any) -> Any:
        if x.ndim == 0:
            return None
        y = x.copy()
        y[: (x.shape[0] + 1) // 2] = np.tanh(x[: (x.shape[0] + 1) // 2])
        return y

    def running(self, rng: Any, x: Any, values: Any) -> Any:
        return None if x.ndim == 0 else np.cumsum(x, axis=int(rng.integers(x.ndim))) * 0.1

    def pad(self, rng: Any, x: Any, values: Any) -> Any:
        return np.pad(x, 1) if 0 < x.ndim < 3 else None

    def repeat(self, rng: Any, x: Any, values: Any) -> Any:
        return None if x.ndim == 0 else np.roll(x, 1, axis=0) + np.repeat(x[:1], x.shape[0], 0)

    def loop(self, rng: Any, x: Any, values: Any) -> Any:
        if x.ndim == 0 or x.shape[0] > 10:
            return None
        carry, rows = ad.scan(lambda c, r: (np.tanh(c + r), c * r), np.zeros_like(x[0]), x)
        return rows + carry


OPERATIONS = ["unary", "unary", "unary", "binary", "binary", "binary", "binary", "reduce", "reduce",
              "normalise", "reshape", "permute", "piece", "join", "product", "pick", "write",
              "running", "pad", "repeat", "loop"]  # fmt: skip


def compare(graph: Any, inputs: list[Any], dtype: str) -> None:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = evaluate(graph, inputs)
    for threads in (1, 2):
        got = compile_graph(graph, threads=threads)(inputs)
        for wanted, y in zip(expected, got, strict=True):
            tolerance = 2e-4 if dtype == "f4" else 1e-10
            assert y.shape == np.shape(wanted)
            assert y.dtype == wanted.dtype
            np.testing.assert_allclose(y, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("first", range(0, COUNT, 10))
def test_random_programs(first: int) -> None:
    for seed in range(first, min(first + 10, COUNT)):
        maker = Maker(seed)
        arrays = maker.arrays()
        compare(ad.trace(maker.program, *arrays), arrays, maker.dtype)


@pytest.mark.parametrize("first", range(0, COUNT // 2, 10))
def test_slopes_of_random_programs(first: int) -> None:
    for seed in range(first, min(first + 10, COUNT // 2)):
        maker = Maker(seed + 10_000)
        maker.dtype = "f8"
        arrays = maker.arrays()
        slope = ad.grad(maker.loss, argnums=tuple(range(len(arrays))))
        compare(ad.trace(slope, *arrays), arrays, "f8")
