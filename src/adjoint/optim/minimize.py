"""Minimise a function with SciPy's methods and exact derivatives, or a sum of squares.

The unknowns may be a tree of arrays; SciPy sees one vector, and the result comes back as a tree.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api import grad, hessian, jacobian, jit, jvp
from adjoint.api.constrained import conditions, constrained_minimum, within
from adjoint.api.gradients import with_gradient
from adjoint.api.solutions import (
    checked,
    least_squares_minimum,
    limits_of,
    minimum,
    yields_recorded,
)
from adjoint.errors import ConcreteValueError, StructureError
from adjoint.optim import least_squares
from adjoint.trace.record import argument_payload
from adjoint.trace.scipy_gate import holds_traced
from adjoint.trace.session import is_recording

Array = np.ndarray[Any, Any]

# What each method of SciPy's wants beside the gradient.
_PLAIN = ("nelder-mead", "powell", "cobyla", "cobyqa")
_FIRST = ("cg", "bfgs", "l-bfgs-b", "tnc", "slsqp")
_PRODUCT = ("newton-cg", "trust-ncg", "trust-krylov", "trust-constr")
_SECOND = ("dogleg", "trust-exact")
_SQUARES = ("gauss-newton", "levenberg-marquardt")
_ALIASES = {
    "l-bfgs": "l-bfgs-b",
    "lbfgs": "l-bfgs-b",
    "conjugate-gradient": "cg",
    "lm": "levenberg-marquardt",
}


class Vector:
    """A tree of real arrays seen as one float64 vector.

    Args:
        example: a tree of the structure, shapes and dtypes wanted.
    """

    def __init__(self, example: Any) -> None:
        leaves, self.structure = tree.flatten(example)
        self.kinds: list[tuple[tuple[int, ...], Any, type]] = []
        for leaf in leaves:
            array, _ = argument_payload(leaf, "minimize")
            if array.dtype.kind != "f":
                raise StructureError(
                    "the unknowns must be real floating-point numbers",
                    function="minimize",
                    got=f"an array of {array.dtype}",
                    remedy="start from floats, for example x0 = np.array([1.0, 2.0])",
                )
            self.kinds.append((array.shape, array.dtype, type(leaf)))
        self.start = self.join(example)

    def join(self, values: Any) -> Array:
        """The vector of a tree of ndarrays."""
        parts = [np.asarray(leaf, np.float64).ravel() for leaf in tree.leaves(values)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def split(self, vector: Any) -> Any:
        """The tree of a vector, which may be a stand-in."""
        leaves: list[Any] = []
        at = 0
        for shape, dtype, kind in self.kinds:
            size = math.prod(shape)
            leaf = vector[at : at + size].reshape(shape)
            at += size
            leaf = leaf if dtype == np.float64 else leaf.astype(dtype)
            if type(leaf) is np.ndarray and not shape and kind is not np.ndarray:
                leaf = leaf.item() if kind is float else leaf[()]
            leaves.append(leaf)
        return tree.unflatten(self.structure, leaves)


def compiled(f: Callable[..., Any], wanted: bool | None) -> Callable[..., Any]:
    """F as native code; where that cannot be and nobody insists, f as it is.

    Args:
        f: the function.
        wanted: True insists, False refuses, None tries: a function that branches on values is
            run by Python.
    """
    if wanted is False:
        return f
    fast: Callable[..., Any] = jit(f)
    if wanted:
        return fast
    chosen: list[Callable[..., Any]] = []

    def call(*args: Any) -> Any:
        if not chosen:
            try:
                result = fast(*args)
            except ConcreteValueError:
                chosen.append(f)
            else:
                chosen.append(fast)
                return result
        return chosen[0](*args)

    return call


def minimize(
    f: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    *,
    method: str | None = None,
    bounds: Any = None,
    constraints: Mapping[str, Any] | Sequence[Mapping[str, Any]] = (),
    tol: float | None = None,
    options: Mapping[str, Any] | None = None,
    callback: Callable[[Any], Any] | None = None,
    native: bool | None = None,
) -> Any:
    """Find x that makes ``f(x, *args)`` least, near x0.

    Gradients, Hessians and products with them are worked out by differentiation.

    Args:
        f: returns one real number; for ``"gauss-newton"`` and ``"levenberg-marquardt"`` an
            array (or tree) of residuals r, and ``|r|^2 / 2`` is made least.
        x0: where to start: an array, a number, or a tree of them.
        args: further arguments of f.
        method: one of SciPy's (``"bfgs"``, ``"l-bfgs-b"``, ``"cg"`` (Polak-Ribiere),
            ``"newton-cg"``, ``"trust-ncg"``, ``"trust-krylov"``, ``"trust-exact"``,
            ``"trust-constr"``, ``"slsqp"``, ...), or one of the two for squares. By default
            BFGS, or what SciPy takes for bounds and constraints.
        bounds: pairs (low, high) in the order of the vector of all unknowns, as SciPy takes
            them.
        constraints: as SciPy's dicts; a constraint without ``"jac"`` is differentiated.
        tol: when to stop, as the method understands it.
        options: settings of the method, such as ``{"maxiter": 100}``.
        callback: called after each iteration with the unknowns, as a tree like x0.
        native: whether f is compiled; None compiles it if it can be.

    Returns:
        SciPy's OptimizeResult, in which ``x`` and ``jac`` have the structure of x0.

    >>> import adjoint as ad
    >>> rosenbrock = lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    >>> result = minimize(rosenbrock, np.array([-1.2, 1.0]), method="newton-cg")
    >>> bool(result.success), np.round(result.x, 4)
    (True, array([1., 1.]))
    """
    name = None if method is None else _ALIASES.get(method.lower(), method.lower())
    known = (*_PLAIN, *_FIRST, *_PRODUCT, *_SECOND, *_SQUARES)
    if name is not None and name not in known:
        raise StructureError(
            "unknown method",
            function="minimize",
            got=repr(method),
            wanted=f"one of {', '.join(known)}",
        )
    if is_recording() and holds_traced([*tree.leaves(x0), *tree.leaves(args)]):
        return _recorded(f, x0, args, name, bounds, constraints, tol, options)
    vector = Vector(x0)

    def objective(flat: Any) -> Any:
        return f(vector.split(flat), *args)

    functools.update_wrapper(objective, f, updated=())  # messages name f, and where it is
    if is_recording() and yields_recorded(objective, vector.start):
        return _recorded(f, x0, args, name, bounds, constraints, tol, options)
    told = None if callback is None else _teller(callback, vector)
    settings = dict(options or {})
    if name in _SQUARES:
        result = least_squares.solve(
            objective, vector.start, name, tol=tol, callback=told, native=native, **settings
        )
    else:
        result = _by_scipy(
            objective, vector.start, name, bounds, constraints, tol, settings, told, native
        )
    result.x = vector.split(np.asarray(result.x))
    if getattr(result, "jac", None) is not None and np.shape(result.jac) == vector.start.shape:
        result.jac = vector.split(np.asarray(result.jac))
    return result


def _recorded(
    f: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...],
    name: str | None,
    bounds: Any,
    constraints: Any,
    tol: float | None,
    options: Mapping[str, Any] | None,
) -> Any:
    """The minimum inside grad, jit or vmap: found by SciPy, differentiated by its equation."""
    from scipy import optimize

    leaves = tree.leaves(x0)
    vector = Vector(tree.tree_map(lambda x: np.zeros(np.shape(x), np.dtype(x.dtype))
                                  if holds_traced([x]) else x, x0))  # fmt: skip
    start: Any = vector.start
    if holds_traced(leaves):
        start = np.concatenate([np.ravel(x) for x in leaves]).astype(np.float64)
    pairs = None if bounds is None else [tuple(b) for b in bounds]

    def objective(flat: Any) -> Any:
        return f(vector.split(flat), *args)

    if constraints:
        several = constraints if isinstance(constraints, list | tuple) else [constraints]
        x = _held(objective, start, name, pairs, [_of_flat(c, vector) for c in several], tol)
        return optimize.OptimizeResult(x=vector.split(x), fun=objective(x), success=True, status=0)

    def solve(at: Any, low: Any, high: Any, value: Any, slope: Any) -> Any:
        if name in _SQUARES:
            return optimize.least_squares(value, at, slope, xtol=1e-12).x
        # The last step to the minimum is Newton's, so the way there need not be.
        chosen = None if name in (*_PRODUCT, *_SECOND) else name
        first = {} if chosen in _PLAIN else {"jac": slope}
        limits = None if pairs is None else optimize.Bounds(low, high)
        result = optimize.minimize(
            lambda v: float(value(v)), at, method=chosen, bounds=limits, tol=tol,
            options=dict(options or {}), **first,
        )  # fmt: skip
        settled = np.max(np.abs(slope(result.x)), initial=0.0) < 1e-3
        return result.x if settled else checked(result, "minimize")

    least = least_squares_minimum if name in _SQUARES else minimum
    low, high = limits_of(pairs, start.shape)
    x = least(objective, start, low, high, "minimize", solve)
    value = objective(x)
    if name in _SQUARES:
        value = 0.5 * np.sum(np.square(value))
    return optimize.OptimizeResult(x=vector.split(x), fun=value, success=True, status=0)


def _of_flat(constraint: Mapping[str, Any], vector: Vector) -> dict[str, Any]:
    """A constraint on the unknowns as one vector; its slope is taken here."""
    function = constraint["fun"]
    made = {k: v for k, v in constraint.items() if k != "jac"}
    return {**made, "fun": lambda flat, *rest: function(vector.split(flat), *rest)}


def _held(
    objective: Callable[[Any], Any], start: Any, name: str | None, pairs: Any, given: Any,
    tol: float | None,
) -> Any:  # fmt: skip
    """The minimum under constraints."""
    from scipy import optimize

    def solve(at: Any, value: Any, slope: Any, held: Any, limits: Any) -> Any:
        result = optimize.minimize(
            lambda v: float(value(v)), at, method=name, jac=slope, bounds=limits, constraints=held,
            tol=tol,
        )  # fmt: skip
        return checked(result, "minimize")

    every = [*conditions(given), *within(pairs, start)]
    return constrained_minimum(objective, start, every, "minimize", solve).x


def _teller(callback: Callable[[Any], Any], vector: Vector) -> Callable[..., Any]:
    def told(flat: Any, *_: Any) -> Any:
        return callback(vector.split(np.array(flat)))

    return told


def _by_scipy(
    objective: Callable[[Any], Any],
    start: Array,
    name: str | None,
    bounds: Any,
    constraints: Any,
    tol: float | None,
    options: dict[str, Any],
    callback: Callable[..., Any] | None,
    native: bool | None,
) -> Any:
    from scipy import optimize

    more: dict[str, Any] = {}
    if name in _PLAIN:
        function = compiled(objective, native)
    else:
        both = compiled(with_gradient(objective, 0, False, None, "minimize"), native)
        more["jac"] = True

        def function(x: Any) -> Any:
            value, slope = both(np.array(x))
            # L-BFGS-B hands the gradient to Fortran, which wants float64.
            return float(value), np.asarray(slope, np.float64)

    if name in _PRODUCT:
        slope = grad(objective)
        product = compiled(lambda x, v: jvp(slope, (x,), (v,))[1], native)
        more["hessp"] = lambda x, v: np.asarray(product(np.array(x), np.array(v)))
    elif name in _SECOND:
        more["hess"] = lambda x: np.asarray(hessian(objective)(np.array(x)))
    if constraints:
        each = [constraints] if isinstance(constraints, Mapping) else list(constraints)
        more["constraints"] = [_with_jacobian(dict(c)) for c in each]
    return optimize.minimize(
        lambda x: function(x) if name not in _PLAIN else float(function(np.array(x))),
        start,
        method=name,
        bounds=bounds,
        tol=tol,
        options=options,
        callback=callback,
        **more,
    )


def _with_jacobian(constraint: dict[str, Any]) -> dict[str, Any]:
    if "jac" not in constraint:
        fun = constraint["fun"]
        constraint["jac"] = lambda x, *args: np.asarray(jacobian(fun)(np.array(x), *args))
    return constraint
