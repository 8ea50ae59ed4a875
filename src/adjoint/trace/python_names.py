"""Python's own ``max``, ``min`` and ``sorted`` over numbers whose values are not known.

They compare two numbers at a time and ask for the answer, which nobody knows inside jit,
vmap and loops. While somebody records there, others stand under their names: where a
comparison is not known they choose as Python would, by ``np.where`` or by an order of
indices; in all else, and for every other thread, they are Python's own.
"""

from __future__ import annotations

import builtins
import functools
import operator
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.trace import recorder as core
from adjoint.trace.indexing import value_behind
from adjoint.trace.python_numbers import python_number
from adjoint.trace.session import is_recording

_NUMBERS = (bool, int, float, complex, np.generic, np.ndarray, core.TracedCore)


def _unknown(x: Any) -> bool:
    return type(x) is core.TracedArray and x.size == 1 and value_behind(x) is None


def _keys(items: list[Any], key: Any) -> list[Any] | None:
    """What decides for each item; None if every comparison can be answered."""
    keys = items if key is None else [key(item) for item in items]
    if len(items) < 2 or not any(map(_unknown, keys)):
        return None
    leaves = [x for item in items for x in tree.flatten(item)[0]]
    return keys if all(isinstance(x, _NUMBERS) for x in (*keys, *leaves)) else None


def _is_number(x: Any) -> bool:
    """Whether a Python number is meant, which follows the dtype of the arrays that it meets."""
    return type(x) in (float, int) or bool(getattr(x, "weak", False))


def _either(chosen: Any, x: Any, y: Any) -> Any:
    result = np.where(chosen, x, y)
    both = _is_number(x) and _is_number(y) and type(result) is core.TracedArray
    return python_number(result) if both else result


def _extreme(own: Any, better: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    @functools.wraps(own)
    def extreme(*args: Any, **options: Any) -> Any:
        if not is_recording() or not args:
            return own(*args, **options)
        items = list(args[0]) if len(args) == 1 else list(args)
        keys = _keys(items, options.get("key"))
        if keys is None:
            return own(items, **options)
        best, top = items[0], keys[0]
        for item, key in zip(items[1:], keys[1:], strict=True):
            chosen = better(key, top)
            best = tree.tree_map(functools.partial(_either, chosen), item, best)
            top = _either(chosen, key, top)
        return best

    return extreme


class _Column:
    """What stands at one place of every item, in the order of the items."""

    def __init__(self, parts: tuple[Any, ...], order: Any) -> None:
        self._numbers = all(map(_is_number, parts))
        from adjoint.trace.calls.support import common_dtype

        dtype = common_dtype(*parts)  # in which Python numbers have no say beside arrays
        self._sorted = np.take(np.stack(parts).astype(dtype), order, axis=0)

    def __getitem__(self, k: int) -> Any:
        found = self._sorted[k]
        return python_number(found) if self._numbers else found


def _in_order(own: Any) -> Callable[..., Any]:
    @functools.wraps(own)
    def in_order(iterable: Any, /, *, key: Any = None, reverse: bool = False) -> Any:
        if not is_recording():
            return own(iterable, key=key, reverse=reverse)
        items = list(iterable)
        keys = _keys(items, key)
        if keys is None:
            return own(items, key=key, reverse=reverse)
        numbers = np.reshape(np.stack(keys), -1)
        if reverse:  # equal items stay in their order
            order = len(items) - 1 - np.argsort(numbers[::-1], kind="stable")[::-1]
        else:
            order = np.argsort(numbers, kind="stable")
        columns = tree.tree_map(lambda *parts: _Column(parts, order), *items)
        return [tree.tree_map(operator.itemgetter(k), columns) for k in range(len(items))]

    return in_order


_own = {name: getattr(builtins, name) for name in ("max", "min", "sorted")}
_ours = {
    "max": _extreme(max, operator.gt),
    "min": _extreme(min, operator.lt),
    "sorted": _in_order(sorted),
}


class _Names:
    """``with python_names:`` around a function that is recorded without its values."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0

    def __enter__(self) -> None:
        with self._lock:
            if self._depth == 0:
                vars(builtins).update(_ours)
            self._depth += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                for name, ours in _ours.items():
                    if getattr(builtins, name) is ours:
                        setattr(builtins, name, _own[name])


python_names = _Names()
