"""Functions that are given lists with recorded numbers in them: ``np.exp([x[0], 1.0])``.

NumPy asks arguments what its functions mean on them, but not what lists hold. While somebody
records, its functions and ufuncs are therefore replaced by ones that look into their lists;
everything else they leave to NumPy.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.trace import making, replacing
from adjoint.trace.array import TracedArray
from adjoint.trace.calls.support import any_traced
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


def _reader(function: Any) -> Callable[..., Any]:
    """A function whose lists are made arrays where they hold stand-ins."""
    of_polynomials = function.__name__ in _OF_POLYNOMIALS
    of_shapes = function.__name__ in _OF_SHAPES
    of_edges = function.__name__ in _OF_EDGES

    @functools.wraps(function)
    def read(*args: Any, **options: Any) -> Any:
        if args and type(args[0]) is TracedArray:
            return array_function(function, args, options)  # as NumPy does after some looking
        if of_polynomials and any(type(x) is np.poly1d for x in args):
            return find_function(function)(*args, **options)
        if of_shapes and args and isinstance(args[0], list | tuple):
            return function(_outline(args[0]), *args[1:], **options)
        given = [x.coeffs if type(x) is np.poly1d else x for x in args]
        for name, x in options.items():
            if name != "out" and any_traced(x):
                options = {**options, name: (_joined_edges if of_edges else making.joined)(x)}
        if of_edges:
            return function(*map(_joined_edges, given), **options)
        return function(*making.with_lists_joined(given), **options)

    read.adjoint_own = function  # type: ignore[attr-defined]
    return read


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


def _prepare() -> None:
    made = {name for name, _, _ in replacing.replaced_functions()}
    for module in (np, np.linalg, np.fft):
        apart = _OF_SEQUENCES | _CALLING | made if module is np else _OF_SEQUENCES
        ours: dict[str, Any] = {}
        for name in module.__all__:
            value = module.__dict__.get(name)  # asking the module would load whole packages
            if isinstance(value, np.ufunc):
                ours[name] = Ufunc(value)
            elif hasattr(value, "_implementation") and name not in apart:
                ours[name] = readers[id(value)] = _reader(value)
        replacing.also(module.__dict__, ours)


_prepare()
