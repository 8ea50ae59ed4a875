"""Recurrent layers: a state carried along time. Batch first, then time, then features.

A layer multiplies all inputs by its input weights in one product, then walks along time with
:func:`adjoint.scan`, so the loop stays rolled, in the derivative (backpropagation through time)
as well.

Sequences of unequal length are padded behind and come with a mask [batch, time], False on the
padding: there the state stays as it was, and the output is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint.api import scan
from adjoint.errors import StructureError
from adjoint.nn import initialise
from adjoint.nn.activation import sigmoid
from adjoint.nn.dropout import Dropout
from adjoint.nn.initialise import Initializer, Rng
from adjoint.nn.module import Module, static

Activation = Callable[[Any], Any]


class _Cell(Module):
    """One step of a recurrent layer: ``g`` blocks of ``hidden`` numbers from input and state."""

    weight: Any
    recurrent: Any
    bias: Any

    def _fill(
        self,
        blocks: int,
        in_features: int,
        hidden: int,
        weight_init: Initializer,
        recurrent_init: Initializer,
        rng: Rng,
        dtype: Any,
    ) -> None:
        draw = initialise.generator(rng)
        # Each block is drawn as a matrix of its own, so that an orthogonal start is one.
        inputs = [
            weight_init(draw, (in_features, hidden), in_features, hidden) for _ in range(blocks)
        ]
        states = [recurrent_init(draw, (hidden, hidden), hidden, hidden) for _ in range(blocks)]
        self.weight = np.concatenate(inputs, axis=1).astype(dtype)
        self.recurrent = np.concatenate(states, axis=1).astype(dtype)
        self.bias = np.zeros(blocks * hidden, dtype)

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
        weight_init: initialiser of W.
        recurrent_init: initialiser of U; orthogonal by default.
        rng: seed or generator.
        dtype: of the parameters.

    Call:
        state: ([batch, m],), x: [batch, n] -> the next state.
        Fields: weight W [n, m], recurrent U [m, m], bias b [m].
    """

    activation: Activation = static()

    def __init__(
        self,
        in_features: int,
        hidden: int,
        *,
        activation: Activation = np.tanh,
        weight_init: Initializer = initialise.lecun_normal,
        recurrent_init: Initializer | None = None,
        rng: Rng = None,
        dtype: Any = np.float64,
    ) -> None:
        recurrent_init = recurrent_init or initialise.orthogonal()
        self._fill(1, in_features, hidden, weight_init, recurrent_init, rng, dtype)
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
        weight_init: initialiser of each block of W.
        recurrent_init: initialiser of each block of U; orthogonal by default.
        rng: seed or generator.
        dtype: of the parameters.

    Call:
        state: (h, c), each [batch, m], x: [batch, n] -> the next state.
        Fields: weight W [n, 4 m], recurrent U [m, 4 m], bias b [4 m].
    """

    def __init__(
        self,
        in_features: int,
        hidden: int,
        *,
        forget_bias: float = 1.0,
        weight_init: Initializer = initialise.lecun_normal,
        recurrent_init: Initializer | None = None,
        rng: Rng = None,
        dtype: Any = np.float64,
    ) -> None:
        recurrent_init = recurrent_init or initialise.orthogonal()
        self._fill(4, in_features, hidden, weight_init, recurrent_init, rng, dtype)
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
        weight_init: initialiser of each block of W.
        recurrent_init: initialiser of each block of U; orthogonal by default.
        rng: seed or generator.
        dtype: of the parameters.

    Call:
        state: ([batch, m],), x: [batch, n] -> the next state. Fields: weight W [n, 3 m] with
        blocks r, z, n, recurrent U [m, 3 m], bias b [3 m], inner c [m].
    """

    inner: Any

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
        recurrent_init = recurrent_init or initialise.orthogonal()
        self._fill(3, in_features, hidden, weight_init, recurrent_init, rng, dtype)
        self.inner = np.zeros(hidden, dtype)

    def step(self, state: tuple[Any, ...], projected: Any) -> tuple[Any, ...]:
        """The next state."""
        (h,) = state
        of_x = np.split(projected, 3, axis=-1)
        of_h = np.split(h @ self.recurrent, 3, axis=-1)
        r = sigmoid(of_x[0] + of_h[0])
        z = sigmoid(of_x[1] + of_h[1])
        n = np.tanh(of_x[2] + r * (of_h[2] + self.inner))
        return (n + z * (h - n),)


