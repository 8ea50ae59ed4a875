"""The peers' training loops. Each import fails quietly where the peer is not installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.bench.harness import Contender


def jax_steps(
    problem: Any, loss_function: Any, update: Any, initial_state: Any, *, scan: bool
) -> Contender:
    """JAX: one jitted call a step, or ``lax.scan`` over an epoch in one call."""
    import jax
    import jax.numpy as jnp

    gradient = jax.value_and_grad(loss_function(problem, jnp))

    def step(carry: Any, batch: Any) -> Any:
        p, state, t = carry
        value, g = gradient(p, *batch)
        t = t + 1
        p, state = update(problem, jnp, p, g, state, t)
        return (p, state, t), value

    one = jax.jit(step, donate_argnums=0)
    epoch = jax.jit(lambda carry, X, Y: jax.lax.scan(step, carry, (X, Y)), donate_argnums=0)
    X, Y = jnp.asarray(problem.X), jnp.asarray(problem.Y)
    batches = [(X[i], Y[i]) for i in range(problem.n_batches)]

    def start() -> Any:
        return jax.tree.map(jnp.array, (problem.parameters, initial_state(problem), np.float32(0)))

    def run(n: int) -> float:
        carry, value = start(), jnp.float32(jnp.nan)
        if not scan or n <= 4:
            for i in range(n):
                carry, value = one(carry, batches[i % problem.n_batches])
            return float(value)
        for _ in range(-(-n // problem.n_batches)):
            carry, values = epoch(carry, X, Y)
        return float(values[-1])

    return run


def torch_steps(problem: Any, threads: int) -> Contender:
    """PyTorch eager with its fused optimisers."""
    import torch

    activation: Callable[[Any], Any] = torch.tanh if problem.activation == "tanh" else torch.relu
    X, Y = torch.from_numpy(problem.X), torch.from_numpy(problem.Y)
    batches = [(X[i], Y[i]) for i in range(problem.n_batches)]

    def make_optimizer(p: list[Any]) -> Any:
        from adjoint.bench.mlp import BETA1, BETA2, EPSILON, MASS, RATE

        if problem.optimizer == "adam":
            return torch.optim.Adam(p, RATE, (BETA1, BETA2), EPSILON, fused=True)
        mass = MASS if problem.optimizer == "momentum" else 0.0
        return torch.optim.SGD(p, RATE, mass, fused=True)

    def run(n: int) -> float:
        torch.set_num_threads(threads)
        p = [torch.from_numpy(a.copy()).requires_grad_() for a in problem.parameters]
        optimizer = make_optimizer(p)
        loss: Any = None
        for i in range(n):
            x, y = batches[i % problem.n_batches]
            h = x
            for k in range(0, len(p), 2):
                h = torch.addmm(p[k + 1], h, p[k])
                if k < len(p) - 2:
                    h = activation(h)
            if problem.loss == "cross-entropy":
                loss = torch.nn.functional.cross_entropy(h, y)
            else:
                loss = torch.nn.functional.mse_loss(h, y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        return float(loss.detach())

    return run
