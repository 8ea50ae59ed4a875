"""Corners of NumPy's functions that operator suites of other projects ask for."""

from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import ConcreteValueError, UnsupportedError

X = np.array([[0.7, -0.3, 0.2], [-1.2, 2.5, -0.4]])
V = np.array([3.0, 1.0, 2.0])
W = np.arange(12.0).reshape(3, 4) + 1


def in_every_mode(f: Any, x: Any, wanted: Any) -> None:
    """The gradient of a scalar function, eagerly, compiled, and of a batch."""
    np.testing.assert_allclose(ad.grad(f)(x), wanted, rtol=1e-12)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(x), wanted, rtol=1e-12)
    np.testing.assert_allclose(ad.vmap(ad.grad(f))(np.stack([x, x]))[1], wanted, rtol=1e-12)


GRADIENTS = [
    ("tuples in an index", lambda x: np.sum(x[(0, 1, 0), (2, 2, 2)]), X, [[0, 0, 2], [0, 0, 1]]),
    ("max of numbers", lambda x: max(0.0, x[0], x[1] * 2), V, [1, 0, 0]),
    ("max of a generator", lambda x: max(t * t for t in x), V, [6, 0, 0]),
    ("min by a key", lambda x: min(x, key=lambda t: -t) ** 2, V, [6, 0, 0]),
    ("max of places", lambda x: x[max(range(3), key=lambda i: x[i])], V, [1, 0, 0]),
    ("sorted", lambda x: np.dot([1.0, 2, 3], sorted(x)), V, [3, 1, 2]),
    ("sorted back", lambda x: np.dot([1.0, 2, 3], sorted(x, reverse=True)), V, [1, 3, 2]),
    ("sorted pairs", lambda x: sorted([(a, a * a) for a in x], key=lambda p: -p[0])[1][1], V,
     [0, 0, 4]),
    ("nanpercentile", lambda x: np.nanpercentile(x, 30), V, [0, 0.4, 0.6]),
    ("nanmedian of rows", lambda x: np.nanmedian(x, axis=0).sum(), X, [[0.5] * 3] * 2),
    ("largest quantile", lambda x: np.quantile(x, 1.0), V, [1, 0, 0]),
    ("level of a quantile", lambda q: np.quantile(V, q) * 3, np.array(0.3), 6.0),
    ("lexsort", lambda x: np.dot(x[np.lexsort((x, [1, 0, 1]))], [1.0, 2, 3]), V, [3, 1, 2]),
    ("std of equal numbers", np.std, np.ones(3), [0, 0, 0]),
    ("nanstd of one", lambda x: np.nanstd(x, axis=0).sum(), X[:1], [[0, 0, 0]]),
    ("sum of a number", lambda x: np.sum(x[0], axis=0) + np.max(x[1], axis=-1), V, [1, 1, 0]),
    ("taken from a number", lambda x: np.take(x[0], 0, axis=0), V, [1, 0, 0]),
    ("axes in an array", lambda x: x.transpose(np.argsort([1, 0]))[2, 1], X, [[0] * 3, [0, 0, 1]]),
    ("item by a tuple", lambda x: x.item((1, 2)), X, [[0, 0, 0], [0, 0, 1]]),
    ("no difference", lambda x: np.diff(x, n=0, prepend=0.0).sum(), V, [1, 1, 1]),
    ("weights of a histogram", lambda w: np.histogram([1.0, 2, 2.5], 2, weights=w)[0] @ [2, 3], V,
     [2, 3, 3]),
    ("weights of a plane", lambda w: np.histogram2d([0, 1, 1], [0, 1, 0], 2, weights=w)[0][1, 1],
     V, [0, 1, 0]),
    ("weights over two axes", lambda w: np.average(X, axis=(0, 1), weights=w), np.ones((2, 3)),
     (X - X.mean()) / 6),
    ("bins", lambda x: np.dot(np.digitize(x, [0.0, 1.5, 2.5]), x), V, [3, 1, 2]),
    ("bins that fall", lambda x: np.dot(np.digitize(x, [2.5, 1.5]), x), V, [0, 2, 1]),
    ("places of an order", lambda x: x[np.unravel_index(np.argmax(x), (2, 3))], X,
     [[0, 0, 0], [0, 1, 0]]),
]  # fmt: skip


@pytest.mark.parametrize("case", GRADIENTS, ids=lambda case: case[0])
def test_gradient(case: Any) -> None:
    _, f, x, wanted = case
    in_every_mode(f, x, wanted)


@pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.4.0", reason="NumPy 2.3 rounds levels otherwise"
)
@pytest.mark.parametrize("method", ["linear", "hazen", "closest_observation", "midpoint", "lower"])
@pytest.mark.parametrize("q", [0, 0.3, 1.0, np.array([0.1, 0.0, 0.9])], ids=str)
def test_quantiles_have_numpys_bits(q: Any, method: str) -> None:
    x = np.random.default_rng(0).standard_normal((4, 3, 2)).astype(np.float32)
    holes = np.where(x > 1, np.nan, x)
    for axis in (None, 0, (0, 2)):
        for function, a in ((np.quantile, x), (np.nanquantile, holes), (np.nanquantile, x)):
            settings = {"axis": axis, "method": method, "keepdims": axis == 0}
            wanted = np.asarray(function(a, q, **settings))
            got = np.asarray(ad.vjp(lambda a: function(a, q, **settings), a)[0])  # noqa: B023
            assert got.dtype == wanted.dtype
            np.testing.assert_array_equal(got, wanted)


