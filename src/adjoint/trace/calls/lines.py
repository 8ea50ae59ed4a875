"""Rules of samples in a row for arrays of them: one line along an axis after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.trace.calls.support import as_operand


def along_lines(count: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a rule take ``axis=``, as SciPy hands arrays to its tests since 1.18.

    Args:
        count: how many of the first arguments are samples.
    """

    def note(rule: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, axis: int | None = None, **options: Any) -> Any:
            given = [x if x is None else as_operand(x) for x in args[:count]]
            if axis is None or all(x is None or x.ndim < 2 for x in given):
                return rule(*args, **options)
            rows = [x if x is None else np.moveaxis(x, axis, -1) for x in given]
            front = np.broadcast_shapes(*[x.shape[:-1] for x in rows if x is not None])
            rows = [x if x is None else np.broadcast_to(x, (*front, x.shape[-1])) for x in rows]
            found = [
                rule(*[x if x is None else x[place] for x in rows], *args[count:], **options)
                for place in np.ndindex(front)
            ]
            return _together(found, front)

        return call

    return note


def _together(found: list[Any], front: tuple[int, ...]) -> Any:
    def whole(parts: Any) -> Any:
        return np.reshape(np.stack(list(parts)), front)

    if not isinstance(found[0], tuple):
        return whole(found)
    kind: Any = type(found[0])
    further = getattr(kind, "_extra_fields", ())
    extra = {name: whole([getattr(x, name) for x in found]) for name in further}
    return kind(*map(whole, zip(*found, strict=True)), **extra)
