"""The primal scan and the one that keeps residuals become one."""

import numpy as np
import pytest

import adjoint as ad
from adjoint.differentiate.merge import merge_scans, plain_scans
from adjoint.graph import check_graph, evaluate

XS = np.linspace(-1.0, 1.0, 12).reshape(4, 3)
W = np.linspace(0.1, 0.9, 9).reshape(3, 3)


def recurrent(w, xs):
    last, rows = ad.scan(lambda h, x: (np.tanh(w @ h + x), np.sum(h) * x[0]), np.zeros(3), xs)
    return np.sum(last**2) + np.sum(rows)


def _scans(graph):
    return [node for node in graph.nodes if node.primitive.name == "scan"]


def test_value_and_gradient_take_two_scans_not_three():
    graph = ad.trace(ad.value_and_grad(recurrent, (0, 1)), W, XS)
    merged = merge_scans(graph)
    check_graph(merged)
    assert [len(_scans(graph)), len(_scans(merged))] == [3, 2]
    for a, b in zip(evaluate(graph, [W, XS]), evaluate(merged, [W, XS]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_later_recordings_are_merged_as_the_first():
    """The derivative of the loop is kept from the first recording: its steps are other nodes."""
    f = ad.value_and_grad(lambda w, xs: recurrent(w, xs) * 3, (0, 1))
    first = merge_scans(ad.trace(f, W, XS))
    graph = ad.trace(f, W, XS)
    merged = merge_scans(graph)
    check_graph(merged)
    assert [len(_scans(graph)), len(_scans(merged))] == [3, 2]
    assert merged == first
    for a, b in zip(evaluate(graph, [W, XS]), evaluate(merged, [W, XS]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_rows_and_results_are_not_stacked_again():
    """Everything the way back reads is a row or a result: the scan need not run again."""

    def f(xs):
        last, states = ad.scan(lambda c, x: (c * x, c), 2.0, xs)
        return last * states[1]

    graph = ad.trace(ad.grad(f), np.ones(5))
    assert len(_scans(graph)) == 2
    np.testing.assert_allclose(evaluate(graph, [np.arange(1.0, 6.0)])[0][0], 2 * 2 * 240.0)


@pytest.mark.parametrize("wrap", [ad.jit, lambda f: ad.vmap(f, in_axes=(None, 0))])
def test_inside_jit_and_vmap(wrap):
    xs = XS if wrap is ad.jit else XS[None]
    value, (dw, dx) = wrap(ad.value_and_grad(recurrent, (0, 1)))(W, xs)
    wanted, (ew, ex) = ad.value_and_grad(recurrent, (0, 1))(W, XS)
    np.testing.assert_allclose(np.ravel(value), np.ravel(wanted), rtol=1e-12)
    np.testing.assert_allclose(np.ravel(dw), np.ravel(ew), rtol=1e-11)
    np.testing.assert_allclose(np.ravel(dx), np.ravel(ex), rtol=1e-11)


def test_different_loops_stay_two():
    def f(w, xs):
        return recurrent(w, xs) + recurrent(w, xs[::-1])

    graph = ad.trace(f, W, XS)
    assert merge_scans(graph) is graph


def test_a_loop_with_snapshots_that_is_not_differentiated_is_a_scan():
    def f(xs, snapshots):
        step = lambda h, x: (np.sin(h) + x, h * x)  # noqa: E731
        return ad.scan(step, np.zeros(3), xs, reverse=True, checkpoint=snapshots)

    graph = ad.trace(lambda xs: f(xs, 2), XS)
    assert [node.primitive.name for node in graph.nodes][-1] == "scan_sweeps"
    plain = plain_scans(graph)
    check_graph(plain)
    assert plain == ad.trace(lambda xs: f(xs, None), XS)
    assert plain_scans(plain) is plain
    last, rows = ad.jit(lambda xs: f(xs, 2))(XS)
    np.testing.assert_allclose(last, f(XS, None)[0], rtol=1e-13)
    np.testing.assert_allclose(rows, f(XS, None)[1], rtol=1e-13)
    back = ad.trace(ad.grad(lambda xs: np.sum(f(xs, 2)[0])), XS)
    assert any(node.primitive.name == "scan_sweeps" for node in plain_scans(back).nodes)


def test_three_loops_that_share_some_of_what_they_keep():
    @ad.jit  # recorded once, so that all loops have one body
    def f(w, xs):
        last, rows = ad.scan(
            lambda h, x: (np.tanh(w @ h + x) * np.sin(h) + x**2, h * x[0]), np.ones(3), xs
        )
        return np.sum(last**2) + np.sum(rows**3)

    def both(w, xs):
        slope = ad.jvp(lambda xs: f(w, xs), (xs,), (np.cos(xs),))[1]
        return f(w, xs), ad.grad(f, (0, 1))(w, xs), slope

    graph = ad.trace(both, W, XS)
    merged = merge_scans(graph)
    check_graph(merged)
    assert [len(_scans(graph)), len(_scans(merged))] == [7, 3]
    for a, b in zip(evaluate(graph, [W, XS]), evaluate(merged, [W, XS]), strict=True):
        np.testing.assert_array_equal(a, b)
