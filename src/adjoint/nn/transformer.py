"""Attention, and the blocks of a transformer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.errors import StructureError
from adjoint.nn import initialise
from adjoint.nn.activation import gelu, softmax
from adjoint.nn.dense import Linear
from adjoint.nn.dropout import Dropout
from adjoint.nn.initialise import Initializer, Rng
from adjoint.nn.module import Module, static
from adjoint.nn.normalisation import LayerNorm
from adjoint.nn.sizes import as_input
from adjoint.settings import check_range, check_whole


def causal_mask(queries: int, keys: int) -> Any:
    """[queries, keys] booleans: each query sees the keys up to its own position.

    With more keys than queries the last of both stand side by side.
    """
    return np.arange(keys) <= np.arange(queries)[:, None] + (keys - queries)


def attention(query: Any, key: Any, value: Any, mask: Any = None) -> Any:
    """``softmax(Q K^T / sqrt(d)) V`` (Vaswani et al., 2017).

    Args:
        query: [..., q, d].
        key: [..., k, d].
        value: [..., k, e].
        mask: [..., q, k] booleans, True where a query may look. A query that may look nowhere
            gets 0.

    Returns:
        [..., q, e].
    """
    scale = 1 / math.sqrt(query.shape[-1])
    scores = (query * scale) @ np.swapaxes(key, -1, -2)  # [q, d] @ [d, k] -> [q, k]
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    return softmax(scores) @ value  # [q, k] @ [k, e] -> [q, e]


class MultiHeadAttention(Module):
    """Several attentions side by side, each on its share of the features.

    Args:
        features: n, of the queries and of the output; a multiple of heads.
        heads: h.
        key_features: of keys and values, if they are others than the queries'.
        causal: whether each position sees only itself and those before.
        bias: whether the four linear maps have one.
        dropout: probability of dropping in the output.
        weight_init: initialiser of the four maps.
        rng: seed or generator.
        dtype: of the parameters.

    Call:
        x: [batch, q, n]; context: [batch, k, key_features], x itself if None; mask: [batch, k],
        [batch, q, k] or [batch, h, q, k] booleans, True where may be looked.
        -> [batch, q, n].
    """

    query: Any
    key: Any
    value: Any
    output: Any
    dropout: Any
    heads: int = static()
    causal: bool = static()

    def __init__(
        self,
        features: int,
        heads: int,
        *,
        key_features: int | None = None,
        causal: bool = False,
        bias: bool = True,
        dropout: float = 0.0,
        weight_init: Initializer = initialise.xavier_uniform,
        rng: Rng = None,
        dtype: Any = np.float64,
    ) -> None:
        name = "MultiHeadAttention"
        check_whole(name, features=features, heads=heads)
        check_range(name, "[0, 1)", dropout=dropout)
        if features % heads:
            raise StructureError(
                "the features do not divide into heads",
                function=name,
                got=f"{features} features, {heads} heads",
            )
        draw = initialise.generator(rng)
        of_key = features if key_features is None else key_features

        def linear(n: int) -> Linear:
            return Linear(n, features, bias=bias, weight_init=weight_init, rng=draw, dtype=dtype)

        self.query, self.key, self.value = linear(features), linear(of_key), linear(of_key)
        self.output = linear(features)
        self.dropout = Dropout(dropout) if dropout else None
        self.heads = heads
        self.causal = causal

    def __call__(self, x: Any, context: Any = None, mask: Any = None) -> Any:
        x = as_input(x, "MultiHeadAttention")
        context = x if context is None else as_input(context, "MultiHeadAttention")
        if x.ndim != 3 or context.ndim != 3:
            raise StructureError(
                "attention reads sequences",
                function="MultiHeadAttention",
                got=f"x of shape {tuple(x.shape)}, context of shape {tuple(context.shape)}",
                wanted="[batch, time, features]",
                remedy="add the missing axis: x[None] for one sequence",
            )
        mask = self._mask(mask, x.shape[1], context.shape[1])
        heads = attention(
            self._split(self.query(x)),
            self._split(self.key(context)),
            self._split(self.value(context)),
            mask,
        )
        batch, queries, features = x.shape
        joined = np.swapaxes(heads, 1, 2).reshape(batch, queries, features)
        y = self.output(joined)
        return y if self.dropout is None else self.dropout(y)

    def _split(self, x: Any) -> Any:
        """[batch, t, n] -> [batch, h, t, n / h]."""
        batch, steps, features = x.shape
        parts = x.reshape(batch, steps, self.heads, features // self.heads)
        return np.swapaxes(parts, 1, 2)

    def _mask(self, mask: Any, queries: int, keys: int) -> Any:
        if mask is not None:
            if mask.ndim == 2:
                mask = mask[:, None, None, :]
            elif mask.ndim == 3:
                mask = mask[:, None]
        if not self.causal:
            return mask
        past = causal_mask(queries, keys)
        return past if mask is None else mask & past


class FeedForward(Module):
    """``f(x W1 + b1) W2 + b2`` at every position.

    Args:
        features: n.
        hidden: units in between; 4 n by default.
        activation: f.
        dropout: probability of dropping in the output.
        rng: seed or generator.
        dtype: of the parameters.

    Call:
        x: [..., n] -> [..., n].
    """

    first: Any
    second: Any
    dropout: Any
    activation: Callable[[Any], Any] = static()

    def __init__(
        self,
        features: int,
        hidden: int | None = None,
        *,
        activation: Callable[[Any], Any] = gelu,
        dropout: float = 0.0,
        rng: Rng = None,
        dtype: Any = np.float64,
    ) -> None:
        draw = initialise.generator(rng)
        hidden = 4 * features if hidden is None else hidden
        self.first = Linear(features, hidden, rng=draw, dtype=dtype)
        self.second = Linear(hidden, features, rng=draw, dtype=dtype)
        self.dropout = Dropout(dropout) if dropout else None
        self.activation = activation

    def __call__(self, x: Any) -> Any:
        y = self.second(self.activation(self.first(x)))
        return y if self.dropout is None else self.dropout(y)


class TransformerBlock(Module):
    """Attention, then a feed-forward net, each with a residual and a normalisation.

    Args:
        features: n.
        heads: of the attention.
        hidden: units of the feed-forward net; 4 n by default.
        causal: whether each position sees only itself and those before.
        cross: whether an attention to a context stands in between, as in a decoder.
        pre_norm: whether normalisation stands before each part (steadier to train), instead of
            after the residual as in the first transformer.
        activation: of the feed-forward net.
        dropout: probability of dropping in each part's output.
        context_features: of the context, if others than n.
        rng: seed or generator.
        dtype: of the parameters.

    Call:
        x: [batch, t, n]; mask: as for :class:`MultiHeadAttention`; context: [batch, k, m] and
        its mask [batch, k] with ``cross``. -> [batch, t, n].
    """

    attention: Any
    cross: Any
    feed_forward: Any
    norms: tuple[Any, ...]
    pre_norm: bool = static()

    def __init__(
        self,
        features: int,
        heads: int,
        *,
        hidden: int | None = None,
        causal: bool = False,
        cross: bool = False,
        pre_norm: bool = True,
        activation: Callable[[Any], Any] = gelu,
        dropout: float = 0.0,
        context_features: int | None = None,
        rng: Rng = None,
        dtype: Any = np.float64,
    ) -> None:
        draw = initialise.generator(rng)
        self.attention = MultiHeadAttention(
            features, heads, causal=causal, dropout=dropout, rng=draw, dtype=dtype
        )
        self.cross = None
        if cross:
            self.cross = MultiHeadAttention(
                features,
                heads,
                key_features=context_features,
                dropout=dropout,
                rng=draw,
                dtype=dtype,
            )
        self.feed_forward = FeedForward(
            features, hidden, activation=activation, dropout=dropout, rng=draw, dtype=dtype
        )
        parts = 3 if cross else 2
        self.norms = tuple(LayerNorm(features, dtype=dtype) for _ in range(parts))
        self.pre_norm = pre_norm

    def __call__(
        self, x: Any, mask: Any = None, context: Any = None, context_mask: Any = None
    ) -> Any:
        if (self.cross is None) != (context is None):
            raise StructureError(
                "a context goes with cross=True, and only with it",
                function="TransformerBlock",
                got="no context" if context is None else "a context",
            )
        parts: list[Callable[[Any], Any]] = [lambda y: self.attention(y, mask=mask)]
        if self.cross is not None:
            parts.append(lambda y: self.cross(y, context, context_mask))
        parts.append(self.feed_forward)
        for part, norm in zip(parts, self.norms, strict=True):
            x = x + part(norm(x)) if self.pre_norm else norm(x + part(x))
        return x


def sinusoids(steps: int, features: int, dtype: Any = np.float64) -> Any:
    """Positions as sines and cosines of falling frequency: [steps, features].

    ``p[t, 2 i] = sin(t / 10000^(2 i / n))``, ``p[t, 2 i + 1]`` the cosine.
    """
    pairs = (features + 1) // 2
    angle = np.arange(steps)[:, None] * 10000.0 ** (-2 * np.arange(pairs) / features)
    both = np.stack([np.sin(angle), np.cos(angle)], axis=-1)
    return both.reshape(steps, 2 * pairs)[:, :features].astype(dtype)


class Positions(Module):
    """Adds a vector for each position.

    Args:
        features: n.
        steps: the longest sequence, for learned positions; None for sinusoids, which have no
            parameters and no longest sequence.
        scale: standard deviation of the learned start.
        rng: seed or generator.
        dtype: of the parameters.

    Call:
        x: [batch, t, n] -> [batch, t, n]. Fields: weight [steps, n] or None.
    """

    weight: Any

    def __init__(
        self,
        features: int,
        steps: int | None = None,
        *,
        scale: float = 0.02,
        rng: Rng = None,
        dtype: Any = np.float64,
    ) -> None:
        check_whole("Positions", features=features)
        check_range("Positions", "[0, inf)", scale=scale)
        self.weight = None
        if steps is not None:
            check_whole("Positions", steps=steps)
            draw = initialise.generator(rng)
            self.weight = (scale * draw.standard_normal((steps, features))).astype(dtype)

    def __call__(self, x: Any) -> Any:
        steps, features = x.shape[-2:]
        if self.weight is None:
            return x + sinusoids(steps, features, x.dtype)
        if steps > self.weight.shape[0]:
            raise StructureError(
                "the sequence is longer than there are positions",
                function="Positions",
                got=f"{steps} steps",
                wanted=f"at most {self.weight.shape[0]}",
            )
        return x + self.weight[:steps]
