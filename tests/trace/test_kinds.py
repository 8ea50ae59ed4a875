"""``type(x)`` says in a recorded function what it says in a plain one."""

import builtins

import numpy as np
import pytest

import adjoint as ad

SEEN = []


def arrays(x):
    return (x * x).sum() if type(x) is np.ndarray else x.sum()


def made(x):
    y = np.zeros(2)
    return (x[:2] * x[:2]).sum() if type(y) == np.ndarray else x.sum()  # noqa: E721


def scalars(x):
    names = {type(v).__name__ for v in x}
    return np.prod(x) if names == {"float64"} else x.sum()


def either(x):
    assert type(x) in (list, np.ndarray)
    assert type(x[0]) is not float
    return sum(v * v for v in (x if type(x) is not list else []))


def by_table(x):
    rules = {np.ndarray: lambda v: (v**3).sum(), float: lambda v: v}
    return rules[type(x)](x)


@pytest.mark.parametrize("f", [arrays, made, scalars, either, by_table])
def test_what_a_function_asks_of_arrays(f):
    x = np.array([0.3, 0.7, 1.1])
    value, slope = ad.value_and_grad(f)(x)
    assert value == f(x)
    numeric = [(f(x + 1e-6 * e) - f(x - 1e-6 * e)) / 2e-6 for e in np.eye(3)]
    np.testing.assert_allclose(slope, numeric, rtol=1e-8)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(x), slope, rtol=1e-13)
    np.testing.assert_allclose(ad.vmap(f)(np.stack([x, 2 * x])), [f(x), f(2 * x)], rtol=1e-13)
    assert "type" not in globals()


def test_numbers_are_numbers():
    def f(x):
        return x * x if type(x) is float else x

    assert ad.grad(f)(1.5) == 3.0
    assert ad.grad(f)(np.float64(1.5)) == 1.0


def test_it_is_type_in_all_else():
    def f(x):
        made = type("Made", (), {"scale": 2.0})
        assert isinstance(made, type)
        assert issubclass(type(made), type)
        assert type(made) is type
        assert made.__module__ == __name__
        assert isinstance(type, type)

        class Meta(type):
            def double(cls):
                return 2 * cls.scale

        class Own(made, metaclass=Meta):
            pass

        assert type(Own) is Meta
        assert type.mro(Own)[-1] is object
        assert type[int] == builtins.type[int]
        assert type in {builtins.type}
        assert hash(type) == hash(builtins.type)
        assert (type | None) == (builtins.type | None)
        SEEN.append(type)
        return x * Own.double()

    assert ad.grad(f)(1.0) == 4.0
    assert repr(SEEN.pop()) == repr(builtins.type)


def test_it_is_pythons_after_an_error():
    def f(x):
        raise RuntimeError(type(x).__name__)

    with pytest.raises(RuntimeError, match="ndarray"):
        ad.grad(f)(np.ones(2))
    assert "type" not in globals()
