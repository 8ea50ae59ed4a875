"""scipy.differentiate and scipy.optimize.elementwise on recorded values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.differentiate as differentiate
import scipy.optimize.elementwise as elementwise

import adjoint as ad
from adjoint.errors import UnsupportedError

P = np.array([1.2, 0.7])
PLACES = np.array([0.3, 0.5, 1.0])
CASES: dict[str, Any] = {
    "derivative": lambda p: differentiate.derivative(lambda x: np.sin(p[0] * x) * p[1], PLACES).df,
    "derivative of args": lambda p: (
        differentiate.derivative(lambda x, a, b: np.sin(a * x) * b, PLACES * p[1], args=(*p,)).df
    ),
    "derivative of a number": lambda p: (
        differentiate.derivative(lambda x: np.exp(p[0] * x), p[1]).df
    ),
    "derivative of shapes": lambda p: (
        differentiate.derivative(
            lambda x: np.array([x, np.sin(3 * x) * p[0]]), p[1], preserve_shape=True
        ).df
    ),
    "jacobian": lambda p: (
        differentiate.jacobian(lambda x: np.stack([x[0] * p[0], x[1] ** 3 * x[0]]), p).df
    ),
    "hessian": lambda p: differentiate.hessian(lambda x: np.sin(x[0] * p[0]) * np.exp(x[1]), p).ddf,
    "find_root": lambda p: elementwise.find_root(lambda x, a: x**3 - a, (0.0, 3.0), args=(p,)).x,
    "find_root of a closure": lambda p: (
        elementwise.find_root(lambda x: np.exp(x) - p[0] - p[1], (0.0, 3.0)).x
    ),
    "find_minimum": lambda p: (
        elementwise.find_minimum(
            lambda x, a: (x - a) ** 4 + (x - a * a) ** 2, (-2.0, 0.5, 4.0), args=(p,)
        ).f_x
    ),
    "bracket_root": lambda p: elementwise.bracket_root(lambda x: x - 3 * p[0], 0.0).f_bracket[1],
    "bracket_minimum": lambda p: elementwise.bracket_minimum(
        lambda x: (x - 3 * p[0]) ** 2, 0.0
    ).f_bracket[1],
}


@pytest.mark.parametrize("name", CASES)
def test_all_modes(name: str) -> None:
    def f(p: Any) -> Any:
        found = CASES[name](p)
        return np.sum(found * np.cos(np.arange(np.size(found))).reshape(np.shape(found)))

    def central(g: Any) -> Any:
        steps = 1e-5 * np.eye(2)
        return np.stack([(g(P + h) - g(P - h)) / 2e-5 for h in steps])

    value, slope = ad.value_and_grad(f)(P)
    assert value == f(P)
    np.testing.assert_allclose(slope, central(f), atol=2e-6, rtol=1e-5)
    along = ad.jvp(f, (P,), (np.array([1.0, 2.0]),))[1]
    np.testing.assert_allclose(along, slope @ [1.0, 2.0])
    np.testing.assert_allclose(ad.hessian(f)(P), central(ad.grad(f)), atol=1e-6, rtol=1e-5)
    if name.startswith(("find", "bracket")):
        with pytest.raises(ad.errors.UnsupportedError, match="outside jit"):
            ad.jit(ad.grad(f))(P)
    else:
        np.testing.assert_allclose(ad.jit(ad.grad(f))(P), slope)


def test_elements_without_a_root_stand_beside_others() -> None:
    def f(p: Any) -> Any:
        found = elementwise.find_root(lambda x, a: x * x - a, (0.0, 2.0), args=(p,))
        return np.sum(np.where(found.success, found.x, 0.0))

    np.testing.assert_allclose(ad.grad(f)(np.array([1.0, 9.0])), [0.5, 0.0])


def test_what_the_search_leaves_behind_is_refused() -> None:
    def f(p: Any) -> Any:
        return np.sum(elementwise.find_root(lambda x: x - p, (0.0, 2.0)).bracket[0])

    with pytest.raises(ad.errors.UnsupportedError, match="bracket"):
        ad.grad(f)(1.0)


def test_jacobians_of_one_result_and_of_many_places() -> None:
    from scipy.differentiate import jacobian
    from scipy.optimize import rosen

    many = np.random.default_rng(0).normal(size=(3, 4))
    for x in (many[:, 0], many):
        weights = np.cos(np.arange(x.size)).reshape(x.shape)

        def f(t, x=x, weights=weights):
            return np.sum(jacobian(rosen, x * t).df * weights)

        value, slope = ad.value_and_grad(f)(1.0)
        assert value == f(1.0)
        np.testing.assert_allclose(slope, (f(1.0001) - f(0.9999)) / 2e-4, rtol=1e-7)


def test_lists_of_arguments_are_arrays_for_the_function() -> None:
    from scipy.differentiate import derivative
    from scipy.integrate import tanhsinh

    def g(x, c):
        assert np.broadcast_shapes(x.shape, c.shape)
        return np.sin(c * x)

    c = np.array([1.0, 5.0, 10.0])
    slope = ad.grad(lambda t: np.sum(derivative(g, t, args=([1, 5, 10],)).df))(0.3)
    np.testing.assert_allclose(slope, -np.sum(c * c * np.sin(0.3 * c)), rtol=1e-9)
    slope = ad.grad(lambda t: np.sum(tanhsinh(g, 0, t, args=([1, 5, 10],)).integral))(0.7)
    np.testing.assert_allclose(slope, np.sum(np.sin(0.7 * c)), rtol=1e-12)
    area = ad.grad(lambda t: t * np.sum(tanhsinh(g, 0, 1.0, args=([1, 5, 10],)).integral))(1.0)
    np.testing.assert_allclose(area, np.sum((1 - np.cos(c)) / c), rtol=1e-12)


def test_what_the_steps_leave_is_refused_by_name_where_values_are_not_known() -> None:
    from scipy.integrate import tanhsinh

    for name, f in (
        ("scipy.differentiate.derivative", lambda x: differentiate.derivative(np.sin, x).error),
        ("scipy.integrate.tanhsinh", lambda x: 1.0 * tanhsinh(np.sin, 0.0, x).error),
    ):
        with pytest.raises(UnsupportedError, match=f"{name}: error, which"):
            ad.jit(lambda x, f=f: x * f(x))(0.3)
