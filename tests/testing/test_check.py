"""The gradient checker itself: it passes what is right and catches what is a little wrong."""

import cmath
import math

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import GradientCheckError, StructureError
from adjoint.testing import inner, random_array, random_like

OFF = 1.001


def _planted(factor, function=np.sin, derivative=np.cos):
    @ad.custom_jvp
    def planted(x):
        return function(x)

    @planted.defjvp
    def rule(primals, tangents):
        return planted(primals[0]), tangents[0] * (factor * derivative(primals[0]))

    return planted


def _planted_pullback(factor):
    @ad.custom_vjp
    def planted(x):
        return np.sin(x)

    planted.defvjp(lambda x: (np.sin(x), x), lambda x, bar: (factor * bar * np.cos(x),))
    return planted


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_a_rule_a_thousandth_off_is_caught_and_the_right_one_passes(dtype, mode, rng):
    x = random_array(rng, (3, 2), dtype, (0.2, 1.0))
    ad.check_grads(_planted(1.0), (x,), modes=[mode])
    with pytest.raises(GradientCheckError, match=f"wrong in {mode} mode"):
        ad.check_grads(_planted(OFF), (x,), order=1, modes=[mode])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_pullback_a_thousandth_off_is_caught(dtype):
    x = np.linspace(0.2, 1.0, 5, dtype=dtype)
    ad.check_grads(_planted_pullback(1.0), (x,), order=1, modes=["reverse"])
    with pytest.raises(GradientCheckError):
        ad.check_grads(_planted_pullback(OFF), (x,), order=1, modes=["reverse"])


def test_a_second_derivative_a_thousandth_off_is_caught_at_order_two_only():
    cosine = _planted(OFF, np.cos, lambda x: -np.sin(x))
    sine = _planted(1.0, np.sin, cosine)
    ad.check_grads(sine, (0.7,), order=1)
    with pytest.raises(GradientCheckError, match="derivative of the forward derivative"):
        ad.check_grads(sine, (0.7,), modes=["forward"])
    with pytest.raises(GradientCheckError, match="derivative of the gradient"):
        ad.check_grads(sine, (0.7,), modes=["reverse"])


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("wrong_order", [1, 2, 3])
def test_a_derivative_of_any_order_a_thousandth_off_is_caught(wrong_order, mode):
    """Derivatives of sin, of which one has a wrong derivative."""
    functions = [np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x)]
    derivative = functions[wrong_order]
    for k in reversed(range(wrong_order)):
        factor = OFF if k == wrong_order - 1 else 1.0
        derivative = _planted(factor, functions[k], derivative)
    x = np.array([0.4, 1.1, -2.0])
    if wrong_order > 1:
        ad.check_grads(derivative, (x,), order=wrong_order - 1, modes=[mode])
    with pytest.raises(GradientCheckError, match=f"wrong in {mode} mode"):
        ad.check_grads(derivative, (x,), order=wrong_order, modes=[mode])


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_what_computes_in_single_precision_inside_is_checked_too(mode):
    """No distance is so short that rounding excuses everything."""
    x = np.linspace(0.2, 1.0, 5)
    ad.check_grads(lambda x: _planted(1.0)(x.astype(np.float32)), (x,), modes=[mode])
    wrong = _planted(OFF)
    with pytest.raises(GradientCheckError):
        ad.check_grads(lambda x: wrong(x.astype(np.float32)), (x,), order=1, modes=[mode])


def test_the_rounding_of_what_cancels_is_no_fault():
    """The second derivative is 0; what differences leave of it comes from the numbers inside."""
    ad.check_grads(
        lambda x: x**1.5 * np.exp(-0.5 * np.log(x)), (np.array([0.7, 1.3, 2.9]),), order=3
    )


def test_one_wrong_element_among_many_is_caught():
    weights = np.ones(400)
    weights[137] = OFF
    wrong = _planted(1.0, np.sin, lambda x: weights * np.cos(x))
    with pytest.raises(GradientCheckError, match=r"element \(137,\)"):
        ad.check_grads(wrong, (np.linspace(0.1, 1.0, 400),), order=1)


