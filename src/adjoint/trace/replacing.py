"""Names under which others find NumPy's functions, and what stands there while somebody records.

Names imported with ``from numpy import zeros`` are replaced in the modules that hold them.
Modules are only searched when there are new ones; a traced function's own module is looked
at again when it has got new names. What a module's name holds when a recording begins
decides: it may hold something else than it did, or nothing.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterable
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from adjoint.trace.held_makers import HeldMakers, attribute_of, function_of, holds_any
from adjoint.trace.modules import (
    HIDDEN,
    is_followed,
    is_installed,
    is_of_the_user,
    names_a_users_module,
)
from adjoint.trace.reaching import Followed, functions_in_reach
from adjoint.trace.session import while_recording

_own: dict[str, Any] = {}  # NumPy's functions, by name
_ours: dict[str, Any] = {}  # what takes their place
_by_id: dict[int, Any] = {}
# Names in NumPy's other namespaces, or that others replace: namespace, theirs, ours.
_spaces: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = []
_users_alone: set[int] = set()  # of theirs, by id, those that installed modules keep
_offered: dict[str, list[Any]] = {}  # not replaced until some code mentions the name
_waiting: dict[int, Any] = {}  # such of modules that no one holds yet, by the modules' ids
# What is done when some code mentions a name, and which code counts.
_actions: dict[str, tuple[Callable[[], None], Callable[[str, CodeType], bool]]] = {}
_read: dict[int, CodeType] = {}  # code that was searched for such names
_builtins: dict[str, Any] = {}  # what the user's modules have in place of Python's own names
_needed: dict[str, Callable[[str, CodeType], bool]] = {}  # says of code whether it needs ours
_mentioning: dict[tuple[int, str], dict[str, Any]] = {}  # modules whose code mentions one
_watched: dict[int, tuple[dict[str, Any], set[str]]] = {}  # modules by id: names to look at
# Installed modules do not bind names anew: they are replaced together, which is quicker.
_settled: dict[int, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {}
# Modules by id, how many names they had, and which functions. It counts as long as the module is
# there: the names in which a program was executed may go, and others come where they were.
_searched: dict[int, tuple[int, int, weakref.ref[Any]]] = {}
_CALLABLE = frozenset((FunctionType, type))
_modules_seen = 0
_placed = False
_reached: dict[int, dict[str, Any]] = {}  # modules that traced functions reach, by id
_followed = Followed()  # code that was followed to what it may call
_standing: list[tuple[dict[str, Any], str, Any, Any]] = []  # in modules now: theirs, ours
_held = HeldMakers(names_a_users_module)  # other places that hold them


def replace_in_numpy(ours: dict[str, Any]) -> None:
    """Have these stand in NumPy's namespace while somebody records."""
    _ours.update(ours)
    for name, function in ours.items():
        _own[name] = function.adjoint_own = getattr(np, name)
        _by_id[id(_own[name])] = function
        _held.replace(_own[name], function)


def is_replaced(function: Any) -> bool:
    """Whether this is a function that is replaced, or one that takes its place."""
    return id(function) in _by_id or any(function is ours for ours in _ours.values())


def also(names: dict[str, Any], ours: dict[str, Any], *, users_alone: bool = False) -> None:
    """Have further names replaced while somebody records, if the user's code mentions them.

    Args:
        names: a namespace.
        ours: what stands in it.
        users_alone: whether names that installed modules have for theirs stay as they are: code
            that compares a type by ``is`` would take another way.
    """
    space: tuple[dict[str, Any], dict[str, Any], dict[str, Any]] = (names, {}, {})
    _spaces.append(space)
    for name, function in ours.items():
        _by_id[id(names[name])] = function
        if users_alone:
            _users_alone.add(id(names[name]))
        else:
            _held.replace(names[name], function)
        _offered.setdefault(name, []).append((space, names[name], function))
    if _read:
        _find_late(ours)


def _find_late(ours: dict[str, Any]) -> None:
    """Code and modules that were looked through before these were known may ask for them."""
    for name in {name for code in _read.values() for name in code.co_names} & ours.keys():
        _replace_offered(name)
    for name, module in list(sys.modules.items()):
        names = attribute_of(module, "__dict__")
        if type(names) is not dict or name.partition(".")[0] in HIDDEN:
            continue
        for held in [held for held, value in list(names.items()) if id(value) in _by_id]:
            _keep_in_view(names, held)


def _replace_offered(name: str) -> None:
    for (names, own, ours), theirs, function in _offered.pop(name, ()):
        own[name], ours[name] = theirs, function
        if _placed:
            names[name] = function


def replace_offered(names: Iterable[str]) -> None:
    """Replace from now on what these names stand for."""
    for name in names:
        _replace_offered(name)


def with_module(module: ModuleType, ours: dict[str, Any]) -> None:
    """Have functions replaced as soon as a module outside Python's own library holds theirs."""
    names = vars(module)
    own = {name: names[name] for name in ours}
    _waiting[id(module)] = (names, own, ours)
    for name, function in ours.items():
        _by_id[id(own[name])] = function
        _held.replace(own[name], function)


