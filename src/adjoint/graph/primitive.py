"""Primitive: one operation's name, structure and rules; and the registry of all of them.

A primitive states its *structure*, and every mode of differentiation follows from it:

``elementwise``
    ``terms[i](x_dot, out, *xs)`` is the tangent's share of operand i, linear in ``x_dot``:
    the local partial times the tangent.
``linear``
    the tangent is the operation itself; ``transpose`` gives the cotangent of an operand.
``multilinear``
    linear in each of several operands alone (a product); one ``transpose`` for each.
``special``
    an explicit ``jvp`` written in NumPy, with the ``reason`` why no structure fits;
    reverse mode is still its transpose.
``constant``
    piecewise constant or integer valued: the derivative is zero where it exists.
``control``
    holds graphs; its rules live beside the graph transformations (``differentiate``).

Rules are ordinary NumPy code. They run on stand-in arrays when a derivative graph is
built, so they are written with ``numpy`` functions and Python operators only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from adjoint.graph.types import ArrayType

Structure = Literal["elementwise", "linear", "multilinear", "special", "constant", "control"]


@dataclass(frozen=True, eq=False, slots=True)
class Primitive:
    """One row of the table: see the module's docstring for the rules.

    Args:
        name: unique; what a printed graph shows.
        structure: decides which rules must be there.
        attributes: names of the static settings, in order.
        infer: ``infer(*types, **attributes) -> tuple of ArrayType``, one for each output.
        evaluate: the NumPy reference, ``evaluate(*arrays, **attributes)``; a tuple if the
            primitive has several outputs.
        terms: for elementwise rows; ``None`` for an operand without derivative.
        linear_in: positions of the linear operands; empty means all.
        transpose: ``transpose(y_bar, operands, which, **attributes)``: the cotangent of
            operand ``which``; in ``operands`` an unknown linear operand is an ArrayType.
        jvp: ``jvp(primals, tangents, outputs, **attributes)``; tangents may be None (zero).
        several: whether there are several outputs (evaluate returns a tuple).
        ufunc: the NumPy universal function that does the same, where there is one.
        stretches: whether ``evaluate`` broadcasts its operands itself, as ufuncs do.
        convention: what the derivative is at kinks, in words, where there are any.
        domain: sampling interval for tests, per operand.
        reason: why a special row is special.
        notes: what single parts of the system know of a row. Among them ``writes``, which
            changes a copy of the first operand into the result in place, ``adds``, which
            adds the result to an array in place, given the operands, and ``takes_out``:
            ``evaluate`` makes its result in ``out``, where that is given.
    """

    name: str
    structure: Structure
    infer: Callable[..., tuple[ArrayType, ...]]
    evaluate: Callable[..., Any]
    attributes: tuple[str, ...] = ()
    terms: tuple[Callable[..., Any] | None, ...] = ()
    linear_in: tuple[int, ...] = ()
    transpose: Callable[..., Any] | None = None
    jvp: Callable[..., Any] | None = None
    several: bool = False
    ufunc: Any = None
    stretches: bool = False
    convention: str = ""
    domain: tuple[tuple[float, float], ...] = ()
    reason: str = ""
    doc: str = ""
    notes: dict[str, Any] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if self.name in _registry:
            raise ValueError(f"the primitive {self.name!r} is defined twice")
        _registry[self.name] = self

    def __repr__(self) -> str:
        return self.name

    def __call__(self, *operands: Any, **attributes: Any) -> Any:
        """Apply to arrays, or to stand-in arrays, which then record a node."""
        for operand in operands:
            bind = getattr(type(operand), "__adjoint_bind__", None)
            if bind is not None:
                values = tuple([attributes[name] for name in self.attributes])
                return bind(self, operands, values)
        return self.evaluate(*operands, **attributes)

    def settings(self, values: tuple[Any, ...]) -> dict[str, Any]:
        """Attribute values with their names."""
        return dict(zip(self.attributes, values, strict=True))

    def is_linear_in(self, which: int) -> bool:
        """Whether the operation is linear in operand ``which`` alone."""
        if self.structure not in ("linear", "multilinear") and not self.linear_in:
            return False
        return not self.linear_in or which in self.linear_in

    def __reduce__(self) -> tuple[Any, ...]:
        return (_lookup, (self.name,))


_registry: dict[str, Primitive] = {}


def _lookup(name: str) -> Primitive:
    return _registry[name]


class _Registry:
    """Read-only view of every primitive, by name, in order of definition."""

    def __getitem__(self, name: str) -> Primitive:
        return _registry[name]

    def __contains__(self, name: object) -> bool:
        return name in _registry

    def __iter__(self) -> Iterator[Primitive]:
        return iter(_registry.values())

    def __len__(self) -> int:
        return len(_registry)


primitives = _Registry()
