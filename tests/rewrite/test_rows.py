"""Arrays filled row by row: the loop is one scan, its derivative two, and neither is quadratic."""

import warnings

import numpy as np
import pytest

import adjoint as ad
from adjoint.graph import check_graph, evaluate
from adjoint.rewrite.length import MOST_NODES, CompileSizeWarning, warn_if_long
from adjoint.rewrite.pipeline import rewrite
from adjoint.rewrite.reroll import rolled_up
from adjoint.rewrite.rows import split_rows

U = np.linspace(-1.0, 1.0, 12) ** 3
ROWS = np.linspace(-1.0, 1.0, 40 * 3).reshape(40, 3)


def history(u, n=40):
    h = np.zeros((n + 1, 12))
    h[0] = u
    for t in range(n):
        h[t + 1, 1:-1] = h[t, 1:-1] + 0.1 * (h[t, 2:] - 2 * h[t, 1:-1] + h[t, :-2])
    return np.sum(h**2)


def wave(u, n=40):
    h = np.zeros((n + 2, 12))
    h[0] = u
    h[1] = u * 0.9
    for t in range(1, n + 1):
        h[t + 1, 1:-1] = 2 * h[t, 1:-1] - h[t - 1, 1:-1] + 0.1 * (h[t, 2:] - h[t, :-2])
        h[t + 1, 0] = 0.0
        h[t + 1, -1] = h[t + 1, -2]
    return np.sum(h[3:] ** 2)


def columns(u, n=40):
    h = np.empty((12, n + 1))
    h[:, 0] = u
    for t in range(n):
        h[:, t + 1] = np.sin(h[:, t]) + 0.1 * h[:, 0]
    return np.sum(h[::2] ** 2)


def three_steps(u, n=40):
    x = np.zeros(n + 3)
    x[:3] = u[:3]
    for t in range(3, n + 3):
        x[t] = 0.5 * x[t - 1] - 0.3 * x[t - 2] + 0.2 * np.tanh(x[t - 3])
    return np.sum(x**2) + x[20]


def appended(u, n=40):
    x, kept = u, [u]
    for _ in range(n):
        x = x + 0.1 * np.sin(x) * x
        kept.append(x)
    return np.sum(np.stack(kept, axis=1) ** 2)


def over_rows(u, n=40):
    h, total = u[:3], 0.0
    for row in ROWS[:n]:
        h = np.tanh(0.5 * h + row)
        total = total + np.sum(h**2)
    return total


def now_and_then(u, n=40):
    x = u * 1.0
    for t in range(4 * n):
        x = x + 0.01 * np.sin(x)
        if t % 4 == 0:
            x = x * 0.9
    return np.sum(x**2)


def two_arrays(u, n=40):
    q, p = np.zeros((n, 12)), np.zeros((n, 12))
    q[0] = u
    for t in range(1, n):
        p[t] = p[t - 1] - 0.1 * np.sin(q[t - 1])
        q[t] = q[t - 1] + 0.1 * p[t]
    return np.sum(q * p)


def windows(u, n=30):
    x = 0.0
    for t in range(n):
        x = 0.9 * x + np.sum(ROWS[t : t + 4, 1] * u[t % 2 : t % 2 + 1])
    return x


PROGRAMS = [history, wave, columns, three_steps, appended, over_rows, now_and_then, two_arrays]
PROGRAMS += [windows]


@pytest.mark.parametrize("f", PROGRAMS)
def test_the_loop_is_rolled_up(f):
    graph = ad.trace(f, U)
    rolled = check_graph(rolled_up(graph))
    assert len(rolled.nodes) < 45
    assert sum(node.primitive.name == "scan" for node in rolled.nodes) == 1
    np.testing.assert_allclose(ad.jit(f)(U), f(U), rtol=1e-12)


