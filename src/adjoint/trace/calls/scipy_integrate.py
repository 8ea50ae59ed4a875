"""scipy.integrate on stand-in arrays: integrals of samples."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.errors import AdjointError, ConcreteValueError
from adjoint.graph.source import is_hidden
from adjoint.graph.types import ArrayType
from adjoint.trace.borrow_scipy import borrow_names, is_unknown
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.scipy_values import valued_rule
from adjoint.trace.held_makers import is_set
from adjoint.trace.indexing import known_parts
from adjoint.trace.record import Recording, record_graph
from adjoint.trace.scipy_gate import holds_traced, scipy_rule
from adjoint.trace.without_rule import refusing

refused = refusing("scipy.integrate")


# *** integrals of samples ***


@scipy_rule("scipy.integrate.trapezoid")
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """By trapezia."""
    return np.trapezoid(floating(y), x, dx, axis)


def _spacing(y: Any, x: Any, dx: Any, axis: int) -> tuple[Any, Any]:
    """The samples with the axis last, and the steps between them."""
    y = np.moveaxis(floating(y), axis, -1)
    if x is None:
        return y, dx + np.zeros(y.shape[-1] - 1, y.dtype)
    x = floating(x)
    return y, np.diff(x if x.ndim == 1 else np.moveaxis(x, axis, -1), axis=-1)


def _safe(top: Any, bottom: Any) -> Any:
    zero = bottom == 0
    return np.where(zero, 0, top / np.where(zero, 1, bottom))


@valued_rule("scipy.integrate.simpson")
def simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    """By parabolas; with an even number of samples the last interval by Cartwright's formula."""
    y, h = _spacing(y, x, dx, axis)
    n = y.shape[-1]
    if n == 2:
        return 0.5 * h[..., 0] * (y[..., 0] + y[..., 1])
    odd = n if n % 2 else n - 1
    a, b = h[..., 0 : odd - 1 : 2], h[..., 1 : odd - 1 : 2]
    left, middle, right = y[..., 0 : odd - 2 : 2], y[..., 1:odd:2], y[..., 2:odd:2]
    total = a + b
    ratio = _safe(a, b)
    parts = total / 6 * (
        left * (2 - _safe(1, ratio)) + middle * (total * _safe(total, a * b)) + right * (2 - ratio)
    )  # fmt: skip
    value = np.sum(parts, axis=-1)
    if n % 2 == 0:
        import scipy.integrate

        kind = scipy.integrate.simpson(np.ones(4, value.dtype)).dtype
        y, value = y.astype(kind), value.astype(kind)
        a, b = h[..., -2], h[..., -1]
        alpha = _safe(2 * b**2 + 3 * a * b, 6 * (a + b))
        beta = _safe(b**2 + 3 * a * b, 6 * a)
        eta = _safe(b**3, 6 * a * (a + b))
        value = value + alpha * y[..., -1] + beta * y[..., -2] - eta * y[..., -3]
    return value


@scipy_rule("scipy.integrate.cumulative_trapezoid")
def cumulative_trapezoid(
    y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None
) -> Any:
    """Running sums of trapezia."""
    y, h = _spacing(y, x, dx, axis)
    sums = np.cumsum(h * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)
    if initial is not None:
        start = np.zeros_like(y[..., :1]) + initial
        sums = np.concatenate([start, sums], axis=-1)
    return np.moveaxis(sums, -1, axis)


borrow_names("scipy.integrate", "cumulative_simpson")


@scipy_rule("scipy.integrate.romb")
def romb(y: Any, dx: Any = 1.0, axis: int = -1, show: bool = False) -> Any:
    """Romberg's sums, which are linear in the samples."""
    import scipy.integrate

    y = np.moveaxis(floating(y), axis, -1)
    return (y @ scipy.integrate.romb(np.eye(y.shape[-1]), dx=1.0, axis=-1)) * dx


@scipy_rule("scipy.integrate.fixed_quad", wanted=lambda func, a, b, args=(), n=5: yields(func, a))
def fixed_quad(func: Any, a: Any, b: Any, args: Any = (), n: int = 5) -> Any:
    """By Gauss points, on which the function is called once."""
    points, weights = np.polynomial.legendre.leggauss(n)
    y = (b - a) * (points + 1) / 2.0 + a
    return (b - a) / 2.0 * np.sum(weights * func(y, *args), axis=-1), None


def tuple_of(args: Any) -> tuple[Any, ...]:
    """SciPy's ``args``: one value may stand for a tuple of it."""
    return args if isinstance(args, tuple) else (args,)


def settled(function: str, **settings: Any) -> dict[str, Any]:
    """The settings that are given, as plain ones: errors that are allowed have no derivative."""
    made = {name: value for name, value in settings.items() if value is not None}
    for name, value in made.items():
        if not holds_traced([value]):
            continue
        if is_unknown(value):
            raise refused(function, f"{name} that is not known, inside jit or vmap,", "a number")
        made[name] = known_parts(value)
        if isinstance(made[name], np.ndarray):
            made[name] = made[name][()]
    return made


def yields(func: Any, *arguments: Any) -> bool:
    """Whether a function gives recorded values for plain arguments."""
    if not callable(func):
        return False
    if holds_traced(held_by(func)):  # it may give plain ones here, and recorded ones elsewhere
        return True
    try:
        return holds_traced([func(*arguments)])
    except ConcreteValueError:
        return True
    except AdjointError:
        raise
    except Exception:  # SciPy may give it other arguments, and says what is wrong with them
        return False


_NONE = yields.__code__  # of what has no code: it holds nothing


def held_by(func: Any) -> list[Any]:
    """What a function of the user's has at hand beside its arguments."""
    if isinstance(func, partial):
        return [*func.args, *func.keywords.values(), *held_by(func.func)]
    if is_hidden(getattr(func, "__code__", _NONE)):  # ours give numbers to compiled code
        return []
    cells = [
        cell.cell_contents for cell in getattr(func, "__closure__", None) or () if is_set(cell)
    ]
    return [*cells, *(getattr(func, "__defaults__", None) or ())]


def recorded(function: Callable[..., Any], types: list[ArrayType], name: str) -> Recording:
    """A function of numbers, recorded once."""
    return record_graph(function, types, tree.structure((0.0,) * len(types)), name)
