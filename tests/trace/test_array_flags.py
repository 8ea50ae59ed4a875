"""Flags of recorded arrays: a read-only one refuses writes as NumPy's do."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import adjoint as ad

X = np.array([1.0, 2.0, 3.0])


def by_attribute(x: Any) -> Any:
    a = np.array(x)
    a.flags.writeable = False
    return a


def by_name(x: Any) -> Any:
    a = np.zeros(3)
    a.flags["WRITEABLE"] = False
    return a + 0 * x if a.flags["W"] else a


def by_method(x: Any) -> Any:
    a = x * 2
    a.setflags(write=False)
    return a


def part_of_it(x: Any) -> Any:
    return by_method(x)[:2]


def into_element(a: Any, x: Any) -> None:
    a[0] = x[1]


def in_place(a: Any, x: Any) -> None:
    a += x[1]


def as_output(a: Any, x: Any) -> None:
    np.multiply(a, x[1], out=a)


def flat(a: Any, x: Any) -> None:
    a.flat = x[1]


def all_of_them(a: Any, x: Any) -> None:
    np.copyto(a, x[0])


@pytest.mark.parametrize("write", [into_element, in_place, as_output, flat, all_of_them])
@pytest.mark.parametrize("make", [by_attribute, by_name, by_method, part_of_it])
@pytest.mark.parametrize("transform", [ad.grad, ad.jit, ad.vmap])
def test_writes_into_read_only_arrays_are_refused_as_numpy_refuses_them(
    make: Callable[..., Any], write: Callable[..., Any], transform: Any
) -> None:
    def program(x: Any) -> Any:
        a = make(x)
        write(a, x)
        return np.sum(a * x)

    with pytest.raises(ValueError, match="read-only"):
        program(X)
    with pytest.raises(ValueError, match="read-only"):
        transform(program)(X if transform is not ad.vmap else np.stack([X, X]))


def locked_and_opened(x: Any) -> Any:
    a = np.zeros((2, 3))
    row = a[0]
    row[:] = x
    row.flags.writeable = False
    a[0] *= 2  # the whole is open, and the row sees it
    s = row.sum()
    try:
        row[0] = 7.0
    except ValueError:
        s = s + x[0] ** 2
    row.flags.writeable = True
    row[0] = x[1] ** 2
    copy = row.copy()
    copy.setflags(write=False)
    more = copy.copy()
    more += x[2]
    return s * a.sum() + more @ copy


def test_a_locked_view_sees_writes_elsewhere_and_can_be_opened() -> None:
    assert ad.value_and_grad(locked_and_opened)(X)[0] == locked_and_opened(X)
    ad.check_grads(locked_and_opened, (X,), order=2)
    np.testing.assert_allclose(ad.jit(locked_and_opened)(X), locked_and_opened(X))
    np.testing.assert_allclose(ad.jit(ad.grad(locked_and_opened))(X), ad.grad(locked_and_opened)(X))
    np.testing.assert_allclose(
        ad.vmap(locked_and_opened)(np.stack([X, 2 * X])),
        [locked_and_opened(X), locked_and_opened(2 * X)],
    )


@pytest.mark.parametrize("transform", [ad.grad, ad.jit])
def test_flags_say_how_an_array_lies(transform: Any) -> None:
    def program(x: Any) -> Any:
        a = np.outer(x, x) + 1
        seen = (a, a.T, a[1:], a[:, 1], np.broadcast_to(x, (2, 3)))
        found.append([[y.flags[name] for name in ("C", "F", "O", "W")] for y in seen])
        assert "WRITEABLE : True" in repr(a.flags)
        return np.sum(a)

    found: list[Any] = []
    program(X)
    transform(program)(X)
    assert found[1] == found[0]


def test_a_view_of_a_read_only_array_stays_so() -> None:
    def program(x: Any) -> Any:
        np.broadcast_to(x, (2, 3)).setflags(align=True)
        a = x * 2
        a.flags.writeable = False
        b = a[:2]
        assert b.base is a
        assert a.base is None
        assert a.flags.owndata
        return b.flags.writeable

    assert ad.jit(program)(X) is False
