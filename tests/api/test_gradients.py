"""grad, vjp, jvp, linearize: arguments and results of every kind."""

import dataclasses
import threading
import warnings
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.optimize

import adjoint as ad
from adjoint.errors import (
    ConcreteValueError,
    DTypeError,
    LeakedArrayError,
    NonScalarOutputError,
    StructureError,
)


class Pair(NamedTuple):
    a: Any
    b: Any


@dataclasses.dataclass(frozen=True)
class Model:
    weight: Any
    layers: list
    name: str = dataclasses.field(default="m", metadata={"static": True})


def close(a, b, tolerance=1e-12):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


# *** trees ***


def test_gradient_has_the_structure_shapes_and_dtypes_of_the_argument():
    model = Model(
        np.arange(6.0, dtype=np.float32).reshape(2, 3),
        [{"x": 2.0, "y": (np.float64(3.0),)}, Pair(np.ones(0), np.array(0.5))],
    )

    def f(m):
        first, second = m.layers
        return (np.sum(m.weight**2) * first["x"] + first["y"][0] ** 3) * second.b + np.sum(second.a)

    got = ad.grad(f)(model)
    assert type(got) is Model
    assert got.name == "m"
    assert got.weight.dtype == np.float32
    close(got.weight, 2 * model.weight * 2.0 * 0.5)
    first, second = got.layers
    assert type(first["x"]) is float
    assert first["x"] == np.sum(model.weight**2) * 0.5
    assert type(first["y"][0]) is np.float64
    assert first["y"][0] == 27.0 * 0.5
    assert type(second) is Pair
    assert second.a.shape == (0,)
    assert type(second.b) is np.ndarray
    assert second.b == 55.0 * 2 + 27.0


def test_the_result_of_vjp_and_jvp_is_a_tree():
    def f(p):
        return {"sum": p.a + p.b, "both": [p.a * p.b, p.a > 1]}

    point = Pair(np.array([1.0, 2.0]), 3.0)
    out, out_dot = ad.jvp(f, (point,), (Pair(np.array([1.0, 0.0]), 0.5),))
    close(out_dot["sum"], [1.5, 0.5])
    close(out_dot["both"][0], [3.5, 1.0])
    assert out["both"][1].tolist() == [False, True]
    close(out_dot["both"][1], [0.0, 0.0])
    _, pullback = ad.vjp(f, point)
    (bar,) = pullback({"sum": np.ones(2), "both": [np.array([0.0, 1.0]), np.zeros(2)]})
    assert type(bar) is Pair
    close(bar.a, [1.0, 4.0])
    close(bar.b, 4.0)


def test_none_is_an_empty_tree():
    assert ad.grad(lambda p: p["w"] * 2.0)({"w": 3.0, "bias": None}) == {"w": 2.0, "bias": None}


# *** argnums, has_aux, keywords ***


def test_argnums():
    def f(a, b, c):
        return a * b**2 * c**3

    assert ad.grad(f)(2.0, 3.0, 5.0) == 1125.0
    assert ad.grad(f, 1)(2.0, 3.0, 5.0) == 1500.0
    assert ad.grad(f, -1)(2.0, 3.0, 5.0) == 1350.0
    assert ad.grad(f, (2, 0))(2.0, 3.0, 5.0) == (1350.0, 1125.0)
    assert ad.grad(f, [1])(2.0, 3.0, 5) == (1500.0,)
    assert ad.value_and_grad(f, (0, 1))(2.0, 3.0, 5.0) == (2250.0, (1125.0, 1500.0))


def test_keywords_are_passed_on():
    assert ad.grad(lambda x, *, power: x**power)(3.0, power=2) == 6.0


def test_has_aux():
    def f(x):
        return np.sum(x**2), {"x": x, "text": 3, "sum": x.sum()}

    (value, aux), gradient = ad.value_and_grad(f, has_aux=True)(np.array([1.0, 2.0]))
    assert value == 5.0
    assert type(aux["x"]) is np.ndarray
    assert aux["text"] == 3
    assert aux["sum"] == 3.0
    close(gradient, [2.0, 4.0])
    gradient, aux = ad.grad(f, has_aux=True)(np.array([1.0, 2.0]))
    assert aux["sum"] == 3.0
    out, pullback, aux = ad.vjp(f, np.array([1.0, 2.0]), has_aux=True)
    close(pullback(1.0)[0], [2.0, 4.0])
    out, out_dot, aux = ad.jvp(f, (np.array([1.0, 2.0]),), (np.array([1.0, 1.0]),), has_aux=True)
    assert (out, out_dot, aux["sum"]) == (5.0, 6.0, 3.0)


