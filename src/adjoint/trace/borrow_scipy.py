"""SciPy's own Python code as the rule of its functions, and of the methods of its classes.

What stands in the way of stand-ins in that code is replaced here: checks of values that a
recording may not know, and helpers that reach for the memory of an array.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import FunctionType
from typing import Any

import numpy as np

from adjoint.errors import ConcreteValueError
from adjoint.graph.source import source_here
from adjoint.primitives.choose import stop_gradient
from adjoint.trace import borrow
from adjoint.trace import recorder as core
from adjoint.trace.indexing import concrete_value, known_value
from adjoint.trace.scipy_gate import entries, holds_traced, scipy_rule


def borrow_scipy(*names: str, wanted: Callable[..., bool] | None = None) -> None:
    """Let SciPy's own code be the rule of functions that are found under these names."""
    for name in names:
        scipy_rule(name, wanted=wanted or given_a_holder)(own_code(name))


def borrow_names(package: str, *names: str) -> None:
    """Let SciPy's own code be the rule of a package's functions, named in texts."""
    for text in names:
        for name in text.split():
            borrow_scipy(f"{package}.{name}")


def borrow_classes(package: str, names: str) -> None:
    """Let SciPy's own code be the rule of the methods of a package's classes."""
    for name in names.split():
        borrow_class(f"{package}.{name}")


def given_a_holder(*args: Any, **kwargs: Any) -> bool:
    """Whether an argument is an object of theirs that keeps a recorded array."""
    given = (*args, *kwargs.values())
    packages = ("numpy", "scipy")
    return any(type(x).__module__.partition(".")[0] in packages and holds_itself(x) for x in given)


def own_code(name: str) -> Callable[..., Any]:
    """SciPy's own code of a function, for stand-ins."""

    def rule(*args: Any, **kwargs: Any) -> Any:
        prepare()
        return borrow.borrowed(entries[name].original)(*args, **kwargs)

    return rule


