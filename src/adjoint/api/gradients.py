"""The function transforms: everything a user calls to get a derivative."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from adjoint import tree
from adjoint.differentiate.tape import Tape, payload_of
from adjoint.errors import DTypeError, NonScalarOutputError, StructureError
from adjoint.graph.source import Source
from adjoint.graph.types import ArrayType, type_of
from adjoint.primitives.infer import real_dtype
from adjoint.rewrite.reroll import rolled_up
from adjoint.trace.indexing import concrete_value
from adjoint.trace.record import argument_payload, current
from adjoint.trace.recorder import Recorder, TracedCore, capture, plain
from adjoint.trace.replacing import look_at_function
from adjoint.trace.session import session

F = TypeVar("F", bound=Callable[..., Any])
Argnums = int | Sequence[int]


def defined_at(f: Callable[..., Any]) -> Source | None:
    """Where a function was defined, for messages about its result."""
    code = getattr(f, "__code__", None)
    return Source(code, 0) if code is not None else None


def positions(argnums: Argnums, count: int, function: str) -> tuple[int, ...]:
    """Argument positions counted from the front."""
    wanted = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    made = []
    for i in wanted:
        if type(i) is not int:
            raise StructureError(
                "argnums are positions of arguments",
                function=function,
                got=repr(argnums),
                wanted="a whole number, or a tuple of them",
            )
        if not -count <= i < count:
            raise StructureError(
                f"argnums={argnums} but there are {count} positional arguments",
                function=function,
                remedy="arguments to differentiate are passed by position",
            )
        made.append(i % count)
    return tuple(made)


def borrowed(argument: Any) -> Any:
    """An argument that is not differentiated; recorded values may be written into its copies.

    Its arrays become stand-ins of no recording: they compute as they are, are copied before
    anything is written, and so leave the caller's as they were.
    """
    if type(argument) is np.ndarray:
        if argument.dtype.kind not in "fc" or argument.ndim == 0:
            return argument
        made = plain(argument)
        capture(made)
        return made
    if type(argument) in (list, tuple):
        return type(argument)([borrowed(part) for part in argument])
    if type(argument) is dict:
        return {key: borrowed(part) for key, part in argument.items()}
    return argument


class Run:
    """A function recorded at a point, with respect to some of its arguments."""

    __slots__ = ("aux", "leaves", "recorder", "result", "structure", "tape", "trees")

    def __init__(
        self,
        f: Callable[..., Any],
        args: Sequence[Any],
        kwargs: dict[str, Any],
        argnums: tuple[int, ...],
        name: str,
        has_aux: bool = False,
    ) -> None:
        found = [x for i in argnums for x in tree.leaves(args[i])]
        # Where values are not known (inside jit, vmap), loops that Python unrolls are rolled up.
        unknown = any(isinstance(x, TracedCore) and concrete_value(x) is None for x in found)
        recorder = self.recorder = Recorder(
            name, concrete=True, keep_all=unknown, transforming=False
        )
        call = list(args)
        self.leaves: list[Any] = []
        self.trees = []
        for position in argnums:
            leaves, structure = tree.flatten(args[position])
            made = []
            for leaf in leaves:
                payload, weak = argument_payload(leaf, name)
                if payload.dtype.kind not in "fc":
                    raise not_differentiable(payload, args[position], leaf, position, name)
                made.append(recorder.input(payload, weak=weak))
            call[position] = tree.unflatten(structure, made)
            self.leaves += leaves
            self.trees.append((structure, len(leaves)))
        for position in range(len(args)):
            if position not in argnums:
                call[position] = borrowed(args[position])
        try:
            look_at_function(f)
            with session:
                result = f(*call, **kwargs)
            aux = None
            if has_aux:
                result, aux = with_aux(result, name)
            outputs, self.structure = tree.flatten(result)
            outputs = [current(x) for x in outputs]
            self.tape = Tape(recorder, len(self.leaves), outputs)
            self.result = [payload_of(x, recorder) for x in outputs]
            further = tree.tree_map(current, aux) if has_aux else None
            # The second result of a function with has_aux=True.
            self.aux = tree.tree_map(lambda x: payload_of(x, recorder), further)
        finally:
            recorder.closed = True
        if unknown:
            self._roll_up(further)

    def _roll_up(self, further: Any) -> None:
        """Have unrolled loops as scans before they are differentiated."""
        recorder = self.recorder
        leaves, structure = tree.flatten(further)
        mine = [isinstance(x, TracedCore) and x.recorder is recorder for x in leaves]
        found = self.tape.change(
            rolled_up, [x for x, flag in zip(leaves, mine, strict=True) if flag]
        )
        if found is None:
            return
        n = len(self.result)
        self.result = [x if y is None else y for x, y in zip(self.result, found[:n], strict=True)]
        rest = iter(found[n:])
        kept = tree.leaves(self.aux)
        self.aux = tree.unflatten(
            structure, [next(rest) if flag else x for x, flag in zip(kept, mine, strict=True)]
        )

    def value(self) -> Any:
        """What the function returned."""
        return tree.unflatten(self.structure, self.result)

    def gather(self, cotangents: Sequence[Any]) -> list[Any]:
        """Cotangents of the leaves as one tree for each argument."""
        return self.as_trees(
            [like(leaf, x) for leaf, x in zip(self.leaves, cotangents, strict=True)]
        )

    def as_trees(self, made: Sequence[Any]) -> list[Any]:
        """Something for each leaf as one tree for each argument."""
        trees, at = [], 0
        for structure, count in self.trees:
            trees.append(tree.unflatten(structure, made[at : at + count]))
            at += count
        return trees

    def as_matrices(self, blocks: Sequence[Sequence[Any]], argnums: Argnums) -> Any:
        """Something for each leaf of the result and each leaf of the arguments, as trees."""
        rows = [self.as_trees(row) for row in blocks]
        chosen = [row[0] if isinstance(argnums, int) else tuple(row) for row in rows]
        return tree.unflatten(self.structure, chosen)


def with_aux(result: Any, name: str) -> tuple[Any, Any]:
    """The two results of a function with has_aux=True."""
    if not isinstance(result, tuple) or len(result) != 2:
        raise StructureError(
            "with has_aux=True the function must return a pair (value, aux)",
            function=name,
            got=type(result).__name__,
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


def like(leaf: Any, x: Any) -> Any:
    """A derivative in the form of the argument it belongs to: number, scalar or array."""
    if isinstance(x, TracedCore):
        return x
    if type(leaf) is np.ndarray:
        if type(x) is not np.ndarray:
            return np.array(x)
        return x if x.flags.writeable else x.copy()
    if type(leaf) in (float, complex):
        return type(leaf)(x)
    if isinstance(leaf, np.generic):
        return x[()] if isinstance(x, np.ndarray) else x
    return np.array(x)


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
    if memory_budget is not None:
        from adjoint.api.budget import within_budget

        return within_budget(f, argnums, has_aux, memory_budget)

    @functools.wraps(f)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        places = positions(argnums, len(args), "grad")
        run = Run(f, args, kwargs, places, "grad", has_aux)
        if len(run.result) != 1 or not is_real_number(run.result[0]):
            raise not_scalar(f, run.result)
        value = run.result[0]
        one = np.ones((), _dtype(value))[()]
        gradients = run.gather(run.tape.pull([one]))
        gradient = gradients[0] if isinstance(argnums, int) else tuple(gradients)
        return ((value, run.aux) if has_aux else value), gradient

    return transformed


def _dtype(x: Any) -> np.dtype[Any]:
    dtype = x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype
    return dtype if dtype.kind == "f" else np.dtype(float)


def is_real_number(x: Any) -> bool:
    """Whether grad can start from this result."""
    kind = type_of(x)
    return kind.shape == () and kind.dtype.kind in "fiub"


def not_scalar(f: Callable[..., Any], result: Sequence[Any]) -> NonScalarOutputError:
    """The error for a function whose result has no gradient."""
    got = "nothing (None)" if not result else ", ".join(str(type_of(x)) for x in result)
    if len(result) == 1 and type_of(result[0]).dtype.kind == "c":
        remedy = "take a real number: np.real(...) or np.abs(...) of the result"
    elif len(result) == 1:
        remedy = "return a scalar such as the sum, or use ad.jacobian or ad.vjp"
    else:
        remedy = "return the value alone, or use has_aux=True for further results"
    return NonScalarOutputError(
        f"{getattr(f, '__name__', 'the function')} must return one real number",
        function="grad",
        source=defined_at(f),
        got=got,
        wanted="a scalar of a real dtype",
        remedy=remedy,
    )


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
    both = value_and_grad(f, argnums, has_aux, memory_budget)

    @functools.wraps(f)
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
    out, pushforward, aux = _linearize(f, primals, "jvp", has_aux)
    out_dot = pushforward(*tangents)
    return (out, out_dot, aux) if has_aux else (out, out_dot)


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


__all__ = [
    "defined_at",
    "grad",
    "jvp",
    "linearize",
    "real_dtype",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]
