"""The user's line: where in the user's code a node was born.

While recording only the frame's code object and instruction offset are kept (two
pointers); the line number and its text are looked up when somebody asks.
"""

from __future__ import annotations

import linecache
import sys
from itertools import islice
from pathlib import Path
from types import CodeType
from typing import NamedTuple

import numpy

_HERE = str(Path(__file__).resolve().parents[1])
_NUMPY = str(Path(numpy.__file__).resolve().parent)
_SCIPY = str(Path(_NUMPY).parent / "scipy")
_hidden: dict[CodeType, bool] = {}


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
    hidden = _hidden.get(code)
    if hidden is None:
        # co_filename is compared as written: importers give absolute paths.
        file = code.co_filename
        inside = file.startswith((_HERE, _NUMPY, _SCIPY))
        # The gallery is user code that happens to be shipped: its lines are shown.
        hidden = inside and not file.startswith(_HERE + "/gallery")
        hidden = hidden or file.startswith("<__array_function__")
        _hidden[code] = hidden
    return hidden


def here() -> tuple[CodeType | None, int]:
    """The nearest frame that is the user's: its code object and instruction offset."""
    frame = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        hidden = _hidden.get(code)
        if hidden is None:
            hidden = is_hidden(code)
        if not hidden:
            return code, frame.f_lasti
        frame = frame.f_back  # type: ignore[assignment]
    return None, 0


def source_here() -> Source:
    """The user's line now, for an error message."""
    return Source(*here())
