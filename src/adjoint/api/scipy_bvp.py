"""scipy.integrate.solve_bvp on recorded values: SciPy's mesh, and its collocation equations.

SciPy finds the mesh and the solution on plain numbers. Two of Newton's steps on the collocation
equations of that mesh follow, by sparse systems: they have the derivatives of the solution up to
the third order, since each step doubles the order to which the equations are met. The mesh moves
with the ends of the interval.

Inside jit and vmap SciPy is called when the program runs. How many nodes it takes is not known
before: there is room for ``max_nodes``, and those that are left lie on the last one, where the
equation of an interval of no length says that the state stays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api.callback import pure_callback
from adjoint.api.matrices import jacobian
from adjoint.api.scipy_steps import EndsOnly
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


class _Plain:
    """A function on plain numbers, once what it takes from outside is known."""

    def __init__(self, f: Callable[..., Any], shapes: list[tuple[int, ...]]) -> None:
        types = [ArrayType(shape, np.dtype(np.float64)) for shape in shapes]
        recording = record_graph(f, types, tree.structure((0.0,) * len(types)), "solve_bvp")
        self.run = program_of(recording.graph)
        self.captured = [stop_gradient(v) for v in recording.captured]

    def given(self, values: Any) -> Callable[..., Any]:
        """The function, with the captured values."""
        return lambda *x: self.run([*(np.asarray(v, float) for v in x), *values])[0]


class _Collocation:
    """The equations of the solution on a mesh, and their sparse derivative."""

    def __init__(self, slope: Any, ends: Any, x: Any, n: int, k: int) -> None:
        self.slope, self.ends, self.x, self.n, self.k = slope, ends, x, n, k
        m = x.shape[0]
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


_SAID = ("solve_bvp", "sol.sol(t) at the times that are wanted, or sol.y[:, -1]")


def _scipys(slope: Any, ends: Any, x: Any, y: Any, p: Any, settings: dict[str, Any]) -> Any:
    """SciPy's solution on plain numbers."""
    import scipy.integrate

    none = (np.zeros(0),)
    result = scipy.integrate.solve_bvp(
        lambda at, state, *u: np.stack(
            [slope(at[i], state[:, i], *(u or none)) for i in range(len(at))], axis=1
        ),
        lambda left, right, *u: ends(left, right, *(u or none)),
        x, y, p if len(p) else None, **settings,
    )  # fmt: skip
    checked(result, "solve_bvp")
    return result


def _padded(result: Any, room: int, k: int) -> tuple[Any, Any, Any]:
    """Where the nodes are between the ends, as shares, the states there, and the parameters."""
    x, more = result.x, ((0, room - len(result.x)),)
    shares = np.pad((x - x[0]) / (x[-1] - x[0]), more, constant_values=1.0)
    states = np.pad(result.y.T, (*more, (0, 0)), mode="edge")
    return shares, states, result.p if k else np.zeros(0)


@scipy_rule("scipy.integrate.solve_bvp", wanted=_wants)
def solve_bvp(
    fun: Any, bc: Any, x: Any, y: Any, p: Any = None, S: Any = None, fun_jac: Any = None,
    bc_jac: Any = None, tol: Any = 1e-3, max_nodes: Any = 1000, verbose: int = 0,
    bc_tol: Any = None,
) -> Any:  # fmt: skip
    """The solution of a boundary value problem, on SciPy's mesh."""
    from scipy.integrate._bvp import BVPResult
    from scipy.interpolate import CubicHermiteSpline

    if S is not None:
        raise refused("solve_bvp", "S=", "the equation without its singular term")
    mesh, start = floating(x), floating(y)
    if start.dtype.kind == "c":
        raise refused("solve_bvp", "a complex state", "its real and imaginary parts")
    guess = np.zeros(0) if p is None else np.ravel(floating(p))
    n, k = start.shape[0], guess.shape[0]

    def slope(at: Any, state: Any, unknown: Any) -> Any:
        given = (at[None], state[:, None], *((unknown,) if k else ()))
        return np.reshape(floating(fun(*given)), (n,)).astype(np.float64)

    def ends(left: Any, right: Any, unknown: Any) -> Any:
        return np.reshape(floating(bc(left, right, *((unknown,) if k else ()))), (n + k,))

    plain, plain_ends = _Plain(slope, [(), (n,), (k,)]), _Plain(ends, [(n,), (n,), (k,)])
    count = 3 + len(plain.captured)
    settings = {"tol": tol, "max_nodes": max_nodes, "bc_tol": bc_tol}

    def solve(*values: Any) -> Any:
        x, y, p = values[:3]
        inner, outer = plain.given(values[3:count]), plain_ends.given(values[count:])
        return _scipys(inner, outer, x, y, p, settings)

    operands = [stop_gradient(v) for v in (mesh, start, guess)]
    operands += [*plain.captured, *plain_ends.captured]
    known = [known_value(v) for v in operands]
    if any(v is None for v in known):
        result = BVPResult(status=0, message="The algorithm converged to the desired accuracy.",
                           success=True)  # fmt: skip
        room = max(int(max_nodes), mesh.shape[0])
        shapes = (np.zeros(room), np.zeros((room, n)), np.zeros(k))
        shares, states, unknown = pure_callback(
            lambda *values: _padded(solve(*values), room, k), shapes, *operands
        )
    else:
        room, result = 0, solve(*known)
        shares, states, unknown = _padded(result, len(result.x), k)
    places = mesh[0] + (mesh[-1] - mesh[0]) * shares
    equations = _Collocation(slope, ends, places, n, k)
    for _ in range(2):
        states, unknown = equations.step(states, unknown)
    slopes = vmap(lambda at, state: slope(at, state, unknown))(places, states)
    values, rates = np.swapaxes(states, 0, 1), np.swapaxes(slopes, 0, 1)
    result.x, result.y, result.yp = places, values, rates
    result.p = unknown if k else None
    if room:
        # Beyond the last node the spline goes on straight, so that its nodes are apart.
        left = np.cumsum(shares == 1) - np.where(shares == 1, 1, 0)
        beyond = (mesh[-1] - mesh[0]) * left
        places, values = places + beyond, values + beyond * rates
        result.x, result.y, result.yp = (
            EndsOnly(np.stack([v[..., 0], v[..., -1]], axis=-1), -1, _SAID)
            for v in (result.x, result.y, result.yp)
        )
    result.sol = CubicHermiteSpline(places, values, rates, axis=1)
    return result
