"""Programs of physicists and engineers, in plain NumPy: nothing here knows adjoint."""

import numpy as np
import numpy.linalg as la

GRID = np.linspace(-1.0, 1.0, 9)
STIFFNESS = np.array([[12.0, 6, -12, 6], [6, 4, -6, 2], [-12, -6, 12, -6], [6, 2, -6, 4]])


def optics(thickness, index):
    """Reflectance of a stack of thin films, by complex transfer matrices."""
    wavelengths = np.array([0.45, 0.55, 0.7])
    total = 0.0
    for wavelength in wavelengths:
        M = np.eye(2, dtype=complex)
        for d, n in zip(thickness, index, strict=True):
            delta = 2 * np.pi * n * d / wavelength
            M = M @ np.array(
                [[np.cos(delta), 1j * np.sin(delta) / n], [1j * n * np.sin(delta), np.cos(delta)]]
            )
        B, C = M @ np.array([1.0, 1.52])
        r = (B - C) / (B + C)
        total += np.abs(r) ** 2
    return total


def hartree_fock(distance, exponents):
    """A self-consistent field in a small basis, a fixed number of sweeps."""
    n = len(exponents)
    S = np.zeros((n, n))
    H = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            p = exponents[i] + exponents[j]
            S[i, j] = (np.pi / p) ** 1.5 * np.exp(-exponents[i] * exponents[j] / p * distance**2)
            H[i, j] = S[i, j] * (3 * exponents[i] * exponents[j] / p - 1.2 / (1 + i + j))
    s, U = la.eigh(S)
    X = U @ np.diag(s**-0.5) @ U.T
    P = np.zeros((n, n))
    for _ in range(3):
        F = H + 0.3 * np.einsum("ij,ij->", P, S) * S - 0.1 * S.dot(P).dot(S)
        _, C = la.eigh(X.T.dot(F).dot(X))
        C = X.dot(C)
        P = 2 * np.outer(C[:, 0], C[:, 0])
    return 0.5 * np.trace(P @ (H + F))


def beam(loads, rigidity):
    """Finite elements of a clamped beam, the stiffness assembled in place."""
    elements, h = len(rigidity), 0.7
    K = np.zeros((2 * elements + 2, 2 * elements + 2))
    for e in range(elements):
        dofs = np.arange(2 * e, 2 * e + 4)
        K[np.ix_(dofs, dofs)] += rigidity[e] / h**3 * STIFFNESS
    f = np.zeros(2 * elements + 2)
    f[2::2] = loads
    free = np.arange(2, 2 * elements + 2)
    u = np.zeros_like(f)
    u[free] = la.solve(K[np.ix_(free, free)], f[free])
    return 0.5 * u @ K @ u + u[-2]


def truss(areas, heights):
    """Compliance of a plane truss with bars listed in an integer array."""
    nodes = np.array([[0.0, 0], [1, 0], [2, 0], [0.5, 1], [1.5, 1]])
    nodes[3:, 1] = heights
    bars = np.array([[0, 1], [1, 2], [0, 3], [1, 3], [1, 4], [2, 4], [3, 4]])
    K = np.zeros((10, 10))
    for a, (i, j) in zip(areas, bars, strict=True):
        d = nodes[j] - nodes[i]
        length = np.sqrt(d @ d)
        c = d / length
        T = np.concatenate((-c, c))
        dofs = [2 * i, 2 * i + 1, 2 * j, 2 * j + 1]
        K[np.ix_(dofs, dofs)] += a / length * np.outer(T, T)
    fixed = [0, 1, 5]
    free = np.setdiff1d(np.arange(10), fixed)
    f = np.zeros(10)
    f[3] = -1.0
    u = np.zeros(10)
    u[free] = np.linalg.solve(K[free][:, free], f[free])
    return f.dot(u)


