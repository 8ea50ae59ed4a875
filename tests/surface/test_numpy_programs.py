"""Whole programs in NumPy's plain style: filled in place, looped over, branched on values."""

from typing import Any

import numpy as np
import pytest
from numpy import linspace, zeros

import adjoint as ad
from adjoint.api.recorded import record_call
from adjoint.graph import evaluate


def heat(k: Any) -> Any:
    """Explicit time steps of the heat equation, each row of the history filled in place."""
    n, steps, dt = 20, 30, 1e-4
    x = linspace(0, 1, n)
    u = zeros((steps + 1, n))
    u[0] = np.sin(np.pi * x)
    dx = x[1] - x[0]
    for i in range(steps):
        u[i + 1] = u[i]
        u[i + 1, 1:-1] += dt * k[0] * (u[i, 2:] - 2 * u[i, 1:-1] + u[i, :-2]) / dx**2
        u[i + 1, 0] = u[i + 1, -1] = k[1]
    return np.sum(u[-1] ** 2)


def burgers(v: Any) -> Any:
    """Two buffers that change places."""
    n = 16
    old, new = np.empty(n), np.empty(n)
    old[:] = v[0] * np.cos(np.arange(n))
    for _ in range(10):
        new[1:-1] = old[1:-1] - 0.05 * old[1:-1] * (old[1:-1] - old[:-2])
        new[1:-1] += v[1] * (old[2:] - 2 * old[1:-1] + old[:-2])
        new[0], new[-1] = old[0], old[-1]
        old, new = new, old
    return old @ old


def n_body(p: Any) -> Any:
    """Leapfrog with accelerations added up pair by pair."""
    pos = p.reshape(3, 2).copy()
    vel = np.zeros_like(pos)
    mass = np.array([1.0, 2.0, 0.5])
    energy = 0.0
    for _ in range(5):
        acc = np.zeros((3, 2))
        for i in range(3):
            for j in range(3):
                if i != j:
                    d = pos[j] - pos[i]
                    acc[i] += mass[j] * d / (np.linalg.norm(d) ** 3 + 0.1)
        vel += 0.01 * acc
        pos += 0.01 * vel
    for i in range(3):
        energy += 0.5 * mass[i] * np.sum(vel[i] ** 2)
    return energy + np.sum(pos**2)


def kalman(q: Any) -> Any:
    """The log likelihood of a filter of position and speed."""
    data = np.sin(np.arange(12) * 0.4)
    F = np.array([[1.0, 0.4], [0.0, 1.0]])
    H = np.array([[1.0, 0.0]])
    Q = np.diag([np.exp(q[0]), np.exp(q[1])])
    R = np.exp(q[2]) * np.eye(1)
    x, P, loglik = np.zeros(2), np.eye(2), 0.0
    for z in data:
        x = F @ x
        P = F @ P @ F.T + Q
        innovation = z - H @ x
        S = H @ P @ H.T + R
        K = np.linalg.solve(S, H @ P).T
        x = x + K @ innovation
        P = (np.eye(2) - K @ H) @ P
        _, logdet = np.linalg.slogdet(2 * np.pi * S)
        loglik += -0.5 * (innovation @ np.linalg.inv(S) @ innovation + logdet)
    return loglik


def hidden_markov(a: Any) -> Any:
    """The forward algorithm in logarithms."""
    observed = [0, 1, 1, 2, 0, 2]
    start = a[:3] - np.logaddexp.reduce(a[:3])
    move = a[3:12].reshape(3, 3)
    move = move - np.logaddexp.reduce(move, axis=1, keepdims=True)
    emit = a[12:21].reshape(3, 3)
    emit = emit - np.logaddexp.reduce(emit, axis=1, keepdims=True)
    alpha = np.full((len(observed), 3), -np.inf)
    alpha[0] = start + emit[:, observed[0]]
    for t in range(1, len(observed)):
        for j in range(3):
            alpha[t, j] = np.logaddexp.reduce(alpha[t - 1] + move[:, j]) + emit[j, observed[t]]
    return np.logaddexp.reduce(alpha[-1])


def gaussian_process(h: Any) -> Any:
    """Minus the log marginal likelihood, kernel filled element by element."""
    x = np.linspace(0, 1, 6)
    y = np.sin(6 * x)
    n = len(x)
    K = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            K[i, j] = np.exp(h[0]) * np.exp(-0.5 * (x[i] - x[j]) ** 2 / np.exp(h[1]))
            K[j, i] = K[i, j]
    K[np.diag_indices(n)] += np.exp(h[2])
    L = np.linalg.cholesky(K)
    alpha = np.linalg.solve(L.T, np.linalg.solve(L, y))
    return 0.5 * y @ alpha + np.sum(np.log(np.diag(L))) + 0.5 * n * np.log(2 * np.pi)


