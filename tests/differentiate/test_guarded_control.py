"""Zeros of elements that were not used stay zeros through loops, choices and calls.

Everywhere the slope at 2 is that of roots, and 0 at the elements that the choice leaves out,
where a root's slope is infinite or undefined: in both modes, whichever side the choice is on.
"""

import numpy as np
import pytest

import adjoint as ad
from adjoint.graph import evaluate

pytestmark = pytest.mark.filterwarnings("ignore:invalid value", "ignore:divide by zero")

X = np.array([2.0, 0.0, -1.0])
ROOT = 0.5 / np.sqrt(2.0)
TWICE = 0.25 * 2.0 ** (-0.75) * 2.0**1.5  # of 2 sqrt(2 sqrt(x))


def chosen(x):
    return np.where(x > 0, x, 0.0)


def first(y):
    return np.sum(np.where(X > 0, y, 0.0))


def root(x):
    return np.sqrt(x)


def roots(x):
    return np.sum(np.sqrt(chosen(x)))


def positive(on_true, x):
    return ad.cond(x[0] > 0, on_true, lambda y: np.zeros(np.shape(on_true(y))), x)


def rounds(step, x, n=2):
    return ad.while_loop(lambda s: s[0] < n, lambda s: (s[0] + 1, step(s[1])), (0, x))[1]


def over(step, x, **options):
    return ad.scan(lambda c, r: (step(c), c[0]), x, np.arange(2.0), **options)[0]


def twice(x):
    return np.sqrt(x) * 2


def one_row(step, x):
    return ad.scan(lambda c, r: (c, step(r)), 0.0, x)[1]


def choice_in_a_loop(x):
    def step(c, r):
        return c + ad.cond(r > 0, lambda y: roots(y) * r, np.sum, x), c

    return ad.scan(step, 1.0, x)[0]


def constant_of_a_loop(x):
    return rounds(lambda total: total + np.sum(np.sqrt(chosen(x))) * total, x[0])


PROGRAMS = {
    "cond": (lambda x: positive(roots, x), ROOT),
    "cond, choice before": (lambda x: np.sum(positive(root, chosen(x))), ROOT),
    "cond, choice after": (lambda x: first(positive(root, x)), ROOT),
    "cond of the choice": (lambda x: np.sum(np.sqrt(positive(chosen, x))), ROOT),
    "while": (lambda x: np.sum(rounds(lambda y: twice(chosen(y)), x)), TWICE),
    "while, choice before": (lambda x: np.sum(rounds(twice, chosen(x))), TWICE),
    "while, choice after": (lambda x: first(rounds(twice, x)), TWICE),
    "while of the choice": (lambda x: np.sum(np.sqrt(rounds(chosen, x))), ROOT),
    "while, constant": (constant_of_a_loop, (1 + 2**0.5) ** 2 + 4 * (1 + 2**0.5) * ROOT),
    "scan": (lambda x: np.sum(over(lambda y: twice(chosen(y)), x)), TWICE),
    "scan, choice before": (lambda x: np.sum(over(twice, chosen(x))), TWICE),
    "scan, choice after": (lambda x: first(over(twice, x)), TWICE),
    "snapshots": (lambda x: np.sum(over(twice, chosen(x), checkpoint=1)), TWICE),
    "snapshots, choice after": (lambda x: first(over(twice, x, checkpoint=1)), TWICE),
    "rows, choice after": (lambda x: first(one_row(root, x)), ROOT),
    "rows of the choice": (lambda x: np.sum(np.sqrt(one_row(chosen, x))), ROOT),
    "checkpoint, choice after": (lambda x: first(ad.checkpoint(root)(x)), ROOT),
    "checkpoint of the choice": (lambda x: np.sum(np.sqrt(ad.checkpoint(chosen)(x))), ROOT),
}


def interpreted(f, x):
    return evaluate(ad.trace(f, x), [x])[0]


def forward(f):
    return lambda x: np.stack([ad.jvp(f, (x,), (row,))[1] for row in np.eye(3)])


@pytest.mark.parametrize("name", PROGRAMS)
def test_zeros_of_what_was_not_used_stay(name):
    f, slope = PROGRAMS[name]
    for derivative in (ad.grad(f), forward(f)):
        np.testing.assert_allclose(interpreted(derivative, X), [slope, 0, 0])
        np.testing.assert_allclose(derivative(X), [slope, 0, 0])


@pytest.mark.parametrize("mode", [ad.grad, forward])
def test_machine_code_keeps_them(mode):
    def f(x):
        return first(rounds(twice, x)) + np.sum(over(twice, chosen(x))) + positive(roots, x)

    np.testing.assert_allclose(ad.jit(mode(f))(X), [2 * TWICE + ROOT, 0, 0])


def test_a_choice_inside_a_loop_inside():
    wanted = np.array([np.sqrt(2) + 2 * ROOT + 2, 2, 2])
    for derivative in (ad.grad(choice_in_a_loop), forward(choice_in_a_loop)):
        np.testing.assert_allclose(interpreted(derivative, X), wanted)


def test_infinite_slopes_that_are_used_are_told():
    def f(x):
        return np.sum(rounds(twice, x))

    assert np.isnan(interpreted(ad.grad(f), X)[2])
    assert np.isinf(interpreted(ad.grad(f), X[:2])[1])
