"""Tapped delay lines: layers whose weights are finite impulse responses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adjoint.errors import StructureError
from adjoint.nn import initialise
from adjoint.nn.initialise import Initializer, Rng
from adjoint.nn.module import Module, static
from adjoint.nn.sizes import as_input
from adjoint.settings import check_whole


class FIR(Module):
    """``y[t] = sum_{k=0..taps} x[t - k] W_k + b``: every weight is a filter over the past.

    Trained by backpropagation this is temporal backpropagation (Wan, 1990), with which the
    laser series of the Santa Fe competition was predicted.

    Args:
        in_features: n.
        out_features: m.
        taps: how many steps back a filter reaches; 0 is a linear layer.
        padded: whether zeros stand before the first step, so that there are as many outputs
            as inputs; otherwise there are ``taps`` fewer.
        bias: whether there is a b.
        weight_init: initialiser of all W_k together, with ``fan_in = (taps + 1) n``.
        rng: seed or generator.
        dtype: of the parameters.

    Call:
        x: [batch, time, n] -> [batch, time, m], or [batch, time - taps, m].
        Fields: weight [taps + 1, n, m], the newest step first; bias [m].
    """

    weight: Any
    bias: Any
    padded: bool = static()

    def __init__(
        self,
        in_features: int,
        out_features: int,
        taps: int,
        *,
        padded: bool = True,
        bias: bool = True,
        weight_init: Initializer = initialise.lecun_normal,
        rng: Rng = None,
        dtype: Any = np.float64,
    ) -> None:
        check_whole("FIR", in_features=in_features, out_features=out_features)
        check_whole("FIR", 0, taps=taps)
        shape = (taps + 1, in_features, out_features)
        draw = initialise.generator(rng)
        fan_in = (taps + 1) * in_features
        self.weight = weight_init(draw, shape, fan_in, out_features).astype(dtype)
        self.bias = np.zeros(out_features, dtype) if bias else None
        self.padded = padded

    def __call__(self, x: Any) -> Any:
        x = as_input(x, "FIR")
        count, n, m = self.weight.shape
        if x.ndim != 3 or x.shape[-1] != n:
            raise StructureError(
                "the input does not fit the layer",
                function="FIR",
                got=f"x of shape {tuple(x.shape)}",
                wanted=f"[batch, time, {n}]",
            )
        taps = count - 1
        if self.padded and taps:
            past = np.zeros((x.shape[0], taps, n), x.dtype)
            x = np.concatenate([past, x], axis=1)
        steps = x.shape[1] - taps
        if steps < 0:
            raise StructureError(
                "the sequence is shorter than the filters",
                function="FIR",
                got=f"{x.shape[1]} steps, {taps} taps",
                remedy="give longer sequences, or padded=True",
            )
        line = np.concatenate([x[:, taps - k : taps - k + steps] for k in range(count)], axis=-1)
        y = line @ self.weight.reshape(count * n, m)  # [b, t, k n] @ [k n, m] -> [b, t, m]
        return y if self.bias is None else y + self.bias

    def flops(self, inputs: tuple[Any, ...], output: Any) -> int:
        """Operations of one call."""
        count, n, _ = self.weight.shape
        return int(2 * count * n * math.prod(output.shape))
