"""What is said where a recorded value would have to become a plain number or array."""

from __future__ import annotations

import linecache
import re
import sys
from typing import Any

import numpy as np

from adjoint.errors import ConcreteValueError, ConversionError, TraceError, UnsupportedError
from adjoint.graph.source import (
    here,
    instruction_at,
    is_hidden,
    only_looked_at,
    source_here,
    writes_an_item,
)
from adjoint.trace.indexing import concrete_value
from adjoint.trace.rebuilt import rebuilt
from adjoint.trace.recorder import leaked
from adjoint.trace.scipy_names import refuse_caller

_NUMBERS = "a type as a function makes plain numbers; write x.astype({name}), or x as it is"
_TESTS = "checks compare plain arrays; give them ad.stop_gradient(x)"
_PLOTS = "values are not known here: plot what the function returns"

# Functions of math that are answered by yes or no.
QUESTIONS = {"isnan", "isinf", "isfinite", "isclose"}
_MASKED = "masked arrays are not recorded: pass the mask apart, and choose with np.where"

_FORTRAN = (
    "functions of LAPACK and BLAS fill memory: use scipy.linalg.cholesky, cho_solve, "
    "solve_triangular, lu_factor, inv, and @"
)

FIELDS = "keep an array for each field, in a dict or a dataclass: p = {'x': np.zeros(n)}"
_STATISTICS = "use np.mean, np.median, np.std(x, ddof=1), np.var(x, ddof=1), ..."

_NAME = re.compile(r"[\w.]+$")
TAKE = (
    "an array from outside cannot be asked for a recorded place: write np.take(X, k, axis=0), or "
    "take it in first: X = np.array(X)"
)

# By the last part of the name that the user's line calls.
_REMEDIES = {
    **dict.fromkeys(("float64", "float32", "float16", "longdouble", "double"), _NUMBERS),
    **dict.fromkeys(("complex128", "complex64", "int64", "int32", "bool_"), _NUMBERS),
    "matrix": "use two-dimensional arrays and @",
    "asmatrix": "use two-dimensional arrays and @",
    "Fraction": "recorded values are floating; keep the array as it is",
    "Decimal": "recorded values are floating; keep the array as it is",
    "cKDTree": "scipy.spatial.KDTree of the same points has derivatives",
    "array": "array.array holds plain numbers; use np.array",
    "broadcast": "for shapes use np.broadcast_shapes(np.shape(a), np.shape(b)), for elements "
    "zip(*[x.flat for x in np.broadcast_arrays(a, b)])",
}


def _step_here() -> tuple[Any, Any]:
    """The user's code, and the instruction that it is in the middle of."""
    code, offset = here()
    if code is None:
        return None, None
    return code, instruction_at(code, offset)


def called_here() -> str:
    """The name by which the user's line calls what it is in the middle of; empty if no call."""
    code, step = _step_here()
    if step is None or not step.opname.startswith(("CALL", "PRECALL")) or step.positions is None:
        return ""
    at = step.positions
    if at.lineno is None or at.lineno != at.end_lineno:
        return ""
    line = linecache.getline(code.co_filename, at.lineno).encode()
    text = line[at.col_offset : at.end_col_offset].decode(errors="replace")
    text = text or rebuilt(code, at)
    depth, end = 0, len(text)
    for end in range(len(text) - 1, -1, -1):  # back to where the last pair of parentheses opens
        depth += (text[end] == ")") - (text[end] == "(")
        if depth == 0:
            break
    match = _NAME.search(text[:end])
    return match.group(0).lstrip(".") if match else ""


def _held_here(name: str) -> Any:
    """What the user's code holds under a name, or a dotted one."""
    code, _ = here()
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    if frame is None:
        return None
    first, *rest = name.split(".")
    found = {**frame.f_globals, **frame.f_locals}.get(first)
    for part in rest:
        found = getattr(found, part, None)
    return found


def _own_name(name: str) -> str:
    """The name ``math.exp`` where the user's code has ``from math import exp``."""
    found = _held_here(name)
    if getattr(found, "__module__", None) in ("math", "cmath"):
        return f"{found.__module__}.{found.__name__}"
    if isinstance(found, type) and issubclass(found, np.generic):
        return f"np.{found.__name__}"
    return name


def _within_masked_arrays() -> bool:
    """Whether it is NumPy's code of masked arrays that asks."""
    frame: Any = sys._getframe(1)
    while frame is not None and is_hidden(frame.f_code):
        if "numpy.ma." in frame.f_globals.get("__name__", ""):
            return True
        frame = frame.f_back
    return False


def indexes_here() -> bool:
    """Whether the user's line is in the middle of ``X[k]``."""
    _, step = _step_here()
    return step is not None and (
        step.opname.startswith("BINARY_SUBSCR") or step.argrepr == "[]"  # later Pythons
    )


def _remedy(name: str) -> str | None:
    last = name.rpartition(".")[2]
    if last.startswith("assert_"):
        return _TESTS
    if only_looked_at():
        return _PLOTS
    if name.startswith(("np.rec.", "numpy.rec.")):
        return FIELDS
    if getattr(_held_here(name), "__module__", None) == "statistics":
        return _STATISTICS
    if _within_masked_arrays():
        return _MASKED
    if type(_held_here(name)).__name__ == "fortran":
        return _FORTRAN
    found = _REMEDIES.get(last)
    return found.format(name=name) if found is not None else None