# *** dtypes and numbers ***


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble"])
def test_the_dtype_is_followed_beside_python_numbers(dtype):
    x = np.array([0.5, 1.5], dtype)

    def f(x):
        y = 2 * x + 0.1
        y = y * np.pi / (1.5 - 3) + y**2
        return np.sum(np.where(y > 0.2, y, 0.0) * np.sin(y))

    value, gradient = ad.value_and_grad(f)(x)
    assert value.dtype == f(x).dtype == np.dtype(dtype)
    assert gradient.dtype == np.dtype(dtype)
    assert ad.jit(f)(x).dtype == np.dtype(dtype) if dtype != "longdouble" else True


def test_a_python_float_argument_is_weak():
    w = np.ones(3, np.float32)
    value, slope = ad.value_and_grad(lambda a: np.sum(a * w))(2.0)
    assert value.dtype == np.float32
    assert type(slope) is float
    assert ad.jit(lambda a: a * w)(2.0).dtype == np.float32
    assert ad.vmap(lambda w: 2.0 * w)(w).dtype == np.float32
    assert ad.grad(lambda a: a * (1 + 2))(1.5) == 3.0


def test_complex_gradients_follow_the_convention():
    z = np.array([1.0 + 2.0j, -0.5 + 0.3j])
    close(ad.grad(lambda z: np.sum(np.abs(z) ** 2))(z), 2 * np.conj(z))
    close(ad.grad(lambda z: np.sum(np.real(z**3)))(z), 3 * z**2)
    close(ad.grad(lambda z: np.sum(np.imag(z**3)))(z), -1j * 3 * z**2)
    # A step against the conjugate of the gradient goes down.
    f = lambda z: np.sum(np.abs(z - (3 - 1j)) ** 4)  # noqa: E731
    assert f(z - 1e-4 * np.conj(ad.grad(f)(z))) < f(z)


def test_holomorphic_jacobian_is_the_complex_derivative():
    z = np.array([1.0 + 2.0j, -0.5 + 0.3j])
    for mode in ("forward", "reverse"):
        close(ad.jacobian(lambda z: np.exp(z) * z, mode=mode)(z), np.diag(np.exp(z) * (z + 1)))


# *** known gradients ***


@pytest.mark.parametrize("n", [2, 5, 40])
def test_rosenbrock_as_scipy_differentiated_it(n, rng):
    x = rng.standard_normal(n)
    rosen = scipy.optimize.rosen
    close(ad.grad(rosen)(x), scipy.optimize.rosen_der(x), 1e-11)
    close(ad.hessian(rosen)(x), scipy.optimize.rosen_hess(x), 1e-11)
    p = rng.standard_normal(n)
    close(ad.hvp(rosen, x, p), scipy.optimize.rosen_hess_prod(x, p), 1e-11)
    close(ad.jit(ad.grad(rosen))(x), scipy.optimize.rosen_der(x), 1e-11)


