"""scipy.spatial.transform on stand-in arrays: rotations by SciPy's code for any array library."""

from __future__ import annotations

from typing import Any

from scipy.spatial.transform import _rotation, _rotation_xp

from adjoint.trace import borrow
from adjoint.trace.borrow_scipy import borrow_class


def _backend(*_: Any, **__: Any) -> Any:
    return borrow.seen(_rotation_xp)


borrow.substitute(_rotation.select_backend, _backend)
for _name in ("Rotation", "Slerp"):
    borrow_class(f"scipy.spatial.transform._rotation.{_name}", without=("__getstate__",))
