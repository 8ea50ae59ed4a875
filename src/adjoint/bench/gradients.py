"""value_and_grad of one function of arrays, once for each contender."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import adjoint as ad
from adjoint.bench.harness import Contender, MissingPeerError, Row

Function = Callable[..., Any]
Make = Callable[[Any], Function]  # namespace -> function written in it


@dataclass(frozen=True)
class Forms:
    """One function as each library wants it; None where it cannot be written.

    Args:
        numpy: ours.
        jax: for ``jax.jit``.
        torch: given :class:`TorchNumPy`.
        autograd: given ``autograd.numpy``.
        by_hand: value and gradient in NumPy, written out.
    """

    numpy: Make
    jax: Make | None = None
    torch: Make | None = None
    autograd: Make | None = None
    by_hand: Callable[[Any], Any] | None = None


def same(make: Make, by_hand: Callable[[Any], Any] | None = None, torch: bool = True) -> Forms:
    """A function that reads the same in every library."""
    return Forms(make, make, make if torch else None, make, by_hand)


def _repeat(call: Callable[[], Any]) -> Contender:
    def run(n: int) -> float:
        value: Any = None
        for _ in range(n):
            value = call()
        value, gradient = value
        while isinstance(gradient, list | tuple):
            gradient = gradient[0]
        return float(value) + float(np.sum(np.asarray(gradient, np.float64)))

    return run


def _wanted(make: Make | None) -> Make:
    if make is None:
        raise MissingPeerError("the function cannot be written for this peer")
    return make


def by_adjoint(forms: Forms, x: Any, threads: int | None = None) -> Contender:
    """One native call."""
    g = ad.jit(ad.value_and_grad(forms.numpy(np)), threads=threads)
    return _repeat(lambda: g(x))


def by_jax(forms: Forms, x: Any) -> Contender:
    """One jitted call, results as NumPy arrays."""
    make = _wanted(forms.jax)
    import jax

    config: Any = jax.config
    config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    g = jax.jit(jax.value_and_grad(make(jnp)))
    point = jax.tree.map(jnp.asarray, x)

    def call() -> Any:
        value, gradient = g(point)
        return value, jax.tree.map(np.asarray, gradient)

    return _repeat(call)


def by_autograd(forms: Forms, x: Any) -> Contender:
    """HIPS autograd records every call anew."""
    make = _wanted(forms.autograd)
    import autograd
    import autograd.numpy as anp

    g = autograd.value_and_grad(make(anp))
    return _repeat(lambda: g(x))


def by_torch(forms: Forms, x: Any, threads: int, *, compiled: bool = False) -> Contender:
    """PyTorch, eager or compiled."""
    make = _wanted(forms.torch)
    import torch

    f = make(TorchNumPy(torch))
    if compiled:
        f = torch.compile(f)

    def call() -> Any:
        torch.set_num_threads(threads)
        point = _torch_leaves(torch, x)
        value = f(point)
        value.backward()
        many = isinstance(point, tuple)
        gradient = [p.grad.numpy() for p in point] if many else point.grad.numpy()
        return value.detach(), gradient

    return _repeat(call)


def by_hand(forms: Forms, x: Any) -> Contender:
    """NumPy, the derivative written out."""
    written = forms.by_hand
    if written is None:
        raise MissingPeerError("nobody wrote this one by hand")
    return _repeat(lambda: written(x))


def gradient_row(
    family: str, name: str, forms: Forms, x: Any, flops: float, bar: float | None = None
) -> Row:
    """A row with every contender."""
    leaves = x if isinstance(x, tuple) else (x,)
    contenders: dict[str, Callable[[], Contender]] = {
        "adjoint": lambda: by_adjoint(forms, x),
        "adjoint 1 thread": lambda: by_adjoint(forms, x, 1),
        "numpy": lambda: by_hand(forms, x),
        "autograd": lambda: by_autograd(forms, x),
        "jax jit": lambda: by_jax(forms, x),
        "torch eager 1": lambda: by_torch(forms, x, 1),
        "torch eager 2": lambda: by_torch(forms, x, 2),
        "torch compile 1": lambda: by_torch(forms, x, 1, compiled=True),
        "torch compile 2": lambda: by_torch(forms, x, 2, compiled=True),
    }

    def cost() -> tuple[Contender, Contender]:
        f = ad.jit(forms.numpy(np))
        return _repeat(lambda: (f(x), 0.0)), by_adjoint(forms, x)

    dtype = str(leaves[0].dtype)
    tolerance = 1e-8 if dtype == "float64" else 1e-3
    moved = 2.0 * sum(leaf.nbytes for leaf in leaves)
    return Row(family, name, contenders, flops, moved, dtype, tolerance, 1, bar, cost=cost)


class TorchNumPy:
    """The few NumPy names these functions use, over torch."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch

    def __getattr__(self, name: str) -> Any:
        return getattr(self.torch, name)

    def sum(self, x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
        """The sum over an axis or all."""
        return self.torch.sum(x) if axis is None else self.torch.sum(x, axis, keepdims)

    def max(self, x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
        """The maximum over an axis or all."""
        return self.torch.max(x) if axis is None else self.torch.amax(x, axis, keepdims)

    def maximum(self, x: Any, y: Any) -> Any:
        """The larger, also of an array and a number."""
        return self.torch.clamp(x, min=y)

    def concatenate(self, xs: Any, axis: int = 0) -> Any:
        """Joined along an axis."""
        return self.torch.cat(xs, dim=axis)


def _torch_leaves(torch: Any, x: Any) -> Any:
    if isinstance(x, tuple):
        return tuple(_torch_leaves(torch, leaf) for leaf in x)
    return torch.from_numpy(x.copy()).requires_grad_()
