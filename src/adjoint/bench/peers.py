"""The peers' training steps, each in its library's fastest forms."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.bench.harness import Contender, MissingPeerError, Row
from adjoint.bench.training import (
    BETA1,
    BETA2,
    EPSILON,
    MASS,
    RATE,
    Training,
    by_adjoint,
    by_numpy,
    initial_state,
    our_cost,
    update,
)


def by_jax(training: Training, *, scan: bool) -> Contender:
    """JAX: one jitted call a step, or ``lax.scan`` over an epoch in one call."""
    import jax
    import jax.numpy as jnp

    gradient = jax.value_and_grad(training.loss_jax())

    def step(carry: Any, batch: Any) -> Any:
        p, state, t = carry
        value, g = gradient(p, *batch)
        t = t + 1
        p, state = update(training.optimizer, jnp, p, g, state, t)
        return (p, state, t), value

    one = jax.jit(step, donate_argnums=0)
    epoch = jax.jit(lambda carry, X, Y: jax.lax.scan(step, carry, (X, Y)), donate_argnums=0)
    X, Y = jnp.asarray(training.X), jnp.asarray(training.Y)
    batches = [(X[i], Y[i]) for i in range(len(X))]

    def run(n: int) -> float:
        start = (training.parameters, initial_state(training), np.float32(0))
        carry, value = jax.tree.map(jnp.array, start), jnp.float32(jnp.nan)
        if not scan or n < len(X):
            for i in range(n):
                carry, value = one(carry, batches[i % len(X)])
            return float(value)
        for _ in range(n // len(X)):
            carry, values = epoch(carry, X, Y)
        return float(values[-1])

    return run


def by_torch(training: Training, threads: int, *, compiled: bool = False) -> Contender:
    """PyTorch with its fused optimisers, eager or compiled."""
    import torch

    loss_function = training.loss_torch()
    if compiled:
        loss_function = torch.compile(loss_function)
    X, Y = torch.from_numpy(training.X), torch.from_numpy(training.Y)
    batches = [(X[i], Y[i]) for i in range(len(X))]

    def make_optimizer(p: list[Any]) -> Any:
        if training.optimizer == "adam":
            return torch.optim.Adam(p, RATE, (BETA1, BETA2), EPSILON, fused=True)
        mass = MASS if training.optimizer == "momentum" else 0.0
        return torch.optim.SGD(p, RATE, mass, fused=True)

    def run(n: int) -> float:
        torch.set_num_threads(threads)
        p = [torch.from_numpy(a.copy()).requires_grad_() for a in training.parameters]
        optimizer = make_optimizer(p)
        loss: Any = None
        for i in range(n):
            loss = loss_function(p, *batches[i % len(X)])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        return float(loss.detach())

    return run


def by_torch_function(training: Training, threads: int) -> Contender:
    """PyTorch's functional form, compiled whole: gradient and update in one graph."""
    import torch

    gradient = torch.func.grad_and_value(training.loss_torch())

    def one(p: Any, state: Any, t: Any, x: Any, y: Any) -> Any:
        g, value = gradient(p, x, y)
        p, state = update(training.optimizer, torch, p, g, state, t)
        return p, state, value

    step: Any = torch.compile(one)
    X, Y = torch.from_numpy(training.X), torch.from_numpy(training.Y)
    batches = [(X[i], Y[i]) for i in range(len(X))]

    def run(n: int) -> float:
        torch.set_num_threads(threads)
        p = [torch.from_numpy(a.copy()) for a in training.parameters]
        state = initial_state(training)
        if training.optimizer == "momentum":
            state = [torch.from_numpy(a) for a in state]
        elif training.optimizer == "adam":
            state = tuple([torch.from_numpy(a) for a in part] for part in state)
        t, value = torch.zeros(()), torch.zeros(())
        for i in range(n):
            t = t + 1
            p, state, value = step(p, state, t, *batches[i % len(X)])
        return float(value)

    return run


