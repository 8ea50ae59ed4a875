"""Checking derivatives against differences, and drawing what to check them on."""

from adjoint.testing.check import check_grads
from adjoint.testing.samplers import inner, random_array, random_like

__all__ = ["check_grads", "inner", "random_array", "random_like"]
