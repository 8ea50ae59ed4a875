"""Assignment functions, dtypes, kinks, equal eigenvalues, refusals: what a table cannot hold."""

import threading
from typing import Any

import numpy as np
import pytest
from numpy import zeros as nothing

import adjoint as ad
from adjoint.api.taped import Run
from adjoint.errors import ConversionError, DTypeError, UnsupportedError

x3 = np.array([0.5, -1.5, 2.5])


def gradient_is_right(f: Any, x: Any, rtol: float = 1e-6) -> None:
    value, gradient = ad.value_and_grad(f)(x)
    assert value == f(x.copy())
    h = 1e-5
    flat = x.reshape(-1)
    for i in range(flat.size):
        e = np.zeros(flat.size, x.dtype)
        e[i] = h
        e = e.reshape(x.shape)
        numeric = (f(x + e) - f(x - e)) / (2 * h)
        assert gradient.reshape(-1)[i] == pytest.approx(numeric, rel=rtol, abs=1e-7)


# *** functions that write ***


def copyto(x: Any) -> Any:
    a = np.zeros((2, 3))
    np.copyto(a[1], x)
    np.copyto(a, x * 2, where=a == 0)
    return np.sum(a**2)


def put(x: Any) -> Any:
    a = np.ones(5)
    np.put(a, [0, -1], x[:2])
    a.put([1], x[2])
    return np.sum(a**3)


def putmask(x: Any) -> Any:
    a = np.arange(6.0)
    np.putmask(a, a > 2, x)
    return np.sum(a**2)


def place(x: Any) -> Any:
    a = np.arange(6.0)
    np.place(a, a > 1, x)
    return np.sum(a**2)


def put_along_axis(x: Any) -> Any:
    a = np.ones((3, 2))
    np.put_along_axis(a, np.array([[0], [1], [0]]), x[:, None], 1)
    return np.sum(a**2)


def fill_diagonal(x: Any) -> Any:
    a = np.ones((3, 3))
    np.fill_diagonal(a, x)
    return np.sum((a @ a) ** 2)


def fill(x: Any) -> Any:
    a = np.empty((2, 2))
    a.fill(x[0])
    a[1].fill(x[1])
    return np.sum(a**2)


def flat(x: Any) -> Any:
    a = np.zeros((2, 2))
    a.flat[1:3] = x[:2]
    a.flat[0] = x[2]
    return sum(v**2 for v in a.flat)


def sort_in_place(x: Any) -> Any:
    a = x * 1.0
    a.sort()
    a.partition(1)
    return a @ np.arange(3)


def shape_setter(x: Any) -> Any:
    a = np.array([x, x * 2])
    a.shape = (3, 2)
    return np.sum(a[:, 0] ** 2)


def named_out(x: Any) -> Any:
    a = np.zeros(3)
    np.cumsum(x, out=a)
    np.clip(a, -0.9, 1.1, out=a)
    return np.dot(a, a)


def from_import(x: Any) -> Any:
    a = nothing((2, 3))
    a[0] = x
    return np.sum(a**2)


def lists(x: Any) -> Any:
    a = np.diag([x[0], 2 * x[1]])
    return np.sum([x[0], x[1] ** 2]) + np.max([x[0], x[2]]) + np.linalg.norm([x[0], 3.0]) + a[1, 1]


def like(x: Any) -> Any:
    a, b = np.zeros_like(x) * np.ones_like(x), np.full_like(x, 2.0)
    c = np.empty_like(x)
    c[...] = x
    b *= c / c
    a[1] = x[0] * b[0]
    b[:] = a + x
    return np.sum(b**2)


def aliases(x: Any) -> Any:
    a = x * 1.0
    b = a
    b += a
    c = a[1:]
    c *= 3.0
    return np.sum(a**2) + np.sum(b)


def unique_values(x: Any) -> Any:
    u = np.unique_all(x).values
    return (
        u @ u
        + np.unique_counts(x).values[0]
        + np.unique_inverse(x).values[1]
        + np.sum(np.union1d(x, [7.0]) * 2 + np.max(np.unique_values(x)))
    )


def sets(x: Any) -> Any:
    return (
        np.sum(np.setdiff1d(x, [9.0]) ** 2)
        + np.sum(np.setxor1d(x, [4.0]) ** 2)
        + np.sum(np.intersect1d(x, x))
    )


