"""The interpreter changes arrays in place only where nobody else can see it."""

import numpy as np
import pytest

from adjoint.graph import evaluate, parse_graph
from adjoint.graph.changes import Change
from adjoint.graph.evaluate import program_of

CHAIN = """
graph(%0: f64[4,3], %1: f64[2]) {
  %2: f64[4,3] = neg(%0)
  %3: f64[1,2] = reshape(%1) shape=(1, 2)
  %4: f64[4,3] = unslice(%3) start=(1, 0) step=(1, 2) shape=(4, 3)
  %5: f64[4,3] = add(%4, %2)
  %6: f64[1,2] = slice(%5) start=(1, 0) step=(1, 2) shape=(1, 2)
  %7: f64[1,2] = broadcast(7.0: f64[]) shape=(1, 2)
  %8: f64[4,3] = set_slice(%5, %7) start=(1, 0) step=(1, 2)
  return %6, %8
}
"""


def wanted(x, y):
    total = -x
    total[1, ::2] += y
    part = total[1:2, ::2].copy()
    total[1, ::2] = 7.0
    return part, total


def in_place(graph):
    return [call.last for call, *_ in program_of(graph).steps if type(call) is Change]


def test_a_chain_of_changes_is_made_in_one_array():
    graph = parse_graph(CHAIN)
    assert in_place(graph) == [True, True]
    x, y = np.arange(12.0).reshape(4, 3), np.array([10.0, 20.0])
    kept = x.copy(), y.copy()
    for found, value in zip(evaluate(graph, [x, y]), wanted(x, y), strict=True):
        np.testing.assert_array_equal(found, value)
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(y, kept[1])


def test_an_array_is_changed_where_only_its_slot_holds_it():
    (node,) = [n for n in parse_graph(CHAIN).nodes if n.primitive.name == "set_slice"]
    change = Change(node, (4, 3))
    change.last = True
    slots = [np.zeros((4, 3)), np.ones((1, 2))]
    place = id(slots[0])
    first = change(slots, (0, 1))
    assert id(first) == place
    assert slots[0] is None
    assert first[1].tolist() == [1.0, 0.0, 1.0]
    slots[0] = first
    assert change(slots, (0, 1)) is not first  # we hold it


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("an argument", "%2: f64[3] = set_slice(%0, %1) start=(1,) step=(1,)\n return %2"),
        (
            "a result",
            "%2: f64[3] = neg(%0)\n %3: f64[3] = set_slice(%2, %1) start=(1,) step=(1,)\n"
            " return %2, %3",
        ),
        (
            "looked into by a reshape",
            "%2: f64[3] = neg(%0)\n %4: f64[1,3] = reshape(%2) shape=(1, 3)\n"
            " %3: f64[3] = set_slice(%2, %1) start=(1,) step=(1,)\n return %4, %3",
        ),
        (
            "stretched",
            "%2: f64[] = sum(%0) axes=(0,)\n %4: f64[3] = broadcast(%2) shape=(3,)\n"
            " %5: f64[3] = unslice(%1) start=(1,) step=(1,) shape=(3,)\n"
            " %3: f64[3] = add(%4, %5)\n return %3, %2",
        ),
        (
            "added to itself",
            "%2: f64[1] = neg(%1)\n %5: f64[1] = unslice(%2) start=(0,) step=(1,) shape=(1,)\n"
            " %3: f64[1] = add(%2, %5)\n return %3",
        ),
    ],
)
def test_what_others_see_is_copied(name, text):
    graph = parse_graph("graph(%0: f64[3], %1: f64[1]) {\n " + text + "\n}")
    x, y = np.array([1.0, 2.0, 4.0]), np.array([8.0])
    found = evaluate(graph, [x, y])
    plain: dict = dict(zip(graph.inputs, (x, y), strict=True))
    for node in graph.nodes:
        operands = [plain[o] for o in node.operands]
        plain[node.outputs[0]] = np.array(node.primitive.evaluate(*operands, **node.settings))
    for value, result in zip(found, graph.outputs, strict=True):
        np.testing.assert_array_equal(value, plain[result], err_msg=name)
    np.testing.assert_array_equal(x, [1.0, 2.0, 4.0])
    np.testing.assert_array_equal(y, [8.0])
