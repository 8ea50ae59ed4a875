"""Recording: the stand-in array, and what NumPy's functions mean on it."""

from adjoint.trace import calls as _calls
from adjoint.trace import drawing as _drawing  # noqa: F401  # takes its place
from adjoint.trace import iterators as _iterators  # noqa: F401  # takes its place
from adjoint.trace import kinds as _kinds  # noqa: F401  # takes its place
from adjoint.trace import lists as _lists  # noqa: F401  # takes its place
from adjoint.trace import making as _making  # noqa: F401  # takes its place
from adjoint.trace import numpy_numbers as _numpy_numbers  # noqa: F401  # takes its place
from adjoint.trace import outside as _outside  # noqa: F401  # takes its place
from adjoint.trace import python_math as _python_math  # noqa: F401  # takes its place
from adjoint.trace import python_numbers as _python_numbers  # noqa: F401  # takes its place
from adjoint.trace import record_arrays as _record_arrays  # noqa: F401  # takes its place
from adjoint.trace import scipy_gate as _scipy_gate  # noqa: F401  # takes its place
from adjoint.trace.array import TracedArray
from adjoint.trace.record import Recording, record_graph
from adjoint.trace.recorder import Recorder

__all__ = ["Recorder", "Recording", "TracedArray", "record_graph"]

_calls.load()
