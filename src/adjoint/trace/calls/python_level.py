"""Functions of NumPy's that ask no stand-in: reached like SciPy's (``trace/scipy_gate.py``)."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable
from types import CellType
from typing import Any

import numpy as np

from adjoint.errors import UnsupportedError
from adjoint.graph.source import source_here
from adjoint.trace.calls.support import any_traced, as_operand, complex_of
from adjoint.trace.foreign import no_recorded_instance
from adjoint.trace.making import calls_from_user, joined, method_names
from adjoint.trace.recorder import is_plain, plain
from adjoint.trace.replacing import replace_in_numpy
from adjoint.trace.scipy_gate import scipy_rule
from adjoint.trace.tables import WRITING, find_function, implements
from adjoint.trace.views import as_view, replace_value


def _calling(function: Any) -> Callable[..., Any]:
    """A function that calls one of the user's, whose results may be recorded."""
    WRITING.add(function)

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        if not calls_from_user():
            return function(*args, **options)
        return find_function(function)(*args, **options)

    return call


_CALLING = {f.__name__: _calling(f) for f in (np.apply_along_axis, np.apply_over_axes)}
method_names.update(_CALLING)
replace_in_numpy(_CALLING)


def _sees_recorded(self: Any, *_: Any, **__: Any) -> bool:
    """Whether the Python function may use recorded values that it is not given."""
    pending, seen = [self.pyfunc], set()
    while pending:
        x = pending.pop()
        if id(x) in seen:
            continue
        seen.add(id(x))
        if any_traced(x):
            return True
        pending += getattr(x, "__defaults__", None) or ()
        pending += [c.cell_contents for c in getattr(x, "__closure__", None) or () if c != _EMPTY]
        if isinstance(x, functools.partial):
            pending += [x.func, *x.args, *x.keywords.values()]
        owner = getattr(x, "__self__", None)
        pending += list(getattr(owner, "__dict__", {}).values())
    return False


_EMPTY = CellType()


@scipy_rule("numpy.vectorize.__call__", wanted=_sees_recorded)
def vectorize(self: Any, *args: Any, **options: Any) -> Any:
    """A Python function of numbers, or of small arrays, called for each element."""
    names = [name for name in options if name not in self.excluded]
    varying = [i for i in range(len(args)) if i not in self.excluded]
    arrays = [as_operand(x) for x in (*[args[i] for i in varying], *[options[n] for n in names])]
    cores = [len(_core_names(part)) for part in _core_parts(self.signature)] or [0] * len(arrays)
    pairs = list(zip(arrays, cores, strict=True))
    shape = np.broadcast_shapes(*[x.shape[: x.ndim - n] for x, n in pairs])
    columns = []
    for x, n in pairs:
        core_shape = x.shape[x.ndim - n :]
        columns.append(np.reshape(np.broadcast_to(x, shape + core_shape), (-1, *core_shape)))
    results = []
    for k in range(columns[0].shape[0] if columns else 1):
        given, chosen = list(args), dict(options)
        for column, place in zip(columns, (*varying, *names), strict=True):
            (chosen if isinstance(place, str) else given)[place] = column[k]  # type: ignore[index]
        results.append(self.pyfunc(*given, **chosen))
    if results and isinstance(results[0], tuple):
        return tuple(_gathered(list(part), shape) for part in zip(*results, strict=True))
    result = _gathered(results, shape)
    return result if self.otypes is None else result.astype(self.otypes[0])


def _gathered(results: list[Any], shape: tuple[int, ...]) -> Any:
    made = joined(results)
    return np.reshape(made, shape + made.shape[1:])


def _core_parts(signature: Any) -> list[str]:
    """The operands' parts of ``"(n),(n,m)->(m)"``."""
    if signature is None:
        return []
    operands: str = (signature if isinstance(signature, str) else signature[0]).split("->")[0]
    return operands.replace(" ", "").replace("),(", ") (").split(" ")


def _core_names(part: str) -> list[str]:
    return [name for name in part.strip("()").split(",") if name]


@implements(methods=("view",))
def view(x: Any, dtype: Any = None, type: Any = None) -> Any:
    """The same memory: under the same dtype, or complex numbers as pairs and back."""
    if isinstance(dtype, builtins.type) and issubclass(dtype, np.ndarray):
        dtype, type = None, dtype  # as in NumPy, either may be given first
    if type not in (None, np.ndarray):
        raise no_recorded_instance(type, "ndarray.view")
    wanted = x.dtype if dtype is None else np.dtype(dtype)
    if wanted == x.dtype:
        return x[...]
    if wanted.kind not in "fc" or x.dtype.kind not in "fc":
        raise UnsupportedError(
            f"an array of {x.dtype} under recording cannot be looked at as {wanted}",
            function="ndarray.view",
            source=source_here(),
            remedy="use x.astype(dtype), or np.real and np.imag",
        )
    forth, back = (_pairs, _numbers) if wanted.kind == "f" else (_numbers, _pairs)
    if wanted.kind == x.dtype.kind or (x.real.dtype != np.zeros(0, wanted).real.dtype):
        raise TypeError(f"the size of {wanted} does not fit {x.dtype}")

    def read(base: Any) -> Any:
        return plain(base.payload.view(wanted)) if is_plain(base) else forth(base)

    return as_view(read(x), x, read, lambda base, new: back(new))


def _pairs(z: Any) -> Any:
    parts = np.stack([np.real(z), np.imag(z)], -1)
    return np.reshape(parts, (*parts.shape[:-2], -1))


def _numbers(parts: Any) -> Any:
    return complex_of(parts[..., ::2], parts[..., 1::2])


@implements(methods=("resize",))
def resize_in_place(x: Any, *shape: Any, refcheck: bool = True) -> None:
    """``x.resize(shape)``: cut off, or filled up with zeros."""
    wanted = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
    size = int(np.prod(wanted))
    flat = x.copy().reshape(-1)[:size]
    filled = np.concatenate([flat, np.zeros(size - flat.shape[0], x.dtype)])
    if x.tie is not None:
        raise ValueError("cannot resize this array: it does not own its data")
    replace_value(x, np.reshape(filled, wanted))
    x.version += 1
