"""NumPy's makers of arrays under other names than NumPy's: followed, and given back."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import adjoint as ad

floats = partial(np.array, dtype=float)
BACKEND: dict[str, Any] = {"array": floats, "further": {"listed": [np.asarray]}}
SPACE = SimpleNamespace(array=np.array, tables=defaultdict(partial(np.zeros, 2)))


class Base:
    array = np.array
    made = staticmethod(np.asarray)
    plain = staticmethod(partial(np.asarray, dtype=float))  # partial functions bind from 3.14 on


class Model(Base):
    def __init__(self) -> None:
        self.parts = {"array": np.array}

    def loss(self, x: Any) -> Any:
        made = self.made([x, 1.0]) + self.plain([x, x * x]) + self.parts["array"]([2.0, x])
        return np.sum(made * self.array([x, 3.0]))


@dataclass
class State:
    place: Any = field(default_factory=partial(np.zeros, 3))


MODEL = Model()


def _by_default(x: Any, array: Any = np.array, *, other: Any = np.asarray) -> Any:
    return np.sum(array([x, x * x]) * other([3.0, x]))


def _bound(array: Any) -> Callable[[Any], Any]:
    return lambda x: np.sum(array([x, x**3]))


def _state(x: Any) -> Any:
    state = State()
    state.place[1] = x * x
    return np.sum(state.place)


CASES: dict[str, tuple[Callable[[Any], Any], Callable[[float], float]]] = {
    "a partial function": (lambda x: np.sum(floats([x, x * x])), lambda x: 1 + 2 * x),
    "a dictionary": (lambda x: np.sum(BACKEND["array"]([x, x * x])), lambda x: 1 + 2 * x),
    "deeper": (lambda x: np.sum(BACKEND["further"]["listed"][0]([x, 3 * x])), lambda x: 4.0),
    "a namespace": (lambda x: np.sum(SPACE.array([x, 3 * x])), lambda x: 4.0),
    "made here": (lambda x: np.sum(partial(np.full, 3)(x) ** 2), lambda x: 6 * x),
    "an object": (MODEL.loss, lambda x: 4 * x + 2 + 6 * x + 3),
    "defaults": (_by_default, lambda x: 3 + 3 * x**2),
    "a cell": (_bound(np.array), lambda x: 1 + 3 * x**2),
    "a cell with a partial": (_bound(partial(np.array, dtype=float)), lambda x: 1 + 3 * x**2),
    "a dataclass": (_state, lambda x: 2 * x),
    "a map": (
        lambda x: sum(np.sum(r) for r in map(floats, [[x, 1.0], [x * x]])),
        lambda x: 1 + 2 * x,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_maker_is_followed_wherever_it_is_held(name: str) -> None:
    f, slope = CASES[name]
    for x in (0.7, 1.3):
        assert ad.value_and_grad(f)(x) == pytest.approx((f(x), slope(x)), rel=1e-14)
        assert ad.jit(ad.grad(f))(x) == pytest.approx(slope(x), rel=1e-14)


def test_what_is_held_is_numpys_own_again() -> None:
    own, seen = floats.func, []

    def fails(x: Any) -> Any:
        seen.append(floats.func)
        raise KeyError

    with pytest.raises(KeyError):
        ad.grad(fails)(1.0)
    ad.grad(MODEL.loss)(1.0)
    assert seen[0] is not own
    assert floats.func is own is np.array
    assert Base.array is np.array
    assert vars(Base)["array"] is np.array
    assert isinstance(vars(Base)["made"], staticmethod)
    assert Base.made is np.asarray
    assert _by_default.__defaults__ == (np.array,)
    assert BACKEND["array"] is floats
    assert _by_default.__kwdefaults__ == {"other": np.asarray}
    assert floats.keywords == {"dtype": float}


def test_other_threads_get_plain_arrays_meanwhile() -> None:
    found: list[Any] = []

    def loss(x: Any) -> Any:
        other = threading.Thread(target=lambda: found.append(floats([1.0, 2.0])))
        other.start()
        other.join()
        return np.sum(floats([x, x]))

    assert ad.grad(loss)(1.0) == 2.0
    assert type(found[0]) is np.ndarray
