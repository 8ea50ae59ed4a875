"""Points where a formula divides by zero and the function has a derivative: every mode, twice."""

import numpy as np
import pytest
import scipy.linalg

import adjoint as ad

UNIT = np.eye(3)
LEVELS = np.arange(9.0).reshape(3, 3)


def _of_eigenvectors(a):
    values, vectors = np.linalg.eigh(a)
    return np.sum((vectors * np.exp(values)) @ vectors.T)


def _of_singular_vectors(a):
    u, s, v = np.linalg.svd(a)
    return np.sum((u * s) @ v * LEVELS)


def _variances(x):
    v = np.array([0.1, 0.3, 0.2]) * x
    for k in range(12):
        above = np.maximum(v, 0.0)
        v = v + 0.3 * (0.2 * x - above) - 0.4 * np.sqrt(above * x) * np.cos(2.0 * k + x)
    return np.sum(np.maximum(v, -1.0) * x)


POINTS = {
    "eigh, equal values": (_of_eigenvectors, UNIT),
    "svd, equal values": (_of_singular_vectors, UNIT),
    "svdvals, rank one": (
        lambda a: np.sum(np.linalg.svd(a)[1] ** 2),
        np.outer([1.0, 2.0, 3.0], [1.0, 0.0, 1.0]),
    ),
    "nuclear norm": (lambda a: np.linalg.norm(a, "nuc"), np.zeros((3, 3))),
    "norm": (np.linalg.norm, np.zeros(3)),
    "norm of rows": (
        lambda x: np.sum(np.linalg.norm(x, axis=1)),
        np.array([[0.0, 0.0], [3.0, 4.0]]),
    ),
    "norm of order 3": (lambda x: np.linalg.norm(x, 3), np.array([0.0, 1.0, -2.0])),
    "norm of order inf": (lambda x: np.linalg.norm(x, np.inf), np.zeros(3)),
    "root behind where": (
        lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)),
        np.array([0.0, 4.0, -1.0]),
    ),
    "distances to themselves": (
        lambda x: np.sum(np.exp(-(np.sqrt((x[:, None] - x) ** 2) ** 2)) * np.outer(x, [0, 1, 3])),
        np.array([0.5, -1.0, 0.75]),
    ),
    "quotient behind where": (
        lambda x: np.sum(np.where(x != 0, np.sin(x) / x, 1.0)),
        np.array([0.0, 1.0]),
    ),
    "arcsin behind where": (
        lambda x: np.sum(np.where(np.abs(x) < 1, np.arcsin(x), x)),
        np.array([1.0, 0.5]),
    ),
    "powers": (lambda x: np.sum(x ** np.array([2.0, 3.0, 1.0, 0.0])), np.zeros(4)),
    "powers of negative numbers": (lambda x: np.sum(x ** np.array([2.0, -3.0])), -np.ones(2)),
    "zero to a power": (lambda y: np.sum(np.zeros(2) ** y), np.array([1.0, 2.0])),
    "arctan2": (lambda x: np.arctan2(x[0], x[1]), np.zeros(2)),
    "arctan2 on an axis": (lambda x: np.arctan2(x[0], x[1]), np.array([0.0, -2.0])),
    "hypot": (lambda x: np.hypot(x[0], x[1]), np.zeros(2)),
    "logaddexp, equal": (lambda x: np.logaddexp(x[0], x[1]), np.ones(2)),
    "logaddexp, far": (lambda x: np.logaddexp(x[0], x[1]), np.array([1e3, -1e3])),
    "logaddexp, infinite": (lambda x: np.logaddexp(x[0], -np.inf) * x[1], np.ones(2)),
    "prod": (np.prod, np.array([0.0, 0.0, 3.0, 2.0])),
    "abs of complex numbers": (lambda x: np.sum(np.abs(x + 0j)), np.zeros(2)),
    "std": (np.std, np.ones(3)),
    "root of a maximum": (
        lambda x: np.sum(np.sqrt(np.maximum(x, 0.0)) * x),
        np.array([0.5, -1.5, 2.0]),
    ),
    "root of what stands beside zeros": (
        lambda x: np.sum(np.sqrt(np.concatenate([x, [0.0]]))) + np.sum(np.cbrt(np.diag(x))),
        np.array([0.5, 1.5]),
    ),
    "quotient by infinity": (
        lambda x: np.sum(np.log(1 + 1 / np.where(x > 0, x, np.inf))),
        np.array([0.5, -1.5, 2.0]),
    ),
    "root of a maximum in a loop": (_variances, np.array([0.5, 0.4, 0.6])),
}


