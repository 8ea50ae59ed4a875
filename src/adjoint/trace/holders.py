"""Who holds a plain array: every variable, item and attribute, or nothing if one is not found.

A recorded value may be written into a plain array if a stand-in can take its place wherever
somebody could look. So all that refers to the array is searched for: local variables of the
functions that are running, cells, lists, dictionaries, attributes. If Python counts one reference
more than were found, in a tuple, in a view, in the middle of an expression, in another thread,
the array is left alone.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator
from inspect import CO_OPTIMIZED, ismemberdescriptor
from types import CellType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from adjoint.graph.source import is_hidden
from adjoint.trace import recorder as core
from adjoint.trace.held_makers import attribute_of
from adjoint.trace.slots import Slot

_MAPPINGS = (dict, OrderedDict, defaultdict)
_SEQUENCES = (list, deque)
_SNAPSHOTS = sys.version_info < (3, 13)  # f_locals is a copy, which the frame keeps
_BORROWED = sys.version_info >= (3, 14)  # a parameter may hold without a count
_NEARBY = 2000  # objects looked at, before all that there are
_WITHOUT_PARTS = (ModuleType, np.ndarray, np.ufunc, int, float, bool, str, type(None))


class Variables(NamedTuple):
    """Local variables of a running function, or those of a function around it."""

    frame: FrameType
    names: list[str]

    @property
    def references(self) -> int:
        """The references of these. What is in cells is found there."""
        code = self.frame.f_code
        inner = set(code.co_varnames) - set(code.co_cellvars)
        return sum(name in inner for name in self.names) + _SNAPSHOTS * len(self.names)

    def put(self, value: Any) -> None:
        """Bind them to something else."""
        names = self.frame.f_locals
        for name in self.names:
            names[name] = value
        if _SNAPSHOTS:
            frame = ctypes.py_object(self.frame)
            ctypes.pythonapi.PyFrame_LocalsToFast(frame, ctypes.c_int(0))


class Holders(NamedTuple):
    """All that was found to hold an array, and how many references those are."""

    variables: list[Variables]
    slots: list[Slot]
    references: int

    def put(self, value: Any) -> None:
        """Have all of them hold something else."""
        for variable in self.variables:
            variable.put(value)
        for slot in self.slots:
            slot.put(value)


def holders_of(
    box: list[Any],
    frame: FrameType,
    recorders: Iterable[core.Recorder],
    ignored: tuple[Any, ...] = (),
) -> Iterator[Holders]:
    """Who holds the array in a box, as far as is seen: at a glance first, then by all objects.

    Args:
        box: a list that holds the array and nothing else.
        frame: the function of the user's that writes into it.
        recorders: whose references are counted elsewhere.
        ignored: further containers that are no places of the user's.
    """
    variables, near, modules = _variables(box, frame)
    if variables is None:
        return
    count = sum(variable.references for variable in variables)
    found = {(id(slot.owner), slot.key): slot for slot in _in_reach(box, near, modules)}
    yield Holders(variables, list(found.values()), count + len(found))
    known = {id(x) for x in (box, *ignored, *near)}
    known.update(id(noted) for r in recorders for noted in (r.frames, r.payloads))
    containers = [x for x in gc.get_referrers(box[0]) if id(x) not in known]
    more = {(id(slot.owner), slot.key): slot for x in containers for slot in _slots_in(x, box)}
    containers.clear()
    count += _left_over(box)
    for place in more.keys() - found.keys():
        owners = [x for x in gc.get_referrers(more[place].owner) if type(x) is not Slot]
        if any(map(_forbids, owners)):
            return
        if owners or more[place].is_attribute:  # if not, it is of our calls
            found[place] = more[place]
    yield Holders(variables, list(found.values()), count + len(found))


def _variables(
    box: list[Any], frame: FrameType | None
) -> tuple[list[Variables] | None, list[Any], list[dict[str, Any]]]:
    """Variables of running functions that hold the array, the names of all, and their modules."""
    found, near, modules = [], [], []
    while frame is not None and not _is_ours(frame):
        if frame.f_code.co_flags & CO_OPTIMIZED and not is_hidden(frame.f_code):
            names: Any = frame.f_locals
            near.append(names)
            modules.append(frame.f_globals)
            held = [name for name, value in names.items() if value is box[0]]
            if held:
                found.append(Variables(frame, held))
            if _BORROWED and not set(held).isdisjoint(_parameters(frame)):
                return None, near, modules
        frame = frame.f_back
    return found, near, modules


def _is_ours(frame: FrameType) -> bool:
    own = str(frame.f_globals.get("__name__")).startswith("adjoint.")
    return own and is_hidden(frame.f_code)


def _parameters(frame: FrameType) -> tuple[str, ...]:
    code = frame.f_code
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _in_reach(box: list[Any], near: list[Any], modules: list[dict[str, Any]]) -> Iterator[Slot]:
    """The places that functions reach by their names, in few steps."""
    pending: deque[Any] = deque(value for names in near for value in list(names.values()))
    pending.extend(modules)
    seen = set(map(id, near))  # copies, if the user has them too
    while pending and len(seen) < _NEARBY:
        x = pending.popleft()
        kind = type(x)
        if id(x) in seen or kind in _WITHOUT_PARTS or issubclass(kind, type):
            continue
        seen.add(id(x))
        yield from _slots_in(x, box)
        pending.extend(_parts(x))


def _parts(x: Any) -> Iterable[Any]:
    kind = type(x)
    if kind in _MAPPINGS:
        return list(x.values())
    if kind in (*_SEQUENCES, tuple):
        return list(x) if len(x) < _NEARBY else ()
    if kind is FunctionType:
        return x.__closure__ or ()
    if kind is MethodType:
        return (x.__self__,)
    if kind is CellType:
        return gc.get_referents(x)
    if kind.__dictoffset__ and not _is_of_adjoint(kind):
        kept = attribute_of(x, "__dict__")
        return list(kept.values()) if type(kept) is dict else ()
    return ()


def _slots_in(holder: Any, box: list[Any]) -> Iterator[Slot]:
    """The places in one container that hold the array."""
    kind = type(holder)
    if _is_of_adjoint(kind):
        return
    if kind in _MAPPINGS:
        yield from [Slot(holder, key, False) for key, x in list(holder.items()) if x is box[0]]
    elif kind in _SEQUENCES:
        yield from [Slot(holder, i, False) for i, x in enumerate(list(holder)) if x is box[0]]
    elif kind is CellType:
        if any(x is box[0] for x in gc.get_referents(holder)):
            yield Slot(holder, "cell_contents", True)
    elif not issubclass(kind, type):
        kept = attribute_of(holder, "__dict__")
        if type(kept) is dict:
            yield from _slots_in(kept, box)
        usual: Any = object.__setattr__
        for name in _member_names(kind) if kind.__setattr__ is usual else ():
            if attribute_of(holder, name) is box[0]:
                yield Slot(holder, name, True)


def _member_names(kind: type) -> list[str]:
    members = [vars(base) for base in kind.__mro__ if "__slots__" in vars(base)]
    return [name for names in members for name, x in names.items() if ismemberdescriptor(x)]


def _forbids(owner: Any) -> bool:
    """Whether a container belongs to a class, or to a recording."""
    return issubclass(type(owner), type) or _is_of_adjoint(type(owner))


def _is_of_adjoint(kind: type) -> bool:
    return str(kind.__module__).startswith("adjoint.")


def _left_over(box: list[Any]) -> int:
    """How many are the last tuple that ``enumerate`` or ``zip`` gave out, and writes over next.

    The collector may have lost sight of the tuples, but not of who made them.
    """
    makers = [x for x in gc.get_objects() if type(x) in (enumerate, zip)]
    tuples = [x for maker in makers for x in gc.get_referents(maker) if type(x) is tuple]
    return sum([_is_alone(x) and any(part is box[0] for part in x) for x in tuples])


def _is_alone(x: Any) -> bool:
    """Whether only its maker has it, our list, and the names by which it is known here."""
    return sys.getrefcount(x) <= _OF_MAKER


def _count_of_maker() -> int:
    maker = enumerate([1.5])
    next(maker)
    tuples = [x for x in gc.get_referents(maker) if type(x) is tuple]
    return max([_count_here(x) for x in tuples])


def _count_here(x: Any) -> int:
    return sys.getrefcount(x)


_OF_MAKER = _count_of_maker()
