"""What is minimised: one loss or the weighted sum of several."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adjoint import nn
from adjoint.errors import NonScalarOutputError, StructureError

Loss = Callable[..., Any] | Mapping[str, Callable[..., Any]]


@dataclass(frozen=True)
class Objective:
    """Losses by name, and how they are added up.

    Args:
        losses: called as ``loss(output, target)``. Where output or target is a dict, a loss
            sees the entry of its own name.
        factors: by name; 1 where absent.
    """

    losses: Mapping[str, Callable[..., Any]]
    factors: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_single(self) -> bool:
        """Whether there is one loss, without a name of its own."""
        return list(self.losses) == ["loss"]

    def __call__(self, output: Any, target: Any, weights: Any = None) -> dict[str, Any]:
        """All losses by name, and under ``"loss"`` their sum."""
        parts = {}
        for name, loss in self.losses.items():
            y, t = _entry(output, name), _entry(target, name)
            value = loss(y, t) if weights is None else loss(y, t, weights=weights)
            parts[name] = _one_number(value, loss)
        if self.is_single:
            return parts
        total: Any = None
        for name, value in parts.items():
            term = self.factors.get(name, 1.0) * value
            total = term if total is None else total + term
        return {"loss": total, **parts}

    def check_weights(self) -> None:
        """Refuse weights for losses that do not take them."""
        for loss in self.losses.values():
            if not _takes_weights(loss):
                raise StructureError(
                    f"the loss {getattr(loss, '__name__', loss)!s} takes no weights",
                    function="fit",
                    wanted="loss(output, target, weights=None)",
                    remedy="give your loss that argument, or use one of adjoint.nn; without "
                    "weights drop sample_weight and class_weight",
                )


def _entry(tree: Any, name: str) -> Any:
    return tree[name] if isinstance(tree, Mapping) and name in tree else tree


def _one_number(value: Any, loss: Any) -> Any:
    value = value if hasattr(value, "dtype") else np.asarray(value)
    if value.shape == () and value.dtype.kind == "f":
        return value
    raise NonScalarOutputError(
        f"the loss {getattr(loss, '__name__', loss)!s} must return one real number",
        function="fit",
        got=f"an array of shape {tuple(value.shape)} and dtype {value.dtype}",
        remedy="take the mean over the batch: np.mean(...)",
    )


def _takes_weights(loss: Any) -> bool:
    try:
        parameters = inspect.signature(loss).parameters
    except (TypeError, ValueError):
        return True
    return "weights" in parameters or any(
        p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()
    )


def check_call(function: Any, what: str, wanted: str) -> None:
    """Refuse a function that cannot be called with two arguments."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(None, None)
    except TypeError as error:
        raise StructureError(
            f"{what} cannot be called with two arguments: {error}",
            function="fit",
            got=f"{getattr(function, '__name__', function)}{signature}",
            wanted=wanted,
        ) from None


def check_scores(model: Any, losses: Iterable[Any]) -> None:
    """Point out a loss of scores behind a layer that makes probabilities: it learns badly."""
    while isinstance(model, nn.Sequential) and model.layers:
        model = model.layers[-1]
    of_scores: dict[type, tuple[Any, ...]] = {
        nn.Softmax: (nn.cross_entropy, nn.focal, nn.kl_divergence),
        nn.Sigmoid: (nn.binary_cross_entropy, nn.focal),
    }
    for loss in losses:
        if loss in of_scores.get(type(model), ()):
            layer = type(model).__name__
            warnings.warn(
                f"fit: {loss.__name__} takes scores and makes probabilities of them itself, and "
                f"the model ends in nn.{layer}: leave that layer out, or for the cross-entropies "
                "set from_logits=False",
                stacklevel=3,
            )


def make_objective(loss: Loss, factors: Mapping[str, float] | None) -> Objective:
    """The objective that fit's arguments describe.

    Raises:
        StructureError: no loss, a loss that cannot be called, a factor without its loss.
    """
    losses: dict[str, Any] = dict(loss) if isinstance(loss, Mapping) else {"loss": loss}
    bad = [name for name, one in losses.items() if not callable(one)]
    if not losses or bad or ("loss" in losses and isinstance(loss, Mapping)):
        raise StructureError(
            "loss must be a function, or a dict of functions by name",
            function="fit",
            got=repr(loss)[:80],
            wanted="loss(output, target) -> scalar; the name 'loss' is kept for the sum",
        )
    for one in losses.values():
        check_call(one, "the loss", "loss(output, target) -> scalar")
    factors = dict(factors or {})
    if unknown := sorted(set(factors) - set(losses)):
        raise StructureError(
            f"loss_weights names no loss: {', '.join(unknown)}",
            function="fit",
            wanted=f"some of {', '.join(losses)}",
        )
    return Objective(losses, {name: float(np.asarray(x)) for name, x in factors.items()})
