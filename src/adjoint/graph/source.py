"""The user's line: where in the user's code a node was born.

While recording only the frame's code object and instruction offset are kept (two
pointers); the line number and its text are looked up when somebody asks.
"""

from __future__ import annotations

import dis
import linecache
import sys
from functools import lru_cache
from itertools import islice
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

import numpy

_HERE = str(Path(__file__).resolve().parents[1])
_NUMPY = str(Path(numpy.__file__).resolve().parent)
_SCIPY = str(Path(_NUMPY).parent / "scipy")
_DRAWING = (str(Path(_NUMPY).parent / "matplotlib"), str(Path(_NUMPY).parent / "mpl_toolkits"))
_PYTHON = str(Path(linecache.__file__).parent)
# Of Python's own library, what takes numbers apart that it is given.
_READING = tuple(f"{_PYTHON}/{name}" for name in ("statistics.py", "fractions.py", "json/"))
_LOOKING = (*_DRAWING, str(Path(_NUMPY) / "testing"))
_LONGEST = 120  # characters of a line that are shown
_STORES = ("STORE_SUBSCR", "STORE_SLICE")
# Whether code is hidden. By identity: hashing a code object takes longer than all the rest. The
# objects are kept, so that their identities stay their own.
_known: dict[int, bool] = {}
_kept: list[CodeType] = []


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
        return self._positions()[0] or self.code.co_firstlineno

    def _positions(self) -> tuple[int | None, ...]:
        """Lines and columns of the instruction, as far as Python keeps them."""
        if self.code is None:
            return (None,) * 4
        return next(islice(self.code.co_positions(), self.offset // 2, None), (None,) * 4)

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
        text = self._excerpt()
        return f"{where}: `{text}`" if text else where

    def _excerpt(self) -> str:
        """The line; of a long one what is around the place."""
        text = self.text
        if len(text) <= _LONGEST:
            return text
        line = linecache.getline(self.file, self.line)
        column = len(line.encode()[: self._positions()[2] or 0].decode(errors="ignore"))
        first = max(0, column - (len(line) - len(line.lstrip())) - _LONGEST // 4)
        before, after = "... " if first else "", " ..." if first + _LONGEST < len(text) else ""
        return f"{before}{text[first : first + _LONGEST]}{after}"


def is_hidden(code: CodeType) -> bool:
    """Whether a frame belongs to this library or to those it knows, not to the user."""
    known = _known.get(id(code))
    if known is None:
        # co_filename is compared as written: importers give absolute paths.
        file = code.co_filename
        inside = file.startswith((_HERE, _NUMPY, _SCIPY, *_DRAWING, *_READING))
        # Gallery and benchmarks are user code that happens to be shipped: their lines are shown.
        hidden = inside and not file.startswith((_HERE + "/gallery", _HERE + "/bench"))
        known = _known[id(code)] = hidden or file.startswith("<__array_function__")
        _kept.append(code)
    return known


def library_code(code: CodeType) -> bool:
    """Whether code is NumPy's or SciPy's own."""
    return code.co_filename.startswith((_NUMPY, _SCIPY))


def asked_by_user() -> bool:
    """Whether what this library is in the middle of was asked for by the user's code itself."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    return frame is not None and not is_hidden(frame.f_code)


def only_looked_at() -> bool:
    """Whether the user's line has matplotlib, or NumPy's checks for tests, ask for values."""
    frame: Any = sys._getframe(1)
    while frame is not None and is_hidden(frame.f_code):
        if frame.f_code.co_filename.startswith(_LOOKING):
            return True
        frame = frame.f_back
    return False


def here(depth: int = 1) -> tuple[CodeType | None, int]:
    """The nearest frame that is the user's: its code object and instruction offset.

    Args:
        depth: how many frames up to begin; what stands below is known not to be the user's.
            Python makes an object of each frame that is looked at.
    """
    frame: Any = sys._getframe(depth)
    while frame is not None:
        code = frame.f_code
        hidden = _known.get(id(code))
        if not (is_hidden(code) if hidden is None else hidden):
            return code, frame.f_lasti
        frame = frame.f_back
    return None, 0


@lru_cache(maxsize=512)
def instructions(code: CodeType) -> tuple[dis.Instruction, ...]:
    """The instructions of a code object: to take them apart takes as long as to run them."""
    return tuple(dis.get_instructions(code))


@lru_cache(maxsize=4096)
def instruction_at(code: CodeType, offset: int) -> dis.Instruction:
    """The instruction that a frame is in the middle of.

    While a Python function runs that was called, the place is behind the call's instruction.
    """
    return [step for step in instructions(code) if step.offset <= offset][-1]


def writes_an_item() -> bool:
    """Whether the user's line is in the middle of ``a[i] = x``."""
    code, offset = here()
    if code is None:
        return False
    return instruction_at(code, offset).opname.startswith(_STORES)


def source_here() -> Source:
    """The user's line now, for an error message."""
    return Source(*here())
