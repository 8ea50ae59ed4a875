"""scipy.integrate: samples, adaptive integrals, differential equations."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.integrate as it

import adjoint as ad

_spec = importlib.util.spec_from_file_location("checking", Path(__file__).with_name("checking.py"))
assert _spec is not None
assert _spec.loader is not None
checking = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(checking)

CASES: list[Any] = []


def c(name: str, f: Callable[..., Any], *args: Any, skip: str = "", tol: float = 1e-6) -> None:
    """Note a case; values are compared to rounding unless ``exact`` is among skip."""
    left_out = {"bits", *skip.split()} - ({"bits"} if "exact" in skip else set())
    CASES.append(checking.Case(name, f, args, frozenset(left_out), tol))


def q(name: str, f: Callable[..., Any], *args: Any, **options: Any) -> None:
    """Limits and integrands must be known: no vmap, no jit."""
    c(name, f, *args, skip="vmap jit", **options)


r = np.random.default_rng(3)
y = r.normal(size=(3, 7))
xx = np.linspace(0.0, 3.0, 7) + 0.2 * r.uniform(size=7)
for n in (2, 3, 4, 7):
    c(f"simpson-{n}", *(lambda y, x: it.simpson(y, x=x), y[:, :n], xx[:n]))
    c(f"simpson-dx-{n}", lambda y: it.simpson(y, dx=0.3, axis=0), y.T[:n])
c("trap", *(lambda y, x: it.trapezoid(y, x), y, xx))
c("ct", *(lambda y, x: it.cumulative_trapezoid(y, x, initial=0), y, xx))
c("ct0", lambda y: it.cumulative_trapezoid(y, axis=0), y)
c("romb", lambda y: it.romb(y[:, :5], dx=0.2), y)
q(
    "quad",
    lambda p: np.stack([it.quad(lambda x: np.exp(-p[0] * x) * np.sin(p[1] * x), p[2], p[3])[0]]),
    np.array([0.7, 2.0, 0.1, 1.8]),
)
q(
    "quadargs",
    lambda p: np.stack(
        [it.quad(lambda x, a, b: np.exp(-a * x * x) + b * x, p[2], p[3], args=(p[0], p[1]))[0]]
    ),
    np.array([0.7, 2.0, 1.8, 0.2]),
)
q(
    "quadinf",
    lambda p: np.stack(
        [
            it.quad(lambda x: np.exp(-p[0] * x * x) * (1 + p[1] * x), p[2], np.inf)[0],
            it.quad(lambda x: np.exp(-p[0] * x * x), -np.inf, np.inf)[0],
            it.quad(lambda x: np.exp(-p[0] * x * x), -np.inf, p[1])[0],
        ]
    ),
    np.array([0.7, 0.4, 0.1]),
)
q(
    "quadbr",
    lambda p: np.stack(
        [
            it.quad(
                lambda x: p[0] * x if x < 0.5 else p[1],
                0,
                1,
            )[0]
        ]
    ),
    np.array([0.7, 0.4]),
    tol=1e-3,
)
c(
    "fq",
    lambda p: np.stack([it.fixed_quad(lambda x: np.exp(-p[0] * x), 0.0, p[1], n=6)[0]]),
    np.array([0.7, 2.0]),
)


TIGHT = {"rtol": 1e-11, "atol": 1e-12}
TIMES = np.array([0.0, 0.9, 2.0])
START = np.array([1.0, 0.7, 1.3, 0.9])


def prey(t: Any, y: Any, a: Any, b: Any) -> Any:
    """Lotka and Volterra's equations, with a season."""
    return [a * y[0] - b * y[0] * y[1], -y[1] + 0.5 * y[0] * y[1] * np.cos(t)]


def solution(method: str, tight: dict[str, float]) -> Callable[[Any], Any]:
    def f(p: Any) -> Any:
        # the parameters come through the closure, the start as an argument
        return it.solve_ivp(
            lambda t, y: prey(t, y, p[2], p[3]), (0, 2), p[:2], method, TIMES, **tight
        ).y

    return f


c("solve_ivp-RK45", solution("RK45", TIGHT), START, skip="exact second vmap", tol=1e-5)
# small, so that every mode may be tried: derivatives of derivatives, batches, graphs
c(
    "solve_ivp-every-mode",
    lambda p: it.solve_ivp(lambda t, y: -p[0] * y * y, (0, 1), p[1:], "RK45", [1.0], **TIGHT).y,
    np.array([0.7, 1.2]),
    skip="exact",
    tol=1e-5,
)
c("solve_ivp-DOP853", solution("DOP853", TIGHT), START, skip="exact second vmap", tol=1e-5)
c("solve_ivp-LSODA", solution("LSODA", TIGHT), START, skip="exact second vmap", tol=1e-5)
c(
    "solve_ivp-Radau",
    solution("Radau", {"rtol": 1e-9, "atol": 1e-10}),
    START,
    skip="exact second vmap jit",
    tol=1e-5,
)
# everything at once: the span, the start, and parameters given as arguments
c(
    "solve_ivp-span",
    lambda p: it.solve_ivp(prey, (p[2], p[3]), p[4:], args=(p[0], p[1]), **TIGHT).y[:, -1],
    np.array([1.3, 0.9, 0.1, 1.9, 1.0, 0.5]),
    skip="exact second vmap jit",
    tol=1e-5,
)
c(
    "solve_ivp-plain-start",
    lambda p: it.solve_ivp(prey, (0, 2), [1.0, 0.5], args=(p[0], p[1]), **TIGHT).y[:, -1],
    np.array([1.3, 0.9]),
    skip="exact second vmap jit",
    tol=1e-5,
)
c(
    "odeint",
    lambda p: it.odeint(
        lambda y, t: np.array([-p[0] * y[0] + y[1], -p[1] * y[1]]), p[2:], TIMES, **TIGHT
    ),
    np.array([1.3, 0.9, 1.0, 0.5]),
    skip="exact second",
    tol=1e-5,
)
c(
    "odeint-times",
    lambda p: it.odeint(lambda y, t: -p[0] * y, 1.0, np.concatenate([[0.0], p[1:]]), **TIGHT),
    np.array([1.3, 0.9, 1.5]),
    skip="exact second vmap jit",
    tol=1e-5,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_function(case: Any, rng: np.random.Generator) -> None:
    checking.check(case, rng)


def test_a_branch_in_the_right_hand_side_is_refused_inside_jit() -> None:
    def fall(t: Any, y: Any) -> Any:
        return -y if y[0] > 0.5 else y

    with pytest.raises(ad.errors.ConcreteValueError, match="recorded once"):
        ad.jit(ad.grad(lambda y0: it.solve_ivp(fall, (0, 1), y0).y[0, -1]))(np.array([1.0]))


def test_a_solution_nobody_records_is_scipys_own() -> None:
    plain = it.solve_ivp(lambda t, y: -y, (0, 1), [1.0])

    def f(x: float) -> float:
        inner = it.solve_ivp(lambda t, y: -y, (0, 1), [1.0])
        assert type(inner.y) is np.ndarray
        assert np.array_equal(inner.y, plain.y)
        return x * x

    assert ad.grad(f)(3.0) == 6.0