@pytest.mark.parametrize("f", PROGRAMS)
def test_derivatives(f):
    wanted = ad.grad(f)(U)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(U), wanted, rtol=1e-10, atol=1e-12)
    both = ad.jit(ad.vmap(ad.grad(f)))(np.stack([U, 0.5 * U]))
    np.testing.assert_allclose(both[0], wanted, rtol=1e-10, atol=1e-12)
    v = np.cos(U)
    got = ad.jit(lambda x: ad.hvp(f, x, v))(U)
    np.testing.assert_allclose(got, ad.hvp(f, U, v), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("f", [history, wave, three_steps, appended])
def test_the_program_does_not_grow_with_the_rounds(f):
    sizes = [len(rewrite(ad.trace(ad.grad(lambda u, n=n: f(u, n)), U)).nodes) for n in (30, 90)]
    assert sizes[0] == sizes[1] < 70


def test_rows_of_an_argument_that_is_not_differentiated():
    def f(w, rows, y):
        h, total = np.zeros(3), 0.0
        for row, t in zip(rows, y, strict=True):
            h = np.tanh(w * h + row)
            total = total + (np.sum(h) - t) ** 2
        return total

    rows = np.sin(np.arange(240.0)).reshape(80, 3)
    args = (np.array([0.3, -0.2, 0.5]), rows, np.cos(np.arange(80.0)))
    assert len(rewrite(ad.trace(ad.grad(f), *args)).nodes) < 60
    np.testing.assert_allclose(ad.jit(ad.grad(f))(*args), ad.grad(f)(*args), rtol=1e-10)


def test_auxiliary_results_are_of_the_same_run():
    def f(u):
        h = np.zeros((31, 12))
        h[0] = u
        for t in range(30):
            h[t + 1] = np.sin(h[t])
        return np.sum(h**2), {"last": h[-1], "all": h * 2}

    (value, aux), gradient = ad.jit(ad.value_and_grad(f, has_aux=True))(U)
    (wanted, kept), slope = ad.value_and_grad(f, has_aux=True)(U)
    np.testing.assert_allclose(value, wanted, rtol=1e-12)
    np.testing.assert_allclose(gradient, slope, rtol=1e-12)
    np.testing.assert_allclose(aux["last"], kept["last"], rtol=1e-12)
    np.testing.assert_allclose(aux["all"], kept["all"], rtol=1e-12)


def test_versions_that_go_on_twice_and_wholes_are_left():
    def f(u):
        h = np.zeros((20, 12))
        for t in range(1, 20):
            h = h.copy()
            h[t] = 0.1 * u + 0.01 * np.sum(h)  # the whole is read in every round
        return np.sum(h**2)

    graph = ad.trace(f, U)
    assert split_rows(graph) is graph
    np.testing.assert_allclose(ad.jit(ad.grad(f))(U), ad.grad(f)(U), rtol=1e-10)


def test_rows_of_the_array_before_and_rows_written_twice():
    def f(u):
        h = np.outer(np.arange(1.0, 13.0), u)
        for t in range(1, 11):
            h[t] = h[t] + h[t - 1] * 0.1
            h[t, 2:5] *= h[0, 2:5]
        return h

    graph = ad.trace(f, U)
    apart = check_graph(split_rows(graph))
    given = [U, np.arange(1.0, 13.0)[:, None]]
    np.testing.assert_array_equal(evaluate(apart, given)[0], f(U))
    np.testing.assert_allclose(ad.jit(f)(U), f(U), rtol=1e-13)


def test_a_second_sweep_reads_what_the_first_has_written_long_ago():
    """Elimination, then substitution from the other end: no read looks at all writes."""
    n = 400

    def solve(p):
        a, b, d = p
        c, y, x = np.zeros(n), np.zeros(n), np.zeros(n)
        c[0], y[0] = a[0] / b[0], d[0] / b[0]
        for i in range(1, n):
            m = b[i] - a[i] * c[i - 1]
            c[i], y[i] = a[i] / m, (d[i] - a[i] * y[i - 1]) / m
        x[n - 1] = y[n - 1]
        for i in range(n - 2, -1, -1):
            x[i] = y[i] - c[i] * x[i + 1]
        return np.sum(x * x)

    point = tuple(0.1 * np.cos(np.arange(n) + k) + 2.0 * (k == 1) for k in range(3))
    run = ad.jit(ad.value_and_grad(solve))
    value, slopes = run(point)
    expected = ad.grad(solve)(point)
    np.testing.assert_allclose(value, solve(point), rtol=1e-12)
    for found, wanted in zip(slopes, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-14)
    assert len(run.lower(point).graph.nodes) < 200  # not each of the rounds


def test_a_program_that_stays_long_says_so():
    def irregular(x):
        for i in range(MOST_NODES + 200):
            x = [np.sin, np.tanh, np.arctan, np.cos][i * i % 7919 % 4](x)
        return x

    with pytest.warns(CompileSizeWarning, match="remedy: write the loop with ad.scan") as caught:
        warn_if_long(ad.trace(irregular, U))
    assert "test_rows.py" in str(caught[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_long(ad.trace(history, U))
