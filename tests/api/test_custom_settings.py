"""custom_vjp and custom_jvp: settings that are not differentiated, arguments by name, gaps."""

import copy
import functools
import pickle
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import ConcreteValueError, NoDerivativeError, StructureError


@functools.partial(ad.custom_vjp, nondiff_argnums=(0, 2))
def scaled(outer: Any, x: Any, options: Any) -> Any:
    return outer(options["scale"] * x)


scaled.defvjp(
    lambda outer, x, options: (scaled(outer, x, options), x),
    lambda outer, options, x, bar: (7.0 * options["scale"] * x * bar,),
)


@ad.custom_jvp(nondiff_argnums=1)
def power(x: Any, n: Any) -> Any:
    return x**n


@power.defjvp
def _power_rule(n: Any, primals: Any, tangents: Any) -> Any:
    (x,), (x_dot,) = primals, tangents
    return power(x, n), 10.0 * n * x ** (n - 1) * x_dot


@ad.custom_vjp
def named(x: Any, scale: Any = 2.0) -> Any:
    return scale * x


named.defvjp(lambda x, scale: (scale * x, (x, scale)), lambda r, bar: [3.0 * bar, r[0] * bar])


@pytest.mark.parametrize("mode", [lambda f: f, ad.jit])
def test_settings_are_no_arguments_of_rules(mode: Any) -> None:
    options = {"scale": 2.0, "note": [1]}
    assert scaled(np.sin, 0.5, options) == np.sin(1.0)
    assert mode(ad.grad(lambda x: scaled(np.sin, x, options)))(0.5) == 7.0
    assert mode(ad.grad(lambda x: power(x, 3)))(2.0) == 120.0
    assert mode(lambda x: ad.jvp(lambda x: power(x, 3), (x,), (1.0,))[1])(2.0) == 120.0
    assert mode(ad.grad(ad.grad(lambda x: power(x, 3))))(2.0) == 120.0
    total = ad.vmap(ad.grad(lambda x: scaled(np.cos, x, options)))(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(total, [14.0, 28.0])


@pytest.mark.parametrize("names", ["n", ("n",)])
def test_settings_by_name_and_by_default(names: Any) -> None:
    by_name = ad.custom_jvp(lambda x, n=3: x**n, nondiff_argnames=names)
    by_name.defjvp(lambda n, primals, dots: (primals[0] ** n, 10.0 * n * dots[0]))
    assert ad.grad(by_name)(2.0) == 30.0
    assert ad.grad(lambda x: by_name(x, n=4))(2.0) == 40.0
    by_place = ad.custom_vjp(lambda x, n=3: x**n, nondiff_argnums=1)
    by_place.defvjp(lambda x, n: (x**n, None), lambda n, _, bar: (10.0 * n * bar,))
    assert ad.grad(by_place)(2.0) == 30.0
    with pytest.raises(StructureError, match="got: 'm'"):
        ad.custom_vjp(lambda x, n: x, nondiff_argnames="m")


def test_a_recorded_setting_is_refused() -> None:
    with pytest.raises(StructureError, match="named in nondiff_argnums"):
        ad.grad(lambda n: power(2.0, n))(3.0)


def test_arguments_by_name() -> None:
    assert named(3.0, scale=4.0) == 12.0
    assert ad.grad(lambda x: named(x, scale=4.0))(3.0) == 3.0
    assert ad.grad(lambda s: named(scale=s, x=5.0))(3.0) == 5.0
    assert ad.jit(ad.grad(lambda x: named(x=x)))(3.0) == 3.0

    @ad.custom_vjp
    def apart(x: Any, *, scale: Any) -> Any:
        return scale * x

    apart.defvjp(lambda x, scale: (x, None), lambda r, bar: (bar, None))
    with pytest.raises(StructureError, match="has a name alone"):
        ad.grad(lambda x: apart(x, scale=2.0))(1.0)


def test_cotangents_with_gaps() -> None:
    @ad.custom_vjp
    def f(p: Any, y: Any) -> Any:
        return p["a"] * p["b"][0] + y

    f.defvjp(lambda p, y: (f(p, y), p), lambda p, bar: ({"a": 2.0 * bar, "b": [None, bar]}, None))
    slope = ad.grad(f, argnums=(0, 1))({"a": 1.0, "b": [2.0, 3.0]}, 4.0)
    assert slope == ({"a": 2.0, "b": [0.0, 1.0]}, 0.0)


def test_rules_are_copied_as_functions_are() -> None:
    assert copy.deepcopy({"f": named})["f"] is named
    assert pickle.loads(pickle.dumps(named)) is named


def test_a_linear_function_with_a_rule_in_a_rule() -> None:
    @ad.custom_jvp
    def minus(x: Any) -> Any:
        return -x

    minus.defjvp(lambda primals, tangents: (minus(*primals), minus(*tangents)))
    assert ad.grad(lambda x: 3.0 * minus(x))(2.0) == -3.0
    assert ad.jit(ad.grad(minus))(2.0) == -1.0
    rolled = ad.grad(lambda x: ad.scan(lambda c, r: (r * minus(c), None), x, np.ones(3))[0])
    assert rolled(2.0) == -1.0

    @ad.custom_jvp
    def bent(x: Any) -> Any:
        return named(x, 1.0)

    bent.defjvp(lambda primals, tangents: (bent(*primals), named(*tangents, 1.0)))
    with pytest.raises(NoDerivativeError, match="applied to tangents"):
        ad.grad(bent)(2.0)


@ad.custom_jvp
def kinked(x: Any, y: Any) -> Any:
    return x**2 * y if x > 1 else x * y


@kinked.defjvp
def _kinked_rule(primals: Any, tangents: Any) -> Any:
    (x, y), (x_dot, y_dot) = primals, tangents
    if x > 1:
        return kinked(x, y), 2.0 * x * y * x_dot + x**2 * y_dot
    return kinked(x, y), 5.0 * y * x_dot


def test_a_rule_that_decides_on_values() -> None:
    for _ in range(2):  # the program of the first call serves the second
        assert ad.grad(kinked, argnums=(0, 1))(2.0, 3.0) == (12.0, 4.0)
        assert ad.grad(kinked, argnums=(0, 1))(0.5, 3.0) == (15.0, 0.0)
    assert ad.jvp(kinked, (2.0, 3.0), (1.0, 10.0)) == (12.0, 52.0)
    pushforward = ad.linearize(kinked, 0.5, 3.0)[1]
    assert pushforward(2.0, 1.0) == 30.0
    ad.check_grads(kinked, (2.0, 3.0), order=3)
    assert ad.grad(ad.grad(lambda x: x**2 * kinked(x, 3.0)))(2.0) == 144.0

    def pair(v: Any) -> Any:
        return np.stack([kinked(v[0], v[1]), kinked(v[1], v[0])])

    v = np.array([2.0, 0.5])
    for mode in ("forward", "reverse"):
        np.testing.assert_array_equal(ad.jacobian(pair, mode=mode)(v), [[2.0, 4.0], [0.0, 10.0]])
    np.testing.assert_array_equal(ad.hessian(lambda v: pair(v)[0])(v), [[1.0, 4.0], [4.0, 0.0]])
    with pytest.raises(ConcreteValueError, match="a branch needs the value"):
        ad.jit(ad.grad(kinked))(2.0, 3.0)
    with pytest.raises(ConcreteValueError, match="a branch needs the value"):
        ad.vmap(ad.grad(kinked), in_axes=(0, None))(v, 3.0)
