"""Arrays with fields: a stand-in for each field, under one name.

``np.zeros(n, dtype=[("x", float), ("v", float, 3)])`` that a recorded function makes is one of
these. A field is an array like any other, and ``Z["x"]`` a view of it; an index picks the same
elements of every field, and the fields of what it picks are views where NumPy's would be. NumPy's
own code sees an array with fields as long as nothing recorded was written into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import optree

from adjoint.errors import ConversionError, UnsupportedError
from adjoint.graph.source import source_here
from adjoint.trace import recorder as core
from adjoint.trace.calls.support import as_operand
from adjoint.trace.indexing import concrete_value
from adjoint.tree import NAMESPACE

FIELDS = "give it the fields one by one: p['x'], p['v']"
_NUMERIC = "biufc"
_SLOTS = ("by_attribute", "dtype", "fields", "is_record", "shape")


def with_fields(x: Any) -> Any:
    """A new array with fields as one of stand-ins; anything else as it is."""
    if type(x) is not np.ndarray or x.dtype.names is None:
        return x
    return Structured({name: _field(x[name].copy()) for name in x.dtype.names}, x.dtype, x.shape)


def array_with_fields(x: Any, dtype: Any, copy: Any) -> Any:
    """``np.array`` of a list of tuples, or of an array with fields."""
    if type(x) is Structured and dtype in (None, x.dtype):
        return x.copy() if copy else x
    dims = x.shape if hasattr(x, "shape") else (len(x),) if isinstance(x, list) else ()
    made = with_fields(np.zeros(dims, dtype))
    made[...] = x
    return made


def _field(x: Any) -> Any:
    return core.plain(x) if x.dtype.kind in _NUMERIC else with_fields(x)


class Structured:
    """An array with fields, or one record of it."""

    __slots__ = _SLOTS
    __array_priority__ = 1000.0
    __hash__ = None  # type: ignore[assignment]  # as NumPy's arrays

    def __init__(
        self, fields: dict[str, Any], dtype: Any, shape: Any, *, is_record: bool = False,
        by_attribute: bool = False,
    ) -> None:  # fmt: skip
        values = (by_attribute, dtype, fields, is_record, shape)
        for name, value in zip(_SLOTS, values, strict=True):
            object.__setattr__(self, name, value)

    @property  # type: ignore[misc]  # what isinstance sees
    def __class__(self) -> type:
        return np.void if self.is_record else np.ndarray

    def _like(self, fields: Any, shape: Any, *, is_record: bool = False) -> Structured:
        return Structured(
            dict(zip(self.fields, fields, strict=True)), self.dtype, shape,
            is_record=is_record, by_attribute=self.by_attribute,
        )  # fmt: skip

    # *** what is known without the values ***

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape))

    def __len__(self) -> int:
        if self.is_record:
            return len(self.fields)
        if not self.shape:
            raise TypeError("len() of unsized object")
        return int(self.shape[0])

    # *** fields and elements ***

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self._seen(self._named(key))
        if isinstance(key, list) and key and all(isinstance(name, str) for name in key):
            dtype = np.empty(0, self.dtype)[key].dtype
            chosen = {name: self._named(name) for name in key}
            return Structured(chosen, dtype, self.shape, is_record=self.is_record)
        if self.is_record:
            return self._seen(list(self.fields.values())[key])
        places, one = _leading(key, self.ndim)
        picked = [f[places] for f in self.fields.values()]
        shape = _shape_of(picked[0], self.dtype[0])
        return self._like(picked, shape, is_record=one)

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, str):
            self._named(key)[...] = value
        elif self.is_record and not isinstance(key, tuple | list):
            list(self.fields.values())[key][...] = value
        else:
            chosen = self[key] if isinstance(key, list) and isinstance(key[0], str) else self
            places, _ = _leading(... if chosen is not self else key, self.ndim)
            targets = list(chosen.fields.values())
            for target, part in zip(targets, _parts(value, len(targets)), strict=True):
                target[places] = part

    def _named(self, name: str) -> Any:
        if name not in self.fields:
            raise ValueError(f"no field of name {name}")
        return self.fields[name]

    def _seen(self, field: Any) -> Any:
        """A view of a field; of a record, its number."""
        return field[()] if self.is_record and field.shape == () else field[...]

    def __iter__(self) -> Iterator[Any]:
        if self.is_record:
            return (self._seen(field) for field in self.fields.values())
        return (self[i] for i in range(len(self)))

    def __getattr__(self, name: str) -> Any:
        if self.by_attribute and name in self.fields:
            return self[name]
        if not hasattr(np.ndarray, name) or name.startswith("__"):
            raise AttributeError(f"'numpy.ndarray' object has no attribute {name!r}")
        raise self._refused(f"the array method {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if not self.by_attribute or name not in self.fields:
            raise AttributeError(f"'numpy.ndarray' object has no attribute {name!r}")
        self[name] = value

    # *** methods ***

    def _each(self, change: Callable[[Any], Any], shape: Any) -> Structured:
        return self._like([change(f) for f in self.fields.values()], shape)

    def copy(self, order: str = "C") -> Structured:
        """The same values, in memory of their own."""
        fields = [f.copy() for f in self.fields.values()]
        return self._like(fields, self.shape, is_record=self.is_record)

    def __copy__(self) -> Structured:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Structured:
        return self.copy()

    def fill(self, value: Any) -> None:
        """All elements the same."""
        self[...] = value

    def reshape(self, *shape: Any, **options: Any) -> Structured:
        """The elements in order, in another shape."""
        wanted = np.empty(self.shape, np.uint8).reshape(*shape, **options).shape
        return self._each(lambda f: f.reshape(wanted + f.shape[self.ndim :]), wanted)

    def ravel(self) -> Structured:
        """The elements in one line."""
        return self.reshape(-1)

    def flatten(self) -> Structured:
        """A copy in one line."""
        return self.copy().reshape(-1)

    def view(self, dtype: Any = None, type: Any = None) -> Structured:
        """The same fields, by attributes too if asked for np.recarray."""
        if dtype not in (None, np.recarray, np.ndarray) or type not in (None, np.recarray):
            raise self._refused("a view as another dtype")
        views = [f[...] for f in self.fields.values()]
        made = self._like(views, self.shape, is_record=self.is_record)
        object.__setattr__(made, "by_attribute", np.recarray in (dtype, type))
        return made

    def __eq__(self, other: Any) -> Any:
        same: Any = True
        parts = _parts(other, len(self.fields))
        for field, part in zip(self.fields.values(), parts, strict=True):
            equal = field == part
            beyond = tuple(range(self.ndim, np.ndim(equal)))
            same = same & (np.all(equal, axis=beyond) if beyond else equal)
        return same

    def __ne__(self, other: Any) -> Any:
        return np.logical_not(self == other)

    # *** NumPy's own code ***

    def _refused(self, what: str) -> UnsupportedError:
        return UnsupportedError(
            f"{what} has no rule for an array with fields under recording",
            function="np.ndarray",
            source=source_here(),
            remedy=FIELDS,
        )

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        made = np.empty(self.shape, self.dtype)
        for name, field in self.fields.items():
            if type(field) is core.TracedArray and not core.is_plain(field):
                raise ConversionError(
                    "an array with fields that holds recorded values cannot be turned into a "
                    "plain ndarray: their derivatives would be lost",
                    function=field.recorder.name,
                    source=source_here(),
                    remedy=FIELDS,
                )
            made[name] = concrete_value(field) if hasattr(field, "recorder") else field
        return made if dtype is None else made.astype(dtype)

    def __array_ufunc__(self, ufunc: Any, how: str, *inputs: Any, **options: Any) -> Any:
        if ufunc in (np.equal, np.not_equal) and how == "__call__" and inputs[1] is self:
            return self == inputs[0] if ufunc == np.equal else self != inputs[0]
        raise TypeError(f"{ufunc.__name__} is not defined for arrays with fields")

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function in (np.shape, np.ndim, np.size):
            return function(np.empty(self.shape, np.uint8), *args[1:], **options)
        if function in _FIELD_BY_FIELD and set(options) <= {"axis"}:
            return _field_by_field(self, function, args, options)
        if function.__name__ == "structured_to_unstructured" and len(args) == 1:
            return _columns(self)
        return function(*map(_plainly, args), **{k: _plainly(v) for k, v in options.items()})

    def __repr__(self) -> str:
        return f"<stand-in for an array of shape {self.shape} with {self.fields}>"


_FIELD_BY_FIELD = (np.copy, np.concatenate, np.stack, np.zeros_like, np.empty_like, np.ones_like)


def _field_by_field(first: Structured, function: Any, args: Any, options: Any) -> Any:
    made = []
    for k, name in enumerate(first.fields):
        given = [_part(x, k, name) for x in args]
        made.append(function(*given, **options))
    return first._like(made, _shape_of(made[0], first.dtype[0]))


def _shape_of(field: Any, dtype: Any) -> Any:
    """The shape of an array, by one of its fields, which may have axes of its own."""
    return field.shape[: len(field.shape) - len(dtype.shape)]


def _part(x: Any, k: int, name: str) -> Any:
    if isinstance(x, list | tuple):
        return [_part(part, k, name) for part in x]
    return list(x.fields.values())[k] if type(x) is Structured else x


def _flat(x: Structured) -> tuple[list[Any], Any, tuple[str, ...]]:
    return list(x.fields.values()), (x.dtype, x.is_record), tuple(x.fields)


def _unflat(settings: Any, children: Any) -> Any:
    """What a function returned: an array with fields as NumPy's, where those are arrays."""
    dtype, is_record = settings
    children = list(children)
    fields = dict(zip(dtype.names, children, strict=True))
    first = fields[dtype.names[0]]
    if not all(issubclass(type(f), np.ndarray | np.generic | float | int) for f in children):
        return Structured(fields, dtype, getattr(first, "shape", ()), is_record=is_record)
    made = np.empty(_shape_of(np.asarray(first), dtype[0]), dtype)
    for name, field in fields.items():
        made[name] = field
    return made[()] if is_record else made


