"""Entries of machine code: the same results as the ordinary way, and never a wrong guess."""

import gc
import sys
import weakref

import numpy as np
import pytest

import adjoint as ad
from adjoint.api import compiled
from adjoint.run.entry import MISS, usable

pytestmark = pytest.mark.skipif(not usable(), reason="no native entries in this interpreter")


@pytest.fixture(autouse=True)
def _busy_machine(monkeypatch):
    """A call counts as short however long it takes."""
    monkeypatch.setattr(compiled, "_SHORT", 60.0)


ENOUGH = 12  # calls after which a short program has its entry


def warmed(function, *arguments):
    jitted = ad.jit(function)
    for _ in range(ENOUGH):
        jitted(*arguments)
    assert jitted._entries, "no entry was made"
    return jitted, jitted._entries[0].raw


def test_entry_gives_what_numpy_gives():
    x, y = np.linspace(0, 1, 15).reshape(3, 5), np.linspace(2, 3, 5)
    jitted, entry = warmed(lambda a, b: a * b + 1.0, x, y)
    np.testing.assert_array_equal(entry(x, y), x * y + 1.0)
    np.testing.assert_array_equal(jitted(x, y), x * y + 1.0)


def test_results_are_fresh_arrays():
    x = np.ones(7)
    _, entry = warmed(lambda a: a + 1.0, x)
    first, second = entry(x), entry(x)
    first[:] = 0
    np.testing.assert_array_equal(second, np.full(7, 2.0))
    assert first.flags.owndata
    assert first.flags.writeable


def test_numbers_come_out_as_numpy_scalars_and_tuples_as_tuples():
    x = np.arange(4.0)
    _, entry = warmed(lambda a: (np.sum(a), a * 2.0), x)
    total, doubled = entry(x)
    assert type(total) is np.float64
    assert total == 6.0
    np.testing.assert_array_equal(doubled, [0.0, 2.0, 4.0, 6.0])


def test_python_floats_go_in():
    _, entry = warmed(lambda a: a * 2.0, 3.0)
    assert entry(1.25) == 2.5


@pytest.mark.parametrize(
    "other",
    [
        np.ones((3, 5), np.float32),
        np.ones((5, 3)),
        np.ones(15),
        np.ones((3, 10))[:, ::2],
        np.ones((5, 3)).T,
        np.ones((3, 5), ">f8"),
        np.ones((3, 5)).view(np.recarray),
        [[1.0] * 5] * 3,
        1.0,
        None,
        "text",
    ],
    ids=lambda x: f"{type(x).__name__}{getattr(x, 'dtype', '')}{getattr(x, 'shape', '')}",
)
def test_whatever_is_not_as_expected_is_missed(other):
    _, entry = warmed(lambda a: a + 1.0, np.ones((3, 5)))
    assert entry(other) is MISS


def test_another_number_of_arguments_is_missed():
    x = np.ones(3)
    _, entry = warmed(lambda a: a + 1.0, x)
    assert entry() is MISS
    assert entry(x, x) is MISS


def test_other_shapes_still_work_through_the_jitted_function():
    jitted, _ = warmed(lambda a: np.sum(a * a), np.ones(6))
    assert jitted(np.ones(4)) == 4.0
    assert jitted(np.ones((3, 4))[:, ::2]) == 6.0
    assert jitted(np.ones(6, np.float32)).dtype == np.float32
    assert jitted([np.float64(2.0)][0]) == 4.0


def test_arrays_from_outside_are_bound():
    weights = np.arange(40.0)
    jitted, entry = warmed(lambda a: np.sum(a * weights), np.ones(40))
    assert entry(np.ones(40)) == weights.sum()
    assert jitted(np.full(40, 2.0)) == 2 * weights.sum()


def test_conventions_chosen_later_are_followed():
    jitted, _ = warmed(ad.grad(lambda x: np.abs(x)), 0.0)
    assert jitted(0.0) == 0.0
    with ad.conventions(abs_at_zero="one"):
        assert jitted(0.0) == 1.0
    assert jitted(0.0) == 0.0


def test_a_bad_index_raises_as_ever():
    x, places = np.arange(5.0), np.array([0, 4])
    jitted, _ = warmed(lambda a, i: a[i] * 2.0, x, places)
    with pytest.raises(IndexError, match="index 9 is out of bounds for axis 0 with size 5"):
        jitted(x, np.array([0, 9]))
    np.testing.assert_array_equal(jitted(x, places), [0.0, 8.0])


def test_a_million_calls_keep_references_and_memory():
    resource = pytest.importorskip("resource")
    x = np.ones(50)
    jitted, _ = warmed(lambda a: (np.sum(a), a * 2.0), x)
    for _ in range(1000):
        jitted(x)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    references = sys.getrefcount(x), sys.getrefcount(x.dtype), sys.getrefcount(MISS)
    for _ in range(1_000_000):
        jitted(x)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 4096  # KiB: a leak of one result a call would be 400,000
    now = sys.getrefcount(x), sys.getrefcount(x.dtype), sys.getrefcount(MISS)
    assert all(abs(a - b) <= 2 for a, b in zip(references, now, strict=True))


def form_arguments():
    weights = {"w": np.arange(6.0).reshape(2, 3), "b": [np.ones(3), np.float32(2)]}
    return weights, (1.5, None), np.array([1.0, -1.0])


