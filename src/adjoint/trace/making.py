"""Arrays that a recorded function makes: ``np.zeros(n)`` must accept recorded values.

NumPy asks no stand-in when it makes an array, so while somebody records, NumPy's functions
that make arrays are replaced by ones that look who is calling. Only code of the user's in a
thread that records gets a stand-in (``recorder.Plain``); everybody else gets the array. When
the last recording of the process ends, the functions are NumPy's own again.

Under which names they are found, and when: ``trace/replacing.py``.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import numpy as np

from adjoint.errors import ConcreteValueError
from adjoint.graph.source import instructions, is_hidden, source_here
from adjoint.trace import recorder as core
from adjoint.trace.calls.support import SINGLE, any_traced, as_operand, with_sequence_as_list
from adjoint.trace.indexing import concrete_value
from adjoint.trace.replacing import is_replaced, replace_in_numpy
from adjoint.trace.session import is_recording
from adjoint.trace.slots import called_by
from adjoint.trace.structured import Structured, array_with_fields, with_fields
from adjoint.trace.views import memory_of, without_axes

_NUMERIC, _NUMBERS = "biufc", (bool, int, float, complex)
_ours: dict[str, Any] = {}  # what takes the place of NumPy's functions, by name
method_names: set[str] = set()  # of ndarray's methods that make arrays and are ours


def calls_from_user() -> bool:
    """Whether the caller's caller is the user's code in a thread that records.

    Compiled extension modules call NumPy too, and have no frames of their own: what seems to
    call is then the user's line that called them. So the line must name the function itself.
    """
    if not is_recording():
        return False
    frame = sys._getframe(2)
    place = (id(frame.f_code), frame.f_lasti)  # is_hidden keeps the code object alive
    known = _places.get(place)
    if known is None:
        known = _places[place] = not is_hidden(frame.f_code) and _names_us(frame)
    return known


_places: dict[tuple[int, int], bool] = {}


def _names_us(frame: FrameType) -> bool:
    """Whether the call that a frame is in is written with the name of one of our functions."""
    steps = instructions(frame.f_code)
    call = next((step for step in steps if step.offset == frame.f_lasti), None)
    if call is None or call.positions is None or call.positions.col_offset is None:
        return True
    where = call.positions
    start, end = (where.lineno, where.col_offset), (where.end_lineno, where.end_col_offset)
    name, reach = None, start
    for step in steps:
        at = step.positions
        if step.offset >= call.offset or at is None or not step.opname.startswith("LOAD_"):
            continue
        stop: Any = (at.end_lineno, at.end_col_offset)
        if (at.lineno, at.col_offset) == start and reach < stop < end:
            name, reach = step.argval, stop
    if not isinstance(name, str) or name in _ours or name in method_names:
        return True
    called = called_by(frame, where)
    # map(np.array, rows) and its like call what the user gives them
    module = getattr(called, "__module__", None)
    return is_replaced(called) or module in ("builtins", "functools", "_functools")


def _made(x: Any) -> Any:
    if type(x) is np.ndarray and x.dtype.kind in _NUMERIC and x.flags.owndata:
        return core.plain(x)
    return with_fields(x)


def _maker(function: Any) -> Callable[..., Any]:
    """A function that makes an array of sizes and numbers."""

    @functools.wraps(function)
    def make(*args: Any, **options: Any) -> Any:
        if any(type(x) not in SINGLE and any_traced(x) for x in args):
            if function.__name__ in _SEQUENCES:
                args = (with_lists_joined(args[0]), *args[1:])
            else:
                args = with_lists_joined(args)
        made = function(*args, **options)
        return result(made) if calls_from_user() else made

    return make


# These take a sequence of arrays, each for itself: NumPy looks for stand-ins in it.
_SEQUENCES = {"concatenate", "concat", "stack", "vstack", "hstack", "column_stack"}


def with_lists_joined(args: Iterable[Any]) -> tuple[Any, ...]:
    """Lists with recorded numbers as arrays: NumPy does not look for stand-ins in lists."""
    return tuple([x if type(x) in SINGLE or not any_traced(x) else joined(x) for x in args])


def result(x: Any) -> Any:
    """New arrays as stand-ins of no recording; what is recorded is no number."""
    if type(x) is core.TracedArray:
        return without_axes(x)
    if type(x) is np.ndarray:
        return _made(x if x.flags.owndata and x.flags.writeable else x.copy())
    if type(x) in (tuple, list):
        return type(x)([result(part) for part in x])
    return x


def _from_iterator(function: Any) -> Callable[..., Any]:
    @functools.wraps(function)
    def from_iterator(items: Any, dtype: Any, *args: Any, **options: Any) -> Any:
        if not calls_from_user():
            return function(items, dtype, *args, **options)
        kept = list(items)
        if any_traced(kept):
            return joined(kept).astype(dtype)
        return result(function(kept, dtype, *args, **options))

    return from_iterator


def _empty(function: Any) -> Callable[..., Any]:
    @functools.wraps(function)
    def empty(*args: Any, **options: Any) -> Any:
        made = function(*args, **options)
        if not calls_from_user() or type(made) is not np.ndarray or made.dtype.hasobject:
            return made
        made.fill(0)  # what is recorded must not depend on what memory holds
        return _made(made)

    return empty


def _full(function: Any) -> Callable[..., Any]:
    @functools.wraps(function)
    def full(shape: Any, fill_value: Any, dtype: Any = None, *args: Any, **options: Any) -> Any:
        if not calls_from_user():
            return function(shape, fill_value, dtype, *args, **options)
        if type(fill_value) is not core.TracedArray and not any_traced(fill_value):
            return _made(function(shape, fill_value, dtype, *args, **options))
        return filled(shape, fill_value, dtype)

    return full


def filled(shape: Any, value: Any, dtype: Any = None) -> Any:
    """``np.full`` of a recorded value."""
    value = as_operand(value)
    value = value if dtype is None else value.astype(dtype)
    return np.broadcast_to(value, shape).copy()


def _arange(function: Any) -> Any:
    @functools.wraps(function)
    def arange(*args: Any, **options: Any) -> Any:
        if any(type(x) is core.TracedArray for x in (*args, *options.values())):
            return _recorded_range(function, *args, **options)
        made = function(*args, **options)
        return result(made) if calls_from_user() else made

    return arange


def _recorded_range(
    function: Any, start: Any, stop: Any = None, step: Any = 1, dtype: Any = None, **options: Any
) -> Any:
    """``np.arange`` of recorded ends: its length must be known, its numbers need not."""
    if stop is None:
        start, stop = 0, start
    known = [concrete_value(as_operand(x)) for x in (start, stop, step)]
    if any(x is None for x in known):
        raise ConcreteValueError(
            "how many numbers there are between recorded ends is not known while recording",
            function="np.arange",
            source=source_here(),
            remedy="fix their number: start + step * np.arange(n)",
        )
    made = function(*known, dtype, **options)
    if made.dtype.kind not in "fc" or made.size == 0:
        return result(made)
    first, second = (as_operand(x).astype(made.dtype) for x in (start, start + step))
    later = first + (second - first) * function(2, max(made.size, 2), dtype=made.dtype)
    return np.concatenate([np.stack([first, second]), later])[: made.size]


def _array(function: Any, settings: dict[str, Any]) -> Callable[..., Any]:
    """np.array and np.asarray: nested lists may hold recorded numbers."""

    @functools.wraps(function)
    def array(obj: Any, dtype: Any = None, *args: Any, **options: Any) -> Any:
        if not calls_from_user():
            return function(obj, dtype, *args, **options)
        if type(obj) is Structured or np.dtype(dtype).names:
            return array_with_fields(obj, dtype, options.get("copy", settings["copy"]))
        obj = with_sequence_as_list(obj)
        if type(obj) is not core.TracedArray and not any_traced(obj):
            result = function(obj, dtype, *args, **options)
            return result if result is obj else _made(result)
        return recorded_array(obj, dtype, *args, **{**settings, **options})

    return array


def recorded_array(
    obj: Any,
    dtype: Any = None,
    order: str | None = None,
    *,
    copy: Any,
    ndmin: int = 0,
    **options: Any,
) -> Any:
    """``np.array`` (or ``np.asarray``) of a stand-in, or of a list with some in it."""
    wants_copy = copy in (True, np._CopyMode.ALWAYS) and type(obj) is core.TracedArray
    result = joined(obj)
    if dtype is not None and result.dtype != dtype:
        result = result.astype(dtype)
    elif wants_copy or (result is obj and result.weak):
        result = result.copy(order or "K")
    elif order in _IN_ORDER and not _IN_ORDER[order](memory_of(result).flags):
        result = result.copy(order)
    missing = ndmin - result.ndim
    return result.reshape((1,) * missing + result.shape) if missing > 0 else without_axes(result)


_IN_ORDER: dict[str | None, Callable[[Any], bool]] = {
    "C": lambda flags: bool(flags.c_contiguous),
    "F": lambda flags: bool(flags.f_contiguous),
}


def _require(function: Any) -> Callable[..., Any]:
    """``np.require``: an array that lies as asked for, and is the caller's own if that is."""

    @functools.wraps(function)
    def require(a: Any, dtype: Any = None, requirements: Any = None, **options: Any) -> Any:
        if type(a) is not core.TracedArray and not any_traced(a):
            return function(a, dtype, requirements, **options)
        asked = {str(part).upper()[0] for part in requirements or ()}
        order = "F" if "F" in asked else "C" if "C" in asked else None
        made = recorded_array(a, dtype, order, copy=False)
        return made.copy() if "O" in asked and made.tie is not None else made

    return require


