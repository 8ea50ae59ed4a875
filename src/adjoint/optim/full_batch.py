"""Full-batch methods as optimisers: what ``ad.fit`` runs on all examples at once.

They are no step-by-step optimisers: a line search or a trust region asks for the loss as often
as it needs. ``run`` is the whole of training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adjoint.optim.minimize import minimize
from adjoint.settings import check_range, check_whole


@dataclass(frozen=True)
class FullBatch:
    """A method of :func:`adjoint.minimize` with its settings.

    Args:
        method: as for :func:`adjoint.minimize`.
        options: settings of the method.
        tol: when to stop.
        of_residuals: whether the method minimises squares and wants the residuals themselves.
    """

    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    tol: float | None = None
    of_residuals: bool = False

    def run(
        self,
        objective: Callable[[Any], Any],
        parameters: Any,
        iterations: int,
        callback: Callable[[Any], Any] | None = None,
        native: bool | None = None,
    ) -> tuple[Any, Any]:
        """Minimise from some parameters.

        Args:
            objective: of a tree like the parameters: the loss, or with ``of_residuals`` the
                residuals.
            parameters: where to start.
            iterations: the greatest number, an epoch each.
            callback: called with the parameters after each iteration.
            native: as for :func:`adjoint.minimize`.

        Returns:
            The parameters found, and SciPy's OptimizeResult.
        """
        result = minimize(
            objective,
            parameters,
            method=self.method,
            tol=self.tol,
            options={**self.options, "maxiter": iterations},
            callback=callback,
            native=native,
        )
        return result.x, result


def lbfgs(memory: int = 10, tol: float | None = None) -> FullBatch:
    """Limited-memory BFGS with a line search for the strong Wolfe conditions.

    Args:
        memory: how many steps the curvature is estimated from.
        tol: when to stop.
    """
    check_whole("lbfgs", memory=memory)
    return FullBatch("l-bfgs-b", {"maxcor": memory}, tol)


def bfgs(tol: float | None = None) -> FullBatch:
    """BFGS: an estimate of the whole inverse Hessian, n^2 numbers."""
    return FullBatch("bfgs", tol=tol)


def conjugate_gradient(tol: float | None = None) -> FullBatch:
    """Nonlinear conjugate gradients after Polak and Ribiere."""
    return FullBatch("cg", tol=tol)


def newton_cg(tol: float | None = None) -> FullBatch:
    """Newton's method whose equations conjugate gradients solve by Hessian products."""
    return FullBatch("newton-cg", tol=tol)


def gauss_newton(tol: float | None = None, dense: bool | None = None) -> FullBatch:
    """Gauss-Newton with a line search; for losses that are sums of squares."""
    return FullBatch("gauss-newton", {"dense": dense}, tol, of_residuals=True)


def levenberg_marquardt(
    damping: float = 1e-3, tol: float | None = None, dense: bool | None = None
) -> FullBatch:
    """Levenberg-Marquardt; for losses that are sums of squares."""
    check_range("levenberg_marquardt", "(0, inf)", damping=damping)
    return FullBatch(
        "levenberg-marquardt", {"damping": damping, "dense": dense}, tol, of_residuals=True
    )
