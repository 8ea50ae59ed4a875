"""The network, the loss and the optimiser that an estimator's parameters describe."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from adjoint import nn, optim
from adjoint.nn import sigmoid, softmax
from adjoint.optim.full_batch import FullBatch

ACTIVATIONS = {
    "identity": nn.Identity,
    "logistic": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
}
SOLVERS = ("adam", "sgd", "lbfgs")
# Below this much work the interpreter is done before machine code is made.
_FEW_STEPS = 3000
_LITTLE_WORK = 2e9  # floating-point operations
LEARNING_RATES = ("constant", "invscaling", "adaptive")


def network(
    sizes: list[int], activation: str, dropout: float, draw: np.random.RandomState, dtype: Any
) -> nn.Sequential:
    """Linear layers with an activation between, as scikit-learn draws them (Glorot, 2010).

    Args:
        sizes: of the layers, inputs first.
        activation: a name of :data:`ACTIVATIONS`.
        dropout: after each hidden layer.
        draw: where the weights come from.
        dtype: of the weights.
    """
    layers: list[Any] = []
    factor = 2.0 if activation == "logistic" else 6.0
    for number, (n, m) in enumerate(pairwise(sizes)):
        if number:
            layers.append(ACTIVATIONS[activation]())
            if dropout:
                layers.append(nn.Dropout(dropout))
        bound = np.sqrt(factor / (n + m))
        layer = nn.Linear(n, m, rng=0)
        layers.append(
            layer.replace(
                weight=draw.uniform(-bound, bound, (n, m)).astype(dtype),
                bias=draw.uniform(-bound, bound, m).astype(dtype),
            )
        )
    return nn.Sequential(*layers)


def linear_layers(model: Any) -> list[Any]:
    """The layers that have weights."""
    return [layer for layer in model.layers if isinstance(layer, nn.Linear)]


class Penalised(nn.Module):
    """A network that hands its penalty ``l2 |W|^2 / 2`` on to the loss.

    Methods that take steps add the penalty's gradient themselves; a line search must see it.
    """

    model: Any
    l2: float = nn.static()

    def __call__(self, x: Any) -> Any:
        """Outputs, and the penalty once for each example."""
        penalty: Any = 0.0
        for layer in linear_layers(self.model):
            penalty = penalty + np.sum(np.square(layer.weight))
        return self.model(x), 0.5 * self.l2 * penalty + np.zeros(x.shape[0], x.dtype)


@dataclass(frozen=True)
class WithPenalty:
    """A loss of what :class:`Penalised` gives."""

    loss: Any

    def __call__(self, output: Any, target: Any, weights: Any = None) -> Any:
        """The loss and the penalty."""
        values, penalty = output
        if weights is None:
            return self.loss(values, target) + np.mean(penalty)
        return self.loss(values, target, weights=weights) + np.mean(penalty)


def binary(output: Any, target: Any, weights: Any = None) -> Any:
    """Cross-entropy of each output by itself, summed over the outputs: [batch, k]."""
    return output.shape[1] * nn.binary_cross_entropy(output, target, weights=weights)


@dataclass(frozen=True)
class inverse_power:  # noqa: N801
    """``rate / (1 + steps / per)^power``: scikit-learn's invscaling, per examples."""

    rate: float
    power: float
    batch: int

    def __call__(self, step: Any) -> Any:
        """The rate at a step."""
        return self.rate / (1 + step * self.batch) ** self.power


def method(estimator: Any, batch: int, l2: float) -> Any:
    """The optimiser that an estimator asks for; the penalty is part of it.

    Args:
        estimator: its parameters.
        batch: examples of a step.
        l2: factor of the penalty, for one step.
    """
    e = estimator
    if not isinstance(e.solver, str):
        return e.solver
    if e.solver == "lbfgs":
        # tol is of the gradient alone, as in scikit-learn; SciPy's own would be of the loss too.
        options = {"maxcor": 10, "gtol": e.tol, "maxfun": e.max_fun}
        return FullBatch("l-bfgs-b", options)
    rate: Any = e.learning_rate_init
    made: Any = optim.adam(rate, e.beta_1, e.beta_2, e.epsilon)
    if e.solver == "adam":
        return optim.weight_decay(made, l2)
    if e.learning_rate == "invscaling":
        rate = inverse_power(rate, e.power_t, batch)
    made = optim.sgd(rate)
    if e.momentum:
        made = optim.momentum(rate, e.momentum, nesterov=e.nesterovs_momentum)
    made = optim.weight_decay(made, l2)
    if e.learning_rate == "adaptive":
        return optim.on_plateau(made, factor=0.2, patience=2, threshold=e.tol)
    return made


def probabilities(output: Any, several: bool) -> Any:
    """[n, classes] from logits.

    Args:
        output: [n, 1] for two classes, [n, k] for more.
        several: whether an example may belong to several classes.
    """
    if several:
        return sigmoid(output)
    if output.shape[1] > 1:
        return softmax(output)
    positive = sigmoid(output)
    return np.hstack([1 - positive, positive])


def backend(model: Any, n: int, batch: int, epochs: int) -> str:
    """Machine code where it pays; decided by sizes alone, so that bits are the same every time."""
    numbers = sum(x.size for x in nn.parameters(model).values())
    steps = epochs * -(-n // batch)
    is_little = 6.0 * numbers * n * epochs < _LITTLE_WORK
    return "interpreter" if steps <= _FEW_STEPS and is_little else "native"
