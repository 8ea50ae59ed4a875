"""``ufunc.at``: places that may be named several times are worked on as often."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint import tree
from adjoint.errors import ConcreteValueError
from adjoint.graph.source import source_here
from adjoint.primitives import linear
from adjoint.trace.calls.folds import as_numpy
from adjoint.trace.calls.support import as_operand, is_traced
from adjoint.trace.indexing import concrete_value
from adjoint.trace.masked import MaskedSelection
from adjoint.trace.masked_index import apart
from adjoint.trace.recorder import plain
from adjoint.trace.tables import _methods, foreign
from adjoint.trace.views import detached


def _at(ufunc: Any, a: Any, indices: Any, *rest: Any) -> None:
    """Unbuffered: a place that is named twice is worked on twice."""
    if not is_traced(a):
        raise foreign(f"np.{ufunc.__name__}.at")
    picked = plain(np.arange(a.size).reshape(a.shape))[indices]
    operand: Any = rest[0] if rest else None
    flat = a.copy().reshape(-1)
    if type(picked) is MaskedSelection:
        if operand is not None:
            operand = picked._fitting(operand, f"np.{ufunc.__name__}.at")
        flat, picked = apart(a, picked)
    places = np.reshape(picked, -1)
    if operand is not None:
        operand = np.broadcast_to(as_operand(operand), np.shape(picked)).reshape(-1)
    known = concrete_value(places) if is_traced(places) else places
    if known is None:
        changed = _at_unknown(ufunc, flat, places, operand)
    else:
        changed = _at_known(ufunc, flat, known, operand)
    changed = changed[: a.size].reshape(a.shape)
    a[...] = _with_bits(ufunc, a, (indices, *rest), changed)


def _with_bits(ufunc: Any, a: Any, given: tuple[Any, ...], changed: Any) -> Any:
    """NumPy's own numbers, where all are known: a Python number counts as float64 here."""
    parts = tree.flatten(given)[0]
    if any(concrete_value(x) is None for x in parts if is_traced(x) or type(x) is MaskedSelection):
        return changed

    def own(known: Any) -> Any:
        made = known.copy()
        ufunc.at(made, *tree.tree_map(lambda x: concrete_value(x) if is_traced(x) else x, given))
        return made

    return as_numpy(own, a, changed)


def _summed(operand: Any, places: Any, flat: Any) -> Any:
    """What is added at each place, together."""
    share = detached(as_operand(operand).astype(flat.dtype))
    return linear.scatter_add(share, detached(places), axes=(0,), shape=flat.shape)


def _at_known(ufunc: Any, flat: Any, places: Any, operand: Any) -> Any:
    named, times = np.unique(places, return_counts=True)
    if ufunc in (np.add, np.subtract) and flat.dtype.kind in "fc":
        if not named.size or times.max() == 1:
            return ufunc(flat, _summed(operand, places, flat))
        # One sum that begins with what is there.
        before = detached(flat)[named]
        shares = np.concatenate([before, -operand if ufunc == np.subtract else operand])
        flat[named] = _summed(shares, np.concatenate([named, places]), flat)[named]
        return flat
    for rounds in _rounds(places):
        old = flat[places[rounds]]
        flat[places[rounds]] = ufunc(old) if operand is None else ufunc(old, operand[rounds])
    return flat


# What is done at a place several times over is done once with what these make of all operands.
_TOGETHER = {
    np.multiply: np.multiply,
    np.divide: np.multiply,
    np.maximum: np.maximum,
    np.minimum: np.minimum,
    np.fmax: np.fmax,
    np.fmin: np.fmin,
}


def _at_unknown(ufunc: Any, flat: Any, places: Any, operand: Any) -> Any:
    """Places whose numbers are not known: what meets at one place is put together first."""
    if ufunc in (np.add, np.subtract):
        return ufunc(flat, _summed(operand, places, flat)).astype(flat.dtype)
    if ufunc not in _TOGETHER:
        raise ConcreteValueError(
            "which places are named twice is not known while recording",
            function=f"np.{ufunc.__name__}.at",
            source=source_here(),
            remedy="use np.add.at, np.multiply.at, np.maximum.at or np.minimum.at, or pass the "
            "places in from outside",
        )
    meets = places[:, None] == np.arange(flat.shape[0])
    spread = np.broadcast_to(operand[:, None], meets.shape)
    together = _TOGETHER[ufunc]
    neutral: Any = 1
    if together != np.multiply:  # while recording that is another object, and equal
        upper = together in (np.maximum, np.fmax)
        neutral = -np.inf if upper else np.inf
        if flat.dtype.kind in "iu":
            ends = np.iinfo(flat.dtype)
            neutral = ends.min if upper else ends.max
    made = together.reduce(np.where(meets, spread, neutral), axis=0)
    return np.where(np.any(meets, axis=0), ufunc(flat, made).astype(flat.dtype), flat)


def _rounds(places: Any) -> list[Any]:
    """Positions split so that no place is named twice in one part, in order."""
    seen: dict[int, int] = {}
    parts: list[list[int]] = []
    for position, place in enumerate(places.tolist()):
        k = seen.get(place, 0)
        seen[place] = k + 1
        if k == len(parts):
            parts.append([])
        parts[k].append(position)
    return [np.array(part, np.intp) for part in parts]


_methods["ufunc.at"] = _at