WRITERS = [
    copyto, put, putmask, place, put_along_axis, fill_diagonal, fill, flat, sort_in_place,
    shape_setter, named_out, from_import, lists, like, aliases, unique_values, sets,
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Setting the shape on a NumPy array:DeprecationWarning")
@pytest.mark.parametrize("f", WRITERS, ids=lambda f: f.__name__)
def test_writing(f: Any) -> None:
    gradient_is_right(f, x3)


# *** ways of writing that ask no stand-in ***

PLAIN_STYLE = [
    lambda x: sum(x) + max(x) + sorted(x)[1] ** 2,
    lambda x: sum(i * v for i, v in enumerate(x)),
    lambda x: np.eye(3) @ [x[0], x[1], x[2]] @ x,
    lambda x: np.sum(np.ones(3) * [x[0], x[1], 1.0]),
    lambda x: np.sum(np.vectorize(lambda v, k: v**k + 1)(x, [1, 2, 3])),
    lambda x: np.poly1d(x)(2.0),
    lambda x: np.polynomial.Polynomial(x)(2.0) + np.polynomial.polynomial.polyval(2.0, x),
    lambda x: np.polynomial.chebyshev.chebval(0.3, x) * np.polynomial.legendre.legval(x[0], x),
    lambda x: np.sum(np.polynomial.hermite.hermder(x)) + np.sum(np.polynomial.laguerre.lagint(x)),
    lambda x: np.lib.stride_tricks.sliding_window_view(x, 2).sum(axis=1).prod(),
    lambda x: np.fromiter((v * 2 for v in x), dtype=float).sum(),
    lambda x: round(x[0], 1) + x[1] + divmod(x, 2.0)[1].sum() + pow(x, 2).sum(),
    lambda x: (np.mgrid[0:3] * x).sum() + x[np.s_[1:]].sum() + x[np.nonzero(x > 1)].sum(),
    lambda x: np.concatenate(([0.0], x, [1.0])) @ np.hstack((0.0, x, 2.0)),
    lambda x: x[x.argsort()[::-1]][0] * len(x) + x.tolist()[0] + x[1].item(),
    lambda x: sum({"a": x[0], "b": x[1] ** 2}.values()) + np.average([x[0], x[1]], weights=[1, 2]),
    lambda x: np.block([x, x]).sum() + np.array([[1.0, x[0]], [x[1], 2.0]]).prod(),
]


@pytest.mark.parametrize("k", range(len(PLAIN_STYLE)))
def test_plain_style(k: int) -> None:
    gradient_is_right(PLAIN_STYLE[k], x3)


# *** what is in place while recording, and after ***


def test_numpy_is_as_it_was_afterwards() -> None:
    before = {name: getattr(np, name) for name in ("zeros", "array", "sum", "r_", "where")}
    own, seen = id(np.zeros), []  # a name that held it would hold ours meanwhile

    def f(x: Any) -> Any:
        seen.append(id(np.zeros) == own)
        raise RuntimeError("out")

    with pytest.raises(RuntimeError, match="out"):
        ad.grad(f)(1.0)
    assert seen == [False]
    assert all(getattr(np, name) is function for name, function in before.items())
    assert type(np.zeros(2)) is np.ndarray
    assert type(nothing(2)) is np.ndarray


def test_other_threads_get_plain_arrays() -> None:
    types: list[type] = []

    def f(x: Any) -> Any:
        thread = threading.Thread(target=lambda: types.append(type(np.zeros(2))))
        thread.start()
        thread.join()
        return x * 2

    assert ad.grad(f)(1.0) == 2.0
    assert types == [np.ndarray]


def test_compiled_extensions_get_plain_arrays() -> None:
    def f(x: Any) -> Any:
        return x * np.random.default_rng(3).normal(size=2).sum()

    assert ad.grad(f)(1.0) == np.random.default_rng(3).normal(size=2).sum()


def test_results_and_leaks_are_plain() -> None:
    kept: list[Any] = []

    def f(x: Any) -> Any:
        kept.append(np.arange(3) * 2.0)
        return x * 2, np.ones(2)

    out, _ = ad.vjp(f, 1.0)
    assert type(out[1]) is np.ndarray
    assert np.array_equal(np.asarray(kept[0]), [0.0, 2.0, 4.0])


def test_a_constant_written_between_two_uses_counts_as_it_was() -> None:
    buffer = np.zeros(3)

    def f(x: Any) -> Any:
        total = 0.0
        for k in range(3):
            buffer[:] = k
            total = total + np.sum(x * buffer)
        return total

    np.testing.assert_array_equal(ad.grad(f)(np.ones(3)), [3.0, 3.0, 3.0])


def test_an_array_from_outside_refuses_a_recorded_value() -> None:
    outside = (np.zeros(3), 1)

    def f(x: Any) -> Any:
        held = outside[0]
        held[0] = x
        return x

    with pytest.raises(ConversionError, match=r"held\[0\] = x") as caught:
        ad.grad(f)(1.0)
    assert "np.zeros" in str(caught.value)
    assert np.array_equal(outside[0], [0, 0, 0])


def test_isinstance_is_as_in_numpy() -> None:
    def f(x: Any) -> Any:
        assert isinstance(x, np.ndarray)
        assert isinstance(x[0], np.float64)
        assert not isinstance(x, list)
        return np.sum(x)

    np.testing.assert_array_equal(ad.grad(f)(np.ones(2)), [1.0, 1.0])


# *** dtypes ***


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64, np.complex128])
def test_the_dtype_is_followed(dtype: Any) -> None:
    x = np.array([0.5, 1.5, 2.0]).astype(dtype)

    def f(x: Any) -> Any:
        y = np.exp(x) * 2 + x**2 - 1.5
        assert y.dtype == dtype
        return np.sum(np.abs(y)) if x.dtype.kind == "c" else np.sum(y)

    value, gradient = ad.value_and_grad(f)(x)
    assert gradient.dtype == dtype
    assert value.dtype == f(x).dtype


