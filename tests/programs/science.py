"""Programs with state, helpers, closures and libraries, as scientists write them."""

from collections import deque
from dataclasses import dataclass, field
from functools import reduce
from itertools import product

import numpy as np
from numpy import array, cos, exp, log, pi, sin, tanh, zeros
from scipy import linalg, signal, stats
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

GRID = np.linspace(0.0, 1.0, 9)


@dataclass
class Box:
    capacity: float
    temperature: float
    history: list = field(default_factory=list)

    def step(self, flux, dt):
        self.temperature += dt * flux / self.capacity
        self.history.append(self.temperature)


class Climate:
    def __init__(self, settings):
        self.p = settings
        self.boxes = {"air": Box(settings["c"][0], 287.0), "sea": Box(settings["c"][1], 285.0)}

    @property
    def albedo(self):
        return 0.45 - 0.15 * (1 + tanh((self.boxes["air"].temperature - 275.0) / 10.0))

    def fluxes(self, co2):
        air, sea = (box.temperature for box in self.boxes.values())
        exchange = self.p["k"] * (air - sea)
        out = self.p["eps"] * 5.67e-8 * air**4 - 5.35 * log(co2 / 280.0)
        return {"air": 340.0 * (1 - self.albedo) - out - exchange, "sea": exchange}


def climate(settings):
    model = Climate(settings)
    for year in range(15):
        fluxes = model.fluxes(280.0 * 1.01**year)
        for name, box in model.boxes.items():
            box.step(fluxes[name], 0.3)
    T = array(model.boxes["air"].history)
    return ((T - T[:5].mean())[-5:] ** 2).mean()


def elements(k, load):
    """Linear triangles on a square, assembled by np.add.at."""
    n = 4
    points = array(list(product(np.linspace(0, 1, n), repeat=2)))
    corners = [(i * n + j, (i + 1) * n + j) for i in range(n - 1) for j in range(n - 1)]
    triangles = array([t for a, b in corners for t in ((a, b, b + 1), (a, b + 1, a + 1))])
    X = points[triangles]
    e, f = X[:, 1] - X[:, 0], X[:, 2] - X[:, 0]
    area = 0.5 * np.abs(e[:, 0] * f[:, 1] - e[:, 1] * f[:, 0])
    after, before = X[:, [1, 2, 0]], X[:, [2, 0, 1]]
    G = np.stack([after[..., 1] - before[..., 1], before[..., 0] - after[..., 0]], -1)
    G /= 2 * area[:, None, None]
    kappa = k[0] + k[1] * X.mean(1)[:, 0] ** 2 + k[2] * cos(3 * X.mean(1)[:, 1])
    K, F = zeros((n * n, n * n)), zeros(n * n)
    local = np.einsum("t,tid,tjd->tij", kappa * area, G, G)
    np.add.at(K, (triangles[:, :, None], triangles[:, None, :]), local)
    np.add.at(F, triangles.ravel(), np.repeat(load * area / 3, 3))
    free = np.setdiff1d(np.arange(n * n), np.flatnonzero(points[:, 0] == 0))
    u = zeros(n * n)
    u[free] = np.linalg.solve(K[np.ix_(free, free)], F[free])
    return u @ F


def expectation_maximisation(weights, means, logs):
    X = sin(np.arange(24).reshape(12, 2) * 1.7) * 2
    share, variance = weights / weights.sum(), exp(logs)
    for _ in range(3):
        each = stats.norm.logpdf(X[:, None, :], means, np.sqrt(variance)).sum(-1) + log(share)
        total = logsumexp(each, axis=1)
        R = exp(each - total[:, None])
        N = R.sum(0)
        means = (R.T @ X) / N[:, None]
        parts = [(R[:, k, None] * (X - means[k]) ** 2).sum(0) / N[k] for k in range(2)]
        variance = np.stack(parts) + 1e-2
        share = N / len(X)
    return total.sum()


