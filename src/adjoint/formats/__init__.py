"""Files of others: ONNX, in and out.

>>> from adjoint import formats
>>> sorted(formats.__all__)
['OnnxModel', 'from_onnx', 'to_onnx']
"""

from adjoint.formats.onnx_in import OnnxModel, from_onnx
from adjoint.formats.onnx_out import to_onnx

__all__ = ["OnnxModel", "from_onnx", "to_onnx"]
