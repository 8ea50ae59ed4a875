"""How rules of scipy.linalg and scipy.spatial are called: matrix by matrix, with SciPy's digits.

A rule says what moves. Where values are known they are SciPy's own: its drivers round in other
ways than NumPy's, and what it leaves in the half of a matrix that nobody reads is its own affair.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from math import prod
from numbers import Number
from typing import Any, TypeVar

import numpy as np

from adjoint.trace.borrow_scipy import given_a_holder, is_unknown, own_code
from adjoint.trace.calls.support import is_traced, moved_as
from adjoint.trace.indexing import concrete_value, known_parts
from adjoint.trace.scipy_gate import entries, scipy_rule

F = TypeVar("F", bound=Callable[..., Any])


_MOST = 1 << 14  # elements of an array beyond which digits are not worth computing twice


def valued_rule(
    *names: str,
    wanted: Callable[..., bool] | None = None,
    always: bool = False,
    **cores: int | str,
) -> Callable[[F], F]:
    """A rule of functions of SciPy's whose values are SciPy's own where they are known.

    Args:
        names: of the functions, dotted.
        wanted: what decides whether the rule is called where no argument is recorded.
        always: whether SciPy's values are more than digits, so that large arrays have them too.
        cores: how many axes one matrix or vector has, by the name of the argument, for functions
            that take stacks of them one after another; "1|2" for two axes where there are two.
    """

    def note(rule: F) -> F:
        for name in names:
            each = one_by_one(**cores)(rule) if cores else rule
            scipy_rule(name, wanted=wanted)(with_digits(name, each, always))
        return rule

    return note


def valued_method(
    *names: str, wanted: Callable[..., bool] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The same for methods of objects that keep nothing recorded; yields what has the digits."""

    def note(rule: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            valued = with_digits(name, rule, method=True)
            scipy_rule(name, wanted=wanted)(valued)
        return valued

    return note


def with_digits(
    name: str, rule: Callable[..., Any], always: bool = False, method: bool = False
) -> Callable[..., Any]:
    """A rule, and SciPy's function of this name for the values where they are known."""

    def call(*args: Any, **kwargs: Any) -> Any:
        made = rule(*args, **kwargs)
        values = [x for x in (*args, *kwargs.values()) if not isinstance(x, type)]
        if not always and any(np.size(x) > _MOST for x in values if hasattr(x, "shape")):
            return made
        told = values[method:]
        # the user's own functions, which may yield what is recorded, are called once, and objects
        # may keep what is recorded
        if is_unknown(*told) or any(map(_is_object if method else callable, told)):
            return made
        given = _copied(known_parts(list(args)))
        options = {key: _copied(known_parts(x)) for key, x in kwargs.items()}
        theirs = entries[name].original(*given, **options)
        return _with_digits(theirs, made, _rounding([*given, *options.values()]))

    return call


def borrow_valued(package: str, names: str) -> None:
    """Let SciPy's own code say what moves of a package's functions, and give the values as well."""
    for name in names.split():
        _borrow_valued(f"{package}.{name}")


def _borrow_valued(name: str) -> None:
    moving = own_code(name)
    valued = with_digits(name, moving)

    @scipy_rule(name, wanted=given_a_holder)
    def rule(*args: Any, **kwargs: Any) -> Any:
        return (moving if given_a_holder(*args, **kwargs) else valued)(*args, **kwargs)


def keep_twin(self: Any, *args: Any, **kwargs: Any) -> None:
    """Beside an object that keeps what is recorded, SciPy's own one of the values, if known."""
    if is_unknown(*args, *kwargs.values()):
        return
    twin = object.__new__(type(self))
    init = entries[_method(self, "__init__")].original
    init(twin, *_copied(known_parts(list(args))), **{k: known_parts(x) for k, x in kwargs.items()})
    self.__dict__["adjoint_twin"] = twin


def twins_digits(self: Any, name: str, made: Any, *args: Any, **settings: Any) -> Any:
    """What an object's method has made, with the digits of its twin."""
    twin = self.__dict__.get("adjoint_twin")
    if twin is None or is_unknown(*args):
        return made
    given = _copied(known_parts(list(args)))
    theirs = entries[_method(self, name)].original(twin, *given, **settings)
    return _with_digits(theirs, made, _rounding(given))


def _method(self: Any, name: str) -> str:
    kind = type(self)
    return f"{kind.__module__.rpartition('.')[0]}.{kind.__name__}.{name}"


def _is_object(x: Any) -> bool:
    return not (x is None or is_traced(x) or isinstance(x, np.ndarray | Number | list | tuple))


def _copied(x: Any) -> Any:
    """Arrays that SciPy may overwrite; numbers as numbers."""
    if isinstance(x, list | tuple):
        return type(x)(_copied(part) for part in x)
    return np.array(x)[()] if isinstance(x, np.ndarray) else x


def _rounding(given: list[Any]) -> float:
    """How far apart two ways to one number may come: the root of the coarsest precision."""
    kinds = [x.dtype for x in given if isinstance(x, np.ndarray) and x.dtype.kind in "fc"]
    return float(np.sqrt(max((np.finfo(kind).eps for kind in kinds), default=2.3e-16)))


def _with_digits(theirs: Any, ours: Any, rounding: float) -> Any:
    """SciPy's results with the derivatives of ours; ours where they are no rounded form of these.

    Vectors may have another sign there, and what is next to singular other numbers.
    """
    if isinstance(ours, tuple | list):
        if not isinstance(theirs, tuple | list) or len(theirs) != len(ours):
            return ours
        pairs = zip(theirs, ours, strict=True)
        made = [_with_digits(x, y, rounding) for x, y in pairs]
        return made if isinstance(ours, list) else tuple(made)
    value = concrete_value(ours)
    if value is None or is_traced(theirs):  # of an object that keeps what is recorded
        return ours
    theirs = np.asarray(theirs)
    if theirs.shape != value.shape or theirs.dtype.kind not in "fc":
        return ours
    if theirs.dtype != value.dtype:
        real = np.real(ours) if theirs.dtype.kind == "f" else ours
        ours, value = real.astype(theirs.dtype), np.real_if_close(value).astype(theirs.dtype)
    if theirs.tobytes() == value.tobytes():
        return ours
    finite = np.isfinite(theirs)
    if not np.array_equal(finite, np.isfinite(value)):
        return ours
    size = np.max(np.abs(theirs[finite]), initial=0)
    gap = np.max(np.abs(theirs[finite] - value[finite]), initial=0)
    if gap > rounding * size:
        return ours
    moved = moved_as(theirs, ours)
    return moved if finite.all() else np.where(finite, moved, ours)


# *** one matrix after another ***


def one_by_one(**cores: int | str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A rule of single matrices for stacks of them, as SciPy goes through these."""
    return lambda rule: _each(rule, cores)


def _each(rule: Callable[..., Any], cores: dict[str, int | str]) -> Callable[..., Any]:
    parameters = list(signature(rule).parameters)

    def call(*args: Any, **kwargs: Any) -> Any:
        given = {**dict(zip(parameters, args, strict=False)), **kwargs}
        arrays = {name: given[name] for name in cores if given.get(name) is not None}
        axes = {name: _axes(cores[name], np.ndim(x)) for name, x in arrays.items()}
        stacks = [np.shape(x)[: np.ndim(x) - axes[name]] for name, x in arrays.items()]
        if not any(stacks):
            return rule(*args, **kwargs)
        batch = np.broadcast_shapes(*stacks)
        if prod(batch) == 0:
            raise ValueError(f"{rule.__name__} does not support zero-size batches.")
        spread = {
            name: np.broadcast_to(x, batch + np.shape(x)[np.ndim(x) - axes[name] :])
            for name, x in arrays.items()
        }
        single = [
            rule(**{**given, **{name: x[index] for name, x in spread.items()}})
            for index in np.ndindex(batch)
        ]
        return _stacked(single, batch)

    return call


def _axes(core: int | str, ndim: int) -> int:
    return core if isinstance(core, int) else min(ndim, 2)


def _stacked(parts: list[Any], batch: tuple[int, ...]) -> Any:
    if isinstance(parts[0], tuple):
        return tuple(_stacked(list(part), batch) for part in zip(*parts, strict=True))
    made = np.stack(parts)
    return np.reshape(made, batch + made.shape[1:])
