"""Graphical models as layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.errors import StructureError
from adjoint.nn import initialise
from adjoint.nn.initialise import Rng
from adjoint.nn.losses.sequence import crf_decode
from adjoint.nn.module import Module
from adjoint.nn.sizes import as_input
from adjoint.settings import check_whole


class CRF(Module):
    """A linear-chain conditional random field on top of a model's scores.

    ``score(labels) = start[l_1] + sum_t scores[t, l_t] + sum_t transitions[l_t, l_{t+1}] +
    end[l_T]``; the probability of a label sequence is the exponential of its score, divided by
    the sum over all sequences. Train it with :func:`adjoint.nn.crf_nll`.

    Args:
        classes: k.
        scale: standard deviation of the start.
        rng: seed or generator.
        dtype: of the parameters.

    Call:
        scores: [batch, time, k] -> (scores, transitions, start, end), for the loss and for
        :func:`adjoint.nn.crf_decode`. Fields: transitions [k, k], start [k], end [k].
    """

    transitions: Any
    start: Any
    end: Any

    def __init__(
        self, classes: int, *, scale: float = 0.1, rng: Rng = None, dtype: Any = np.float64
    ) -> None:
        check_whole("CRF", classes=classes)
        draw = initialise.generator(rng)
        self.transitions = (scale * draw.standard_normal((classes, classes))).astype(dtype)
        self.start = (scale * draw.standard_normal(classes)).astype(dtype)
        self.end = (scale * draw.standard_normal(classes)).astype(dtype)

    def __call__(self, scores: Any) -> tuple[Any, Any, Any, Any]:
        scores = as_input(scores, "CRF")
        if scores.ndim != 3 or scores.shape[-1] != self.start.shape[0]:
            raise StructureError(
                "the scores do not fit the chain",
                function="CRF",
                got=f"scores of shape {tuple(scores.shape)}",
                wanted=f"[batch, time, {self.start.shape[0]}]",
            )
        return scores, self.transitions, self.start, self.end

    def decode(self, scores: Any, mask: Any = None) -> Any:
        """The most probable labels [batch, time], -1 on padding."""
        return crf_decode(self(scores), mask)
