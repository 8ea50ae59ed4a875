"""Compiled code of other libraries that is given a recorded array: what it says helps nobody.

Such code looks into the memory of what it is given, and complains of a type that users never see;
or it asks for a number, and puts an error of its own in the place of our refusal.
"""

from __future__ import annotations

import copy
import threading
from types import TracebackType

import numpy as np

from adjoint.errors import AdjointError, ConcreteValueError, ConversionError
from adjoint.graph.source import Source, is_hidden
from adjoint.trace.foreign import no_recorded_instance

_STAND_IN = "TracedArray"
_OF_JSON = "is not JSON serializable"
_SHOWN = "<stand-in for"
_OF_CYTHON = "No matching signature found"
_OF_PYBIND = "incompatible function arguments"
_READS_TEXT = ("could not convert string to", "invalid literal for int()")


class _Thread(threading.local):
    said: AdjointError | None = None


_thread = _Thread()


def remember(error: AdjointError | None) -> None:
    """Note a refusal that compiled code may take for an error of its own; None forgets it."""
    # a copy, which holds no frames
    _thread.said = None if error is None else copy.copy(error)


def refused_by_compiled_code(error: BaseException | None) -> AdjointError | None:
    """The error to show for one that compiled code has raised; None if it is something else."""
    if not isinstance(error, Exception) or isinstance(error, AdjointError):
        return None
    last, said = _last(error.__traceback__), _thread.said
    here = None if last is None else Source(last.tb_frame.f_code, last.tb_lasti)
    if said is not None and here is not None and said.source == here:
        return said
    if type(error) is ValueError and str(error).startswith(_READS_TEXT) and _SHOWN in str(error):
        return _of_text(error.__traceback__)
    return _of_memory(error) if type(error) is TypeError else None


def _of_text(trace: TracebackType | None) -> AdjointError:
    """The error for the text of a recorded number that is read again."""
    return ConcreteValueError(
        "the text of an array under recording is read as a number",
        source=_of_user(trace),
        remedy="use np.round, or x as it is; outside jit an f-string shows what is known",
    )


def _of_memory(error: TypeError) -> AdjointError | None:
    """The error for an array whose memory was looked for."""
    text, last = str(error), _last(error.__traceback__)
    if last is None or "unhashable type" in text:
        return None
    if text.endswith(_OF_JSON) and type(last.tb_frame.f_locals.get("o")).__name__ == _STAND_IN:
        return _of_json(error.__traceback__)
    if is_hidden(last.tb_frame.f_code):
        return None
    held = last.tb_frame.f_locals.values()
    complains = text == _OF_CYTHON or _OF_PYBIND in text
    is_given = complains and any(type(x).__name__ == _STAND_IN for x in held)
    if _STAND_IN not in text and _SHOWN not in text and not is_given:
        return None
    code = last.tb_frame.f_code
    made = last.tb_frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
    if isinstance(made, type) and issubclass(made, np.ndarray):
        return no_recorded_instance(made, code.co_name, Source(code, last.tb_lasti))
    return ConversionError(
        "compiled code of another library is given an array under recording",
        function=code.co_name,
        source=Source(code, last.tb_lasti),
        remedy="write an f-string, which shows what is known"
        if " format: " in text
        else "call it through ad.pure_callback, or write its derivative: ad.custom_vjp",
    )


def _of_json(trace: TracebackType | None) -> ConversionError:
    """The error for a recorded number that is to become text."""
    return ConversionError(
        "JSON holds plain numbers: the derivative of an array under recording would be lost",
        function="json",
        source=_of_user(trace),
        remedy="write ad.stop_gradient(x), or return it and write what comes back",
    )


def _last(trace: TracebackType | None) -> TracebackType | None:
    """The last line of Python's own; Cython adds what looks like lines of its sources."""
    found = None
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.endswith((".pyx", ".pxd", "<stringsource>")):
            found = trace
        trace = trace.tb_next
    return found


def _of_user(trace: TracebackType | None) -> Source | None:
    """The last line of the user's in a traceback."""
    source = None
    while trace is not None:
        code = trace.tb_frame.f_code
        if not is_hidden(code):
            source = Source(code, trace.tb_lasti)
        trace = trace.tb_next
    return source