def test_scikit_learn_losses(rng):
    losses = pytest.importorskip("sklearn._loss.loss")
    y = np.abs(rng.standard_normal(20)) + 0.1
    raw = rng.standard_normal(20)
    mine = {
        losses.HalfSquaredError: lambda r: 0.5 * (y - r) ** 2,
        losses.HalfPoissonLoss: lambda r: np.exp(r) - y * r,
        losses.HalfGammaLoss: lambda r: y * np.exp(-r) + r,
        losses.AbsoluteError: lambda r: np.abs(y - r),
        lambda: losses.PinballLoss(quantile=0.3): lambda r: np.where(
            y >= r, 0.3 * (y - r), 0.7 * (r - y)
        ),
        lambda: losses.HuberLoss(delta=0.5): lambda r: np.where(
            np.abs(y - r) <= 0.5, 0.5 * (y - r) ** 2, 0.5 * (np.abs(y - r) - 0.25)
        ),
        lambda: losses.HalfTweedieLossIdentity(power=1.5): lambda r: (
            np.abs(r) ** 0.5 / 0.5 - y * np.abs(r) ** -0.5 / -0.5
        ),
    }
    for make, f in mine.items():
        theirs = make()
        at = np.abs(raw) + 0.2 if "Identity" in type(theirs).__name__ else raw
        wanted = theirs.gradient(y_true=y, raw_prediction=at)
        close(ad.grad(lambda r, f=f: np.sum(f(r)))(at), wanted, 1e-12)
        _, second = theirs.gradient_hessian(y_true=y, raw_prediction=at)
        if type(theirs).__name__ in ("HalfSquaredError", "HalfPoissonLoss", "HalfGammaLoss"):
            diagonal = np.diag(ad.hessian(lambda r, f=f: np.sum(f(r)))(at))
            close(diagonal, np.broadcast_to(second, diagonal.shape), 1e-12)


def test_scikit_learn_multinomial(rng):
    losses = pytest.importorskip("sklearn._loss.loss")
    labels = rng.integers(0, 4, 15)
    raw = rng.standard_normal((15, 4))

    def f(r):
        shifted = r - r.max(axis=1, keepdims=True)
        return np.sum(np.log(np.exp(shifted).sum(1)) - shifted[np.arange(15), labels])

    theirs = losses.HalfMultinomialLoss(n_classes=4)
    close(ad.grad(f)(raw), theirs.gradient(y_true=labels.astype(float), raw_prediction=raw), 1e-12)


def test_scores_of_likelihoods(rng):
    x = rng.standard_normal(30) ** 2

    def normal(m, s):
        return np.sum(-0.5 * ((x - m) / s) ** 2 - np.log(s) - 0.5 * np.log(2 * np.pi))

    m, s = 0.3, 1.7
    close(
        ad.grad(normal, (0, 1))(m, s), (np.sum(x - m) / s**2, np.sum((x - m) ** 2 / s**3 - 1 / s))
    )
    information = -ad.hessian(normal)(m, s)
    close(information, 30 / s**2)

    def exponential(rate):
        return np.sum(np.log(rate) - rate * x)

    best = 1 / x.mean()
    close(ad.grad(exponential)(best), 0.0, 1e-11)
    close(ad.hessian(exponential)(best), -30 / best**2, 1e-11)


# *** Python decides ***


def test_python_decides_outside_jit():
    def newton(a):
        x = a
        while abs(x * x - a) > 1e-14:
            x = 0.5 * (x + a / x)
        return x

    close(ad.grad(newton)(2.0), 0.5 / np.sqrt(2.0), 1e-9)

    def recursive(x, n):
        return x if n == 0 else np.sin(recursive(x, n - 1)) + x

    ad.check_grads(lambda x: recursive(x, 5), (0.4,))

    def excepting(x):
        try:
            if x > 0:
                raise ValueError("positive")
        except ValueError:
            return x**3
        return x

    assert ad.grad(excepting)(2.0) == 12.0
    assert ad.grad(excepting)(-2.0) == 1.0


def test_a_chain_of_a_hundred_thousand_operations():
    def chain(x):
        y = x
        for _ in range(50_000):
            y = y * 0.9999 + 1e-5
        return y

    close(ad.grad(chain)(1.0), 0.9999**50_000, 1e-9)


# *** errors ***


