"""The ways in which NumPy is written: values to the bit, gradients against differences, jit."""

import contextlib
import importlib.util
import inspect
import math
import warnings
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import adjoint as ad
from adjoint.errors import ConcreteValueError, ConversionError, UnsupportedError

HERE = Path(__file__).parent
POINT = np.array([0.5, -1.5, 2.5])
number_type = np.longdouble
OUTSIDE = np.arange(1.0, 13.0).reshape(4, 3)


def functions(name: str) -> list[Any]:
    """The functions of one argument x that a file holds."""
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = [f for f in vars(module).values() if inspect.isfunction(f) and f.__module__ == name]
    return [f for f in found if list(inspect.signature(f).parameters) == ["x"]]


IDIOMS = [
    f
    for name in ("idioms_writing", "idioms_python", "idioms_numpy", "idioms_out", "idioms_planes")
    for f in functions(name)
]
DECIDES = {  # on values, in Python: jit refuses them with the line
    "while_val", "bools", "counting", "intloop", "newton", "bisect", "any_all",
    "mathceil", "vectorize", "roots_of_either_sign",
}  # fmt: skip
DIFFERS = {"try_except"}  # under jit no value is known that could raise


def test_how_many_there_are() -> None:
    assert len(IDIOMS) >= 200
    assert {f.__name__ for f in IDIOMS} >= DECIDES | DIFFERS


@pytest.mark.parametrize("f", IDIOMS, ids=lambda f: f.__name__)
def test_idiom(f: Any) -> None:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = f(POINT.copy())
        both = ad.value_and_grad(f)
        value, gradient = both(POINT)
        assert np.float64(value).tobytes() == np.float64(wanted).tobytes()
        for i, got in enumerate(gradient):
            step = np.zeros(3)
            step[i] = 1e-6
            numeric = (f(POINT + step) - f(POINT - step)) / 2e-6
            assert got == pytest.approx(numeric, rel=1e-4, abs=1e-5)


def test_idioms_compiled() -> None:
    """All of them as one native program: compiling is what takes time."""
    chosen = [f for f in IDIOMS if f.__name__ not in DECIDES | DIFFERS]

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for part in range(0, len(chosen), 50):
            some = chosen[part : part + 50]
            wanted = [ad.value_and_grad(f)(POINT) for f in some]
            got = ad.jit(lambda x, some=some: [ad.value_and_grad(f)(x) for f in some])(POINT)
            for f, (v, g), (w, h) in zip(some, got, wanted, strict=True):
                np.testing.assert_allclose(v, w, rtol=1e-9, err_msg=f.__name__)
                np.testing.assert_allclose(g, h, rtol=1e-7, atol=1e-9, err_msg=f.__name__)


@pytest.mark.parametrize("name", sorted(DECIDES))
def test_decisions_are_refused_by_jit_with_the_line(name: str) -> None:
    f = next(f for f in IDIOMS if f.__name__ == name)
    with pytest.raises((ConcreteValueError, UnsupportedError), match=r"idioms_\w+\.py"):
        ad.jit(f)(POINT)


# *** what is closed names the line and the way out ***


def outside_arithmetic(x: Any) -> Any:
    a = OUTSIDE * 1.0
    a[0] = x
    return np.sum(a)


def outside_index(x: Any) -> Any:
    return OUTSIDE[np.argsort(x)[0]].sum() + x[0]


def strides(x: Any) -> Any:
    return np.lib.stride_tricks.as_strided(x, (2, 2), (8, 16)).sum()


