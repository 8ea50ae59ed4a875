"""A linear map that somebody else's code applies, with the code that applies its transpose."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType

Apply = Callable[[Any], Any]


class LinearMap:
    """A real linear map between arrays of fixed shapes.

    Args:
        name: for the printed graph.
        key: what distinguishes it from others of that name; two maps with equal names, keys
            and shapes must do the same.
        shapes: of the argument and of the result.
        apply: the map on a real array.
        apply_transposed: its transpose.
        pattern: makes a boolean CSR matrix [elements of the result, elements of the argument]
            that tells which depend on which, or None; None where all may.
    """

    __slots__ = ("_identity", "apply", "apply_transposed", "key", "name", "pattern", "shapes")

    def __init__(
        self,
        name: str,
        key: Hashable,
        shapes: tuple[tuple[int, ...], tuple[int, ...]],
        apply: Apply,
        apply_transposed: Apply,
        pattern: Callable[[], Any] | None = None,
    ) -> None:
        self.name = name
        self.key = key
        self.shapes = shapes
        self.apply = apply
        self.apply_transposed = apply_transposed
        self.pattern = pattern
        self._identity = (name, key, shapes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LinearMap) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def __call__(self, x: Any) -> Any:
        """Apply to an array; complex ones by their parts."""
        dtype = x.dtype
        if dtype.kind == "c":
            made = np.asarray(self.apply(x.real)) + 1j * np.asarray(self.apply(x.imag))
        else:
            made = np.asarray(self.apply(x))
        return made.astype(dtype, copy=False)[()]

    def transposed(self) -> LinearMap:
        """The transpose."""
        return LinearMap(
            f"{self.name} transposed",
            self.key,
            self.shapes[::-1],
            self.apply_transposed,
            self.apply,
            self._turned,
        )

    def _turned(self) -> Any:
        """The pattern of the transpose."""
        found = None if self.pattern is None else self.pattern()
        return None if found is None else found.T.tocsr()

    def batched(self, size: int) -> LinearMap:
        """The same map for each example."""

        def each(apply: Apply, shape: tuple[int, ...]) -> Apply:
            def run(x: Any) -> Any:
                out = np.empty((size, *shape), x.dtype)
                for i in range(size):
                    out[i] = apply(x[i])
                return out

            return run

        given, made = self.shapes
        return LinearMap(
            f"{self.name} of each",
            (self.name, self.key),
            ((size, *given), (size, *made)),
            each(self.apply, made),
            each(self.apply_transposed, given),
        )


linear_map: Primitive = Primitive(
    "linear_map",
    "linear",
    lambda x, map: (ArrayType(map.shapes[1], x.dtype),),
    lambda x, map: map(x),
    ("map",),
    transpose=lambda y_bar, operands, which, map: linear_map(y_bar, map=map.transposed()),
    doc="a linear map applied by a library's own code, such as a filter with fixed weights",
)
