"""What stands among the user's names or is made of recorded values, and is no plain array."""

import enum
import struct
import sys
import types

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import AdjointError, ConcreteValueError, ConversionError, UnsupportedError


class Missing:
    """Stands for a module that could not be imported, and says so whatever is asked of it."""

    def __getattribute__(self, name):
        raise ModuleNotFoundError("there is no such module")


class Lazy(types.ModuleType):
    """Is loaded when something is asked of it."""

    def __getattribute__(self, name):
        if name != "__class__":
            raise AssertionError(f"asked for {name}")
        return super().__getattribute__(name)


@pytest.fixture
def neighbours(monkeypatch):
    module = types.ModuleType("a_users_neighbours")
    module.missing, module.table = Missing(), {"missing": Missing(), "array": np.array}
    monkeypatch.setitem(sys.modules, "a_users_neighbours", module)
    monkeypatch.setitem(sys.modules, "a_users_lazy_one", Lazy("a_users_lazy_one"))
    return module


def test_objects_that_raise_when_asked_are_left_alone(neighbours):
    held, lazy, made = neighbours.missing, sys.modules["a_users_lazy_one"], neighbours.table

    def f(x):
        both = [held, lazy]
        kept = np.zeros(2)
        kept[0] = x
        return np.sum(made["array"]([x, 2 * x]) * kept) * len(both)

    assert ad.grad(f)(3.0) == 12.0
    assert ad.jit(ad.grad(f))(3.0) == 12.0


class Named(np.ndarray):
    def __new__(cls, values, name="x"):
        made = np.asarray(values).view(cls)
        made.name = name
        return made


class Unit(np.ndarray):
    def __new__(subtype, values):
        values = np.array(values, float) / np.linalg.norm(values)
        return super().__new__(subtype, shape=values.shape, buffer=values)


@pytest.mark.parametrize("kind", [Named, Unit])
@pytest.mark.parametrize("how", [ad.grad, ad.jit])
def test_a_subclass_is_named_with_what_to_do(kind, how):
    with pytest.raises(
        UnsupportedError,
        match=rf"ndarray subclass {kind.__name__}(.*\n)*.*in {kind.__name__}.__new__(.*\n)*.*holds",
    ):
        how(lambda x: np.sum(kind(x) ** 2))(np.array([1.0, 2.0]))


def packed(x):
    return struct.unpack("d", struct.pack("d", x))[0] * x


def read_again(x):
    return float(f"{x:.3f}") * x


def told(x):
    return float(str(x)) * x


@pytest.mark.parametrize("how", [ad.grad, ad.jit])
def test_what_packs_bytes_is_refused_by_name(how):
    with pytest.raises(ConversionError, match=r"struct.pack: (.*\n)*.*in packed"):
        how(packed)(2.5)


@pytest.mark.parametrize("f", [read_again, told])
def test_texts_of_numbers_show_what_is_known(f):
    assert ad.grad(f)(2.5) == 2.5
    for how in (ad.jit, ad.vmap):
        with pytest.raises(ConcreteValueError, match=rf"read as a number(.*\n)*.*in {f.__name__}"):
            how(f)(np.array([2.5, 3.5]) if how is ad.vmap else 2.5)


def test_numbers_say_whether_they_are_whole():
    def f(x):
        return x * x if x.is_integer() else x

    assert ad.grad(f)(2.0) == 4.0
    assert ad.grad(f)(2.5) == 1.0
    assert ad.grad(lambda x: x * float.fromhex(x.hex()))(2.5) == 2.5
    with pytest.raises(ConcreteValueError, match="is_integer"):
        ad.jit(f)(2.0)


def test_an_error_after_a_caught_refusal_is_the_refusal():
    def f(x):
        try:
            return x if x > 1 else 2 * x
        except TypeError:
            return {}["nothing"] * x

    with pytest.raises(AdjointError, match="a branch") as raised:
        ad.jit(f)(2.0)
    assert "test_foreign_objects.py" in str(raised.value.source)
    assert isinstance(raised.value.__cause__, KeyError)


class Mode(enum.Enum):
    FAST = 1
    SLOW = "slow"


@pytest.mark.parametrize("other", [Mode.FAST, "auto", None, object(), (), [2.0]])
@pytest.mark.parametrize("how", [lambda f: ad.grad(f)(2.0), lambda f: ad.jit(ad.grad(f))(2.0)])
def test_numbers_differ_from_what_is_no_number(other, how):
    def f(x):
        kept = x * 3.0 if x == other or other == x or x in (other, "none") else x * 5.0
        return kept if x != other else -kept

    assert f(2.0) == 10.0
    assert how(f) == 5.0


def test_arrays_differ_from_enumerations():
    def f(x):
        return np.sum(np.where(x == Mode.FAST, 0.0, x * x))

    np.testing.assert_array_equal(ad.grad(f)(np.array([1.0, 2.0])), [2.0, 4.0])
