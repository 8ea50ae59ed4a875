"""Recurrent layers: a state carried along time. Batch first, then time, then features.

A layer multiplies all inputs by its input weights in one product, then walks along time with
:func:`adjoint.scan`, so the loop stays rolled, in the derivative (backpropagation through time)
as well.

Sequences of unequal length are padded behind and come with a mask [batch, time], False on the
padding: there the state stays as it was, and the output is 0.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from adjoint.api import scan
from adjoint.errors import StructureError
from adjoint.nn import initialise
from adjoint.nn.cells import GRUCell, LSTMCell, RNNCell
from adjoint.nn.dropout import Dropout
from adjoint.nn.initialise import Rng
from adjoint.nn.module import Module
from adjoint.nn.sizes import as_input
from adjoint.settings import check_range, check_whole


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
    x = as_input(x, type(cell).__name__)
    wanted = cell.weight.shape[0] if hasattr(cell, "weight") else x.shape[-1]
    if x.ndim != 3 or x.shape[-1] != wanted:
        raise StructureError(
            "a recurrent layer reads sequences",
            function=type(cell).__name__,
            got=f"x of shape {tuple(x.shape)}",
            wanted=f"[batch, time, {wanted}]",
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

    cell: ClassVar[Any]

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
        **of_cell: Any,
    ) -> None:
        name = type(self).__name__
        check_whole(name, in_features=in_features, hidden=hidden, layers=layers)
        check_range(name, "[0, 1)", dropout=dropout)
        draw = initialise.generator(rng)
        ways = 2 if bidirectional else 1
        sizes = [in_features] + [ways * hidden] * (layers - 1)
        make = functools.partial(self.cell, hidden=hidden, rng=draw, dtype=dtype, **of_cell)
        self.cells = tuple(tuple(make(n) for _ in range(ways)) for n in sizes)
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

    def flops(self, inputs: tuple[Any, ...], output: Any) -> int:
        """Operations of one call."""
        steps = math.prod(output.shape[:2])
        cells = [cell for layer in self.cells for cell in layer]
        sizes = [math.prod(c.weight.shape) + math.prod(c.recurrent.shape) for c in cells]
        return int(2 * steps * sum(sizes))


class RNN(_Recurrent, init=False):
    """Elman's network, stacked and in both directions if wanted.

    Args:
        in_features: n.
        hidden: m.
        layers: how many on top of each other.
        bidirectional: whether each layer reads both ways; its outputs are joined.
        dropout: probability of dropping between layers.
        rng: seed or generator.
        dtype: of the parameters.
        of_cell: further settings of every cell, see :class:`RNNCell`: the ``activation`` f in
            ``h' = f(x W + h U + b)``, ``weight_init`` and ``recurrent_init``.

    Call:
        x: [batch, time, n], mask: [batch, time] or None -> [batch, time, m] (2 m both ways).
    """

    cell = RNNCell


class LSTM(_Recurrent, init=False):
    """Long short-term memory; arguments and call as for :class:`RNN`, see :class:`LSTMCell`."""

    cell = LSTMCell


class GRU(_Recurrent, init=False):
    """Gated recurrent units; arguments and call as for :class:`RNN`, see :class:`GRUCell`."""

    cell = GRUCell


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
