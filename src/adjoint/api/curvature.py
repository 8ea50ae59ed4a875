"""Products with the matrices of curvature that least squares and likelihoods have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api.gradients import linearize, vjp
from adjoint.api.matrices import hvp
from adjoint.graph.types import type_of


def gauss_newton_product(
    f: Callable[..., Any], x: Any, v: Any, loss: Callable[..., Any] | None = None
) -> Any:
    """``J^T H J v``: the Gauss-Newton matrix of ``loss(f(x))`` times v, without the matrix.

    J is the Jacobian of f at x, H the Hessian of the loss at f(x). Where the loss is convex it
    is never indefinite, unlike the full Hessian. It costs one forward and one reverse product.

    Args:
        f: from the parameters, a tree, to outputs, a tree: a model, or residuals.
        x: the parameters.
        v: the direction, a tree like x.
        loss: from the outputs to one number; None stands for half the sum of squares, so that
            the matrix is ``J^T J`` (of complex outputs the real part of ``J^H J``). With a
            negative log-likelihood in its natural parameters the matrix is the Fisher
            information.

    >>> import numpy as np
    >>> gauss_newton_product(lambda x: x**2, np.array([1.0, 3.0]), np.ones(2))
    array([ 4., 36.])
    """
    outputs, pushforward = linearize(f, x)
    moved = pushforward(v)
    bar = tree.tree_map(_conjugated, moved) if loss is None else hvp(loss, outputs, moved)
    return vjp(f, x)[1](bar)[0]


def _conjugated(x: Any) -> Any:
    return np.conj(x) if type_of(x).dtype.kind == "c" else x


def fisher_product(log_likelihoods: Callable[..., Any], x: Any, v: Any) -> Any:
    """The empirical Fisher information times v: ``sum_i s_i (s_i . v)``.

    Args:
        log_likelihoods: from the parameters to the log-likelihood of each example, a vector;
            s_i is the gradient (score) of its element i.
        x: the parameters, a tree.
        v: the direction, a tree like x.

    >>> import numpy as np
    >>> data = np.array([1.0, 2.0, 4.0])
    >>> fisher_product(lambda m: -0.5 * (data - m) ** 2, 2.0, 1.0)
    5.0
    """
    return gauss_newton_product(log_likelihoods, x, v)
