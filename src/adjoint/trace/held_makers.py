"""Makers of arrays that are held elsewhere than under a module's name.

``array = functools.partial(np.array, dtype=float)``, ``BACKEND = {"array": np.array}``,
``def f(x, array=np.array)`` and ``class Backend: array = staticmethod(np.array)`` all hold NumPy's
own function. While somebody records, what takes its place stands there too. Looked through are
what modules of the user's hold and what the traced function holds: dictionaries, lists, partial
functions, defaults, cells, classes and objects of the user's, a few levels deep.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from types import CodeType, FunctionType, MethodType, SimpleNamespace
from typing import Any, NamedTuple

_DEPTH = 4
_LONGEST = 256  # of the lists and dictionaries that are looked through
_STATIC = (staticmethod, classmethod)


class Place(NamedTuple):
    """Where a function is held: how to ask for what is there, and how to put another there."""

    owner: Any
    key: Any
    get: Callable[[], Any]
    put: Callable[[Any], None]


def _items(value: Any) -> Iterator[Place]:
    """The places of a container; none of one that holds data."""
    keys: Any = ()
    if type(value) in (dict, OrderedDict, defaultdict):
        keys = list(value)
    elif type(value) is list:
        keys = range(len(value))
    for key in keys if len(keys) <= _LONGEST else ():
        yield Place(value, key, partial(_item, value, key), partial(value.__setitem__, key))


def _item(value: Any, key: Any) -> Any:
    try:
        return value[key]
    except LookupError:  # it was there before
        return None


def places_in(
    root: Any,
    wanted: Callable[[Any], bool],
    users: Callable[[str], bool],
    depth: int = _DEPTH,
    seen: dict[int, int] | None = None,
    through: tuple[type, ...] | None = None,
) -> list[Place]:
    """All places of functions that are wanted, within what something holds.

    Args:
        root: where to begin.
        wanted: says of a function whether its place is.
        users: says of a module's name whether the user wrote it.
        depth: how many containers may lie one in another, beside partial functions.
        seen: what was looked through before, by id, and how deep; it must live as long.
        through: the types of what is looked through; None for all.
    """
    found: list[Place] = []
    seen = {} if seen is None else seen
    if seen.get(id(root), -1) >= depth:
        return found
    pending = [(root, depth)]
    seen[id(root)] = depth
    while pending:
        value, left = pending.pop()
        for place in _places(value, users):
            held = place.get()
            if wanted(held):
                found.append(place)
            elif through is not None and type(held) not in through:
                continue
            elif (left > 0 or type(held) is partial) and seen.get(id(held), -2) < left - 1:
                seen[id(held)] = left - 1
                pending.append((held, left - 1))
    return found


def attribute_of(value: Any, name: str) -> Any:
    """What Python keeps under a name, or None, without asking the object.

    A proxy may import what it stands for when it is asked, or raise.
    """
    try:
        return object.__getattribute__(value, name)
    except Exception:  # of a property
        return None


def _places(value: Any, users: Callable[[str], bool]) -> Iterator[Place]:
    """The places that one object has."""
    yield from _items(value)
    if type(value) is defaultdict:
        yield _attribute(value, "default_factory")
    elif type(value) is partial:
        yield Place(value, "func", lambda: value.func, lambda new: _set_partial(value, new))
        for k, _ in enumerate(value.args):
            yield Place(value, k, partial(_argument, value, k), partial(_set_argument, value, k))
        yield from _items(value.keywords)
    elif type(value) is FunctionType:
        if users(str(value.__globals__.get("__name__"))):
            yield from _of_function(value)
    elif type(value) is MethodType:
        yield from _places(value.__func__, users)
        yield from _places(value.__self__, users)
    elif issubclass(type(value), type):
        if users(value.__module__):
            yield from _of_class(value, users)
    elif type(value) is SimpleNamespace:
        yield from _items(vars(value))
    elif users(type(value).__module__) and type(attribute_of(value, "__dict__")) is dict:
        yield from _items(attribute_of(value, "__dict__"))
        yield from _of_class(type(value), users)


def _attribute(owner: Any, name: str) -> Place:
    return Place(owner, name, lambda: getattr(owner, name), lambda new: setattr(owner, name, new))


def _set_partial(made: Any, function: Any) -> None:
    made.__setstate__((function, made.args, made.keywords, vars(made) or None))


def _argument(made: Any, k: int) -> Any:
    return made.args[k]


def _set_argument(made: Any, k: int, new: Any) -> None:
    args = (*made.args[:k], new, *made.args[k + 1 :])
    made.__setstate__((made.func, args, made.keywords, vars(made) or None))


def _of_function(function: Any) -> Iterator[Place]:
    for cell in function.__closure__ or ():
        if is_set(cell):
            yield _attribute(cell, "cell_contents")
    for k, _ in enumerate(function.__defaults__ or ()):
        yield Place(function, k, partial(_default, function, k), partial(_set_default, function, k))
    yield from _items(function.__kwdefaults__)


def is_set(cell: Any) -> bool:
    """Whether a function's cell holds something."""
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _default(function: Any, k: int) -> Any:
    return function.__defaults__[k]


