"""What NumPy refuses is refused under recording too, and dtypes and orders are NumPy's."""

from typing import Any

import numpy as np
import pytest

import adjoint as ad

Z = np.array([0.3 + 0.2j, 1.5 - 1j, 0.7j, -1.0])
REFUSED = {
    "i0 of complex numbers": (np.i0, Z),
    "percentile of complex numbers": (lambda z: np.percentile(z, 30), Z),
    "quantile of complex numbers": (lambda z: np.quantile(z, 0.3, axis=0), Z),
    "nanquantile of complex numbers": (lambda z: np.nanquantile(z, 0.3), Z),
    "digitize of complex numbers": (lambda z: np.digitize(z, [0.0, 1.0]), Z),
    "interp at complex places": (lambda z: np.interp(z, [0.0, 1.0], [1.0, 3.0]), Z),
    "complex weights of bins": (lambda z: np.bincount([0, 1, 1, 0], z), Z),
    "weights of another length": (lambda x: np.bincount([0, 1, 1], x), np.ones(4)),
    "weights of one bin": (lambda x: np.bincount([0, 1, 1], x), np.ones(1)),
    "bits of numbers that are not whole": (np.bitwise_count, np.ones(2)),
    "mean of a number along an axis": (lambda x: np.mean(x, axis=-1), np.array(0.4)),
    "std of a number along an axis": (lambda x: np.std(x, axis=0, ddof=1), np.array(0.4)),
    "median of a number along an axis": (lambda x: np.median(x, axis=0), np.array(0.4)),
    "quantile of a number along an axis": (lambda x: np.quantile(x, 0.2, axis=0), np.array(0.4)),
    "a number turned around": (lambda x: np.flip(x, 0), np.array(0.4)),
    "accumulate of a number": (np.add.accumulate, np.array(0.4)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_numpy_refuses_it(name: str) -> None:
    f, x = REFUSED[name]
    with pytest.raises((TypeError, ValueError)) as numpys:
        f(x)
    with pytest.raises(numpys.type):
        ad.vjp(f, x)


def _sign_and_more(x: Any) -> Any:
    return np.select([x > 1, x > 0], [x * x, 2], -1)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.complex64])
def test_python_numbers_of_select_follow_the_arrays(kind: Any) -> None:
    x = np.array([0.5, 1.5, -1.0], kind)
    for out in (ad.vjp(_sign_and_more, x)[0], ad.jit(_sign_and_more)(x)):
        assert out.dtype == kind
        np.testing.assert_array_equal(out, [2, 2.25, -1])
    assert _sign_and_more(x).dtype == kind


@pytest.mark.parametrize("f", [np.unique_values, lambda z: np.unique_counts(z)[0]])
def test_values_that_differ_come_in_numpys_order(f: Any) -> None:
    z = np.array([1 + 2j, 0.5, 3j, 1 + 2j, -1])
    np.testing.assert_array_equal(ad.vjp(f, z)[0], f(z))
    slope = ad.vjp(f, z)[1](np.arange(1.0, 5) + 0j)[0]
    where = {v: k + 1.0 for k, v in enumerate(f(z))}
    np.testing.assert_array_equal(slope, [where[v] * (i != 3) for i, v in enumerate(z)])
    x = np.array([np.nan, 1.0, np.nan, 2.0])
    np.testing.assert_array_equal(ad.vjp(f, x)[0], f(x))


def test_a_number_is_repeated_along_its_last_axis() -> None:
    np.testing.assert_array_equal(ad.vjp(lambda x: np.repeat(x, 3, axis=-1), np.array(0.4))[0], 0.4)
    assert ad.grad(lambda x: np.sum(np.repeat(x, 3, axis=0)))(0.4) == 3.0


