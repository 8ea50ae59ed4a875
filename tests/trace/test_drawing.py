"""Random generators called by recorded functions: NumPy's own draws, or a word."""

# ruff: noqa: NPY002  # the global generator is one of those under test

import subprocess
import sys

import numpy as np
import pytest
from numpy.random import permutation as permutation_by_name

import adjoint as ad
from adjoint.errors import ConversionError

X = np.arange(15.0).reshape(5, 3) + 0.5
V = np.random.default_rng(1).normal(size=X.shape)


def generator(seed=3):
    return np.random.default_rng(seed)


def old(seed=3):
    return np.random.RandomState(seed)


def _in_place(x, shuffle, **options):
    x = x * 1.0
    shuffle(x, **options)
    return x


def _of_the_global_one(x):
    np.random.seed(5)
    x = x * 1.0
    np.random.shuffle(x)
    return x + np.random.permutation(x) - np.random.choice(x[:, 1], 5)[:, None]


def _of_a_view(x):
    x = x * 1.0
    generator().shuffle(x[1:, 2])
    return x


def _of_a_made_array(x):
    order = np.arange(10).reshape(5, 2)
    old().shuffle(order)
    return x * order[:, :1] + x[order[:, 0] % 5]


def _permuted_into(x):
    out = np.zeros((5, 3))
    generator().permuted(x, axis=0, out=out)
    return out + x


def _from_the_name(x):
    np.random.seed(2)
    return permutation_by_name(x)


LINEAR = {
    "Generator.shuffle": lambda x: _in_place(x, generator().shuffle),
    "Generator.shuffle axis": lambda x: _in_place(x, generator().shuffle, axis=-1),
    "RandomState.shuffle": lambda x: _in_place(x, old().shuffle),
    "shuffle of one column": lambda x: _in_place(x[:, 0], generator().shuffle),
    "shuffle of a view": _of_a_view,
    "shuffle of a made array": _of_a_made_array,
    "global": _of_the_global_one,
    "imported name": _from_the_name,
    "Generator.permutation": lambda x: generator().permutation(x),
    "Generator.permutation axis": lambda x: generator().permutation(x, axis=1),
    "Generator.permutation of a list": lambda x: generator().permutation([x[0], 2 * x[1], x[2]]),
    "RandomState.permutation": lambda x: old().permutation(x[:, 1]),
    "permuted": lambda x: generator().permuted(x),
    "permuted axis": lambda x: generator().permuted(x, axis=1),
    "permuted out": _permuted_into,
    "choice": lambda x: generator().choice(x, 4),
    "choice of one": lambda x: generator().choice(x[:, 0]),
    "choice axis": lambda x: generator().choice(x, (2, 1), False, None, 1, False),
    "choice p": lambda x: generator().choice(x[:, 0], 6, p=[0.1, 0.2, 0.3, 0.2, 0.2]),
    "RandomState.choice": lambda x: old().choice(x[:, 2], 3, replace=False),
    "none": lambda x: generator().permutation(x[:0]),
    "one": lambda x: _in_place(x[:1], old().shuffle),
}


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.filterwarnings("ignore::adjoint.trace.randomness.RandomnessWarning")
def test_the_orders_are_numpys(name):
    f = LINEAR[name]
    wanted, moved = np.asarray(f(X)), np.asarray(f(V))
    out, out_dot = ad.jvp(f, (X,), (V,))
    assert np.array_equal(out, wanted)
    assert np.allclose(out_dot, moved)
    assert np.array_equal(ad.jit(f)(X), wanted)
    both = ad.vmap(f)(np.stack([X, V]))
    assert np.array_equal(both, [wanted, moved])
    bar = np.cos(np.arange(wanted.size)).reshape(wanted.shape)
    (x_bar,) = ad.vjp(f, X)[1](bar)
    assert np.isclose(np.sum(x_bar * V), np.sum(bar * moved))


def test_what_is_drawn_may_be_written():
    def f(x):
        noise = generator().normal(size=(2, 3))
        noise *= x
        noise[0, 1] = x[1] ** 2
        np.random.seed(4)
        more = np.random.rand(3)
        more += x
        filled = np.empty(3)
        generator(7).standard_normal(out=filled)
        return np.sum(noise) + np.sum(more * filled)

    x = np.array([0.5, -1.0, 2.0])
    noise, filled = generator().normal(size=(2, 3)), generator(7).standard_normal(3)
    slope = np.sum(noise, axis=0) + filled
    slope[1] += 2 * x[1] - noise[0, 1]
    value, gradient = ad.value_and_grad(f)(x)
    assert value == f(x)
    assert np.allclose(gradient, slope)


