"""What the arguments and results of a call look like: arrays, numbers, and what holds them.

A native entry is made for one form of arguments. Forms are nested: an array or a number of
some type, or a tuple, list or dict of forms. Other containers have none.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_LEAVES = 100  # of the arguments: longer entries are slow to make and gain little
FLOAT_VALUE = 16  # bytes from the start of a float to its value


@dataclass(frozen=True)
class Leaf:
    """An array or a number: which input or result of the program it is, and its type."""

    number: int
    kind: type = np.ndarray


@dataclass(frozen=True)
class Nest:
    """A tuple, list or dict: its parts in order, and their keys if it is a dict."""

    kind: type
    parts: tuple[Form, ...]
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Fixed:
    """One very object: a setting."""

    value: Any


Form = Leaf | Nest | Fixed


def argument_form(x: Any, numbers: Iterator[int], is_setting: Callable[[Any], bool]) -> Form | None:
    """The form of an argument, whose leaves are numbered in the order of trees."""
    kind = type(x)
    if kind in (np.ndarray, float) or isinstance(x, np.number):
        return Leaf(next(numbers), kind)
    if kind is int and not is_setting(x):
        return Leaf(next(numbers), kind)
    if x is None or (kind not in (tuple, list, dict) and is_setting(x)):
        return Fixed(x)
    if kind is tuple or kind is list:
        return _nest(kind, [argument_form(part, numbers, is_setting) for part in x])
    if kind is dict and all(type(key) is str for key in x):
        keys = sorted(x)  # the order in which trees take the parts of a dict
        return _nest(kind, [argument_form(x[key], numbers, is_setting) for key in keys], keys)
    return None


class Slot:
    """Stands for a result of the program."""

    def __init__(self, number: int) -> None:
        self.number = number


def result_form(x: Any) -> Form | None:
    """The form of a result that holds slots."""
    kind = type(x)
    if kind is Slot:
        return Leaf(x.number)
    if x is None or kind in (bool, str, int, float):
        return Fixed(x)
    if kind is tuple or kind is list:
        return _nest(kind, [result_form(part) for part in x])
    if kind is dict and all(type(key) is str for key in x):
        return _nest(kind, [result_form(part) for part in x.values()], list(x))
    return None


def _nest(kind: type, parts: list[Form | None], keys: Sequence[str] = ()) -> Nest | None:
    known = [part for part in parts if part is not None]
    return Nest(kind, tuple(known), tuple(keys)) if len(known) == len(parts) else None


def leaves(forms: Sequence[Form]) -> list[Leaf]:
    """The leaves of forms, in order."""
    found: list[Leaf] = []
    pending = list(reversed(forms))
    while pending:
        form = pending.pop()
        if isinstance(form, Leaf):
            found.append(form)
        elif isinstance(form, Nest):
            pending.extend(reversed(form.parts))
    return found


def fits(form: Leaf, dtype: np.dtype[Any]) -> bool:
    """Whether a leaf's memory can be handed to a program as it is."""
    if form.kind is np.ndarray:
        return True
    if form.kind in (float, int):
        return dtype == np.dtype("f8" if form.kind is float else "i8")
    return dtype == np.dtype(form.kind) and _lies_open(form.kind)


def _lies_open(kind: type) -> bool:
    """Whether the value of a NumPy scalar of this type stands where a float's does."""
    x: Any = kind(1)
    return bool(ctypes.string_at(id(x) + FLOAT_VALUE, x.nbytes) == x.tobytes())
