"""Random programs of views, aliases and assignments.

Each program is drawn from a seed and run twice: by NumPy, and under recording. Values must be
NumPy's bit for bit. The elements are sums and products of earlier ones, so the derivative
along a direction is compared with central differences of NumPy's own run, and reverse mode
with forward mode by the pairing of both.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import adjoint as ad

PROGRAMS = 20_000
BATCHES = 10


def _slice(draw: Any, n: int) -> Any:
    a, b = sorted(draw.integers(0, n + 1, 2).tolist())
    step = (1, 1, 2, -1)[draw.integers(4)]
    return slice(a, b, step) if step > 0 else slice(None if b == n else b, a or None, step)


def _index(draw: Any, shape: tuple[int, ...]) -> Any:
    """A random index of any kind: integers, slices, new axes, masks, arrays, ellipses."""
    kind = draw.integers(8)
    if kind == 0:
        return Ellipsis
    if kind == 1:
        return _slice(draw, shape[0])
    if kind == 2 and shape[0]:
        return int(draw.integers(-shape[0], shape[0]))
    if kind == 3 and shape[0]:
        return draw.integers(-shape[0], shape[0], draw.integers(1, 4))
    if kind == 4:
        return draw.random(shape) < 0.5
    if kind == 5 and len(shape) > 1 and all(shape):
        return (Ellipsis, int(draw.integers(shape[-1])))
    if kind == 6:
        return (_slice(draw, shape[0]), None)
    parts: list[Any] = []
    for n in shape:
        whole = not n or draw.integers(3) == 0
        parts.append(_slice(draw, n) if whole else int(draw.integers(n)))
    return tuple(parts)


VIEWS: list[Callable[[Any, Any], Any]] = [
    lambda draw, a: a.T,
    lambda draw, a: a.reshape(-1),
    lambda draw, a: np.reshape(a, a.shape[::-1]),
    lambda draw, a: a.ravel(),
    lambda draw, a: np.flip(a, 0),
    lambda draw, a: a[..., None],
    lambda draw, a: np.moveaxis(a, 0, -1),
    lambda draw, a: np.squeeze(a),
    lambda draw, a: a[_slice(draw, a.shape[0])],
    lambda draw, a: np.atleast_2d(a),
    lambda draw, a: np.expand_dims(a, 0),
    lambda draw, a: np.split(a, [1])[-1],
]


def _value(draw: Any, arrays: list[Any], shape: tuple[int, ...]) -> Any:
    """Something that fits into a shape: a number, an element, a sum, or an aliasing array."""
    kind = draw.integers(5)
    one = arrays[draw.integers(len(arrays))]
    if kind == 0:
        return float(draw.integers(-3, 4))
    if kind == 1:
        return one.sum() * 0.5
    if kind == 2 and one.shape == shape:
        return one
    if kind == 3 and one.size:
        return one.reshape(-1)[0] * 1.5
    return np.cos(np.resize(one, shape)) if one.size else 1.0


def _step(draw: Any, arrays: list[Any]) -> None:
    a = arrays[draw.integers(len(arrays))]
    kind = draw.integers(13)
    if not a.ndim:
        return
    if kind <= 2:
        index = _index(draw, a.shape)
        shape = np.shape(np.zeros(a.shape)[index])
        a[index] = _value(draw, arrays, shape)
    elif kind <= 4:
        view = VIEWS[draw.integers(len(VIEWS))](draw, a)
        if np.ndim(view) and np.ndim(view) < 4:
            arrays.append(view)
    elif kind == 5:
        index = _index(draw, a.shape)
        shape = np.shape(np.zeros(a.shape)[index])
        a[index] += _value(draw, arrays, shape)
    elif kind == 6:
        other = arrays[draw.integers(len(arrays))]
        if other.shape == a.shape:
            a *= np.sin(other)
        else:
            a -= 0.25
    elif kind == 7:
        part = a[_slice(draw, a.shape[0])]
        np.multiply(part, 0.5, out=part)
    elif kind == 8:
        np.add.at(a, draw.integers(0, a.shape[0], 3) if a.shape[0] else [], 0.75)
    elif kind == 9 and a.size:
        np.put(a, draw.integers(0, a.size, 2), [_value(draw, arrays, ()), 0.5])
    elif kind == 10:
        mask = draw.random(a.shape) < 0.5
        np.copyto(a, _value(draw, arrays, a.shape), where=mask)
    elif kind == 11:
        arrays.append(a.copy() if draw.integers(2) else a * 1.25)
    elif a.ndim >= 2 and len(set(a.shape)) == 1:
        np.fill_diagonal(a, _value(draw, arrays, ()))
    elif a.size:
        a.flat[int(draw.integers(a.size))] = 2.5


def _swap(a: Any, i: int, j: int) -> None:
    a[[i, j]] = a[[j, i]]


def _places(draw: Any, a: Any) -> Any:
    places = np.argsort(draw.random(a.shape), axis=0)
    np.put_along_axis(a, places[:1], 0.5, 0)
    return np.take_along_axis(a, places, 0)


def _rows(a: Any) -> None:
    for row in a:
        row *= 0.5  # rows are views; numbers are bound anew


def _further_step(draw: Any, arrays: list[Any]) -> None:
    """Swaps, transposes, targets, whole rows: what people write beside plain assignments."""
    a = arrays[draw.integers(len(arrays))]
    if not a.ndim or not a.size:
        return
    kind = draw.integers(10)
    i, j = draw.integers(0, a.shape[0], 2).tolist()
    if kind == 0:
        _swap(a, i, j)
    elif kind == 1:
        a.T[...] = _value(draw, arrays, a.T.shape)
    elif kind == 2:
        np.add(a, 0.5, out=a.T if a.T.shape == a.shape else a)
    elif kind == 3:
        np.cumsum(a, axis=0, out=a)
    elif kind == 4:
        a.flat[::2] = 0.75
    elif kind == 5:
        np.multiply.at(a, [i, i, j], a.reshape(-1)[0])
    elif kind == 6:
        a[i] -= a[j]
    elif kind == 7:
        arrays.append(_places(draw, a))
    elif kind == 8:
        a.sort(axis=0)
    else:
        _rows(a)


def program(seed: int, x: Any) -> Any:
    """Run the program of a seed; the result reads all its arrays."""
    draw = np.random.default_rng(seed)
    fresh = [np.zeros((3, 2)), np.ones(4), np.arange(4.0).reshape(2, 2), np.empty((1, 3))]
    fresh[3][...] = 0.5
    # The argument itself is written too: through its aliases, but not in the caller's array.
    first = x if draw.integers(2) else x * 1.0
    arrays = [first, fresh[draw.integers(4)], np.array([x[0, 0], 2.0, x[1, 1]])]
    for _ in range(int(draw.integers(3, 9))):
        (_step if draw.integers(3) else _further_step)(draw, arrays)
    return np.concatenate([a.reshape(-1) for a in arrays])


def check(seed: int) -> None:
    rng = np.random.default_rng(seed + 1)
    x = rng.uniform(0.2, 1.2, (2, 3))
    wanted = program(seed, x.copy())
    kept = x.copy()
    out, pull = ad.vjp(lambda v: program(seed, v), x)
    assert out.dtype == wanted.dtype
    assert out.tobytes() == wanted.tobytes(), f"values of program {seed}"
    assert x.tobytes() == kept.tobytes()
    if seed // BATCHES % 8:
        return
    t, bar = rng.uniform(-1, 1, x.shape), rng.uniform(-1, 1, out.shape)
    _, dot = ad.jvp(lambda v: program(seed, v), (x,), (t,))
    (back,) = pull(bar)
    one, other = float(np.sum(bar * dot)), float(np.sum(back * t))
    scale = max(np.abs(bar * dot).sum(), np.abs(back * t).sum(), 1e-30)
    assert abs(one - other) <= 1e-9 * scale, f"modes of program {seed}"
    h = 1e-5
    numeric = (program(seed, x + h * t) - program(seed, x - h * t)) / (2 * h)
    size = max(1.0, float(np.abs(numeric).max(initial=0)))
    np.testing.assert_allclose(dot, numeric, rtol=1e-5, atol=1e-6 * size, err_msg=f"{seed}")


@pytest.mark.parametrize("batch", range(BATCHES))
def test_programs_of_views_and_assignments(batch: int) -> None:
    count = 0
    for seed in range(batch, PROGRAMS, BATCHES):
        check(seed)
        count += 1
    assert count == PROGRAMS // BATCHES
