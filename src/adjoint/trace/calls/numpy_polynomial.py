"""numpy.polynomial: NumPy's own code on stand-ins; loaded when the package has been imported."""

from __future__ import annotations

import sys
from types import FunctionType
from typing import Any

from adjoint.trace.borrow import borrow, borrowed, substitute
from adjoint.trace.calls.support import is_traced
from adjoint.trace.indexing import concrete_value
from adjoint.trace.scipy_gate import entries, scipy_rule

# Not imported by name: NumPy loads the package when asked for it, and this is in the middle of it.
polynomial: Any = sys.modules["numpy.polynomial"]

_BASES = {
    "polynomial": "poly",
    "chebyshev": "cheb",
    "legendre": "leg",
    "hermite": "herm",
    "hermite_e": "herme",
    "laguerre": "lag",
}
_SUFFIXES = (
    *("val", "val2d", "val3d", "grid2d", "grid3d", "der", "int", "add", "sub", "mul", "mulx"),
    *("div", "pow", "vander", "vander2d", "vander3d", "fit", "companion", "roots", "fromroots"),
)


def _own_code(name: str) -> Any:
    def rule(*args: Any, **options: Any) -> Any:
        return borrowed(entries[name].original)(*args, **options)

    return rule


_trimmed: Any = polynomial.polyutils.trimseq


def trimseq(seq: Any) -> Any:
    """Coefficients without the zeros at their end; as they are where values are not known."""
    if is_traced(seq) and concrete_value(seq) is None:
        return seq
    return _trimmed(seq)


substitute(_trimmed, trimseq)

for _module, _prefix in _BASES.items():
    for _suffix in _SUFFIXES:
        _name = f"numpy.polynomial.{_module}.{_prefix}{_suffix}"
        _function = getattr(getattr(polynomial, _module), _prefix + _suffix, None)
        if isinstance(_function, FunctionType):
            scipy_rule(_name)(_own_code(_name))
        else:  # one that does ask
            borrow(_function)
for _name in ("numpy.polynomial.polyutils.as_series", "numpy.polynomial.polyutils.mapdomain"):
    scipy_rule(_name)(_own_code(_name))
