"""Whole programs in NumPy's plain style, as scientists write them: nothing here knows adjoint.

Each entry is a function of floating arrays that returns one number, and arguments for it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy import zeros


class Entry(NamedTuple):
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    compiles: bool = True  # False: it decides on values in Python


def heat_in_place(u0, diffusivity):
    """Explicit heat equation, the field overwritten step by step."""
    u = u0.copy()
    for _ in range(12):
        u[1:-1] += diffusivity * (u[2:] - 2 * u[1:-1] + u[:-2])
        u[0] = 0.0
        u[-1] = u[-2]
    return np.sum(u**2)


def history_of_a_wave(speed, start):
    """Leapfrog wave equation, every time level kept in one array."""
    n_steps, n = 9, start.size
    u = np.zeros((n_steps, n))
    u[0] = start
    u[1] = start
    for t in range(1, n_steps - 1):
        u[t + 1, 1:-1] = (
            2 * u[t, 1:-1] - u[t - 1, 1:-1] + speed**2 * (u[t, 2:] - 2 * u[t, 1:-1] + u[t, :-2])
        )
    return np.mean(u[-1] ** 2) + 0.1 * u[4, 3]


def lattice_2d(field, coupling):
    """Nearest neighbours with periodic edges."""
    energy = 0.0
    for axis in (0, 1):
        energy = energy - coupling[axis] * np.sum(field * np.roll(field, 1, axis=axis))
    return energy + np.sum((field**2 - 1) ** 2)


def n_body(positions, velocities, masses):
    """Velocity Verlet on softened gravity; total energy error at the end."""

    def accelerations(x):
        a = np.empty_like(x)
        for i in range(len(masses)):
            d = x - x[i]
            r2 = np.sum(d * d, axis=1) + 0.1
            a[i] = np.sum((masses / r2**1.5)[:, None] * d, axis=0)
        return a

    x, v = positions.copy(), velocities.copy()
    a = accelerations(x)
    for _ in range(4):
        x += 0.05 * v + 0.5 * 0.05**2 * a
        new = accelerations(x)
        v += 0.5 * 0.05 * (a + new)
        a = new
    return 0.5 * np.sum(masses[:, None] * v**2) + np.linalg.norm(x)


def kalman(measurements, transition, q, r):
    """Log-likelihood of a linear Gaussian model by the Kalman filter."""
    n = transition.shape[0]
    m, P = np.zeros(n), np.eye(n)
    H = np.eye(1, n)
    total = 0.0
    for y in measurements:
        m = transition @ m
        P = transition @ P @ transition.T + np.exp(q) * np.eye(n)
        S = H @ P @ H.T + np.exp(r)
        K = P @ H.T @ np.linalg.inv(S)
        e = y - H @ m
        total += -0.5 * (e @ np.linalg.solve(S, e) + np.linalg.slogdet(S)[1] + np.log(2 * np.pi))
        m = m + K @ e
        P = (np.eye(n) - K @ H) @ P
    return total


def hidden_markov(log_start, log_transition, log_emission):
    """Forward algorithm in logarithms."""

    def logsumexp(a, axis):
        peak = np.max(a, axis=axis, keepdims=True)
        return np.squeeze(peak, axis) + np.log(np.sum(np.exp(a - peak), axis=axis))

    transition = log_transition - logsumexp(log_transition, 1)[:, None]
    alpha = log_start - logsumexp(log_start, 0)
    for symbol in (0, 2, 1, 1, 0):
        alpha = logsumexp(alpha[:, None] + transition, 0) + log_emission[:, symbol]
    return logsumexp(alpha, 0)


def gaussian_process(x, y, log_parameters):
    """Log marginal likelihood with a squared-exponential kernel."""
    scale, length, noise = np.exp(log_parameters)
    d2 = (x[:, None] - x[None, :]) ** 2
    K = scale * np.exp(-0.5 * d2 / length**2) + noise * np.eye(len(x))
    L = np.linalg.cholesky(K)
    alpha = np.linalg.solve(L.T, np.linalg.solve(L, y))
    return -0.5 * y @ alpha - np.sum(np.log(np.diag(L))) - 0.5 * len(x) * np.log(2 * np.pi)


def ray_tracer(centre, radius, light):
    """Shaded image of a sphere; rays that miss give the background."""
    size = 7
    v, u = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size))
    rays = np.stack([u, v, -np.ones_like(u)], axis=-1)
    rays = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
    b = np.sum(rays * centre, axis=-1)
    c = np.sum(centre**2) - radius**2
    inside = b**2 - c
    hit = inside > 0
    t = b - np.sqrt(np.where(hit, inside, 1.0))
    normal = (t[..., None] * rays - centre) / radius
    shade = np.maximum(np.sum(normal * (light / np.linalg.norm(light)), axis=-1), 0.0)
    return np.mean(np.where(hit, shade, 0.1))


def spline_fit(knots, values, x, y):
    """Natural cubic spline through knots, squared misfit to data."""
    h = np.diff(knots)
    slope = np.diff(values) / h
    n = len(knots)
    A = np.zeros((n, n))
    rhs = np.zeros(n)
    A[0, 0] = A[-1, -1] = 1.0
    for i in range(1, n - 1):
        A[i, i - 1] = h[i - 1]
        A[i, i] = 2 * (h[i - 1] + h[i])
        A[i, i + 1] = h[i]
        rhs[i] = 6 * (slope[i] - slope[i - 1])
    M = np.linalg.solve(A, rhs)
    k = np.clip(np.searchsorted(knots, x) - 1, 0, n - 2)
    left, right = x - knots[k], knots[k + 1] - x
    s = (
        M[k] * right**3 / (6 * h[k])
        + M[k + 1] * left**3 / (6 * h[k])
        + (values[k] / h[k] - M[k] * h[k] / 6) * right
        + (values[k + 1] / h[k] - M[k + 1] * h[k] / 6) * left
    )
    return np.mean((s - y) ** 2)


def registration(shift, angle, image):
    """Bilinear resampling of an image under a rigid motion, against itself."""
    n = image.shape[0]
    i, j = np.mgrid[2 : n - 2, 2 : n - 2].astype(float)
    c = (n - 1) / 2
    x = np.cos(angle) * (i - c) - np.sin(angle) * (j - c) + c + shift[0]
    y = np.sin(angle) * (i - c) + np.cos(angle) * (j - c) + c + shift[1]
    x0 = np.clip(np.floor(x).astype(int), 0, n - 2)
    y0 = np.clip(np.floor(y).astype(int), 0, n - 2)
    a, b = x - x0, y - y0
    moved = (
        image[x0, y0] * (1 - a) * (1 - b)
        + image[x0 + 1, y0] * a * (1 - b)
        + image[x0, y0 + 1] * (1 - a) * b
        + image[x0 + 1, y0 + 1] * a * b
    )
    return np.sum((moved - image[2:-2, 2:-2]) ** 2)


def arma(phi, theta, log_sigma, series):
    """Conditional likelihood of an ARMA(2, 1) model, residuals filled one by one."""
    e = zeros(series.size)
    for t in range(2, series.size):
        e[t] = series[t] - phi[0] * series[t - 1] - phi[1] * series[t - 2] - theta[0] * e[t - 1]
    sigma2 = np.exp(2 * log_sigma)
    return 0.5 * np.sum(e[2:] ** 2) / sigma2 + (series.size - 2) * log_sigma


def bundle_adjustment(cameras, points, seen):
    """Reprojection error; cameras are rotation vectors, shifts and focal lengths."""
    total = 0.0
    for k in range(cameras.shape[0]):
        w, t, f = cameras[k, :3], cameras[k, 3:6], cameras[k, 6]
        angle = np.sqrt(np.dot(w, w) + 1e-12)
        axis = w / angle
        rotated = (
            points * np.cos(angle)
            + np.cross(axis, points) * np.sin(angle)
            + np.outer(points @ axis, axis) * (1 - np.cos(angle))
        )
        p = rotated + t
        projected = f * p[:, :2] / p[:, 2:]
        total = total + np.sum((projected - seen[k]) ** 2)
    return total


def lstm_by_hand(weights, bias, sequence):
    """A long short-term memory written out with loops and lists."""
    width = bias.size // 4
    h, c, outputs = np.zeros(width), np.zeros(width), []
    for x in sequence:
        z = weights @ np.concatenate([x, h]) + bias
        i, f, o, g = np.split(z, 4)
        sigmoid = lambda v: 1 / (1 + np.exp(-v))  # noqa: E731
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.sum(np.array(outputs)[-2:] ** 2)


def shooting(angle, speed):
    """Integrate until the ground is reached: the number of steps depends on the values."""
    x, y = 0.0, 0.0
    vx, vy = speed * np.cos(angle), speed * np.sin(angle)
    steps = 0
    while (y >= 0.0 or steps == 0) and steps < 500:
        x, y = x + 0.02 * vx, y + 0.02 * vy
        drag = 0.02 * np.hypot(vx, vy)
        vx, vy = vx - 0.02 * drag * vx, vy - 0.02 * (9.81 + drag * vy)
        steps += 1
    return x - y * vx / vy


def newton_square_root(a):
    """Heron's iteration with a tolerance, and a conditional at the end."""
    x = 1.0
    while abs(x * x - a) > 1e-13:
        x = 0.5 * (x + a / x)
    return x if x > 1 else x * 2


