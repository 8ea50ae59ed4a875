"""The function transforms: everything a user calls to get a derivative."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api.asked import (
    Argnums,
    described,
    function_wanted,
    is_real_number,
    not_scalar,
    positions,
)
from adjoint.api.taped import Run
from adjoint.errors import StructureError
from adjoint.graph.source import source_here
from adjoint.graph.types import ArrayType, type_of
from adjoint.trace.record import argument_payload
from adjoint.trace.recorder import TracedCore


def value_and_grad(
    f: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    memory_budget: int | str | None = None,
) -> Callable[..., Any]:
    """The function that gives f's value and its gradient.

    ``value_and_grad(f)(x) = (f(x), df/dx)``. Python decides on values while f runs.

    Args:
        f: returns one real number (and anything else beside it, with ``has_aux``).
        argnums: which positional arguments to differentiate; each may be a tree of
            floating or complex arrays and numbers.
        has_aux: f returns ``(value, aux)``; the result is then ``((value, aux), gradient)``.
        memory_budget: bytes, or text such as ``"200MB"``, that the call may use beside its
            arguments. Parts of f are then computed twice, as few as will do. f is recorded
            first, as by ``jit``, so that the plan can be made.

    Returns:
        A function of the same arguments. The gradient has the structure, shapes and dtypes
        of the argument; it is a tuple of gradients if argnums is one. For complex arguments
        it is ``df/dx - i df/dy`` (docs/conventions.md).

    Raises:
        NonScalarOutputError: f returned something else than one real number.
        DTypeError: an argument is integer or boolean.

    >>> import numpy as np
    >>> value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """
    return with_gradient(f, argnums, has_aux, memory_budget, "value_and_grad")


def with_gradient(
    f: Callable[..., Any],
    argnums: Argnums,
    has_aux: bool,
    memory_budget: int | str | None,
    name: str,
) -> Callable[..., Any]:
    """:func:`value_and_grad` for the sake of the public function of this name."""
    function_wanted(f, name)
    if memory_budget is not None:
        from adjoint.api.budget import within_budget

        return within_budget(f, argnums, has_aux, memory_budget)

    @functools.wraps(f)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        places = positions(argnums, len(args), name)
        run = Run(f, args, kwargs, places, name, has_aux)
        if len(run.result) != 1 or not is_real_number(run.result[0]):
            raise not_scalar(f, run.result, name)
        value = run.result[0]
        one = _one(_dtype(value))
        gradients = run.gather(run.tape.pull([one]))
        gradient = gradients[0] if isinstance(argnums, int) else tuple(gradients)
        return ((value, run.aux) if has_aux else value), gradient

    return transformed


@functools.lru_cache(maxsize=16)
def _one(dtype: np.dtype[Any]) -> Any:
    return np.ones((), dtype)[()]


def _dtype(x: Any) -> np.dtype[Any]:
    dtype = x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype
    return dtype if dtype.kind == "f" else np.dtype(float)


def grad(
    f: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    memory_budget: int | str | None = None,
) -> Callable[..., Any]:
    """The gradient of f: see :func:`value_and_grad`.

    With ``has_aux=True`` the result is ``(gradient, aux)``.

    >>> import numpy as np
    >>> grad(np.tanh)(0.0)
    1.0
    >>> grad(grad(lambda x: x**3))(2.0)
    12.0
    """
    return without_value(with_gradient(f, argnums, has_aux, memory_budget, "grad"), has_aux)


def without_value(both: Callable[..., Any], has_aux: bool = False) -> Callable[..., Any]:
    """The gradient alone (and what f gave beside its value), of what gives the value too."""

    @functools.wraps(both)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return transformed


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of f and its pullback.

    ``pullback(out_bar) = out_bar^T J``, one cotangent for each primal.

    Args:
        f: any function of trees.
        primals: its arguments, floating or complex.
        has_aux: f returns ``(out, aux)``; the result is then ``(out, pullback, aux)``.

    Returns:
        ``(out, pullback)``; pullback takes a tree like out and returns a tuple.

    >>> import numpy as np
    >>> out, pullback = vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> pullback(1.0)
    (3.0, 2.0)
    """
    function_wanted(f, "vjp")
    run = Run(f, primals, {}, tuple(range(len(primals))), "vjp", has_aux)
    types = [type_of(x) for x in run.result]

    def pullback(out_bar: Any) -> tuple[Any, ...]:
        bars, structure = tree.flatten(out_bar)
        tree.check_same(run.structure, structure, "vjp")
        fitted = [_fit(bar, kind, "vjp") for bar, kind in zip(bars, types, strict=True)]
        return tuple(run.gather(run.tape.pull(fitted)))

    return (run.value(), pullback, run.aux) if has_aux else (run.value(), pullback)


