"""What NumPy's functions, ufuncs and methods mean on stand-in arrays: three tables.

To add a function, write it with stand-ins in mind in a module of ``trace/calls`` and put
``@implements(np.name)`` above it; ``ndarray`` methods of the same name are found too.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numpy as np

from adjoint import tree
from adjoint.errors import UnsupportedError
from adjoint.graph.primitive import primitives
from adjoint.graph.source import only_looked_at, source_here
from adjoint.trace import recorder as core
from adjoint.trace.adopting import with_own_target
from adjoint.trace.calls.support import with_sequence_as_list
from adjoint.trace.indexing import RECORDED, known_value, plain_value
from adjoint.trace.masked import MaskedSelection
from adjoint.trace.targets import Call, taken
from adjoint.trace.views import writable
from adjoint.trace.without_rule import no_rule

F = TypeVar("F", bound=Callable[..., Any])

_functions: dict[Any, Callable[..., Any]] = {}
_ufuncs: dict[Any, Callable[..., Any]] = {}
_methods: dict[str, Callable[..., Any]] = {}
_refused: dict[Any, str] = {}


def own(function: Any) -> Any:
    """NumPy's own function, also for one that takes its place while somebody records."""
    return getattr(function, "adjoint_own", function)


def implements(*functions: Any, methods: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Say that a Python function does what these NumPy functions do.

    Args:
        functions: NumPy functions or ufuncs.
        methods: names of ndarray methods that do the same with self as first argument.
    """

    def note(function: F) -> F:
        for known in map(own, functions):
            table = _ufuncs if isinstance(known, np.ufunc) else _functions
            table[known] = function
        for name in methods:
            _methods[name] = function
        return function

    return note


def refuse(reason: str, *functions: Any) -> None:
    """Say why functions have no rule, and what to use instead."""
    for function in map(own, functions):
        _refused[function] = reason


def method(name: str) -> Callable[..., Any] | None:
    """The rule of an ndarray method."""
    return _methods.get(name)


def supported() -> tuple[dict[Any, Any], dict[Any, Any], dict[str, Any], dict[Any, str]]:
    """The tables, for the coverage page: functions, ufuncs, methods, refusals."""
    return _functions, _ufuncs, _methods, _refused


def _unsupported(function: Any) -> UnsupportedError:
    name = getattr(function, "__name__", str(function))
    module = (getattr(function, "__module__", "") or "numpy").replace("numpy", "np", 1)
    if isinstance(function, np.ufunc) and own(getattr(np, name, None)) is not function:
        module = "np.linalg" if hasattr(np.linalg, name) else "scipy.special"
    names = [f.__name__ for f in (*_functions, *_ufuncs)]
    near = difflib.get_close_matches(name, names, 1, 0.75)
    remedy = _refused.get(function)
    if remedy is None:
        remedy = f"the nearest supported function is np.{near[0]}; " if near else ""
        remedy += "wrap it with ad.custom_vjp, or keep it outside the differentiated function"
    return no_rule(f"{module}.{name}", remedy=remedy)


def find_function(function: Any) -> Callable[..., Any]:
    """The rule of a NumPy function; raises UnsupportedError by name."""
    found = _functions.get(function) or _functions.get(own(function))
    if found is None:
        raise _unsupported(function)
    return found


def foreign(name: str) -> UnsupportedError:
    """The error for a write into an array that others may see."""
    return UnsupportedError(
        "a recorded value cannot be written into an array made outside the recording",
        function=name,
        source=source_here(),
        remedy="make the array inside the function, with np.zeros or np.array(a)",
    )


def _of_python(ufunc: Any) -> bool:
    """Whether np.frompyfunc made it. Its function may give recorded numbers for plain ones."""
    return bool(ufunc.__name__.endswith(" (vectorized)"))


def _ufunc_rule(ufunc: Any) -> Callable[..., Any] | None:
    found = _ufuncs.get(ufunc)
    if found is None and _of_python(ufunc):
        return partial(_methods["ufunc of Python's"], ufunc)
    if found is None and getattr(np, ufunc.__name__, None) is not ufunc:
        # scipy.special's ufuncs are found by name: SciPy is not imported for them.
        name = ufunc.__name__
        if name in primitives and "scipy" in primitives[name].notes:
            from adjoint.trace.elementwise import elementwise

            primitive = primitives[name]
            found = _ufuncs[ufunc] = lambda *xs: elementwise(primitive, *xs)
    return found


# Functions that write into their arguments or call the user's, and so are never left to NumPy.
WRITING: set[Any] = set()


def _with_taken_target(
    function: Any, args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call, a stand-in in place of a plain array that it writes into."""
    call = Call(function, args, options)
    if type(options.get("out")) is np.ndarray:
        given = taken(options["out"], call)
        return (args, options) if given is None else (args, {**options, "out": given})
    if function in WRITING and args and type(args[0]) is np.ndarray:
        given = taken(args[0], call)
        return (args, options) if given is None else ((given, *args[1:]), options)
    return args, options


def array_function(function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """A call of a NumPy function with a stand-in among its arguments."""
    try:
        return _array_function(function, args, options)
    except UnsupportedError:
        seen = tree.tree_map(known_value, (args, options)) if only_looked_at() else None
        if seen is None or core.TracedArray in map(type, tree.flatten(seen)[0]):
            raise
        return function(*seen[0], **seen[1])


def _array_function(function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    if function in WRITING or options.get("out") is not None:
        args, options = _with_taken_target(function, args, options)
    for x in args:
        if type(x) is core.TracedArray and x.recorder is not core.PLAIN:
            rule = _functions.get(function)  # the short way: something is recorded
            if rule is not None and (x is args[0] or "out" not in options):
                return rule(*args, **options)
            break
    if function not in WRITING and options.get("out") is None:
        arrays: list[Any] = []
        positional = _plain_arguments(args, arrays)
        by_name = _plain_arguments(options, arrays)
        if arrays and positional is not None and by_name is not None:
            # Nothing is recorded: NumPy's own function does it. Only results that look into
            # the memory of an argument must be tied to it, which the rules do.
            result = function(*positional, **by_name)
            if function not in _functions or not _shares(result, arrays):
                return _plain_result(result)
    result = find_function(function)(*args, **options)
    target = options.get("out")
    if target is not None and result is not target and type(result) is core.TracedArray:
        return _methods["ufunc stored"](result, target, f"np.{function.__name__}")
    return result


def _plain_arguments(x: Any, arrays: list[Any]) -> Any:
    """Arguments with plain stand-ins replaced by their arrays; None if one is recorded."""
    x = with_sequence_as_list(x)
    kind = type(x)
    if kind is core.TracedArray:
        found = plain_value(x)
        if found is RECORDED:
            return None
        arrays.append(found)
        return found
    if kind is MaskedSelection:
        return None
    if kind is tuple or kind is list:
        made = []
        for part in x:
            found = _plain_arguments(part, arrays)
            if found is None and part is not None:
                return None
            made.append(found)
        return kind(made)
    if kind is dict:
        values = _plain_arguments(list(x.values()), arrays)
        return None if values is None else dict(zip(x, values, strict=True))
    return x


def _shares(result: Any, arrays: list[Any]) -> bool:
    if isinstance(result, tuple | list):
        return any(_shares(part, arrays) for part in result)
    return type(result) is np.ndarray and any(np.may_share_memory(result, a) for a in arrays)


def _plain_result(result: Any) -> Any:
    if type(result) in (tuple, list):
        return type(result)([_plain_result(part) for part in result])
    if isinstance(result, tuple) and hasattr(result, "_fields"):
        return type(result)(*[_plain_result(part) for part in result])
    return core.plain(result)


def _plain_ufunc(ufunc: Any, how: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """A ufunc on plain stand-ins alone; None if something is recorded."""
    made = _plain_arguments(inputs, [])
    if made is None:
        return None
    options = dict(options)
    targets = options.pop("out", ()) or ()
    others = _plain_arguments(options, [])
    if others is None or _plain_arguments(targets, []) is None:
        return None
    if how == "at":
        target = inputs[0]
        if type(target) is core.TracedArray:
            target = writable(target)
        ufunc.at(target, *made[1:], **others)
        return (None,)
    if targets:
        others["out"] = tuple([writable(x) if type(x) is core.TracedArray else x for x in targets])
    result = getattr(ufunc, how)(*made, **others)
    if targets:
        results = result if isinstance(result, tuple) else (result,)
        pairs = zip(targets, results, strict=True)
        kept = tuple([y if x is None else x for x, y in pairs])
        return (kept if len(kept) > 1 else kept[0],)
    return (_plain_result(result),)


def array_ufunc(ufunc: Any, how: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """A call of a ufunc or one of its methods with a stand-in among its operands."""
    recorder = core.innermost(inputs)
    if options and (recorder is None or recorder is core.PLAIN):
        recorder = core.innermost([*inputs, *options.values(), *(options.get("out") or ())])
    if recorder is core.PLAIN and not (how == "__call__" and _of_python(ufunc)):
        found = _plain_ufunc(ufunc, how, inputs, options)
        if found is not None:
            return found[0]
    if options.get("out") is not None:
        options = with_own_target(ufunc, how, inputs, options)
    elif how == "at" and type(inputs[0]) is np.ndarray:
        given = taken(inputs[0], Call(ufunc.at, inputs, options))
        inputs = inputs if given is None else (given, *inputs[1:])
    if how == "__call__":
        rule = _ufunc_rule(ufunc)
        if rule is None:
            raise _unsupported(ufunc)
        if options and ufunc.signature is not None:
            return _methods["ufunc of cores"](rule, inputs, options, f"np.{ufunc.__name__}")
        if options:
            return _methods["ufunc with options"](ufunc, rule, inputs, options)
        return rule(*inputs)
    form = _methods.get(f"ufunc.{how}")
    if form is None:
        remedy = "write it with np.sum, np.cumsum, np.multiply.outer or indexing"
        raise no_rule(f"np.{ufunc.__name__}.{how}", remedy=remedy)
    return form(ufunc, *inputs, **options)
