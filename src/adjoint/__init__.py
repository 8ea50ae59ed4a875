"""Backpropagation for the NumPy you already have."""

__all__: list[str] = []