def test_lengths_of_nothing_have_no_slope_of_any_order():
    e = np.array([1.0, 2.0, 3.0])
    for f, x in ((np.linalg.norm, np.zeros(3)), (np.std, np.ones(3))):
        np.testing.assert_array_equal(ad.hvp(f, x, e), np.zeros(3))
        np.testing.assert_array_equal(ad.jit(lambda x, f=f: ad.hvp(f, x, e))(x), np.zeros(3))


def test_a_length_written_out_has_the_slope_of_one():
    def length(x):
        return np.sqrt(np.sum(x * x))

    for way in (lambda f: f, ad.jit):
        np.testing.assert_array_equal(way(ad.grad(length))(np.zeros(3)), np.zeros(3))
        assert way(ad.grad(np.sqrt))(0.0) == np.inf
    assert ad.jvp(length, (np.zeros(3),), (np.ones(3),))[1] == 0


@pytest.mark.parametrize("f", [np.arcsin, np.arccos, np.arccosh, np.arctanh, np.log, np.sqrt])
@pytest.mark.parametrize("x", [2.0, -2.0, 0.5])
def test_complex_functions_on_their_cuts(f, x):
    for side in (np.positive, np.conj):  # zero above, zero below

        def along(t, side=side):
            return f(side(t + 0j))

        wanted = (along(x + 1e-6) - along(x - 1e-6)) / 2e-6
        for way in (lambda g: g, ad.jit):
            got = way(lambda t, along=along: ad.jvp(along, (t,), (1.0,))[1])(x)
            assert got == pytest.approx(wanted, rel=1e-6)


def test_the_nuclear_norm_along_changes_that_keep_the_rank():
    def f(a):
        return np.linalg.norm(a, "nuc")

    a, t = np.outer([1.0, 2.0, 3.0], [1.0, 0.0, 1.0]), np.outer([0.3, -0.2, 0.1], [1.0, 0.0, 1.0])
    curve = (f(a + 1e-4 * t) - 2 * f(a) + f(a - 1e-4 * t)) / 1e-8
    assert np.sum(ad.hvp(f, a, t) * t) == pytest.approx(curve, rel=1e-5)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of branches that are not taken
@pytest.mark.parametrize("name", POINTS)
def test_all_modes_are_finite_and_agree(name):
    f, x = POINTS[name]
    e = np.linspace(0.5, 0.75, x.size).reshape(x.shape)
    gradient = ad.grad(f)

    def slope(x):
        return ad.jvp(f, (x,), (e,))[1]

    def along(x):
        return np.sum(gradient(x) * e)

    first, second = gradient(x), ad.hvp(f, x, e)
    assert np.all(np.isfinite(first))
    assert np.all(np.isfinite(second))
    for got, wanted in (
        (ad.jit(gradient)(x), first),
        (ad.vmap(gradient)(np.stack([x, x]))[1], first),
        (slope(x), np.sum(first * e)),
        (ad.jit(slope)(x), np.sum(first * e)),
        (ad.vmap(slope)(np.stack([x, x]))[1], np.sum(first * e)),
        (ad.grad(along)(x), second),
        (ad.jit(ad.grad(along))(x), second),
        (ad.grad(slope)(x), second),
        (ad.jvp(slope, (x,), (e,))[1], np.sum(second * e)),
    ):
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-11)


def _values(a):
    return np.linalg.eigvalsh((a + a.T) / 2)


def _projection(a):
    vectors = np.linalg.eigh((a + a.T) / 2)[1][:, :2]
    return np.sum((vectors @ vectors.T) * LEVELS)


RIGHT_AT_EQUAL_VALUES = {
    "trace of a function": lambda a: np.sum(np.exp(_values(a))),
    "log-determinant": lambda a: np.sum(np.log(np.linalg.eigh((a + a.T) / 2)[0])),
    "nuclear norm": lambda a: np.sum(np.linalg.svd(a, compute_uv=False)),
    "projection onto the whole space": _projection,
    "sqrtm": lambda a: np.sum(scipy.linalg.sqrtm(a) * LEVELS),
    "polar, unitary": lambda a: np.sum(scipy.linalg.polar(a)[0] * LEVELS),
    "polar, positive": lambda a: np.sum(scipy.linalg.polar(a, side="left")[1] * LEVELS),
}


@pytest.mark.parametrize("name", RIGHT_AT_EQUAL_VALUES)
def test_functions_of_equal_values_have_their_whole_derivative(name):
    f = RIGHT_AT_EQUAL_VALUES[name]
    turn = np.linalg.qr(np.cos(LEVELS) + np.eye(3))[0]
    for a in (np.diag([2.0, 2.0, 3.0]), turn @ np.diag([1.5, 1.5, 4.0]) @ turn.T):
        ad.check_grads(f, (a,), order=1)
