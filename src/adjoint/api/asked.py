"""What callers ask of a transformation: whether it can be done, and what to say if not."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Generator, Sequence
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.errors import DTypeError, NonScalarOutputError, StructureError
from adjoint.graph.source import Source, source_here
from adjoint.graph.types import type_of

Argnums = int | Sequence[int]


def function_wanted(f: Any, name: str) -> None:
    """Refuse what cannot be called: often the value of a function in place of the function."""
    if not callable(f):
        raise StructureError(
            f"{name} takes a function",
            function=name,
            source=source_here(),
            got=described(f),
            wanted="something that can be called",
            remedy="pass the function itself, without calling it: f, not f(x)",
        )


def described(x: Any) -> str:
    """Something that came, for a message: an array by its type, anything else by its kind.

    >>> described(np.ones(3)), described([1.0, 2.0]), described(None)
    ('f64[3]', 'a list', 'None')
    """
    if x is None:
        return "None"
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        return str(type_of(x))
    return f"a {type(x).__name__}"


def defined_at(f: Callable[..., Any]) -> Source | None:
    """Where a function was defined, for messages about its result."""
    code = getattr(inspect.unwrap(f), "__code__", None)
    return Source(code, 0) if code is not None else None


def positions(argnums: Argnums, count: int, function: str) -> tuple[int, ...]:
    """Argument positions counted from the front.

    Raises:
        StructureError: they are no positions, or no argument stands there, or one stands twice.
    """
    wanted = tuple(argnums) if isinstance(argnums, tuple | list | range) else (argnums,)
    made = []
    for i in wanted:
        if type(i) is not int:
            raise StructureError(
                "argnums are positions of arguments",
                function=function,
                source=source_here(),
                got=repr(argnums),
                wanted="a whole number, or a tuple of them",
            )
        if not -count <= i < count:
            raise StructureError(
                f"argnums={argnums}, but {_arguments(count)} passed by position",
                function=function,
                source=source_here(),
                remedy="pass arguments to differentiate by position, not by name"
                if not count
                else f"count from 0 to {count - 1}; arguments passed by name have no position",
            )
        made.append(i % count)
    if len(set(made)) < len(made):
        raise StructureError(
            "argnums name an argument twice",
            function=function,
            source=source_here(),
            got=repr(argnums),
        )
    return tuple(made)


def _arguments(count: int) -> str:
    return "no argument was" if not count else f"{count} argument{'s were' * (count > 1) or ' was'}"


def with_aux(f: Callable[..., Any], result: Any, name: str) -> tuple[Any, Any]:
    """The two results of a function with has_aux=True."""
    if not isinstance(result, tuple) or len(result) != 2:
        raise StructureError(
            "with has_aux=True the function must return a pair (value, aux)",
            function=name,
            source=defined_at(f),
            got=described(result),
            wanted="a tuple of two: what is differentiated, and anything else",
        )
    return result


def not_differentiable(
    payload: Any, argument: Any, leaf: Any, position: int, name: str
) -> DTypeError:
    """The error for an argument without derivative."""
    where = f"argument {position}"
    paths = tree.paths(argument)
    for path, other in zip(paths, tree.leaves(argument), strict=True):
        if other is leaf and path:
            where = f"argument {position} at {path}"
    kind = payload.dtype
    remedy = "cast it: x.astype(float)" if np.ndim(payload) else "pass a float: 3.0 for 3"
    if kind.kind not in "biu":
        remedy = "only floating and complex arrays have derivatives"
    return DTypeError(
        f"{where} has the dtype {kind}, which has no derivative",
        function=name,
        got=f"{type(leaf).__name__} {type_of(payload)}",
        wanted="a floating or complex dtype",
        remedy=f"{remedy}, or leave it out of argnums",
    )


def is_real_number(x: Any) -> bool:
    """Whether grad can start from this result."""
    kind = type_of(x)
    return kind.shape == () and kind.dtype.kind in "fiub"


def not_scalar(
    f: Callable[..., Any], result: Sequence[Any], name: str = "grad"
) -> NonScalarOutputError:
    """The error for a function whose result has no gradient."""
    got = "nothing (None)" if not result else ", ".join(described(x) for x in result)
    if len(result) == 1 and isinstance(result[0], Generator | Coroutine):
        remedy = "write it with return, not with yield or async"
        result[0].close()  # or Python would warn that nobody waited for it
    elif len(result) == 1 and type_of(result[0]).dtype.kind == "c":
        remedy = "take a real number: np.real(...) or np.abs(...) of the result"
    elif len(result) == 1:
        remedy = "return a scalar such as the sum, or use ad.jacobian or ad.vjp"
    else:
        remedy = "return the value alone, or use has_aux=True for further results"
    return NonScalarOutputError(
        f"{getattr(f, '__name__', 'the function')} must return one real number",
        function=name,
        source=defined_at(f),
        got=got,
        wanted="a scalar of a real dtype",
        remedy=remedy,
    )