def _text(caught):
    """The message without its line, which tests would have to count."""
    return "\n".join(x for x in str(caught.value).splitlines() if not x.startswith("  at:"))


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (
            lambda: ad.grad(lambda x: x * 2)(np.ones(3)),
            NonScalarOutputError,
            "grad: <lambda> must return one real number\n  got: f64[3]\n"
            "  wanted: a scalar of a real dtype\n"
            "  remedy: return a scalar such as the sum, or use ad.jacobian or ad.vjp",
        ),
        (
            lambda: ad.grad(lambda x: (x, x))(1.0),
            NonScalarOutputError,
            "grad: <lambda> must return one real number\n  got: f64[], f64[]\n"
            "  wanted: a scalar of a real dtype\n"
            "  remedy: return the value alone, or use has_aux=True for further results",
        ),
        (
            lambda: ad.grad(lambda x: None)(1.0),
            NonScalarOutputError,
            "grad: <lambda> must return one real number\n  got: nothing (None)\n"
            "  wanted: a scalar of a real dtype\n"
            "  remedy: return the value alone, or use has_aux=True for further results",
        ),
        (
            lambda: ad.grad(lambda z: z * 1j)(1.0),
            NonScalarOutputError,
            "grad: <lambda> must return one real number\n  got: c128[]\n"
            "  wanted: a scalar of a real dtype\n"
            "  remedy: take a real number: np.real(...) or np.abs(...) of the result",
        ),
        (
            lambda: ad.grad(lambda p: 1.0)({"a": [1.0, 2]}),
            DTypeError,
            "grad: argument 0 at ['a'][1] has the dtype int64, which has no derivative\n"
            "  got: int i64[]\n  wanted: a floating or complex dtype\n"
            "  remedy: pass a float: 3.0 for 3, or leave it out of argnums",
        ),
        (
            lambda: ad.grad(np.sum)(np.arange(3)),
            DTypeError,
            "grad: argument 0 has the dtype int64, which has no derivative\n"
            "  got: ndarray i64[3]\n  wanted: a floating or complex dtype\n"
            "  remedy: cast it: x.astype(float), or leave it out of argnums",
        ),
        (
            lambda: ad.grad(lambda x: x, argnums=2)(1.0),
            StructureError,
            "grad: argnums=2, but 1 argument was passed by position\n"
            "  remedy: count from 0 to 0; arguments passed by name have no position",
        ),
        (
            lambda: ad.grad(lambda x: x, has_aux=True)(1.0),
            StructureError,
            "grad: with has_aux=True the function must return a pair (value, aux)\n"
            "  got: f64[]\n"
            "  wanted: a tuple of two: what is differentiated, and anything else",
        ),
        (
            lambda: ad.jvp(np.sin, (1.0,), (1.0, 2.0)),
            StructureError,
            "jvp: there must be one tangent for each primal\n  got: 2\n  wanted: 1",
        ),
        (
            lambda: ad.jvp(np.sin, (np.ones(3),), (np.ones(2),)),
            StructureError,
            "jvp: a tangent or cotangent has another shape than the value it belongs to\n"
            "  got: (2,)\n  wanted: (3,)",
        ),
        (
            lambda: ad.vjp(np.sin, np.ones(3))[1](1j * np.ones(3)),
            StructureError,
            "vjp: a complex tangent or cotangent for a real value\n"
            "  got: complex128\n  wanted: float64\n  remedy: take its real part",
        ),
        (
            lambda: ad.jacobian(np.sin, mode="fast"),
            StructureError,
            "jacobian: there is no mode 'fast'\n  wanted: one of auto, forward, reverse, sparse",
        ),
        (
            lambda: ad.jit(lambda x: x if x > 0 else -x)(1.0),
            ConcreteValueError,
            "jit: a branch needs the value of an array, which is not known while recording\n"
            "  got: an array of type bool[]\n"
            "  remedy: use np.where, ad.cond or ad.while_loop, or take the decision outside",
        ),
        (
            lambda: ad.vmap(np.dot)(np.ones((2, 3)), np.ones((3, 3))),
            StructureError,
            "vmap: the arguments must have the same number of examples\n"
            "  got: 2 (of f64[2,3]) and 3 (of f64[3,3])\n"
            "  remedy: set in_axes to None for an argument that is the same for all examples",
        ),
        (
            lambda: ad.vmap(np.sin)(1.0),
            StructureError,
            "vmap: an argument to map over has no axis\n  got: a number (1.0)\n"
            "  remedy: set its in_axes to None",
        ),
        (
            lambda: ad.scan(lambda c, x: c, 0.0, np.ones(3)),
            StructureError,
            "scan: the step must return a pair (carry, result)\n  got: f64[]",
        ),
        (
            lambda: ad.scan(lambda c, x: (np.stack([c, c]), x), 0.0, np.ones(3)),
            StructureError,
            "scan: the carry changes its type from one step to the next\n"
            "  got: f64[] becomes f64[2]\n"
            "  remedy: start with the shape and dtype that the step returns",
        ),
    ],
)
def test_errors_say_what_came_and_what_to_do(call, kind, text):
    with pytest.raises(kind) as caught:
        call()
    assert _text(caught) == text


