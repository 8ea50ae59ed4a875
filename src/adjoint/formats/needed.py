"""The onnx package, which is loaded when a file is read or written, and not before."""

from __future__ import annotations

from typing import Any

from adjoint.errors import UnsupportedError


def onnx_package(function: str) -> Any:
    """Load it, or say how it is got."""
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
        import onnx.shape_inference
    except ImportError:
        raise UnsupportedError(
            "the package onnx is not installed",
            function=function,
            remedy='pip install "adjoint[onnx]"',
        ) from None
    return onnx