REFUSED = [
    (lambda x: np.longdouble(x[0]) * 2, ConversionError, r"x\.astype\(np\.longdouble"),
    (lambda x: np.broadcast(x, x).size * x.sum(), ConversionError, r"np\.broadcast_shapes"),
    (lambda x: number_type(x), ConversionError, r"x\.astype\(np\.longdouble"),
    (lambda x: np.ma.masked_array(x, [0, 1, 0]).sum(), ConversionError, r"np\.where"),
    (lambda x: (np.ma.array([1.0, 2.0, 3.0]) * x).sum(), ConversionError, r"np\.where"),
    (lambda x: scipy.linalg.lapack.dpotrf(np.diag(x**2))[0].sum(), ConversionError, "cho_solve"),
    (lambda x: scipy.linalg.blas.ddot(x, x), ConversionError, "and @"),
    (lambda x: np.ma.masked_where(x > 0, x).sum(), ConversionError, r"np\.where"),
    (lambda x: np.asmatrix(x).sum(), UnsupportedError, "two-dimensional"),
    (strides, UnsupportedError, "sliding_window_view"),
    (lambda x: np.array([x[0]], dtype=object)[0], UnsupportedError, "object"),
]


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("k", range(len(REFUSED)))
def test_what_is_closed_names_the_way_out(k: int) -> None:
    f, error, remedy = REFUSED[k]
    with pytest.raises(error, match=remedy) as caught, contextlib.suppress(AssertionError):
        ad.grad(f)(POINT)
    assert "test_numpy_idioms.py" in str(caught.value)


@pytest.mark.parametrize(("name", "remedy"), [("sqrt", r"np\.sqrt"), ("pow", r"np\.power")])
def test_math_names_numpys_function(name: str, remedy: str) -> None:
    functions = {"sqrt": lambda x: sqrt(x[0]), "pow": lambda x: math.pow(x[0], 2)}
    with pytest.raises(ConcreteValueError, match=remedy):
        ad.jit(functions[name])(POINT)
    expected = {"sqrt": 0.5 / np.sqrt(POINT[0]), "pow": 2 * POINT[0]}
    np.testing.assert_allclose(ad.grad(functions[name])(POINT), [expected[name], 0, 0])


def test_an_outside_array_is_indexed_with_a_recorded_number_by_take() -> None:
    assert ad.grad(outside_index)(POINT).tolist() == [1, 0, 0]
    with pytest.raises((ConversionError, ConcreteValueError), match=r"np\.take\(X, k, axis=0\)"):
        ad.jit(outside_index)(POINT)


def test_what_is_computed_from_an_outside_array_takes_recorded_values() -> None:
    assert ad.grad(outside_arithmetic)(POINT).tolist() == [1, 1, 1]


# *** what is in place, and what it leaves alone ***


def test_ufuncs_are_themselves_while_recording() -> None:
    known = {np.exp: "exp", np.add: "add"}
    own = np.maximum

    def f(x: Any) -> Any:
        assert isinstance(np.exp, np.ufunc)
        assert known[np.exp] == "exp"
        assert np.maximum == own
        assert np.add.nin == 2
        assert np.exp([1.0, 2.0]).shape == (2,)
        return np.exp([x[0], x[1]]).sum() + np.add.reduce([x[0], 1.0])

    assert ad.grad(f)(POINT) == pytest.approx([np.exp(0.5) + 1, np.exp(-1.5), 0])
    assert np.maximum is own


def test_methods_of_outside_arrays_stay_numpys() -> None:
    ad.grad(lambda x: OUTSIDE.dot(x).sum())(POINT)
    assert type(OUTSIDE.copy()) is np.ndarray
    assert OUTSIDE.dot(POINT).tolist() == (OUTSIDE @ POINT).tolist()
    assert type(np.ma.masked_array([1.0, 2.0]).copy()) is np.ma.MaskedArray
    assert OUTSIDE.astype(np.float32, copy=True).dtype == np.float32
    out = np.empty(4)
    assert OUTSIDE.dot(POINT, out) is out


def test_flags_as_indices() -> None:
    x = np.arange(6.0).reshape(2, 3)
    for key in (
        True,
        False,
        np.array(False),
        (True, 1),
        (slice(None), True),
        (None, True),
        (1, True),
    ):
        out, pull = ad.vjp(lambda x, key=key: x[key] * 2, x)
        np.testing.assert_array_equal(out, x[key] * 2)
        counts = np.zeros_like(x)
        counts[key] += 2
        np.testing.assert_array_equal(pull(np.ones_like(out))[0], counts)