LYING = {
    "in order": np.arange(24.0).reshape(2, 3, 4),
    "in Fortran's order": np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)),
    "in another order": np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1),
    "backwards": np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1)[:, ::-1],
    "stretched": np.broadcast_to(np.arange(3.0)[:, None], (2, 3, 4)),
}
READ = {
    "ravel": lambda a, order: a.ravel(order),
    "flatten": lambda a, order: a.flatten(order),
    "reshape": lambda a, order: a.reshape(6, -1, order=order if order != "K" else "A"),
    "copy": lambda a, order: np.copy(a, order).ravel("K"),
    "astype": lambda a, order: a.astype(np.float32, order=order).ravel("K"),
    "zeros_like": lambda a, order: (np.zeros_like(a, order=order) + a).ravel("K"),
    "full_like": lambda a, order: np.full_like(a, a[0, 0, 1], order=order).ravel("A"),
    "sort": lambda a, order: np.sort(a, axis=0).ravel(order),
    "roll": lambda a, order: np.roll(a, 1, axis=1).ravel(order),
}


@pytest.mark.parametrize("lying", LYING)
@pytest.mark.parametrize("read", READ)
def test_elements_are_read_in_the_order_in_which_they_lie(read: str, lying: str) -> None:
    x = LYING[lying]
    for order in "CFAK":
        np.testing.assert_array_equal(
            ad.vjp(lambda a, order=order: READ[read](a, order), x)[0], READ[read](x, order)
        )


A = np.array([[0.7, -1.2, 2.5, 0.3], [1.1, 0.4, -0.6, 2.0], [-0.9, 1.6, 0.2, 0.8]])
PRODUCTS = {
    "kept": lambda a: np.vecdot(a, a * a, axis=0, keepdims=True),
    "axes": lambda a: np.vecdot(a, a.T, axes=[0, 1]),
    "axes of the result": lambda a: np.vecdot(a, a * a, axes=[(0,), (0,), ()]),
    "kept where asked": lambda a: np.vecdot(a, a, axes=[0, 0, 1], keepdims=True),
    "complex": lambda a: np.vecdot(a + 1j * a * a, a * 2j).real,
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_inner_products_along_axes(name: str) -> None:
    f = PRODUCTS[name]
    np.testing.assert_allclose(ad.vjp(f, A)[0], f(A), rtol=1e-14)
    assert ad.vjp(f, A)[0].shape == f(A).shape
    ad.check_grads(f, (A,), order=2)


def test_parts_of_infinite_numbers_and_of_zeros() -> None:
    x = np.array([np.inf, -np.inf, np.nan, 0, -0.0, 1.5, -2.25, -3.0])
    for f in (lambda x: np.modf(x), ad.jit(lambda x: np.modf(x))):
        for part, wanted in zip(ad.vjp(f, x)[0], np.modf(x), strict=True):
            np.testing.assert_array_equal(part, wanted)
            np.testing.assert_array_equal(np.signbit(part), np.signbit(wanted))
    slope = ad.grad(lambda x: np.sum(np.modf(x)[0]))(x[3:])
    np.testing.assert_array_equal(slope, np.ones(5))


def test_small_corners() -> None:
    for f in (lambda x: np.ascontiguousarray(x), lambda x: np.asfortranarray(x)):
        assert ad.vjp(f, np.array(0.4))[0].shape == (1,)
        assert ad.jit(f)(0.4).shape == (1,)
    empty = ad.vjp(lambda x: np.nanquantile(x, [0.3, 0.5], axis=0), np.zeros((3, 0)))[0]
    assert empty.shape == (0,)  # NumPy gives one NaN for all levels
    assert ad.jit(lambda x: np.angle(x))(np.array([True, False])).dtype == np.float64


def test_orders_in_memory_are_known_everywhere() -> None:
    for f in (
        lambda a: (a.T * 2).ravel("K"),
        lambda a: np.copy(a.T).reshape(-1, order="A"),
        lambda a: (a * 2).ravel("K"),
        lambda a: a.T.ravel("A"),
    ):
        np.testing.assert_array_equal(ad.vjp(f, A)[0], f(A))
        np.testing.assert_array_equal(ad.jit(f)(A), f(A))
        np.testing.assert_array_equal(ad.vmap(f)(np.stack([A, A])), [f(A), f(A)])
    one = np.arange(6.0)
    for order in "CFA":
        made = ad.vjp(lambda a, order=order: a.reshape(2, 3, order=order), one)[0]
        np.testing.assert_array_equal(made, one.reshape(2, 3, order=order))