A = np.array([[1.0, 0.2, 0.1], [0.3, 0.8, 0.0], [0.1, 0.4, 0.6]])
MOVING = {
    "normal": lambda rng, x: rng.normal(x, x**2),
    "normal rows": lambda rng, x: rng.normal(x[0], scale=x, size=(2, 3)),
    "uniform": lambda rng, x: rng.uniform(high=x),
    "laplace": lambda rng, x: rng.laplace(x, 2.0),
    "logistic": lambda rng, x: rng.logistic(0.1, x),
    "gumbel": lambda rng, x: rng.gumbel(x[1], x[0], 4),
    "exponential": lambda rng, x: rng.exponential(x),
    "rayleigh": lambda rng, x: rng.rayleigh(x, size=3),
    "lognormal": lambda rng, x: rng.lognormal(x, x),
    "weibull": lambda rng, x: rng.weibull(x),
    "pareto": lambda rng, x: rng.pareto(x[2], 2),
    "vectors": lambda rng, x: rng.multivariate_normal(x, A @ np.diag(x) @ A.T, 2),
    "list": lambda rng, x: rng.normal([x[0], 2.0]),
}


@pytest.mark.parametrize("make", [generator, old])
@pytest.mark.parametrize("name", MOVING)
def test_what_is_drawn_moves_with_its_parameters(name, make):
    def f(x):
        return MOVING[name](make(), x)

    x, v = np.array([0.7, 1.2, 2.5]), np.array([0.3, -1.0, 0.4])
    out, moved = ad.jvp(f, (x,), (v,))
    assert np.allclose(out, f(x), rtol=1e-14, atol=1e-15)
    if name in ("normal", "vectors"):
        assert np.allclose(ad.jit(f)(x), f(x), rtol=1e-12, atol=1e-14)
    assert np.allclose(moved, (f(x + 1e-5 * v) - f(x - 1e-5 * v)) / 2e-5, atol=1e-8)


@pytest.mark.parametrize(
    ("draw", "remedy"),
    [
        (lambda x: generator().standard_gamma(x), "ad.stop_gradient(x) draws"),
        (lambda x: generator().poisson([x[0], 1.0]), "ad.stop_gradient(x) draws"),
        (lambda x: generator().hypergeometric(x[0], 3, 2), "ad.stop_gradient(x) draws"),
        (lambda x: generator().choice(3, 2, p=x / 6), "np.sum(p * values)"),
    ],
)
@pytest.mark.parametrize("mode", [lambda f: ad.grad(lambda x: np.sum(f(x))), ad.jit])
def test_recorded_parameters_are_refused(draw, remedy, mode):
    with pytest.raises(ConversionError, match="recorded parameter") as caught:
        mode(draw)(np.array([1.0, 2.0, 3.0]))
    assert remedy in str(caught.value)


def test_known_parameters_are_taken():
    def f(x):
        counts = generator().integers(0, (x + 0.5).astype(int), size=3)
        return np.sum(counts * x) + np.sum(generator().normal(np.arange(3.0)) * x)

    x = np.array([5.0, 6.0, 7.0])
    slope = generator().integers(0, [5, 6, 7]) + generator().normal(np.arange(3.0))
    assert np.allclose(ad.grad(f)(x), slope)


_LATE = """
import sys
import numpy as np
import adjoint as ad
assert "numpy.random" not in sys.modules
def f(x):
    x = x * 1.0
    np.random.default_rng(3).shuffle(x)
    return x
x = np.arange(6.0).reshape(3, 2)
(made,), _ = ad.jvp(lambda x: [f(x)], (x,), (x,))
assert np.array_equal(made, f(x)), made
"""


def test_generators_may_be_loaded_late():
    subprocess.run([sys.executable, "-W", "error", "-c", _LATE], check=True)


def test_draws_outside_recordings_are_arrays():
    ad.grad(np.sin)(1.0)
    assert type(generator().normal(size=3)) is np.ndarray
    assert np.random.permutation.__self__ is np.random.mtrand._rand