def unroll(
    cell: Any, x: Any, mask: Any = None, initial: Any = None, reverse: bool = False
) -> tuple[Any, tuple[Any, ...]]:
    """Walk a cell along time.

    Args:
        cell: has ``project``, ``start`` and ``step``, as the cells of this module.
        x: [batch, time, n].
        mask: [batch, time] booleans, False on padding; None for none.
        initial: the first state; zeros if None.
        reverse: from the last step to the first.

    Returns:
        The outputs [batch, time, m] and the last state (of each sequence's own end).
    """
    if x.ndim != 3:
        raise StructureError(
            "a recurrent layer reads sequences",
            function=type(cell).__name__,
            got=f"x of shape {tuple(x.shape)}",
            wanted="[batch, time, features]",
            remedy="add the missing axis: x[None] for one sequence, x[..., None] for one feature",
        )
    rows = np.swapaxes(cell.project(x), 0, 1)  # time first, to walk along it
    state = cell.start(x.shape[0]) if initial is None else tuple(initial)
    # The state must not change its type on the way: it starts as wide as the inputs are.
    state = tuple(part.astype(np.result_type(part.dtype, rows.dtype)) for part in state)

    def step(state: tuple[Any, ...], row: Any) -> tuple[tuple[Any, ...], Any]:
        if mask is None:
            new = cell.step(state, row)
            return new, new[0]
        projected, there = row
        new = tuple(
            np.where(there, after, before)
            for after, before in zip(cell.step(state, projected), state, strict=True)
        )
        return new, np.where(there, new[0], 0)

    xs = rows if mask is None else (rows, np.swapaxes(mask, 0, 1)[..., None])
    last, outputs = scan(step, state, xs, reverse=reverse)
    return np.swapaxes(outputs, 0, 1), last


class _Recurrent(Module):
    """Stacked layers of cells, each in one direction or both."""

    cells: tuple[tuple[Any, ...], ...]
    dropout: Any

    def _stack(
        self,
        make: Callable[[int, np.random.Generator], Any],
        in_features: int,
        hidden: int,
        layers: int,
        bidirectional: bool,
        dropout: float,
        rng: Rng,
    ) -> None:
        draw = initialise.generator(rng)
        ways = 2 if bidirectional else 1
        sizes = [in_features] + [ways * hidden] * (layers - 1)
        self.cells = tuple(tuple(make(n, draw) for _ in range(ways)) for n in sizes)
        self.dropout = Dropout(dropout) if dropout else None

    def run(
        self, x: Any, mask: Any = None, initial: Any = None
    ) -> tuple[Any, tuple[tuple[Any, ...], ...]]:
        """Outputs and last states.

        Args:
            x: [batch, time, n].
            mask: [batch, time] booleans, False on padding behind each sequence.
            initial: as the second result, to go on where an earlier piece ended.

        Returns:
            Outputs [batch, time, m] (2 m for both directions), and the last state of every
            cell: for each layer, for each direction, a tuple of [batch, m].
        """
        states = []
        for number, cells in enumerate(self.cells):
            if number and self.dropout is not None:
                x = self.dropout(x)
            outputs, lasts = [], []
            for way, cell in enumerate(cells):
                first = None if initial is None else initial[number][way]
                output, last = unroll(cell, x, mask, first, reverse=way == 1)
                outputs.append(output)
                lasts.append(last)
            x = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=-1)
            states.append(tuple(lasts))
        return x, tuple(states)

    def __call__(self, x: Any, mask: Any = None) -> Any:
        return self.run(x, mask)[0]


