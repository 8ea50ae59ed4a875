"""Large arrays that have done their part are filled again, and nobody sees it."""

import numpy as np
import pytest

from adjoint.graph import evaluate, parse_graph
from adjoint.graph.evaluate import program_of
from adjoint.graph.reuse import Reuse

CHAIN = """
graph(%0: f64[90,100], %1: f64[100,90]) {
  %2: f64[90,100] = sin(%0)
  %3: f64[90,100] = exp(%2)
  %4: f64[90,100] = mul(%3, %2)
  %5: f64[90,100] = neg(%4)
  %6: f64[90,100] = permute_axes(%1) axes=(1, 0)
  %7: f64[90,100] = add(%5, %6)
  %8: f64[90,100] = cos(%7)
  %9: f64[45,200] = reshape(%8) shape=(45, 200)
  return %5, %9
}
"""


def wanted(x, y):
    s = np.sin(x)
    product = -(np.exp(s) * s)
    return product, np.cos(product + y.T).reshape(45, 200)


def steps(graph):
    return [call for call, *_ in program_of(graph).steps if type(call) is Reuse]


def test_values_are_numpys_own_and_arguments_stay():
    graph = parse_graph(CHAIN)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(90, 100)), rng.normal(size=(100, 90))
    kept = x.copy(), y.copy()
    for _ in range(2):
        found = evaluate(graph, [x, y])
        for mine, numpys in zip(found, wanted(x, y), strict=True):
            np.testing.assert_array_equal(mine, numpys)
        assert not np.shares_memory(*found)
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(y, kept[1])
    assert sum(call.kind is not None for call in steps(graph)) == 6


def test_small_arrays_have_no_such_steps():
    assert steps(parse_graph(CHAIN.replace("90", "9").replace("45, 200", "3, 300"))) == []


@pytest.fixture
def call():
    (_, _, multiplied, *_) = steps(parse_graph(CHAIN))
    assert multiplied.dying
    return multiplied


def test_an_array_waits_only_where_its_slot_alone_has_it(call):
    s, e = np.full((90, 100), 2.0), np.full((90, 100), 3.0)
    slots = [None] * (call.spares + 1)
    ins = call.dying  # both factors die here
    slots[ins[0]], slots[ins[1]] = s, e.copy()
    call(slots, ins)
    (waiting,) = slots[call.spares].values()
    assert len(waiting) == 1  # we hold the other
    assert waiting[0][0, 0] == 3.0
    assert slots[ins[0]] is None


def test_a_result_is_made_in_what_waits_unless_its_order_would_change(call):
    slots = [None] * (call.spares + 1)
    ins = call.dying
    waits = np.zeros((90, 100))
    slots[call.spares] = {(waits.shape, waits.dtype): [waits]}
    turned = np.ones((100, 90)).T
    slots[ins[0]], slots[ins[1]] = turned, turned + 1
    assert call(slots, ins).flags.f_contiguous
    slots[call.spares] = {(waits.shape, waits.dtype): [waits]}  # one that is not taken is let go
    slots[ins[0]], slots[ins[1]] = np.full((90, 100), 2.0), np.full((90, 100), 3.0)
    assert call(slots, ins) is waits
    assert (waits == 6.0).all()
