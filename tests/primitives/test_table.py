"""The table of primitives: every row has its rules, and every rule is right.

Each row is evaluated and differentiated at a sample point: values against the reference,
forward against reverse mode, both against differences to second order, batches against a
loop. A rule that is off by a thousandth is caught, row by row.
"""

import importlib
import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.graph import primitives
from adjoint.graph.primitive import Primitive

# By name: functions of the same names hide two of these modules.
batch, linearize, stitch, tape, transpose = (
    importlib.import_module(f"adjoint.differentiate.{name}")
    for name in ("batch", "linearize", "stitch", "tape", "transpose")
)

_path = Path(__file__).parents[1] / "surface" / "checking.py"
_spec = importlib.util.spec_from_file_location("checking", _path)
assert _spec is not None
assert _spec.loader is not None
checking = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(checking)

rows: list[Primitive] = list(primitives)
by_name = {row.name: row for row in rows}
_draw = np.random.default_rng(3)


def sample(*shape: int, low: float = -2.0, high: float = 2.0) -> Any:
    return _draw.uniform(low, high, shape)


def apart(*shape: int) -> Any:
    """No two elements are near each other, none is near 0."""
    n = int(np.prod(shape))
    return (_draw.permutation(n) * 0.31 - 0.155 * n + 0.07).reshape(shape)


SPD = sample(3, 3) * 0.3 + 3 * np.eye(3)
SYMMETRIC = SPD @ SPD.T + np.diag([1.0, 2.0, 4.0])
PLACES = np.array([2, 0, 2, 1])
F = Callable[..., Any]