def _set_default(function: Any, k: int, new: Any) -> None:
    values = function.__defaults__
    function.__defaults__ = (*values[:k], new, *values[k + 1 :])


def _of_class(kind: type, users: Callable[[str], bool]) -> Iterator[Place]:
    for owner in kind.__mro__:
        if users(owner.__module__):
            for name, part in list(vars(owner).items()):
                if not name.startswith("__") or name == "__init__":
                    yield _of_attribute(owner, name, type(part) in _STATIC)


def _of_attribute(owner: type, name: str, static: bool) -> Place:
    """A class's attribute. NumPy's own functions are never bound to objects; ours would be."""

    def get() -> Any:
        part = vars(owner).get(name)
        return part.__func__ if isinstance(part, _STATIC) else part

    def put(new: Any) -> None:
        ours = type(new) is FunctionType
        type.__setattr__(owner, name, staticmethod(new) if static or ours else new)

    return Place(owner, name, get, put)


def function_of(part: Any) -> Any:
    """What a class calls under a name. Objects of other kinds may do anything when asked."""
    if isinstance(part, staticmethod | classmethod):
        return part.__func__
    if isinstance(part, property):
        return part.fget
    return part.func if isinstance(part, cached_property) else part


def holds_any(function: FunctionType) -> bool:
    """Whether a function holds anything beside its module's names."""
    return bool(function.__closure__ or function.__defaults__ or function.__kwdefaults__)


_TIMES = 8
_CALLED = (FunctionType, MethodType, partial)


class HeldMakers:
    """The places that hold functions that are replaced while somebody records.

    Args:
        users: says of the name of a module whether the user wrote it.
    """

    def __init__(self, users: Callable[[str], bool]) -> None:
        self._users = users
        self._ours: dict[int, Any] = {}  # what takes the place of functions, by their ids
        self._always: dict[tuple[int, Any], Place] = {}
        self._coming: list[Place] = []  # those that hold them in the next recording alone
        self._filled: list[tuple[Place, Any, Any]] = []  # those that hold ours now: theirs, ours
        # Traced code: how often it was looked through, whether deep in it were any.
        self._looked: dict[int, tuple[CodeType, int, bool]] = {}
        self._placed = False

    def replace(self, own: Any, ours: Any) -> None:
        """Have ours stand wherever their function is held."""
        self._ours[id(own)] = ours

    def is_replaced(self, value: Any) -> bool:
        """Whether something of ours stands wherever this is held."""
        return id(value) in self._ours

    def instead_of(self, function: Any) -> Any:
        """What stands where a function is held: ours, if it is replaced."""
        return self._ours.get(id(function), function)

    def look_within(self, root: Any, seen: dict[int, int] | None = None) -> None:
        """Find such functions in what something of the user's holds, from now on."""
        for place in places_in(root, self.is_replaced, self._users, seen=seen):
            self._always.setdefault((id(place.owner), place.key), place)
            if self._placed:
                self._fill(place)

    def look_beside(self, function: Any) -> None:
        """The same for a traced function, in the next recording: others of its code hold others.

        Most hold nothing of the kind in their data, however often they are traced: after a few
        times only the functions they hold are looked through.
        """
        code = getattr(function, "__code__", None)
        if code is None:
            self.look_within(function)
            return
        if type(function) is FunctionType and not holds_any(function):
            return
        _, times, deeper = self._looked.get(id(code), (code, 0, False))
        places = places_in(function, self.is_replaced, self._users, through=_CALLED)
        if deeper or times < _TIMES:
            own = len(places)
            places = places_in(function, self.is_replaced, self._users)
            self._looked[id(code)] = code, times + 1, deeper or len(places) > own
        if self._placed:
            for place in places:
                self._fill(place)
        else:
            self._coming.extend(places)

    def fill(self) -> None:
        """Put ours in all places."""
        self._placed = True
        for place in (*self._always.values(), *self._coming):
            self._fill(place)
        self._coming.clear()

    def _fill(self, place: Place) -> None:
        value = place.get()
        if self.is_replaced(value):
            ours = self._ours[id(value)]
            place.put(ours)
            self._filled.append((place, value, ours))

    def restore(self) -> None:
        """Put theirs back in all places that still hold ours."""
        self._placed = False
        for place, value, ours in self._filled:
            if place.get() is ours:
                place.put(value)
        self._filled.clear()
