"""Rotations at no rotation, where the angle has a kink and what is made of it has none."""

from typing import Any

import numpy as np
import pytest
import scipy.linalg
from scipy.spatial.transform import Rotation, RotationSpline, Slerp

import adjoint as ad

V3 = np.array([[0.0, 0.0, 0.0], [0.3, -0.4, 0.7]])
TURNS: dict[str, Any] = {
    "as_matrix": lambda v: Rotation.from_rotvec(v).as_matrix(),
    "as_quat": lambda v: Rotation.from_rotvec(v, degrees=True).as_quat(),
    "as_rotvec": lambda v: (Rotation.from_rotvec(v) * Rotation.from_rotvec(-v / 2)).as_rotvec(),
    "magnitude": lambda v: Rotation.from_rotvec(v).magnitude() ** 2,
    "slerp": lambda v: Slerp([0, 1], Rotation.from_rotvec(np.stack([v * 0, v])))(0.3).as_quat(),
    "pow": lambda v: (Rotation.from_rotvec(v + 0.3) ** (v[0] + 1)).as_quat(),
}


@pytest.mark.parametrize("name", list(TURNS))
def test_second_derivatives_are_those_of_smooth_functions(name: str) -> None:
    at = V3[0]
    weights = np.cos(np.arange(np.size(TURNS[name](at)))).reshape(np.shape(TURNS[name](at)))

    def total(v: Any) -> Any:
        return np.sum(TURNS[name](v) * weights)

    for v in V3:
        slope = ad.grad(total)
        expected = [(slope(v + h) - slope(v - h)) / 2e-4 for h in 1e-4 * np.eye(3)]
        # The short cuts of the power are at exactly these points, not beside them.
        np.testing.assert_allclose(ad.hessian(total)(v), expected, atol=1e-7)
        forward = ad.jacobian(ad.jacobian(total, mode="forward"), mode="forward")
        np.testing.assert_allclose(forward(v), expected, atol=1e-7)
    whole = ad.hessian(total)
    np.testing.assert_allclose(ad.jit(whole)(at), whole(at), atol=1e-12)


def test_values_and_slopes_are_scipys() -> None:
    v = np.array([0.02, -0.1, 0.05])
    half = np.sqrt(v @ v) / 2
    expected = [*(v * np.sin(half) / (2 * half)), np.cos(half)]
    np.testing.assert_allclose(ad.jit(lambda x: Rotation.from_rotvec(x).as_quat())(v), expected)
    np.testing.assert_allclose(
        ad.grad(lambda x: Rotation.from_rotvec(x).magnitude())(v), v / 2 / half
    )
    assert ad.grad(lambda n: (Rotation.from_rotvec(V3[1]) ** n).as_rotvec()[2])(
        1.0
    ) == pytest.approx(0.7)


KNOWN = Rotation.from_rotvec(np.array([[1.0, 0.2, 0.0], [0.3, -0.4, 0.7], [0.1, 0.5, -0.2]]))
GROUP = Rotation.create_group("C4")
SLERP, SPLINE = Slerp([0, 1, 3], KNOWN), RotationSpline([0, 1, 3], KNOWN)
BY_KNOWN: dict[str, tuple[Any, Any]] = {
    "apply": (lambda v: KNOWN.apply(v)[2, 1], V3[1]),
    "inside": (lambda v: Rotation.from_euler("z", 0.3).apply(v, inverse=True)[0], V3[1]),
    "times": (lambda v: (KNOWN[1] * Rotation.from_rotvec(v)).as_rotvec()[2], V3[1]),
    "mean": (lambda w: KNOWN.mean(w).as_rotvec()[1], np.array([1.0, 2.0, 0.5])),
    "slerp": (lambda t: SLERP(t).as_rotvec()[1], np.array(1.4)),
    "reduce": (lambda v: Rotation.from_rotvec(v).reduce(GROUP).as_rotvec()[0], V3[1] + 1),
}


@pytest.mark.parametrize("name", list(BY_KNOWN))
def test_known_rotations_take_recorded_values(name: str) -> None:
    f, at = BY_KNOWN[name]
    steps = 1e-5 * np.eye(at.size).reshape(at.size, *at.shape)
    expected = np.reshape([(f(at + h) - f(at - h)) / 2e-5 for h in steps], at.shape)
    value, slope = ad.value_and_grad(f)(at)
    np.testing.assert_allclose(value, f(at), rtol=1e-12)
    np.testing.assert_allclose(slope, expected, atol=1e-8)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(at), expected, atol=1e-8)


def test_splines_of_rotations_in_their_times() -> None:
    rate = ad.jvp(lambda t: SPLINE(t).as_matrix(), (1.4,), (1.0,))[1]
    expected = (SPLINE(1.4 + 1e-5).as_matrix() - SPLINE(1.4 - 1e-5).as_matrix()) / 2e-5
    np.testing.assert_allclose(rate, expected, atol=1e-8)


def test_bands_that_reach_beyond_the_matrix() -> None:
    def total(scale: Any) -> Any:
        bands = np.arange(14.0).reshape(7, 2) * scale**2
        return np.sum(scipy.linalg.solve_banded((3, 3), bands, np.array([1.0, 2.0])))

    assert ad.grad(total)(1.0) == pytest.approx(-2 * total(1.0))