def _fit(x: Any, kind: ArrayType, function: str) -> Any:
    """A tangent or cotangent, with the type of what it belongs to."""
    if not kind.is_differentiable:
        return x
    if isinstance(x, TracedCore):
        value: Any = x
    else:
        value = np.asarray(x)
    if value.shape != kind.shape:
        raise StructureError(
            "a tangent or cotangent has another shape than the value it belongs to",
            function=function,
            got=str(value.shape),
            wanted=str(kind.shape),
        )
    if value.dtype.kind == "c" and kind.dtype.kind != "c":
        raise StructureError(
            "a complex tangent or cotangent for a real value",
            function=function,
            got=str(value.dtype),
            wanted=str(kind.dtype),
            remedy="take its real part",
        )
    return value if value.dtype == kind.dtype else value.astype(kind.dtype)


def jvp(
    f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> tuple[Any, ...]:
    """The value of f and its derivative along a direction: ``(f(x), J x_dot)``.

    Args:
        f: any function of trees.
        primals: its arguments.
        tangents: the direction, like the primals.
        has_aux: f returns ``(out, aux)``; the result is then ``(out, out_dot, aux)``.

    >>> jvp(lambda x: x * x, (3.0,), (1.0,))
    (np.float64(9.0), np.float64(6.0))
    """
    for given, what in ((primals, "primals"), (tangents, "tangents")):
        if not isinstance(given, tuple | list):
            raise StructureError(
                f"{what} must be a tuple, with one entry for each argument of f",
                function="jvp",
                source=source_here(),
                got=described(given),
                remedy=f"for one argument write ({what[:-1]},)",
            )
    out, pushforward, aux = _linearize(f, primals, "jvp", has_aux)
    out_dot = pushforward(*tangents)
    return (out, out_dot, aux) if has_aux else (out, out_dot)


def derivative_along(f: Callable[..., Any], x: Any, x_dot: Any, name: str) -> Any:
    """The derivative of a function of one argument, for the sake of the function of this name."""
    return _linearize(f, (x,), name, has_aux=False)[1](x_dot)


def linearize(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of f and its pushforward, which may be called many times.

    >>> out, pushforward = linearize(lambda x: x * x, 3.0)
    >>> pushforward(1.0), pushforward(10.0)
    (np.float64(6.0), np.float64(60.0))
    """
    out, pushforward, _ = _linearize(f, primals, "linearize", has_aux=False)
    return out, pushforward


def _linearize(
    f: Callable[..., Any], primals: Sequence[Any], name: str, has_aux: bool
) -> tuple[Any, Callable[..., Any], Any]:
    function_wanted(f, name)
    run = Run(f, primals, {}, tuple(range(len(primals))), name, has_aux)
    types = [type_of(argument_payload(x, name)[0]) for x in run.leaves]

    def pushforward(*tangents: Any) -> Any:
        if len(tangents) != len(run.trees):
            raise StructureError(
                "there must be one tangent for each primal",
                function=name,
                got=str(len(tangents)),
                wanted=str(len(run.trees)),
            )
        leaves: list[Any] = []
        for tangent, (structure, _) in zip(tangents, run.trees, strict=True):
            found, other = tree.flatten(tangent)
            tree.check_same(structure, other, name)
            leaves += found
        fitted = [_fit(x, kind, name) for x, kind in zip(leaves, types, strict=True)]
        pushed = run.tape.push(fitted)
        dots = [
            _zero(value) if dot is None else _fresh(dot)
            for value, dot in zip(run.result, pushed, strict=True)
        ]
        return tree.unflatten(run.structure, dots)

    return run.value(), pushforward, run.aux


def _zero(value: Any) -> Any:
    kind = type_of(value)
    return np.zeros(kind.shape, kind.dtype if kind.is_differentiable else float)[()]


def _fresh(x: Any) -> Any:
    return x.copy() if type(x) is np.ndarray and not x.flags.writeable else x


def stop_gradient(x: Any) -> Any:
    """The same value, with derivative zero.

    Outside jit it is a plain array, so ``float(stop_gradient(x))`` may be used for decisions.

    >>> grad(lambda x: x * stop_gradient(x))(3.0)
    3.0
    """
    from adjoint.primitives.choose import stop_gradient as primitive

    return tree.tree_map(lambda leaf: primitive(leaf) if hasattr(leaf, "dtype") else leaf, x)
