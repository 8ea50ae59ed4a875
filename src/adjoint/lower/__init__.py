"""From graphs to machine code: fused loops, calls, a memory plan, LLVM's language."""

from adjoint.lower.module import ENTRY, Lowered, lower_graph

__all__ = ["ENTRY", "Lowered", "lower_graph"]
