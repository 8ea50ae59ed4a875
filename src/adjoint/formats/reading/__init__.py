"""ONNX's operators in NumPy: a rule for each, by name."""

from adjoint.formats.reading import (
    control,
    elementwise,
    recurrent,
    reductions,
    shapes,
    windows,
)
from adjoint.formats.reading.control import run
from adjoint.formats.reading.file import read
from adjoint.formats.reading.step import OPERATORS, Block, Step

__all__ = [
    "OPERATORS",
    "Block",
    "Step",
    "control",
    "elementwise",
    "read",
    "recurrent",
    "reductions",
    "run",
    "shapes",
    "windows",
]
