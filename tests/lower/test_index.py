"""Index arithmetic and strided places, against NumPy."""

import itertools
from typing import Any

import numpy as np
import pytest

from adjoint.lower.index import Index, Quotient, Var, c_strides, crossings, dot, unravel, var_index
from adjoint.lower.layout import Buffer, Place, whole


def value_of(index: Index, known: dict[Any, int]) -> int:
    total = index.const
    for atom, factor in index.terms.items():
        if isinstance(atom, Quotient):
            total += factor * (value_of(atom.index, known) // atom.divisor)
        else:
            total += factor * known[atom]
    return total


@pytest.mark.parametrize("divisor", [1, 2, 3, 4, 6, 7, 12, 100])
def test_quotients_and_remainders_are_floors(divisor: int) -> None:
    i, j = Var("i", 5, 1), Var("j", 7, 2)
    rng = np.random.default_rng(divisor)
    for _ in range(40):
        a, b, c, d = (int(n) for n in rng.integers(-9, 10, 4))
        index = var_index(i) * a + var_index(j) * b + c
        inner = index.div(abs(d) + 1)
        quotient, rest = inner.div(divisor), inner.mod(divisor)
        low, high = rest.bounds()
        for x, y in itertools.product(range(5), range(7)):
            known = {i: x, j: y}
            whole_value = value_of(index, known) // (abs(d) + 1)
            assert value_of(quotient, known) == whole_value // divisor
            assert value_of(rest, known) == whole_value % divisor
            assert low <= value_of(rest, known) <= high
            q_low, q_high = quotient.bounds()
            assert q_low <= value_of(quotient, known) <= q_high


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4), (5,), (2, 1, 3), (2, 3, 4, 5)])
def test_taking_an_index_apart_and_joining_it_gives_it_back(shape: tuple[int, ...]) -> None:
    flat = var_index(Var("m", int(np.prod(shape)), 1))
    parts = unravel(flat, shape)
    assert dot(parts, c_strides(shape)) == flat
    # And the other way round: a place's parts come back from its number.
    variables = [var_index(Var(f"v{n}", n, 1)) if n > 1 else Index(0) for n in shape]
    assert unravel(dot(variables, c_strides(shape)), shape) == tuple(variables)


def test_merging_two_loops_is_seen() -> None:
    i, j = Var("i", 5, 1), Var("j", 7, 2)
    flat = var_index(i) * 7 + var_index(j)
    assert flat.merges(i, j, 7)
    assert (flat.div(3) + 2).merges(i, j, 7)
    assert not var_index(j).merges(i, j, 7)
    assert Index(4).merges(i, j, 7)


def view(place: Place, memory: Any) -> Any:
    item = memory.itemsize
    return np.lib.stride_tricks.as_strided(
        memory[place.offset :], place.shape, [s * item for s in place.strides]
    )


SHAPES = [(2, 3, 4), (6, 4), (4, 6), (24,), (2, 1, 12), (1, 24, 1), (3, 2, 2, 2), (8, 3)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 0, 2), (2, 1, 0)])
def test_reshaping_a_view_copies_only_where_it_must(axes: Any, shape: Any) -> None:
    memory = np.arange(24.0)
    place = whole(Buffer("arena", 192), (2, 3, 4), memory.dtype).permuted(axes)
    array = memory.reshape(2, 3, 4).transpose(axes)
    made = place.reshaped(shape)
    wanted = array.reshape(shape)
    if made is None:
        assert not np.shares_memory(wanted, memory)
    else:
        np.testing.assert_array_equal(view(made, memory), wanted)


def test_views_of_places() -> None:
    memory = np.arange(60.0)
    place = whole(Buffer("arena", 480), (5, 12), memory.dtype)
    array = memory.reshape(5, 12)
    np.testing.assert_array_equal(
        view(place.sliced((1, 2), (2, 3), (2, 3)), memory), array[1:4:2, 2:9:3]
    )
    np.testing.assert_array_equal(view(place.broadcast((2, 5, 12)), memory)[1], array)
    windows = place.windows((2, 3), (1, 2), (2, 1))
    wanted = np.lib.stride_tricks.sliding_window_view(array, (3, 3))[:, ::2, ::2, :]
    np.testing.assert_array_equal(view(windows, memory), wanted)
    row = place.row("%t")
    assert row.shape == (12,)
    assert row.moving == (("%t", 12),)


@pytest.mark.parametrize("extent", [1, 4, 7])
@pytest.mark.parametrize("start", [-9, -3, 0, 2, 11])
@pytest.mark.parametrize("make", ["plain", "backwards", "quotient"])
def test_where_an_index_leaves_and_enters_a_range(make: str, start: int, extent: int) -> None:
    v = Var("%v", 20, 0)
    index = var_index(v) + start
    if make == "backwards":
        index = var_index(v) * -1 + start
    elif make == "quotient":
        index = (var_index(v) + 5).div(3) + start
    inside = [0 <= value_of(index, {v: i}) < extent for i in range(20)]
    changes = [i for i in range(1, 20) if inside[i] != inside[i - 1]]
    assert sorted(at for _, at in crossings(index, (0, extent))) == changes


def test_no_crossings_where_two_variables_decide() -> None:
    a, b = Var("%a", 4, 0), Var("%b", 5, 0)
    assert crossings(var_index(a) + var_index(b), (0, 3)) == []
    assert crossings(var_index(a) * 2, (0, 3)) == []


def test_loops_over_joined_arrays_are_cut(rng: np.random.Generator) -> None:
    import adjoint as ad
    from adjoint.lower import lower_graph
    from adjoint.run import native

    def f(x: Any, y: Any, z: Any) -> Any:
        return np.concatenate([x * 2, y * y, z], axis=1)

    args = [rng.normal(size=(3, n)) for n in (40, 17, 33)]
    _, features = native.processor()
    text = lower_graph(ad.trace(f, *args), features).text
    assert text.count("= phi i64") >= 4  # the rows, and a loop over the columns of each part
    np.testing.assert_array_equal(ad.jit(f)(*args), f(*args))
    mixed = ad.jit(lambda x, y, z: np.sum(np.sin(f(x, y, z)), axis=0))(*args)
    np.testing.assert_allclose(mixed, np.sum(np.sin(f(*args)), axis=0), rtol=1e-12, atol=1e-12)
