"""Compiled code of other libraries that is given a recorded array: what it says helps nobody.

Such code looks into the memory of what it is given, and complains of a type that users never see.
"""

from __future__ import annotations

from types import TracebackType

from adjoint.errors import ConversionError
from adjoint.graph.source import Source, is_hidden

_STAND_IN = "TracedArray"
_OF_JSON = "is not JSON serializable"
_SHOWN = "<stand-in for"
_OF_CYTHON = "No matching signature found"
_OF_PYBIND = "incompatible function arguments"


def refused_by_compiled_code(error: BaseException | None) -> ConversionError | None:
    """The error to show for one that compiled code has raised; None if it is something else."""
    if type(error) is not TypeError:
        return None
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
    source = None
    while trace is not None:
        code = trace.tb_frame.f_code
        if not is_hidden(code):
            source = Source(code, trace.tb_lasti)
        trace = trace.tb_next
    return ConversionError(
        "JSON holds plain numbers: the derivative of an array under recording would be lost",
        function="json",
        source=source,
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
