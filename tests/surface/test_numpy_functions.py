"""Every differentiable function of NumPy's: values, both modes, second order, batches, graphs."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

_spec = importlib.util.spec_from_file_location(
    "numpy_table", Path(__file__).with_name("numpy_table.py")
)
assert _spec is not None
assert _spec.loader is not None
table = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(table)


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning")
@pytest.mark.parametrize("case", table.cases, ids=lambda case: case.name.replace(" ", "-"))
def test_function(case: Any, rng: np.random.Generator) -> None:
    table.checking.check(case, rng)


def test_how_many_cases_there_are() -> None:
    print(f"{len(table.cases)} cases of NumPy's functions are checked in every mode")
    assert len(table.cases) >= 780
    assert len({case.name for case in table.cases}) == len(table.cases)
