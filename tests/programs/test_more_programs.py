"""Many more programs in plain NumPy: values to the bit, both modes, second order, jit, vmap."""

import importlib.util
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import ConcreteValueError
from adjoint.testing import inner, random_like

HERE = Path(__file__).parent
KINKED = {"black_scholes", "cordic", "chain", "phase_locked_loop"}


class Entry(NamedTuple):
    function: Any
    arguments: tuple[Any, ...]
    compiles: bool = True  # False: it decides on values in Python


def load(name: str) -> dict[str, Entry]:
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, Entry] = module.entries(Entry)
    return found


ENTRIES = {**load("physics"), **load("learning"), **load("science"), **load("idioms")}


def moved(args: Any, t: Any, h: float) -> Any:
    return ad.tree.tree_map(lambda a, d: a + h * d, args, t)


def difference(f: Any, args: Any, t: Any, h: float = 1e-3) -> Any:
    """Central differences at h and 2h, extrapolated."""

    def at(step: float) -> Any:
        up, down = f(*moved(args, t, step)), f(*moved(args, t, -step))
        return ad.tree.tree_map(lambda a, b: (a - b) / (2 * step), up, down)

    return ad.tree.tree_map(lambda a, b: (4 * a - b) / 3, at(h), at(2 * h))


def agree(got: Any, wanted: Any, rtol: float) -> None:
    for a, b in zip(ad.tree.leaves(got), ad.tree.leaves(wanted), strict=True):
        scale = max(1.0, float(np.max(np.abs(b), initial=0)))
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * scale)


def test_there_are_many() -> None:
    assert len(ENTRIES) == 69


@pytest.mark.parametrize("name", ENTRIES)
def test_values_and_derivatives(name: str, rng: np.random.Generator) -> None:
    f, args, _ = ENTRIES[name]
    every = tuple(range(len(args)))
    value, gradient = ad.value_and_grad(f, argnums=every)(*args)
    assert value == f(*args)
    t = random_like(args, rng)
    _, dot = ad.jvp(f, args, t)
    assert inner(gradient, t) == pytest.approx(dot, rel=1e-9, abs=1e-11)
    h = 1e-5 if name in KINKED else 1e-3
    agree(dot, difference(f, args, t, h), 1e-6)

    def slope(*xs: Any) -> Any:
        return ad.grad(f, argnums=every)(*xs)

    _, forward = ad.jvp(slope, args, t)
    agree(forward, difference(slope, args, t, h), 3e-5)
    _, pull = ad.vjp(slope, *args)
    u = random_like(args, rng)
    assert inner(forward, u) == pytest.approx(inner(pull(u), t), rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if entry.compiles])
def test_compiled_and_batched(name: str) -> None:
    f, args, _ = ENTRIES[name]
    both = ad.value_and_grad(f, argnums=tuple(range(len(args))))
    value, gradient = both(*args)
    compiled_value, compiled = ad.jit(both)(*args)
    agree(compiled_value, value, 1e-11)
    agree(compiled, gradient, 1e-9)
    rows = [ad.tree.tree_map(lambda a, k=k: np.asarray(a) * (1 + 0.01 * k), args) for k in (0, 1)]
    stacked = ad.tree.tree_map(lambda *parts: np.stack(parts), *rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        agree(ad.vmap(f)(*stacked), np.array([f(*row) for row in rows]), 1e-10)


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if not entry.compiles])
def test_decisions_on_values_are_refused_by_jit_with_the_line(name: str) -> None:
    f, args, _ = ENTRIES[name]
    with pytest.raises(ConcreteValueError, match=r"(learning|idioms)\.py"):
        ad.jit(f)(*args)
