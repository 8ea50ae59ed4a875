"""Programs of engineers and statisticians, each with habits of its own, in plain NumPy."""

import functools
import math
import operator
from collections import defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import accumulate, count, islice, takewhile

import numpy as np

RNG = np.random.default_rng(11)
START = np.sin(np.linspace(0, 3, 6))


@dataclass(frozen=True)
class Normal:
    mean: np.ndarray
    logs: np.ndarray

    @functools.cached_property
    def scale(self):
        return np.exp(self.logs)

    def sample(self, noise):
        return self.mean + self.scale * noise


def log_density(kind, z):
    match kind:
        case "normal":
            return -0.5 * (z @ z)
        case ("banana", bend):
            return -0.5 * (z[0] ** 2 + (z[1] + bend * z[0] ** 2) ** 2)
        case {"name": "student", "nu": nu}:
            return -(nu + 1) / 2 * np.log1p(z * z / nu).sum()


def evidence(mean, logs):
    q = replace(Normal(mean, logs), logs=logs - 0.1)
    noise = np.random.default_rng(1).normal(size=(4, 2))
    total = 0.0
    for kind in ("normal", ("banana", 0.3), {"name": "student", "nu": 3}):
        total += np.mean([log_density(kind, q.sample(e)) for e in noise])
    return total + q.logs.sum()


def thin_film(depth, index):
    out = []
    for wave in np.arange(400, 700, 150.0):
        M = np.eye(2, dtype=complex)
        for d, n in zip(depth, index, strict=True):
            phase = 2 * np.pi * n * d / wave
            L = np.empty((2, 2), complex)
            L[0, 0] = L[1, 1] = np.cos(phase)
            L[0, 1], L[1, 0] = 1j * np.sin(phase) / n, 1j * n * np.sin(phase)
            M = M.dot(L)
        (a, b), (c, e) = M
        out.append(abs((a + 1.5 * b - c - 1.5 * e) / (a + 1.5 * b + c + 1.5 * e)) ** 2)
    return np.array(out).mean()


def cordic(angle):
    x, y, z = 1.0, 0.0, angle
    for i in range(12):
        d = 1 if z >= 0 else -1
        x, y, z = x - d * y * 2.0**-i, y + d * x * 2.0**-i, z - d * math.atan(2.0**-i)
    gain = functools.reduce(operator.mul, (1 / math.hypot(1, 2.0**-i) for i in range(12)))
    return y * gain + z * x


def biquad(b, a):
    xs, ys = deque([0.0, 0.0], 2), deque([0.0, 0.0], 2)
    y = None
    while True:
        x = yield y
        y = b[0] * x + b[1:] @ np.array(xs) - np.dot(a, ys)
        xs.appendleft(x)
        ys.appendleft(y)


def recursive_filter(b, a):
    stage = biquad(b, a)
    next(stage)
    out = np.asarray([stage.send(x) for x in np.sin(np.arange(12) * 0.4)])
    return out @ out + np.ptp(out)


def phase_locked_loop(gains, noise):
    phase = slow = 0
    errors = []
    with np.errstate(all="raise"):
        for k, wobble in enumerate(noise):
            e = np.angle(np.exp(1j * (0.3 * k + wobble)) * np.conj(np.exp(1j * phase)))
            slow += gains[1] * e
            phase += 0.25 + gains[0] * e + slow
            errors += [e]
    return np.linalg.norm(errors) ** 2


def calibration(turn, shift, lens):
    points = np.c_[np.arange(6) % 3, np.arange(6) // 3, np.full(6, 4.0)]
    if (angle := np.linalg.norm(turn)) < 1e-8:
        R = np.eye(3)
    else:
        x, y, z = turn / angle
        K = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        R = np.eye(3) + np.sin(angle) * K + (1 - np.cos(angle)) * K @ K
    X = points @ R.T + shift
    seen = X[:, :2] / X[:, 2:]
    r = (seen**2).sum(1, keepdims=True)
    seen *= (1 + lens[1] * r + lens[2] * r**2) * lens[0]
    return ((seen - points[:, :2] / 4) ** 2).sum()


def threads(x):
    def work(row):
        out = np.zeros(4)
        for i in range(4):
            out[i] = np.sin(row[i]) * row[i - 1]
        return out.sum()

    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(work, x))


