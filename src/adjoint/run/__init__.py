"""Compile, remember and call programs."""

from adjoint.run.compile import Interpreted, InterpretedWarning, compile_graph, look_at
from adjoint.run.entry import MISS
from adjoint.run.form import Slot, argument_form, result_form
from adjoint.run.look import Cost, Look
from adjoint.run.program import Program

__all__ = [
    "MISS",
    "Cost",
    "Interpreted",
    "InterpretedWarning",
    "Look",
    "Program",
    "Slot",
    "argument_form",
    "compile_graph",
    "look_at",
    "result_form",
]
