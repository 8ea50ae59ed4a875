"""Losses of sequences: connectionist temporal classification, and linear chains (CRF)."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.api import scan
from adjoint.errors import StructureError
from adjoint.nn.activation import log_softmax, logsumexp
from adjoint.nn.losses.labels import labels_within
from adjoint.nn.losses.reduce import NEVER, reduce


def ctc(
    output: Any,
    target: Any,
    *,
    output_lengths: Any = None,
    blank: int = 0,
    padding: int = -1,
    reduction: str = "mean",
    weights: Any = None,
) -> Any:
    """Connectionist temporal classification (Graves et al., 2006).

    ``-log`` of the probability of all paths that become the target when repeats are merged and
    blanks are left out, by the forward recursion over the target with blanks in between.

    Args:
        output: [batch, time, k] logits.
        target: [batch, s] integer labels, padded behind.
        output_lengths: [batch] steps that count; all if None.
        blank: the class that stands for nothing.
        padding: what the target is padded with.
        reduction: over sequences: ``"mean"``, ``"sum"`` or ``"none"``.
        weights: [batch], or a boolean mask.

    Returns:
        A scalar; about 1e30 for a sequence too short for its target.
    """
    if output.ndim != 3 or target.ndim != 2 or output.shape[0] != target.shape[0]:
        raise StructureError(
            "the target does not fit the output",
            function="ctc",
            got=f"output {tuple(output.shape)}, target {tuple(target.shape)}",
            wanted="output [batch, time, classes], target [batch, labels]",
        )
    batch, time, classes = output.shape
    labels = target.shape[1]
    there = target != padding
    # Blank, label, blank, label, ..., blank: 2 s + 1 states.
    states = 2 * labels + 1
    known = np.where(there, labels_within("ctc", target, classes, there), blank)
    path = np.stack([np.full_like(known, blank), known], axis=-1).reshape(batch, 2 * labels)
    path = np.concatenate([path, np.full((batch, 1), blank)], axis=1)
    # A label may be entered from the label before, past the blank, if the two differ.
    before = np.concatenate([np.full((batch, 2), blank), path], axis=1)[:, :states]
    leaps = (path != blank) & (path != before)

    logs = log_softmax(output)
    hits = path[:, :, None] == np.arange(classes)
    # [b, t, k], [b, s, k] -> [t, b, s]: the logarithm of each state's class at each step.
    emitted = np.einsum("btk,bsk->tbs", logs, hits.astype(logs.dtype))
    counts = np.full((time, batch), True)
    if output_lengths is not None:
        if np.shape(output_lengths) != (batch,):
            raise StructureError(
                "output_lengths must be one for each sequence",
                function="ctc",
                got=f"shape {tuple(np.shape(output_lengths))}",
                wanted=f"shape {(batch,)}",
            )
        counts = np.arange(time)[:, None] < output_lengths
    first = np.where(np.arange(states) == 0, 0.0, NEVER).astype(logs.dtype)
    start = np.broadcast_to(first, (batch, states))

    def step(alpha: Any, row: Any) -> tuple[Any, None]:
        emission, counted = row
        stay, once, twice = alpha, _shifted(alpha, 1), _shifted(alpha, 2)
        # Before the first step only state 0 is open, and from it the label is one step away.
        leap = np.where(leaps, twice, NEVER)
        reached = logsumexp(np.stack([stay, once, leap]), axis=0) + emission
        return np.where(counted[:, None], reached, alpha), None

    alpha, _ = scan(step, start, (emitted, counts))
    size = np.sum(there, axis=1, keepdims=True)
    at = np.arange(states)
    ends = (at == 2 * size) | (at == 2 * size - 1)
    values = -logsumexp(np.where(ends, alpha, NEVER), axis=-1)
    return reduce(values, reduction, weights)


def _shifted(alpha: Any, places: int) -> Any:
    """Each state's score at the state so many places before; never before the first."""
    states = alpha.shape[1]
    places = min(places, states)
    front = np.full((alpha.shape[0], places), NEVER, alpha.dtype)
    return np.concatenate([front, alpha[:, : states - places]], axis=1)


