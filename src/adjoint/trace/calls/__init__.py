"""The rules of NumPy's functions, one module for each family."""

import importlib

_FAMILIES = (
    "ufuncs",
    "ufunc_at",
    "ufunc_forms",
    "reductions",
    "shapes",
    "selection",
    "padding",
    "products",
    "linalg",
    "factorizations",
    "fft",
    "creation",
    "statistics",
    "partitions",
    "sequences",
    "assignment",
    "picking",
    "borrowed",
    "gradients",
    "polynomials",
    "histograms",
    "integers",
    "placed_views",
    "python_level",
)


def load() -> None:
    """Fill the tables."""
    for family in _FAMILIES:
        importlib.import_module(f"adjoint.trace.calls.{family}")
