"""The stand-in array: what a function receives in place of its arguments.

It has ndarray's operators, methods and attributes, and NumPy's functions and ufuncs accept
it through ``__array_ufunc__`` and ``__array_function__``. It is never returned to users.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from adjoint.errors import ConcreteValueError, ConversionError, UnsupportedError
from adjoint.graph.source import source_here
from adjoint.primitives import linear
from adjoint.trace import indexing, masked, masked_index
from adjoint.trace.adopting_items import takes_item
from adjoint.trace.arithmetic import Arithmetic
from adjoint.trace.array_flags import Flags, set_writeable
from adjoint.trace.caught import noted
from adjoint.trace.flat import Flat
from adjoint.trace.foreign import PYTHON_NUMBERS
from adjoint.trace.guards import passed_over
from adjoint.trace.looking import key_of, met, same_key, seen_value, shown_value
from adjoint.trace.operators import NUMBERS
from adjoint.trace.probing import JudgedByClass, OfArrays, asked_by_name, no_attribute
from adjoint.trace.python_numbers import as_python_number, python_number
from adjoint.trace.recorder import (
    PLAIN,
    bind,
    is_plain,
    plain,
    set_array_class,
    unwrapped,
)
from adjoint.trace.refusals import (
    TAKE,
    called_here,
    indexes_here,
    no_array,
    no_method,
    no_number,
    no_pickle,
)
from adjoint.trace.scipy_names import by_values, caller
from adjoint.trace.tables import array_function, array_ufunc, method
from adjoint.trace.views import (
    as_lies,
    as_view,
    base_of,
    check_writable,
    detached,
    handle,
    is_array,
    memory_of,
    of_its_kind,
    replace_value,
    shown_twice,
    taken_up_again,
    writable,
    write_through,
)


class TracedArray(Arithmetic, metaclass=JudgedByClass):
    """An array under recording."""

    __slots__ = ()
    __array_priority__ = 1000.0

    __adjoint_bind__ = staticmethod(bind)

    # *** what is known without the values ***

    @property  # type: ignore[misc]  # ndarray's is writable
    def __class__(self) -> type:
        """What isinstance sees: the type that plain NumPy would have here."""
        if self.weak:
            return PYTHON_NUMBERS[self.dtype.kind]
        return np.ndarray if is_array(self) else self.dtype.type

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return array

    @property
    def shape(self) -> tuple[int, ...]:
        if self.weak and asked_by_name("shape"):
            raise no_attribute("shape")
        return self.payload.shape  # type: ignore[no-any-return]

    @shape.setter
    def shape(self, wanted: Any) -> None:
        if self.tie is not None:
            self.tie.refresh(self)
            link, before = self.tie, self.shape
            read, write = link.read, link.write
            link.read = lambda base: linear.reshape(read(base), shape=self.shape)
            if write is not None:
                link.write = lambda base, new: write(base, linear.reshape(new, shape=before))
        replace_value(self, handle(np.reshape(handle(self), wanted)))

    @property
    def flags(self) -> Any:
        return Flags(self)

    @property
    def dtype(self) -> np.dtype[Any]:
        if self.weak and asked_by_name("dtype"):
            raise no_attribute("dtype")
        return self.payload.dtype  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        if self.weak and asked_by_name("ndim"):
            raise no_attribute("ndim")
        return len(self.payload.shape)

    @property
    def size(self) -> int:
        size = 1
        for n in self.payload.shape:
            size *= n
        return size

    @property
    def device(self) -> str:
        return "cpu"

    def to_device(self, device: str, /, *, stream: Any = None) -> Any:
        np.empty(0).to_device(device, stream=stream)
        return self

    @property
    def strides(self) -> tuple[int, ...]:
        """As an array would lie that NumPy had made in this way."""
        return memory_of(self).strides

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    @OfArrays
    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    # *** NumPy's protocols ***

    def __array_ufunc__(self, ufunc: Any, how: str, *inputs: Any, **options: Any) -> Any:
        if how != "at" and masked.MaskedSelection in map(type, inputs):
            return NotImplemented
        if met and ufunc == np.equal:  # NumPy's numbers compare so
            known = same_key(*(inputs if inputs[0] is self else inputs[::-1]))
            if known is not None:
                return known
        return array_ufunc(ufunc, how, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        return array_function(function, args, options)

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return np

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        whole = dtype is not None and np.dtype(dtype).kind in "biu"  # nothing to differentiate
        value = indexing.concrete_value(self) if whole else seen_value(self)
        known = unwrapped(self) if value is None else np.asarray(value)
        if type(known) is not TracedArray:
            if known.size == 0 and known.ndim > 1 and known.dtype == bool and indexes_here():
                raise noted(self, no_array(self))  # NumPy takes an empty stand-in for integers
            # Whoever got the memory itself could write what the recording would not see.
            shown = np.array(known) if copy else np.asarray(known).view()
            shown.flags.writeable = bool(copy)
            return shown if dtype is None else shown.astype(dtype, copy=False)
        if takes_item(self):
            return np.zeros(self.shape, self.dtype)
        if called_here().endswith(".__array__"):  # by hand: NumPy does not see what comes back
            return self if dtype is None else self.astype(dtype)
        raise noted(self, no_array(self))

    # *** values, where Python asks for them ***

    def _value(self, what: str, remedy: str) -> Any:
        recorder: Any = self.recorder
        told = recorder.watches
        value = recorder.told(self, what) if told else indexing.concrete_value(self)
        if value is None:
            error = ConcreteValueError(
                f"{what} needs the value of an array, which is not known while recording",
                function=caller() or _abstract_name(self),
                source=source_here(),
                got=f"an array of type {self.dtype}{list(self.shape)}",
                remedy=by_values(remedy),
            )
            raise noted(self, error)
        return value

    def __bool__(self) -> bool:
        if indexing.concrete_value(self) is None:
            answer = passed_over()
            if answer is not None:
                return answer
        remedy = "use np.where, ad.cond or ad.while_loop, or take the decision outside"
        return bool(self._value("a branch", remedy))

    def __index__(self) -> int:
        if self.dtype.kind not in "iu":
            raise ConversionError(
                "only integer scalar arrays can be converted to a scalar index",
                function=self.recorder.name,
                source=source_here(),
                got=f"a recorded value of type {self.dtype}{list(self.shape)}",
                remedy="int(x) or round(x) is a count; where a function of Python's or of another "
                "library takes a number, give it float(ad.stop_gradient(x))",
            )
        remedy = TAKE if indexes_here() else "use np.arange with a fixed length"
        return int(self._value("an index or a range", remedy))

    def __int__(self) -> int:
        return int(self._value("int()", "keep the array: x.astype(int)"))

    def __floor__(self) -> int:
        return int(np.floor(self._value("math.floor()", "use np.floor")))

    def __ceil__(self) -> int:
        return int(np.ceil(self._value("math.ceil()", "use np.ceil")))

    def __trunc__(self) -> int:
        return int(np.trunc(self._value("math.trunc()", "use np.trunc")))

    def __float__(self) -> float:
        if self.dtype.kind not in "fc" or self.recorder is PLAIN:
            return float(self._value("float()", "keep the array as it is"))
        if takes_item(self):
            return 0.0
        value = shown_value(self)
        if value is None:
            raise noted(self, no_number(self, "float"))
        return float(value)

    def __complex__(self) -> complex:
        if self.recorder is PLAIN:
            return complex(self.payload)
        if takes_item(self):
            return 0j
        value = shown_value(self)
        if value is None:
            raise noted(self, no_number(self, "complex"))
        return complex(value)

    def __hash__(self) -> int:  # type: ignore[override]  # numbers have one
        return key_of(self)

    def item(self, *index: int) -> Any:
        """One element, still under recording."""
        if is_plain(self):
            return unwrapped(self).item(*index)
        if len(index) == 1 and isinstance(index[0], tuple):
            index = index[0]
        if index:
            return python_number(self.reshape(-1)[index[0]] if len(index) == 1 else self[index])
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return python_number(self)

    def tolist(self) -> Any:
        """Nested lists of elements, still under recording."""
        if is_plain(self):
            return unwrapped(self).tolist()
        if not self.shape:
            return python_number(self)
        return [row.tolist() for row in self]

    def setflags(self, write: Any = None, align: Any = None, uic: Any = None) -> None:
        """Flags set by their names; whether it is aligned holds by itself."""
        if write is not None:
            set_writeable(self, bool(write))

    def __repr__(self) -> str:
        value = indexing.concrete_value(self)
        if self.recorder is PLAIN:
            return repr(value.item() if self.weak else value)
        shown = f"{self.dtype}{list(self.shape)}" if value is None else repr(value)
        return f"<stand-in for {shown}>"

    def __str__(self) -> str:
        return format(self, "")

    def __format__(self, spec: str) -> str:
        value = indexing.concrete_value(self)
        return repr(self) if value is None else format(value, spec)

    # *** indexing ***

    def __getitem__(self, index: Any) -> Any:
        if self.tie is not None:
            self.tie.refresh(self)
        if self.recorder is PLAIN:
            known = indexing.plain_index(index)
            if known is not indexing.RECORDED:
                return self._plain_item(known)
        if masked_index.has_unknown_mask(index):
            picked = masked_index.select(self, index)
            if picked is not None:
                return picked
        plan = indexing.plan_index(self.shape, index)
        result = indexing.read(handle(self), plan)
        if type(result) is not TracedArray or plan.scalar or not indexing.is_basic(plan):
            return result
        return as_view(
            result,
            self,
            lambda base: indexing.read(base, plan),
            lambda base, new: indexing.write(base, plan, new),
        )

    def _plain_item(self, index: Any) -> Any:
        array = self.payload
        found = array[index]
        if type(found) is not np.ndarray:
            return found
        result = plain(found)
        if found.size and not np.may_share_memory(array, found):
            return result
        plan: list[indexing.Plan] = []  # found when first needed

        def planned(base: Any) -> indexing.Plan:
            if not plan:
                plan.append(indexing.plan_index(base.shape, index))
            return plan[0]

        if not indexing.is_basic(planned(self)):
            return result
        return as_view(
            result,
            self,
            lambda base: indexing.read(base, planned(base)),
            lambda base, new: indexing.write(base, planned(base), new),
        )

    def __setitem__(self, index: Any, value: Any) -> None:
        if self.recorder.closed:
            taken_up_again(self)
        if self.tie is not None:
            self.tie.refresh(self)
            above = shown_twice(self)
            if above is not None:
                check_writable(self)
                self._write_once(*above, index, value)
                return
        if self.recorder is PLAIN:
            known = indexing.plain_index(index)
            what = value if type(value) in NUMBERS else indexing.plain_value(value)
            if known is not indexing.RECORDED and what is not indexing.RECORDED:
                writable(self)[known] = what
                return
        if masked_index.has_unknown_mask(index):
            found = masked_index.assigned(self, index, value)
            if found is not None:
                index, value = found
        plan = indexing.plan_index(self.shape, index)
        target = detached(self) if self.recorder is PLAIN else self
        new = indexing.write(target, plan, value)
        write_through(self, new)

    def _write_once(self, above: Any, places: Any, index: Any, value: Any) -> None:
        """Write elements that this view may show twice where they lie."""
        known = indexing.plain_index(index)
        if known is indexing.RECORDED:
            raise UnsupportedError(
                "a recorded index writes into a view that shows elements more than once",
                function=self.recorder.name,
                source=source_here(),
                remedy="write into the array that it is a view of",
            )
        above[np.unravel_index(places[known], above.shape)] = value

    @OfArrays
    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(self.shape[0]))

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    # *** attributes and methods of ndarray ***

    @property
    def T(self) -> Any:
        return np.transpose(self)

    @property
    def mT(self) -> Any:
        return np.swapaxes(self, -1, -2)

    @property
    def real(self) -> Any:
        return as_python_number(np.real(self), float) if self.weak else np.real(self)

    @real.setter
    def real(self, value: Any) -> None:
        np.real(self)[...] = value

    @property
    def imag(self) -> Any:
        return as_python_number(np.imag(self), float) if self.weak else np.imag(self)

    @imag.setter
    def imag(self, value: Any) -> None:
        if self.dtype.kind != "c":
            raise TypeError("array does not have imaginary part to set")
        np.imag(self)[...] = value

    @property
    def flat(self) -> Any:
        return Flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        Flat(self)[:] = value

    @property
    def base(self) -> Any:
        return base_of(self)

    def __copy__(self) -> Any:
        made = self.copy("K")
        made.weak = self.weak
        return made

    def __deepcopy__(self, memo: Any) -> Any:
        return self.__copy__()

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise no_pickle(self)

    def copy(self, order: str = "C") -> Any:
        """The same value, tied to nothing."""
        if self.tie is not None:
            self.tie.refresh(self)
        if self.recorder is PLAIN:
            return plain(self.payload.copy(order))
        # What is a view of the copy depends on its layout.
        payload = as_lies(self.payload, np.empty_like(memory_of(self), order=order))
        return of_its_kind(TracedArray(self.recorder, self.number, payload, False), self)

    def __getattr__(self, name: str) -> Any:
        if name[:2] == "__" or name in _NOT_OF_FLOATS:
            raise no_attribute(name)
        found = method(name)
        if found is None and name in _READING and is_plain(self):
            return getattr(unwrapped(self), name)
        if found is not None:
            return lambda *args, **options: found(self, *args, **options)
        if name == "as_integer_ratio":  # statistics and fractions ask for it
            raise no_number(self, "float")
        if name in _OF_NUMBERS and not self.shape:
            return getattr(float(self._value(f"x.{name}()", _OF_NUMBERS[name])), name)
        if hasattr(np.ndarray, name) and not name.startswith("__"):
            raise no_method(self, name)
        raise AttributeError(f"'numpy.ndarray' object has no attribute {name!r}")


# Attributes that Python's own numbers lack: asked for a second time where they are denied.
_OF_NUMBERS = {"is_integer": "compare with np.floor(x)", "hex": "leave the text out"}
_NOT_OF_FLOATS = frozenset(["shape", "dtype", "ndim"])

# Attributes and methods that a plain stand-in may leave to its array: none of them writes.
_READING = frozenset(
    [
        "ctypes",
        "data",
        "tobytes",
        "tofile",
        "dump",
        "dumps",
        "argpartition",
        "getfield",
        "device",
    ]
)


def _abstract_name(x: Any) -> str:
    """The transformation that hides the values: the outermost whose payload is a type."""
    name: str = x.recorder.name
    while type(x) is TracedArray:
        name = x.recorder.name
        x = x.payload
    return name


set_array_class(TracedArray)