def mixture(weights, means, log_scales, data):
    """Negative log-likelihood of a mixture, with masks and sorting."""
    w = np.exp(weights) / np.sum(np.exp(weights))
    z = (data[:, None] - means) / np.exp(log_scales)
    density = w * np.exp(-0.5 * z**2) / np.exp(log_scales)
    inner = np.sort(np.log(density.sum(axis=1)))
    return -np.sum(inner[2:]) + 0.01 * np.ptp(means) + np.median(means)


def entries() -> dict[str, Entry]:
    rng = np.random.default_rng(7)
    line = np.linspace(0, 1, 9)
    image = rng.normal(size=(9, 9))
    smooth = sum(np.roll(np.roll(image, i, 0), j, 1) for i in (0, 1, 2) for j in (0, 1, 2))
    cameras = np.hstack([0.2 * rng.normal(size=(2, 3)), [[0, 0, 5.0], [0.3, 0, 6]], [[2.0], [1.5]]])
    return {
        "heat_in_place": Entry(heat_in_place, (rng.normal(size=11), np.float64(0.2))),
        "history_of_a_wave": Entry(history_of_a_wave, (np.float64(0.5), np.sin(3 * line))),
        "lattice_2d": Entry(lattice_2d, (rng.normal(size=(4, 6)), np.array([0.3, 0.7]))),
        "n_body": Entry(
            n_body, (rng.normal(size=(3, 2)), rng.normal(size=(3, 2)), rng.uniform(1, 2, 3))
        ),
        "kalman": Entry(
            kalman,
            (rng.normal(size=6), np.array([[0.9, 0.2], [0.0, 0.8]]), -1.0, np.float64(-0.5)),
        ),
        "hidden_markov": Entry(
            hidden_markov,
            (rng.normal(size=3), rng.normal(size=(3, 3)), rng.normal(size=(3, 4))),
        ),
        "gaussian_process": Entry(
            gaussian_process, (np.sort(rng.normal(size=7)), rng.normal(size=7), -0.5 * np.ones(3))
        ),
        "ray_tracer": Entry(
            ray_tracer, (np.array([0.1, -0.05, -3.0]), np.float64(1.2), np.array([1.0, 1.0, 0.5]))
        ),
        "spline_fit": Entry(
            spline_fit,
            (
                line[::2].copy(),
                rng.normal(size=5),
                rng.uniform(0.02, 0.98, 13),
                rng.normal(size=13),
            ),
        ),
        "registration": Entry(registration, (np.array([0.3, -0.2]), np.float64(0.05), smooth)),
        "arma": Entry(
            arma, (np.array([0.5, -0.2]), np.array([0.3]), np.float64(0.1), rng.normal(size=14))
        ),
        "bundle_adjustment": Entry(
            bundle_adjustment, (cameras, rng.normal(size=(5, 3)), rng.normal(size=(2, 5, 2)))
        ),
        "lstm_by_hand": Entry(
            lstm_by_hand,
            (0.4 * rng.normal(size=(12, 5)), 0.1 * rng.normal(size=12), rng.normal(size=(5, 2))),
        ),
        "shooting": Entry(shooting, (0.7, 9.0), compiles=False),
        "newton_square_root": Entry(newton_square_root, (2.0,), compiles=False),
        "mixture": Entry(
            mixture,
            (rng.normal(size=3), rng.normal(size=3), 0.1 * rng.normal(size=3), rng.normal(size=10)),
        ),
    }
