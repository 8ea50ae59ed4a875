"""Programs of statisticians, economists and students of learning, in plain NumPy."""

import dataclasses
import functools

import numpy as np
from numpy import exp, log

DATA = np.random.default_rng(5).normal(size=(8, 3))
LABELS = (DATA @ np.array([1.0, -2.0, 0.5]) > 0).astype(float)
COUNTS = np.array([0, 1, 3, 2, 0, 1, 1, 4])
DRAWS = np.random.default_rng(6).standard_normal(40)


def black_scholes(spot, volatility, rate):
    """A call by Monte Carlo with antithetic draws; the draws are constants."""
    z = np.concatenate([DRAWS, -DRAWS])
    paths = spot * np.exp((rate - 0.5 * volatility**2) + volatility * z)
    payoff = np.maximum(paths - 100.0, 0)
    return np.exp(-rate) * payoff.mean()


def epidemic(beta, gamma, start):
    """SIR by Euler steps into a table; the height of the wave."""
    S, I, R = np.zeros(12), np.zeros(12), np.zeros(12)  # noqa: E741
    S[0], I[0] = 1 - start, start
    for t in range(11):
        infected = beta * S[t] * I[t]
        S[t + 1] = S[t] - infected
        I[t + 1] = I[t] + infected - gamma * I[t]
        R[t + 1] = R[t] + gamma * I[t]
    return I.max() + 0.1 * R[-1]


def pagerank(links, damping):
    """The stationary vector of a damped walk, by the power method."""
    n = links.shape[0]
    P = links / links.sum(axis=0)
    r = np.ones(n) / n
    for _ in range(20):
        r = damping * P.dot(r) + (1 - damping) / n
    return np.sum(r * np.arange(n)) - np.sum(r * np.log(r))


def soft_kmeans(centres, temperature):
    """Responsibilities by a softmax of distances, two sweeps of the centres."""
    for _ in range(2):
        d = ((DATA[:, None, :] - centres[None]) ** 2).sum(-1)
        w = np.exp(-d / temperature)
        w /= w.sum(axis=1, keepdims=True)
        centres = w.T.dot(DATA) / w.sum(axis=0)[:, None]
    return np.sum(centres**2) + np.sum(w * d)


def tsne(Y):
    """The divergence of t-SNE with given affinities."""
    n = len(Y)
    D = np.sum((DATA[:, None] - DATA[None]) ** 2, axis=-1)
    P = np.exp(-D)
    np.fill_diagonal(P, 0.0)
    P = P / P.sum()
    sums = np.sum(np.square(Y), axis=1)
    num = 1 / (1 + sums[:, np.newaxis] + sums - 2 * Y.dot(Y.T))
    num[range(n), range(n)] = 0.0
    Q = np.maximum(num / np.sum(num), 1e-12)
    return np.sum(P * np.log(np.maximum(P, 1e-12) / Q))


def elastic_net(w, strength):
    """Squared loss with both penalties on data from outside, X.dot(w) style."""
    residual = DATA.dot(w) - LABELS
    return 0.5 * residual.dot(residual) / len(DATA) + strength * (
        0.7 * np.abs(w).sum() + 0.15 * (w**2).sum()
    )


def reweighted_least_squares(y, ridge):
    """Poisson regression by Newton's method written out."""
    X = np.column_stack((np.ones(len(DATA)), DATA))
    b = np.zeros(X.shape[1])
    for _ in range(5):
        mu = np.exp(X @ b)
        W = np.diag(mu)
        H = X.T @ W @ X
        H[np.diag_indices_from(H)] += ridge
        b = b + np.linalg.solve(H, X.T @ (y - mu) - ridge * b)
    return b @ b + np.sum(np.log1p(np.exp(X @ b)))


def topics(counts, prior):
    """Multiplicative updates of a topic model with two topics."""
    phi = counts[:2] / counts[:2].sum(1, keepdims=True)
    theta = np.full((counts.shape[0], 2), 0.5)
    for _ in range(4):
        expected = theta @ phi
        ratio = counts / expected
        new_theta = theta * (ratio @ phi.T) + prior
        theta = new_theta / new_theta.sum(axis=1, keepdims=True)
        new_phi = phi * (theta.T @ ratio) + prior
        phi = new_phi / new_phi.sum(axis=1, keepdims=True)
    return -np.sum(counts * np.log(theta @ phi))


def soft_viterbi(emissions, transitions):
    """The best path's score with a smooth maximum, backwards as well."""
    length, states = emissions.shape
    V = np.full((length, states), -1e9)
    V[0] = emissions[0]
    for t in range(1, length):
        for j in range(states):
            V[t, j] = emissions[t, j] + np.logaddexp.reduce(V[t - 1] + transitions[:, j])
    return np.max(V[-1]) + np.logaddexp.reduce(V[-1])