def test_the_message_names_the_argument_the_mode_and_both_numbers():
    wrong = _planted(2.0)

    def f(x, settings):
        return x + wrong(settings["rate"][1])

    with pytest.raises(GradientCheckError) as caught:
        ad.check_grads(f, (1.0, {"rate": [0.5, 0.0]}), order=1, modes=["forward"])
    assert str(caught.value).splitlines()[0] == (
        "check_grads: the derivative of f by args[1]['rate'][1] is wrong in forward mode"
    )
    assert float(caught.value.got) == pytest.approx(2 * float(caught.value.wanted.split()[0]))
    assert caught.value.wanted.endswith(" from differences of values")


def test_a_wrong_nan_is_an_error():
    wrong = _planted(np.nan)
    with pytest.raises(GradientCheckError):
        ad.check_grads(wrong, (0.5,), order=1)


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1.0, 1e5])
def test_the_size_of_the_argument_does_not_matter(scale):
    x = scale * np.array([0.3, 1.1, 0.7])
    ad.check_grads(lambda x: np.log(x) * np.sqrt(x / scale), (x,))


def test_a_kink_near_the_point_is_no_fault():
    ad.check_grads(lambda x: np.maximum(x, 0.0) ** 2 + np.abs(x), (np.array([3e-3, 1.0]),))


def test_integers_and_booleans_are_left_alone():
    ad.check_grads(
        lambda x, n, flag: {"a": x**n, "b": n + 1, "c": np.where(flag, x, -x)},
        (np.array([0.5, 2.0]), 3, np.array([True, False])),
    )


def test_complex_functions_holomorphic_and_not():
    z = np.array([0.4 + 0.3j, -1.0 + 0.2j])
    ad.check_grads(lambda z: np.exp(z) * z**2, (z,), order=3)
    ad.check_grads(lambda z: np.abs(z) ** 3 + np.real(z * np.conj(z) ** 2), (z,))
    ad.check_grads(lambda x: np.exp(1j * x) * x, (np.array([0.2, 0.9]),))


def test_empty_arrays_and_zero_derivatives():
    ad.check_grads(lambda x: np.sin(x), (np.zeros((0, 3)),))
    ad.check_grads(lambda x: np.floor(x) + 1.0, (np.array([0.5, 1.4]),))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: ad.check_grads(np.sin, (1.0,), modes=["sideways"]),
            "check_grads: there is no such mode\n  got: ('sideways',)\n"
            "  wanted: ('forward', 'reverse')",
        ),
        (
            lambda: ad.check_grads(np.sin, (1.0,), order=0),
            "check_grads: order must be 1 or more\n  got: 0",
        ),
        (
            lambda: ad.check_grads(np.sin, 1.0),
            "check_grads: args must be a tuple of arguments\n  got: float\n"
            "  remedy: write check_grads(f, (x,))",
        ),
        (
            lambda: ad.check_grads(np.sin, (1,)),
            "check_grads: no argument is floating or complex, so there is nothing to check\n"
            "  got: i64[]",
        ),
        (
            lambda: ad.check_grads(lambda x: x > 0, (1.0,)),
            "check_grads: the function returns nothing that is floating or complex\n"
            "  remedy: leave functions of integers and booleans unchecked: they have no derivative",
        ),
    ],
)
def test_what_cannot_be_checked_is_refused(call, text):
    with pytest.raises(StructureError) as caught:
        call()
    assert str(caught.value) == text


def test_samplers(rng):
    x = random_array(rng, (40, 3), "complex64", (0.5, 0.75))
    assert x.dtype == np.complex64
    assert x.real.min() >= 0.5
    assert x.imag.max() <= 0.75
    assert set(random_array(rng, (50,), bool)) == {True, False}
    like = random_like({"a": np.zeros((2, 3), "float32"), "b": 1j}, rng)
    assert like["a"].dtype == np.float32
    assert like["b"].imag != 0
    assert inner([1.0, np.array([2.0, 3.0])], [4.0, np.array([5.0, 6.0])]) == 32.0


@pytest.mark.parametrize("function", [math.sin, cmath.exp])
def test_functions_of_python_are_checked_as_they_are_differentiated(function):
    ad.check_grads(function, (0.5 if function is math.sin else 0.5 + 0.2j,))