def arma(p: Any) -> Any:
    """The conditional likelihood of ARMA(1, 1) with its errors in an array."""
    y = np.cos(np.arange(15) * 0.7)
    e = np.zeros_like(y)
    for t in range(1, len(y)):
        e[t] = y[t] - p[0] * y[t - 1] - p[1] * e[t - 1]
    s2 = np.var(e[1:])
    return 0.5 * len(y) * np.log(s2) + p[2] ** 2


def ray_tracer(c: Any) -> Any:
    """Spheres, shaded where a ray meets one."""
    size = 6
    image = np.zeros((size, size))
    centre, radius = c[:3], c[3]
    light = np.array([1.0, 1.0, -1.0]) / np.sqrt(3)
    for i, y in enumerate(np.linspace(-1, 1, size)):
        for j, x in enumerate(np.linspace(-1, 1, size)):
            d = np.array([x, y, 2.0])
            d = d / np.linalg.norm(d)
            b = np.dot(d, centre)
            disc = b**2 - np.dot(centre, centre) + radius**2
            if disc > 0:
                t = b - np.sqrt(disc)
                normal = (t * d - centre) / radius
                image[i, j] = max(np.dot(normal, light), 0.0) + 0.1
    return np.mean(image)


def spline(y: Any) -> Any:
    """A natural cubic spline: the tridiagonal system filled by slices."""
    n = len(y)
    h = 1.0 / (n - 1)
    A = np.zeros((n, n))
    A[0, 0] = A[-1, -1] = 1
    rhs = np.zeros(n)
    idx = np.arange(1, n - 1)
    A[idx, idx - 1] = h / 6
    A[idx, idx] = 2 * h / 3
    A[idx, idx + 1] = h / 6
    rhs[1:-1] = (y[2:] - 2 * y[1:-1] + y[:-2]) / h
    m = np.linalg.solve(A, rhs)
    return np.sum(m**2) * 1e-4 + np.trapezoid(y, dx=h)


def registration(s: Any) -> Any:
    """An image moved by a fraction of a pixel, bilinear, compared with another."""
    grid = np.arange(8)
    image = np.outer(np.sin(grid * 0.7), np.cos(grid * 0.5))
    yy, xx = np.meshgrid(grid[1:-2], grid[1:-2], indexing="ij")
    ys, xs = yy + s[0], xx + s[1]
    y0, x0 = np.floor(ys).astype(int), np.floor(xs).astype(int)
    fy, fx = ys - y0, xs - x0
    warped = (1 - fy) * (1 - fx) * image[y0, x0] + fy * (1 - fx) * image[y0 + 1, x0]
    warped += (1 - fy) * fx * image[y0, x0 + 1] + fy * fx * image[y0 + 1, x0 + 1]
    return np.mean((warped - 0.9 * image[1:-2, 1:-2]) ** 2)


def bundle(p: Any) -> Any:
    """Points seen by turned cameras (Rodrigues), residuals collected in a list."""
    points = p[6:].reshape(3, 3) + np.array([0, 0, 5.0])
    residuals = []
    for camera in (p[:3], p[3:6]):
        theta = np.linalg.norm(camera)
        k = camera / theta
        K = np.array([[0, -k[2], k[1]], [k[2], 0, -k[0]], [-k[1], k[0], 0]])
        R = np.eye(3) + np.sin(theta) * K + (1 - np.cos(theta)) * K @ K
        for point in points:
            q = R @ point
            residuals.append(q[:2] / q[2] - 0.1)
    return np.sum(np.concatenate(residuals) ** 2)


def lstm(w: Any) -> Any:
    """A hand-written LSTM over a sequence."""
    n = 2
    W = w[:24].reshape(4 * n, 3)
    h, c, outs = np.zeros(n), np.zeros(n), []
    for x in np.sin(np.arange(6)):
        z = W @ np.append(h, x)
        i, f, o = (1 / (1 + np.exp(-part)) for part in np.split(z[: 3 * n], 3))
        c = f * c + i * np.tanh(z[3 * n :])
        h = o * np.tanh(c)
        outs.append(h)
    return np.sum(np.stack(outs) ** 2)


