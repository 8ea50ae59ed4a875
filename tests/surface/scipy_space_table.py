"""scipy.spatial and scipy.integrate: cases in every mode."""

from typing import Any

import numpy as np
import scipy.integrate as ig
import scipy.spatial
from scipy.spatial.transform import Rotation

rng = np.random.default_rng(0)
x = rng.uniform(0.3, 1.6, 24)
y = rng.uniform(0.3, 1.6, 24)
X = rng.uniform(0.2, 1.5, (5, 7))
A = rng.uniform(-1, 1, (4, 4)) + 3 * np.eye(4)
B = rng.uniform(-1, 1, (4, 4))
t = np.linspace(0, 1, 24)
q4 = np.array([0.1, 0.3, -0.2, 0.9])
v3 = np.array([0.3, -0.4, 1.2])
ang = np.array([0.3, -0.4, 0.7])

CASES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "cdist of one's own": (
        lambda a, b: (
            scipy.spatial.distance.cdist(a, b, lambda u, v: np.sum((u - v) ** 4) / (1 + u @ v)),
            scipy.spatial.distance.pdist(a, lambda u, v: (u - v) @ (u - v)),
        ),
        (X[:3, :2], X[3:, 2:4]),
    ),
    "rot quat": (lambda q, v: Rotation.from_quat(q).apply(v), (q4, v3)),
    "rot vec": (lambda r, v: Rotation.from_rotvec(r).apply(v), (ang, v3)),
    "rot euler": (lambda e: Rotation.from_euler("xyz", e).as_matrix(), (ang,)),
    "rot mul": (
        lambda r, s: (Rotation.from_rotvec(r) * Rotation.from_rotvec(s)).as_rotvec(),
        (ang, v3),
    ),
    "rot inv": (lambda r: Rotation.from_rotvec(r).inv().as_quat(), (ang,)),
    "rot mag": (lambda r: Rotation.from_rotvec(r).magnitude(), (ang,)),
    "procrustes": (lambda a, b: scipy.spatial.procrustes(a, b)[2], (X[:, :3], X[:, 3:6])),
    "distance_matrix": (lambda a, b: scipy.spatial.distance_matrix(a, b), (X, X + 0.1)),
    "geometric_slerp": (
        lambda t: scipy.spatial.geometric_slerp(np.array([1.0, 0, 0]), np.array([0, 1.0, 0]), t),
        (np.array([0.2, 0.7]),),
    ),
    "tree": (
        lambda p, q: [scipy.spatial.KDTree(p).query(q, k=3, p=n)[0] for n in (1, 2, 3.5)],
        (X.T[:, :3], X.T[1:4, 1:4] + 0.07),
    ),
    "tree of data": (
        lambda p: scipy.spatial.KDTree(p).data[scipy.spatial.KDTree(p).query([0.5, 0.6, 0.7])[1]],
        (X[:, :3],),
    ),
    "tree in a box": (
        lambda q: scipy.spatial.KDTree(X[:, :3], boxsize=[1.6, 0, 2.0]).query(q, k=[1, 3])[0],
        (np.array([[0.05, 1.4, 1.9], [1.5, 0.3, 0.05]]),),
    ),
    "cumulative_simpson": (lambda y: ig.cumulative_simpson(y, dx=0.1), (x,)),
    "cumulative_simpson x": (lambda y, x: ig.cumulative_simpson(y, x=x, initial=0.0), (x, t)),
    "quad points": (
        lambda a: ig.quad(lambda s: np.abs(s - a) ** 3.5, 0, 2, points=[0.7])[0],
        (np.float64(0.7),),
    ),
    "quad complex": (
        lambda a: np.abs(ig.quad(lambda s: np.exp(1j * a * s), 0, 2, complex_func=True)[0]),
        (np.float64(0.7),),
    ),
    "simpson": (lambda y, x: ig.simpson(y, x=x), (x, t)),
}
# What is left out, by case: SciPy's code adds in another order (bits), chooses by values
# (jit, vmap), or the second derivative is not asked for.
SKIP: dict[str, str] = {
    "tree": "bits",
    "tree in a box": "bits",
    "quad points": "jit vmap",
    "quad complex": "jit vmap",
}
