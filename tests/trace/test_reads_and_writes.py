"""Reading and writing the same array in turns: every reader has what was there."""

from typing import Any

import numpy as np
import pytest

import adjoint as ad


def filled(x: Any) -> Any:
    u = np.zeros((5, 3))
    u[0] = x
    for t in range(4):
        u[t + 1] = np.sin(u[t]) + x
        u[t + 1, 1:] += u[t, :-1] * u[t, 0]
    return np.sum(u**2)


def read_before_write(x: Any) -> Any:
    u = np.zeros((2, 3))
    u[0] = x
    before = u[1] + u[0]  # row 1 as it is now
    row = u[0]  # a view: sees what follows
    u[1] = x * 2
    u[0, 1] = 7 * x[2]
    return np.sum(before * u[1]) + np.sum(row**3)


def whole_between(x: Any) -> Any:
    u = np.zeros((2, 3))
    u[0] = x
    square = u * u
    u[1] = x**2
    u[0, 0] = 5.0
    return np.sum(square) + np.sum(u * np.exp(u))


def kept_copies(x: Any) -> Any:
    u = np.ones((2, 3))
    u[0] = x
    same, other, flat = u.copy(), +u, u.astype(float)
    versions = [u * 1.0]
    u[0] = 3 * x
    versions.append(same)
    u[1, ::-1] = x
    return sum(np.sum(v * v) for v in (*versions, other, flat, u)) + u.ravel()[1] ** 3


def through_views(x: Any) -> Any:
    u = np.zeros((3, 4))
    u[1, 1:] = x
    part = u[1:]
    deep = part[0]
    deep[2] *= 3.0
    part[1, ::2] = x[:2]
    u.T[3] = x[1]
    deep[0] = deep[1] * deep[3]
    return np.sum(u**3)


def from_itself(x: Any) -> Any:
    u = np.zeros(6)
    u[:3] = x
    u[3:] = u[:3]
    u[1:] = u[:-1]
    u[::2] = u[::-2]
    u[...] = u
    return np.sum(u * np.arange(6)) ** 2


def exits_early(x: Any) -> Any:
    u = np.zeros(4)
    u[0] = x[0]
    for k in range(3):
        u[k + 1] = u[k] * x[k]
        if u[k + 1] > 100:
            break
    return np.max(u) + u[2]


PROGRAMS = [
    filled, read_before_write, whole_between, kept_copies, through_views, from_itself, exits_early,
]  # fmt: skip


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_as_numpy_in_both_modes(f: Any) -> None:
    x = np.array([0.5, -1.25, 0.75])
    value, gradient = ad.value_and_grad(f)(x)
    assert value == f(x.copy())
    ad.check_grads(f, (x,), order=2)
    _, compiled = ad.jit(ad.value_and_grad(f))(x) if f is not exits_early else (0, gradient)
    np.testing.assert_allclose(compiled, gradient, rtol=1e-10)


def test_nested_and_batched() -> None:
    x = np.array([0.5, -1.25, 0.75])
    hessian = ad.hessian(filled)(x)
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-9)
    rows = np.stack([x, 2 * x])
    got = ad.vmap(ad.grad(filled))(rows)
    np.testing.assert_allclose(got, [ad.grad(filled)(r) for r in rows], rtol=1e-10)


def test_a_version_that_an_inner_derivative_holds_stays() -> None:
    def f(x: Any) -> Any:
        u = np.zeros((2, 3))
        u[0] = x
        _, pull = ad.vjp(lambda y: np.sum(y**3 * u[0]), x)
        u[0] = 2 * x
        return np.sum(pull(1.0)[0] * u[0])

    x = np.array([0.5, -1.25, 0.75])
    # 3 x^2 * x * 2 x: the slope inside is taken where u[0] is x
    np.testing.assert_allclose(ad.grad(f)(x), 24 * x**3, rtol=1e-12)


def test_folds_over_all_axes_and_half_precision_spectra_are_numpys():
    x = np.random.default_rng(5).uniform(0.1, 2, (2, 3))
    for ufunc in (np.logaddexp, np.hypot):
        out, _ = ad.vjp(lambda v, u=ufunc: u.reduce(v, axis=None), x)
        assert out == ufunc.reduce(x, axis=None)
    half = np.array([0.5, 1.25, 2.0, 1.0], np.float16)
    slope = ad.grad(lambda v: (abs(np.fft.rfft(v)) ** 2).sum())(half)
    assert slope.dtype == np.float16
    np.testing.assert_array_equal(slope, [7.0, 9.5, 13.0, 8.5])


def _whole(x: Any) -> Any:
    y = x[1:3]
    y //= 0.5
    return x * x


def _whole_and_on(x: Any) -> Any:
    y = x[1:3]
    y //= 0.5
    y += x[:2]
    return x * x


def _whole_of_a_result(x: Any) -> Any:
    y = x * 3
    z = y[1:3]
    z //= 0.5
    return y * x


@pytest.mark.parametrize("f", [_whole, _whole_and_on, _whole_of_a_result])
def test_what_does_not_move_is_written_into_a_view_of_what_does(f: Any) -> None:
    x = np.array([0.7, 1.3, -0.4, 2.1])
    h = 1e-6
    wanted = np.stack([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(4)], -1)
    np.testing.assert_array_equal(ad.vjp(f, x)[0], f(x.copy()))
    for mode in ("reverse", "forward"):
        np.testing.assert_allclose(ad.jacobian(f, mode=mode)(x), wanted, atol=1e-8)
        compiled = ad.jit(ad.jacobian(f, mode=mode))
        np.testing.assert_allclose(compiled(x), wanted, atol=1e-8)


def test_a_read_only_view_stays_as_it_is() -> None:
    def f(x: Any) -> Any:
        wide = np.broadcast_to(x, (3, 4))
        for write in (lambda: wide.__setitem__(0, 1.0), lambda: wide[1].__setitem__(2, 5.0)):
            with pytest.raises(ValueError, match="read-only"):
                write()
        return np.sum(wide * wide)

    x = np.array([0.7, 1.3, -0.4, 2.1])
    np.testing.assert_allclose(ad.grad(f)(x), 6 * x)