def beamformer(angles, power, noise):
    m = np.arange(5)

    def steer(t):
        return exp(-1j * pi * m * sin(t))

    R = noise * np.eye(5, dtype=complex)
    for t, p in zip(angles, power, strict=True):
        v = steer(t)[:, None]
        R += p * v @ v.conj().T
    A = np.vstack([steer(t) for t in np.linspace(-1.2, 1.2, 9)]).T
    Z = linalg.solve_triangular(np.linalg.cholesky(R), A, lower=True)
    P = 1.0 / np.sum(np.abs(Z) ** 2, axis=0)
    return log(P).sum() + np.linalg.slogdet(R)[1] + P[P.mean() < P].sum()


class Unscented:
    def __init__(self, move, see, Q, R):
        self.move, self.see, self.Q, self.R, n = move, see, Q, R, len(Q)
        self.c = 0.75 * n
        self.w = np.full(2 * n + 1, 0.5 / self.c)
        self.w[0] = 1 - n / self.c

    def through(self, function, m, P, noise):
        L = np.linalg.cholesky(self.c * P)
        X = np.vstack([m, *(m + L.T), *(m - L.T)])
        Y = np.apply_along_axis(function, 1, X)
        mean = self.w @ Y
        d = Y - mean
        return mean, d.T @ (self.w[:, None] * d) + noise, (X - m).T @ (self.w[:, None] * d)

    def step(self, m, P, y):
        m, P, _ = self.through(self.move, m, P, self.Q)
        mu, S, C = self.through(self.see, m, P, self.R)
        K = np.linalg.solve(S, C.T).T
        v = y - mu
        fit = -0.5 * (v @ np.linalg.solve(S, v) + np.linalg.slogdet(2 * pi * S)[1])
        return m + K @ v, P - K @ S @ K.T, fit


def unscented_kalman(logs, gravity, drag):
    move = lambda x: array([x[0] + 0.1 * x[1], x[1] - 0.1 * (gravity * sin(x[0]) + drag * x[1])])  # noqa: E731
    filters = Unscented(move, lambda x: np.atleast_1d(sin(x[0])), np.diag(exp(logs)), 0.04)
    m, P, total = array([1.0, 0.0]), 0.1 * np.eye(2), 0.0
    for y in sin(cos(0.3 * np.arange(4)))[:, None]:
        m, P, fit = filters.step(m, P, y)
        total += fit
    return -total


def control(x0, disturbances):
    """A finite horizon by Riccati's recursion, then the run it steers."""
    A, B = array([[1, 0.1], [-0.2, 0.95]]), array([[0.0], [0.1]])
    Q, R = np.eye(2), array([[0.05]])
    P, s, gains = Q, zeros(2), deque()
    for d in disturbances[::-1]:
        H = R + B.T @ P @ B
        K, k = (-np.linalg.solve(H, B.T @ x) for x in (P @ A, P @ d + s))
        gains.appendleft((K, k))
        closed = A + B @ K
        s = closed.T @ (P @ (d + B @ k) + s) + K.T @ R @ k
        P = Q + K.T @ R @ K + closed.T @ P @ closed
    x, cost = x0, 0.0
    for (K, k), d in zip(gains, disturbances, strict=True):
        u = K @ x + k
        cost += x @ Q @ x + u @ R @ u
        x = A @ x + B @ u + d
    return cost + x @ Q @ x


def factorisation(V, ridge):
    """Non-negative factors by multiplicative steps, from a drawn start."""
    draw = np.random.RandomState(3)
    W, H = draw.rand(len(V), 2) + 0.1, draw.rand(2, V.shape[1]) + 0.1
    for _ in range(4):
        H *= (W.T @ V) / (W.T @ W @ H + ridge)
        W *= (V @ H.T) / (W @ (H @ H.T) + ridge)
        scale = W.sum(axis=0, keepdims=True)
        W /= scale
        H *= scale.T
    return np.linalg.norm(V - W @ H, "fro")


