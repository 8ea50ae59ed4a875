"""Calls and helpers write recorded values into plain arrays whose every holder is known."""

import collections
import functools
import sys
import threading
import types
import weakref

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import TraceError

GRID = np.linspace(1.0, 2.0, 4)
TABLE = np.outer(GRID, GRID)[:3]
POINT = np.array([0.7, 1.3, 2.1, 0.4])
BUFFER = np.zeros((3, 4))

pytestmark = pytest.mark.skipif(
    sys.implementation.name != "cpython", reason="references are counted"
)


def add_into(h, x):
    np.add(h, x, out=h)
    return h.sum()


def write_items(h, x):
    h[:2] = x[:2]
    h[-1] += x[0]
    return h.sum()


def calls(x):
    h, k, m = np.exp(-GRID), np.exp(GRID), np.sin(GRID)
    np.multiply(x, x, out=h)
    np.subtract(k, x, k)
    np.add.at(m, [0, 1, 1], x[:3])
    r = h.sum() * k.prod() + (m * m).sum()
    np.copyto(h, x, where=GRID < 1.8)
    np.put(k, [0, 2], x[:2])
    np.putmask(m, GRID > 1.2, x)
    r += (h * k * m).sum()
    np.cumsum(x, out=h)
    np.add.accumulate(h, out=k)
    np.place(m, GRID > 1.5, x[1:3])
    np.put_along_axis(h, np.array([0, 3]), x[:2], 0)
    return r + (h * k * m).sum()


def methods(x):
    h, k = np.exp(-GRID), np.exp(GRID)
    h.fill(x[0])
    k.put([1, 2], x[:2])
    return (h * k * x).sum()


def helpers(x):
    h = np.exp(-GRID)

    def outer(a):
        inner(q=a)
        return a[1:]

    def inner(*, q):
        add_into(q, x)
        write_items(q, x * x)

    return (outer(h) ** 2).sum() * h.prod()


def containers(x):
    rows = [np.exp(-GRID), np.sin(GRID)]
    for i, row in enumerate(rows):
        row[i] = x[i]
    for row, a in zip(rows, x, strict=False):
        add_into(row, a * x)
    held = types.SimpleNamespace(a=np.cos(GRID), b={"c": np.exp(GRID)})
    last = collections.deque([held.a], maxlen=2)
    write_items(held.b["c"], x)
    add_into(last[0], x)
    return (rows[0] * rows[1] * held.a).sum() + held.b["c"].prod()


def closures(x):
    h = np.exp(-GRID)

    def write():
        add_into(h, x)

    def grow():
        nonlocal h
        h += x
        write_items(h, x)

    def read():
        return (h * h).sum()

    write()
    first = read()
    grow()
    return first * read()


def views(x):
    h = TABLE * 2
    v, part = h[1], h[::-1, 1:3]
    del part
    v[1:] = x[1:]
    np.add(x, 1, out=h[2])
    np.copyto(h[:2, ::2], x.reshape(2, 2))
    w = TABLE * 3
    u = w[1:].T
    u[0] = x[:2]
    add_into(u, x[0])
    return (h**2).sum() * v.sum() + (w * w).sum()


def met_before(x):
    h = np.exp(-GRID)
    s = (h * x).sum() * (h[1:] * x[1:]).sum()
    add_into(h, x)
    return s * (h * h).sum()


class Model:
    """Arrays, a view of one of them, and one array under two names."""

    def __init__(self):
        self.table = TABLE * 2
        self.row = self.table[1]
        self.parts = {"f": np.exp(-GRID)}
        self.same = self.parts

    def run(self, x):
        self.row[1:] = x[1:]
        np.multiply(self.table, x, out=self.table)
        np.add.at(self.parts["f"], [0, 0, 3], x[:3])
        self.same["f"] += self.row
        return (self.table**2).sum() * self.parts["f"].prod()


def made_inside(x):
    return Model().run(x)


CASES = (calls, methods, helpers, containers, closures, views, met_before, made_inside)


borrowed = pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="refused: a parameter may hold without a count"
)


def differences(f, x, h=1e-6):
    return np.array([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(x.size)])


