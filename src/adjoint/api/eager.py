"""Functions that decide on values, inside jit: run when the program runs, derivatives and all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api.callback import pure_callback
from adjoint.api.custom import custom_jvp
from adjoint.api.matrices import jacobian

Vector = Callable[[Any], Any]


def when_run(f: Callable[..., Any], given: list[Any], sample: list[Any]) -> Any:
    """The result of f, found outside the recording when the values are known.

    Args:
        f: takes the arrays; it must have derivatives outside jit, and results whose shapes
            are those at the sample.
        given: real arrays that are not known yet.
        sample: plain arrays of the same shapes, at which f can be called.
    """
    shapes = [np.shape(x) for x in given]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    example, structure = tree.flatten(f(*sample))
    kinds = [(np.shape(y), np.asarray(y).dtype.kind == "c") for y in example]

    def flat(x: Any) -> Any:
        parts = np.split(x, ends[:-1])
        found = f(*[np.reshape(p, shape) for p, shape in zip(parts, shapes, strict=True)])
        rows = []
        for y, (_, is_complex) in zip(tree.flatten(found)[0], kinds, strict=True):
            rows += [np.ravel(np.real(y))] + ([np.ravel(np.imag(y))] if is_complex else [])
        return np.concatenate(rows).astype(np.float64)

    start = np.concatenate([np.ravel(np.asarray(x, np.float64)) for x in sample])
    y = _called(flat, flat(start).shape, np.concatenate([np.ravel(x) for x in given]))
    made, at = [], 0
    for shape, is_complex in kinds:
        size = int(np.prod(shape))
        part = np.reshape(y[at : at + size], shape)
        at += size
        if is_complex:
            part = part + 1j * np.reshape(y[at : at + size], shape)
            at += size
        made.append(part)
    return tree.unflatten(structure, made)


def _called(f: Vector, shape: tuple[int, ...], x: Any) -> Any:
    """A call when the program runs, whose derivative is a call of the derivative."""
    n = x.shape[0]

    def slope(v: Any) -> Any:
        return np.reshape(jacobian(f)(v), (*shape, n))

    @custom_jvp
    def call(v: Any) -> Any:
        return pure_callback(f, np.zeros(shape), v)

    @call.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        return call(primals[0]), _called(slope, (*shape, n), primals[0]) @ tangents[0]

    return call(x)
