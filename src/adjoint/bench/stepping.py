"""Time steppers as NumPy users write them: arrays filled in place by a Python loop.

Peers that cannot fill arrays in place get the same steps on whole arrays: ``lax.scan`` in JAX,
lists in PyTorch and autograd.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from adjoint.bench.gradients import Forms, gradient_row
from adjoint.bench.harness import Row, Rows

# A step on whole arrays: (namespace, state) -> state. States are tuples of arrays.
Step = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Stepper:
    """A program that steps.

    Args:
        name: for the table, the sizes in it.
        in_place: the program, given the start.
        start: makes the state of the other form from the start.
        step: of the other form.
        finish: the result from the list of states, or from the last one.
        keeps: whether the result needs every state.
        steps: how many.
        x: the start.
        flops: of function and gradient.
    """

    name: str
    in_place: Callable[[Any], Any]
    start: Callable[[Any, Any], Any]
    step: Step
    finish: Callable[[Any, Any], Any]
    keeps: bool
    steps: int
    x: Any
    flops: float


def _looped(stepper: Stepper) -> Callable[[Any], Callable[[Any], Any]]:
    def make(xp: Any) -> Callable[[Any], Any]:
        def f(x: Any) -> Any:
            state = stepper.start(xp, x)
            states = [state]
            for _ in range(stepper.steps):
                state = stepper.step(xp, state)
                if stepper.keeps:
                    states.append(state)
            if not stepper.keeps:
                return stepper.finish(xp, state)
            return stepper.finish(xp, tuple(map(xp.stack, zip(*states, strict=True))))

        return f

    return make


def _scanned(stepper: Stepper) -> Callable[[Any], Callable[[Any], Any]]:
    def make(xp: Any) -> Callable[[Any], Any]:
        import jax

        def f(x: Any) -> Any:
            first = stepper.start(xp, x)

            def body(state: Any, _: Any) -> Any:
                state = stepper.step(xp, state)
                return state, state if stepper.keeps else None

            last, states = jax.lax.scan(body, first, None, length=stepper.steps)
            if not stepper.keeps:
                return stepper.finish(xp, last)
            joined = tuple(xp.concatenate([a[None], b]) for a, b in zip(first, states, strict=True))
            return stepper.finish(xp, joined)

        return f

    return make


def _row(make: Callable[[], Stepper]) -> Row:
    s = make()
    loop = _looped(s)
    forms = Forms(lambda _: s.in_place, _scanned(s), loop, loop)
    return gradient_row("stepping", s.name, forms, s.x, s.flops, 1.3)


def heat_line(n: int, steps: int) -> Stepper:
    """The heat equation on a line, every time level kept."""

    def in_place(u0: Any) -> Any:
        u = np.zeros((steps + 1, n))
        u[0] = u0
        for t in range(steps):
            u[t + 1, 1:-1] = u[t, 1:-1] + 0.2 * (u[t, 2:] - 2 * u[t, 1:-1] + u[t, :-2])
        return np.sum(u * u)

    def step(xp: Any, state: Any) -> Any:
        (u,) = state
        inner = u[1:-1] + 0.2 * (u[2:] - 2 * u[1:-1] + u[:-2])
        zero = 0.0 * u[:1]
        return (xp.concatenate([zero, inner, zero]),)

    return Stepper(
        f"heat 1-D n={n} x{steps}",
        in_place,
        lambda xp, x: (x,),
        step,
        lambda xp, states: xp.sum(states[0] * states[0]),
        True,
        steps,
        np.random.default_rng(0).normal(size=n),
        steps * n * 15.0,
    )


def heat_plane(n: int, steps: int) -> Stepper:
    """The heat equation on a square, one array updated in place."""

    def in_place(u0: Any) -> Any:
        u = u0.copy()
        for _ in range(steps):
            u[1:-1, 1:-1] += 0.1 * (
                u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1]
            )
        return np.sum(u * u)

    def step(xp: Any, state: Any) -> Any:
        (u,) = state
        inner = u[1:-1, 1:-1] + 0.1 * (
            u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1]
        )
        row = xp.concatenate([u[1:-1, :1], inner, u[1:-1, -1:]], axis=1)
        return (xp.concatenate([u[:1], row, u[-1:]], axis=0),)

    return Stepper(
        f"heat 2-D {n}^2 x{steps}",
        in_place,
        lambda xp, x: (x,),
        step,
        lambda xp, state: xp.sum(state[0] * state[0]),
        False,
        steps,
        np.random.default_rng(0).normal(size=(n, n)),
        steps * n * n * 14.0,
    )


def wave_line(n: int, steps: int) -> Stepper:
    """The wave equation on a line: two old time levels make the new one."""

    def in_place(u0: Any) -> Any:
        u = np.zeros((steps + 2, n))
        u[0] = u0
        u[1] = u0
        for t in range(1, steps + 1):
            u[t + 1, 1:-1] = (
                2 * u[t, 1:-1] - u[t - 1, 1:-1] + 0.25 * (u[t, 2:] - 2 * u[t, 1:-1] + u[t, :-2])
            )
        return np.sum(u[-1] ** 2)

    def step(xp: Any, state: Any) -> Any:
        old, u = state
        inner = 2 * u[1:-1] - old[1:-1] + 0.25 * (u[2:] - 2 * u[1:-1] + u[:-2])
        zero = 0.0 * u[:1]
        return u, xp.concatenate([zero, inner, zero])

    return Stepper(
        f"wave 1-D n={n} x{steps}",
        in_place,
        lambda xp, x: (x, x),
        step,
        lambda xp, state: xp.sum(state[1] ** 2),
        False,
        steps,
        np.random.default_rng(0).normal(size=n),
        steps * n * 18.0,
    )


def lorenz(steps: int) -> Stepper:
    """Three numbers a step, kept in an array."""
    dt = 0.005

    def in_place(start: Any) -> Any:
        path = np.zeros((steps + 1, 3))
        path[0] = start
        for t in range(steps):
            x, y, z = path[t, 0], path[t, 1], path[t, 2]
            path[t + 1, 0] = x + dt * 10.0 * (y - x)
            path[t + 1, 1] = y + dt * (x * (28.0 - z) - y)
            path[t + 1, 2] = z + dt * (x * y - 8.0 / 3.0 * z)
        return np.mean(path[:, 2])

    def step(xp: Any, state: Any) -> Any:
        x, y, z = state
        return (
            x + dt * 10.0 * (y - x),
            y + dt * (x * (28.0 - z) - y),
            z + dt * (x * y - 8.0 / 3.0 * z),
        )

    return Stepper(
        f"Lorenz x{steps}",
        in_place,
        lambda xp, x: (x[0], x[1], x[2]),
        step,
        lambda xp, states: xp.mean(states[2]),
        True,
        steps,
        np.array([1.0, 1.5, 20.0]),
        steps * 40.0,
    )


STEPPERS: dict[str, Callable[[], Stepper]] = {
    "stepping heat 1-D n=200 x500": partial(heat_line, 200, 500),
    "stepping heat 2-D 64^2 x50": partial(heat_plane, 64, 50),
    "stepping heat 2-D 256^2 x100": partial(heat_plane, 256, 100),
    "stepping wave 1-D n=1000 x400": partial(wave_line, 1000, 400),
    "stepping Lorenz x200": partial(lorenz, 200),
    "stepping Lorenz x1000": partial(lorenz, 1000),
}


def rows() -> Rows:
    """All programs."""
    return {name: partial(_row, make) for name, make in STEPPERS.items()}