def when_unknown(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a formula be the rule where values are not known, and SciPy's own code elsewhere.

    For functions whose code decides on values: the formula is the one of regular values.
    """

    def note(formula: Callable[..., Any]) -> Callable[..., Any]:
        known = own_code(name)

        def rule(*args: Any, **kwargs: Any) -> Any:
            chosen = formula if is_unknown(*args, *kwargs.values()) else known
            return chosen(*args, **kwargs)

        scipy_rule(name)(rule)
        return formula

    return note


def holds_itself(self: Any, *_: Any, **__: Any) -> bool:
    """Whether an object of SciPy's keeps a recorded array."""
    within = getattr(self, "_delegate_to", None)  # since SciPy 1.18
    return any(holds_traced(_kept_by(x)) for x in (self, within))


def _kept_by(x: Any) -> list[Any]:
    slots = getattr(type(x), "__slots__", ())
    return [*getattr(x, "__dict__", {}).values(), *(getattr(x, name, None) for name in slots)]


def borrow_class(
    name: str, without: tuple[str, ...] = (), wanted: Callable[..., bool] | None = None
) -> None:
    """Let SciPy's own code be the rule of the methods and properties that a class writes down."""
    parts = name.rpartition(".")
    kind = getattr(sys.modules[parts[0]], parts[2])
    for key, value in vars(kind).items():
        if key in without:
            continue
        if isinstance(value, FunctionType | staticmethod):
            borrow_scipy(f"{name}.{key}", wanted=wanted)
        elif isinstance(value, classmethod) and isinstance(value.__func__, FunctionType):
            borrow_scipy(f"{name}.{key}.__func__", wanted=wanted)
        elif isinstance(value, property) and isinstance(value.fget, FunctionType):
            borrow_scipy(f"{name}.{key}.fget", wanted=wanted)
            if isinstance(value.fset, FunctionType):
                borrow_scipy(f"{name}.{key}.fset", wanted=wanted)


# *** what borrowed code sees in the place of SciPy's helpers ***


def is_unknown(*values: Any) -> bool:
    """Whether one of these is, or holds, a recorded array whose elements are not known yet."""
    return any(
        is_unknown(*x) if isinstance(x, list | tuple)
        else type(x) is core.TracedArray and concrete_value(x) is None
        for x in values
    )  # fmt: skip


def _contains_nan(
    a: Any, nan_policy: str = "propagate", *, xp_omit_okay: bool = False, **_: Any
) -> bool:
    """False for values that are not known yet, where NaNs go through the arithmetic as they do.

    Leaving them out would change how many numbers there are, which only SciPy's helpers that
    say ``xp_omit_okay`` do without knowing.
    """
    value = concrete_value(a) if type(a) is core.TracedArray else np.asarray(a)
    if value is None:
        if nan_policy == "omit" and not xp_omit_okay and a.dtype.kind in "fc":
            raise ConcreteValueError(
                "which values are NaN, to be left out, is not known while recording",
                function="nan_policy='omit'",
                source=source_here(),
                remedy="leave NaN out before: x[~np.isnan(x)]; or use np.nanmean, np.nanvar, "
                "np.nanquantile, which know how many there are",
            )
        return False
    if value.dtype.kind not in "fc":
        return False
    found = bool(np.any(np.isnan(value)))
    if found and nan_policy == "raise":
        raise ValueError("The input contains nan values")
    return found


def _check_finite(array: Any, xp: Any = None) -> None:
    if not is_unknown(array) and not np.all(np.isfinite(array)):
        raise ValueError("array must not contain infs or NaNs")


def _apply_where(
    cond: Any, args: Any, f1: Any, f2: Any = None, /, *, fill_value: Any = None, xp: Any = None
) -> Any:
    """Both branches everywhere; ``where`` takes the derivative of the other one out."""
    given = args if isinstance(args, tuple) else (args,)
    with np.errstate(all="ignore"):
        return np.where(cond, f1(*given), fill_value if f2 is None else f2(*given))


class _At:
    """``at(x)[index].set(y)``, which writes into x unless a copy is asked for."""

    def __init__(self, x: Any, index: Any = ...) -> None:
        self.x, self.index = x, index

    def __getitem__(self, index: Any) -> _At:
        return _At(self.x, index)

    def _changed(self, change: Callable[[Any], Any], copy: bool | None = None) -> Any:
        traced = type(self.x) is core.TracedArray
        own = traced and not copy
        kind = getattr(self.index, "dtype", None)
        if np.ndim(self.index) == np.ndim(self.x) and kind is not None and kind.kind == "b":
            new = change(self.x)
            if np.ndim(new) in (0, np.ndim(self.x)) and np.size(new) in (1, np.size(self.x)):
                whole = np.where(self.index, new, self.x)
                if not own or whole.dtype != self.x.dtype:
                    return whole
                self.x[...] = whole
                return self.x
        made = self.x if own else self.x.copy() if traced else core.plain(np.array(self.x))
        made[self.index] = change(made[self.index])
        return made

    def set(self, y: Any, copy: bool | None = None, **_: Any) -> Any:
        """X with y at the index."""
        return self._changed(lambda old: y, copy)

    def add(self, y: Any, copy: bool | None = None, **_: Any) -> Any:
        """X with y added at the index."""
        return self._changed(lambda old: old + y, copy)

    def subtract(self, y: Any, copy: bool | None = None, **_: Any) -> Any:
        """X with y subtracted at the index."""
        return self._changed(lambda old: old - y, copy)

    def multiply(self, y: Any, copy: bool | None = None, **_: Any) -> Any:
        """X multiplied by y at the index."""
        return self._changed(lambda old: old * y, copy)

    def divide(self, y: Any, copy: bool | None = None, **_: Any) -> Any:
        """X divided by y at the index."""
        return self._changed(lambda old: old / y, copy)


def trimmed(filt: Any, trim: str = "fb", *rest: Any) -> Any:
    """Zeros at the ends cut off; none where the values are not known."""
    return filt if is_unknown(filt) else _trim_zeros(filt, trim)


def _trim_zeros(filt: Any, trim: str) -> Any:
    value = np.asarray(concrete_value(filt) if type(filt) is core.TracedArray else filt)
    kept = np.flatnonzero(value)
    if not kept.size:
        return filt[:0]
    first = kept[0] if "f" in trim.lower() else 0
    last = kept[-1] + 1 if "b" in trim.lower() else value.shape[0]
    return filt[first:last]


def _lexsort(keys: Any, axis: int = -1) -> Any:
    """The order by the last key, then the one before it; by one alone where none is known."""
    known = [known_value(key) for key in keys]
    if any(key is None for key in known) and len(keys) == 1:
        return np.argsort(keys[0], axis=axis, kind="stable")
    return np.lexsort(known if all(key is not None for key in known) else keys, axis)


def _clip(x: Any, /, min: Any = None, max: Any = None, **_: Any) -> Any:
    """SciPy cuts off what rounding adds: a value at its own limit has no kink there."""
    if min is None and max is None:
        return x
    cut = np.clip(x, min, max)
    if type(x) is not core.TracedArray or x.dtype.kind != "f" or cut.dtype != x.dtype:
        return cut
    limit = stop_gradient(cut)
    rounded = np.abs(stop_gradient(x) - limit) <= 8 * np.finfo(x.dtype).eps * (1 + np.abs(limit))
    return np.where(rounded, limit + (x - stop_gradient(x)), cut)


def _carried(name: str) -> Any:
    """A library that SciPy carries along; since 1.18 in a package of its own."""
    place = "scipy._external" if find_spec("scipy._external") is not None else "scipy._lib"
    return import_module(f"{place}.{name}")


@cache
def prepare() -> None:
    """Say what borrowed code sees in the place of SciPy's helpers."""
    import scipy._lib._array_api as array_api
    import scipy._lib._util as util

    extra, compat = _carried("array_api_extra"), _carried("array_api_compat.numpy")
    for real, ours in (
        (util._contains_nan, _contains_nan),
        (array_api._check_finite, _check_finite),
        (array_api.is_lazy_array, is_unknown),
        (extra.apply_where, _apply_where),
        (extra.at, _At),
        (compat.clip, _clip),
        (compat.linalg.solve, np.linalg.solve),
        (np.trim_zeros, trimmed),
        (np.lexsort, _lexsort),
    ):
        borrow.substitute(real, ours)
