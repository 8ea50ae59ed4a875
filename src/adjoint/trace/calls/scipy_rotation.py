"""scipy.spatial.transform on stand-in arrays: rotations by SciPy's code for any array library.

Its formulas go by the angle, a length that has a kink at no rotation, where what is made of it
has none. Here they go by the square of the angle, or of its half's tangent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from scipy.spatial.transform import RotationSpline, _rotation, _rotation_spline, _rotation_xp

from adjoint.trace import borrow, making
from adjoint.trace.borrow_scipy import borrow_class
from adjoint.trace.calls.support import root
from adjoint.trace.scipy_gate import entries

_TERMS = 12
_COSINE = [(-0.25) ** k / math.factorial(2 * k) for k in range(_TERMS)]
_SINE = [0.5 * (-0.25) ** k / math.factorial(2 * k + 1) for k in range(_TERMS)]
_ARCTAN = [(-1) ** k / (2 * k + 1) for k in range(_TERMS)]
_NEAR = 0.02  # below, the series have all digits, also of their derivatives


def _by_series(square: Any, coefficients: list[float], closed: Any) -> Any:
    near = square < _NEAR
    inner = np.where(near, square, 0)
    total = np.zeros_like(inner)
    for coefficient in reversed(coefficients):
        total = total * inner + coefficient
    return np.where(near, total, closed(np.sqrt(np.where(near, 1, square))))


def _from_rotvec(rotvec: Any, degrees: bool = False) -> Any:
    if rotvec.shape[-1] != 3:
        raise ValueError(f"Expected `rot_vec` to have shape (..., 3), got {rotvec.shape}")
    rotvec = np.deg2rad(rotvec) if degrees else rotvec
    square = np.sum(rotvec * rotvec, axis=-1, keepdims=True)
    scale = _by_series(square, _SINE, lambda angle: np.sin(angle / 2) / angle)
    cosine = _by_series(square, _COSINE, lambda angle: np.cos(angle / 2))
    return np.concatenate([rotvec * scale, cosine], axis=-1)


def _half_tangent(quat: Any) -> tuple[Any, Any, Any]:
    """Near no rotation, whether so and the square of half the angle's tangent; the length else."""
    real = quat[..., 3:]
    squares = np.sum(quat[..., :3] ** 2, axis=-1, keepdims=True)
    near = squares < _NEAR * real * real
    tangent = np.where(near, squares, 0) / np.where(near, real * real, 1)
    return near, tangent, np.sqrt(np.where(near, 1, squares))


def _as_rotvec(quat: Any, degrees: bool = False) -> Any:
    quat = borrow.seen(_rotation_xp)._quat_canonical(quat)
    near, tangent, length = _half_tangent(quat)
    real = np.where(near, 1, quat[..., 3:])
    inner = np.sqrt(1 + tangent) * _by_series(tangent, _ARCTAN, np.arctan)
    outer = np.arctan2(length, real) * np.hypot(length, real) / length
    scale = 2 * np.where(near, inner, outer)
    return (np.rad2deg(scale) if degrees else scale) * quat[..., :3]


def _magnitude(quat: Any) -> Any:
    near, tangent, length = _half_tangent(quat)
    real = np.where(near, 1, quat[..., 3:])
    inner = root(4 * tangent * _by_series(tangent, _ARCTAN, np.arctan) ** 2)
    return np.where(near, inner, 2 * np.arctan2(length, np.abs(real)))[..., 0]


def _pow(quat: Any, n: Any) -> Any:
    """SciPy takes short cuts at 0, 1 and -1 turns, where the angle moves as everywhere."""
    if np.ndim(n) and np.shape(n) != (1,):
        raise ValueError("Array exponent must be a scalar")
    return _from_rotvec((n[0] if np.ndim(n) else n) * _as_rotvec(quat))


def _reduce(quat: Any, left: Any = None, right: Any = None) -> Any:
    """SciPy's code for arrays turns by (1, 1, 1, 1) on a side that is not given."""
    none = np.array([[0.0, 0.0, 0.0, 1.0]], quat.dtype)
    own = borrow.borrowed(_rotation_xp.reduce)
    sides = [making.result(none if side is None else side) for side in (left, right)]
    reduced, *best = own(quat, *sides)
    missing = (left is None, right is None)
    return reduced, *[None if out else at for out, at in zip(missing, best, strict=True)]


for _theirs, _ours in (
    ("from_rotvec", _from_rotvec),
    ("as_rotvec", _as_rotvec),
    ("magnitude", _magnitude),
    ("pow", _pow),
    ("reduce", _reduce),
):
    borrow.substitute(getattr(_rotation_xp, _theirs), _ours)


