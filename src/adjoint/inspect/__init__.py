"""See backpropagation at work: worked numbers, an X-ray of a model, where a NaN was born."""

from adjoint.inspect.explaining import Explanation, explain
from adjoint.inspect.provenance import Birth, find_nan
from adjoint.inspect.report import Report
from adjoint.inspect.xraying import xray

__all__ = ["Birth", "Explanation", "Report", "explain", "find_nan", "xray"]
