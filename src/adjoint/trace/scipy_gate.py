"""How SciPy's Python functions, called by their own names, reach our rules.

SciPy turns its arguments into plain arrays and asks nobody. While somebody records, the
functions that have a rule therefore run other code: it has their parameters, looks for
stand-ins among the arguments, and goes to the rule or to SciPy's own code. The function
objects stay the same, so names imported with ``from`` are found as well, and calls from
other threads, which hold no stand-ins, do what they always did.

A function keeps that code after the recording, so that the next one costs nothing, until
it is first called while nobody records: it then takes its own code back by itself.
Modules of SciPy that are first imported inside a recorded function are found by an import
hook that is there for the length of the recording.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from inspect import CO_GENERATOR
from types import CodeType, FunctionType, ModuleType
from typing import Any, TypeVar

import numpy as np

from adjoint.errors import UnsupportedError
from adjoint.graph.source import source_here
from adjoint.trace import recorder as core
from adjoint.trace.scipy_families import FAMILIES
from adjoint.trace.session import anyone_recording, is_recording, while_recording

F = TypeVar("F", bound=Callable[..., Any])

_families = dict(FAMILIES)  # not loaded yet
_PLACEHOLDER = 918273645546372819  # a constant that the rule takes the place of
_lock = threading.RLock()


class Entry:
    """One function of SciPy's with a rule.

    Args:
        name: where it is found, dotted.
        rule: called with the same arguments, all positional ones by position.
        wanted: what decides, from the arguments, whether the rule is called.
        takes_made: whether the rule is called for arrays that the recorded function has made.
    """

    def __init__(
        self,
        name: str,
        rule: Callable[..., Any],
        wanted: Callable[..., bool] | None,
        takes_made: bool = False,
    ) -> None:
        self.name = name
        self.rule = rule
        self.wanted = wanted
        self.takes_made = takes_made
        self.function: FunctionType | None = None
        self.own_code: CodeType | None = None
        self.our_code: CodeType | None = None
        self.original: Any = None

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the function does now: the rule, or SciPy's own code."""
        if holds_traced(args) or holds_traced(kwargs.values()):
            if self.takes_made:
                return self.follow(args, kwargs)
            out, args, kwargs = self.target(args, kwargs)
            args, kwargs = self.with_known_settings(plainly(args), plainly(kwargs))
            if out is not None:
                return deliver(self.follow(args, kwargs), out, self.name)
            if holds_traced(args) or holds_traced(kwargs.values()):
                return self.follow(args, kwargs)
        if self.wanted is not None and is_recording() and self.wanted(*args, **kwargs):
            return self.follow(args, kwargs)
        if not anyone_recording():
            self.rest()
        return self.original(*args, **kwargs)

    def with_known_settings(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Recorded tolerances as numbers where they are known: no result moves by them."""
        assert self.own_code is not None
        names = self.own_code.co_varnames[: self.own_code.co_argcount]
        if holds_traced([x for name, x in zip(names, args, strict=False) if name in _TOLERANCES]):
            known = [
                _setting(x) if n in _TOLERANCES else x for n, x in zip(names, args, strict=False)
            ]
            args = (*known, *args[len(known) :])
        if not _TOLERANCES.isdisjoint(kwargs):
            kwargs = {k: _setting(x) if k in _TOLERANCES else x for k, x in kwargs.items()}
        return args, kwargs

    def target(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
        """The array that the result goes into, if one is given, and the other arguments."""
        assert self.own_code is not None
        for name in ("out", "output"):
            if is_array(kwargs.get(name)):
                return kwargs[name], args, {k: v for k, v in kwargs.items() if k != name}
            names = self.own_code.co_varnames[: self.own_code.co_argcount]
            if name in names and is_array(args[at := names.index(name)]):
                return args[at], (*args[:at], None, *args[at + 1 :]), kwargs
        return None, args, kwargs

    def follow(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the rule. Where a value is chosen among several, the others may be infinite."""
        if _is_numpy(kwargs.get("xp")):  # as if it were not said
            kwargs = {k: v for k, v in kwargs.items() if k != "xp"}
        with np.errstate(all="ignore"):
            return self.rule(*args, **kwargs)

    def find(self) -> bool:
        """Look the function up; False where this SciPy does not have it.

        Looking may load a module, and so come here again: then that is what has found it.
        """
        module, path = _split(self.name)
        found: Any = module
        for part in path:
            found = getattr(found, part, None)
        if not isinstance(found, FunctionType) or self.function is not None:
            return False
        self.function, self.own_code = found, found.__code__
        self.our_code = _code_for(found, self)
        self.original = FunctionType(
            found.__code__, found.__globals__, found.__name__, found.__defaults__, found.__closure__
        )
        self.original.__kwdefaults__ = found.__kwdefaults__
        return True

    def arm(self) -> None:
        """Put our code in place."""
        if self.function is not None and self.our_code is not None:
            self.function.__code__ = self.our_code

    def rest(self) -> None:
        """Give the function its own code back, unless somebody has begun to record."""
        with _lock:
            if anyone_recording():
                return
            if self.function is not None and self.own_code is not None:
                self.function.__code__ = self.own_code
                _resting.append(self)


def _is_numpy(namespace: Any) -> bool:
    """Whether a namespace that is given as ``xp=`` is NumPy's, also with the standard's names."""
    return namespace is np or getattr(namespace, "__name__", "").endswith("array_api_compat.numpy")


_TOLERANCES = frozenset(("atol", "btol", "cond", "epsabs", "epsrel", "ftol", "gtol"))
_TOLERANCES |= {"precision", "rcond", "rtol", "tol", "xtol"}
entries: dict[str, Entry] = {}
_waiting: list[Entry] = []  # not looked up yet
_resting: list[Entry] = []  # looked up, with SciPy's own code
_armed: dict[int, Entry] = {}  # by the function's id
_modules_seen = 0
_looking = False


def scipy_rule(
    *names: str, wanted: Callable[..., bool] | None = None, takes_made: bool = False
) -> Callable[[F], F]:
    """Say that a function does what these functions of SciPy do, on stand-ins."""

    def note(rule: F) -> F:
        for name in names:
            entries[name] = entry = Entry(name, rule, wanted, takes_made)
            _waiting.append(entry)
        return rule

    return note


def has_rule(function: FunctionType) -> bool:
    """Whether a function of SciPy's goes to a rule of ours by itself while somebody records."""
    return id(function) in _armed


def holds_traced(values: Any) -> bool:
    """Whether there is a stand-in among values, also inside lists, tuples and dicts."""
    traced = core.TracedArray
    for x in values:
        kind = type(x)
        if kind is traced:
            return True
        if kind is list or kind is tuple:
            if holds_traced(x):
                return True
        elif kind is dict and holds_traced(x.values()):
            return True
    return False


def plainly(x: Any) -> Any:
    """Arrays made inside the recorded function, which no recorded value has entered, as arrays."""
    kind = type(x)
    if kind is core.TracedArray:
        return core.unwrapped(x)
    if kind is list or kind is tuple:
        return kind([plainly(part) for part in x])
    if kind is dict:
        return {key: plainly(part) for key, part in x.items()}
    return x


def _setting(x: Any) -> Any:
    """A number, if it is known, in the place of a recorded one."""
    value = x
    while type(value) is core.TracedArray and value.tie is None:
        value = value.payload
    known = isinstance(value, np.ndarray | np.generic) and value.ndim == 0
    return value.item() if known else x


def is_array(x: Any) -> bool:
    """Whether x is an array or a stand-in for one."""
    return type(x) is core.TracedArray or isinstance(x, np.ndarray)


def deliver(result: Any, out: Any, name: str) -> Any:
    """Write a result into the array that was given for it."""
    if type(out) is not core.TracedArray and holds_traced([result]):
        raise UnsupportedError(
            "a recorded result cannot be written into an array made outside the recording",
            function=name,
            source=source_here(),
            remedy="make the array inside the function with np.zeros, or take the result as it is",
        )
    out[...] = result
    return out


def restore() -> None:
    """Give every function its own code back now."""
    with _lock:
        for entry in _armed.values():
            if entry.function is not None and entry.function.__code__ is entry.our_code:
                entry.rest()


def _split(name: str) -> tuple[ModuleType | None, list[str]]:
    """The longest imported module in a dotted name, and the rest."""
    parts = name.split(".")
    # SciPy itself would load the package that it is asked for.
    least = 2 if parts[0] == "scipy" else 1
    for k in range(len(parts) - 1, least - 1, -1):
        module = sys.modules.get(".".join(parts[:k]))
        if module is not None:
            return module, parts[k:]
    return None, parts


def _code_for(function: FunctionType, entry: Entry) -> CodeType:
    """Code with the function's parameters that hands them all to the entry."""
    own = function.__code__
    names = list(own.co_varnames)
    count, only = own.co_argcount, own.co_kwonlyargcount
    positional, by_name = names[:count], names[count : count + only]
    rest = names[count + only :]
    star = rest.pop(0) if own.co_flags & 4 else None
    stars = rest.pop(0) if own.co_flags & 8 else None
    parameters = positional[: own.co_posonlyargcount]
    parameters += ["/"] if parameters else []
    parameters += positional[own.co_posonlyargcount :]
    if star or by_name:
        parameters.append(f"*{star or ''}")
    parameters += by_name + ([f"**{stars}"] if stars else [])
    given = "".join(f"{name}, " for name in positional) + (f"*{star}, " if star else "")
    named = [f"{name!r}: {name}" for name in by_name] + ([f"**{stars}"] if stars else [])
    free = ", ".join(own.co_freevars)
    source = f"def outer({free}):\n"
    source += f" def inner({', '.join(parameters)}):\n"
    source += f"  if 0: {free}\n" if free else ""
    source += f"  adjoint_entry = {_PLACEHOLDER}\n"
    call = f"adjoint_entry(({given}), {{{', '.join(named)}}})"
    # Python takes the code of a generator for that of a generator only.
    source += f"  return {f'(yield from {call})' if own.co_flags & CO_GENERATOR else call}\n"
    source += " return inner\n"
    scope: dict[str, Any] = {}
    exec(compile(source, own.co_filename, "exec"), scope)
    made: CodeType = scope["outer"](*own.co_freevars).__code__
    constants = tuple(entry if x == _PLACEHOLDER else x for x in made.co_consts)
    return made.replace(
        co_consts=constants,
        co_name=own.co_name,
        co_qualname=own.co_qualname,
        co_firstlineno=own.co_firstlineno,
    )


def _look() -> None:
    """Load the rules of the packages that have been imported, and put them in place.

    Rules import packages of SciPy's themselves: what that brings up waits for the next round.
    """
    global _modules_seen, _looking
    with _lock:
        if _looking:
            return
        _looking = True
        try:
            while found := [p for p in _families if p in sys.modules]:
                for module in _families.pop(found[0]):
                    whole = module if "." in module else f"adjoint.trace.calls.{module}"
                    importlib.import_module(whole)
        finally:
            _looking = False
        _modules_seen = len(sys.modules)
        for entry in _waiting[:]:
            if entry.function is not None or not entry.find():
                continue
            _waiting.remove(entry)
            assert entry.function is not None
            if id(entry.function) not in _armed:  # one function may have two names
                _armed[id(entry.function)] = entry
                entry.arm()


def _begin() -> None:
    if len(sys.modules) != _modules_seen:
        _look()
    with _lock:  # whoever is taking a function's code back just now has done so after this
        while _resting:
            _resting.pop().arm()
    sys.meta_path.insert(0, _finder)


def _end() -> None:
    if _finder in sys.meta_path:  # beginning may have failed before it was put there
        sys.meta_path.remove(_finder)


class _Finder:
    """Finds SciPy's packages where they are, and looks for functions once they are loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in _families:
            return None
        for finder in sys.meta_path:
            if finder is self:
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                spec.loader = _Loader(spec.loader)  # type: ignore[assignment]
                return spec
        return None


class _Loader:
    """A module's own loader, and a look at what it has loaded."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)

    def create_module(self, spec: ModuleSpec) -> Any:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self.loader
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        outermost = not getattr(_loading, "any", False)
        _loading.any = True
        try:
            self.loader.exec_module(module)
        finally:
            _loading.any = not outermost
        if outermost:  # what it imports in turn may need what is not there yet
            _look()


_loading = threading.local()
_finder: Any = _Finder()
while_recording(_begin, _end)
