"""The user's line: where in the user's code a node was born.

While recording only the frame's code object and instruction offset are kept (two
pointers); the line number and its text are looked up when somebody asks.
"""

from __future__ import annotations

import dis
import linecache
import sys
from itertools import islice
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

import numpy

_HERE = str(Path(__file__).resolve().parents[1])
_NUMPY = str(Path(numpy.__file__).resolve().parent)
_SCIPY = str(Path(_NUMPY).parent / "scipy")
# By identity: hashing a code object takes longer than all the rest. The object is kept, so that
# its identity stays its own.
_known: dict[int, tuple[bool, CodeType]] = {}
_inside: set[int] = set()


class Source(NamedTuple):
    """A place in the user's code, and which part of the computation it stands for.

    ``role`` is ``"forward"`` for what the user wrote, ``"tangent"`` or ``"adjoint"`` for
    nodes that a derivative made: those carry the forward line they answer for.
    """

    code: CodeType | None
    offset: int
    role: str = "forward"
    place: tuple[str, int, str] | None = None  # set when read back from text

    @property
    def file(self) -> str:
        """The file's path."""
        if self.place is not None:
            return self.place[0]
        return self.code.co_filename if self.code is not None else "<unknown>"

    @property
    def line(self) -> int:
        """The line number, from 1."""
        if self.place is not None:
            return self.place[1]
        if self.code is None:
            return 0
        positions = next(islice(self.code.co_positions(), self.offset // 2, None), (None,))
        return positions[0] or self.code.co_firstlineno

    @property
    def function(self) -> str:
        """The name of the function that holds the line."""
        if self.place is not None:
            return self.place[2]
        return self.code.co_qualname if self.code is not None else "<unknown>"

    @property
    def text(self) -> str:
        """The line itself, stripped; empty where the file cannot be read."""
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        where = f"{self.file}:{self.line} in {self.function}"
        text = self.text
        return f"{where}: `{text}`" if text else where


def is_hidden(code: CodeType) -> bool:
    """Whether a frame belongs to this library or to NumPy and SciPy, not to the user."""
    known = _known.get(id(code))
    if known is None:
        # co_filename is compared as written: importers give absolute paths.
        file = code.co_filename
        inside = file.startswith((_HERE, _NUMPY, _SCIPY))
        # Gallery and benchmarks are user code that happens to be shipped: their lines are shown.
        hidden = inside and not file.startswith((_HERE + "/gallery", _HERE + "/bench"))
        hidden = hidden or file.startswith("<__array_function__")
        known = _known[id(code)] = (hidden, code)
        if hidden:
            _inside.add(id(code))
    return known[0]


def library_code(code: CodeType) -> bool:
    """Whether code is NumPy's or SciPy's own."""
    return code.co_filename.startswith((_NUMPY, _SCIPY))


def here() -> tuple[CodeType | None, int]:
    """The nearest frame that is the user's: its code object and instruction offset."""
    frame: Any = sys._getframe(1)
    while True:
        while frame is not None and id(frame.f_code) in _inside:
            frame = frame.f_back
        if frame is None:
            return None, 0
        if not is_hidden(frame.f_code):
            return frame.f_code, frame.f_lasti


def writes_an_item() -> bool:
    """Whether the user's line is in the middle of ``a[i] = x``."""
    code, offset = here()
    if code is None:
        return False
    steps = dis.get_instructions(code)
    return any(s.offset == offset and s.opname.startswith("STORE_SUBSCR") for s in steps)


def source_here() -> Source:
    """The user's line now, for an error message."""
    return Source(*here())
