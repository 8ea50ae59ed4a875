"""From graphs to machine code: fused loops, calls, a memory plan, LLVM's language."""

from adjoint.lower.module import PROGRAM
from adjoint.lower.program import Lowered, lower_graph

__all__ = ["PROGRAM", "Lowered", "lower_graph"]