# What each row that is not elementwise is called with.
calls: dict[str, tuple[F, tuple[Any, ...]]] = {
    "add": (lambda p: p, (sample(3, 4), sample(3, 4))),
    "sub": (lambda p: p, (sample(3, 4), sample(3, 4))),
    "neg": (lambda p: p, (sample(3, 4),)),
    "mul": (lambda p: p, (sample(3, 4), sample(3, 4))),
    "conj": (lambda p: p, (sample(3) + 1j * sample(3),)),
    "real": (lambda p: p, (sample(3) + 1j * sample(3),)),
    "imag": (lambda p: p, (sample(3) + 1j * sample(3),)),
    "join_parts": (lambda p: p, (sample(3), sample(3))),
    "multiply_no_nan": (lambda p: p, (sample(3), sample(3))),
    "sum": (lambda p: lambda x: p(x, axes=(0, 2)), (sample(2, 3, 4),)),
    "cumsum": (lambda p: lambda x: p(x, axis=1), (sample(2, 3),)),
    "cast": (lambda p: lambda x: p(x, dtype=np.dtype(complex)), (sample(3),)),
    "broadcast": (lambda p: lambda x: p(x, shape=(2, 3, 4)) * 1.0, (sample(3, 1),)),
    "reshape": (lambda p: lambda x: p(x, shape=(3, 2)), (sample(2, 3),)),
    "permute_axes": (lambda p: lambda x: p(x, axes=(2, 0, 1)), (sample(2, 3, 4),)),
    "slice": (
        lambda p: lambda x: p(x, start=(3, 0), step=(-2, 1), shape=(2, 2)),
        (sample(4, 3),),
    ),
    "unslice": (
        lambda p: lambda x: p(x, start=(1, 3), step=(2, -1), shape=(5, 4)),
        (sample(2, 3),),
    ),
    "set_slice": (
        lambda p: lambda x, y: p(x, y, start=(1, 0), step=(1, 2)),
        (sample(4, 3), sample(2, 2)),
    ),
    "concatenate": (lambda p: lambda x, y: p(x, y, axis=1), (sample(2, 3), sample(2, 1))),
    "gather": (lambda p: lambda x: p(x, PLACES, axes=(1,)), (sample(2, 3),)),
    "scatter_add": (lambda p: lambda y: p(y, PLACES, axes=(0,), shape=(3, 2)), (sample(4, 2),)),
    "scatter_set": (
        lambda p: lambda x, y: p(x, y, PLACES, axes=(0,)),
        (sample(3, 2), sample(4, 2)),
    ),
    "where": (
        lambda p: lambda x, y: p(np.array([True, False, True]), x, y),
        (sample(3), sample(3)),
    ),
    "shared": (
        lambda p: lambda x: p(x, np.array([True, False, True]), np.array([True, False, False])),
        (sample(3),),
    ),
    "max": (lambda p: lambda x: p(x, axes=(0, 2)), (apart(2, 3, 4),)),
    "min": (lambda p: lambda x: p(x, axes=(1,)), (apart(2, 3),)),
    "sort": (lambda p: lambda x: p(x, axis=1, kind=None), (apart(2, 3),)),
    "prod": (lambda p: lambda x: p(x, axes=(1,)), (sample(2, 5),)),
    "cumprod": (lambda p: lambda x: p(x, axis=1), (sample(2, 5),)),
    "matmul": (lambda p: p, (sample(2, 3, 4), sample(2, 4, 5))),
    "einsum": (
        lambda p: lambda x, y: p(x, y, subscripts="iij,kj->ik", optimize=False),
        (sample(2, 2, 3), sample(4, 3)),
    ),
    "scalar_pow": (lambda p: lambda x: p(x, exponent=2.7), (sample(3, low=0.3),)),
    "solve": (lambda p: p, (SPD, sample(3, 2))),
    "inv": (lambda p: p, (SPD,)),
    "det": (lambda p: p, (SPD,)),
    "cofactor": (lambda p: p, (SPD,)),
    "cofactor_slope": (lambda p: p, (SPD, sample(3, 3))),
    "slogdet": (lambda p: lambda a: p(a)[1], (SPD,)),
    "cholesky": (lambda p: lambda a: p(a, upper=False), (SYMMETRIC,)),
    "eigh": (lambda p: lambda a: p(a, uplo="L"), (SYMMETRIC,)),
    "eigvalsh": (lambda p: lambda a: p(a, uplo="U"), (SYMMETRIC,)),
    "eig": (lambda p: lambda a: p(a)[0], (SPD + np.diag([0.0, 2.0, 5.0]),)),
    "eigvals": (lambda p: p, (SPD + np.diag([0.0, 2.0, 5.0]),)),
    "svd": (lambda p: lambda a: p(a, full=False), (sample(4, 3),)),
    "svdvals": (lambda p: p, (sample(4, 3),)),
    "qr": (lambda p: lambda a: p(a, mode="reduced"), (sample(4, 3),)),
    "pinv": (lambda p: lambda a: p(a, rcond=1e-12, hermitian=False), (sample(4, 3),)),
    "lstsq": (lambda p: lambda a, b: p(a, b, rcond=None)[:2], (sample(4, 3), sample(4, 2))),
    "fft": (lambda p: lambda x: p(x, axis=-1, norm="ortho"), (sample(2, 3) + 1j * sample(2, 3),)),
    "ifft": (lambda p: lambda x: p(x, axis=-2, norm="forward"), (sample(2, 3) + 0j,)),
    "rfft": (lambda p: lambda x: p(x, axis=-1, norm="backward"), (sample(2, 5),)),
    "irfft": (
        lambda p: lambda x: p(x, axis=-1, n=4, norm="backward"),
        (sample(2, 3) + 1j * sample(2, 3),),
    ),
    "convolve": (lambda p: lambda x, v: p(x, v, mode="same"), (sample(5), sample(3))),
    "correlate": (lambda p: lambda x, v: p(x, v, mode="same"), (sample(2), sample(5))),
    "ldexp": (lambda p: lambda x: p(x, np.array([1, -2, 3])), (sample(3),)),
}


def _has_sample(row: Primitive) -> bool:
    return row.name in calls or (
        row.structure == "elementwise" and row.ufunc is not None and row.name != "ldexp"
    )


def _case(row: Primitive) -> Any:
    if row.name in calls:
        make, args = calls[row.name]
        return checking.Case(row.name, make(row), args)
    domains = row.domain or ((-2.0, 2.0),)
    spread = [domains[min(i, len(domains) - 1)] for i in range(len(row.terms))]
    args = tuple([sample(3, 4, low=low, high=high) for low, high in spread])
    return checking.Case(row.name, row.__call__, args)


checked = [row for row in rows if _has_sample(row)]
names = [row.name for row in checked]


@pytest.mark.parametrize("row", checked, ids=names)
def test_values_and_derivatives(row: Primitive, rng: np.random.Generator) -> None:
    checking.check(_case(row), rng)


