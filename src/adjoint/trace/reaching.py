"""What a function may call, as far as names tell: functions and classes of installed libraries too.

While somebody records, modules of the user's have names of their own for some of Python's and
NumPy's functions if their code mentions these (``trace/replacing.py``). Installed libraries are too
many to be searched for such code. So what a traced function can reach is followed: the names in its
code, the functions, classes and modules that these hold, and so on from there.
"""

from __future__ import annotations

import sys
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from adjoint.trace.held_makers import attribute_of, function_of, is_set

_LONGEST = 256  # of the tables that are looked through
_MOST = 1500  # functions: what reaches more is some framework's whole, and takes too long


class Followed:
    """What was followed before; the same function is not followed twice."""

    def __init__(self) -> None:
        self.code: dict[int, CodeType] = {}
        self._done: dict[int, tuple[Any, Any]] = {}  # functions and classes, weakly, by id

    def knows(self, value: Any) -> bool:
        """Whether a function, or what makes an object, was followed; from now on it was."""
        kind = type(value)
        known = value if kind is FunctionType or issubclass(kind, type) else kind
        cells = known.__closure__ if kind is FunctionType else None
        holds = tuple([id(cell.cell_contents) for cell in cells if is_set(cell)]) if cells else ()
        found = self._done.get(id(known))
        if found is not None and found[0]() is known and found[1] == holds:
            return True
        self._done[id(known)] = (weakref.ref(known), holds)
        return False


def functions_in_reach(
    root: Any, belongs: Callable[[str], bool], followed: Followed
) -> Iterator[FunctionType]:
    """The functions that one may call, and that no one before could.

    Args:
        root: a function, or what wraps one.
        belongs: says of a module's name whether its functions are followed.
        followed: what was met before; what is met is added.
    """
    count = 0
    pending = deque([root])  # what is nearest comes first
    while pending and count < _MOST:
        value = pending.popleft()
        parts = _parts(value)
        if parts:
            pending.extend([part for part in parts if _leads_on(part, belongs)])
        elif not issubclass(type(value), partial | MethodType) and followed.knows(value):
            continue
        for function in _functions_of(value, belongs):
            count += 1
            held = _own_of(function)  # others of the same code hold other things
            modules = [attribute_of(x, "__dict__") for x in held if _is_module(x)]
            spaces = [names for names in modules if belongs(str(names.get("__name__")))]
            code = function.__code__
            if id(code) not in followed.code:
                followed.code[id(code)] = code
                yield function
                spaces.append(function.__globals__)
            if spaces:
                held += _named_in(code, spaces, belongs)
            pending.extend([value for value in held if _leads_on(value, belongs)])


def _parts(value: Any) -> list[Any]:
    """What a table of functions holds, or a partial function beside its function."""
    if issubclass(type(value), partial):
        return [*value.args, *value.keywords.values()]
    if type(value) in (list, tuple, dict) and len(value) <= _LONGEST:
        return list(value.values() if type(value) is dict else value)
    return []


def _functions_of(value: Any, belongs: Callable[[str], bool]) -> Iterator[FunctionType]:
    """What is called when a value is, or when its methods are."""
    for _ in range(8):  # wrappers may be nested
        inner = attribute_of(value, "__wrapped__") if callable(value) else None
        if issubclass(type(value), partial):
            inner = value.func
        elif type(value) is MethodType:
            inner = value.__func__
        if type(value) is FunctionType:
            yield value
        if inner is None:
            break
        value = inner
    if type(value) is FunctionType or _is_module(value):
        return
    kind = value if issubclass(type(value), type) else type(value)
    for owner in kind.__mro__:
        if belongs(owner.__module__):
            for part in list(vars(owner).values()):
                method = function_of(part)
                if type(method) is FunctionType:
                    yield method


def _names_in(code: CodeType) -> set[str]:
    names: set[str] = set()
    pending = [code]
    while pending:
        part = pending.pop()
        names.update(part.co_names)
        pending.extend([x for x in part.co_consts if type(x) is CodeType])
    return names


def _own_of(function: FunctionType) -> list[Any]:
    """What a function's cells and defaults hold."""
    cells = [cell.cell_contents for cell in function.__closure__ or () if is_set(cell)]
    return [*cells, *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]


def _named_in(
    code: CodeType, spaces: list[dict[str, Any]], belongs: Callable[[str], bool]
) -> list[Any]:
    """What the names in code hold in some modules, attributes of further modules included."""
    names = _names_in(code)
    found = []
    for space in spaces:  # which grows by the modules that are found
        for name in names:
            value = space.get(name)
            if _is_module(value):
                inner = attribute_of(value, "__dict__")
                if belongs(str(inner.get("__name__"))) and not any(
                    inner is other for other in spaces
                ):
                    spaces.append(inner)
            elif value is not None:
                found.append(value)
    return found


def _is_module(value: Any) -> bool:
    return issubclass(type(value), ModuleType)


def _leads_on(value: Any, belongs: Callable[[str], bool]) -> bool:
    if issubclass(type(value), partial | MethodType):
        return True
    if type(value) in (list, tuple, dict):
        return any(map(callable, _parts(value)))
    module = attribute_of(value if callable(value) else type(value), "__module__")
    if type(module) is not str or module not in sys.modules:
        module = type(value).__module__
    return belongs(module)