def predictive_control(x, weights, price):
    A, B, n = np.array([[1, 0.1], [0, 1]]), np.array([[0.0], [0.1]]), 4
    powers = [np.linalg.matrix_power(A, k) for k in range(n + 1)]
    P = np.vstack(powers[1:])
    rows = [[powers[i - j] @ B if j <= i else 0 * B for j in range(n)] for i in range(n)]
    S = np.block(rows)
    Q = np.kron(np.eye(n), np.diag(weights))
    H = S.T @ Q @ S
    H[np.diag_indices_from(H)] += price
    u = np.clip(-np.linalg.solve(H, S.T @ Q @ P @ x), -1, 1)
    y = P @ x + S @ u
    return y @ Q @ y + price * u @ u


def controller(gains):
    def plant():
        y = 0.0
        u = yield y
        while True:
            y += 0.1 * (u - y)
            u = yield y

    system, cost, before, sum_ = plant(), [], 1.0, 0
    y = next(system)
    for t in takewhile(lambda t: t < 1.5, count(0, 0.1)):
        e = 1 - y
        sum_ += e * 0.1
        y = system.send(gains[0] * e + gains[1] * sum_ + gains[2] * (e - before) / 0.1)
        before = e
        cost.append(t * e**2)
    return np.trapezoid(cost, dx=0.1) + 1e-3 * sum(accumulate(cost, operator.add))


def market(tastes, owned):
    prices = {"x": 1.0, "y": 1.0}
    for _ in range(6):
        excess = defaultdict(float)
        p = np.array([*prices.values()])
        for taste, goods in zip(tastes, owned, strict=True):
            for name, a, e in zip(prices, taste / taste.sum(), goods, strict=True):
                excess[name] += a * (goods @ p) / prices[name] - e
        for name in prices:
            prices[name] *= 1 + 0.2 * excess[name]
        total = sum(prices.values())
        prices = {name: v / total for name, v in prices.items()}
    return prices["x"] ** 2 + np.log(prices["y"])


def value_iteration(reward, logits):
    P = np.exp(logits - logits.max(axis=-1, keepdims=True))
    P /= P.sum(-1)[..., None]
    V = np.zeros(4)
    for _ in range(5):
        Q = reward + 0.9 * np.stack([P[a].dot(V) for a in range(2)], axis=1)
        V, before = Q.max(axis=1), V
    policy = Q.argmax(1)
    return V @ V + np.abs(V - before).max() + reward[np.arange(4), policy].sum()


def ranking(x):
    order = sorted(range(len(x)), key=lambda i: x[i])
    y = x[order]
    y[[0, -1]] = y[[-1, 0]]
    z = np.empty(len(x))
    z[order] = np.arange(len(x)) * y
    np.put(z, [1, 3], y[:2])
    w = np.take_along_axis(x, np.argsort(-x), 0)
    return z @ w + max(x) * min(x) if isinstance(x, np.ndarray) and x.ndim == 1 else None


def de_boor(control, places):
    k, knots = 3, np.concatenate((np.zeros(4), [1 / 3, 2 / 3], np.ones(4)))

    def at(t):
        m = min(max(int(np.searchsorted(knots, t, side="right")) - 1, k), len(control) - 1)
        d = [control[j + m - k] for j in range(k + 1)]
        for r in range(1, k + 1):
            for j in range(k, r - 1, -1):
                low, high = knots[j + m - k], knots[j + 1 + m - r]
                a = (t - low) / (high - low)
                d[j] = (1 - a) * d[j - 1] + a * d[j]
        return d[k]

    return np.sum(np.diff(np.array([at(t) for t in places]), axis=0) ** 2)


def rates(volatility, forward):
    asked = 0

    def at(T, t):
        nonlocal asked
        asked += 1
        a, b, c = volatility
        return (a + b * (T - t)) * np.exp(-c * (T - t)) + 0.05

    error = 0.0
    for i in range(1, len(forward)):
        variance = sum(at(i, t) ** 2 for t in np.linspace(0, i, 4)[:-1]) / 3
        drift = sum((L / (1 + L) * at(k + 1, 0) for k, L in enumerate(forward[:i])), 0.0)
        error += (np.sqrt(variance) - 0.18 + 0.01 * drift) ** 2 * 100
    assert asked > 0, f"asked {asked} times"
    return error


