"""Programs written for NumPy differentiate as they stand, and compile as they stand."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import adjoint as ad

_spec = importlib.util.spec_from_file_location("programs", Path(__file__).with_name("programs.py"))
assert _spec is not None
assert _spec.loader is not None
_programs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_programs)
ENTRIES = _programs.entries()


def every(entry):
    return tuple(range(len(entry.arguments)))


def test_there_are_enough_programs():
    assert len(ENTRIES) == 16


@pytest.mark.parametrize("name", ENTRIES)
def test_value_is_numpys_to_the_bit(name):
    entry = ENTRIES[name]
    plain = entry.function(*entry.arguments)
    value, _ = ad.value_and_grad(entry.function, argnums=every(entry))(*entry.arguments)
    assert value == plain


@pytest.mark.parametrize("name", ENTRIES)
def test_gradient_against_finite_differences_in_both_modes(name):
    entry = ENTRIES[name]
    ad.check_grads(entry.function, entry.arguments, order=1)


@pytest.mark.parametrize("name", [name for name in ENTRIES if name not in ("mixture", "shooting")])
def test_second_derivatives(name):
    entry = ENTRIES[name]
    ad.check_grads(entry.function, entry.arguments, order=2)


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if entry.compiles])
def test_compiled_gradient_is_the_interpreters(name):
    entry = ENTRIES[name]
    gradient = ad.value_and_grad(entry.function, argnums=every(entry))
    value, wanted = gradient(*entry.arguments)
    compiled_value, compiled = ad.jit(gradient)(*entry.arguments)
    np.testing.assert_allclose(compiled_value, value, rtol=1e-11, atol=1e-12)
    for a, b in zip(compiled, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if not entry.compiles])
def test_decisions_on_values_are_refused_by_jit_with_the_line(name):
    entry = ENTRIES[name]
    with pytest.raises(ad_errors().ConcreteValueError, match=r"programs\.py"):
        ad.jit(entry.function)(*entry.arguments)


def ad_errors():
    import adjoint.errors

    return adjoint.errors


def test_arguments_are_left_as_they_were():
    for entry in ENTRIES.values():
        before = [np.array(x, copy=True) for x in entry.arguments]
        ad.grad(entry.function)(*entry.arguments)
        for a, b in zip(before, entry.arguments, strict=True):
            np.testing.assert_array_equal(a, b)
