"""Values defined by equations, differentiated by the implicit function theorem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.differentiate.implicit import jacobian_graph
from adjoint.errors import DTypeError, StructureError, UnsupportedError
from adjoint.graph.graph import Graph
from adjoint.graph.source import source_here
from adjoint.graph.types import type_of
from adjoint.primitives.implicit import implicit
from adjoint.trace.record import argument_payload, record_graph


def root(
    f: Callable[..., Any],
    x0: Any,
    *args: Any,
    tol: float | None = None,
    max_iterations: int = 100,
) -> Any:
    """The x near x0 with ``f(x, *args) = 0``, by Newton's method.

    Its derivatives are the exact ones of the solution, by the implicit function theorem, and
    do not depend on how it was found: ``x_dot = -(df/dx)^-1 df/da a_dot``, in every mode and
    order, for arguments and for arrays that f takes from outside.

    Args:
        f: takes x and the arguments, returns a tree like x. It is recorded, so decisions on
            values need ``np.where``, ``ad.cond`` or ``ad.while_loop``.
        x0: the first guess, a tree of real arrays; it has no influence on the derivative.
        args: what the solution depends on.
        tol: the last step, relative to ``1 + max|x|``; by default a few roundings.
        max_iterations: at most so many steps.

    Raises:
        ConvergenceError: the tolerance was not reached.

    >>> from adjoint import grad
    >>> cube_root = lambda a: root(lambda x, a: x**3 - a, 1.0, a)
    >>> round(cube_root(8.0), 12), round(grad(cube_root)(8.0), 12)
    (np.float64(2.0), 0.083333333333)
    """
    return solution_of(f, x0, args, "root", tol, max_iterations)


def fixed_point(
    f: Callable[..., Any],
    x0: Any,
    *args: Any,
    tol: float | None = None,
    max_iterations: int = 10_000,
) -> Any:
    """The x with ``x = f(x, *args)``, by repeating ``x = f(x, *args)`` from x0.

    Only the fixed point is differentiated, not the way to it: memory does not grow with the
    number of iterations, and reverse mode solves one linear system (recurrent
    backpropagation, deep equilibrium models).

    Args:
        f: takes x and the arguments, returns a tree like x; recorded as for :func:`root`.
        x0: the first guess, a tree of real arrays; it has no influence on the derivative.
        args: what the fixed point depends on.
        tol: the last change, relative to ``1 + max|x|``; by default a few roundings.
        max_iterations: at most so many.

    Raises:
        ConvergenceError: the tolerance was not reached.

    >>> from adjoint import grad
    >>> square_root = lambda a: fixed_point(lambda x, a: 0.5 * (x + a / x), 1.0, a)
    >>> round(grad(square_root)(4.0), 12)
    0.25
    """
    return solution_of(f, x0, args, "fixed_point", tol, max_iterations)


def solution_of(
    f: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...],
    name: str,
    tol: float | None,
    max_iterations: int,
    at: Any = None,
) -> Any:
    """The same for both; with ``at``, a plain x0, f takes the branches that it takes there."""
    guesses, of_unknowns = tree.flatten(x0)
    start = [_guess(x, name) for x in guesses]
    if not start:
        raise StructureError("there are no unknowns", function=name, source=source_here())
    leaves, of_args = tree.flatten(args)
    params = [argument_payload(x, name) for x in leaves]
    n = len(start)

    def residual(*xs: Any) -> Any:
        unknowns = tree.unflatten(of_unknowns, xs[:n])
        result = f(unknowns, *tree.unflatten(of_args, xs[n:]))
        values, structure = tree.flatten(result)
        tree.check_same(of_unknowns, structure, name)
        if name == "root":
            return values
        return [y - x for x, y in zip(xs[:n], values, strict=True)]

    types = [type_of(x) for x in start]
    kinds = types + [type_of(x) for x, _ in params]
    weak = [False] * n + [flag for _, flag in params]
    recording = record_graph(
        residual, kinds, tree.structure((0.0,) * len(kinds)), name, weak=weak, at=at
    )
    made = recording.graph
    wrong = [(a, b) for a, b in zip(types, made.output_types, strict=True) if a != b]
    if wrong:
        raise StructureError(
            "the function must return what it is given: the same shapes and dtypes as x0",
            function=name,
            source=source_here(),
            got=", ".join(str(b) for _, b in wrong),
            wanted=", ".join(str(a) for a, _ in wrong),
            remedy="give x0 the shape and dtype of the result",
        )
    # Parameters first: (arguments, what f takes from outside, unknowns).
    graph = Graph(made.inputs[n:] + made.inputs[:n], made.nodes, made.outputs)
    jacobian = jacobian_graph(graph, n) if name == "root" else None
    coarsest = max(float(np.finfo(t.dtype).eps) for t in types)
    results = implicit(
        *[x for x, _ in params],
        *recording.captured,
        *start,
        residual=graph,
        jacobian=jacobian,
        n_unknowns=n,
        tol=float(tol) if tol is not None else 32 * coarsest,
        max_iterations=max_iterations,
        batch=(),
        label=name,
    )
    return tree.unflatten(of_unknowns, results)


def _guess(x: Any, name: str) -> Any:
    payload, _ = argument_payload(x, name)
    kind = type_of(payload)
    if kind.dtype.kind == "c":
        raise UnsupportedError(
            "complex unknowns are not supported",
            function=name,
            source=source_here(),
            got=str(kind),
            remedy="solve for the real and the imaginary part, two real unknowns",
        )
    if kind.dtype.kind != "f":
        raise DTypeError(
            f"a first guess of the dtype {kind.dtype} cannot move",
            function=name,
            source=source_here(),
            got=str(kind),
            remedy="pass floats: 1.0 for 1, or x0.astype(float)",
        )
    return payload
