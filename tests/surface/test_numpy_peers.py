"""The same functions in JAX and PyTorch: the same values and the same gradients.

Cases of the table are run with ``jax.numpy`` in the place of ``numpy``. What JAX does not have, or
does otherwise by design, is passed over; where the two disagree, ``DISAGREE`` says who is right
and why, and docs/conventions.md says it to users. Every eighth case by default, all with
ADJOINT_ALL_CASES=1.
"""

import importlib.util
import os
import warnings
from pathlib import Path
from types import FunctionType
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
close, leaves = table.checking.close, table.checking.leaves

STRIDE = 1 if os.environ.get("ADJOINT_ALL_CASES") else 8

DISAGREE = {
    "arccosh complex": "JAX takes the root of z*z - 1, which is another branch where Re z < 0",
    "unique": "JAX gives 0; the elements found move with the array",
    **dict.fromkeys(
        ["eigvalsh", "eigvalsh complex", "eigh", "eigh upper", "eigh complex", "cholesky as read"],
        "JAX spreads the slope over both triangles, NumPy reads one",
    ),
    **dict.fromkeys(["pinv as read", "svd hermitian"], "as eigh, with hermitian=True"),
    "pinv cutoffs": "JAX's slope is that of full rank; differences agree with ours",
    "polyfit": "JAX gives NaN at x = 0, where a power of 0 has a slope",
    "partition": "any order within the parts is right, and JAX has another",
}


def in_jax(f: Any, jnp: Any) -> Any:
    """The function with jax.numpy in NumPy's place; LookupError where JAX has none."""
    if not isinstance(f, FunctionType) or f.__module__ != "numpy_table":
        for own, other in ((np.linalg, jnp.linalg), (np.fft, jnp.fft), (np, jnp)):
            if getattr(own, f.__name__, None) is f:
                return getattr(other, f.__name__)
        raise LookupError(f)
    spaces = {id(np): jnp, id(np.linalg): jnp.linalg}
    names = {k: spaces.get(id(v), v) for k, v in f.__globals__.items()}

    def seen(v: Any) -> Any:
        callable_of_numpy = callable(v) and getattr(v, "__module__", "").startswith("numpy")
        return in_jax(v, jnp) if callable_of_numpy or isinstance(v, np.ufunc) else v

    defaults = tuple(map(seen, f.__defaults__ or ()))
    return FunctionType(f.__code__, names, f.__name__, defaults, f.__closure__)


def in_jax_at(case: Any, jax: Any) -> tuple[Any, Any] | None:
    """Value and pullback there; None where JAX cannot do it."""
    try:
        args = [jax.numpy.asarray(a) for a in case.args]
        return jax.vjp(in_jax(case.f, jax.numpy), *args)  # type: ignore[no-any-return]
    except Exception:  # whatever JAX refuses is no oracle
        return None


def test_jax_gives_the_same(rng: np.random.Generator) -> None:
    jax = pytest.importorskip("jax")
    agreed, disagreed = 0, {}
    with jax.enable_x64(True), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in table.cases[int(rng.integers(STRIDE)) :: STRIDE]:
            theirs = in_jax_at(case, jax)
            if theirs is None:
                continue
            out, pull = theirs
            values, shape = jax.tree_util.tree_flatten(out)
            mine, my_pull = ad.vjp(case.f, *case.args)
            if any(np.asarray(v).dtype.kind not in "fc" for v in values) or len(values) != len(
                leaves(mine)
            ):
                continue
            bar = table.checking.random_like(rng, mine)
            bars = [
                jax.numpy.asarray(b, dtype=v.dtype)
                for b, v in zip(leaves(bar), values, strict=True)
            ]
            back = pull(jax.tree_util.tree_unflatten(shape, bars))
            try:
                close(leaves(mine), [np.asarray(v) for v in values], 1e-8, case.name)
                close(leaves(my_pull(bar)), [np.asarray(v) for v in back], 1e-6, case.name)
                agreed += 1
            except AssertionError as error:
                disagreed[case.name] = str(error)
    assert set(disagreed) <= set(DISAGREE), disagreed
    assert agreed >= 480 // STRIDE, agreed


UNARY = [
    "abs", "sqrt", "exp", "expm1", "log", "log1p", "sin", "cos",
    "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "arcsinh",
    "arccosh", "arctanh", "square", "reciprocal", "sign", "floor", "ceil", "exp2",
    "log2", "log10", "sinc", "deg2rad", "rad2deg",
]  # fmt: skip
BINARY = [
    "add", "subtract", "multiply", "true_divide", "arctan2", "hypot", "maximum", "minimum",
    "fmax", "fmin", "logaddexp", "power", "copysign", "float_power", "remainder",
]  # fmt: skip
POINTS = np.array([-2.5, -1.0, -0.3, -0.0, 0.0, 0.4, 1.0, 2.0])
# Where PyTorch gives something else, and docs/conventions.md says why ours is as it is.
BY_CONVENTION = {
    "hypot": lambda x, y: (x == 0) & (y == 0),  # NaN in PyTorch: 0 as for norm
    "arctan2": lambda x, y: (x == 0) & (y == 0),
    "fmax": lambda x, y: x == y,  # all to the first in PyTorch: half to each, as for maximum
    "fmin": lambda x, y: x == y,
}


def slopes_in_torch(torch: Any, name: str, *points: Any) -> Any:
    xs = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in points]
    out = getattr(torch, name)(*xs)
    return [x.grad.numpy() for x in xs] if out.sum().backward() is None else None


def differ(a: Any, b: Any) -> Any:
    return ~(np.isclose(a, b, rtol=1e-9, atol=1e-12) | (np.isnan(a) & np.isnan(b)))


@pytest.mark.parametrize("name", UNARY)
def test_pytorch_agrees_at_all_points(name: str) -> None:
    torch = pytest.importorskip("torch")
    if not hasattr(torch, name):
        pytest.skip(f"torch.{name} does not exist")
    (theirs,) = slopes_in_torch(torch, name, POINTS)
    with np.errstate(all="ignore"):
        ours = ad.grad(lambda x: np.sum(getattr(np, name)(x)))(POINTS)
        defined = np.isfinite(getattr(np, name)(POINTS))
    assert not np.any(differ(ours, theirs) & defined), (POINTS, ours, theirs)


@pytest.mark.parametrize("name", BINARY)
def test_pytorch_agrees_at_all_pairs(name: str) -> None:
    torch = pytest.importorskip("torch")
    if not hasattr(torch, name):
        pytest.skip(f"torch.{name} does not exist")
    x, y = (p.reshape(-1).copy() for p in np.meshgrid(POINTS, POINTS))
    theirs = slopes_in_torch(torch, name, x, y)
    with np.errstate(all="ignore"):
        f = getattr(np, name)
        ours = ad.grad(lambda x, y: np.sum(f(x, y)), argnums=(0, 1))(x, y)
        defined = np.isfinite(f(x, y))
    wrong = (differ(ours[0], theirs[0]) | differ(ours[1], theirs[1])) & defined
    chosen = BY_CONVENTION.get(name, lambda x, y: x != x)(x, y)
    assert not np.any(wrong & ~chosen), (x[wrong], y[wrong], ours, theirs)
    assert np.any(wrong) == (name in BY_CONVENTION and bool(np.any(wrong & chosen)))