def finite_volume(left, right):
    """Burgers' equation with Godunov-like fluxes, ghost cells written each step."""
    u = np.where(GRID < 0.1, left, right)
    for _ in range(8):
        padded = np.empty(len(u) + 2)
        padded[1:-1] = u
        padded[0], padded[-1] = u[0], u[-1]
        f = 0.5 * padded**2
        speed = np.maximum(np.abs(padded[1:]), np.abs(padded[:-1]))
        flux = 0.5 * (f[1:] + f[:-1]) - 0.5 * speed * np.diff(padded)
        u = u - 0.1 * np.diff(flux)
    return np.sum(u * GRID) + np.linalg.norm(u)


def crank_nicolson(kappa, start):
    """The heat equation, implicit, with a tridiagonal matrix made by np.diag."""
    n = start.size
    A = np.diag(-2 * np.ones(n)) + np.diag(np.ones(n - 1), 1) + np.diag(np.ones(n - 1), -1)
    left, right = np.eye(n) - 0.5 * kappa * A, np.eye(n) + 0.5 * kappa * A
    history = np.zeros((6, n))
    history[0] = start
    for k in range(5):
        history[k + 1] = np.linalg.solve(left, right.dot(history[k]))
    return np.trapezoid(history[-1] ** 2) + history[2, 1]


def runge_kutta(y0, parameters):
    """Lotka-Volterra by the classical method, every state kept."""

    def rhs(y, t):
        a, b, c, d = parameters
        prey, predator = y
        return np.array([a * prey - b * prey * predator, -c * predator + d * prey * predator])

    t = np.linspace(0, 1, 6)
    ys = np.zeros((len(t), 2))
    ys[0] = y0
    for i in range(len(t) - 1):
        h = t[i + 1] - t[i]
        k1 = rhs(ys[i], t[i])
        k2 = rhs(ys[i] + 0.5 * h * k1, t[i] + 0.5 * h)
        k3 = rhs(ys[i] + 0.5 * h * k2, t[i] + 0.5 * h)
        k4 = rhs(ys[i] + h * k3, t[i] + h)
        ys[i + 1] = ys[i] + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.mean(ys[:, 0]) + np.max(ys[:, 1])


class Molecules:
    """Lennard-Jones particles, moved by velocity Verlet."""

    def __init__(self, positions, epsilon):
        self.x = positions.copy()
        self.v = np.zeros_like(positions)
        self.epsilon = epsilon

    @property
    def forces(self):
        f = np.zeros_like(self.x)
        for i in range(len(self.x)):
            for j in range(i + 1, len(self.x)):
                r = self.x[i] - self.x[j]
                s6 = (1.0 / np.dot(r, r)) ** 3
                push = 24 * self.epsilon * (2 * s6**2 - s6) / np.dot(r, r) * r
                f[i] += push
                f[j] -= push
        return f

    def step(self, dt):
        self.v += 0.5 * dt * self.forces
        self.x += dt * self.v
        self.v += 0.5 * dt * self.forces


def molecules(positions, epsilon):
    """Kinetic energy after some steps of a class with state."""
    system = Molecules(positions, epsilon)
    for _ in range(3):
        system.step(0.01)
    return 0.5 * np.sum(system.v**2) * 100 + np.sum(system.x[0])


def spherical_harmonics(theta, coefficients):
    """A real field on the sphere by a recurrence of Legendre functions, kept in a dict."""
    P = {(0, 0): np.ones_like(theta)}
    x, s = np.cos(theta), np.sin(theta)
    for m in range(1, 3):
        P[m, m] = -(2 * m - 1) * s * P[m - 1, m - 1]
    for m in range(2):
        P[m + 1, m] = (2 * m + 1) * x * P[m, m]
    P[2, 0] = (3 * x * P[1, 0] - P[0, 0]) / 2
    keys = sorted(P)
    field = sum(c * P[key] for c, key in zip(coefficients, keys, strict=True))
    return np.sum(field**2 * s)


