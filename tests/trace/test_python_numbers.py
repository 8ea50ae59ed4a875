"""``float(x)`` and ``complex(x, y)``: followed where values are known, types as ever."""

import collections
import functools
import json
import threading
import typing

import numpy as np
import pytest

import adjoint as ad

X = np.array([0.3, 0.8])


def whole_loss(x):
    return float(np.sum(x**2))


def elements(x):
    t, u = float(x[0]), float(x[1])
    y = [float(v) for v in x]
    return t * u + y[0] ** 2 + sum(map(float, x)) ** 2


def filled(x):
    a = np.zeros(3, dtype=float)
    for i, v in enumerate(x):
        a[i] = float(v) ** 2
    return a @ np.arange(1.0, 4.0)


def of_complex(x):
    return abs(complex(x[0], x[1]) * complex(2.0, x[1])) ** 2 + complex(x[0]).real ** 3


def kept_by_kind(x):
    totals = collections.defaultdict(float)
    totals["a"] += float(x[0])
    weights = {float: 2.0, int: 3.0}
    t = float(x[1])
    assert type(t) is float
    assert type(t) in (int, float)
    assert isinstance(t, float)
    assert isinstance(t, int | float)
    match t:
        case int():
            scale = 5.0
        case float():
            scale = 7.0
    return totals["a"] ** 2 * weights[type(t)] + scale * t**3


@pytest.mark.parametrize("f", [whole_loss, elements, filled, of_complex, kept_by_kind])
def test_numbers_keep_their_derivatives(f):
    ad.check_grads(f, (X,), order=2)
    steps = 1e-6 * np.eye(2)
    slopes = [(f(X + step) - f(X - step)) / 2e-6 for step in steps]
    np.testing.assert_allclose(ad.grad(f)(X), slopes, rtol=1e-8)
    assert ad.value_and_grad(f)(X)[0] == f(X)


def test_they_are_types_as_ever_while_somebody_records():
    def f(x):
        assert float("1.5") + 0.0 + float(2) == 3.5
        assert float.fromhex("0x1p1") == 2.0
        assert repr(float) == "<class 'float'>"
        assert float.__name__ == "float"
        assert np.dtype(float) == np.float64
        assert np.zeros(2, float).dtype == float
        assert np.issubdtype(np.zeros(2).dtype, float)
        assert np.finfo(float).eps == 2.0**-52
        assert np.result_type(float, np.float32) == np.float64
        assert np.can_cast(np.float32, float)
        assert np.dtype([("a", float)])["a"] == np.float64
        assert np.arange(3, dtype=float).view(float).sum() == 3
        assert np.vectorize(lambda v: 2 * v, otypes=[float])(np.ones(2)).sum() == 4
        assert typing.Optional[float] == typing.Union[float, None]  # noqa: UP007, UP045
        assert issubclass(bool, int)
        assert issubclass(np.float64, float)
        assert functools.reduce(lambda a, b: a + b, map(float, ["1", "2"])) == 3.0
        assert hash(float) == hash(float)

        class Length(float):
            pass

        assert Length(3.0) + 1 == 4.0
        assert isinstance(Length(3.0), float)
        assert not isinstance(3.0, Length)
        return float(x) * 2

    assert ad.grad(f)(1.0) == 2.0
    assert f(1.0) == 2.0
    assert "float" not in globals()
    assert "complex" not in globals()


def test_numbers_that_are_kept_are_numbers_afterwards():
    losses = []

    def f(x):
        losses.append(float(np.sum(x**2)))
        return losses[-1]

    ad.grad(f)(X)
    ad.hessian(f)(X)
    assert losses[0] == f(X)
    assert losses[1] + 1.0 == f(X) + 1.0
    assert f"{losses[0]:.2f}" == "0.73"
    assert repr(losses[0]) == repr(f(X))
    np.testing.assert_array_equal(np.array(losses), f(X))
    assert json.dumps([float(v) for v in losses[:1]]) == json.dumps([f(X)])
    assert ad.grad(lambda y: y * losses[0])(2.0) == f(X)


def test_inner_numbers_move_in_outer_derivatives():
    def outer(a):
        kept = []

        def inner(b):
            kept.append(float(a * b))
            return a * b * b

        return ad.grad(inner)(3.0) * kept[0]  # 6 a times 3 a

    assert ad.grad(outer)(2.0) == pytest.approx(72.0)


def test_refused_where_values_are_not_known():
    for transform in (ad.jit, ad.vmap):
        with pytest.raises(
            ad.errors.ConcreteValueError, match=r"float\(x\)(.*\n)*.*drop float\(\)"
        ):
            transform(lambda x: float(x[0]))(np.ones((2, 2)))
    result = ad.minimize(lambda x: float(np.sum((x - 1) ** 2)), X)
    np.testing.assert_allclose(result.x, 1.0)


def test_what_python_raises_is_raised():
    for f, error in ((lambda x: float(x), TypeError), (lambda x: float([x[0]]), TypeError)):
        with pytest.raises(error):
            ad.grad(f)(X)


def test_other_threads_have_plain_numbers():
    seen = []

    def f(x):
        thread = threading.Thread(target=lambda: seen.append(type(float(2)) is float))
        thread.start()
        thread.join()
        return float(x)

    assert ad.grad(f)(1.0) == 1.0
    assert seen == [True]
