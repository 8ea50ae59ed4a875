"""SciPy's functions by their own names: found, restored, thread-safe, refused by name."""

import builtins
import importlib
import inspect
import subprocess
import sys
import threading
from inspect import CO_GENERATOR
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import scipy.ndimage
import scipy.signal
import scipy.spatial.distance
import scipy.special
from scipy.special import logsumexp

import adjoint as ad
from adjoint.errors import ConcreteValueError
from adjoint.trace import scipy_gate
from adjoint.trace.session import anyone_recording, is_recording


def test_import_leaves_scipy_alone() -> None:
    code = "import sys, adjoint; assert not [m for m in sys.modules if m.split('.')[0] == 'scipy']"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_package_first_imported_inside_the_function_is_found() -> None:
    code = """
import adjoint as ad, numpy as np
def f(x):
    import scipy
    return scipy.special.logsumexp(x) + scipy.linalg.norm(x)
g = ad.grad(f)(np.array([3.0, 4.0]))
e = np.exp([3.0, 4.0])
assert np.allclose(g, e / e.sum() + np.array([0.6, 0.8])), g
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_imported_with_from_are_found() -> None:
    x = np.array([0.5, -1.0, 2.0])
    e = np.exp(x)
    np.testing.assert_allclose(ad.grad(lambda x: logsumexp(x))(x), e / e.sum(), rtol=1e-14)


def test_the_function_object_and_its_signature_stay() -> None:
    before = scipy.linalg.solve_triangular
    signature = inspect.signature(before)
    defaults = before.__defaults__
    ad.grad(lambda b: np.sum(before(np.eye(2), b)))(np.ones(2))
    assert scipy.linalg.solve_triangular is before
    assert inspect.signature(before) == signature
    assert before.__defaults__ == defaults


def test_a_function_takes_its_code_back_when_nobody_records() -> None:
    scipy_gate.restore()
    own = scipy.linalg.toeplitz.__code__
    ad.grad(lambda c: np.sum(scipy.linalg.toeplitz(c)))(np.ones(3))
    assert not is_recording()
    assert not anyone_recording()
    expected = np.array([[1.0, 2.0], [2.0, 1.0]])
    assert np.array_equal(scipy.linalg.toeplitz([1.0, 2.0]), expected)
    assert scipy.linalg.toeplitz.__code__ is own
    # and the next recording finds it again
    assert ad.grad(lambda c: np.sum(scipy.linalg.toeplitz(c)))(np.ones(2)).tolist() == [2.0, 2.0]


def test_recording_ends_when_the_function_raises() -> None:
    def f(x: Any) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError):
        ad.grad(f)(1.0)
    assert not anyone_recording()


def test_other_threads_get_scipys_own_values() -> None:
    x = np.linspace(-1.0, 1.0, 50)
    wanted = float(logsumexp(x))
    wrong: list[Any] = []
    done = threading.Event()

    def plain() -> None:
        while not done.is_set():
            value = logsumexp(x)
            # types have other names at times, in modules that somebody records
            if not builtins.isinstance(value, np.generic) or value != wanted:
                wrong.append(value)

    def record() -> None:
        for _ in range(100):
            g = ad.grad(lambda x: logsumexp(x))(x)
            if abs(g.sum() - 1.0) > 1e-12:
                wrong.append(g)

    threads = [threading.Thread(target=f) for f in (plain, record, record)]
    for t in threads:
        t.start()
    for t in threads[1:]:
        t.join()
    done.set()
    threads[0].join()
    assert wrong == []


def test_arrays_made_inside_are_plain_for_scipy() -> None:
    def f(x: Any) -> Any:
        window = np.ones(3)
        kernel = scipy.signal.convolve(window, window)  # nothing recorded in here
        return np.sum(x * kernel)

    assert ad.grad(f)(np.zeros(5)).tolist() == [1.0, 2.0, 3.0, 2.0, 1.0]


def test_an_unsupported_function_is_named_with_the_line() -> None:
    def f(x: Any) -> Any:
        return np.sum(scipy.signal.place_poles(np.outer(x, x), np.eye(3)[:, :2], x)[0])  # the line

    with pytest.raises(ad.errors.UnsupportedError) as caught:
        ad.grad(f)(np.ones(3))
    text = str(caught.value)
    assert "scipy.signal.place_poles" in text
    assert "# the line" in text
    assert "remedy" in text


@pytest.mark.skipif(not hasattr(scipy.special._ufuncs, "_lgam1p"), reason="another SciPy")
def test_an_unsupported_ufunc_is_named() -> None:
    with pytest.raises(ad.errors.UnsupportedError, match=r"scipy\.special\._lgam1p"):
        ad.grad(lambda x: scipy.special._ufuncs._lgam1p(x))(0.5)


def test_a_parameter_without_derivative_is_refused_by_name() -> None:
    with pytest.raises(ad.errors.NoDerivativeError, match=r"scipy\.special\.mathieu_a"):
        ad.grad(lambda m: scipy.special.mathieu_a(m, 1.5))(2.0)
    slope = (scipy.special.jv(0.5, 2.0) - scipy.special.jv(2.5, 2.0)) / 2
    assert ad.grad(lambda x: scipy.special.jv(1.5, x))(2.0) == slope


def test_every_rule_finds_its_function() -> None:
    """Names in the tables that this SciPy does not have; older ones may lack more."""

    ad.grad(lambda x: x * x)(1.0)
    missing = {e.name for e in scipy_gate._waiting if e.name.startswith("scipy.")}
    # Sparse arrays had these in older versions; now they are those of matrices alone.
    kinds = ("_base._spbase", "_csr._csr_base", "_csc._csc_base")
    older = {f"scipy.sparse.{kind}.{name}" for kind in kinds for name in ("getrow", "getcol")}
    older |= {f"scipy.{at}.array_api_compat.numpy.linalg.solve" for at in ("_lib", "_external")}
    assert missing - older <= {"scipy.special.softplus", "scipy.linalg.kron"}, missing


def test_results_go_into_the_array_that_is_given() -> None:
    x = np.array([[0.3, 1.2], [0.7, -0.4], [2.0, 0.1]])

    def f(x: Any) -> Any:
        pairs, values = np.zeros(3), np.zeros((3, 2))
        scipy.spatial.distance.pdist(x, "sqeuclidean", out=pairs)
        scipy.special.zeta(x * x + 2, 1.0, values)
        blurred = np.zeros((3, 2))
        scipy.ndimage.gaussian_filter1d(x, 0.7, axis=0, output=blurred)
        return np.sum(pairs) + np.sum(values) + np.sum(blurred**2)

    value, g = ad.value_and_grad(f)(x)
    assert value == f(x)
    h = 1e-6
    for i in range(3):
        d = np.zeros((3, 2))
        d[i, 1] = h
        assert abs(g[i, 1] - (f(x + d) - f(x - d)) / (2 * h)) < 1e-7
    outside = np.zeros(3)
    with pytest.raises(ad.errors.UnsupportedError, match="outside the recording"):
        ad.grad(lambda x: np.sum(scipy.spatial.distance.pdist(x, out=outside)))(x)


def test_generators_stay_generators() -> None:
    ad.grad(np.sin)(1.0)
    kinds = [
        (entry.own_code.co_flags & CO_GENERATOR, entry.our_code.co_flags & CO_GENERATOR)
        for entry in scipy_gate._armed.values()
        if entry.own_code is not None and entry.our_code is not None
    ]
    assert all(own == ours for own, ours in kinds)
    assert any(own for own, _ in kinds)


def test_a_beginning_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("the reason")

    monkeypatch.setattr(sys.modules["adjoint.trace.session"], "_begin", [fail])
    with pytest.raises(RuntimeError, match="the reason"):
        ad.grad(np.sin)(1.0)
    monkeypatch.undo()
    assert ad.grad(np.sin)(0.0) == 1.0


def test_the_linear_systems_of_array_api_compat() -> None:
    import scipy._lib._array_api as used

    compat = importlib.import_module(f"{used.np_compat.__name__}.linalg")
    a, b = np.array([[3.0, 1.0], [0.5, 2.0]]), np.array([1.0, -2.0])

    def f(a, b):
        return np.sum(compat.solve(a, b) * [1.0, 3.0]) + np.sum(compat.solve(a, b[:, None]))

    inverse = np.linalg.inv(a)
    assert ad.grad(f, argnums=1)(a, b) == pytest.approx([2.0, 4.0] @ inverse)
    assert ad.jit(f)(a, b) == pytest.approx(f(a, b))


@pytest.mark.parametrize(
    ("name", "f"),
    [
        ("scipy.signal.step", lambda a: scipy.signal.step(([a], [1.0, a]))[1]),
        ("scipy.signal.bode", lambda a: scipy.signal.bode(([a], [1.0, a]))[1]),
        (
            "scipy.integrate.cubature",
            lambda a: scipy.integrate.cubature(lambda x: np.exp(-a * x[:, 0]), [0], [1]).estimate,
        ),
    ],
)
def test_what_scipy_decides_by_values_is_named_under_jit(name: str, f: Any) -> None:
    with pytest.raises(ConcreteValueError, match=rf"^{name}: (?s:.*)call it outside jit") as raised:
        ad.jit(f)(1.0)
    assert "test_scipy_gate.py" in str(raised.value)
