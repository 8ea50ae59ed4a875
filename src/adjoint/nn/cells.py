"""Cells: one step of a recurrent layer, from a state and an input to the next state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from adjoint.nn import initialise
from adjoint.nn.activation import sigmoid
from adjoint.nn.initialise import Initializer, Rng
from adjoint.nn.module import Module, static
from adjoint.settings import check_whole

Activation = Callable[[Any], Any]


class _Cell(Module):
    """One step of a recurrent layer: ``g`` blocks of ``hidden`` numbers from input and state."""

    blocks: ClassVar[int]

    weight: Any
    recurrent: Any
    bias: Any

    def __init__(
        self,
        in_features: int,
        hidden: int,
        *,
        weight_init: Initializer = initialise.lecun_normal,
        recurrent_init: Initializer | None = None,
        rng: Rng = None,
        dtype: Any = np.float64,
    ) -> None:
        check_whole(type(self).__name__, in_features=in_features, hidden=hidden)
        draw = initialise.generator(rng)
        recurrent_init = recurrent_init or initialise.orthogonal()
        # Each block is drawn as a matrix of its own, so that an orthogonal start is one.
        inputs = [
            weight_init(draw, (in_features, hidden), in_features, hidden)
            for _ in range(self.blocks)
        ]
        states = [
            recurrent_init(draw, (hidden, hidden), hidden, hidden) for _ in range(self.blocks)
        ]
        self.weight = np.concatenate(inputs, axis=1).astype(dtype)
        self.recurrent = np.concatenate(states, axis=1).astype(dtype)
        self.bias = np.zeros(self.blocks * hidden, dtype)

    def project(self, x: Any) -> Any:
        """The share of the input in every block: [..., n] -> [..., g * hidden]."""
        return x @ self.weight + self.bias

    def start(self, batch: int) -> tuple[Any, ...]:
        """The state before the first step: zeros [batch, hidden]."""
        return (np.zeros((batch, self.recurrent.shape[0]), self.recurrent.dtype),)

    def step(self, state: tuple[Any, ...], projected: Any) -> tuple[Any, ...]:
        """The next state; its first part is the output."""
        raise NotImplementedError

    def __call__(self, state: tuple[Any, ...], x: Any) -> tuple[Any, ...]:
        return self.step(state, self.project(x))


class RNNCell(_Cell):
    """Elman's unit: ``h' = f(x W + h U + b)``.

    Args:
        in_features: n.
        hidden: m, length of the state.
        activation: f.
        others: ``weight_init`` and ``recurrent_init``, initialisers of W and of U (orthogonal by
            default); ``rng``, seed or generator; ``dtype`` of the parameters.

    Call:
        state: ([batch, m],), x: [batch, n] -> the next state.
        Fields: weight W [n, m], recurrent U [m, m], bias b [m].
    """

    blocks = 1

    activation: Activation = static()

    def __init__(
        self, in_features: int, hidden: int, *, activation: Activation = np.tanh, **others: Any
    ) -> None:
        super().__init__(in_features, hidden, **others)
        self.activation = activation

    def step(self, state: tuple[Any, ...], projected: Any) -> tuple[Any, ...]:
        """The next state."""
        return (self.activation(projected + state[0] @ self.recurrent),)


class LSTMCell(_Cell):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997; Gers et al., 2000).

    ``i, f, g, o`` are the four blocks of ``x W + h U + b``;
    ``c' = sigmoid(f) c + sigmoid(i) tanh(g)``, ``h' = sigmoid(o) tanh(c')``.

    Args:
        in_features: n.
        hidden: m.
        forget_bias: where the bias of f starts: 1 lets memory live (Jozefowicz et al., 2015).
        others: ``weight_init``, ``recurrent_init``, ``rng`` and ``dtype`` as for
            :class:`RNNCell`, the initialisers of each block.

    Call:
        state: (h, c), each [batch, m], x: [batch, n] -> the next state.
        Fields: weight W [n, 4 m], recurrent U [m, 4 m], bias b [4 m].
    """

    blocks = 4

    def __init__(
        self, in_features: int, hidden: int, *, forget_bias: float = 1.0, **others: Any
    ) -> None:
        super().__init__(in_features, hidden, **others)
        self.bias[hidden : 2 * hidden] = forget_bias

    def start(self, batch: int) -> tuple[Any, ...]:
        """Zeros for h and for c."""
        return (*super().start(batch), *super().start(batch))

    def step(self, state: tuple[Any, ...], projected: Any) -> tuple[Any, ...]:
        """The next state."""
        h, c = state
        i, f, g, o = np.split(projected + h @ self.recurrent, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c


class GRUCell(_Cell):
    """Gated recurrent unit (Cho et al., 2014), in the form that resets after the product.

    ``r = sigmoid(x W_r + h U_r + b_r)``, ``z`` alike,
    ``n = tanh(x W_n + b_n + r (h U_n + c))``, ``h' = (1 - z) n + z h``.

    Args:
        in_features: n.
        hidden: m.
        others: ``weight_init``, ``recurrent_init``, ``rng`` and ``dtype`` as for
            :class:`RNNCell`, the initialisers of each block.

    Call:
        state: ([batch, m],), x: [batch, n] -> the next state. Fields: weight W [n, 3 m] with
        blocks r, z, n, recurrent U [m, 3 m], bias b [3 m], inner c [m].
    """

    blocks = 3

    inner: Any

    def __init__(self, in_features: int, hidden: int, **others: Any) -> None:
        super().__init__(in_features, hidden, **others)
        self.inner = np.zeros_like(self.bias[:hidden])

    def step(self, state: tuple[Any, ...], projected: Any) -> tuple[Any, ...]:
        """The next state."""
        (h,) = state
        of_x = np.split(projected, 3, axis=-1)
        of_h = np.split(h @ self.recurrent, 3, axis=-1)
        r = sigmoid(of_x[0] + of_h[0])
        z = sigmoid(of_x[1] + of_h[1])
        n = np.tanh(of_x[2] + r * (of_h[2] + self.inner))
        return (n + z * (h - n),)
