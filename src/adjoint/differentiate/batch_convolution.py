"""Batching rules of convolutions and windows.

Letters as in ``primitives/convolution.py``; b is the new axis.
"""

from __future__ import annotations

from typing import Any

from adjoint.differentiate.batch import batch_rule, everywhere
from adjoint.graph.graph import Node
from adjoint.primitives import convolution, windows
from adjoint.primitives.linear import permute_axes, reshape


def _merged(x: Any) -> Any:
    """[b, n, c, s] as [b n, c, s]."""
    return reshape(x, shape=(x.shape[0] * x.shape[1], *x.shape[2:]))


def _as_groups(x: Any) -> Any:
    """[b, n, c, s] as [n, b c, s]: examples become groups of channels."""
    moved = permute_axes(x, axes=(1, 0, *range(2, len(x.shape))))
    return reshape(moved, shape=(x.shape[1], x.shape[0] * x.shape[2], *x.shape[3:]))


def _from_groups(y: Any, size: int) -> Any:
    """[n, b o, p] as [b, n, o, p]."""
    split = reshape(y, shape=(y.shape[0], size, y.shape[1] // size, *y.shape[2:]))
    return permute_axes(split, axes=(1, 0, *range(2, len(split.shape))))


@batch_rule(convolution.convolution_row, convolution.convolution_input)
def _to_channels(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    settings = node.settings
    whole = node.outputs[0].type.shape
    if not flags[1]:
        if "shape" in settings:
            settings["shape"] = (size * whole[0], *whole[1:])
        result = node.primitive(_merged(operands[0]), operands[1], **settings)
        return reshape(result, shape=(size, *whole))
    x, w = everywhere(operands, flags, size)
    settings["groups"] *= size
    if "shape" in settings:
        settings["shape"] = (whole[0], size * whole[1], *whole[2:])
    return _from_groups(node.primitive(_as_groups(x), _merged(w), **settings), size)


@batch_rule(convolution.convolution_weight)
def _to_weight(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    settings = node.settings
    whole = node.outputs[0].type.shape
    x, y = everywhere(operands, flags, size)
    settings["groups"] *= size
    settings["shape"] = (size * whole[0], *whole[1:])
    result = node.primitive(_as_groups(x), _as_groups(y), **settings)
    return reshape(result, shape=(size, *whole))


@batch_rule(windows.windows)
def _windows(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    return windows.windows(operands[0], **node.settings)


@batch_rule(windows.overlap_add)
def _overlap_add(node: Node, operands: list[Any], flags: list[bool], size: int) -> Any:
    settings = node.settings
    settings["shape"] = (size, *settings["shape"])
    return windows.overlap_add(operands[0], **settings)