def quaternions(q, points):
    """Rotate points by a quaternion that is normalised first."""

    def multiply(a, b):
        w1, x1, y1, z1 = a
        w2, x2, y2, z2 = b
        return np.array(
            [
                w1 * w2 - x1 * x2 - y1 * y2 - z1 * z2,
                w1 * x2 + x1 * w2 + y1 * z2 - z1 * y2,
                w1 * y2 - x1 * z2 + y1 * w2 + z1 * x2,
                w1 * z2 + x1 * y2 - y1 * x2 + z1 * w2,
            ]
        )

    q = q / np.linalg.norm(q)
    conjugate = q * np.array([1, -1, -1, -1])
    moved = [multiply(multiply(q, np.hstack((0.0, p))), conjugate)[1:] for p in points]
    return np.sum(np.stack(moved)[:, 0] ** 2) + np.vstack(moved)[-1, 2]


def camera(angles, focal, points):
    """Pinhole projection with distortion; Euler angles as matrices in a list."""
    a, b, c = angles
    Rx = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    Ry = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    Rz = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    R = np.linalg.multi_dot([Rz, Ry, Rx])
    homogeneous = np.c_[points, np.ones(len(points))]
    P = np.hstack((R, np.array([[0.1], [0.2], [4.0]])))
    uvw = homogeneous @ P.T
    uv = uvw[:, :2] / uvw[:, [2]]
    r2 = (uv**2).sum(axis=1, keepdims=True)
    return np.sum((focal * uv * (1 + 0.1 * r2 + 0.01 * r2**2)) ** 2)


def ising(field, coupling):
    """Mean-field magnetisation by damped fixed-point sweeps with np.roll."""
    m = np.full(field.shape, 0.1)
    for _ in range(6):
        neighbours = sum(np.roll(m, s, axis=ax) for s in (1, -1) for ax in (0, 1))
        m = 0.5 * m + 0.5 * np.tanh(coupling * neighbours + field)
    return np.mean(m) - np.var(m)


def fourier_filter(signal, cutoff):
    """A smooth low-pass in the frequency domain, energy and a spectral derivative."""
    f = np.fft.rfftfreq(signal.size)
    spectrum = np.fft.rfft(signal) / (1 + (f / cutoff) ** 4)
    smooth = np.fft.irfft(spectrum, n=signal.size)
    slope = np.fft.ifft(2j * np.pi * np.fft.fftfreq(signal.size) * np.fft.fft(smooth)).real
    return np.sum(smooth**2) + np.sum(slope**2)


def wavelets(signal, threshold):
    """Haar transform by hand into one array, soft threshold, and back."""
    a = signal.copy()
    n = a.size
    while n > 1:
        half = n // 2
        even, odd = a[0:n:2].copy(), a[1:n:2].copy()
        a[:half] = (even + odd) / np.sqrt(2)
        a[half:n] = (even - odd) / np.sqrt(2)
        n = half
    a[1:] = np.sign(a[1:]) * np.maximum(np.abs(a[1:]) - threshold, 0)
    while n < a.size:
        s, d = a[:n].copy(), a[n : 2 * n].copy()
        a[0 : 2 * n : 2] = (s + d) / np.sqrt(2)
        a[1 : 2 * n : 2] = (s - d) / np.sqrt(2)
        n *= 2
    return np.sum((a - signal) ** 2) + np.sum(a**3)


def chebyshev(coefficients, points):
    """Series of polynomials by the classes of numpy.polynomial."""
    c = np.polynomial.Chebyshev(coefficients)
    p = np.polynomial.Legendre(coefficients)
    return np.sum(c(points) ** 2) + np.sum(c.deriv()(points) * p(points)) + p.integ()(0.5)


def gram_schmidt(A):
    """Orthonormal columns, written into an array column by column."""
    Q = np.zeros_like(A)
    R = np.zeros((A.shape[1], A.shape[1]))
    for j in range(A.shape[1]):
        v = A[:, j].copy()
        for i in range(j):
            R[i, j] = Q[:, i] @ A[:, j]
            v -= R[i, j] * Q[:, i]
        R[j, j] = np.sqrt(np.sum(v**2))
        Q[:, j] = v / R[j, j]
    return np.sum(np.triu(R) ** 3) + Q[0, -1]


