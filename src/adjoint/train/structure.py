"""A model's structure as JSON, and back."""

from __future__ import annotations

import dataclasses
import math
import sys
from types import FunctionType
from typing import Any

import numpy as np

from adjoint import nn
from adjoint.errors import FileFormatError, StructureError


def describe(value: Any, arrays: dict[str, Any], path: str = "") -> Any:
    """A value as JSON; its arrays go into ``arrays`` by path.

    Raises:
        StructureError: something that has no name to be found again by.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind not in "biufc":
            raise _nameless(value, path, f"an array of dtype {value.dtype}")
        arrays[path] = value
        return {"array": path, "number": not isinstance(value, np.ndarray)}
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, complex):
        return {"complex": [repr(value.real), repr(value.imag)]}
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return {"dtype": np.dtype(value).str, "type": isinstance(value, type)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _describe_object(value, arrays, path)
    if type(value) in (tuple, list):
        kind = type(value).__name__
        return {kind: [describe(x, arrays, f"{path}[{i}]") for i, x in enumerate(value)]}
    if type(value) is dict:
        pairs = [[describe(k, {}), describe(x, arrays, f"{path}[{k!r}]")] for k, x in value.items()]
        return {"dict": pairs}
    if isinstance(value, FunctionType | np.ufunc | type):
        return {"function": _function_name(value, path)}
    raise _nameless(value, path, f"a value of type {type(value).__name__}")


def _describe_object(value: Any, arrays: dict[str, Any], path: str) -> Any:
    kind = type(value)
    if getattr(nn, kind.__name__, None) is kind:
        name = f"nn.{kind.__name__}"
    elif "<locals>" in kind.__qualname__:
        raise _nameless(value, path, f"the class {kind.__qualname__}, defined inside a function")
    else:
        name = f"{kind.__module__}:{kind.__qualname__}"
    fields = {
        field.name: describe(getattr(value, field.name), arrays, f"{path}.{field.name}".lstrip("."))
        for field in dataclasses.fields(value)
    }
    return {"class": name, "fields": fields}


def _function_name(value: Any, path: str) -> str:
    name = str(value.__name__)
    if name in nn.__all__ and getattr(nn, name) is value:
        return f"nn.{name}"
    if isinstance(value, np.ufunc) and getattr(np, name, None) is value:
        return f"np.{name}"
    module, inside = getattr(value, "__module__", None), getattr(value, "__qualname__", name)
    if module is None or "<" in inside:  # <lambda>, <locals>
        raise _nameless(value, path, f"the function {inside}")
    return f"{module}:{inside}"


def _nameless(value: Any, path: str, what: str) -> StructureError:
    return StructureError(
        f"{path or 'the model'} is {what}, which cannot be written to a file",
        function="save",
        got=repr(value)[:80],
        wanted="arrays, numbers, text, layers, and functions defined at the top of a module",
        remedy="use a layer of adjoint.nn, or define the function or class at the top of a module",
    )


def build(node: Any, arrays: dict[str, Any], known: dict[str, Any]) -> Any:
    """The value that :func:`describe` described.

    Args:
        node: JSON.
        arrays: by path.
        known: classes and functions by ``module:name``.
    """
    if not isinstance(node, dict):
        return node
    if "array" in node:
        array = arrays[node["array"]]
        return array[()] if node["number"] else array
    if "float" in node:
        return float(node["float"])
    if "complex" in node:
        return complex(*map(float, node["complex"]))
    if "dtype" in node:
        dtype = np.dtype(node["dtype"])
        return dtype.type if node["type"] else dtype
    if "tuple" in node:
        return tuple([build(x, arrays, known) for x in node["tuple"]])
    if "list" in node:
        return [build(x, arrays, known) for x in node["list"]]
    if "dict" in node:
        return {build(k, arrays, known): build(x, arrays, known) for k, x in node["dict"]}
    if "function" in node:
        return _function(node["function"], known)
    kind = _class(node["class"], known)
    names = [field.name for field in dataclasses.fields(kind)]
    if sorted(names) != sorted(node["fields"]):
        raise FileFormatError(
            f"the class {node['class']} has changed since the file was written",
            function="load",
            got=f"fields {', '.join(sorted(node['fields']))}",
            wanted=f"fields {', '.join(sorted(names))}",
        )
    made = object.__new__(kind)
    for name in names:
        object.__setattr__(made, name, build(node["fields"][name], arrays, known))
    return made


def _class(name: str, known: dict[str, Any]) -> Any:
    found: Any = known.get(name)
    if found is None and name.startswith("nn."):
        found = getattr(nn, name[3:], None) if name[3:] in nn.__all__ else None
    elif found is None:
        # Only modules that are there already: a file must not make Python run one.
        module, _, inside = name.partition(":")
        found = sys.modules.get(module)
        for part in inside.split("."):
            found = getattr(found, part, None)
        if not (isinstance(found, type) and issubclass(found, nn.Module)):
            found = None
    if not (isinstance(found, type) and dataclasses.is_dataclass(found)):
        raise _unknown("class", name)
    return found


def _function(name: str, known: dict[str, Any]) -> Any:
    if name in known:
        return known[name]
    home, _, inside = name.partition(".")
    if home == "nn" and inside in nn.__all__:
        return getattr(nn, inside)
    if home == "np" and isinstance(found := getattr(np, inside, None), np.ufunc):
        return found
    raise _unknown("function", name)


def _unknown(what: str, name: str) -> FileFormatError:
    last = name.rpartition(":")[2]
    return FileFormatError(
        f"the model is made of the {what} {name}, which is not known here",
        function="load",
        remedy=f"import it and hand it over: ad.load(path, known=[{last}])",
    )
