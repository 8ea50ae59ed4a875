"""Autoencoders: networks that put out what went in, past a narrow place."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from adjoint.nn import initialise
from adjoint.nn.activation import linear, sigmoid
from adjoint.nn.initialise import Rng
from adjoint.nn.module import Module, static
from adjoint.nn.wiring import as_layer


class Autoencoder(Module):
    """``decoder(encoder(x))``.

    Args:
        encoder: a layer from the input to the code.
        decoder: a layer from the code to the output.

    Call:
        x -> its reconstruction, to be compared with x itself.
    """

    encoder: Any
    decoder: Any

    def __init__(self, encoder: Any, decoder: Any) -> None:
        self.encoder = as_layer(encoder)
        self.decoder = as_layer(decoder)

    def __call__(self, x: Any) -> Any:
        return self.decoder(self.encoder(x))


class TiedAutoencoder(Module):
    """An autoencoder whose decoder uses the encoder's weights transposed.

    ``h = f(x W1 + b1)``, ..., back ``f(h W2^T + c2)``, ``g(h W1^T + c1)``. One array serves both
    ways, so there is one gradient for it: the sum of two.

    Args:
        sizes: lengths of the layers from the input to the code, such as ``784, 128, 16``.
        activation: f, of all layers but the last one.
        output: g, of the reconstruction.
        rng: seed or generator.
        dtype: of the parameters.

    Call:
        x: [..., sizes[0]] -> [..., sizes[0]]. Fields: weights [sizes[i], sizes[i + 1]],
        biases [sizes[i + 1]], back [sizes[i]].
    """

    weights: tuple[Any, ...]
    biases: tuple[Any, ...]
    back: tuple[Any, ...]
    activation: Callable[[Any], Any] = static()
    output: Callable[[Any], Any] = static()

    def __init__(
        self,
        *sizes: int,
        activation: Callable[[Any], Any] = sigmoid,
        output: Callable[[Any], Any] = linear,
        rng: Rng = None,
        dtype: Any = np.float64,
    ) -> None:
        draw = initialise.generator(rng)
        pairs = list(pairwise(sizes))
        self.weights = tuple(
            initialise.xavier_normal(draw, (n, m), n, m).astype(dtype) for n, m in pairs
        )
        self.biases = tuple(np.zeros(m, dtype) for _, m in pairs)
        self.back = tuple(np.zeros(n, dtype) for n, _ in pairs)
        self.activation = activation
        self.output = output

    def encode(self, x: Any) -> Any:
        """The code: [..., sizes[0]] -> [..., sizes[-1]]."""
        for weight, bias in zip(self.weights, self.biases, strict=True):
            x = self.activation(x @ weight + bias)  # [..., n] @ [n, m] -> [..., m]
        return x

    def decode(self, code: Any) -> Any:
        """The reconstruction: [..., sizes[-1]] -> [..., sizes[0]]."""
        for i in range(len(self.weights) - 1, -1, -1):
            code = code @ self.weights[i].T + self.back[i]  # [..., m] @ [m, n] -> [..., n]
            code = self.activation(code) if i else self.output(code)
        return code

    def __call__(self, x: Any) -> Any:
        return self.decode(self.encode(x))
