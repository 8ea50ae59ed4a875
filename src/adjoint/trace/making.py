"""Arrays that a recorded function makes: ``np.zeros(n)`` must accept recorded values.

NumPy asks no stand-in when it makes an array, so while somebody records, NumPy's functions
that make arrays are replaced by ones that look who is calling. Only code of the user's in a
thread that records gets a stand-in (``recorder.Plain``); everybody else gets the array. When
the last recording of the process ends, the functions are NumPy's own again.

Names imported with ``from numpy import zeros`` are replaced in the modules that hold them.
Modules are only searched when there are new ones; a traced function's own module is looked
at again when it has got new names.
"""

from __future__ import annotations

import dis
import functools
import sys
import sysconfig
from collections.abc import Callable
from types import CodeType, FrameType, FunctionType
from typing import Any

import numpy as np

from adjoint.graph.source import is_hidden
from adjoint.trace import recorder as core
from adjoint.trace.calls.support import any_traced, as_operand, with_sequence_as_list
from adjoint.trace.session import is_recording, while_recording

_NUMERIC = "biufc"
_NUMBERS = (bool, int, float, complex)
_own: dict[str, Any] = {}  # NumPy's functions, by name
_ours: dict[str, Any] = {}  # what takes their place
_by_id: dict[int, Any] = {}
# Names in NumPy's other namespaces, or that others replace: namespace, theirs, ours.
_spaces: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = []
_offered: dict[str, list[Any]] = {}  # not replaced until some code mentions the name
_read: dict[int, CodeType] = {}  # code that was searched for such names
_elsewhere: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = []
_searched: dict[int, int] = {}  # modules by id, and how many names they had
_modules_seen = 0


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
    steps = list(dis.get_instructions(frame.f_code))
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
    if not isinstance(name, str) or name in _ours:
        return True
    for names in (frame.f_locals, frame.f_globals):
        if name in names:
            ours = [id(function) for function in _ours.values()]
            return id(names[name]) in _by_id or id(names[name]) in ours
    return False


def _made(x: Any) -> Any:
    if type(x) is np.ndarray and x.dtype.kind in _NUMERIC and x.flags.owndata:
        return core.plain(x)
    return x


def _maker(function: Any) -> Callable[..., Any]:
    """A function that makes an array of sizes and numbers."""

    @functools.wraps(function)
    def make(*args: Any, **options: Any) -> Any:
        for x in args:
            if (type(x) is list or type(x) is tuple) and any_traced(x):
                args = args if function.__name__ in _SEQUENCES else with_lists_joined(args)
                break
        made = function(*args, **options)
        return result(made) if calls_from_user() else made

    return make


# These take a sequence of arrays, each for itself: NumPy looks for stand-ins in it.
_SEQUENCES = {"concatenate", "concat", "stack", "vstack", "hstack", "column_stack"}


