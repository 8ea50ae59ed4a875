"""Entries of machine code: the same results as the ordinary way, and never a wrong guess."""

import sys

import numpy as np
import pytest

import adjoint as ad
from adjoint.run.entry import MISS, usable

pytestmark = pytest.mark.skipif(not usable(), reason="no native entries in this interpreter")

ENOUGH = 12  # calls after which a short program has its entry


def warmed(function, *arguments):
    jitted = ad.jit(function)
    for _ in range(ENOUGH):
        jitted(*arguments)
    assert jitted._entries, "no entry was made"
    return jitted, jitted._entries[0][0]


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