def newton(a: Any) -> Any:
    """Python decides on values: iterate until it fits."""
    x = a[0]
    while abs(x * x - a[1]) > 1e-12:
        x = 0.5 * (x + a[1] / x)
    return x


def thomas(d: Any) -> Any:
    """Elimination in place on arrays that come in."""
    n = len(d)
    diag, rhs = np.full(n, 4.0), d * 1.0
    diag += d**2
    for i in range(1, n):
        w = -1.0 / diag[i - 1]
        diag[i] -= w * -1.0
        rhs[i] -= w * rhs[i - 1]
    x = np.empty(n)
    x[-1] = rhs[-1] / diag[-1]
    for i in range(n - 2, -1, -1):
        x[i] = (rhs[i] + x[i + 1]) / diag[i]
    return x.sum()


def wave(c: Any) -> Any:
    """A rolling triple of buffers, and a mask over the obstacle."""
    n = 12
    u = np.zeros((3, n, n))
    u[1, 5, 5] = c[0]
    mask = np.zeros((n, n), dtype=bool)
    mask[:2] = True
    for _ in range(6):
        lap = np.zeros((n, n))
        lap[1:-1, 1:-1] = (
            u[1, 2:, 1:-1]
            + u[1, :-2, 1:-1]
            + u[1, 1:-1, 2:]
            + u[1, 1:-1, :-2]
            - 4 * u[1, 1:-1, 1:-1]
        )
        u[2] = 2 * u[1] - u[0] + c[1] * lap
        u[2][mask] *= 0.5
        u[0], u[1] = u[1].copy(), u[2].copy()
    return np.sum(np.abs(u[2]) ** 1.5)


def power_iteration(m: Any) -> Any:
    A = m.reshape(3, 3)
    A = A + A.T
    v = np.ones(3)
    for _ in range(20):
        v = A @ v
        v /= np.linalg.norm(v)
    return v @ A @ v


_rng = np.random.default_rng(0)
PROGRAMS = [
    (heat, np.array([1.3, 0.1])),
    (burgers, np.array([0.8, 0.1])),
    (n_body, _rng.normal(size=6)),
    (kalman, np.array([-1.0, -2.0, -1.5])),
    (hidden_markov, _rng.normal(size=21)),
    (gaussian_process, np.array([0.1, -2.0, -3.0])),
    (arma, np.array([0.5, 0.2, 0.3])),
    (ray_tracer, np.array([0.1, 0.05, 4.0, 1.23])),
    (spline, _rng.normal(size=7)),
    (registration, np.array([0.3, 0.6])),
    (bundle, _rng.normal(size=15) * 0.3),
    (lstm, _rng.normal(size=24) * 0.5),
    (newton, np.array([1.7, 2.0])),
    (thomas, _rng.normal(size=6)),
    (wave, np.array([1.0, 0.2])),
    (power_iteration, _rng.uniform(0.5, 1, size=9)),
]


@pytest.mark.parametrize(("f", "x"), PROGRAMS, ids=lambda v: getattr(v, "__name__", ""))
def test_program(f: Any, x: Any, rng: np.random.Generator) -> None:
    before = x.copy()
    value, gradient = ad.value_and_grad(f)(x)
    assert value == f(x.copy())
    assert np.array_equal(x, before)
    for _ in range(2):
        v = rng.normal(size=x.shape)
        h = 1e-4

        def along(s: float, v: Any = v) -> Any:
            return f(x + s * v)

        numeric = (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h)
        assert gradient @ v == pytest.approx(numeric, rel=1e-6, abs=1e-7)
        _, dot = ad.jvp(f, (x,), (v,))
        assert dot == pytest.approx(gradient @ v, rel=1e-9, abs=1e-12)


BRANCHES = {"ray_tracer", "newton"}  # Python decides on values there


@pytest.mark.parametrize(
    ("f", "x"),
    [(f, x) for f, x in PROGRAMS if f.__name__ not in BRANCHES],
    ids=lambda v: getattr(v, "__name__", ""),
)
def test_program_as_a_graph(f: Any, x: Any) -> None:
    recording = record_call(f, (x,), "trace")
    (value,) = evaluate(recording.graph, [x, *recording.captured])
    assert value == pytest.approx(f(x.copy()), rel=1e-12)
    many = ad.vmap(f)(np.stack([x, 1.01 * x]))
    np.testing.assert_allclose(many, [f(x.copy()), f(1.01 * x)], rtol=1e-9)
