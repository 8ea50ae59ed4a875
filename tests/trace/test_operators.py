"""Python's operators on arrays: from the left, from the right, and in place through views."""

import operator

import numpy as np
import pytest

import adjoint as ad

INTEGERS = np.array([1, 2, 5])
BOTH = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.floordiv,
    operator.mod,
    operator.pow,
    operator.lshift,
    operator.rshift,
    operator.and_,
    operator.or_,
    operator.xor,
    divmod,
]
WRITTEN = [
    operator.iadd,
    operator.isub,
    operator.imul,
    operator.ifloordiv,
    operator.imod,
    operator.ipow,
    operator.ilshift,
    operator.irshift,
    operator.iand,
    operator.ior,
    operator.ixor,
]
MODES = [lambda f: f, ad.jit]


@pytest.mark.parametrize("mode", MODES, ids=["plain", "jit"])
@pytest.mark.parametrize("of", BOTH, ids=lambda of: of.__name__)
def test_integers_stand_on_either_side(of, mode):
    def f(x, k):
        return np.sum(x * np.asarray(of(k, 2)) + 3 * x * np.asarray(of(9, k)))

    x = np.array([0.5, -1.5, 2.5])
    expected = np.asarray(of(INTEGERS, 2)) + 3 * np.asarray(of(9, INTEGERS))
    found = mode(ad.grad(lambda x: f(x, np.array([1, 2, 5]))))(x)
    np.testing.assert_array_equal(found, expected.reshape(-1, 3).sum(0))


@pytest.mark.parametrize("mode", MODES, ids=["plain", "jit"])
@pytest.mark.parametrize("of", WRITTEN, ids=lambda of: of.__name__)
def test_what_is_written_in_place_is_seen_by_views(of, mode):
    def f(x, of=of):
        k = np.array([[1, 2, 5], [3, 4, 6]])
        row = k[1]
        same = k
        k = of(k, 2)
        assert k is same
        row = of(row, 1)
        return np.sum(x * k[1] + 5 * x * row)

    x = np.array([0.5, -1.5, 2.5])
    written = of(of(np.array([3, 4, 6]), 2), 1)
    np.testing.assert_array_equal(mode(ad.grad(f))(x), 6 * written)


@pytest.mark.parametrize("other", [[1, 2, 3], (1.0, 2.0, 0.5), [2, 0, 1]], ids=str)
@pytest.mark.parametrize("of", [*BOTH[:6], operator.truediv], ids=lambda of: of.__name__)
def test_lists_stand_on_either_side(of, other):
    x = np.array([1.5, 2.5, 3.5])

    def f(x):
        return np.sum(np.sin(np.asarray(of(x, [v + 1 for v in other])))) + np.sum(
            np.cos(np.asarray(of(other, x)))
        )

    assert ad.value_and_grad(f)(x)[0] == f(x)
    if of not in (operator.floordiv, operator.mod):
        ad.check_grads(f, (x,), order=1)


def test_columns_of_powers():
    x = np.array([1.0, 2.5, 3.5])
    slopes = ad.jvp(lambda x: x[:, None] ** [0, 2], (x,), (np.ones(3),))[1]
    np.testing.assert_array_equal(slopes, np.stack([0 * x, 2 * x], axis=1))
