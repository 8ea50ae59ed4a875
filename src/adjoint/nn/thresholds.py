"""Step functions, and the ways to learn all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from adjoint.api import custom_jvp
from adjoint.errors import NoDerivativeError
from adjoint.graph.source import source_here
from adjoint.nn.activation import hard_tanh
from adjoint.nn.module import Module, static
from adjoint.primitives.choose import stop_gradient

Function = Callable[[Any], Any]


def _refuse(name: str) -> NoReturn:
    raise NoDerivativeError(
        f"nn.{name} is flat everywhere, so nothing can be learned through it",
        function=name,
        source=source_here(),
        remedy=f"use nn.straight_through(nn.{name}), which steps forward and is smooth backward, "
        "a smooth unit such as nn.sigmoid, or for one layer the perceptron's rule: "
        "train on its input with nn.hinge(..., margin=0)",
    )


@custom_jvp
def step(x: Any) -> Any:
    """1 where ``x >= 0``, else 0: the threshold unit of McCulloch and Pitts, and Rosenblatt.

    Raises:
        NoDerivativeError: when a derivative is taken through it.
    """
    return np.heaviside(x, 1.0)


@step.defjvp
def _step_rule(primals: Any, tangents: Any) -> Any:
    _refuse("step")


@custom_jvp
def sign(x: Any) -> Any:
    """1 where ``x >= 0``, else -1.

    Raises:
        NoDerivativeError: when a derivative is taken through it.
    """
    return 2 * np.heaviside(x, 1.0) - 1


@sign.defjvp
def _sign_rule(primals: Any, tangents: Any) -> Any:
    _refuse("sign")


def straight_through(function: Function, surrogate: Function | None = None) -> Function:
    """A function that goes forward as one and backward as another (Bengio et al., 2013).

    Args:
        function: gives the value; it may be flat.
        surrogate: gives the derivative; the identity by default. ``nn.hard_tanh`` lets none
            through where a unit is saturated.

    Returns:
        A function of one array.

    >>> from adjoint import grad
    >>> f = straight_through(step)
    >>> float(f(np.array(0.3))), float(grad(lambda x: 5.0 * f(x))(np.array(0.3)))
    (1.0, 5.0)
    """

    def through(x: Any) -> Any:
        smooth = x if surrogate is None else surrogate(x)
        # The second part is 0 in value, and all of the derivative.
        return stop_gradient(function(stop_gradient(x))) + (smooth - stop_gradient(smooth))

    return through


class Step(Module):
    """See :func:`adjoint.nn.step`; with ``learn`` its derivative is that of the identity."""

    learn: bool = static(default=False)

    def __call__(self, x: Any) -> Any:
        return straight_through(step)(x) if self.learn else step(x)


class Sign(Module):
    """See :func:`adjoint.nn.sign`; with ``learn`` its derivative is that of ``hard_tanh``."""

    learn: bool = static(default=False)

    def __call__(self, x: Any) -> Any:
        return straight_through(sign, hard_tanh)(x) if self.learn else sign(x)
