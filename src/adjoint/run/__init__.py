"""Compile, remember and call programs."""

from adjoint.run.compile import Interpreted, InterpretedWarning, compile_graph
from adjoint.run.entry import MISS
from adjoint.run.program import Program

__all__ = ["MISS", "Interpreted", "InterpretedWarning", "Program", "compile_graph"]
