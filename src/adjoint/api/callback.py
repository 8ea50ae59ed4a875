"""NumPy code that stays opaque: called when the program runs, never recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.errors import StructureError
from adjoint.graph.types import ArrayType, type_of
from adjoint.primitives import control
from adjoint.trace.record import argument_payload
from adjoint.trace.recorder import innermost


@dataclass(frozen=True)
class _Opaque:
    """A function on leaves; equal for equal functions, so that programs are found again."""

    function: Callable[..., Any]
    arguments: tree.TreeDef
    result: tree.TreeDef
    types: tuple[ArrayType, ...]

    def __call__(self, *leaves: Any) -> list[Any]:
        found, structure = tree.flatten(self.function(*tree.unflatten(self.arguments, leaves)))
        tree.check_same(self.result, structure, "pure_callback")
        for y, kind in zip(found, self.types, strict=True):
            got = type_of(y)
            if got.shape != kind.shape or not np.can_cast(got.dtype, kind.dtype, "same_kind"):
                raise StructureError(
                    "the function returned something else than it was said to",
                    function="pure_callback",
                    got=str(got),
                    wanted=str(kind),
                )
        return found


def pure_callback(f: Callable[..., Any], result: Any, *args: Any) -> Any:
    """Call f on plain arrays, whatever is going on around it.

    Inside ``jit`` the compiled program calls Python here; inside ``vmap`` f is called for each
    example. f is not recorded, so it may use any library; it must depend on its arguments
    alone and change nothing. It has no derivative: to give it one, put the call inside a
    function with ``custom_vjp`` or ``custom_jvp``.

    Args:
        f: takes plain arrays in the trees that are passed, returns a tree of arrays.
        result: a tree with the structure, shapes and dtypes of what f returns.
        args: trees of arrays.

    Raises:
        NoDerivativeError: a derivative was asked for.
        StructureError: f returned something else than announced.

    >>> import numpy as np
    >>> from adjoint import jit
    >>> counts = lambda x: np.bincount(x, minlength=3)
    >>> jit(lambda x: 2 * pure_callback(counts, np.zeros(3, int), x))(np.array([0, 2, 2]))
    array([2, 0, 4])
    """
    leaves, arguments = tree.flatten(args)
    kinds, structure = tree.flatten(result)
    types = tuple([type_of(y) for y in kinds])
    opaque = _Opaque(f, arguments, structure, types)
    if innermost(leaves) is None:
        made = [np.asarray(y, k.dtype)[()] for y, k in zip(opaque(*leaves), types, strict=True)]
        return tree.unflatten(structure, made)
    operands = [argument_payload(x, "pure_callback")[0] for x in leaves]
    return tree.unflatten(structure, control.callback(*operands, function=opaque, types=types))
