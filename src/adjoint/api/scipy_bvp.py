"""scipy.integrate.solve_bvp on recorded values: SciPy's mesh, and its collocation equations.

SciPy finds the mesh and the solution on plain numbers. Two of Newton's steps on the collocation
equations of that mesh follow, by sparse systems: they have the derivatives of the solution up to
the third order, since each step doubles the order to which the equations are met.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api.matrices import jacobian
from adjoint.api.solutions import checked
from adjoint.api.vectorize import vmap
from adjoint.graph.evaluate import program_of
from adjoint.graph.types import ArrayType
from adjoint.primitives.choose import stop_gradient
from adjoint.primitives.sparse_solve import Places, solve_sparse
from adjoint.trace.calls.scipy_integrate import refused, yields
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.indexing import known_value
from adjoint.trace.record import record_graph
from adjoint.trace.recorder import bind
from adjoint.trace.scipy_gate import scipy_rule


def _wants(fun: Any, bc: Any, x: Any, y: Any, p: Any = None, *_: Any, **__: Any) -> bool:
    x, y = np.asarray(x, float), np.asarray(y, float)
    extra = () if p is None else (np.asarray(p, float),)
    return yields(fun, x, y, *extra) or yields(bc, y[:, 0], y[:, -1], *extra)


def _plain(f: Callable[..., Any], shapes: list[tuple[int, ...]]) -> Callable[..., Any]:
    """A function on plain numbers; what it takes from outside must be known."""
    types = [ArrayType(shape, np.dtype(np.float64)) for shape in shapes]
    recording = record_graph(f, types, tree.structure((0.0,) * len(types)), "solve_bvp")
    values = [known_value(stop_gradient(v)) for v in recording.captured]
    if any(v is None for v in values):
        raise refused("solve_bvp", "solve_bvp inside jit or vmap", "ad.grad without jit")
    run = program_of(recording.graph)
    return lambda *given: run([*(np.asarray(v, float) for v in given), *values])[0]


class _Collocation:
    """The equations of the solution on a mesh, and their sparse derivative."""

    def __init__(self, slope: Any, ends: Any, x: Any, n: int, k: int) -> None:
        self.slope, self.ends, self.x, self.n, self.k = slope, ends, x, n, k
        m = len(x)
        row = np.arange((m - 1) * n).reshape(m - 1, n)
        here = np.arange(m * n).reshape(m, n)
        extra = m * n + np.arange(k)
        last = (m - 1) * n + np.arange(n + k)
        every = np.broadcast_to(extra, (m - 1, k))
        blocks = [
            (row, here[:-1]),
            (row, here[1:]),
            (row, every),
            (last[None], here[:1]),
            (last[None], here[-1:]),
            (last[None], extra[None]),
        ]
        pairs = [(np.repeat(r, c.shape[1], 1), np.tile(c, (1, r.shape[1]))) for r, c in blocks]
        rows, columns = (np.concatenate([part[i].ravel() for part in pairs]) for i in (0, 1))
        self.places = Places(rows.astype(np.intp), columns.astype(np.intp), m * n + k)

    def between(self, x: Any, h: Any, left: Any, right: Any, p: Any) -> Any:
        """What one interval leaves: the cubic's slope in its middle must be the equation's."""
        f_left, f_right = self.slope(x, left, p), self.slope(x + h, right, p)
        middle = 0.5 * (left + right) - h / 8 * (f_right - f_left)
        f_middle = self.slope(x + 0.5 * h, middle, p)
        return right - left - h / 6 * (f_left + f_right + 4 * f_middle)

    def step(self, y: Any, p: Any) -> tuple[Any, Any]:
        """One step of Newton's; y has a row for each place."""
        x, h = self.x[:-1], np.diff(self.x)

        def each(x: Any, h: Any, left: Any, right: Any) -> Any:
            given = (left, right, p)
            parts = jacobian(lambda *v: self.between(x, h, *v), argnums=(0, 1, 2))(*given)
            return self.between(x, h, *given), parts

        inner, parts = vmap(each)(x, h, y[:-1], y[1:])
        outer = self.ends(y[0], y[-1], p)
        edges = jacobian(self.ends, argnums=(0, 1, 2))(y[0], y[-1], p)
        values = np.concatenate([np.reshape(v, (-1,)) for v in (*parts, *edges)])
        left = np.concatenate([np.reshape(inner, (-1,)), outer])
        moved = np.reshape(bind(solve_sparse, (values, -left[:, None]), (self.places,)), (-1,))
        size = y.shape[0] * self.n
        return y + np.reshape(moved[:size], y.shape), p + moved[size:]


@scipy_rule("scipy.integrate.solve_bvp", wanted=_wants)
def solve_bvp(
    fun: Any, bc: Any, x: Any, y: Any, p: Any = None, S: Any = None, fun_jac: Any = None,
    bc_jac: Any = None, tol: Any = 1e-3, max_nodes: Any = 1000, verbose: int = 0,
    bc_tol: Any = None,
) -> Any:  # fmt: skip
    """The solution of a boundary value problem, on SciPy's mesh."""
    import scipy.integrate
    from scipy.interpolate import CubicHermiteSpline

    mesh, start = known_value(x), known_value(floating(y))
    if S is not None or mesh is None or start is None:
        raise refused("solve_bvp", "S=, or a mesh that is not known,", "fixed x and y, and no S")
    n, k = start.shape[0], 0 if p is None else len(p)

    def slope(at: Any, state: Any, unknown: Any) -> Any:
        given = (at[None], state[:, None], *((unknown,) if k else ()))
        return np.reshape(floating(fun(*given)), (n,)).astype(np.float64)

    def ends(left: Any, right: Any, unknown: Any) -> Any:
        return np.reshape(floating(bc(left, right, *((unknown,) if k else ()))), (n + k,))

    plain, plain_ends = _plain(slope, [(), (n,), (k,)]), _plain(ends, [(n,), (n,), (k,)])
    found = scipy.integrate.solve_bvp(
        lambda at, state, *u: np.stack(
            [plain(at[i], state[:, i], *(u or (np.zeros(0),))) for i in range(len(at))], axis=1
        ),
        lambda left, right, *u: plain_ends(left, right, *(u or (np.zeros(0),))),
        mesh, start, p, tol=tol, max_nodes=max_nodes, bc_tol=bc_tol,
    )  # fmt: skip
    checked(found, "solve_bvp")
    equations = _Collocation(slope, ends, found.x, n, k)
    states, unknown = found.y.T, np.zeros(0) if found.p is None else found.p
    for _ in range(2):
        states, unknown = equations.step(states, unknown)
    slopes = vmap(lambda at, state: slope(at, state, unknown))(found.x, states)
    values, rates = np.swapaxes(states, 0, 1), np.swapaxes(slopes, 0, 1)
    found.y, found.yp, found.p = values, rates, unknown if k else None
    found.sol = CubicHermiteSpline(found.x, values, rates, axis=1)
    return found