def with_lists_joined(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Lists with recorded numbers as arrays: NumPy does not look for stand-ins in lists."""
    return tuple([joined(x) if isinstance(x, list | tuple) and any_traced(x) else x for x in args])


def result(x: Any) -> Any:
    """New arrays as stand-ins of no recording."""
    if type(x) is np.ndarray:
        if x.dtype.kind not in _NUMERIC:
            return x
        return core.plain(x if x.flags.owndata and x.flags.writeable else x.copy())
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
        result = function(*args, **options)
        if not calls_from_user() or result.dtype.kind not in _NUMERIC:
            return result
        result.fill(0)  # what a recording does must not depend on what memory holds
        return core.plain(result)

    return empty


def _full(function: Any) -> Callable[..., Any]:
    @functools.wraps(function)
    def full(shape: Any, fill_value: Any, dtype: Any = None, *args: Any, **options: Any) -> Any:
        if not calls_from_user():
            return function(shape, fill_value, dtype, *args, **options)
        if type(fill_value) is not core.TracedArray and not any_traced(fill_value):
            return _made(function(shape, fill_value, dtype, *args, **options))
        value = as_operand(fill_value)
        value = value if dtype is None else value.astype(dtype)
        return np.broadcast_to(value, shape).copy()

    return full


def _array(function: Any, copies: bool) -> Callable[..., Any]:
    """np.array and np.asarray: nested lists may hold recorded numbers."""

    @functools.wraps(function)
    def array(obj: Any, dtype: Any = None, *args: Any, **options: Any) -> Any:
        if not calls_from_user():
            return function(obj, dtype, *args, **options)
        obj = with_sequence_as_list(obj)
        if type(obj) is not core.TracedArray and not any_traced(obj):
            result = function(obj, dtype, *args, **options)
            return result if result is obj else _made(result)
        return recorded_array(obj, copies, dtype, **options)

    return array


def recorded_array(
    obj: Any, copies: bool, dtype: Any = None, *args: Any, ndmin: int = 0, **options: Any
) -> Any:
    """``np.array`` (or ``np.asarray``) of a stand-in, or of a list with some in it."""
    asked = options.get("copy", copies) in (True, np._CopyMode.ALWAYS)
    wants_copy = asked and type(obj) is core.TracedArray
    result = joined(obj)
    if dtype is not None and result.dtype != dtype:
        result = result.astype(dtype)
    elif wants_copy or (result is obj and result.weak):
        result = result.copy()
    missing = ndmin - result.ndim
    return result.reshape((1,) * missing + result.shape) if missing > 0 else result


def joined(x: Any) -> Any:
    """An array of a nested list with recorded numbers or arrays in it."""
    if isinstance(x, list | tuple):
        return np.stack([joined(part) for part in x])
    return x if type(x) is core.TracedArray else as_operand(x)


_MAKERS = (
    "zeros",
    "ones",
    "arange",
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
    "kaiser",
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
_EMPTY = ("empty", "empty_like")
ARRAYS = {
    "array": True,
    "asarray": False,
    "asanyarray": False,
    "ascontiguousarray": False,
    "asfortranarray": False,
    "asarray_chkfinite": False,
}


class _Joiner:
    """``np.r_`` and ``np.c_``: arrays and numbers joined by an index expression."""

    def __init__(self, own: Any) -> None:
        self.own = own

    def __getattr__(self, name: str) -> Any:
        return getattr(self.own, name)

    def __getitem__(self, key: Any) -> Any:
        items = list(key) if isinstance(key, tuple) else [key]
        if not any_traced(items):
            made = self.own[key]
            return result(made) if is_recording() else made
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
        start, step = item.start or 0, 1 if item.step is None else item.step
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
    for name in _MAKERS:
        _ours[name] = _maker(getattr(np, name))
    _ours["fromiter"] = _from_iterator(np.fromiter)
    for name in _EMPTY:
        _ours[name] = _empty(getattr(np, name))
    _ours["full"] = _full(np.full)
    for name, copies in ARRAYS.items():
        _ours[name] = _array(getattr(np, name), copies)
    for name, function in _ours.items():
        _own[name] = getattr(np, name)
        function.adjoint_own = _own[name]
        _by_id[id(_own[name])] = function


def also(names: dict[str, Any], ours: dict[str, Any]) -> None:
    """Have further names replaced while somebody records, if the user's code mentions them."""
    space: tuple[dict[str, Any], dict[str, Any], dict[str, Any]] = (names, {}, {})
    _spaces.append(space)
    for name, function in ours.items():
        _by_id[id(names[name])] = function
        _offered.setdefault(name, []).append((space, names[name], function))


def _mention(code: CodeType) -> None:
    """Replace from now on what a piece of the user's code may call by a name."""
    if id(code) in _read:
        return
    _read[id(code)] = code
    for name in code.co_names:
        for (names, own, ours), theirs, function in _offered.pop(name, ()):
            own[name], ours[name] = theirs, function
            if _placed:
                names[name] = function
    for part in code.co_consts:
        if type(part) is CodeType:
            _mention(part)


def _mentioned_in(names: dict[str, Any]) -> None:
    """Look through the functions and classes of a module of the user's."""
    for value in list(names.values()):
        if isinstance(value, type) and value.__module__ == names.get("__name__"):
            for part in list(vars(value).values()):
                function = getattr(part, "__func__", None) or getattr(part, "fget", None) or part
                if type(function) is FunctionType:
                    _mention(function.__code__)
        elif type(value) is FunctionType:
            _mention(value.__code__)


def replaced_functions() -> list[tuple[str, Any, Any]]:
    """Name, NumPy's own function and ours, for each that is replaced while recording."""
    return [(name, _own[name], function) for name, function in _ours.items()]


_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})


def look_at(names: dict[str, Any]) -> None:
    """Find NumPy's makers of arrays among a module's names."""
    if names is np.__dict__ or _searched.get(id(names)) == len(names):
        return
    _searched[id(names)] = len(names)
    if not str(names.get("__file__", "")).startswith(_INSTALLED):
        _mentioned_in(names)
    found = {k: v for k, v in list(names.items()) if id(v) in _by_id and not k.startswith("__")}
    ours = {k: _by_id[id(v)] for k, v in found.items()}
    if found:
        _elsewhere.append((names, found, ours))
        if _placed:
            names.update(ours)


def look_at_function(function: Any) -> None:
    """Find NumPy's makers of arrays among the names that a function sees."""
    for _ in range(8):  # wrappers may be nested
        inner = getattr(function, "__wrapped__", None) or getattr(function, "func", None)
        inner = inner or getattr(function, "__func__", None)
        if inner is None:
            break
        function = inner
    code = getattr(function, "__code__", None)
    if code is not None and id(code) not in _read:
        _mention(code)
    names = getattr(function, "__globals__", None)
    if names is not None and _searched.get(id(names)) != len(names):
        look_at(names)


def _look() -> None:
    global _modules_seen
    _modules_seen = len(sys.modules)
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in ("numpy", "scipy", "adjoint") or module is None:
            continue
        names = getattr(module, "__dict__", None)
        if type(names) is dict:
            look_at(names)


def _look_for_ours() -> None:
    """Modules that were imported while recording may have taken our functions by name."""
    theirs = {id(function): _own[name] for name, function in _ours.items()}
    for _, own, ours in _spaces:
        theirs.update({id(function): own[name] for name, function in ours.items()})
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", None)
        if type(names) is not dict or names is np.__dict__ or id(names) in _searched:
            continue
        found = {k: v for k, v in list(names.items()) if id(v) in theirs}
        if found:
            _elsewhere.append((names, {k: theirs[id(v)] for k, v in found.items()}, found))


_placed = False


def _begin() -> None:
    global _placed
    if len(sys.modules) != _modules_seen:
        _look()
    np.__dict__.update(_ours)
    for names, _, ours in _spaces:
        names.update(ours)
    for names, _, ours in _elsewhere:
        names.update(ours)
    _placed = True


def _end() -> None:
    global _placed
    if len(sys.modules) != _modules_seen:
        _look_for_ours()
    _placed = False
    np.__dict__.update(_own)
    for names, own, _ in _spaces:
        names.update(own)
    for names, own, ours in _elsewhere:
        for name, function in ours.items():
            if names.get(name) is function:
                names[name] = own[name]


_prepare()
while_recording(_begin, _end)
