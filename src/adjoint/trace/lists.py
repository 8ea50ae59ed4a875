"""Functions that are given lists with recorded numbers in them: ``np.exp([x[0], 1.0])``.

NumPy asks arguments what its functions mean on them, but not what lists hold. While somebody
records, its functions and ufuncs are therefore replaced by ones that look into their lists;
everything else they leave to NumPy.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import CodeType, MethodType
from typing import Any

import numpy as np

from adjoint.trace import making, replacing
from adjoint.trace.array import TracedArray
from adjoint.trace.calls.support import any_traced
from adjoint.trace.modules import is_installed
from adjoint.trace.tables import array_function, array_ufunc, find_function

# Each element of their sequences is an array, or a function, for itself.
_OF_SEQUENCES = frozenset(
    [
        *("block", "select", "choose", "piecewise", "lexsort", "dstack", "histogramdd"),
        *("multi_dot", "unstack", "broadcast_shapes", "einsum_path", "array_repr", "array_str"),
        "ravel_multi_index",
    ]
)

# They tell polynomials from their coefficients.
_OF_POLYNOMIALS = frozenset(
    ["polyadd", "polysub", "polymul", "polydiv", "polyder", "polyint", "polyval", "roots"]
)


# They ask for no element: lists may hold None, or parts of several lengths, beside stand-ins.
_OF_SHAPES = frozenset(["shape", "ndim", "size"])


# They take lists of edges, one for each axis and of any length.
_OF_EDGES = frozenset(["histogram2d", "histogramdd"])


def _joined_edges(x: Any) -> Any:
    """A list as an array, or its parts as arrays if these have several shapes."""
    if type(x) not in (list, tuple) or not any_traced(x):
        return x
    parts = [making.joined(part) for part in x]
    return np.stack(parts) if len({part.shape for part in parts}) == 1 else parts


def _outline(x: Any) -> Any:
    """A list with zeros where stand-ins are."""
    if type(x) is TracedArray:
        return np.broadcast_to(0.0, x.shape)
    return [_outline(y) for y in x] if isinstance(x, list | tuple) else x


class Reader:
    """One of NumPy's functions that makes arrays of its lists where they hold stand-ins.

    It is equal to the function it stands for, so that tables with functions for keys hold it.
    """

    def __init__(self, own: Any) -> None:
        functools.update_wrapper(self, own)
        self.adjoint_own = own
        self._of_polynomials = own.__name__ in _OF_POLYNOMIALS
        self._of_shapes = own.__name__ in _OF_SHAPES
        self._of_edges = own.__name__ in _OF_EDGES

    def __call__(self, *args: Any, **options: Any) -> Any:
        """The function itself, its lists made arrays where they hold stand-ins."""
        own = self.adjoint_own
        if args and type(args[0]) is TracedArray:
            return array_function(own, args, options)  # as NumPy does after some looking
        if self._of_polynomials and any(type(x) is np.poly1d for x in args):
            return find_function(own)(*args, **options)
        if self._of_shapes and args and isinstance(args[0], list | tuple):
            return own(_outline(args[0]), *args[1:], **options)
        given = [x.coeffs if type(x) is np.poly1d else x for x in args]
        of_edges = self._of_edges
        for name, x in options.items():
            if name != "out" and any_traced(x):
                options = {**options, name: (_joined_edges if of_edges else making.joined)(x)}
        if of_edges:
            return own(*map(_joined_edges, given), **options)
        return own(*making.with_lists_joined(given), **options)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __eq__(self, other: object) -> bool:
        return self.adjoint_own is getattr(other, "adjoint_own", other)

    def __hash__(self) -> int:
        return hash(self.adjoint_own)

    def __reduce__(self) -> Any:
        return self.adjoint_own.__name__


def _method(name: str) -> Callable[..., Any]:
    """A method of a ufunc that looks into its lists as well."""

    def call(self: Ufunc, *args: Any, **options: Any) -> Any:
        return getattr(self.adjoint_own, name)(*making.with_lists_joined(args), **options)

    return call


class Ufunc:
    """A ufunc that looks into its lists; in all else it is the one it stands for."""

    __slots__ = ("_of_one", "adjoint_own")

    def __init__(self, own: Any) -> None:
        self.adjoint_own = own
        self._of_one = own.nin == 1

    def __call__(self, *args: Any, **options: Any) -> Any:
        """The ufunc itself, its lists made arrays where they hold stand-ins."""
        if self._of_one and len(args) == 1 and not options and type(args[0]) is TracedArray:
            return array_ufunc(self.adjoint_own, "__call__", args, options)
        return self.adjoint_own(*making.with_lists_joined(args), **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.adjoint_own, name)

    reduce, accumulate, outer = _method("reduce"), _method("accumulate"), _method("outer")
    reduceat = _method("reduceat")

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return np.ufunc

    def __eq__(self, other: object) -> bool:
        return self.adjoint_own is getattr(other, "adjoint_own", other)

    def __hash__(self) -> int:
        return hash(self.adjoint_own)

    def __repr__(self) -> str:
        return repr(self.adjoint_own)

    def __reduce__(self) -> Any:
        return self.adjoint_own.__name__


_CALLING = {"apply_along_axis", "apply_over_axes"}  # what they call may give stand-ins


readers: dict[int, Any] = {}  # by the id of NumPy's own function


# By these, code may ask for a function whose name it does not mention.
_ASKING = ("getattr", "vars", "__dict__", "attrgetter")


def _prepare() -> None:
    made = {name for name, _, _ in replacing.replaced_functions()}
    offered: set[str] = set()
    for module in (np, np.linalg, np.fft):
        apart = _OF_SEQUENCES | _CALLING | made if module is np else _OF_SEQUENCES
        ours: dict[str, Any] = {}
        for name in module.__all__:
            value = module.__dict__.get(name)  # asking the module would load whole packages
            if isinstance(value, np.ufunc):
                ours[name] = readers[id(value)] = Ufunc(value)
            elif hasattr(value, "_implementation") and name not in apart:
                ours[name] = readers[id(value)] = Reader(value)
        replacing.also(module.__dict__, ours)
        offered.update(ours)
    for name in _ASKING:
        replacing.when_mentioned(name, lambda: replacing.replace_offered(offered), when=_is_own)


def _is_own(name: str, code: CodeType) -> bool:
    """Whether code is the user's own."""
    return not is_installed({"__file__": code.co_filename})


_prepare()