def _angular_rates(self: Any, dt: Any, rates: Any, rotvecs: Any) -> tuple[Any, Any]:
    """SciPy's rounds for the rates at the knots; after its test holds, rounds change nothing.

    All are recorded: whether the test holds need not be known.
    """
    from scipy.linalg import solve_banded

    seen = borrow.seen(_rotation_spline)
    turned = seen._angular_rate_to_rotvec_dot_matrix(rotvecs)
    back = seen._rotvec_dot_to_angular_rate_matrix(rotvecs)
    gap = dt[:, None]
    matrix = seen._create_block_3_diagonal_matrix(
        2 * back[1:-1] / gap[1:-1, None],
        2 * turned[1:-1] / gap[1:-1, None],
        4 / dt[:-1] + 4 / dt[1:],
    )
    first, last = rates[0], rates[-1:]
    pulls = 6 * rotvecs / gap**2
    none = np.zeros((len(dt) - 2, 3))
    ends = np.concatenate([(2 / dt[0] * (back[0] @ first))[None], none])
    ends = ends + np.concatenate([none, (2 / dt[-1] * (turned[-1] @ last[0]))[None]])
    fixed, inner, done = pulls[:-1] + pulls[1:] - ends, rates[:-1], np.asarray(False)
    for _ in range(self.MAX_ITER):
        moved = (turned[:-1] @ inner[..., None])[..., 0]
        bent = seen._angular_acceleration_nonlinear_term(rotvecs[:-1], moved)
        new = np.reshape(solve_banded((5, 5), matrix, np.ravel(fixed - bent)), (-1, 3))
        settled = np.all(np.abs(new - inner) < self.TOL * (1 + np.abs(new)))
        inner, done = np.where(done, inner, new), done | settled
    slopes = (turned @ np.concatenate([inner, last])[..., None])[..., 0]
    return np.concatenate([first[None], inner]), slopes


def _backend(*_: Any, **__: Any) -> Any:
    return borrow.seen(_rotation_xp)


borrow.substitute(_rotation.select_backend, _backend)
_BACKENDS: dict[type, Any] = {_rotation.Rotation: _rotation_xp}
_PLACES = ["_rotation.Rotation", "_rotation.Slerp", "_rotation_spline.RotationSpline"]
if find_spec("scipy.spatial.transform._rigid_transform_xp") is not None:  # since SciPy 1.17
    _rigid: Any = import_module("scipy.spatial.transform._rigid_transform")
    _rigid_xp: Any = import_module("scipy.spatial.transform._rigid_transform_xp")
    borrow.substitute(_rigid.select_backend, lambda *_, **__: borrow.seen(_rigid_xp))
    _BACKENDS[_rigid.RigidTransform] = _rigid_xp
    _PLACES.append("_rigid_transform.RigidTransform")


def _of_a_copy(function: Any) -> None:
    """SciPy's code for arrays makes a matrix orthogonal where it stands, in the caller's array."""

    def made(matrix: Any, *args: Any, **kwargs: Any) -> Any:
        return borrow.borrowed(function)(1.0 * matrix, *args, **kwargs)

    borrow.substitute(function, made)


for _own_backend in _BACKENDS.values():
    _of_a_copy(_own_backend.from_matrix)
_KINDS = (*_BACKENDS, _rotation.Slerp, RotationSpline)


def _by_arrays(x: Any) -> Any:
    """A rotation by numbers as one that goes by array functions; anything else as it is."""
    if not isinstance(x, _KINDS) or not vars(x):  # one that is being made has nothing
        return x
    own = next((b for kind, b in _BACKENDS.items() if isinstance(x, kind)), _rotation_xp)
    backend = borrow.seen(own)
    if vars(x).get("_backend") is backend:
        return x
    made = object.__new__(type(x))
    made.__dict__.update({name: _by_arrays(making.result(part)) for name, part in vars(x).items()})
    if isinstance(x, tuple(_BACKENDS)):
        made.__dict__.update(_backend=backend, _xp=borrow.seen(vars(x)["_xp"]))
    return made


def _with_arrays(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A known rotation may turn recorded points: its compiled code takes none."""

    def call(*args: Any, **options: Any) -> Any:
        return rule(*map(_by_arrays, args), **{k: _by_arrays(x) for k, x in options.items()})

    return call


for _name in _PLACES:
    _place = f"scipy.spatial.transform.{_name}"
    borrow_class(_place, without=("__getstate__",))
    for _entry in [x for name, x in entries.items() if name.startswith(f"{_place}.")]:
        _entry.rule = _with_arrays(_entry.rule)
_rates = "scipy.spatial.transform._rotation_spline.RotationSpline._solve_for_angular_rates"
if _rates in entries:
    entries[_rates].rule = _angular_rates