def test_what_is_known_of_nothing() -> None:
    with pytest.warns(RuntimeWarning):
        wanted = np.nanmedian(np.zeros((0, 3)), axis=0)
    np.testing.assert_array_equal(
        ad.vjp(lambda x: np.nanmedian(x, axis=0), np.zeros((0, 3)))[0], wanted
    )
    assert ad.vjp(lambda x: np.median(x, axis=0), np.zeros((2, 0)))[0].shape == (0,)


def test_integers_are_plain_numbers() -> None:
    assert ad.grad(lambda x: x[np.int64(x[2])] * np.int32(x[0]))(V).tolist() == [0, 0, 3]


def test_ranges_with_recorded_ends() -> None:
    def f(x: Any) -> Any:
        return np.dot(np.arange(x[1], x[0], 0.3), np.arange(7)) + np.arange(0, 1, x[1] / 4).sum()

    x = np.array([3.0, 1.1])
    assert ad.value_and_grad(f)(x)[0] == f(x)
    np.testing.assert_allclose(ad.grad(f)(x), [0, 21 + 6 / 4], rtol=1e-12)
    with pytest.raises(ConcreteValueError, match=r"start \+ step \* np\.arange\(n\)"):
        ad.jit(lambda x: np.arange(x[0]).sum())(x)


def test_data_of_histograms_are_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="counts do not move with a"):
        ad.grad(lambda x: np.histogram(x, 2)[0].sum())(V)
    with pytest.raises(ConcreteValueError, match=r"np\.bincount"):
        ad.jit(lambda x: np.bincount(x, weights=V))(np.array([0, 2, 1]))


def test_indices_that_are_not_known() -> None:
    i = np.array([5, 7, 0, 23])
    for order in ("C", "F"):
        wanted = np.unravel_index(i, (2, 3, 4), order)
        got = ad.jit(lambda i: np.unravel_index(i, (2, 3, 4), order))(i)  # noqa: B023
        np.testing.assert_array_equal(np.stack(got), np.stack(wanted))
        back = ad.jit(lambda g: np.ravel_multi_index(g, (2, 3, 4), order=order))(wanted)  # noqa: B023
        np.testing.assert_array_equal(back, i)
    stretched = (np.int64(1), np.array([2, 0]), np.array([[3], [1]]))
    got = ad.jit(lambda *g: np.ravel_multi_index(g, (2, 3, 4)))(*stretched)
    np.testing.assert_array_equal(got, np.ravel_multi_index(stretched, (2, 3, 4)))
    modes = ("wrap", "clip", "wrap")
    got = ad.jit(lambda g: np.ravel_multi_index(g, (2, 2, 2), modes))(wanted)
    np.testing.assert_array_equal(got, np.ravel_multi_index(wanted, (2, 2, 2), modes))
    assert ad.grad(lambda x: x[np.ravel_multi_index((np.argsort(x),), (3,))][0])(V).tolist() == [
        0, 1, 0
    ]  # fmt: skip


def test_comparisons_of_whole_arrays_need_no_values() -> None:
    small, gap = np.array([3, 5], np.uint8), np.array([1.0, np.nan, np.inf])

    def answers(x: Any, y: Any) -> Any:
        return (
            np.allclose(x, np.uint8(4), atol=1.5),
            np.allclose(x, [3, 9]),
            np.allclose(y, y),
            np.allclose(y, y, equal_nan=True),
            np.array_equal(x, [3, 5]),
            np.array_equal(y, y),
            np.array_equiv(x, [[3, 5], [3, 5]]),
            np.array_equiv(x, [3, 5, 7]),
        )

    wanted = [True, False, False, True, True, False, True, False]
    assert list(answers(small, gap)) == wanted
    assert [bool(t) for t in ad.jit(answers)(small, gap)] == wanted
    np.testing.assert_array_equal(
        ad.jit(lambda x, y: np.where(np.allclose(x, y, atol=4), x, -1))(small, small[::-1]), small
    )


@pytest.mark.parametrize("ufunc", [np.fabs, np.deg2rad, np.degrees, np.modf])
@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int64])
def test_small_integers_give_small_floats(ufunc: Any, dtype: Any) -> None:
    x = np.array([3, 1, 0]).astype(dtype)
    wanted, made = np.stack(ufunc(x)), ad.jit(lambda x: np.stack(ufunc(x)))(x)
    assert made.dtype == wanted.dtype
    np.testing.assert_array_equal(made, wanted)


