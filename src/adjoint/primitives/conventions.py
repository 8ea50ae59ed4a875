"""What a derivative is where there is none: one table, documented, selectable.

>>> from adjoint.primitives.conventions import current
>>> current().ties
'split'
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, replace
from typing import Any

from adjoint.errors import StructureError


@dataclass(frozen=True, slots=True)
class Conventions:
    """Subgradients at kinks; ``docs/conventions.md`` shows each with its alternatives.

    Args:
        abs_at_zero: slope of ``abs`` at 0: ``"zero"``, ``"one"`` or ``"minus_one"``.
        ties: for ``maximum``, ``minimum``, ``clip``, ``max``, ``min`` at equal values:
            ``"split"`` shares the cotangent evenly, ``"first"`` gives it to the first.
        sqrt_at_zero: slope of ``sqrt`` at 0: ``"infinite"`` (the limit) or ``"zero"``.
    """

    abs_at_zero: str = "zero"
    ties: str = "split"
    sqrt_at_zero: str = "infinite"


CHOICES = {
    "abs_at_zero": ("zero", "one", "minus_one"),
    "ties": ("split", "first"),
    "sqrt_at_zero": ("infinite", "zero"),
}

_STANDARD = Conventions()
CURRENT: ContextVar[Conventions] = ContextVar("conventions", default=_STANDARD)


def current() -> Conventions:
    """The conventions in force in this thread or task."""
    return CURRENT.get()


@contextmanager
def conventions(**chosen: Any) -> Iterator[Conventions]:
    """Choose what derivatives are at kinks, within a ``with`` block.

    Args:
        chosen: fields of :class:`Conventions` with their new values.

    Raises:
        StructureError: for an unknown field or value; the message lists the choices.

    >>> import numpy as np, adjoint as ad
    >>> ad.grad(np.abs)(0.0)
    0.0
    >>> with ad.conventions(abs_at_zero="one"):
    ...     ad.grad(np.abs)(0.0)
    1.0
    """
    names = {field.name for field in fields(Conventions)}
    for name, value in chosen.items():
        if name not in names:
            raise StructureError(
                f"there is no convention {name!r}",
                function="conventions",
                wanted=f"one of {sorted(names)}",
            )
        if value not in CHOICES[name]:
            raise StructureError(
                f"the convention {name} cannot be {value!r}",
                function="conventions",
                wanted=f"one of {CHOICES[name]}",
            )
    token = CURRENT.set(replace(CURRENT.get(), **chosen))
    try:
        yield CURRENT.get()
    finally:
        CURRENT.reset(token)