def soft_dtw(a, b, gamma):
    """Dynamic time warping with a soft minimum, the table filled cell by cell."""
    n, m = len(a), len(b)
    R = np.full((n + 1, m + 1), 1e6)
    R[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            costs = -np.array([R[i - 1, j], R[i, j - 1], R[i - 1, j - 1]]) / gamma
            peak = max(costs)
            R[i, j] = (a[i - 1] - b[j - 1]) ** 2 - gamma * (log(np.sum(exp(costs - peak))) + peak)
    return R[n, m]


def convolution_by_loops(image, kernel, bias):
    """Convolution, ReLU and max pooling as in a first lecture."""
    h, w = image.shape
    k = kernel.shape[0]
    out = np.zeros((h - k + 1, w - k + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = np.sum(image[i : i + k, j : j + k] * kernel) + bias
    out[out < 0] = 0
    pooled = out[:4, :4].reshape(2, 2, 2, 2).max(axis=(1, 3))
    return np.sum(pooled**2)


def batchnorm(x, scale, shift):
    """Normalisation with running statistics kept in a dictionary."""
    cache = {}
    cache["mean"], cache["var"] = x.mean(axis=0), x.var(axis=0)
    cache["x_hat"] = (x - cache["mean"]) / np.sqrt(cache["var"] + 1e-5)
    running = {"mean": np.zeros(x.shape[1])}
    running["mean"] *= 0.9
    running["mean"] += 0.1 * cache["mean"]
    y = scale * cache["x_hat"] + shift
    return np.sum(np.tanh(y) ** 3) + np.sum(running["mean"])


def attention(x, Wq, Wk, Wv):
    """Causal self-attention with a mask of -inf, two heads."""

    def softmax(z):
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    t, d = x.shape
    heads = []
    mask = np.triu(np.ones((t, t), dtype=bool), k=1)
    for q, k, v in zip(
        np.split(x @ Wq, 2, 1), np.split(x @ Wk, 2, 1), np.split(x @ Wv, 2, 1), strict=True
    ):
        scores = q @ k.T / np.sqrt(d / 2)
        scores[mask] = -np.inf
        heads.append(softmax(scores) @ v)
    return np.sum(np.concatenate(heads, axis=1) ** 2)


@dataclasses.dataclass
class Layer:
    W: np.ndarray
    b: np.ndarray

    def __call__(self, x):
        return np.tanh(x @ self.W + self.b)


def gan_losses(layers, noise):
    """Generator and critic as dataclasses in a list; both losses."""
    generator, critic = layers
    fake, real = generator(noise), DATA[:4, :2]

    def logit(x):
        return np.sum(critic(x), axis=1)

    sure, fooled = (1 / (1 + np.exp(-logit(x))) for x in (real, fake))
    d_loss = -np.mean(np.log(sure) + np.log1p(-fooled))
    return d_loss + 0.5 * np.mean((logit(fake) - 1) ** 2)


def gru(weights, sequence):
    """A gated recurrent unit whose weights come in a dictionary."""
    sigmoid = lambda z: 0.5 * (1 + np.tanh(0.5 * z))  # noqa: E731
    h = np.zeros(weights["U"].shape[-1])
    states = np.empty((len(sequence), h.size))
    for t, x in enumerate(sequence):
        z, r = sigmoid(np.einsum("kij,j->ki", weights["U"][:2], h) + weights["V"][:2] @ x)
        candidate = np.tanh(weights["U"][2] @ (r * h) + weights["V"][2] @ x)
        h = (1 - z) * h + z * candidate
        states[t] = h
    return np.mean(states[-1]) + states.std()


class Network:
    """Fully connected, with parameters as attributes and a method for each pass."""

    def __init__(self, sizes, flat):
        self.shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
        self.weights, self.biases = [], []
        start = 0
        for rows, columns in self.shapes:
            self.weights.append(flat[start : start + rows * columns].reshape(rows, columns))
            start += rows * columns
            self.biases.append(flat[start : start + rows])
            start += rows

    def forward(self, x):
        activation = x.T
        for W, b in zip(self.weights, self.biases, strict=True):
            activation = 1 / (1 + np.exp(-(np.dot(W, activation) + b[:, None])))
        return activation.T


def network(flat):
    """Cross-entropy of a class-based network whose parameters are one vector."""
    p = Network([3, 4, 1], flat).forward(DATA)[:, 0]
    return -np.mean(LABELS * np.log(p) + (1 - LABELS) * np.log(1 - p))


@functools.cache
def basis(n, degree):
    """Bernstein polynomials at fixed points: a constant, made once."""
    t = np.linspace(0, 1, n)
    b = [np.ones(n)]
    for _ in range(degree):
        previous = b
        b = [(1 - t) * previous[0]]
        b += [(1 - t) * previous[i] + t * previous[i - 1] for i in range(1, len(previous))]
        b.append(t * previous[-1])
    return np.array(b)


def bezier(control):
    """Length of a curve through cached basis functions."""
    points = basis(9, len(control) - 1).T @ control
    return np.sum(np.hypot(*np.diff(points, axis=0).T))


def cox(beta, times):
    """Partial likelihood of a survival model, sorted by time, with generators."""
    data = np.array(DATA)
    order = np.argsort(times)
    risk = np.exp(data[order].dot(beta))
    return -sum(
        np.log(risk[i] / sum(risk[j] for j in range(i, len(risk)))) for i in range(0, len(risk), 2)
    )


def garch(omega, alpha, beta, returns):
    """Likelihood of a GARCH(1, 1) model with the variance as a list."""
    variance = [np.var(returns)]
    for r in returns[:-1]:
        variance.append(omega + alpha * r**2 + beta * variance[-1])
    v = np.array(variance)
    return 0.5 * np.sum(np.log(2 * np.pi * v) + returns**2 / v)


def newton_inside(scale):
    """A root found inside by Newton's method, with a tolerance."""
    x = 1.0
    for _ in range(50):
        step = (x**3 + scale * x - 5) / (3 * x**2 + scale)
        x = x - step
        if abs(step) < 1e-12:
            break
    return x**2


def bisection_inside(level):
    """A bracket halved by comparisons, polished with one Newton step."""
    f = lambda t: np.exp(t) + t - level  # noqa: E731
    low, high = -5.0, 5.0
    while high - low > 1e-6:
        middle = 0.5 * (low + high)
        if f(middle) > 0:
            high = middle
        else:
            low = middle
    t = 0.5 * (low + high)
    for _ in range(3):
        t = t - f(t) / (np.exp(t) + 1)
    return t


def entries(Entry):
    rng = np.random.default_rng(13)
    layer = lambda n, m: Layer(0.4 * rng.normal(size=(n, m)), 0.1 * rng.normal(size=m))  # noqa: E731
    weights = {"U": 0.4 * rng.normal(size=(3, 3, 3)), "V": 0.4 * rng.normal(size=(3, 3, 2))}
    return {
        "black_scholes": Entry(black_scholes, (100.0, np.float64(0.2), 0.03)),
        "epidemic": Entry(epidemic, (np.float64(0.6), 0.2, np.float64(0.01))),
        "pagerank": Entry(pagerank, (rng.uniform(0.1, 1, (4, 4)), 0.85)),
        "soft_kmeans": Entry(soft_kmeans, (rng.normal(size=(2, 3)), np.float64(1.3))),
        "tsne": Entry(tsne, (rng.normal(size=(8, 2)),)),
        "elastic_net": Entry(elastic_net, (rng.normal(size=3), 0.1)),
        "reweighted_least_squares": Entry(
            reweighted_least_squares, (COUNTS + 0.5, np.float64(0.3))
        ),
        "topics": Entry(topics, (rng.uniform(1, 5, (3, 4)), np.float64(0.1))),
        "soft_viterbi": Entry(soft_viterbi, (rng.normal(size=(4, 3)), rng.normal(size=(3, 3)))),
        "soft_dtw": Entry(soft_dtw, (rng.normal(size=4), rng.normal(size=3), np.float64(0.5))),
        "convolution_by_loops": Entry(
            convolution_by_loops, (rng.normal(size=(6, 6)), rng.normal(size=(3, 3)), 0.1)
        ),
        "batchnorm": Entry(batchnorm, (rng.normal(size=(5, 3)), rng.normal(size=3), np.ones(3))),
        "attention": Entry(
            attention, (rng.normal(size=(3, 4)), *(0.5 * rng.normal(size=(3, 4, 4))))
        ),
        "gan_losses": Entry(gan_losses, ([layer(2, 2), layer(2, 3)], rng.normal(size=(4, 2)))),
        "gru": Entry(gru, (weights, rng.normal(size=(3, 2)))),
        "network": Entry(network, (0.5 * rng.normal(size=21),)),
        "bezier": Entry(bezier, (rng.normal(size=(4, 2)),)),
        "cox": Entry(cox, (0.5 * rng.normal(size=3), rng.permutation(8) + 0.5)),
        "garch": Entry(garch, (0.1, np.float64(0.2), 0.6, rng.normal(size=6))),
        "newton_inside": Entry(newton_inside, (np.float64(1.3),), compiles=False),
        "bisection_inside": Entry(bisection_inside, (2.0,), compiles=False),
    }