def lanczos(A, start):
    """A tridiagonal matrix from a symmetric one; its determinant."""
    A = (A + A.T) / 2
    alpha, beta = [], []
    q_before, q = np.zeros_like(start), start / np.linalg.norm(start)
    b = 0.0
    for _ in range(3):
        w = A @ q - b * q_before
        alpha.append(w @ q)
        w = w - alpha[-1] * q
        b = np.linalg.norm(w)
        beta.append(b)
        q_before, q = q, w / b
    T = np.diag(alpha) + np.diag(beta[:-1], 1) + np.diag(beta[:-1], -1)
    return np.linalg.det(T) + np.sum(beta)


def qr_algorithm(A):
    """Eigenvalues of a symmetric matrix by unshifted QR sweeps."""
    A = A @ A.T + np.diag(np.arange(1.0, len(A) + 1))
    for _ in range(6):
        Q, R = np.linalg.qr(A)
        A = R @ Q
    return np.diag(A)[0] + np.log(np.prod(np.diag(A)))


def power_iteration(A):
    """The largest eigenvalue, by Rayleigh's quotient."""
    v = np.ones(A.shape[0])
    for _ in range(10):
        v = A.T.dot(A.dot(v))
        v /= np.max(np.abs(v))
    return v.dot(A.dot(v)) / v.dot(v)


def entries(Entry):
    rng = np.random.default_rng(11)
    spd = rng.normal(size=(4, 4))
    return {
        "optics": Entry(optics, (np.array([0.1, 0.07, 0.12]), np.array([1.38, 2.1, 1.7]))),
        "hartree_fock": Entry(hartree_fock, (np.float64(0.7), np.array([0.4, 1.1, 2.3]))),
        "beam": Entry(beam, (rng.normal(size=3), rng.uniform(1, 2, 3))),
        "truss": Entry(truss, (rng.uniform(1, 2, 7), np.array([0.9, 1.2]))),
        "finite_volume": Entry(finite_volume, (1.2, np.float64(0.2))),
        "crank_nicolson": Entry(crank_nicolson, (np.float64(0.3), rng.normal(size=6))),
        "runge_kutta": Entry(runge_kutta, (np.array([1.0, 0.6]), np.array([1.1, 0.4, 0.5, 0.2]))),
        "molecules": Entry(
            molecules, (np.array([[0.0, 0, 0], [1.1, 0.1, 0], [0.2, 1.2, 0.3]]), np.float64(0.8))
        ),
        "spherical_harmonics": Entry(
            spherical_harmonics, (rng.uniform(0.3, 2.5, 5), rng.normal(size=6))
        ),
        "quaternions": Entry(quaternions, (rng.normal(size=4), rng.normal(size=(3, 3)))),
        "camera": Entry(camera, (0.1 * rng.normal(size=3), 1.3, rng.normal(size=(4, 3)))),
        "ising": Entry(ising, (0.1 * rng.normal(size=(3, 4)), np.float64(0.2))),
        "fourier_filter": Entry(fourier_filter, (rng.normal(size=12), np.float64(0.2))),
        "wavelets": Entry(wavelets, (rng.normal(size=8), np.float64(0.3))),
        "chebyshev": Entry(chebyshev, (rng.normal(size=4), rng.uniform(-0.8, 0.8, 5))),
        "gram_schmidt": Entry(gram_schmidt, (rng.normal(size=(4, 3)),)),
        "lanczos": Entry(lanczos, (spd, rng.normal(size=4))),
        "qr_algorithm": Entry(qr_algorithm, (spd[:3, :3].copy(),)),
        "power_iteration": Entry(power_iteration, (rng.uniform(0.2, 1, (4, 4)),)),
    }
