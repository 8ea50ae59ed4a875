"""See backpropagation at work: worked numbers, an X-ray of a model, where a NaN was born."""

from adjoint.inspect.explaining import Explanation, explain

__all__ = ["Explanation", "explain"]