def by_autograd(training: Training) -> Contender:
    """HIPS autograd, a step at a time."""
    if training.loss_autograd is None:
        raise MissingPeerError("its loss is not written for autograd")
    import autograd

    gradient = autograd.value_and_grad(training.loss_autograd())

    def run(n: int) -> float:
        p = [a.copy() for a in training.parameters]
        state, t, loss = initial_state(training), np.float32(0), np.nan
        for i in range(n):
            k = i % len(training.X)
            loss, g = gradient(p, training.X[k], training.Y[k])
            t += np.float32(1)
            p, state = update(training.optimizer, np, p, g, state, t)
        return float(loss)

    return run


def by_sklearn(training: Training) -> Contender:
    """scikit-learn's perceptron: an epoch a call, its batches in the same order."""
    layers = training.layers
    if layers is None:
        raise MissingPeerError("scikit-learn trains perceptrons only")
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    squared = layers.loss == "squared"
    n_batches, batch = training.X.shape[:2]
    X = training.X.reshape(n_batches * batch, -1)
    Y = training.Y.reshape(n_batches * batch, -1)
    if squared:
        Y = Y.ravel() if Y.shape[1] == 1 else Y
    else:
        Y = Y.argmax(axis=1)
    # Its squared error is half of ours, and summed over the outputs in its gradient.
    rate = 2 * RATE / training.Y.shape[-1] if squared and training.optimizer != "adam" else RATE
    weights = [a.copy() for a in training.parameters[::2]]
    biases = [a.copy() for a in training.parameters[1::2]]
    options = {"classes": np.arange(training.Y.shape[-1])} if not squared else {}

    def start() -> Any:
        model: Any = (MLPRegressor if squared else MLPClassifier)(
            hidden_layer_sizes=[w.shape[1] for w in weights[:-1]],
            activation=layers.activation,
            solver="adam" if training.optimizer == "adam" else "sgd",
            alpha=0.0,
            batch_size=batch,
            learning_rate_init=rate,
            shuffle=False,
            momentum=MASS if training.optimizer == "momentum" else 0.0,
            nesterovs_momentum=False,
            beta_1=BETA1,
            beta_2=BETA2,
            epsilon=EPSILON,
        )
        model.partial_fit(X[:batch], Y[:batch], **options)
        # Our parameters, and an optimiser that knows nothing yet.
        model.coefs_ = [w.copy() for w in weights]
        model.intercepts_ = [b.copy() for b in biases]
        del model._optimizer
        return model

    first = start()

    def run(n: int) -> float:
        model = copy.deepcopy(first)
        if n < n_batches:
            for i in range(n):
                part = slice(i * batch, (i + 1) * batch)
                model.partial_fit(X[part], Y[part])
        else:
            for _ in range(n // n_batches):
                model.partial_fit(X, Y)
        return float(model.loss_) * (2 if squared else 1)

    return run


def training_row(family: str, training: Training, bar: float | None = None) -> Row:
    """A row with every contender."""
    contenders: dict[str, Callable[[], Contender]] = {
        "adjoint": lambda: by_adjoint(training),
        "adjoint 1 thread": lambda: by_adjoint(training, 1),
        "numpy": lambda: by_numpy(training),
        "autograd": lambda: by_autograd(training),
        "sklearn": lambda: by_sklearn(training),
        "jax jit": lambda: by_jax(training, scan=False),
        "jax scan": lambda: by_jax(training, scan=True),
        "torch eager 1": lambda: by_torch(training, 1),
        "torch eager 2": lambda: by_torch(training, 2),
        "torch compile 1": lambda: by_torch(training, 1, compiled=True),
        "torch compile 2": lambda: by_torch(training, 2, compiled=True),
        "torch compile func 1": lambda: by_torch_function(training, 1),
        "torch compile func 2": lambda: by_torch_function(training, 2),
    }
    return Row(
        family,
        f"{training.name} {training.optimizer}",
        contenders,
        training.flops,
        training.bytes,
        bar=bar,
        unit=len(training.X),
        cost=lambda: our_cost(training),
        cost_bar=training.cost_bar,
    )
