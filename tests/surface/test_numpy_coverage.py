"""docs/coverage.md is what the tables say, and every differentiable function is tested."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


def load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


coverage = load(ROOT / "tools" / "coverage.py")


def test_the_page_is_true() -> None:
    written = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
    version = ".".join(np.__version__.split(".")[:2])
    if f"NumPy {version}'s" not in written:
        pytest.skip("the page was written for another NumPy")
    assert written == coverage.page(), "run python tools/coverage.py"


SAME = {  # other names of functions in the tables
    "absolute", "acos", "acosh", "amax", "amin", "asin", "asinh", "atan", "atanh", "concat",
    "conj", "bitwise_not",
}  # fmt: skip


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.4.0", reason="it has older names too")
@pytest.mark.parametrize(
    ("module", "prefix"), [(np, "np."), (np.linalg, "np.linalg."), (np.fft, "np.fft.")]
)
def test_every_differentiable_function_is_in_the_table(module: Any, prefix: str) -> None:
    tested = "".join(
        (ROOT / "tests" / "surface" / name).read_text(encoding="utf-8")
        for name in ("numpy_table.py", "test_numpy_more.py")
    )
    words = set(re.findall(r"\w+", tested))
    names = [
        label.strip("`").removeprefix(prefix) for label in coverage.groups(module, prefix)["yes"]
    ]
    assert len(names) >= 10
    assert [n for n in names if n not in words and n not in SAME] == []