def joined(x: Any) -> Any:
    """An array of a nested list with recorded numbers or arrays in it."""
    x = with_sequence_as_list(x)
    if isinstance(x, list | tuple):
        return np.stack([joined(part) for part in x])
    return x if type(x) is core.TracedArray else as_operand(x)


_MAKERS = (
    "zeros",
    "ones",
    "eye",
    "identity",
    "tri",
    "linspace",
    "logspace",
    "geomspace",
    "fromfunction",
    "indices",
    "zeros_like",
    "ones_like",
    "full_like",
    "copy",
    "meshgrid",
    "fromiter",
    "frombuffer",
    "bartlett",
    "blackman",
    "hamming",
    "hanning",
    "tile",
    "repeat",
    "concatenate",
    "stack",
    "vstack",
    "hstack",
    "column_stack",
    "concat",
    "diag",
    "diagflat",
    "outer",
    "kron",
    "tril",
    "triu",
    "cumsum",
    "cumprod",
    "sort",
    "diff",
    "roll",
    "pad",
    "where",
)
ARRAYS: dict[str, dict[str, Any]] = {
    "array": {"copy": True},
    "asarray": {"copy": False},
    "asanyarray": {"copy": False},
    "ascontiguousarray": {"copy": False, "order": "C", "ndmin": 1},
    "asfortranarray": {"copy": False, "order": "F", "ndmin": 1},
    "asarray_chkfinite": {"copy": False},
}