def crf_nll(
    output: tuple[Any, Any, Any, Any],
    target: Any,
    *,
    mask: Any = None,
    reduction: str = "mean",
    weights: Any = None,
) -> Any:
    """``-log P(labels)`` in a linear-chain conditional random field (Lafferty et al., 2001).

    Args:
        output: what :class:`adjoint.nn.CRF` returns: scores [batch, time, k], transitions
            [k, k], start [k], end [k].
        target: [batch, time] labels; on padding anything.
        mask: [batch, time] booleans, False on padding behind each sequence. By default labels
            below 0 are padding.
        reduction: over sequences: ``"mean"``, ``"sum"`` or ``"none"``.
        weights: [batch], or a boolean mask.
    """
    mask = target >= 0 if mask is None else mask
    for name, given in (("target", target), ("mask", mask)):
        if tuple(given.shape) != tuple(output[0].shape[:2]):
            raise StructureError(
                f"the {name} does not fit the scores",
                function="crf_nll",
                got=f"{name} {tuple(given.shape)}, scores {tuple(output[0].shape)}",
                wanted=f"one for each step: {tuple(output[0].shape[:2])}",
            )
    target = labels_within("crf_nll", target, output[0].shape[-1], mask)
    values = crf_log_normaliser(output, mask) - _path_score(output, target, mask)
    return reduce(values, reduction, weights)


def crf_log_normaliser(output: tuple[Any, Any, Any, Any], mask: Any = None) -> Any:
    """Log of the sum over all label sequences of the exponential of their score: [batch]."""
    scores, transitions, start, end = output
    batch, time, _ = scores.shape
    mask = np.full((batch, time), True) if mask is None else mask

    def step(alpha: Any, row: Any) -> tuple[Any, None]:
        emission, counted = row
        reached = logsumexp(alpha[:, :, None] + transitions, axis=1) + emission
        return np.where(counted[:, None], reached, alpha), None

    by_time = np.swapaxes(scores, 0, 1)
    rows = (by_time[1:], np.swapaxes(mask, 0, 1)[1:])
    first = start + by_time[0]
    alpha = scan(step, first, rows)[0] if time > 1 else first
    return logsumexp(alpha + end, axis=-1)


def _path_score(output: tuple[Any, Any, Any, Any], target: Any, mask: Any) -> Any:
    scores, transitions, start, end = output
    classes = scores.shape[-1]
    hits = ((target[..., None] == np.arange(classes)) & mask[..., None]).astype(scores.dtype)
    emitted = np.sum(hits * scores, axis=(1, 2))
    # Pairs of neighbours, counted by one product: [b, t, i] [b, t, j] -> [b, i, j].
    pairs = np.einsum("bti,btj->bij", hits[:, :-1], hits[:, 1:])
    moved = np.sum(pairs * transitions, axis=(1, 2))
    # The last label is there and has nothing behind it.
    behind = np.concatenate([mask[:, 1:], np.full_like(mask[:, :1], False)], axis=1)
    last = np.sum(hits * (~behind)[..., None], axis=1)
    return emitted + moved + hits[:, 0] @ start + last @ end


def crf_decode(output: tuple[Any, Any, Any, Any], mask: Any = None) -> Any:
    """The most probable labels, by the Viterbi recursion.

    Args:
        output: what :class:`adjoint.nn.CRF` returns.
        mask: [batch, time] booleans, False on padding.

    Returns:
        [batch, time] labels, -1 on padding.
    """
    scores, transitions, start, end = output
    batch, time, classes = scores.shape
    mask = np.full((batch, time), True) if mask is None else mask
    by_time, counts = np.swapaxes(scores, 0, 1), np.swapaxes(mask, 0, 1)

    def forward(best: Any, row: Any) -> tuple[Any, Any]:
        emission, counted = row
        ways = best[:, :, None] + transitions
        reached = np.max(ways, axis=1) + emission
        # On padding every label points back to itself.
        came = np.where(counted[:, None], np.argmax(ways, axis=1), np.arange(classes))
        return np.where(counted[:, None], reached, best), came

    first = start + by_time[0]
    if time == 1:
        label = np.argmax(first + end, axis=-1)
        return np.where(mask, label[:, None], -1)
    best, came = scan(forward, first, (by_time[1:], counts[1:]))

    def backward(label: Any, row: Any) -> tuple[Any, Any]:
        before = np.take_along_axis(row, label[:, None], axis=1)[:, 0]
        return before, label

    label = np.argmax(best + end, axis=-1)
    first_label, later = scan(backward, label, came, reverse=True)
    labels = np.concatenate([first_label[None], later])
    return np.where(mask, np.swapaxes(labels, 0, 1), -1)
