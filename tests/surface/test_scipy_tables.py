"""The tables of SciPy's functions: values, both modes, second order, vmap and graphs."""

import importlib.util
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import adjoint as ad

HERE = Path(__file__).parent


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


checking = load("checking")
TABLES = {path.stem: load(path.stem) for path in sorted(HERE.glob("scipy_*_table.py"))}
CASES = [(table, name) for table, module in TABLES.items() for name in module.CASES]


def floats(result: Any) -> Any:
    """The arrays and numbers of a result, one after another."""
    if isinstance(result, tuple | list):
        made = tuple(x for part in result for x in _several(floats(part)))
        return made[0] if len(made) == 1 else made
    return result


def _several(x: Any) -> tuple[Any, ...]:
    if x is None or isinstance(x, str):
        return ()
    return x if isinstance(x, tuple) else (x,)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("table", "name"), CASES)
def test_case(table: str, name: str) -> None:
    module = TABLES[table]
    f, args = module.CASES[name]
    skip = frozenset(module.SKIP.get(name, "").split())

    def flat(*xs: Any) -> Any:
        return floats(f(*xs))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        case = checking.Case(name, flat, args, skip)
        checking.check(case, np.random.default_rng(1), h=2e-4)


# Cases in which SciPy computes in double precision, or keeps single, against one's guess.
SINGLE = [
    *("fht", "fht bias", "ifht", "fgauss", "fgauss n", "funi", "fshift", "fourier_ellipsoid"),
    *("pchip f", "griddata near", "BSpline t", "clark", "find_peaks", "lp2hp", "lfilter_zi"),
    *("filtfilt", "sawtooth", "simpson", "csc toarray", "spsolve", "spsolve columns"),
    *("spsolve fixed", "splu", "multiply", "repeated places", "eigsh", "eigs", "eigs complex"),
    *("svds", "splu recorded", "factorized", "cg", "gmres", "matmat", "schur", "akima"),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SINGLE)
def test_single_precision_comes_back_as_scipy_gives_it(name: str) -> None:
    (table,) = [module for module in TABLES.values() if name in module.CASES]
    f, args = table.CASES[name]
    narrow = [np.asarray(x).astype({"d": "f", "D": "F"}[np.asarray(x).dtype.char]) for x in args]
    wanted, found = f(*narrow), ad.vjp(f, *narrow)[0]
    kinds = [[np.asarray(x).dtype for x in ad.tree.flatten(y)[0]] for y in (wanted, found)]
    assert kinds[0] == kinds[1]
