"""Linear maps and table look-up."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adjoint.errors import StructureError
from adjoint.nn import initialise
from adjoint.nn.initialise import Initializer, Rng
from adjoint.nn.module import Module, static
from adjoint.nn.sizes import as_input
from adjoint.settings import check_range, check_whole


class Linear(Module):
    """``y = x W + b``.

    Args:
        in_features: n, length of the last axis of the input.
        out_features: m, length of the last axis of the output.
        bias: whether there is a b.
        weight_init: initialiser of W; the default N(0, 1/n) keeps the variance.
        bias_init: initialiser of b.
        rng: seed or generator; None takes the next stream of :func:`adjoint.nn.seed`.
        dtype: of the parameters.

    Call:
        x: [..., n] -> [..., m]. Fields: weight [n, m], bias [m].
    """

    weight: Any
    bias: Any

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        bias: bool = True,
        weight_init: Initializer = initialise.lecun_normal,
        bias_init: Initializer = initialise.zeros,
        rng: Rng = None,
        dtype: Any = np.float64,
    ) -> None:
        check_whole("Linear", in_features=in_features, out_features=out_features)
        draw = initialise.generator(rng)
        fans = in_features, out_features
        self.weight = weight_init(draw, (in_features, out_features), *fans).astype(dtype)
        self.bias = bias_init(draw, (out_features,), *fans).astype(dtype) if bias else None

    def __call__(self, x: Any) -> Any:
        x = as_input(x, "Linear")
        if x.shape[-1:] != self.weight.shape[:1]:
            raise StructureError(
                "the input has another number of features than the layer",
                function="Linear",
                got=f"x of shape {tuple(x.shape)}",
                wanted=f"[..., {self.weight.shape[0]}]",
                remedy="reshape the input, or make the layer with its number of features",
            )
        y = x @ self.weight  # [..., n] @ [n, m] -> [..., m]
        return y if self.bias is None else y + self.bias

    def flops(self, inputs: tuple[Any, ...], output: Any) -> int:
        """Operations of one call."""
        return int(2 * self.weight.shape[0] * math.prod(output.shape))


class Bilinear(Module):
    """``z_k = x^T W_k y + b_k``.

    Args:
        first_features: n.
        second_features: m.
        out_features: k.
        bias: whether there is a b.
        weight_init: initialiser of W.
        rng: seed or generator.
        dtype: of the parameters.

    Call:
        x: [..., n], y: [..., m] -> [..., k]. Fields: weight [n, m, k], bias [k].
    """

    weight: Any
    bias: Any

    def __init__(
        self,
        first_features: int,
        second_features: int,
        out_features: int,
        *,
        bias: bool = True,
        weight_init: Initializer = initialise.lecun_normal,
        rng: Rng = None,
        dtype: Any = np.float64,
    ) -> None:
        check_whole(
            "Bilinear",
            first_features=first_features,
            second_features=second_features,
            out_features=out_features,
        )
        shape = (first_features, second_features, out_features)
        fan_in = first_features * second_features
        draw = initialise.generator(rng)
        self.weight = weight_init(draw, shape, fan_in, out_features).astype(dtype)
        self.bias = np.zeros(out_features, dtype) if bias else None

    def __call__(self, x: Any, y: Any) -> Any:
        x, y = as_input(x, "Bilinear"), as_input(y, "Bilinear")
        if (x.shape[-1:] + y.shape[-1:]) != self.weight.shape[:2]:
            raise StructureError(
                "the inputs have other numbers of features than the layer",
                function="Bilinear",
                got=f"x of shape {tuple(x.shape)}, y of shape {tuple(y.shape)}",
                wanted=f"[..., {self.weight.shape[0]}] and [..., {self.weight.shape[1]}]",
            )
        z = np.einsum("...n,...m,nmk->...k", x, y, self.weight)
        return z if self.bias is None else z + self.bias


class Embedding(Module):
    """A table of vectors, looked up by whole numbers.

    Args:
        num_embeddings: v, rows of the table.
        features: n, length of each vector.
        weight_init: initialiser of the table; N(0, 1) by default.
        padding: a row that is always zero and never learns.
        rng: seed or generator.
        dtype: of the table.

    Call:
        indices: [...] integers in 0..v-1 -> [..., n]. Fields: weight [v, n].
    """

    weight: Any
    padding: int | None = static()

    def __init__(
        self,
        num_embeddings: int,
        features: int,
        *,
        weight_init: Initializer | None = None,
        padding: int | None = None,
        rng: Rng = None,
        dtype: Any = np.float64,
    ) -> None:
        check_whole("Embedding", num_embeddings=num_embeddings, features=features)
        if padding is not None:
            check_range("Embedding", f"whole [0, {num_embeddings})", padding=padding)
        draw = initialise.generator(rng)
        init = initialise.normal() if weight_init is None else weight_init
        self.weight = init(draw, (num_embeddings, features), num_embeddings, features)
        self.weight = self.weight.astype(dtype)
        self.padding = padding

    def __call__(self, indices: Any) -> Any:
        indices = as_input(indices, "Embedding")
        _check_indices(indices, self.weight.shape[0])
        rows = np.take(self.weight, indices, axis=0)
        if self.padding is None:
            return rows
        return np.where((indices == self.padding)[..., None], 0, rows)

    def attend(self, x: Any) -> Any:
        """Scores against every row, the table used backwards: [..., n] -> [..., v].

        One table for input and output ties the weights of a language model.
        """
        return x @ self.weight.T  # [..., n] @ [n, v] -> [..., v]


def _check_indices(indices: Any, rows: int) -> None:
    """Refuse what NumPy would read from the wrong end, where the values are known."""
    if indices.dtype.kind not in "iu":
        raise StructureError(
            "an embedding is looked up by whole numbers",
            function="Embedding",
            got=f"dtype {indices.dtype}",
            remedy="convert once, outside the model: indices.astype(int)",
        )
    if type(indices) is np.ndarray and indices.size:
        low, high = indices.min(), indices.max()
        if low < 0 or high >= rows:
            raise StructureError(
                "an index is outside the table",
                function="Embedding",
                got=f"indices from {low} to {high}",
                wanted=f"0 to {rows - 1}",
            )