@pytest.mark.parametrize("side", ["left", "right"])
def test_searches_find_nan_at_the_end(side: Any) -> None:
    a, v = np.array([3.0, np.nan, 1, 2]), np.array([1.0, np.nan, 9])
    order = np.argsort(a)
    wanted = np.searchsorted(a, v, side, order)
    got = ad.jit(lambda a, v: np.searchsorted(a, v, side, np.argsort(a)))(a, v)
    np.testing.assert_array_equal(got, wanted)


# *** a module's own names ***

function: Any = np.sum


def test_what_a_name_holds_now_is_what_counts() -> None:
    global function
    results = []
    for function in (np.sum, np.prod, np.max):
        results.append(ad.grad(lambda x: function(x))(V).tolist())  # noqa: B023  # a global
        results.append(float(function(V)))
    assert results == [[1, 1, 1], 6, [2, 6, 3], 6, [1, 0, 0], 3]
    function = len
    ad.grad(np.sum)(V)
    assert function is len


def test_pythons_names_are_its_own_afterwards() -> None:
    own = max, min, sorted
    with pytest.raises(ZeroDivisionError):
        ad.jit(lambda x: max(x) / 0 if max(1, 2) > 2 else 1 // 0)(V)
    assert (max, min, sorted) == own
    assert type(max).__name__ == "builtin_function_or_method"


# A function, a point where its formula has a gap, and the derivatives of orders 1 to 4 there.
GAPS = {
    "sinc": (np.sinc, 0.0, [0, -(np.pi**2) / 3, 0, np.pi**4 / 5]),
    "i0": (np.i0, 0.0, [0, 1 / 2, 0, 3 / 8]),
    "power 0": (lambda y: np.power(2.0, y), 0.0, [np.log(2) ** k for k in (1, 2, 3, 4)]),
}


@pytest.mark.parametrize("name", GAPS)
def test_derivatives_of_all_orders_where_a_formula_has_a_gap(name):
    f, x, wanted = GAPS[name]
    for order, derivative in enumerate(wanted):
        f = ad.grad(f)
        assert abs(f(x) - derivative) < 1e-10
        if order < 2:
            assert abs(ad.jit(f)(x) - derivative) < 1e-10


def test_powers_move_in_base_and_exponent_at_exponent_zero():
    point = np.array([2.0, 0.0])
    hessian = ad.hessian(lambda v: np.power(v[0], v[1]))(point)
    np.testing.assert_allclose(hessian, [[0, 0.5], [0.5, np.log(2) ** 2]], rtol=1e-15)


def test_slopes_of_sinc_keep_their_digits_near_zero():
    x = np.array([1e-9, 1e-5, 1e-2])
    y = np.pi * x
    wanted = np.pi * y * (-1 / 3 + y**2 / 30 - y**4 / 840 + y**6 / 45360)
    slope = ad.vmap(ad.grad(np.sinc))(x)
    np.testing.assert_allclose(slope, wanted, rtol=1e-14)


def test_comparisons_of_python_numbers_are_boolean() -> None:
    def inside(p: float) -> Any:
        return np.where((p >= 0) & (p <= 1) & ~(p == 0.5), p * p, -1.0)

    assert float(ad.jit(inside)(0.3)) == 0.3 * 0.3
    assert float(ad.jit(ad.grad(inside))(0.3)) == 0.6
    assert float(ad.jit(inside)(0.5)) == -1.0


def test_the_number_beside_another_moves_with_it():
    f = lambda x: np.sum(np.nextafter(x, 9.0) ** 2)  # noqa: E731
    assert ad.grad(f)(np.array([3.0]))[0] == 2 * np.nextafter(3.0, 9.0)
    assert ad.jit(ad.grad(f))(np.array([3.0]))[0] == 2 * np.nextafter(3.0, 9.0)
    assert ad.grad(lambda y: np.nextafter(3.0, y))(9.0) == 0


@pytest.mark.parametrize("make", [ad.jit, lambda f: lambda *a: [p[0] for p in ad.vmap(f)(*a)]])
def test_rank_of_least_squares_without_values(make: Any) -> None:
    """The rank is found when the program runs; sums that NumPy leaves out are NaN."""
    rng = np.random.default_rng(3)
    full = rng.normal(size=(5, 3))
    right = rng.normal(size=(5, 2))
    for matrix in (full, np.outer(full[:, 0], right[:3, 1]), np.zeros((5, 3)), full[:2]):
        b = right[: len(matrix)]
        want = np.linalg.lstsq(matrix, b, rcond=None)
        call = make(lambda a, b: tuple(np.linalg.lstsq(a, b, rcond=None)))
        batch = () if make is ad.jit else (None,)
        got = call(matrix[(*batch, ...)], b[(*batch, ...)])
        assert got[2] == want[2]
        assert got[2].dtype == np.int32
        np.testing.assert_allclose(got[0], want[0], atol=1e-12)
        if want[2] < 3 <= len(matrix):
            assert want[1].shape == (0,)
            assert np.isnan(got[1]).all()
        else:
            np.testing.assert_allclose(got[1], want[1])
