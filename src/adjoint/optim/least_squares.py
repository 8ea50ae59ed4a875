"""Gauss-Newton and Levenberg-Marquardt: ``|r(x)|^2 / 2`` made least by way of the Jacobian of r.

Small problems hold the Jacobian as a matrix. Large ones use only its products with vectors,
J v forward and J^T u in reverse, and solve each step by LSMR.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api import jacobian, jvp, vjp
from adjoint.errors import StructureError

Array = np.ndarray[Any, Any]

# Above this many numbers (128 MB) the Jacobian is not written down.
_DENSE_LIMIT = 2**24
# Without the matrix: products of one step at most, and products to estimate scales by.
_MOST_PRODUCTS = 500
_PROBES = 8
# A sum of squares is not known better than this, in proportion.
_ROUNDING = 1e-14
# The cosine that counts as a right angle.
_RIGHT_ANGLE = 1e-5


@dataclass
class _Point:
    """Where the search stands: x, the residuals there and the cost."""

    x: Array
    rest: Array
    cost: float


class _Problem:
    """A residual function of a vector, with its linear model at a point."""

    def __init__(
        self, residuals: Callable[[Any], Any], native: bool | None, dense: bool | None
    ) -> None:
        from adjoint.optim.minimize import compiled

        def flat(x: Any) -> Any:
            leaves = [leaf.reshape(-1) for leaf in tree.leaves(residuals(x))]
            return leaves[0] if len(leaves) == 1 else np.concatenate(leaves)

        self._residuals = compiled(flat, native)
        self._jacobian = compiled(jacobian(flat), native)
        self._forward = compiled(lambda x, v: jvp(flat, (x,), (v,))[1], native)
        self._backward = compiled(lambda x, u: vjp(flat, x)[1](u)[0], native)
        self._dense = dense
        self.evaluations = 0

    def at(self, x: Array) -> _Point:
        self.evaluations += 1
        rest = np.asarray(self._residuals(x), np.float64)
        return _Point(x, rest, 0.5 * float(rest @ rest))

    def model(self, point: _Point) -> _Model:
        m, n = len(point.rest), len(point.x)
        if self._dense is True or (self._dense is None and m * n <= _DENSE_LIMIT):
            return _Matrix(point.rest, np.asarray(self._jacobian(point.x), np.float64))
        return _Products(
            point.rest,
            (m, n),
            lambda v: np.asarray(self._forward(point.x, v), np.float64),
            lambda u: np.asarray(self._backward(point.x, u), np.float64),
        )


class _Model:
    """``|r + J s|^2 / 2`` for a step s."""

    slope: Array

    def step(self, damping: float, scale: Array) -> Array:
        """The s that minimises ``|r + J s|^2 + damping |scale s|^2``."""
        raise NotImplementedError

    def push(self, v: Array) -> Array:
        """J v."""
        raise NotImplementedError

    def scale(self) -> Array:
        """Lengths of the columns of J, roughly."""
        raise NotImplementedError


class _Matrix(_Model):
    def __init__(self, rest: Array, matrix: Array) -> None:
        self._rest, self._matrix = rest, matrix
        self.slope = matrix.T @ rest

    def step(self, damping: float, scale: Array) -> Array:
        # As a stack of rows, not by J^T J, whose condition is the square of J's.
        if damping:
            rows = np.vstack([self._matrix, np.diag(np.sqrt(damping) * scale)])
            rest = np.concatenate([self._rest, np.zeros(len(scale))])
        else:
            rows, rest = self._matrix, self._rest
        return np.asarray(np.linalg.lstsq(rows, -rest, rcond=None)[0])

    def push(self, v: Array) -> Array:
        return np.asarray(self._matrix @ v)

    def scale(self) -> Array:
        return np.asarray(np.sqrt(np.sum(self._matrix**2, axis=0)))


class _Products(_Model):
    def __init__(
        self,
        rest: Array,
        shape: tuple[int, int],
        forward: Callable[[Array], Array],
        backward: Callable[[Array], Array],
    ) -> None:
        self._rest, self._shape = rest, shape
        self._forward, self._backward = forward, backward
        self.slope = backward(rest)

    def step(self, damping: float, scale: Array) -> Array:
        from scipy.sparse.linalg import LinearOperator, lsmr

        scaled = LinearOperator(
            self._shape,
            matvec=lambda v: self._forward(np.ravel(v) / scale),
            rmatvec=lambda u: self._backward(np.ravel(u)) / scale,
            dtype=np.float64,
        )
        found = lsmr(
            scaled,
            -self._rest,
            damp=np.sqrt(damping),
            atol=1e-12,
            btol=1e-12,
            conlim=0,
            maxiter=min(4 * self._shape[1], _MOST_PRODUCTS),
        )
        return np.asarray(found[0] / scale)

    def push(self, v: Array) -> Array:
        return self._forward(v)

    def scale(self) -> Array:
        # For random signs z the square of (J^T z)_i is on average the squared length of
        # column i: a few products tell the scales apart, and that is all that is needed.
        signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(_PROBES, self._shape[0]))
        squares = [self._backward(z) ** 2 for z in signs]
        return np.asarray(np.sqrt(np.mean(squares, axis=0)))


def solve(
    residuals: Callable[[Any], Any],
    x0: Array,
    method: str = "levenberg-marquardt",
    *,
    tol: float | None = None,
    callback: Callable[[Array], Any] | None = None,
    native: bool | None = None,
    maxiter: int = 200,
    dense: bool | None = None,
    damping: float = 1e-3,
) -> Any:
    """Minimise half the sum of squares of a function of a vector.

    Args:
        residuals: takes [n], returns an array or a tree of them.
        x0: [n], where to start.
        method: ``"levenberg-marquardt"`` or ``"gauss-newton"`` (with a line search).
        tol: stop when the step is this small in proportion to x, 1e-10 by default; the search
            also ends where the cost could fall by no more than rounding.
        callback: called with x after each step taken.
        native: whether the function is compiled; None if it can be.
        maxiter: the greatest number of steps.
        dense: whether the Jacobian is held as a matrix; None decides by its size.
        damping: the first, in proportion to the squared lengths of the columns of J.

    Returns:
        SciPy's OptimizeResult: x, fun (residuals), cost, jac (the gradient J^T r), nit, nfev,
        success, message.
    """
    from scipy.optimize import OptimizeResult

    tol = 1e-10 if tol is None else tol
    problem = _Problem(residuals, native, dense)
    point = problem.at(np.array(x0, np.float64))
    if not np.isfinite(point.cost):
        raise StructureError(
            "the residuals are not finite where the search starts", function="minimize"
        )
    damped = method == "levenberg-marquardt"
    message, success, steps, growth = "the number of steps ran out", False, 0, 2.0
    model, scale = problem.model(point), np.zeros(len(point.x))
    while steps < maxiter:
        # Lengths only grow, so that a column that vanishes for a moment is not set loose.
        scale = np.maximum(scale, model.scale())
        weights = np.where(scale == 0, 1.0, scale)
        move = model.step(damping if damped else 0.0, weights)
        # What the linear model promises; at the minimum it is nothing.
        promised = -float(model.slope @ move) - 0.5 * float(np.sum(model.push(move) ** 2))
        if np.linalg.norm(move) <= tol * (tol + np.linalg.norm(point.x)):
            message, success = _judged(model, point, weights, "the step is too small to matter")
            break
        new = problem.at(point.x + move)
        if promised <= _ROUNDING * point.cost:
            # Costs can no longer tell better from worse, but the step still is one: the last.
            message, success = _judged(model, point, weights, "the cost is least to rounding")
            if new.cost <= point.cost * (1 + _ROUNDING):
                point, steps, model = new, steps + 1, problem.model(new)
            break
        if damped:
            gain = (point.cost - new.cost) / promised if np.isfinite(new.cost) else -1.0
            taken = gain > 0
            if taken:
                # Nielsen's rule: smooth in the gain, and patient after failures.
                damping *= max(1 / 3, 1 - (2 * gain - 1) ** 3)
                growth = 2.0
            else:
                damping *= growth
                growth *= 2
                if not np.isfinite(damping):
                    message = "no step makes the cost less"
                    break
        else:
            new, taken = _search(problem, point, move, model, new)
            if not taken:
                message = "no step along the Gauss-Newton direction makes the cost less"
                break
        if taken:
            steps += 1
            point = new
            model = problem.model(point)
            if callback is not None:
                callback(point.x)
    return OptimizeResult(
        x=point.x,
        fun=point.rest,
        cost=point.cost,
        jac=model.slope,
        nit=steps,
        nfev=problem.evaluations,
        success=success,
        message=message,
        status=0 if success else 1,
    )


def _judged(model: _Model, point: _Point, weights: Array, message: str) -> tuple[str, bool]:
    """Whether a search that stands still is at a minimum: r at right angles to J's columns.

    It may also stand at a kink, where no step helps and the damping has grown without end.
    """
    length = float(np.linalg.norm(point.rest))
    cosines = np.abs(model.slope) / np.where(length == 0, 1.0, weights * length)
    if length == 0 or float(np.max(cosines, initial=0.0)) <= _RIGHT_ANGLE:
        return message, True
    return "no step makes the cost less, though the slope is not 0", False


def _search(
    problem: _Problem, point: _Point, move: Array, model: _Model, full: _Point
) -> tuple[_Point, bool]:
    """Halve a step until the cost falls by a fair share of what the slope promises."""
    slope, share, new = float(model.slope @ move), 1.0, full
    while not new.cost <= point.cost + 1e-4 * share * slope:
        share /= 2
        if share < 1e-12:
            return point, False
        new = problem.at(point.x + share * move)
    return new, True
