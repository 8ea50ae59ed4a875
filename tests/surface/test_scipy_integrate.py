"""scipy.integrate: samples, adaptive integrals, differential equations."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.integrate as it

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


r = np.random.default_rng(3)
pair = lambda a, b: np.concatenate([a.ravel(), b.ravel()])
y = r.normal(size=(3, 7))
xx = np.sort(r.uniform(size=7))
for n in (2, 3, 4, 7):
    c("simp%d" % n, *(lambda y, x: it.simpson(y, x=x), y[:, :n], xx[:n]))
    c("simpd%d" % n, lambda y: it.simpson(y, dx=0.3, axis=0), y.T[:n])
c("trap", *(lambda y, x: it.trapezoid(y, x), y, xx))
c("ct", *(lambda y, x: it.cumulative_trapezoid(y, x, initial=0), y, xx))
c("ct0", lambda y: it.cumulative_trapezoid(y, axis=0), y)
c("romb", lambda y: it.romb(y[:, :5], dx=0.2), y)
c(
    "quad",
    lambda p: np.stack([it.quad(lambda x: np.exp(-p[0] * x) * np.sin(p[1] * x), p[2], p[3])[0]]),
    np.array([0.7, 2.0, 0.1, 1.8]),
)
c(
    "quadargs",
    lambda p: np.stack(
        [it.quad(lambda x, a, b: np.exp(-a * x * x) + b * x, p[2], p[3], args=(p[0], p[1]))[0]]
    ),
    np.array([0.7, 2.0, 1.8, 0.2]),
)
c(
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
c(
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
tight = dict(rtol=1e-11, atol=1e-12)
lv = lambda t, y, a, b: [a * y[0] - b * y[0] * y[1], -y[1] + 0.5 * y[0] * y[1] * np.cos(t)]
te = np.linspace(0, 2, 5)
for m in ("RK45", "DOP853", "LSODA", "Radau", "RK23") if "all" in sys.argv else ("RK45", "LSODA"):
    c(
        "ivp" + m,
        lambda p, m=m: (
            it.solve_ivp(
                lambda t, y: lv(t, y, p[2], p[3]),
                (0, 2),
                p[:2],
                method=m,
                t_eval=te,
                **(tight if m in ("RK45", "DOP853", "LSODA") else dict(rtol=1e-9, atol=1e-10)),
            ).y
        ),
        np.array([1.0, 0.7, 1.3, 0.9]),
    )
c(
    "ivpargs",
    lambda p: it.solve_ivp(lv, (0, 2), [1.0, 0.5], args=(p[0], p[1]), **tight).y[:, -1],
    np.array([1.3, 0.9]),
)
c(
    "ivpt",
    lambda p: it.solve_ivp(lv, (p[2], p[3]), p[4:], args=(p[0], p[1]), **tight).y[:, -1],
    np.array([1.3, 0.9, 0.1, 1.9, 1.0, 0.5]),
)
c(
    "odeint",
    lambda p: it.odeint(
        lambda y, t: np.array([-p[0] * y[0] + y[1], -p[1] * y[1]]),
        p[2:],
        te,
        rtol=1e-11,
        atol=1e-12,
    ),
    np.array([1.3, 0.9, 1.0, 0.5]),
)
c(
    "odeintts",
    lambda p: it.odeint(
        lambda y, t: -p[0] * y, 1.0, np.concatenate([np.zeros(1), p[1:]]), rtol=1e-11, atol=1e-12
    ),
    np.array([1.3, 0.9, 1.0, 1.5]),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_function(case: Any, rng: np.random.Generator) -> None:
    checking.check(case, rng)
