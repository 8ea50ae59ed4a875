import numpy as np
import pytest

from adjoint.nn import random

ZERO = np.zeros(1, np.uint32)
ONES = np.full(1, 0xFFFFFFFF, np.uint32)


# The known answers published with the Random123 library.
@pytest.mark.parametrize(
    ("rounds", "key", "counter", "words"),
    [
        (13, (0, 0), (0, 0), (0x9D1C5EC6, 0x8BD50731)),
        (13, (0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0xFD36D048, 0x2D17272C)),
        (20, (0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        (20, (0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
        (20, (0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_threefry_gives_the_published_words(rounds, key, counter, words):
    first, second = (np.array([word], np.uint32) for word in counter)
    x, y = random.threefry(np.array(key, np.uint32), first, second, rounds)
    assert (int(x[0]), int(y[0])) == words


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3,), (2, 5)])
def test_shapes(shape):
    key = random.key(1)
    assert random.bits(key, shape).shape == shape
    assert random.uniform(key, shape).shape == shape
    assert random.normal(key, shape).shape == shape
    assert random.bernoulli(key, 0.5, shape).shape == shape


def test_keys_are_independent_and_repeat():
    a, b = random.split(random.key(5))
    assert not np.array_equal(a, b)
    np.testing.assert_array_equal(random.fold_in(random.key(5), 0), a)
    np.testing.assert_array_equal(random.fold_in(random.key(5), np.array(1)), b)
    x, y = random.normal(a, (10000,)), random.normal(b, (10000,))
    assert abs(np.corrcoef(x, y)[0, 1]) < 0.04
    assert not np.array_equal(random.key(2**32), random.key(0))


def test_distributions():
    key = random.key(7)
    x = random.uniform(key, (40000,))
    assert 0 <= x.min() < 1e-3
    assert 0.999 < x.max() < 1
    assert x.mean() == pytest.approx(0.5, abs=5 * 0.29 / 200)
    assert random.uniform(key, (10,), np.float32).dtype == np.float32
    z = random.normal(key, (40000,))
    assert z.mean() == pytest.approx(0, abs=5 / 200)
    assert z.std() == pytest.approx(1, abs=0.02)
    assert random.bernoulli(key, 0.3, (40000,)).mean() == pytest.approx(0.3, abs=0.012)
    assert random.bernoulli(key, 1.0, (5,)).all()
    assert not random.bernoulli(key, 0.0, (5,)).any()


def test_permutation_has_every_number_once():
    order = random.permutation(random.key(3), 100)
    np.testing.assert_array_equal(np.sort(order), np.arange(100))
    assert not np.array_equal(order, np.arange(100))
