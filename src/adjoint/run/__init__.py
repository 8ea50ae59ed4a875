"""Compile, remember and call programs."""

from adjoint.run.program import Program, compile_graph

__all__ = ["Program", "compile_graph"]