def nested(p, scale, x):
    y = (x @ p["w"] + p["b"][0]) * p["b"][1] * scale[0]
    return {"z": y, "a": (np.sum(y), None, [y[0]])}


def test_trees_go_in_and_come_out():
    args = form_arguments()
    jitted, entry = warmed(nested, *args)
    for found in (entry(*args), jitted(*args)):
        assert list(found) == ["z", "a"]
        assert type(found["a"]) is tuple
        assert found["a"][1] is None
        assert type(found["a"][2]) is list
        wanted = nested(*args)
        np.testing.assert_array_equal(found["z"], wanted["z"])
        assert found["a"][0] == wanted["a"][0]
        assert found["a"][2][0] == wanted["a"][2][0]


def other_forms():
    p, scale, x = form_arguments()
    return {
        "a key less": ({"w": p["w"]}, scale, x),
        "another key": ({"w": p["w"], "c": p["b"]}, scale, x),
        "a tuple for a list": ({**p, "b": tuple(p["b"])}, scale, x),
        "a longer list": ({**p, "b": [*p["b"], 1.0]}, scale, x),
        "another number": ({**p, "b": [p["b"][0], np.float64(2)]}, scale, x),
        "an array for a number": ({**p, "b": [p["b"][0], np.ones((), "f4")]}, scale, x),
        "a number for nothing": (p, (1.5, 2.0), x),
        "a subclass": (type("Mine", (dict,), {})(p), scale, x),
        "other axes": ({**p, "w": p["w"].T}, scale, x),
    }


@pytest.mark.parametrize("name", other_forms())
def test_other_forms_are_missed(name):
    _, entry = warmed(nested, *form_arguments())
    assert entry(*other_forms()[name]) is MISS


def test_several_forms_are_served_and_others_go_the_ordinary_way():
    jitted = ad.jit(lambda x, y: x * y)
    forms = [
        (1.5, np.ones(3)),
        (np.ones(2), 2.5),
        (np.float32(3), np.ones(2, "f4")),
        (np.ones(4), np.ones(4)),
    ]
    for x, y in forms:
        for _ in range(ENOUGH):
            jitted(x, y)
    assert len(jitted._entries) == len(forms)
    for x, y in [*forms, (np.ones((2, 1)), np.ones(3)), (2.0, 3.0)]:
        np.testing.assert_array_equal(jitted(x, y), x * y)
        assert np.asarray(jitted(x, y)).dtype == np.asarray(x * y).dtype
    np.testing.assert_array_equal(jitted(np.ones(2), y=4.0), [4.0, 4.0])


def test_python_integers_go_in():
    jitted, entry = warmed(lambda x, n: x * n, np.ones(2), 7)
    np.testing.assert_array_equal(entry(np.ones(2), -3), [-3.0, -3.0])
    assert entry(np.ones(2), True) is MISS
    assert entry(np.ones(2), 2**70) is MISS
    np.testing.assert_array_equal(jitted(np.ones(2), 12), [12.0, 12.0])


def test_settings_are_told_apart():
    def powered(x, how, n):
        return x ** len(range(n)) if how == "power" else x * n

    jitted, _ = warmed(powered, np.full(2, 3.0), "power", 2)
    np.testing.assert_array_equal(jitted(np.full(2, 3.0), "power", 3), [27.0, 27.0])
    np.testing.assert_array_equal(jitted(np.full(2, 3.0), "times", 2), [6.0, 6.0])
    np.testing.assert_array_equal(jitted(np.full(2, 3.0), "power", 2), [9.0, 9.0])


def test_a_jitted_function_stays_what_it_is():
    def f(x):
        """Twice."""
        return x * 2.0

    jitted, _ = warmed(f, np.ones(3))
    assert isinstance(jitted, type(ad.jit(f)).__mro__[-2])
    assert type(jitted).__name__ == "Jitted"
    assert jitted.__doc__ == "Twice."
    np.testing.assert_array_equal(ad.vmap(jitted)(np.ones((2, 3))), np.full((2, 3), 2.0))
    assert ad.grad(lambda x: np.sum(jitted(x)))(np.ones(3)).tolist() == [2.0] * 3
    with pytest.raises(TypeError):
        jitted(np.ones(3), np.ones(3))


def test_an_entry_outlives_its_jitted_function():
    jitted, _ = warmed(lambda x: x + 1.0, np.ones(3))
    call, gone = type(jitted).__call__, weakref.ref(jitted)
    del jitted
    gc.collect()
    np.testing.assert_array_equal(call(np.ones(3)), [2.0] * 3)
    assert call(1.0) == 2.0
    del call, _
    gc.collect()
    assert gone() is None


def test_calls_with_trees_keep_references_and_memory():
    resource = pytest.importorskip("resource")
    args = form_arguments()
    jitted, _ = warmed(nested, *args)
    other = (*args[:2], np.ones((4, 2))[:, 0][:2])
    for _ in range(1000):
        jitted(*args)
    watched = [args[0], args[0]["b"], args[0]["w"], args[2], None, MISS, args[2].dtype, other[2]]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    references = [sys.getrefcount(x) for x in watched]
    for _ in range(100_000):
        jitted(*args)
    for _ in range(1000):
        jitted(*other)
    now = [sys.getrefcount(x) for x in watched]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4096
    assert all(abs(a - b) <= 8 for a, b in zip(references, now, strict=True))
