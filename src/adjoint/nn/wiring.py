"""Ways to put layers together."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.errors import StructureError
from adjoint.nn.context import inference
from adjoint.nn.module import Module, is_module, state, static
from adjoint.nn.sizes import as_input, spread_sizes
from adjoint.primitives.choose import stop_gradient


class Function(Module):
    """A function without parameters as a layer.

    Args:
        function: called with the layer's inputs.
        name: shown by summaries; the function's own name by default.
    """

    function: Callable[..., Any] = static()
    name: str = static()

    def __init__(self, function: Callable[..., Any], name: str | None = None) -> None:
        self.function = function
        self.name = name or str(getattr(function, "__name__", "function"))

    def __call__(self, *inputs: Any) -> Any:
        return self.function(*inputs)


def as_layer(layer: Any, function: str = "Sequential") -> Any:
    """A layer as it is; a plain function wrapped in :class:`Function`."""
    if is_module(layer):
        return layer
    if isinstance(layer, type) and hasattr(layer, "__dataclass_fields__"):
        raise StructureError(
            "a layer must be made before it is put in",
            function=function,
            got=f"the class {layer.__name__}",
            remedy=f"call it for its settings: {layer.__name__}(...)",
        )
    if not callable(layer):
        raise StructureError(
            "a layer must be callable",
            function=function,
            got=repr(layer) if isinstance(layer, str) else f"a {type(layer).__name__}",
            wanted="modules, or functions such as np.tanh and nn.relu",
            remedy=f"spread it: nn.{function}(*layers)" if isinstance(layer, list | tuple) else "",
        )
    return Function(layer)


class Sequential(Module):
    """Layers one after the other: ``layers[n](... layers[0](x))``.

    Args:
        layers: modules, or functions such as ``np.tanh``.

    >>> from adjoint import nn
    >>> model = Sequential(nn.Linear(4, 3), nn.Sigmoid(), nn.Linear(3, 2))
    >>> model(np.zeros((5, 4))).shape
    (5, 2)
    >>> model[0].weight.shape, len(model[1:])
    ((4, 3), 2)
    """

    layers: tuple[Any, ...]

    def __init__(self, *layers: Any) -> None:
        self.layers = tuple(as_layer(layer) for layer in layers)

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, which: int | slice) -> Any:
        found = self.layers[which]
        return Sequential(*found) if isinstance(which, slice) else found


class Residual(Module):
    """``x + body(x)``, or ``shortcut(x) + body(x)``.

    Args:
        body: a layer whose output has the shape of its shortcut's.
        shortcut: what brings the input to the output's shape, if it has another.
    """

    body: Any
    shortcut: Any

    def __init__(self, body: Any, shortcut: Any = None) -> None:
        self.body = as_layer(body)
        self.shortcut = None if shortcut is None else as_layer(shortcut)

    def __call__(self, x: Any) -> Any:
        straight = x if self.shortcut is None else self.shortcut(x)
        moved = self.body(x)
        if straight.shape[-1:] != moved.shape[-1:]:
            raise StructureError(
                "the body gives another number of features than goes round it",
                function="Residual",
                got=f"shape {tuple(moved.shape)} beside {tuple(straight.shape)}",
                remedy="give a shortcut, such as shortcut=nn.Linear(n, m)",
            )
        return straight + moved


class Parallel(Module):
    """Several layers on the same input, their outputs joined.

    Args:
        branches: the layers.
        join: ``"concatenate"`` (along ``axis``), ``"sum"``, ``"mean"`` or ``"tuple"``.
        axis: where to concatenate.
    """

    branches: tuple[Any, ...]
    join: str = static()
    axis: int = static()

    def __init__(self, *branches: Any, join: str = "concatenate", axis: int = -1) -> None:
        choices = ("concatenate", "sum", "mean", "tuple")
        if join not in choices:
            raise StructureError(
                "unknown way to join branches",
                function="Parallel",
                got=repr(join),
                wanted=f"one of {choices}",
            )
        self.branches = tuple(as_layer(branch, "Parallel") for branch in branches)
        self.join = join
        self.axis = axis

    def __call__(self, x: Any) -> Any:
        outputs = tuple(branch(x) for branch in self.branches)
        if self.join == "tuple":
            return outputs
        if self.join == "concatenate":
            return np.concatenate(outputs, axis=self.axis)
        total = outputs[0]
        for output in outputs[1:]:
            total = total + output
        return total if self.join == "sum" else total / len(outputs)


class Frozen(Module):
    """A layer that takes part and does not learn.

    Its arrays are left out of :func:`adjoint.nn.parameters`, and gradients do not reach them;
    they still pass through to the layer's input. Inside, dropout and batch
    normalisation behave as in inference.

    Args:
        layer: the layer, already trained.
    """

    layer: Any = state()

    def __call__(self, *inputs: Any) -> Any:
        with inference():
            return tree.tree_map(stop_gradient, self.layer)(*inputs)


class Flatten(Module):
    """All axes after the first ``keep`` become one.

    Args:
        keep: leading axes left alone: 1 for a batch.

    Call:
        x: [batch, ...] -> [batch, n].
    """

    keep: int = static(default=1)

    def __call__(self, x: Any) -> Any:
        x = as_input(x, "Flatten")
        return x.reshape(*x.shape[: self.keep], math.prod(x.shape[self.keep :]))


class Reshape(Module):
    """Axes after the batch get another shape.

    Args:
        shape: of one example, such as ``Reshape(1, 28, 28)``, or as one tuple.

    Call:
        x: [batch, ...] -> [batch, *shape].
    """

    shape: tuple[int, ...] = static()

    def __init__(self, *shape: int | tuple[int, ...]) -> None:
        self.shape = spread_sizes("Reshape", shape, least=-1)

    def __call__(self, x: Any) -> Any:
        x = as_input(x, "Reshape")
        return x.reshape(x.shape[0], *self.shape)