@pytest.mark.parametrize("layout", ["strided", "reversed", "F", "readonly", "swapped"])
def test_layouts(layout: str) -> None:
    base = np.arange(12.0).reshape(3, 4) + 1
    x = {
        "strided": base[:, ::2],
        "reversed": base[::-1],
        "F": np.asfortranarray(base),
        "readonly": base.copy(),
        "swapped": base.T,
    }[layout]
    if layout == "readonly":
        x.flags.writeable = False
    got = ad.grad(lambda x: np.sum(np.log(x) * np.cumsum(x, axis=0)))(x)
    wanted = ad.grad(lambda x: np.sum(np.log(x) * np.cumsum(x, axis=0)))(np.array(x, order="C"))
    np.testing.assert_array_equal(got, wanted)


def test_mixed_dtypes_follow_numpy() -> None:
    a, b, k = np.ones(3, np.float32), np.ones(3), np.arange(3)

    def f(a: Any, b: Any) -> Any:
        return np.sum(a * b + a * k) + np.sum(a * 2.5)

    ga, gb = ad.grad(f, (0, 1))(a, b)
    assert (ga.dtype, gb.dtype) == (np.float32, np.float64)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize(
    "x", [np.ma.masked_array([1.0, 2.0], [0, 1]), np.rec.array([(1.0,)], dtype=[("a", float)])]
)
def test_subclasses_are_refused_by_name(x: Any) -> None:
    with pytest.raises((UnsupportedError, DTypeError), match=r"masked arrays|numpy\.record"):
        ad.grad(lambda x: np.sum(x))(x)


@pytest.mark.parametrize(
    ("f", "name"),
    [
        (lambda x: np.histogram(x)[0], "histogram"),
        (lambda x: np.linalg.qr(x[None], mode="raw"), "qr"),
        (lambda x: x.astype(object), "object"),
    ],
)
def test_refusals_name_the_function(f: Any, name: str) -> None:
    with pytest.raises(UnsupportedError, match=name):
        ad.vjp(f, np.ones(3))


# *** kinks, equal values, special values ***


