"""The table once more: in half the precision, and through machine code."""

import importlib.util
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import adjoint as ad

_spec = importlib.util.spec_from_file_location(
    "numpy_table", Path(__file__).with_name("numpy_table.py")
)
assert _spec is not None
assert _spec.loader is not None
table = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(table)
checking = table.checking

# Every STRIDE-th case unless all are asked for; which one begins is drawn from the test's name.
STRIDE = 1 if os.environ.get("ADJOINT_ALL_CASES") else 8
CHUNK = 50  # cases in one program: compiling is what takes time

# NumPy adds float16 up in its own order; condition numbers are quotients of NumPy's own norms.
ROUNDED = ("var", "std", "reduce", "cond", "norm", "average", "cov", "corrcoef", "einsum", "dot")
if np.lib.NumpyVersion(np.__version__) < "2.4.0":  # it rounds levels otherwise
    ROUNDED += ("quantile", "percentile")


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_values_keep_their_dtype(kind: Any) -> None:
    count = 0
    for case in table.cases:
        args = [
            np.asarray(a).astype(np.complex64 if np.iscomplexobj(a) else kind)[()]
            for a in case.args
        ]
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                wanted = case.f(*[np.array(a)[()] if np.ndim(a) == 0 else a.copy() for a in args])
            except TypeError:  # NumPy's linear algebra and Fourier have no float16
                continue
            out, _ = ad.vjp(case.f, *args)
        for a, b in zip(checking.leaves(out), checking.leaves(wanted), strict=True):
            a, b = np.asarray(a), np.asarray(b)
            assert a.dtype == b.dtype, f"{case.name}: {a.dtype} for {b.dtype}"
            exact = "bits" not in case.skip and not any(word in case.name for word in ROUNDED)
            if exact:
                np.testing.assert_array_equal(a, b, err_msg=case.name)
        count += 1
    assert count >= 640


def test_machine_code_gives_the_values_and_gradients(rng: np.random.Generator) -> None:
    chosen = []
    for case in table.cases[int(rng.integers(STRIDE)) :: STRIDE]:
        if "jit" not in case.skip:
            out = case.f(*[np.array(a)[()] for a in case.args])
            chosen.append((case, checking.random_like(rng, out)))
    assert len(chosen) >= 700 // STRIDE
    for start in range(0, len(chosen), CHUNK):
        part = chosen[start : start + CHUNK]

        def all_of_them(arguments: Any, part: Any = part) -> Any:
            results = []
            for (case, _), (*xs, bar) in zip(part, arguments, strict=True):
                out, pull = ad.vjp(case.f, *xs)
                results.append((out, pull(bar)))
            return results

        arguments = [(*case.args, bar) for case, bar in part]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            wanted = all_of_them(arguments)
            got = ad.jit(all_of_them)(arguments)
        for (case, _), one, other in zip(part, got, wanted, strict=True):
            checking.close(one, other, 1e-9, case.name)
            for a, b in zip(checking.leaves(one), checking.leaves(other), strict=True):
                assert np.asarray(a).dtype == np.asarray(b).dtype, case.name


@pytest.mark.parametrize("lower", [1.0, -1.0], ids=["real", "complex"])
def test_eigenvalues_are_real_or_complex_as_numpys(lower: float) -> None:
    seen: list[Any] = []

    def kinds(a: Any) -> Any:
        w, v = np.linalg.eig(a)
        return [x.dtype for x in (w, v, np.linalg.eigvals(a), np.roots([1.0, -a[0, 0], a[1, 0]]))]

    def f(a: Any) -> Any:
        seen.extend(kinds(a))
        return np.sum(np.linalg.eigvals(a)).real

    a = np.array([[2.0, 1.0], [lower, 2.0]])
    np.testing.assert_allclose(ad.grad(f)(a), np.eye(2), atol=1e-12)
    assert seen == kinds(a)