@pytest.mark.filterwarnings("ignore:solve_banded has no machine code")
@pytest.mark.parametrize("count", [2, 3, 5])
def test_splines_of_recorded_rotations_inside_jit(count: int) -> None:
    times = np.cumsum(1.0 + 0.3 * np.arange(count))
    turns = np.sin(1.7 * np.arange(3.0 * count)).reshape(count, 3)

    def f(v: Any) -> Any:
        return RotationSpline(times, Rotation.from_rotvec(v))(times[1] - 0.2).as_rotvec()[1]

    steps = 1e-5 * np.eye(turns.size).reshape(-1, *turns.shape)
    expected = np.reshape([(f(turns + h) - f(turns - h)) / 2e-5 for h in steps], turns.shape)
    value, slope = ad.jit(ad.value_and_grad(f))(turns)
    np.testing.assert_allclose(value, f(turns), rtol=1e-12)
    np.testing.assert_allclose(slope, expected, atol=1e-8)
    np.testing.assert_allclose(ad.grad(f)(turns), expected, atol=1e-8)


ATTITUDES, OFFSETS = np.random.default_rng(6).normal(size=(3, 4)), np.arange(9.0).reshape(3, 3)
RIGID: dict[str, Any] = {
    "shifts": lambda t, x: t.from_components(x[:, :3], Rotation.from_quat(ATTITUDES)).as_matrix(),
    "turns": lambda t, x: t.from_components(OFFSETS, Rotation.from_quat(x)).apply(OFFSETS),
    "inverse": lambda t, x: t.from_components(OFFSETS, Rotation.from_quat(x)).inv().as_matrix(),
    "product": lambda t, x: (
        t.from_components(OFFSETS, Rotation.from_quat(x))
        * t.from_components(OFFSETS, Rotation.from_quat(ATTITUDES))
    ).as_matrix(),
    "logarithm": lambda t, x: t.from_components(OFFSETS, Rotation.from_quat(x)).as_exp_coords(),
    "dual": lambda t, x: t.from_components(OFFSETS, Rotation.from_quat(x)).as_dual_quat(),
    "power": lambda t, x: (t.from_components(OFFSETS, Rotation.from_quat(x)) ** 0.4).as_matrix(),
    "exponential": lambda t, x: t.from_exp_coords(np.concatenate([x, x[:, :2]], 1)).as_matrix(),
    "at rest": lambda t, x: t.from_exp_coords(
        np.concatenate([x - ATTITUDES, OFFSETS[:, :2]], 1)
    ).as_matrix(),
}


@pytest.mark.parametrize("name", RIGID)
def test_rigid_motions_move_in_every_mode(name: str) -> None:
    transform = pytest.importorskip("scipy.spatial.transform")
    if not hasattr(transform, "_rigid_transform_xp"):
        pytest.skip("before SciPy 1.17 they are compiled")

    def f(x: Any) -> Any:
        return RIGID[name](transform.RigidTransform, x)

    wanted = f(ATTITUDES)
    made, pull = ad.vjp(f, ATTITUDES)
    # SciPy's compiled powers have 8 digits (expm(0.4 * logm(m)) agrees with ours to 1e-15)
    digits = 1e-6 if name == "power" else 1e-13
    np.testing.assert_allclose(made, wanted, rtol=digits, atol=digits / 10)
    to, away = np.random.default_rng(7).normal(size=(2, *ATTITUDES.shape))
    weights = np.resize(away, wanted.shape)
    ends = [f(ATTITUDES + h * to) for h in (1e-5, -1e-5)]
    slope = np.sum(weights * (ends[0] - ends[1])) / 2e-5
    assert np.sum(weights * ad.jvp(f, (ATTITUDES,), (to,))[1]) == pytest.approx(slope, rel=1e-6)
    assert np.sum(pull(weights)[0] * to) == pytest.approx(slope, rel=1e-6)

    def loss(x: Any) -> Any:
        return np.sum(weights * f(x) ** 2)

    slopes = ad.grad(loss)(ATTITUDES)
    np.testing.assert_allclose(ad.jit(ad.grad(loss))(ATTITUDES), slopes, rtol=1e-9, atol=1e-10)
    both = ad.vmap(ad.grad(loss))(np.stack([ATTITUDES, ATTITUDES]))
    np.testing.assert_allclose(both[1], slopes, rtol=1e-9, atol=1e-10)
    near = [ad.grad(loss)(ATTITUDES + h * to) for h in (1e-5, -1e-5)]
    np.testing.assert_allclose(
        ad.hvp(loss, ATTITUDES, to), (near[0] - near[1]) / 2e-5, rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("size", [3, 4])
def test_matrices_that_are_not_orthogonal_stay_as_they_are(size: int) -> None:
    given = np.eye(size)
    given[:3, :3] = [[0.1, -0.6, 0.2], [0.5, 0.1, -0.1], [0.1, 0.0, 0.7]]
    transform = pytest.importorskip("scipy.spatial.transform")
    kind = Rotation if size == 3 else transform.RigidTransform

    def f(t: Any) -> Any:
        matrix = np.where(np.arange(size)[:, None] < 3, t, 1) * given
        before = matrix.copy()
        made = kind.from_matrix(matrix).as_matrix()
        return np.sum((matrix - before) ** 2) + np.sum(matrix) + made[0, 1]

    value, slope = ad.value_and_grad(f)(1.0)
    assert value == f(1.0)
    np.testing.assert_allclose(slope, np.sum(given[:3]), rtol=1e-12)
