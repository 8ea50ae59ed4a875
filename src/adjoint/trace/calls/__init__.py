"""The rules of NumPy's functions, one module for each family."""

import importlib

_FAMILIES = ("ufuncs", "reductions", "shapes", "selection", "products", "linalg", "creation")


def load() -> None:
    """Fill the tables."""
    for family in _FAMILIES:
        importlib.import_module(f"adjoint.trace.calls.{family}")
