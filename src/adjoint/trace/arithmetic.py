"""The operators of the stand-in array, and what ``+=`` and its like write through."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.primitives import elementwise as e
from adjoint.primitives import linear, products
from adjoint.trace import indexing
from adjoint.trace import recorder as core
from adjoint.trace.calls.support import as_operand, with_sequence_as_list
from adjoint.trace.elementwise import elementwise
from adjoint.trace.guards import watched
from adjoint.trace.operators import fits, operator, power, unary
from adjoint.trace.recorder import PLAIN, TracedCore, is_plain, unwrapped
from adjoint.trace.views import detached, writable, write_through

_c = e.constants


class Arithmetic(TracedCore):
    """Operators, to be completed to an array."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]  # like ndarray

    __add__, __radd__ = operator(linear.add), operator(linear.add, swapped=True)
    __sub__, __rsub__ = operator(linear.sub), operator(linear.sub, swapped=True)
    __mul__, __rmul__ = operator(products.mul), operator(products.mul, swapped=True)
    __truediv__, __rtruediv__ = operator(e.div), operator(e.div, swapped=True)
    __floordiv__ = operator(_c["floor_divide"])
    __rfloordiv__ = operator(_c["floor_divide"], swapped=True)
    __mod__, __rmod__ = operator(e.remainder), operator(e.remainder, swapped=True)
    __rpow__ = operator(e.power, swapped=True)
    __lt__, __le__ = operator(_c["less"]), operator(_c["less_equal"])
    __gt__, __ge__ = operator(_c["greater"]), operator(_c["greater_equal"])
    __eq__ = watched(operator(_c["equal"]), True)
    __ne__ = watched(operator(_c["not_equal"]), False)
    __and__, __rand__ = operator(_c["bitwise_and"]), operator(_c["bitwise_and"], swapped=True)
    __or__, __ror__ = operator(_c["bitwise_or"]), operator(_c["bitwise_or"], swapped=True)
    __xor__, __rxor__ = operator(_c["bitwise_xor"]), operator(_c["bitwise_xor"], swapped=True)
    __lshift__, __rlshift__ = operator(_c["left_shift"]), operator(_c["left_shift"], swapped=True)
    __rshift__, __rrshift__ = operator(_c["right_shift"]), operator(_c["right_shift"], swapped=True)
    __neg__ = unary(linear.neg)
    __abs__ = unary(e.absolute)

    def __invert__(self) -> Any:
        return elementwise(_c["invert"], self)

    def __pos__(self: Any) -> Any:
        return self.__copy__()

    def __round__(self: Any, digits: int | None = None) -> Any:
        if digits is None and not self.shape and self.dtype.kind in "iuf":
            watches = self.recorder.watches
            known = (
                self.recorder.told(self, "round()") if watches else indexing.concrete_value(self)
            )
            if known is not None:
                return round(known.item())  # an integer, of which a range may be made
        result = np.round(self, digits or 0)
        if not self.weak:
            return result
        if type(result) is not type(self):
            return result.item()  # as for Python's numbers
        return type(self)(result.recorder, result.number, result.payload, True)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __pow__(self, exponent: Any) -> Any:
        if not fits(exponent):
            exponent = with_sequence_as_list(exponent)
            if not isinstance(exponent, list | tuple | TracedCore):
                return NotImplemented
            exponent = as_operand(exponent)
        return power(self, exponent)

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, list | tuple):
            other = as_operand(other)
        return np.matmul(self, other) if fits(other) else NotImplemented

    def __rmatmul__(self, other: Any) -> Any:
        if isinstance(other, list | tuple):
            other = as_operand(other)
        return np.matmul(other, self) if fits(other) else NotImplemented

    def _in_place(self: Any, result: Any) -> Any:
        """What ``+=`` does to an array: cast back to its dtype, write through to its bases."""
        if result is NotImplemented:
            return result
        if not self.shape and self.tie is None and self.recorder is not PLAIN:
            return result  # NumPy scalars are rebound by ``+=``, not written
        if (
            result.shape != self.shape
            and np.broadcast_shapes(result.shape, self.shape) != self.shape
        ):
            raise ValueError(
                f"non-broadcastable output operand with shape {self.shape} doesn't match the "
                f"broadcast shape {result.shape}"
            )
        if not np.can_cast(result.dtype, self.dtype, "same_kind"):
            raise np.exceptions.DTypePromotionError(
                f"cannot write {result.dtype} into an array of {self.dtype}"
            )
        known = is_plain(result) or type(result) is not core.TracedArray
        if known and is_plain(self):
            writable(self)[...] = unwrapped(result)
        elif known:
            self[...] = result  # what does not move is written into what does: ``x //= y``
        else:
            write_through(self, detached(indexing.fit(result, self.shape, self.dtype)))
        return self

    def __iadd__(self, other: Any) -> Any:  # type: ignore[misc]  # ndarray's rule
        return self._in_place(self + other)

    def __isub__(self, other: Any) -> Any:  # type: ignore[misc]  # ndarray's rule
        return self._in_place(self - other)

    def __imul__(self, other: Any) -> Any:  # type: ignore[misc]  # ndarray's rule
        return self._in_place(self * other)

    def __itruediv__(self, other: Any) -> Any:  # type: ignore[misc]  # ndarray's rule
        return self._in_place(self / other)

    def __ifloordiv__(self, other: Any) -> Any:  # type: ignore[misc]  # ndarray's rule
        return self._in_place(self // other)

    def __imod__(self, other: Any) -> Any:  # type: ignore[misc]  # ndarray's rule
        return self._in_place(self % other)

    def __ipow__(self, other: Any) -> Any:
        return self._in_place(self**other)

    def __imatmul__(self, other: Any) -> Any:
        return self._in_place(self @ other)

    def __iand__(self, other: Any) -> Any:  # type: ignore[misc]  # ndarray's rule
        return self._in_place(self & other)

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc]  # ndarray's rule
        return self._in_place(self | other)

    def __ixor__(self, other: Any) -> Any:  # type: ignore[misc]  # ndarray's rule
        return self._in_place(self ^ other)

    def __ilshift__(self, other: Any) -> Any:  # type: ignore[misc]  # ndarray's rule
        return self._in_place(self << other)

    def __irshift__(self, other: Any) -> Any:  # type: ignore[misc]  # ndarray's rule
        return self._in_place(self >> other)
