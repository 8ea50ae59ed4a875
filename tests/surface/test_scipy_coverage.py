"""docs/coverage_scipy.md is what the tables say."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy

import adjoint as ad

ROOT = Path(__file__).parents[2]


def load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


coverage = load(ROOT / "tools" / "coverage_scipy.py")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_page_is_true() -> None:
    written = (ROOT / "docs" / "coverage_scipy.md").read_text(encoding="utf-8")
    version = ".".join(scipy.__version__.split(".")[:2])
    if f"SciPy {version}'s" not in written:
        pytest.skip("the page was written for another SciPy")
    assert written == coverage.page(), "run python tools/coverage_scipy.py"


def test_nothing_of_scipy_special_is_refused() -> None:
    assert coverage.groups("special")["refused"] == []


@pytest.mark.parametrize(
    "call",
    [
        lambda x: scipy.signal.residue(x[:2], [1.0, 2 * x[0], x[0] ** 2], rtype="min"),
        lambda x: scipy.signal.place_poles(np.outer(x, x), np.eye(40)[:, :2], x)[0],
        lambda x: scipy.ndimage.fourier_ellipsoid(np.reshape(x, (1, 1, 5, 8)), x[0]),
        lambda x: scipy.integrate.tanhsinh(lambda s: s * x[0], 0.0, 1.0, log=True).integral,
        lambda x: scipy.stats.laplace_asymmetric.fit(x)[0],
        lambda x: scipy.integrate.nsum(lambda k: x[0] / k**2, -np.inf, np.inf).sum,
    ],
)
def test_what_has_no_rule_is_never_silent(call: Any) -> None:
    with pytest.raises((ad.errors.AdjointError, ValueError)):
        ad.vjp(call, np.linspace(0.5, 1.5, 40))
