"""Optimisers that use the gradient of each array: from gradient descent to Lion.

In the formulas p is a parameter, g its gradient, r the rate, t the number of the step, counted
from 1. Defaults are those of the papers; where PyTorch has the method, trajectories agree to
rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.optim.optimizer import LeafOptimizer, Rate, at_step, zeros_like
from adjoint.settings import inside

Slot = dict[str, Any]
Settings = dict[str, Any]


class SGD(LeafOptimizer):
    """``p - r g``. Gradient descent on all examples, stochastic on a batch of them.

    Args:
        rate: r, a number or a schedule.
    """

    rate: Rate

    def update_leaf(
        self, gradient: Any, slot: Slot, parameter: Any, settings: Settings
    ) -> tuple[Any, Slot]:
        """One step for one array."""
        return parameter - settings["rate"] * gradient, {}


class Momentum(LeafOptimizer):
    """``v <- m v + (1 - d) g`` (at the first step ``v = g``), ``p - r v``.

    Args:
        rate: r, a number or a schedule.
        mass: m, the share of the old velocity that stays.
        nesterov: whether to look ahead: ``p - r (g + m v)`` (Nesterov, 1983).
        dampening: d.
    """

    ranges = inside(mass="[0, 1)", dampening="[0, 1]")

    rate: Rate
    mass: float = 0.9
    nesterov: bool = False
    dampening: float = 0.0

    def settings(self, step: Any) -> Settings:
        """The rate, and the share of the new gradient: all of it at the first step."""
        share: Any = 1.0
        if self.dampening:
            share = np.where(step == 0, 1.0, 1.0 - self.dampening)
        return {"rate": at_step(self.rate, step), "share": share}

    def init_leaf(self, parameter: Any) -> Slot:
        """A velocity of 0."""
        return {"velocity": zeros_like(parameter)}

    def update_leaf(
        self, gradient: Any, slot: Slot, parameter: Any, settings: Settings
    ) -> tuple[Any, Slot]:
        """One step for one array."""
        velocity = self.mass * slot["velocity"] + settings["share"] * gradient
        move = gradient + self.mass * velocity if self.nesterov else velocity
        return parameter - settings["rate"] * move, {"velocity": velocity}


class Adagrad(LeafOptimizer):
    """``s <- s + g^2``, ``p - r g / (sqrt(s) + eps)`` (Duchi, Hazan, Singer, 2011).

    Args:
        rate: r, a number or a schedule.
        start: s before the first step.
        eps: keeps the quotient finite.
    """

    ranges = inside(start="[0, inf)", eps="[0, inf)")

    rate: Rate = 0.01
    start: float = 0.0
    eps: float = 1e-10

    def init_leaf(self, parameter: Any) -> Slot:
        """The sum of squares so far."""
        return {"square": zeros_like(parameter) + self.start}

    def update_leaf(
        self, gradient: Any, slot: Slot, parameter: Any, settings: Settings
    ) -> tuple[Any, Slot]:
        """One step for one array."""
        square = slot["square"] + gradient * gradient
        move = gradient / (np.sqrt(square) + self.eps)
        return parameter - settings["rate"] * move, {"square": square}


class Adadelta(LeafOptimizer):
    """Steps in the units of the parameter, without a rate to choose (Zeiler, 2012).

    ``s <- a s + (1-a) g^2``, ``d = g sqrt(u + eps) / sqrt(s + eps)``,
    ``u <- a u + (1-a) d^2``, ``p - r d``.

    Args:
        rate: r, a number or a schedule.
        decay: a.
        eps: starts the first steps and keeps the quotient finite.
    """

    ranges = inside(decay="[0, 1)", eps="[0, inf)")

    rate: Rate = 1.0
    decay: float = 0.9
    eps: float = 1e-6

    def init_leaf(self, parameter: Any) -> Slot:
        """Mean squares of gradients and of steps."""
        return {"square": zeros_like(parameter), "moved": zeros_like(parameter)}

    def update_leaf(
        self, gradient: Any, slot: Slot, parameter: Any, settings: Settings
    ) -> tuple[Any, Slot]:
        """One step for one array."""
        square = self.decay * slot["square"] + (1 - self.decay) * (gradient * gradient)
        move = np.sqrt(slot["moved"] + self.eps) / np.sqrt(square + self.eps) * gradient
        moved = self.decay * slot["moved"] + (1 - self.decay) * (move * move)
        return parameter - settings["rate"] * move, {"square": square, "moved": moved}


class RMSprop(LeafOptimizer):
    """``s <- a s + (1-a) g^2``, ``p - r g / (sqrt(s) + eps)`` (Tieleman and Hinton, 2012).

    Args:
        rate: r, a number or a schedule.
        decay: a.
        eps: keeps the quotient finite.
        mass: of a velocity that the scaled gradient drives; 0 for none.
        centered: whether s is the variance instead of the mean square.
    """

    ranges = inside(decay="[0, 1)", eps="[0, inf)", mass="[0, 1)")

    rate: Rate = 0.01
    decay: float = 0.99
    eps: float = 1e-8
    mass: float = 0.0
    centered: bool = False

    def init_leaf(self, parameter: Any) -> Slot:
        """Mean square, and what the options ask for."""
        slot = {"square": zeros_like(parameter)}
        if self.centered:
            slot["mean"] = zeros_like(parameter)
        if self.mass:
            slot["velocity"] = zeros_like(parameter)
        return slot

    def update_leaf(
        self, gradient: Any, slot: Slot, parameter: Any, settings: Settings
    ) -> tuple[Any, Slot]:
        """One step for one array."""
        square = self.decay * slot["square"] + (1 - self.decay) * (gradient * gradient)
        new, spread = {"square": square}, square
        if self.centered:
            new["mean"] = self.decay * slot["mean"] + (1 - self.decay) * gradient
            # A variance; rounding may bring it below zero.
            spread = np.maximum(square - new["mean"] * new["mean"], 0)
        move = gradient / (np.sqrt(spread) + self.eps)
        if self.mass:
            move = new["velocity"] = self.mass * slot["velocity"] + move
        return parameter - settings["rate"] * move, new


class Rprop(LeafOptimizer):
    """Only the sign of the gradient counts; each weight has its own step (Riedmiller, 1993).

    The step grows by ``grow`` while the sign stays, shrinks by ``shrink`` when it turns, and
    the turn itself is skipped (iRprop-). For full batches: the sign of a noisy gradient means
    little. So does the sign of what is only rounding: a bias right before a batch norm has no
    gradient, and is moved about all the same, differently on every machine. The batch norm takes
    it away again, and its running mean follows; ``bias=False`` before a batch norm is cleaner.

    Args:
        rate: the first step of every weight.
        grow: factor on an unchanged sign.
        shrink: factor on a changed sign.
        smallest: no step is smaller.
        largest: no step is larger.
    """

    ranges = inside(grow="[1, inf)", shrink="(0, 1]", smallest="[0, inf)", largest="(0, inf]")

    rate: float = 0.01
    grow: float = 1.2
    shrink: float = 0.5
    smallest: float = 1e-6
    largest: float = 50.0

    def settings(self, step: Any) -> Settings:
        """Nothing depends on the step."""
        return {}

    def init_leaf(self, parameter: Any) -> Slot:
        """The step of each weight and its last gradient."""
        return {"size": zeros_like(parameter) + self.rate, "last": zeros_like(parameter)}

    def update_leaf(
        self, gradient: Any, slot: Slot, parameter: Any, settings: Settings
    ) -> tuple[Any, Slot]:
        """One step for one array."""
        # Signs are multiplied, not gradients: a product of small ones would vanish.
        turn = np.sign(gradient) * np.sign(slot["last"])
        factor = np.where(turn > 0, self.grow, np.where(turn < 0, self.shrink, 1.0))
        size = np.clip(slot["size"] * factor.astype(gradient.dtype), self.smallest, self.largest)
        counted = np.where(turn < 0, 0, gradient)
        return parameter - size * np.sign(counted), {"size": size, "last": counted}


class Lion(LeafOptimizer):
    """``p - r (sign(b1 m + (1-b1) g) + w p)``, ``m <- b2 m + (1-b2) g`` (Chen et al., 2023).

    Args:
        rate: r, a number or a schedule; a third to a tenth of Adam's.
        b1: share of the old mean in the step.
        b2: share of the old mean in the new.
        decay: w, of the weights, apart from the gradient.
    """

    ranges = inside(b1="[0, 1)", b2="[0, 1)", decay="[0, inf)")

    rate: Rate = 1e-4
    b1: float = 0.9
    b2: float = 0.99
    decay: float = 0.0

    def init_leaf(self, parameter: Any) -> Slot:
        """The mean gradient."""
        return {"mean": zeros_like(parameter)}

    def update_leaf(
        self, gradient: Any, slot: Slot, parameter: Any, settings: Settings
    ) -> tuple[Any, Slot]:
        """One step for one array."""
        move = np.sign(self.b1 * slot["mean"] + (1 - self.b1) * gradient)
        if self.decay:
            move = move + self.decay * parameter
        mean = self.b2 * slot["mean"] + (1 - self.b2) * gradient
        return parameter - settings["rate"] * move, {"mean": mean}
