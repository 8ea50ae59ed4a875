"""scipy.optimize on stand-in arrays: its test functions; its solvers are refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.errors import UnsupportedError
from adjoint.graph.source import source_here
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.scipy_gate import holds_traced, scipy_rule


@scipy_rule("scipy.optimize.rosen")
def rosen(x: Any) -> Any:
    """Rosenbrock's function."""
    x = floating(x)
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2.0) ** 2.0 + (1 - x[:-1]) ** 2.0, axis=0)


@scipy_rule("scipy.optimize.rosen_der")
def rosen_der(x: Any) -> Any:
    """Its gradient."""
    x = floating(x)
    first, second = x[:-1], x[1:]
    rise = -400 * first * (second - first**2) - 2 * (1 - first)
    zero = np.zeros_like(x[:1])
    return np.concatenate([rise, zero]) + np.concatenate([zero, 200 * (second - first**2)])


# *** solvers: they need values, and their results' derivatives are implicit ***

_REMEDIES = {
    "ad.root(f, x0, *args)": (
        "brentq", "brenth", "bisect", "ridder", "toms748", "newton", "root", "root_scalar",
        "fsolve",
    ),
    "ad.fixed_point(f, x0, *args)": ("fixed_point",),
    "ad.minimize for the minimum itself, and ad.root of the gradient for how it moves": (
        "minimize", "minimize_scalar", "least_squares", "curve_fit",
    ),
}  # fmt: skip


def _refused(name: str, remedy: str) -> None:
    def gives_recorded(f: Any, *args: Any, **kwargs: Any) -> bool:
        if not callable(f):
            return False
        extra = kwargs.get("args", ())
        start = kwargs.get("x0", kwargs.get("bracket"))
        if start is None:
            start = next((a for a in args if a is not None and not callable(a)), 1.0)
        if name in ("root_scalar", "minimize_scalar"):
            start = np.ravel(start)[0] if np.size(start) else 1.0
        try:
            return holds_traced([f(start, *(extra if isinstance(extra, tuple) else (extra,)))])
        except (TypeError, ValueError, IndexError):
            return False  # SciPy calls it in another way, and will say so itself

    @scipy_rule(f"scipy.optimize.{name}", wanted=gives_recorded)
    def rule(*_: Any, **__: Any) -> Any:
        raise UnsupportedError(
            f"scipy.optimize.{name} cannot be recorded: its result is defined by an equation",
            function=f"scipy.optimize.{name}",
            source=source_here(),
            remedy=f"use {remedy}",
        )


for _remedy, _names in _REMEDIES.items():
    for _name in _names:
        _refused(_name, _remedy)