def layers(thickness, index):
    """Reflectance of a stack by 2 x 2 matrices."""
    total = 0
    for wavelength in (450.0, 550.0):
        matrices = []
        for n, d in zip(index, thickness, strict=True):
            n = n + 0.01j
            delta = 2 * pi * n * d / wavelength
            matrices.append([[cos(delta), 1j * sin(delta) / n], [1j * n * sin(delta), cos(delta)]])
        B, C = reduce(np.matmul, map(np.array, matrices), np.eye(2)) @ array([1, 1.52])
        r = (B - C) / (B + C)
        total += (r * r.conj()).real
    return total


def kriging(log_length, noise, values):
    """Kernels of constant places, completed in place."""
    K = exp(-cdist(GRID[:, None], GRID[:, None]))
    K[np.diag_indices(len(GRID))] += noise
    K **= exp(-log_length)
    K[0, 0] = 1 + noise
    taper = signal.windows.hann(len(GRID)) + 0.1
    taper *= values
    K[range(len(GRID)), range(len(GRID))] += 0.5
    return taper @ np.linalg.solve(K, taper) + np.linalg.slogdet(K)[1]


def trend(rates, start):
    """A rule for one point, applied to a constant grid with np.vectorize."""
    rate = np.vectorize(lambda x: rates[0] * x if x < 0.5 else rates[1] * (1 - x))
    u = start + rate(GRID)
    for _ in range(3):
        u[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
    return u @ u


def boiling(wall, fluid):
    """Heat that leaves a wall: correlations are products of powers under a power."""
    superheat, pressure, speed = wall["superheat"], wall["pressure"], wall["speed"]
    heat, conductivity, viscosity, ratio = fluid
    prandtl = heat * viscosity / conductivity
    nucleate = (
        (0.2 * (heat * superheat) ** 0.69 * (conductivity * pressure) ** 0.31)
        * (ratio - 1.0) ** 0.33
    ) ** (1 / 0.31)
    reynolds = speed / viscosity
    smooth = (0.79 * log(reynolds) - 1.64) ** -2.0
    forced = (smooth / 8) * (reynolds - 1e3) * prandtl / (
        1 + 12.7 * (smooth / 8) ** 0.5 * (prandtl ** (2 / 3) - 1)
    )  # fmt: skip
    film = (ratio * (ratio - 1) * conductivity**3 / (viscosity * superheat)) ** 0.25
    return log((nucleate**3 + (0.1 * forced) ** 3) ** (1 / 3) + film)


def entries(Entry):
    rng = np.random.default_rng(7)
    settings = {"c": array([3.0, 12.0]), "eps": array(0.61), "k": array(0.7)}
    return {
        "climate": Entry(climate, (settings,)),
        "elements": Entry(elements, (array([1.0, 2.0, 0.5]), array(0.3))),
        "expectation_maximisation": Entry(
            expectation_maximisation,
            (array([0.3, 0.7]), array([[-1.0, 0.2], [1.5, 0.4]]), array([[0.1, 0.0], [0.3, 0.2]])),
        ),
        "beamformer": Entry(beamformer, (array([0.1, -0.6]), array([1.0, 0.4]), array(0.1))),
        "unscented_kalman": Entry(
            unscented_kalman, (log(array([0.05, 0.1])), array(9.0), array(0.3))
        ),
        "control": Entry(control, (array([1.0, 0.2]), rng.normal(size=(4, 2)) * 0.1)),
        "factorisation": Entry(factorisation, (rng.uniform(0.5, 2, size=(4, 3)), array(0.1))),
        "layers": Entry(layers, (array([110.0, 70.0]), array([1.38, 2.1]))),
        "kriging": Entry(kriging, (array(0.3), array(0.2), rng.normal(size=9))),
        "boiling": Entry(
            boiling,
            (
                {"superheat": 2.3, "pressure": 1.4, "speed": 9000.0},
                (1.2, 0.8, 0.9, 3.5),
            ),
        ),
        "trend": Entry(trend, (array([0.7, 1.3]), rng.normal(size=9))),
    }
