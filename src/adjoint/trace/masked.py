"""What a boolean mask picks where its values are not known: inside jit, vmap and loops.

How many elements ``x[x > 0]`` has is not known there, but most code does not ask: it writes
to the elements (``x[x < 0] *= 0.1``), or sums them. So a selection stands for them by all
elements of x and the mask. Elementwise operations are done on all, a write back and a
reduction choose by the mask; whatever needs the number of elements is refused.

Elements outside the mask are given the value of one that is inside, without its derivative,
so that nothing is computed that NumPy would not compute: no logarithm of a negative number.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.errors import ConcreteValueError
from adjoint.graph.source import source_here
from adjoint.trace import recorder as core
from adjoint.trace.calls.support import axis_tuple
from adjoint.trace.scipy_names import by_values, caller

_NUMBERS = (bool, int, float, complex, np.generic)


def unknown(what: str, remedy: str = "use np.where(mask, x, other)") -> ConcreteValueError:
    """The error for what needs the number of picked elements."""
    return ConcreteValueError(
        "a boolean mask picks a number of elements that is not known while recording",
        function=caller() or what,
        source=source_here(),
        remedy=by_values(f"{remedy}, or pass the mask in from outside"),
    )


def spread(mask: Any, lead: int, ndim: int) -> Any:
    """The mask with axes for what stands before it, and for what one place holds."""
    return mask.reshape((1,) * lead + mask.shape + (1,) * (ndim - lead - mask.ndim))


def same(a: Any, b: Any) -> bool:
    """Whether two recorded values are the same, by the operations that made them."""
    if a.recorder is not b.recorder:
        return False
    recorder = a.recorder
    if a.number == b.number:
        return True
    made = {record[3]: record for record in recorder.records}
    pending, looked = [(a.number, b.number)], 0
    while pending:
        i, j = pending.pop()
        looked += 1
        if i == j:
            continue
        one, other = made.get(i), made.get(j)
        if one is None or other is None or looked > 1000 or one[0] is not other[0]:
            return False
        if one[0] is None:
            if not _same_constant(recorder.payloads[i], recorder.payloads[j]):
                return False
        elif one[1] != other[1] or len(one[2]) != len(other[2]):
            return False
        pending.extend(zip(one[2], other[2], strict=True))
    return True


def _same_constant(a: Any, b: Any) -> bool:
    if type(a) is core.TracedArray or type(b) is core.TracedArray:
        return a is b
    return a.dtype == b.dtype and bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))


class MaskedSelection(np.lib.mixins.NDArrayOperatorsMixin):
    """The elements of an array where a mask holds; their number is not known.

    Args:
        values: all elements.
        mask: which of them are meant: over neighbouring axes of the values.
        lead: how many axes of the values stand before those of the mask.
        axis: of the mask, where the values are the elements' own places along it.
    """

    __hash__ = None  # type: ignore[assignment]  # like ndarray

    def __init__(self, values: Any, mask: Any, lead: int = 0, axis: int | None = None) -> None:
        self._values = values
        self._mask = mask
        self._lead = lead
        self._axis = axis

    def _with(self, values: Any) -> MaskedSelection:
        return MaskedSelection(values, self._mask, self._lead)

    def _all(self) -> Any:
        """The mask with an axis for each of the values'."""
        return spread(self._mask, self._lead, self._values.ndim)

    # *** what is known ***

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the elements."""
        dtype: np.dtype[Any] = self._values.dtype
        return dtype

    @property
    def ndim(self) -> int:
        """The masked axes have become one."""
        return int(self._values.ndim - self._mask.ndim + 1)

    @property
    def size(self) -> Any:
        """How many elements there are: a number under recording."""
        known = [n for i, n in enumerate(self._values.shape) if i not in self._own_axes()]
        return self._count() * int(np.prod(known, dtype=np.int64))

    @property
    def shape(self) -> tuple[Any, ...]:
        """The picked extent is a number under recording."""
        shape = self._values.shape
        return (*shape[: self._lead], self._count(), *shape[self._lead + self._mask.ndim :])

    def _own_axes(self) -> range:
        return range(self._lead, self._lead + self._mask.ndim)

    def _count(self) -> Any:
        return np.sum(self._mask, dtype=np.int64)

    def _fitting(self, x: Any, what: str) -> Any:
        """An operand for all elements: of the same selection, or the same for each place."""
        if type(x) is MaskedSelection:
            if (x.ndim, x._lead) != (self.ndim, self._lead) or not same(self._mask, x._mask):
                raise unknown(what)
            return x._values
        if isinstance(x, _NUMBERS):
            return x
        x = x if type(x) is core.TracedArray else np.asarray(x)
        own = x.ndim - (self.ndim - self._lead)  # which of its axes meets the picked one
        if own < 0:
            return x
        if x.ndim > self.ndim or x.shape[own] != 1:
            raise unknown(what)
        return np.reshape(x, (*x.shape[:own], *(1,) * self._mask.ndim, *x.shape[own + 1 :]))

    # *** elementwise ***

    def __array_ufunc__(self, ufunc: Any, how: str, *inputs: Any, **options: Any) -> Any:
        name = f"np.{ufunc.__name__}"
        outs = options.pop("out", ())
        if how != "__call__" or options.keys() - {"dtype"} or ufunc.signature is not None:
            raise unknown(name)
        if any(type(x) is not MaskedSelection for x in outs):
            raise unknown(name)
        made = ufunc(*[self._fitting(x, name) for x in inputs], **options)
        results = made if isinstance(made, tuple) else (made,)
        for target, value in zip(outs, results, strict=False):
            target._values = value.astype(target.dtype) if value.dtype != target.dtype else value
        picked = outs or tuple(map(self._with, results))
        return picked if len(picked) > 1 else picked[0]

    def __getitem__(self, index: Any) -> Any:
        if type(index) is MaskedSelection and index.dtype == bool:
            if index.ndim == 1 and self._lead == 0 and same(self._mask, index._mask):
                return MaskedSelection(self._values, self._mask & index._values)
            return MaskedSelection(self._values, self._all() & self._fitting(index, "x[mask]"))
        basic, lead = self._basic(index)
        return MaskedSelection(self._values[basic], self._mask, lead)

    def _basic(self, index: Any) -> tuple[tuple[Any, ...], int]:
        """An index that takes the picked axis whole, as one of the values."""
        parts = list(index) if type(index) is tuple else [index]
        used = sum(1 for part in parts if part is not None and part is not Ellipsis)
        gap = [slice(None)] * (self.ndim - used)
        at = parts.index(Ellipsis) if any(part is Ellipsis for part in parts) else len(parts)
        parts[at : at + 1] = gap
        axis, lead = -1, 0
        for place, part in enumerate(parts):
            if part is not None and type(part) is not slice and type(part) is not int:
                break
            axis += part is not None
            if axis == self._lead and part is not None:
                if type(part) is not slice or part != slice(None):
                    break
                parts[place : place + 1] = [part] * self._mask.ndim
                return tuple(parts), lead
            lead += type(part) is not int
        raise unknown("x[mask]")

    def __setitem__(self, index: Any, value: Any) -> None:
        if type(index) is MaskedSelection:
            self._values = self[index].replaced(value)
            return
        basic, lead = self._basic(index)
        picked = MaskedSelection(self._values[basic], self._mask, lead)
        values = self._values.copy()
        values[basic] = picked.replaced(value)
        self._values = values

    def replaced(self, value: Any) -> Any:
        """All elements, with a value in place of the picked ones."""
        chosen = self._fitting(value, "x[mask]")
        if type(chosen) is not core.TracedArray:
            chosen = np.asarray(chosen)
        if chosen.dtype != self.dtype:
            chosen = chosen.astype(self.dtype)
        return np.where(self._all(), chosen, self._values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not hasattr(np.ndarray, name):
            raise AttributeError(f"a selection by a mask has no {name}")
        raise unknown(f"ndarray.{name}")

    def __len__(self) -> int:
        raise unknown("len", "count with np.sum(mask)")

    def __iter__(self) -> Any:
        raise unknown("iteration")

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise unknown("x[mask]", "return np.where(mask, x, other)")

    def __bool__(self) -> bool:
        raise unknown("bool")

    def copy(self, order: str = "C") -> MaskedSelection:
        """The same elements; writing to one leaves the other."""
        return self._with(self._values)

    def clip(self, *limits: Any, **options: Any) -> MaskedSelection:
        """The elements limited to an interval."""
        clipped: MaskedSelection = np.clip(self, *limits, **options)
        return clipped

    def astype(self, dtype: Any, **options: Any) -> MaskedSelection:
        """The elements in another dtype."""
        return self._with(self._values.astype(dtype))

    # *** reductions ***

    def _reduce(self, function: Any, axis: Any, options: dict[str, Any]) -> Any:
        """Over the picked places and others with them, or within each place."""
        own, ndim = self._own_axes(), self.ndim
        keep = bool(options.get("keepdims"))
        wanted = axis_tuple(axis, ndim)
        axes = [i for a in wanted for i in self._axes_of(a)]
        if self._lead not in wanted:
            result = function(self._values, axis=tuple(axes), **options)
            gone = 0 if keep else sum(1 for a in wanted if a < self._lead)
            return MaskedSelection(result, self._mask, self._lead - gone)
        mask = np.broadcast_to(self._all(), self._values.shape)
        result = function(self._values, axis=tuple(axes), where=mask, **options)
        if keep and len(own) != 1:
            shape = result.shape
            result = np.reshape(result, (*shape[: own.start], 1, *shape[own.stop :]))
        return result

    def _axes_of(self, axis: int) -> range:
        """The axes of the values that are one of ours."""
        if axis == self._lead:
            return self._own_axes()
        moved = axis + (self._mask.ndim - 1 if axis > self._lead else 0)
        return range(moved, moved + 1)

    def sum(self, axis: Any = None, **options: Any) -> Any:
        """Sum of the picked elements."""
        return self._reduce(np.sum, axis, options)

    def prod(self, axis: Any = None, **options: Any) -> Any:
        """Product of the picked elements."""
        return self._reduce(np.prod, axis, options)

    def mean(self, axis: Any = None, **options: Any) -> Any:
        """Mean of the picked elements; NaN if there are none."""
        return self._reduce(np.mean, axis, options)

    def var(self, axis: Any = None, **options: Any) -> Any:
        """Variance of the picked elements."""
        return self._reduce(np.var, axis, options)

    def std(self, axis: Any = None, **options: Any) -> Any:
        """Standard deviation of the picked elements."""
        return self._reduce(np.std, axis, options)

    def max(self, axis: Any = None, **options: Any) -> Any:
        """Largest of the picked elements; IndexError if there are none."""
        return self._extreme(np.max, -np.inf, axis, options)

    def min(self, axis: Any = None, **options: Any) -> Any:
        """Smallest of the picked elements; IndexError if there are none."""
        return self._extreme(np.min, np.inf, axis, options)

    def _extreme(self, function: Any, lowest: float, axis: Any, options: dict[str, Any]) -> Any:
        some = np.any(self._mask)
        if self.dtype.kind in "iu":
            limits = np.iinfo(self.dtype)
            lowest = limits.min if lowest < 0 else limits.max
        # An index past the end is found when the program runs; NumPy raises ValueError there.
        element = self._values.ravel()[np.where(some, 0, self._values.size)]
        start = np.where(some, np.asarray(lowest, self.dtype), element)
        return self._reduce(function, axis, {"initial": start, **options})

    def any(self, axis: Any = None, **options: Any) -> Any:
        """Whether one of the picked elements is true."""
        return self._reduce(np.any, axis, options)

    def all(self, axis: Any = None, **options: Any) -> Any:
        """Whether all picked elements are true."""
        return self._reduce(np.all, axis, options)

    def dot(self, other: Any) -> Any:
        """Inner product of two selections by one mask."""
        if type(other) is not MaskedSelection or self.ndim != 1:
            raise unknown("np.dot")
        return (self * other).sum()

    __matmul__ = dot

    def __array_function__(
        self, function: Any, types: Any, args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        name = getattr(function, "__name__", str(function))
        if name in _METHODS and type(args[0]) is MaskedSelection:
            return getattr(args[0], name)(*args[1:], **options)
        if name in _ELEMENTWISE and options.get("out") is None:
            given = [self._fitting(x, f"np.{name}") if x is not None else None for x in args]
            return self._with(function(*given, **options))
        raise unknown(f"np.{name}")


_METHODS = frozenset(
    {"sum", "prod", "mean", "var", "std", "max", "min", "any", "all", "dot", "copy"}
)
_ELEMENTWISE = frozenset(
    {"around", "round", "clip", "where", "nan_to_num", "real", "imag", "angle", "sinc", "isclose"}
)