def _is_held(module: ModuleType) -> None:
    """Replace a module's functions from now on: code that is not Python's own holds it."""
    space = _waiting.pop(id(module), None)
    if space is not None:
        _spaces.append(space)
        if _placed:
            space[0].update(space[2])


def from_now_on(names: dict[str, Any], ours: dict[str, Any]) -> None:
    """Have the names of a module that was loaded late replaced in every recording."""
    global _modules_seen
    space = (names, {name: names[name] for name in ours}, ours)
    _spaces.append(space)
    _by_id.update({id(own): ours[name] for name, own in space[1].items()})
    _searched.clear()  # modules may hold such a function by name
    _modules_seen = 0
    if _placed:
        names.update(ours)


def _always(name: str, code: CodeType) -> bool:
    return True


def when_mentioned(
    name: str, action: Callable[[], None], when: Callable[[str, CodeType], bool] = _always
) -> None:
    """Have an action called once when some code of the user's mentions a name.

    Args:
        name: as code has it, of an attribute or a variable.
        action: what is done.
        when: says of code that mentions the name whether that counts.
    """
    _actions[name] = action, when


def for_users(name: str, ours: Any, when: Callable[[str, CodeType], bool] = _always) -> None:
    """Have something stand for one of Python's own names in modules of the user's.

    Args:
        name: such as ``type``.
        ours: what stands for it.
        when: says of code that mentions the name whether its module needs ours.
    """
    _builtins[name], _needed[name] = ours, when


def as_seen_in(names: dict[str, Any], kind: type) -> Any:
    """A type of numbers, or what stands for it in a module of the user's."""
    name = kind.__name__
    held, standing = names.get(name), _builtins.get(name)
    if issubclass(kind, np.generic):
        held, standing = np.__dict__.get(name), _by_id.get(id(kind))
    return held if held is standing and held == kind else kind


def _mention(code: CodeType, module: dict[str, Any]) -> None:
    """Replace from now on what a piece of the user's code may call by a name."""
    if id(code) in _read:
        return
    _read[id(code)] = code
    for name in code.co_names:
        if (
            name in _builtins
            and name not in module
            and (is_of_the_user(module) or id(module) in _reached)
            and _needed[name](name, code)
        ):
            _mentioning[id(module), name] = module
            if _placed:
                module[name] = _builtins[name]
        if name in _actions and _actions[name][1](name, code):
            _actions.pop(name)[0]()
        if id(sys.modules.get(name)) in _waiting:  # the code may import it itself
            _is_held(sys.modules[name])
        _replace_offered(name)
    for part in code.co_consts:
        if type(part) is CodeType:
            _mention(part, module)


def _mention_function(function: FunctionType) -> None:
    """The same for a function, and for those that it wraps: its decorator holds them."""
    pending = [function]
    while pending:
        found = pending.pop()
        if id(found.__code__) in _read and not found.__closure__:
            continue
        _mention(found.__code__, found.__globals__)
        for cell in found.__closure__ or ():
            try:
                inner = cell.cell_contents
            except ValueError:  # not set yet
                continue
            if type(inner) is FunctionType and id(inner.__code__) not in _read:
                pending.append(inner)


def _mentioned_in(names: dict[str, Any]) -> None:
    """Look through the functions and classes of a module of the user's."""
    for value in list(names.values()):
        if issubclass(type(value), type) and value.__module__ == names.get("__name__"):
            for part in list(vars(value).values()):
                function = function_of(part)
                if type(function) is FunctionType:
                    _mention(function.__code__, names)
        elif type(value) is FunctionType:
            _mention_function(value)


def replaced_functions() -> list[tuple[str, Any, Any]]:
    """Name, NumPy's own function and ours, for each that is replaced while recording."""
    return [(name, _own[name], function) for name, function in _ours.items()]


def names_unreplaced() -> dict[str, Any]:
    """NumPy's namespace as it is while nobody records."""
    own = {**np.__dict__, **_own}
    for names, theirs, _ in _spaces:
        if names is np.__dict__:
            own |= theirs
    return own


def is_placed() -> bool:
    """Whether ours stand in places now."""
    return _placed


def _size(names: dict[str, Any]) -> int:
    """How many names a module has of its own."""
    if not _placed:
        return len(names)
    return len(names) - sum(names.get(name) is ours for name, ours in _builtins.items())


def _functions(names: dict[str, Any]) -> int:
    """A number that is another one once a name holds another function or class."""
    return sum([id(value) for value in names.values() if type(value) in _CALLABLE])


def _was_searched(names: dict[str, Any]) -> bool:
    size, functions, owner = _searched.get(id(names), (-1, 0, None))
    if size != _size(names) or owner is None or owner() is None:
        return False
    return _placed or functions == _functions(names)  # ours stand in places while somebody records