@borrowed
@pytest.mark.parametrize("f", CASES)
def test_what_a_call_writes_into_has_derivatives(f):
    value, slope = ad.value_and_grad(f)(POINT)
    assert value == f(POINT)
    np.testing.assert_allclose(slope, differences(f, POINT), rtol=1e-6)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(POINT), slope, rtol=1e-12)
    _, dot = ad.jvp(f, (POINT,), (GRID,))
    np.testing.assert_allclose(dot, slope @ GRID, rtol=1e-12)
    points = np.stack([POINT, POINT + 0.1])
    np.testing.assert_allclose(ad.vmap(f)(points), [f(x) for x in points], rtol=1e-12)
    second = differences(lambda x: ad.grad(f)(x) @ GRID, POINT)
    np.testing.assert_allclose(ad.hvp(f, POINT, GRID), second, rtol=1e-5, atol=1e-6)


@borrowed
def test_arrays_from_outside_hold_what_numpy_writes():
    model = Model()

    def f(x):
        BUFFER[1] = 0
        np.multiply(x, x, out=BUFFER[0])
        row = BUFFER[1]
        row[:2] = BUFFER[0, :2]
        return (BUFFER**2).sum() + model.run(x)

    wanted = Model()
    wanted.run(POINT)
    slope = ad.grad(f)(POINT)
    assert type(BUFFER) is type(model.row) is np.ndarray
    assert model.row.base is model.table
    np.testing.assert_array_equal(BUFFER[:2], [POINT**2, [*POINT[:2] ** 2, 0, 0]])
    np.testing.assert_array_equal(model.table, wanted.table)
    np.testing.assert_array_equal(model.parts["f"], wanted.parts["f"])
    model.__init__()
    squares = np.array([2, 2, 1, 1]) * 4 * POINT**3
    np.testing.assert_allclose(slope, squares + ad.grad(made_inside)(POINT), rtol=1e-12)
    with pytest.raises(TraceError, match="is there after the call"):
        ad.jit(f)(POINT)
    BUFFER[:] = 0


def before_in_the_line(x, write):
    h = np.exp(-GRID)
    return (h * write(h, x)).sum()


def before_in_a_call(x, write):
    h = np.exp(-GRID)
    return max(h, write(h, x), key=np.sum)


def in_a_tuple(x, write):
    held = (np.exp(-GRID), 1)
    write(held[0], x)
    return held[0].sum()


def in_a_partial(x, write):
    h = np.exp(-GRID)
    later = functools.partial(np.sum, h)
    write(h, x)
    return later()


def in_a_method(x, write):
    h = np.exp(-GRID)
    later = h.sum
    write(h, x)
    return later()


def seen_weakly(x, write):
    h = np.exp(-GRID)
    later = weakref.ref(h)
    write(h, x)
    return later().sum()


def in_a_view(x, write):
    h = np.exp(-GRID)
    v, w = h[1:], h[:]
    write(w, x)
    return v.sum()


def in_an_iterator(x, write):
    h = np.exp(-GRID)
    rest = iter(h)
    next(rest)
    write(h, x)
    return sum(rest)


def in_a_generator(x, write):
    h = np.exp(-GRID)

    def sums(a):
        yield a.sum()
        yield a.sum()

    later = sums(h)
    first = next(later)
    write(h, x)
    return first + next(later)


def in_objects(x, write):
    h = np.exp(-GRID)
    held = np.array([None, None])
    held[0] = h
    write(h, x)
    return held[0].sum()


def in_a_thread(x, write):
    h = np.exp(-GRID)
    go, seen = threading.Event(), []

    def look(a):
        go.wait()
        seen.append(a.sum())

    thread = threading.Thread(target=look, args=(h,))
    thread.start()
    try:
        write(h, x)
    finally:
        go.set()
        thread.join()
    return seen[0]


UNSEEN = (
    before_in_the_line,
    before_in_a_call,
    in_a_tuple,
    in_a_partial,
    in_a_method,
    seen_weakly,
    in_a_view,
    in_an_iterator,
    in_a_generator,
    in_objects,
    in_a_thread,
)


@pytest.mark.parametrize("write", [add_into, write_items])
@pytest.mark.parametrize("f", UNSEEN)
def test_arrays_that_are_seen_otherwise_are_refused(f, write):
    for transform in (ad.grad, ad.jit):
        with pytest.raises(TraceError, match=r"test_targets\.py") as caught:
            transform(lambda x: f(x, write))(POINT)
        assert "made outside the recording" in str(caught.value)