_AS_IT_IS = "use NumPy functions on it as it is; fill arrays that np.zeros made inside the function"
_PLAIN = "for a value without derivative use ad.stop_gradient(x)"


def _written_here() -> Any:
    """What the user's line writes into, if that has a name."""
    code, step = _step_here()
    if step is None or not step.opname.startswith("STORE_") or step.positions is None:
        return None
    at = step.positions
    line = linecache.getline(code.co_filename, at.lineno or 0).encode()
    text = line[at.col_offset or 0 :].decode(errors="replace") or rebuilt(code, at)
    match = re.match(r"[\w.]+", text)
    name = match.group(0) if match else ""
    return _held_here(name.rpartition(".")[0] if step.opname == "STORE_ATTR" else name)


def _of_another_kind(function: str) -> ConversionError | None:
    """The error for a write into an array that no stand-in could take the place of."""
    target = _written_here()
    if isinstance(target, np.void) or getattr(target, "dtype", np.dtype(float)).names:
        what = "a recorded value is written into an array with fields made outside the recording"
        remedy = "make the array inside the function, or a copy of it: p = p.copy()"
    elif isinstance(target, np.ndarray) and type(target) is not np.ndarray:
        what = f"the ndarray subclass {type(target).__name__} is not supported"
        remedy = "write into a plain array: np.zeros(n), or a = np.array(a) first"
    else:
        return None
    return ConversionError(what, function=function, source=source_here(), remedy=remedy)


def _into_outside(function: str) -> ConversionError:
    return _of_another_kind(function) or ConversionError(
        "a recorded value is written into an array made outside the recording",
        function=function,
        source=source_here(),
        remedy="make the array inside the function: np.zeros(n), or a = np.array(a) first",
    )


def no_array(x: Any) -> TraceError:
    """The error for a stand-in that is asked for its memory."""
    if x.recorder.closed:
        return leaked(x.recorder)
    refuse_caller()
    if writes_an_item():
        return _into_outside(x.recorder.name)
    another = _of_another_kind(x.recorder.name)
    if another is not None:
        return another
    name = _own_name(called_here())
    remedy = TAKE if indexes_here() else _remedy(name)
    return ConversionError(
        "an array under recording cannot be turned into a plain ndarray: "
        "its derivative would be lost",
        function=name or x.recorder.name,
        source=source_here(),
        remedy=remedy or (_AS_IT_IS if concrete_value(x) is None else f"{_AS_IT_IS}; {_PLAIN}"),
    )


_BYTES = {"tobytes", "tofile", "dump", "dumps", "getfield", "data", "ctypes"}


def no_method(x: Any, name: str) -> UnsupportedError:
    """The error for a method or an attribute of arrays that recorded ones have not."""
    return UnsupportedError(
        f"the array method {name!r} has no rule",
        function=x.recorder.name,
        source=source_here(),
        remedy=f"where the value alone is meant, write ad.stop_gradient(x).{name}"
        if name in _BYTES and concrete_value(x) is not None
        else "see docs/coverage.md for the nearest supported form",
    )


def no_pickle(x: Any) -> TraceError:
    """The error for a stand-in that is to be written to a file or sent to another process."""
    if x.recorder.closed:
        return leaked(x.recorder)
    return ConversionError(
        "an array under recording cannot be pickled: its derivative would be lost",
        function=called_here() or x.recorder.name,
        source=source_here(),
        remedy="return it (has_aux=True for extra results), and pickle or send what comes back",
    )


def no_number(x: Any, kind: str) -> TraceError:
    """The error for a stand-in that is asked to be a Python number."""
    if x.recorder.closed:
        return leaked(x.recorder)
    if writes_an_item():
        return _into_outside(x.recorder.name)
    name = _own_name(called_here())
    if name.startswith(("math.", "cmath.")):
        last = name.rpartition(".")[2]
        remedy = f"use {_INSTEAD.get(last, f'np.{last}')}"
    elif _formats():
        remedy = "write an f-string, which shows what is known"
    else:
        remedy = _remedy(name) or f"drop {kind}(), or use np.{{sin, exp, ...}} in place of math.*"
    if concrete_value(x) is not None:
        plain = f"for a value without derivative {kind}(ad.stop_gradient(x))"
        remedy = f"{remedy}; {plain}"
    elif name in ("float", "complex") or name.startswith(("math.", "cmath.")):
        return ConcreteValueError(  # these are followed where values are known
            f"{name}(x) needs the value of an array, which is not known while recording",
            function=x.recorder.name,
            source=source_here(),
            got=f"an array of type {x.dtype}{list(x.shape)}",
            remedy=remedy,
        )
    return ConversionError(
        f"{kind}(x) of an array under recording would cut its derivative",
        function=name or x.recorder.name,
        source=source_here(),
        remedy=remedy,
    )


def _formats() -> bool:
    """Whether the user's line is in the middle of ``text % x``."""
    _, step = _step_here()
    return step is not None and step.opname == "BINARY_OP" and step.argrepr.startswith("%")


_INSTEAD = {
    "pow": "np.power",
    "fsum": "np.sum",
    "dist": "np.linalg.norm(x - y)",
    "log": "np.log; with a base np.log(x) / np.log(base)",
    "remainder": "x - y * np.round(x / y)",
    "sumprod": "np.dot",
    "phase": "np.angle",
    "polar": "np.abs and np.angle",
    "gamma": "scipy.special.gamma",
    "lgamma": "scipy.special.gammaln",
    "erf": "scipy.special.erf",
    "erfc": "scipy.special.erfc",
}