class RNN(_Recurrent):
    """Elman's network, stacked and in both directions if wanted.

    Args:
        in_features: n.
        hidden: m.
        layers: how many on top of each other.
        bidirectional: whether each layer reads both ways; its outputs are joined.
        activation: f in ``h' = f(x W + h U + b)``.
        dropout: probability of dropping between layers.
        rng: seed or generator.
        dtype: of the parameters.

    Call:
        x: [batch, time, n], mask: [batch, time] or None -> [batch, time, m] (2 m both ways).
    """

    def __init__(
        self,
        in_features: int,
        hidden: int,
        *,
        layers: int = 1,
        bidirectional: bool = False,
        activation: Activation = np.tanh,
        dropout: float = 0.0,
        rng: Rng = None,
        dtype: Any = np.float64,
    ) -> None:
        self._stack(
            lambda n, draw: RNNCell(n, hidden, activation=activation, rng=draw, dtype=dtype),
            in_features,
            hidden,
            layers,
            bidirectional,
            dropout,
            rng,
        )


class LSTM(_Recurrent):
    """Long short-term memory; arguments and call as for :class:`RNN`, see :class:`LSTMCell`."""

    def __init__(
        self,
        in_features: int,
        hidden: int,
        *,
        layers: int = 1,
        bidirectional: bool = False,
        forget_bias: float = 1.0,
        dropout: float = 0.0,
        rng: Rng = None,
        dtype: Any = np.float64,
    ) -> None:
        self._stack(
            lambda n, draw: LSTMCell(n, hidden, forget_bias=forget_bias, rng=draw, dtype=dtype),
            in_features,
            hidden,
            layers,
            bidirectional,
            dropout,
            rng,
        )


class GRU(_Recurrent):
    """Gated recurrent units; arguments and call as for :class:`RNN`, see :class:`GRUCell`."""

    def __init__(
        self,
        in_features: int,
        hidden: int,
        *,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        rng: Rng = None,
        dtype: Any = np.float64,
    ) -> None:
        self._stack(
            lambda n, draw: GRUCell(n, hidden, rng=draw, dtype=dtype),
            in_features,
            hidden,
            layers,
            bidirectional,
            dropout,
            rng,
        )


class Last(Module):
    """The output at the end of each sequence: [batch, time, m] -> [batch, m].

    Call:
        x: [batch, time, m], mask: [batch, time] or None.
    """

    def __call__(self, x: Any, mask: Any = None) -> Any:
        if mask is None:
            return x[:, -1]
        # The last True of each row, by a product: positions need not be known.
        count = np.sum(mask, axis=1, keepdims=True)
        at = mask & (np.cumsum(mask, axis=1) == count)
        return np.sum(np.where(at[..., None], x, 0), axis=1)


def pad_sequences(sequences: Sequence[Any], value: float = 0) -> tuple[Any, Any]:
    """Sequences of unequal length as one array and a mask.

    Args:
        sequences: arrays [time_i, ...], which differ in their first axis only.
        value: what stands behind the shorter ones.

    Returns:
        [batch, longest, ...] and a boolean mask [batch, longest].

    >>> padded, mask = pad_sequences([np.array([1.0, 2.0]), np.array([3.0])])
    >>> padded
    array([[1., 2.],
           [3., 0.]])
    >>> mask.tolist()
    [[True, True], [True, False]]
    """
    arrays = [np.array(sequence) for sequence in sequences]
    longest = max((len(a) for a in arrays), default=0)
    mask = np.array([[i < len(a) for i in range(longest)] for a in arrays], dtype=bool)
    rest = arrays[0].shape[1:] if arrays else ()
    kind = np.result_type(*arrays) if arrays else np.dtype(np.float64)
    padded = np.full((len(arrays), longest, *rest), value, dtype=kind)
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    return padded, mask.reshape(len(arrays), longest)