optree.register_pytree_node(Structured, _flat, _unflat, namespace=NAMESPACE)


def _columns(x: Structured) -> Any:
    fields = [_columns(f) if type(f) is Structured else as_operand(f) for f in x.fields.values()]
    rows = [np.reshape(f, (*x.shape, -1)) for f in fields]
    return np.concatenate(rows, axis=-1)


def _plainly(x: Any) -> Any:
    if isinstance(x, list | tuple):
        return type(x)([_plainly(part) for part in x])
    return np.asarray(x) if type(x) is Structured else x


def _leading(key: Any, ndim: int) -> tuple[tuple[Any, ...], bool]:
    """An index of an array as one of its fields, which may have more axes; whether it is one."""
    items = list(key) if type(key) is tuple else [key]
    items = [np.asarray(x) if type(x) is list else x for x in items]
    used = [_axes_of(x) for x in items]
    one = sum(used) == ndim and all(
        np.ndim(x) == 0 and u == 1 for x, u in zip(items, used, strict=True)
    )
    one = one and not any(type(x) is slice for x in items)
    for at, item in enumerate(items):
        if item is Ellipsis:
            items[at : at + 1] = [slice(None)] * (ndim - sum(used))
            break
    return (*items, ...), one


def _axes_of(item: Any) -> int:
    """How many axes of an array an entry of an index takes."""
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    kind = getattr(getattr(item, "dtype", None), "kind", "")
    return int(item.ndim) if kind == "b" else 1


def _parts(value: Any, count: int) -> list[Any]:
    """What goes into each field, where something is written into elements."""
    if type(value) is Structured:
        return list(value.fields.values())
    if getattr(getattr(value, "dtype", None), "names", None) is not None:
        return [value[name] for name in value.dtype.names]
    if isinstance(value, tuple):
        if len(value) != count:
            raise ValueError(f"could not assign tuple of length {len(value)} to {count} fields")
        return list(value)
    if isinstance(value, list):
        return [list(column) for column in zip(*[_parts(v, count) for v in value], strict=True)]
    return [value] * count