def test_kinks_have_the_documented_values() -> None:
    zero = np.array([0.0, 0.0])
    assert np.array_equal(ad.grad(np.linalg.norm)(zero), [0, 0])
    assert ad.grad(np.abs)(0.0) == 0
    assert ad.grad(lambda x: np.maximum(x, 0.0))(0.0) == 0.5
    assert np.array_equal(ad.grad(np.max)(np.array([2.0, 2.0])), [0.5, 0.5])
    assert np.array_equal(ad.grad(lambda x: np.hypot(x[0], x[1]))(zero), [0, 0])
    assert np.array_equal(ad.grad(lambda x: np.arctan2(x[0], x[1]))(zero), [0, 0])
    assert ad.grad(lambda x: x**0.0)(0.0) == 0
    assert ad.grad(lambda x: x**2.0)(0.0) == 0
    assert ad.grad(lambda y: 0.0**y)(2.0) == 0
    assert np.array_equal(ad.grad(np.prod)(np.array([0.0, 2.0, 3.0])), [6, 0, 0])
    assert ad.grad(lambda x: np.logaddexp(x, -np.inf))(1.0) == 1
    assert ad.grad(lambda x: np.sinc(x))(0.0) == 0


@pytest.mark.parametrize("a", [np.eye(3), np.diag([1.0, 1.0, 2.0]), np.zeros((3, 3))])
def test_derivatives_stay_finite_at_equal_values(a: Any) -> None:
    for f in (
        lambda a: np.sum(np.linalg.eigvalsh(a)),
        lambda a: np.sum(np.linalg.eigh(a)[0] ** 2),
        lambda a: np.sum(np.linalg.svd(a, compute_uv=False)),
        lambda a: np.sum(np.linalg.eigh(a)[1] ** 2),
        lambda a: np.sum(np.linalg.svd(a)[0] ** 2),
        lambda a: np.linalg.norm(a, "nuc"),
    ):
        assert np.all(np.isfinite(ad.grad(f)(a)))
    trace = ad.grad(lambda a: np.sum(np.linalg.eigvalsh(a)))(a)
    np.testing.assert_allclose(trace, np.eye(3), atol=1e-12)


def test_nan_and_infinity_pass_as_in_numpy() -> None:
    x = np.array([np.nan, np.inf, -np.inf, 1.0])
    with np.errstate(all="ignore"):
        for f in (np.exp, np.tanh, np.nan_to_num, np.sort, np.maximum.accumulate):
            out, _ = ad.vjp(f, x)
            np.testing.assert_array_equal(out, f(x))
        for g in (np.max, np.nanmax, np.nansum, np.median, np.nanmean):
            out, _ = ad.vjp(g, x)
            np.testing.assert_array_equal(out, g(x))


# *** the Array API's way ***


def test_array_namespace() -> None:
    def softmax_loss(x: Any) -> Any:
        xp = x.__array_namespace__()
        shifted = x - xp.max(x, axis=-1, keepdims=True)
        e = xp.exp(shifted)
        p = e / xp.sum(e, axis=-1, keepdims=True)
        eye = xp.eye(x.shape[-1], dtype=x.dtype)
        made = xp.zeros(x.shape, dtype=x.dtype)
        made[..., 0] = p[..., 0]
        return xp.sum(xp.linalg.vector_norm(p @ eye, axis=-1)) + xp.sum(xp.concat([made, p]))

    gradient_is_right(softmax_loss, np.array([[0.3, -1.0, 0.7], [1.0, 2.0, 0.1]]))


@pytest.mark.parametrize("name", ["nanmax", "nanmin"])
def test_nothing_is_filled_in_where_no_element_is_missing(name: str) -> None:
    f, plain = getattr(np, name), getattr(np, name.removeprefix("nan"))
    x = np.array([[1.0, 4.0, 2.0], [4.0, 0.5, 0.5]])
    program = Run(f, (x,), {}, (0,), "grad").tape.pullback().graph
    assert sum(node.primitive.name == "where" for node in program.nodes) == 1  # that of max itself
    for axis in (None, 0, (0, 1)):
        value, pull = ad.vjp(lambda v, axis=axis: f(v, axis=axis), x)
        wanted, pull_plain = ad.vjp(lambda v, axis=axis: plain(v, axis=axis), x)
        np.testing.assert_array_equal(value, wanted)
        ones = np.ones_like(wanted)
        np.testing.assert_array_equal(pull(ones)[0], pull_plain(ones)[0])
    x[0, 1] = np.nan
    assert ad.grad(lambda v: f(v))(x)[0, 1] == 0
    assert f(x, where=x > 1, initial=3.0) == ad.vjp(lambda v: f(v, where=x > 1, initial=3.0), x)[0]
