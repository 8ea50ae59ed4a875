"""What an object file asks of the process it is loaded into.

LLVM ends the process when a symbol is not found, so it is looked for first. Compilers call
helper functions of their own (conversions of float16, remainders) that a module's text does
not mention; only the object file tells.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterator
from typing import Any

_SYMBOL_TABLE = 2  # type of an ELF section
_ENTRY = struct.Struct("<IBBHQQ")  # name, info, other, section, value, size
_SECTION = struct.Struct("<IIQQQQIIQQ")


def undefined(code: bytes) -> Iterator[str]:
    """Names an ELF file of 64 bits uses and does not define; nothing for other formats."""
    if code[:5] != b"\x7fELF\x02" or code[5] != 1:
        return
    (start,) = struct.unpack_from("<Q", code, 40)
    size, count = struct.unpack_from("<HH", code, 58)
    sections = [_SECTION.unpack_from(code, start + i * size) for i in range(count)]
    for section in sections:
        if section[1] != _SYMBOL_TABLE:
            continue
        offset, length, link = section[4], section[5], section[6]
        names = sections[link][4]
        for at in range(offset + _ENTRY.size, offset + length, _ENTRY.size):
            name, _, _, where, _, _ = _ENTRY.unpack_from(code, at)
            if where == 0 and name:
                end = code.index(b"\0", names + name)
                yield code[names + name : end].decode()


def missing(code: bytes, llvm: Any) -> list[str]:
    """The names that are not found in this process."""
    names = list(undefined(code))
    if not names:
        return []
    process = ctypes.CDLL(None)
    return [
        name
        for name in names
        if not name.startswith("_GLOBAL_OFFSET_TABLE_")
        and not llvm.address_of_symbol(name)
        and not hasattr(process, name)
    ]
