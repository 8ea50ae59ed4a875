"""The sizes that layers are made with."""

from __future__ import annotations

import operator
from typing import Any

from adjoint.errors import StructureError


def whole_sizes(layer: str, **sizes: Any) -> None:
    """Refuse sizes that are no whole numbers above 0.

    Args:
        layer: its class, for the message.
        sizes: by the names of the arguments.
    """
    for name, size in sizes.items():
        try:
            fits = operator.index(size) > 0
        except TypeError:
            fits = False
        if not fits:
            raise StructureError(
                f"{name} must be a whole number above 0",
                function=layer,
                got=f"{name}={size!r}",
            )