class Wave:
    """Keeps its state in attributes that were made from a constant, and writes it in place."""

    def __init__(self):
        self.u, self.v = START * 2, START**2
        self.seen = {"energy": np.zeros(2), "steps": 0}

    def step(self, speed, loss):
        self.v[1:-1] += speed * (self.u[2:] - 2 * self.u[1:-1] + self.u[:-2])
        self.v *= 1 - loss
        self.u += 0.1 * self.v
        self.u[[0, -1]] = self.u[[1, -2]]
        self.seen["energy"] += self.u @ self.u, self.v @ self.v
        self.seen["steps"] += 1


def wave(speed, loss):
    wave = Wave()
    for _ in range(4):
        wave.step(speed, loss)
    return wave.seen["energy"].sum() / wave.seen["steps"]


@functools.cache
def legendre(n, x):
    if n < 2:
        return x if n else 1.0
    return ((2 * n - 1) * x * legendre(n - 1, x) - (n - 1) * legendre(n - 2, x)) / n


def multipoles(coefficients, x):
    return sum(c * legendre(n, x[0]) for n, c in enumerate(coefficients)) ** 2


def chain(target):
    rng = np.random.default_rng(0)
    x, kept = target[0] * 0.0, deque(maxlen=6)
    for _ in range(12):
        to = x + 0.7 * target[1] * rng.normal()
        gain = 0.5 * (((x - target[0]) / target[1]) ** 2 - ((to - target[0]) / target[1]) ** 2)
        if np.log(rng.random()) < gain:
            x = to
        kept.append(x)
    return np.mean(kept) + np.var(list(islice(kept, 3)))


def transport(X, Y):
    C = np.sum((X[:, None, :] - Y[None]) ** 2, -1)
    K = np.exp(-2 * C)
    u, v = np.ones(len(X)), np.ones(len(Y))
    while np.abs(u * (K @ v) - 1 / len(X)).sum() > 1e-10:
        u = 1 / len(X) / (K @ v)
        v = 1 / len(Y) / (K.T @ u)
    return ((u[:, None] * K * v) * C).sum()


def entries(Entry):
    def normal(*shape):
        return RNG.normal(size=shape)

    return {
        "evidence": Entry(evidence, (normal(2), 0.1 * normal(2))),
        "thin_film": Entry(thin_film, (np.array([70.0, 110.0]), np.array([1.4, 2.2]))),
        "cordic": Entry(cordic, (np.array(0.7),), False),
        "recursive_filter": Entry(
            recursive_filter, (np.array([0.2, 0.3, 0.2]), np.array([-0.5, 0.3]))
        ),
        "phase_locked_loop": Entry(phase_locked_loop, (np.array([0.1, 0.05]), 0.1 * normal(8))),
        "calibration": Entry(
            calibration, (0.3 * normal(3), 0.1 * normal(3), np.array([1.1, 0.01, -0.02])), False
        ),
        "threads": Entry(threads, (normal(3, 4),)),
        "predictive_control": Entry(
            predictive_control, (np.array([1.0, 0.5]), np.array([0.6, 0.8]), np.array(0.3))
        ),
        "controller": Entry(controller, (np.array([2.0, 0.5, 0.1]),)),
        "market": Entry(market, (RNG.uniform(0.2, 0.8, (3, 2)), RNG.uniform(1, 2, (3, 2)))),
        "value_iteration": Entry(value_iteration, (normal(4, 2), normal(2, 4, 4))),
        "ranking": Entry(ranking, (normal(7),)),
        "de_boor": Entry(de_boor, (normal(6, 2), np.array([0.2, 0.5, 0.8])), False),
        "rates": Entry(rates, (np.array([0.2, 0.1, 0.5]), RNG.uniform(0.02, 0.04, 4))),
        "wave": Entry(wave, (np.array(0.2), np.array(0.05))),
        "multipoles": Entry(multipoles, (normal(5), np.array([0.4]))),
        "chain": Entry(chain, (np.array([0.5, 1.2]),), False),
        "transport": Entry(transport, (normal(3, 2), normal(4, 2)), False),
    }
