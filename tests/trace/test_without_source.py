"""Functions whose source nobody has, as of ``exec(text, names)``, write into plain arrays too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import adjoint as ad

TEXT = """
import numpy as np
A = np.arange(4.0)

def item(x):
    K = np.exp(-A)
    K[0] = x[0]
    K[-1] = x[1] * 2
    return K.sum()

def part(x):
    K = np.exp(-A)
    K[1:3] += x[0] * A[1:3]
    K[:2] = x
    return (K**2).sum()

def loop(x):
    K = 2 * A
    for i in range(1, 4):
        K[i] = K[i - 1] * x[0] + x[1]
    return K.sum()

def plane(x):
    K = np.cos(np.zeros((3, 2, 2)))
    k = 1
    K[k + 1, ..., 0] = x
    K[(k, 0)] -= x
    K[[0, k], :, 1] *= x[0]
    return (K**2).sum()

def attribute(x):
    class Box:
        def __init__(self):
            self.u, self.h = np.arange(4.0) * 2, {"v": np.ones(3) * 2}
    box = Box()
    box.u += x[0]
    box.u[0] = x[1]
    box.h["v"][1] = x[0]
    return (box.u**2).sum() + box.h["v"].prod()

def target(x):
    K = np.exp(-A)
    L = K
    np.add(K, x[0], out=K)
    L[0] = x[1]
    np.multiply(K, x[1], K)
    return K.sum()

def mask(x):
    K = np.exp(-A)
    K[K < 0.5] = x[0]
    K[~(K < 0.5)] = -x[1]
    return (K**3).sum()

def outside(x):
    A[:] = x[0]
    return A.sum() * x[1]
"""
NAMES = ["item", "part", "loop", "plane", "attribute", "target", "mask", "outside"]


@pytest.mark.parametrize("name", NAMES)
def test_written_arrays(name: str) -> None:
    names: dict[str, Any] = {}
    exec(TEXT, names)
    f = names[name]
    x = np.array([0.6, 0.7])
    value, gradient = ad.value_and_grad(f)(x)
    assert value == f(x)
    step = 1e-6 * np.eye(2)
    slopes = [(f(x + h) - f(x - h)) / 2e-6 for h in step]
    np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-8)
    assert type(names["A"]) is np.ndarray
    if name not in ("mask", "outside"):
        np.testing.assert_allclose(ad.jit(ad.grad(f))(x), gradient)


def test_caches_of_recorded_numbers() -> None:
    text = """
import functools
@functools.cache
def power(n, x):
    return x * power(n - 1, x) if n else 1.0
def f(x):
    return power(3, x[0])
"""
    names: dict[str, Any] = {}
    exec(text, names)
    assert ad.grad(names["f"])(np.array([2.0])) == 12.0
