"""Graphs of ours as graphs of ONNX: a rule for each primitive, by name."""

from adjoint.formats.writing import control, elementwise, pooling, reductions, shapes
from adjoint.formats.writing.plan import Dim, Plan, lay_over
from adjoint.formats.writing.writer import BATCH, RULES, Writer, write_plan

__all__ = [
    "BATCH",
    "RULES",
    "Dim",
    "Plan",
    "Writer",
    "control",
    "elementwise",
    "lay_over",
    "pooling",
    "reductions",
    "shapes",
    "write_plan",
]
