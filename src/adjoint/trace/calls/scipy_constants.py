"""scipy.constants on stand-in arrays: its conversions, by SciPy's own code."""

from __future__ import annotations

from adjoint.trace.borrow_scipy import borrow_names

borrow_names("scipy.constants", "convert_temperature lambda2nu nu2lambda")
