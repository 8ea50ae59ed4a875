"""Refusals that the user's code catches: a bare ``except`` must not decide what is recorded.

Where NumPy would have a value, ``try: return math.exp(x)`` ... ``except: return 1e308`` gives the
exponential. If the refusal were lost there, the other branch would be compiled without a word. So
a recording whose values are not known remembers what its function asked for in vain, and ends with
that error. Libraries that feel their way, and say so by catching, are left to it.
"""

from __future__ import annotations

from typing import Any

from adjoint.errors import AdjointError
from adjoint.graph.source import asked_by_user
from adjoint.trace import recorder as core
from adjoint.trace.compiled_callers import remember


def noted(x: Any, error: AdjointError) -> AdjointError:
    """The error, remembered by the recording that does not know the values of x."""
    remember(error)
    hiding = None
    while type(x) is core.TracedArray:
        hiding = None if x.recorder.concrete else x.recorder
        x = x.payload
    if hiding is not None and hiding.refused is None and asked_by_user():
        hiding.refused = error
    return error


def went_on_after(error: AdjointError) -> AdjointError:
    """The error that a function caught and went on after."""
    if error.remedy is not None and not error.remedy.endswith(_CAUGHT):
        error.remedy += _CAUGHT
    return error.with_traceback(None)


_CAUGHT = " (the function caught this error and went on: NumPy would not have raised there)"