def _asked_by_a_library() -> bool:
    """Whether nobody records, or SciPy's own code asks (what is borrowed has other globals)."""
    frame = sys._getframe(2)
    module = sys.modules.get(frame.f_globals.get("__name__", ""))
    own = module is not None and vars(module) is frame.f_globals
    return not is_recording() or (own and is_hidden(frame.f_code))


class _Grid:
    """``np.mgrid`` and ``np.ogrid``, whose arrays the user may write."""

    def __init__(self, own: Any) -> None:
        self.own = own

    def __getitem__(self, key: Any) -> Any:
        made = self.own[key]
        return made if _asked_by_a_library() else result(made)


class _Joiner:
    """``np.r_`` and ``np.c_``: arrays and numbers joined by an index expression."""

    def __init__(self, own: Any) -> None:
        self.own = own

    def __getattr__(self, name: str) -> Any:
        return getattr(self.own, name)

    def __getitem__(self, key: Any) -> Any:
        items = list(key) if isinstance(key, tuple) else [key]
        ends = [(x.start, x.stop, x.step) for x in items if type(x) is slice]
        if not any_traced(items) and not any_traced(ends):
            made = self.own[key]
            return made if _asked_by_a_library() else result(made)
        axis, ndmin, place = self.own.axis, self.own.ndmin, self.own.trans1d
        if isinstance(items[0], str):
            numbers = [int(part) for part in items.pop(0).split(",")]
            settings = [*numbers, *[axis, ndmin, place][len(numbers) :]]
            axis, ndmin, place = settings[0], settings[1], settings[2]
        parts = [_placed_part(x, ndmin, place) for x in items]
        strong = [p.dtype for x, p in zip(items, parts, strict=True) if type(x) not in _NUMBERS]
        weak = [x for x in items if type(x) in _NUMBERS]
        dtype = np.result_type(*strong, *weak)
        return np.concatenate([p.astype(dtype) for p in parts], axis=axis)


def _placed_part(item: Any, ndmin: int, place: int) -> Any:
    """One item as an array of at least ndmin axes, its own starting at a place."""
    if isinstance(item, slice):
        start = 0 if item.start is None else item.start
        step = 1 if item.step is None else item.step
        if isinstance(step, complex):
            item = np.linspace(start, item.stop, int(abs(step)))
        else:
            item = np.arange(start, item.stop, step)
    x = joined(item)
    missing = ndmin - x.ndim
    if missing <= 0:
        return x
    before = place if place >= 0 else place + missing + 1
    return np.reshape(x, (1,) * before + x.shape + (1,) * (missing - before))


def _prepare() -> None:
    _ours.update(r_=_Joiner(np.r_), c_=_Joiner(np.c_))
    _ours.update(mgrid=_Grid(np.mgrid), ogrid=_Grid(np.ogrid))
    _ours["require"] = _require(np.require)
    for name in _MAKERS:
        _ours[name] = _maker(getattr(np, name))
    _ours["fromiter"] = _from_iterator(np.fromiter)
    _ours.update({name: _empty(getattr(np, name)) for name in ("empty", "empty_like")})
    _ours["full"] = _full(np.full)
    _ours["arange"] = _arange(np.arange)
    for name, settings in ARRAYS.items():
        _ours[name] = _array(getattr(np, name), settings)
    replace_in_numpy(_ours)


_prepare()
