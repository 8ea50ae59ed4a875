"""Trajectories beside references written another way, for what PyTorch has not, or not so finely.

One number at a time in plain Python; Muon by its polynomial on singular values.
"""

import math

import numpy as np
import pytest

from adjoint import optim
from adjoint.optim.adaptive import orthogonal_factor

STEPS = 40


def slope(p, step, i):
    """Of a quartic, with noise that depends on the step and the place."""
    return (0.3 + 0.2 * i) * p + 0.3 * p**3 + 0.4 * math.sin(1.7 * step + 2.3 * i)


def walk(method, start):
    p = {"w": np.array(start)}
    state, path = method.init(p), []
    for step in range(STEPS):
        g = {"w": np.array([slope(x, step, i) for i, x in enumerate(p["w"])])}
        p, state = method.update(g, state, p)
        path.append(p["w"])
    return np.array(path)


def lion(start, rate, b1, b2, decay):
    p, m, path = list(start), [0.0] * len(start), []
    for step in range(STEPS):
        for i in range(len(p)):
            g = slope(p[i], step, i)
            c = b1 * m[i] + (1 - b1) * g
            p[i] -= rate(step) * (math.copysign(1.0, c) if c else 0.0) + rate(step) * decay * p[i]
            m[i] = b2 * m[i] + (1 - b2) * g
        path.append(list(p))
    return np.array(path)


@pytest.mark.parametrize(("b1", "b2", "decay"), [(0.9, 0.99, 0.0), (0.5, 0.8, 0.3), (0.0, 0.0, 1)])
def test_lion(b1, b2, decay):
    start = [1.5, -2.0, 0.25, 0.0]
    wanted = lion(start, lambda step: 0.05, b1, b2, decay)
    np.testing.assert_allclose(walk(optim.lion(0.05, b1, b2, decay), start), wanted, rtol=1e-12)
    falling = lion(start, lambda step: 0.05 * 0.9**step, b1, b2, decay)
    method = optim.lion(optim.exponential(0.05, 0.9), b1, b2, decay)
    np.testing.assert_allclose(walk(method, start), falling, rtol=1e-12)


@pytest.mark.parametrize(("b1", "b2", "slowness"), [(0.9, 0.999, 0.004), (0.6, 0.8, 0.05)])
def test_nadam(b1, b2, slowness):
    start, rate, eps = [1.5, -2.0, 0.25], 0.03, 1e-8
    p, path = list(start), []
    m, v = [0.0] * 3, [0.0] * 3
    memories = [b1 * (1 - 0.5 * 0.96 ** (t * slowness)) for t in range(STEPS + 2)]
    for t in range(1, STEPS + 1):
        through = math.prod(memories[1 : t + 1])
        for i in range(3):
            g = slope(p[i], t - 1, i)
            m[i] = b1 * m[i] + (1 - b1) * g
            v[i] = b2 * v[i] + (1 - b2) * g * g
            ahead = memories[t + 1] * m[i] / (1 - through * memories[t + 1])
            here = (1 - memories[t]) * g / (1 - through)
            p[i] -= rate * (ahead + here) / (math.sqrt(v[i] / (1 - b2**t)) + eps)
        path.append(list(p))
    found = walk(optim.nadam(rate, b1, b2, eps, slowness), start)
    np.testing.assert_allclose(found, path, rtol=1e-11)


def lifted(size, sweeps):
    for _ in range(sweeps):
        size = 3.4445 * size - 4.7750 * size**3 + 2.0315 * size**5
    return size


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (1, 6), (6, 1), (1, 1)])
@pytest.mark.parametrize("sweeps", [1, 5, 7])
def test_the_orthogonal_factor_is_the_quintic_on_singular_values(shape, sweeps):
    g = np.random.default_rng(0).standard_normal(shape)
    u, s, v = np.linalg.svd(g, full_matrices=False)
    wanted = (u * lifted(s / np.sqrt(np.sum(s**2)), sweeps)) @ v
    np.testing.assert_allclose(orthogonal_factor(g, sweeps), wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5)])
@pytest.mark.parametrize("nesterov", [True, False])
def test_muon(shape, nesterov):
    rate, mass, decay = 0.05, 0.8, 0.1
    rng = np.random.default_rng(1)
    start, target = rng.standard_normal(shape), rng.standard_normal(shape)
    method = optim.Muon(rate, mass, decay, nesterov)
    p = {"w": start}
    state = method.init(p)
    q, velocity = start.copy(), np.zeros(shape)
    for step in range(STEPS):
        noise = 0.1 * np.random.default_rng(step).standard_normal(shape)
        p, state = method.update({"w": p["w"] - target + noise}, state, p)
        g = q - target + noise
        velocity = velocity + (1 - mass) * (g - velocity)
        u, s, v = np.linalg.svd(g + mass * (velocity - g) if nesterov else velocity, False)
        step_of = (u * lifted(s / np.sqrt(np.sum(s**2)), 5)) @ v
        q = q - rate * decay * q - rate * math.sqrt(max(1, shape[1] / shape[0])) * step_of
        np.testing.assert_allclose(p["w"], q, rtol=1e-8, atol=1e-10)


def test_muon_of_a_gradient_of_zero_stands_still():
    p = {"w": np.ones((2, 3))}
    method = optim.Muon(0.1)
    after, _ = method.update({"w": np.zeros((2, 3))}, method.init(p), p)
    np.testing.assert_array_equal(after["w"], p["w"])