def test_errors_name_the_users_line():
    def broken(x):
        if x > 0:  # the line
            return x
        return -x

    with pytest.raises(ConcreteValueError) as caught:
        ad.jit(broken)(1.0)
    line = broken.__code__.co_firstlineno + 1
    assert f"test_gradients.py:{line}" in str(caught.value)


def test_a_leaked_stand_in_is_named():
    kept = []

    def f(x):
        kept.append(x * 2.0)
        return x**2

    ad.grad(f)(3.0)
    with pytest.raises(LeakedArrayError) as caught:
        kept[0] + 1.0
    assert _text(caught) == (
        "grad: a stand-in array made while grad ran was used after it had ended\n"
        "  wanted: results to leave the function by return only\n"
        "  remedy: return the value (has_aux=True for extra results) instead of storing it in "
        "a global, an attribute or a list outside the function"
    )
    ad.jit(f)(3.0)
    with pytest.raises(LeakedArrayError, match="made while jit ran"):
        np.sin(kept[1])
    with pytest.raises(LeakedArrayError):
        ad.grad(lambda x: x * kept[0])(1.0)


def test_an_exception_leaves_nothing_behind():
    def f(x):
        y = np.sin(x)
        raise RuntimeError("mine")
        return y

    for wrap in (ad.grad, ad.jit, ad.vmap, ad.jacobian, ad.checkpoint(f) and ad.grad):
        with pytest.raises(RuntimeError, match="mine"):
            wrap(f)(np.ones(2))
    with pytest.raises(RuntimeError, match="mine"):
        ad.grad(lambda x: ad.grad(f)(x))(1.0)
    assert ad.grad(np.sin)(0.0) == 1.0
    with ad.conventions(ties="first"), pytest.raises(RuntimeError, match="mine"):
        ad.grad(f)(1.0)
    close(ad.grad(lambda x: np.max(x))(np.array([1.0, 1.0])), [0.5, 0.5])


def test_threads_do_not_see_each_others_traces():
    wrong = []
    start = threading.Barrier(4)

    def work(k):
        start.wait()
        for i in range(60):
            a = 1.0 + k + i / 100
            got = ad.grad(lambda x, a=a: ad.grad(lambda y: np.sin(a * x * y))(2.0) * x)(0.5)
            wanted = a * np.cos(a) - a * a * np.sin(a) + 0.0
            wanted = 2 * a * 0.5 * np.cos(a) - a * a * 2 * 0.25 * np.sin(a)
            if abs(got - wanted) > 1e-12 or ad.jit(lambda x, a=a: x * a)(2.0) != 2.0 * a:
                wrong.append((k, i))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []


def test_arguments_are_not_written_to_and_results_are_the_callers_own():
    x = np.array([1.0, 2.0])
    x.flags.writeable = False
    gradient = ad.grad(lambda x: np.sum(x))(x)
    gradient[0] = 7.0
    assert ad.grad(lambda x: np.sum(x))(x)[0] == 1.0
    y = np.array([1.0, 2.0])

    def writing(y):
        y[0] = 5.0
        return np.sum(y**2)

    close(ad.grad(writing)(y), [0.0, 4.0])


def test_stop_gradient_gives_values_for_decisions():
    def f(x):
        return x * float(ad.stop_gradient(x)) + ad.stop_gradient({"a": x})["a"]

    assert ad.grad(f)(3.0) == 3.0
    assert ad.jit(ad.grad(lambda x: x * ad.stop_gradient(x)))(3.0) == 3.0
    assert ad.jvp(lambda x: ad.stop_gradient(x) * x, (3.0,), (1.0,))[1] == 3.0


def test_no_warnings_from_partials_that_are_infinite():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        close(
            ad.grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)))(np.array([0.0, 4.0])),
            [0.0, 0.25],
        )
        close(ad.grad(lambda x: np.sum(np.sqrt(x)))(np.array([0.0, 4.0])), [np.inf, 0.25])
