"""What all rules of scipy.ndimage share: an image of integers gives an image of integers.

SciPy computes in float64 and cuts the results, after each axis, to the dtype of the image or to
that of ``output=``. An image of integers has no derivative, so SciPy's own code makes it when
the program runs, bit for bit; where something else that is recorded has a derivative, it is
refused, as cut numbers would make that derivative 0.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from adjoint.errors import UnsupportedError
from adjoint.graph.source import source_here
from adjoint.primitives.linear_map import LinearMap, linear_map
from adjoint.trace.borrow_scipy import is_unknown
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import as_operand, moved_as
from adjoint.trace.indexing import known_parts, known_value
from adjoint.trace.scipy_gate import holds_traced, scipy_rule
from adjoint.trace.views import detached

F = TypeVar("F", bound=Callable[..., Any])


def hashable(x: Any) -> Hashable:
    """Settings of a filter as a key; arrays by their bytes."""
    if isinstance(x, np.ndarray):
        return (x.shape, x.dtype.str, x.tobytes())
    if isinstance(x, list | tuple):
        return tuple(hashable(part) for part in x)
    found: Hashable = x
    return found


def image_rule(name: str, rounds: bool = False) -> Callable[[F], F]:
    """Say that a rule does what a function of scipy.ndimage does, for images of any dtype.

    Args:
        name: of the function.
        rounds: whether the rule's last digits differ from SciPy's for fixed settings too.
    """

    def note(rule: F) -> F:
        parameters = inspect.signature(rule)
        own_dtype = parameters.parameters["output"].default

        @scipy_rule(f"scipy.ndimage.{name}")
        @wraps(rule)
        def of_any_dtype(input: Any, *args: Any, **options: Any) -> Any:
            settings = _as_given(parameters, parameters.bind(input, *args, **options).arguments)
            image = as_operand(settings.pop("input"))
            given = settings.pop("output", own_dtype)
            kept = image.dtype if given is None else np.dtype(given)
            if "weights" in settings and as_operand(settings["weights"]).dtype.kind == "c":
                kept = np.promote_types(kept, np.complex64)
            if kept.kind in "biu":
                return _integers(name, image, kept, settings)
            result = rule(floating(image), **settings)
            result = result.astype(kept) if result.dtype.kind == kept.kind else result
            if rounds or holds_traced(settings.values()):
                return _with_own_digits(name, image, settings, given, result)
            return result

        return rule

    return note


def _with_own_digits(
    name: str, image: Any, settings: dict[str, Any], output: Any, result: Any
) -> Any:
    """A result with SciPy's rounding, where values are known."""
    if is_unknown(image, *settings.values()) or any(map(callable, settings.values())):
        return result
    function = getattr(importlib.import_module("scipy.ndimage"), name)
    plain = {key: known_parts(value) for key, value in settings.items()}
    theirs = function(known_value(image), output=output, **plain)
    if theirs.dtype != result.dtype or not np.all(np.isfinite(theirs)):
        return result
    return moved_as(theirs, result)


def _as_given(parameters: inspect.Signature, settings: dict[str, Any]) -> dict[str, Any]:
    """Settings by name; those that a rule passes on have no name of their own."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        rest = parameters.parameters[key].kind is inspect.Parameter.VAR_KEYWORD
        flat.update(value if rest else {key: value})
    return flat


def _integers(name: str, image: Any, kept: np.dtype[Any], settings: dict[str, Any]) -> Any:
    if kept != image.dtype or holds_traced(settings.values()):
        raise UnsupportedError(
            "an image of integers gives integers, which have no derivative",
            function=f"scipy.ndimage.{name}",
            source=source_here(),
            remedy="give it image.astype(float)",
        )
    function = getattr(importlib.import_module("scipy.ndimage"), name)

    def apply(x: Any) -> Any:
        return function(x, **settings)

    def refuse(x: Any) -> Any:
        raise TypeError("integers have no derivative")

    shape = np.shape(apply(np.zeros(image.shape, image.dtype)))
    key = hashable(tuple(sorted(settings.items())))
    made = LinearMap(f"{name} of integers", key, (image.shape, shape), apply, refuse)
    return linear_map(detached(image), map=made)