def look_at(names: dict[str, Any], owner: Any, seen: dict[int, int] | None = None) -> None:
    """Find NumPy's makers of arrays among a module's names.

    Args:
        names: the module's.
        owner: the module, or a function whose names these are.
        seen: what other modules hold and was looked through, by id.
    """
    seen = {} if seen is None else seen
    if names is np.__dict__ or _was_searched(names):
        return
    try:
        _searched[id(names)] = _size(names), _functions(names), weakref.ref(owner)
    except TypeError:  # some objects that stand for modules have none: they are searched again
        _searched.pop(id(names), None)
    if str(names.get("__name__")).partition(".")[0] in sys.stdlib_module_names:
        return
    if not is_installed(names):
        _mentioned_in(names)
        for value in list(names.values()):
            if not _held.is_replaced(value):
                _held.look_within(value, seen)
    for name, value in list(names.items()):
        if id(value) in _by_id and not name.startswith("__"):
            _keep_in_view(names, name)
        elif id(value) in _waiting:
            _is_held(value)


def _keep_in_view(names: dict[str, Any], name: str) -> None:
    """From now on, replace what a name of a module holds, if it is one of NumPy's functions."""
    if not is_installed(names):
        _watched.setdefault(id(names), (names, set()))[1].add(name)
        if _placed:
            _place(names, name)
        return
    if id(names[name]) in _users_alone:
        return
    _, own, ours = _settled.setdefault(id(names), (names, {}, {}))
    own[name], ours[name] = names[name], _by_id[id(names[name])]
    if _placed:
        names[name] = ours[name]


def _place(names: dict[str, Any], name: str) -> None:
    value = names.get(name)
    ours = _by_id.get(id(value))
    if ours is not None:
        names[name] = ours
        _standing.append((names, name, value, ours))


def _look_ahead(function: Any) -> None:
    """Look at what a function may call in installed libraries."""
    known = type(function) is FunctionType and id(function.__code__) in _followed.code
    if known and not holds_any(function):
        return
    for reached in functions_in_reach(function, is_followed, _followed):
        names = reached.__globals__
        if is_followed(str(names.get("__name__"))):
            _reached[id(names)] = names
            _mention(reached.__code__, names)


def as_called(function: Any) -> Any:
    """What is called for a function: ours, where that is one of those that are replaced."""
    return _held.instead_of(function)


def look_at_function(function: Any) -> None:
    """Find NumPy's makers of arrays among the names that a function sees."""
    _look_ahead(function)
    _held.look_beside(function)
    for _ in range(8):  # wrappers may be nested
        inner = getattr(function, "__wrapped__", None) or getattr(function, "func", None)
        inner = inner or getattr(function, "__func__", None)
        if inner is None:
            break
        function = inner
        _held.look_beside(function)
    code = getattr(function, "__code__", None)
    names = getattr(function, "__globals__", None)
    if code is None or names is None:
        return
    if type(function) is FunctionType:
        _mention_function(function)
    elif id(code) not in _read:
        _mention(code, names)
    if not _was_searched(names):
        module = sys.modules.get(str(names.get("__name__")))
        look_at(names, module if getattr(module, "__dict__", None) is names else function)
    for name in code.co_names:
        if id(names.get(name)) in _by_id:  # it may have held something else before
            _keep_in_view(names, name)


def _look() -> None:
    global _modules_seen
    _modules_seen = len(sys.modules)
    seen: dict[int, int] = {}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in HIDDEN or module is None:
            continue
        names = attribute_of(module, "__dict__")
        if type(names) is dict:
            look_at(names, module, seen)


def _look_for_ours() -> None:
    """Modules that were imported while recording may have taken our functions by name."""
    theirs = {id(function): _own[name] for name, function in _ours.items()}
    for _, own, ours in _spaces:
        theirs.update({id(function): own[name] for name, function in ours.items()})
    for module in list(sys.modules.values()):
        names = attribute_of(module, "__dict__")
        if type(names) is not dict or names is np.__dict__ or id(names) in _searched:
            continue
        for name, value in list(names.items()):
            if id(value) in theirs:
                names[name] = theirs[id(value)]
                _keep_in_view(names, name)


def _begin() -> None:
    global _placed
    if len(sys.modules) != _modules_seen:
        _look()
    np.__dict__.update(_ours)
    for names, _, ours in _spaces:
        names.update(ours)
    for names, _, ours in _settled.values():
        names.update(ours)
    for names, tracked in _watched.values():
        for name in tracked:
            _place(names, name)
    _held.fill()
    for (_, name), module in _mentioning.items():
        module.setdefault(name, _builtins[name])
    _placed = True


def _end() -> None:
    global _placed
    _placed = False
    np.__dict__.update(_own)
    for names, own, _ in _spaces:
        names.update(own)
    for names, own, _ in _settled.values():
        names.update(own)
    for names, name, own_function, ours in _standing:
        if names.get(name) is ours:
            names[name] = own_function
    _standing.clear()
    _held.restore()
    for (_, name), module in _mentioning.items():
        if module.get(name) is _builtins[name]:
            del module[name]
    if len(sys.modules) != _modules_seen:
        _look_for_ours()


while_recording(_begin, _end)