@pytest.mark.parametrize(
    "row", [r for r in checked if r.structure == "elementwise" and r.name not in calls]
)
@pytest.mark.parametrize("shape", [(), (1,), (0, 3)])
def test_small_shapes(row: Primitive, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    args = tuple([np.full(shape, a.reshape(-1)[0]) for a in _case(row).args])
    checking.check(checking.Case(row.name, row.__call__, args), rng)


_third = checked if os.environ.get("ADJOINT_ALL_CASES") else checked[::2]


@pytest.mark.parametrize("row", _third, ids=lambda row: row.name)
def test_third_derivatives(row: Primitive) -> None:
    """Rules are differentiated twice more, in all eight orders of the two modes."""
    case = _case(row)

    def f(*xs: Any) -> Any:
        if row.structure in ("linear", "multilinear"):
            xs = tuple([np.sin(x) if x.dtype.kind in "fc" else x for x in xs])
        return case.f(*xs)

    small = row.structure == "elementwise" and row.name not in calls
    args = tuple([a.reshape(-1)[:2] for a in case.args]) if small else case.args
    with np.errstate(all="ignore"):
        ad.check_grads(f, args, order=3)


def test_how_many_rows_are_checked() -> None:
    print(f"{len(checked)} of {len(rows)} rows are checked here")
    assert len(checked) >= 89
    assert set(calls) <= set(by_name)
    assert len(set(by_name)) == len(rows)


# Calls of plain functions and of solvers: their rules are in the calls themselves.
NO_GRAPH = {"custom_call", "callback", "pull_callback", "linear_callback", "implicit", "ivp"}


# Without a slope, and recorded all the same: what its jump leaves is found in graphs.
JUMPS = {"abs_slope"}


@pytest.mark.parametrize("row", rows, ids=lambda row: row.name)
def test_every_row_is_complete(row: Primitive) -> None:
    if row.structure == "elementwise" and row.name not in JUMPS:
        assert row.terms
        assert any(term is not None for term in row.terms)
    elif row.structure in ("linear", "multilinear"):
        assert row.transpose is not None
    elif row.structure == "special":
        assert row.jvp is not None
        assert row.reason
    elif row.structure == "control":
        rules = {**linearize.control_jvps, **transpose.control_transposes}
        assert row.name in rules or row.name in NO_GRAPH
    if row.linear_in and row.structure != "elementwise":
        assert row.transpose is not None
    assert row.stretches or row.name in batch.rules or row.name in NO_GRAPH


def _scaled(rule: Callable[..., Any]) -> Callable[..., Any]:
    def off(*args: Any, **options: Any) -> Any:
        made = rule(*args, **options)
        if isinstance(made, tuple):
            return tuple(None if x is None else x * 1.001 for x in made)
        return made * 1.001

    return off


def forget() -> None:
    """Let go of all derivatives that were made before."""
    tape._programs.clear()
    stitch._linears.clear()


@pytest.fixture
def fresh_programs() -> Iterator[None]:
    forget()
    yield
    forget()


def _planted(row: Primitive) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for i, term in enumerate(row.terms):
        if term is not None:
            found.append(("terms", (*row.terms[:i], _scaled(term), *row.terms[i + 1 :])))
    if row.jvp is not None:
        found.append(("jvp", _scaled(row.jvp)))
    if row.transpose is not None and row.structure != "elementwise" and row.name != "solve":
        found.append(("transpose", _scaled(row.transpose)))
    return found


@pytest.mark.usefixtures("fresh_programs")
@pytest.mark.parametrize("row", checked, ids=names)
def test_a_rule_that_is_a_thousandth_off_is_caught(
    row: Primitive, rng: np.random.Generator
) -> None:
    case = _case(row)._replace(skip=frozenset(("vmap", "jit", "second", "bits")))
    planted = _planted(row)
    assert planted
    for name, rule in planted:
        right = getattr(row, name)
        object.__setattr__(row, name, rule)
        try:
            forget()
            with pytest.raises(AssertionError):
                checking.check(case, rng)
        finally:
            object.__setattr__(row, name, right)


def test_where_is_safe_against_the_branch_not_taken() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.where(x > 0, np.sqrt(np.where(x > 0, x, 1)) + np.log(np.abs(x)), 0.0))

    x = np.array([4.0, 0.0, -1.0])
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(ad.grad(f)(x), [0.5, 0.0, 0.0])
