"""Which function of SciPy the user called, when a stand-in turns up inside it."""

from __future__ import annotations

import sys
from types import CodeType
from typing import Any

from adjoint.graph.source import is_hidden
from adjoint.trace.without_rule import no_rule

_WRAPPERS = {"wrapper", "inner", "wrapped", "_wrapper", "func_wrapper", "new_func", "<lambda>"}

OUTSIDE = (
    "give SciPy what it would choose by values (times, frequencies, a number of points), or "
    "call it outside jit and vmap"
)


def _public_name(code: CodeType) -> str | None:
    """``scipy.signal.welch`` for code in scipy/signal/_spectral_py.py."""
    parts = code.co_filename.replace("\\", "/").rpartition("/scipy/")[2].split("/")
    if "/scipy/" not in code.co_filename.replace("\\", "/"):
        return None
    package = [p for p in parts[:-1] if not p.startswith("_")]
    name = code.co_qualname.replace(".<locals>", "")
    return ".".join(["scipy", *package, name])


def _wrapped(names: dict[str, Any]) -> str | None:
    """The name of the function of SciPy's that a decorator's frame stands for."""
    for name in ("hypotest_fun_in", "f", "func", "fun"):
        found = names.get(name)
        module = getattr(found, "__module__", None) or ""
        if callable(found) and module.startswith("scipy."):
            package = [part for part in module.split(".") if not part.startswith("_")]
            return ".".join([*package, getattr(found, "__name__", name)])
    return None


def caller() -> str | None:
    """The function of SciPy's that stands nearest to the user, if there is one."""
    frame = sys._getframe(1)
    found: str | None = None
    while is_hidden(frame.f_code):
        wrapped = _wrapped(frame.f_locals) if frame.f_code.co_freevars else None
        if wrapped is not None:
            found = wrapped
        elif frame.f_code.co_name not in _WRAPPERS:
            found = _public_name(frame.f_code) or found
        if frame.f_back is None:
            break
        frame = frame.f_back
    return found


def by_values(remedy: str) -> str:
    """What to do where a value decides: it may be SciPy's code that asks for it."""
    return OUTSIDE if caller() else remedy


def refuse_caller() -> None:
    """Raise an error that names SciPy's function, if one of them stands nearest to the user."""
    found = caller()
    if found is None:
        return
    raise no_rule(
        found,
        remedy="docs/coverage_scipy.md lists what has one; otherwise write it with NumPy, or give "
        "it a rule of your own with ad.custom_jvp or ad.custom_vjp",
    )
