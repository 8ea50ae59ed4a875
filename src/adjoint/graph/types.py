"""What is known of a value before it is computed: its shape and its dtype."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

_SHORT = {
    "bool": "bool",
    "int8": "i8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "uint8": "u8",
    "uint16": "u16",
    "uint32": "u32",
    "uint64": "u64",
    "float16": "f16",
    "float32": "f32",
    "float64": "f64",
    "longdouble": "f80",
    "complex64": "c64",
    "complex128": "c128",
    "clongdouble": "c160",
}
_LONG = {short: name for name, short in _SHORT.items()}
_PATTERN = re.compile(r"(\w+)\[([\d,\s]*)\]")


class ArrayType(NamedTuple):
    """The shape and dtype of a value.

    >>> print(ArrayType((3, 4), np.dtype("float64")))
    f64[3,4]
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __str__(self) -> str:
        return f"{short_dtype(self.dtype)}[{','.join(map(str, self.shape))}]"

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        size = 1
        for extent in self.shape:
            size *= extent
        return size

    @property
    def is_differentiable(self) -> bool:
        """Whether values of this type carry tangents: floating or complex."""
        return self.dtype.kind in "fc"


@lru_cache(maxsize=256)  # asking a dtype for its name takes microseconds
def short_dtype(dtype: np.dtype[Any]) -> str:
    """The short name of a dtype, ``f64`` for float64."""
    name = dtype.name
    if name in ("float96", "float128"):
        name = "longdouble"
    elif name in ("complex192", "complex256"):
        name = "clongdouble"
    return _SHORT.get(name, name)


def long_dtype(short: str) -> np.dtype[Any]:
    """The dtype with a short name; raises KeyError for an unknown one."""
    return np.dtype(_LONG[short])


def parse_type(text: str) -> ArrayType:
    """Read what ``str`` of an ArrayType wrote.

    >>> parse_type("f32[2,0]").shape
    (2, 0)
    """
    match = _PATTERN.fullmatch(text.strip())
    if match is None or match[1] not in _LONG:
        raise ValueError(f"not an array type: {text!r}")
    shape = tuple(int(extent) for extent in match[2].split(",") if extent.strip())
    return ArrayType(shape, long_dtype(match[1]))


def type_of(value: Any) -> ArrayType:
    """The type of an array, a NumPy scalar, a Python number or a stand-in array."""
    try:
        return ArrayType(value.shape, value.dtype)
    except AttributeError:
        array = np.asarray(value)
        return ArrayType(array.shape, array.dtype)
