"""Adam and its relatives, and Muon."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.errors import StructureError
from adjoint.optim.optimizer import LeafOptimizer, Rate, at_step, zeros_like
from adjoint.settings import inside

Slot = dict[str, Any]
Settings = dict[str, Any]


class Adam(LeafOptimizer):
    """Mean and mean square of the gradient, both corrected for their start at 0.

    ``m <- b1 m + (1-b1) g``, ``s <- b2 s + (1-b2) g^2``,
    ``p - r (m / (1 - b1^t)) / (sqrt(s / (1 - b2^t)) + eps)`` (Kingma and Ba, 2015).

    Args:
        rate: r, a number or a schedule.
        b1: memory of the mean.
        b2: memory of the mean square.
        eps: keeps the quotient finite.
        decay: w: ``p (1 - r w)`` before the step, apart from the gradient (AdamW, Loshchilov
            and Hutter, 2019).
        amsgrad: whether the largest mean square so far is used (Reddi et al., 2018).
    """

    ranges = inside(b1="[0, 1)", b2="[0, 1)", eps="[0, inf)", decay="[0, inf)")

    rate: Rate = 1e-3
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    decay: float = 0.0
    amsgrad: bool = False

    def settings(self, step: Any) -> Settings:
        """Rate and corrections, in float64 whatever the parameters are."""
        t = step + 1.0
        rate = at_step(self.rate, step)
        return {
            "rate": rate / (1 - self.b1**t),
            "scale": 1 / np.sqrt(1 - self.b2**t),
            "keep": 1 - rate * self.decay,
        }

    def init_leaf(self, parameter: Any) -> Slot:
        """Mean and mean square."""
        slot = {"mean": zeros_like(parameter), "square": zeros_like(parameter)}
        if self.amsgrad:
            slot["largest"] = zeros_like(parameter)
        return slot

    def update_leaf(
        self, gradient: Any, slot: Slot, parameter: Any, settings: Settings
    ) -> tuple[Any, Slot]:
        """One step for one array."""
        mean = self.b1 * slot["mean"] + (1 - self.b1) * gradient
        square = self.b2 * slot["square"] + (1 - self.b2) * (gradient * gradient)
        new, spread = {"mean": mean, "square": square}, square
        if self.amsgrad:
            spread = new["largest"] = np.maximum(slot["largest"], square)
        if self.decay:
            parameter = parameter * settings["keep"]
        below = np.sqrt(spread) * settings["scale"] + self.eps
        return parameter - settings["rate"] * (mean / below), new


class NAdam(LeafOptimizer):
    """Adam whose mean looks one step ahead (Dozat, 2016).

    With ``c_t = b1 (1 - 0.96^(t d) / 2)`` in place of b1 for the step.

    Args:
        rate: r, a number or a schedule.
        b1: memory of the mean.
        b2: memory of the mean square.
        eps: keeps the quotient finite.
        slowness: d, how fast the memory comes to its full length.
    """

    ranges = inside(b1="[0, 1)", b2="[0, 1)", eps="[0, inf)", slowness="[0, inf)")

    rate: Rate = 2e-3
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    slowness: float = 0.004

    def settings(self, step: Any) -> Settings:
        """This memory and the next, and the correction of the mean square."""
        t = step + 1.0
        return {
            "rate": at_step(self.rate, step),
            "now": self.b1 * (1 - 0.5 * 0.96 ** (self.slowness * t)),
            "next": self.b1 * (1 - 0.5 * 0.96 ** (self.slowness * (t + 1))),
            "scale": 1 / np.sqrt(1 - self.b2**t),
        }

    def init_leaf(self, parameter: Any) -> Slot:
        """Mean, mean square, and the product of all c_t so far."""
        return {
            "mean": zeros_like(parameter),
            "square": zeros_like(parameter),
            "product": np.ones((), getattr(parameter, "dtype", np.float64)),
        }

    def update_leaf(
        self, gradient: Any, slot: Slot, parameter: Any, settings: Settings
    ) -> tuple[Any, Slot]:
        """One step for one array."""
        mean = self.b1 * slot["mean"] + (1 - self.b1) * gradient
        square = self.b2 * slot["square"] + (1 - self.b2) * (gradient * gradient)
        now, soon = settings["now"], settings["next"]
        product = slot["product"] * now
        on_gradient = settings["rate"] * (1 - now) / (1 - product)
        on_mean = settings["rate"] * soon / (1 - product * soon)
        below = np.sqrt(square) * settings["scale"] + self.eps
        move = on_gradient * (gradient / below) + on_mean * (mean / below)
        return parameter - move, {"mean": mean, "square": square, "product": product}


class Muon(LeafOptimizer):
    """Momentum whose matrix is brought near an orthogonal one (Jordan et al., 2024).

    ``v <- m v + (1-m) g``; the step is the orthogonal factor of ``(1-m) g + m v``, found to
    working accuracy by five Newton-Schulz steps, times r and a factor for the matrix's shape.
    For the matrices of hidden layers; :func:`adjoint.optim.muon` sends other arrays to Adam.

    Args:
        rate: r, a number or a schedule.
        mass: m.
        decay: w: ``p (1 - r w)`` before the step.
        nesterov: whether to look ahead; otherwise the factor of v itself is taken.
        sweeps: Newton-Schulz steps.
        eps: keeps the norm of a zero matrix from dividing.
    """

    ranges = inside(mass="[0, 1)", decay="[0, inf)", sweeps="whole [1, inf)", eps="[0, inf)")

    rate: Rate = 1e-3
    mass: float = 0.95
    decay: float = 0.0
    nesterov: bool = True
    sweeps: int = 5
    eps: float = 1e-7

    def init_leaf(self, parameter: Any) -> Slot:
        """The velocity."""
        if parameter.ndim != 2:
            raise StructureError(
                "Muon steps along orthogonal matrices",
                function="Muon",
                got=f"a parameter of shape {tuple(parameter.shape)}",
                wanted="[m, n]",
                remedy="use optim.muon(...), which gives other arrays to Adam",
            )
        return {"velocity": zeros_like(parameter)}

    def update_leaf(
        self, gradient: Any, slot: Slot, parameter: Any, settings: Settings
    ) -> tuple[Any, Slot]:
        """One step for one array."""
        velocity = self.mass * slot["velocity"] + (1 - self.mass) * gradient
        move = velocity
        if self.nesterov:
            move = self.mass * velocity + (1 - self.mass) * gradient
        rows, columns = parameter.shape
        # [in, out]: more outputs than inputs need longer steps for the same change of output.
        shape_factor = max(1.0, columns / rows) ** 0.5
        if self.decay:
            parameter = parameter * (1 - settings["rate"] * self.decay)
        step = orthogonal_factor(move, self.sweeps, self.eps)
        return parameter - settings["rate"] * (shape_factor * step), {"velocity": velocity}


def orthogonal_factor(matrix: Any, sweeps: int = 5, eps: float = 1e-7) -> Any:
    """Roughly U V^T of ``matrix = U S V^T``: singular values between about 0.7 and 1.2.

    The quintic's coefficients are Jordan's, chosen to lift small singular values fast.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / np.maximum(np.sqrt(np.sum(x * x)), eps)
    for _ in range(sweeps):
        square = x @ x.T  # [m, n] @ [n, m] -> [m, m], the short side
        x = a * x + (b * square + c * (square @ square)) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x
