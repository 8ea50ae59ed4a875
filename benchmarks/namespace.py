"""NumPy's functions one by one: what the value and the gradient cost, over plain NumPy.

    python benchmarks/namespace.py [--size N] [--jit] [NAME ...]

The value of sum(f(x)) and its gradient are timed outside jit, or inside, in turns with plain
NumPy. Processor time, so that a busy machine does not decide; inside jit run it on one thread.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import adjoint as ad

Rows = dict[str, Callable[[Any], Any]]


def elementwise() -> Rows:
    names = (
        "abs negative positive square sqrt cbrt reciprocal exp exp2 expm1 log log2 log10 log1p "
        "sin cos tan "
        "arcsin arctan sinh cosh tanh arcsinh sinc sign floor ceil rint trunc fix degrees radians "
        "nan_to_num real imag conj angle spacing i0 isfinite isnan signbit logical_not"
    )
    return {name: getattr(np, name) for name in names.split()}


def pairs() -> Rows:
    names = (
        "add subtract multiply divide power float_power maximum minimum fmax fmin hypot arctan2 "
        "logaddexp logaddexp2 copysign fmod remainder floor_divide nextafter heaviside greater"
    )
    return {name: lambda x, name=name: getattr(np, name)(x, x[::-1]) for name in names.split()}


def reductions() -> Rows:
    names = (
        "sum prod mean std var max min ptp median nansum nanprod nanmean nanstd nanvar "
        "nanmax nanmin nanmedian "
        "argmax argmin cumsum cumprod nancumsum diff ediff1d all any count_nonzero argsort sort"
    )
    whole: Rows = {name: getattr(np, name) for name in names.split()}
    lines = "sum prod mean std max median sort argsort cumsum cumprod diff"
    along = lines.split()
    rows = {
        f"{name} axis 0": lambda x, name=name: getattr(np, name)(_matrix(x), axis=0)
        for name in along
    }
    last = {
        f"{name} axis 1": lambda x, name=name: getattr(np, name)(_matrix(x), axis=1)
        for name in along
    }
    return whole | rows | last


def others() -> Rows:
    modes = "constant edge reflect symmetric wrap linear_ramp maximum mean median minimum"
    half = lambda x: x[: x.size // 2]  # noqa: E731
    return {
        "clip": lambda x: np.clip(x, 0.3, 0.7),
        "clip arrays": lambda x: np.clip(x, x[::-1] - 0.1, x[::-1] + 0.1),
        "maximum scalar": lambda x: np.maximum(x, 0.5),
        "where": lambda x: np.where(x > 0.5, x, 2.0),
        "select": lambda x: np.select([x > 0.7, x > 0.3], [x, 2 * x], 0.0),
        "frexp": lambda x: np.frexp(x)[0],
        "modf": lambda x: np.modf(x)[0],
        "ldexp": lambda x: np.ldexp(x, 3),
        "divmod": lambda x: np.divmod(x, 0.3)[1],
        "round": lambda x: np.round(x, 2),
        "repeat": lambda x: np.repeat(x, 3),
        "repeat axis": lambda x: np.repeat(_matrix(x), 2, axis=1),
        "repeat counts": lambda x: np.repeat(x, np.arange(x.size) % 3),
        "tile": lambda x: np.tile(x, 3),
        "flip": np.flip,
        "roll": lambda x: np.roll(x, 7),
        "rot90": lambda x: np.rot90(_matrix(x)),
        "transpose": lambda x: _matrix(x).T.copy(),
        "concatenate": lambda x: np.concatenate([x, x]),
        "stack": lambda x: np.stack([x, x]),
        "hstack": lambda x: np.hstack([x, x]),
        "split": lambda x: np.array_split(x, 3)[1],
        "insert": lambda x: np.insert(x, 3, 1.0),
        "delete": lambda x: np.delete(x, 3),
        "append": lambda x: np.append(x, x),
        "resize": lambda x: np.resize(x, x.size * 2),
        "take": lambda x: np.take(x, np.arange(x.size)[::-1]),
        "gather": lambda x: x[np.arange(x.size)[::-1]],
        "mask": lambda x: x[x > 0.5],
        "compress": lambda x: np.compress(x > 0.5, x),
        "extract": lambda x: np.extract(x > 0.5, x),
        "take_along_axis": lambda x: np.take_along_axis(x, np.argsort(x), 0),
        "choose": lambda x: np.choose(np.arange(x.size) % 2, [x, 2 * x]),
        "partition": lambda x: np.partition(x, x.size // 2),
        "percentile": lambda x: np.percentile(x, [10, 50]),
        "quantile axis": lambda x: np.quantile(_matrix(x), 0.3, axis=0),
        "average": lambda x: np.average(x, weights=x),
        "cov": lambda x: np.cov(_few(x)),
        "corrcoef": lambda x: np.corrcoef(_few(x)),
        "interp": lambda x: np.interp(x, np.linspace(0, 1, 100), np.linspace(0, 1, 100) ** 2),
        "interp knots": lambda x: np.interp(
            np.linspace(0, 1, x.size), np.linspace(0, 1, x.size), x
        ),
        "unwrap": lambda x: np.unwrap(x * 9),
        "gradient": np.gradient,
        "trapezoid": np.trapezoid,
        "convolve": lambda x: np.convolve(x, np.ones(9)),
        "correlate": lambda x: np.correlate(x, np.ones(9), "same"),
        "polyval": lambda x: np.polyval([1.0, 2.0, 3.0, 4.0], x),
        "chebval": lambda x: np.polynomial.chebyshev.chebval(x, [1.0, 2.0, 3.0, 4.0]),
        "piecewise": lambda x: np.piecewise(x, [x < 0.5, x >= 0.5], [lambda v: v * v, lambda v: v]),
        "histogram": lambda x: np.histogram(x, 10, weights=x)[0],
        "bincount": lambda x: np.bincount(np.arange(x.size) % 10, weights=x),
        "digitize": lambda x: np.digitize(x, np.linspace(0, 1, 10)) * x,
        "searchsorted": lambda x: np.searchsorted(np.linspace(0, 1, 99), x) * x,
        "unique": np.unique,
        "cross": lambda x: np.cross(_threes(x), _threes(x)[::-1]),
        "outer": lambda x: np.outer(_few(x)[:, 0], x),
        "kron": lambda x: np.kron(_few(x)[:, 0], x),
        "dot": lambda x: np.dot(x, x),
        "einsum": lambda x: np.einsum("ij,ij->i", _matrix(x), _matrix(x)),
        "matmul": lambda x: _few(x) @ _few(x).T,
        "norm": np.linalg.norm,
        "norm axis": lambda x: np.linalg.norm(_matrix(x), axis=1),
        "norm inf": lambda x: np.linalg.norm(x, np.inf),
        "vander": lambda x: np.vander(x, 4),
        "tril": lambda x: np.tril(_matrix(x)),
        "diag": lambda x: np.diag(_matrix(x)),
        "trace": lambda x: np.trace(_matrix(x)),
        "fft": lambda x: np.fft.fft(x).real,
        "rfft": lambda x: np.fft.rfft(x).real,
        "fft2": lambda x: np.fft.fft2(_matrix(x)).real,
        "fftshift": np.fft.fftshift,
        "reduceat": lambda x: np.add.reduceat(x, np.arange(0, x.size, 5)),
        "maximum.reduceat": lambda x: np.maximum.reduceat(x, np.arange(0, x.size, 5)),
        "multiply.reduceat": lambda x: np.multiply.reduceat(x, np.arange(0, x.size, 5)),
        "maximum.accumulate": np.maximum.accumulate,
        "add.at": lambda x: _added(x),
        "apply_along_axis": lambda x: np.apply_along_axis(np.sum, 1, _matrix(x)[:10]),
        "lexsort": lambda x: x[np.lexsort((x, half(x).sum() * x))],
        "sliding": lambda x: np.lib.stride_tricks.sliding_window_view(x, 5).mean(axis=1),
        "slices": lambda x: (x[1:] - x[:-1]) ** 2,
        "stencil": lambda x: _stencil(_matrix(x)),
        "writes": lambda x: _written(x),
        "broadcast": lambda x: x + _few(x)[:, :1],
        "softmax": lambda x: _softmax(_matrix(x)),
    } | {
        f"pad {mode}": lambda x, mode=mode: np.pad(_matrix(x), 3, mode=mode)
        for mode in modes.split()
    }


def _matrix(x: Any) -> Any:
    side = math.isqrt(x.size)
    return x[: side * side].reshape(side, side)


def _few(x: Any) -> Any:
    return x.reshape(4, -1)


def _threes(x: Any) -> Any:
    return x[: x.size // 3 * 3].reshape(-1, 3)


def _added(x: Any) -> Any:
    out = np.zeros(11) * x[0]
    np.add.at(out, np.arange(x.size) % 11, x)
    return out


def _stencil(u: Any) -> Any:
    return u[1:-1, 1:-1] * 4 - u[:-2, 1:-1] - u[2:, 1:-1] - u[1:-1, :-2] - u[1:-1, 2:]


def _written(x: Any) -> Any:
    y = x.copy()
    y[1:] = y[1:] * 2
    y[::2] += 1.0
    return y


def _softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _seconds(call: Callable[[], Any], budget: float) -> float:
    """The time of one call, from as many as fit the budget."""
    start = time.process_time()
    call()
    once = time.process_time() - start
    count = max(1, min(1000, int(budget / max(once, 1e-7))))
    start = time.process_time()
    for _ in range(count):
        call()
    return (time.process_time() - start) / count


def measure(function: Callable[[Any], Any], size: int, jit: bool, rounds: int) -> tuple[float, ...]:
    """Seconds of plain NumPy, of the value and of the gradient."""
    x = np.random.default_rng(0).uniform(0.05, 0.95, size)

    def loss(v: Any) -> Any:
        return np.sum(function(v))

    def gradient(v: Any) -> Any:
        return ad.grad(loss)(v)

    # outside jit a value is what recording it costs: the value of value_and_grad's forward part
    value = ad.jit(loss) if jit else lambda v: ad.vjp(loss, v)[0]
    slope = ad.jit(gradient) if jit else ad.grad(loss)
    calls = [lambda: loss(x), lambda: value(x), lambda: slope(x)]
    for call in calls:
        call()
    times: list[list[float]] = [[], [], []]
    for _ in range(rounds):
        for call, found in zip(calls, times, strict=True):
            found.append(_seconds(call, 0.004))
    return tuple(statistics.median(found) for found in times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--jit", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    rows = elementwise() | pairs() | reductions() | others()
    found = []
    for name, function in rows.items():
        if chosen.names and name not in chosen.names:
            continue
        try:
            plain, value, slope = measure(function, chosen.size, chosen.jit, chosen.rounds)
        except Exception as error:  # a row that is refused is worth a line, and the rest go on
            print(f"{name:20} {type(error).__name__}: {str(error).splitlines()[0][:90]}")
            continue
        found.append((slope / plain, name, plain, value))
    print(f"{'function':20} {'NumPy us':>10} {'value':>8} {'gradient':>9}   (over NumPy)")
    for ratio, name, plain, value in sorted(found, reverse=True):
        print(f"{name:20} {plain * 1e6:10.1f} {value / plain:8.2f} {ratio:9.2f}", flush=True)


if __name__ == "__main__":
    main()
