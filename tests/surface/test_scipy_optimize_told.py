"""What SciPy's solvers say of their steps: as without recording, or refused by name."""

import numpy as np
import pytest
from scipy import optimize

import adjoint as ad
from adjoint.errors import UnsupportedError


def valley(a):
    return lambda x: (1 - x[0]) ** 2 + a * (x[1] - x[0] ** 2) ** 2


def equations(a):
    return lambda x: [x[0] ** 2 - a, x[1] - x[0]]


START = np.array([0.5, 0.5])
RESULTS = {
    **{
        method: lambda a, method=method: optimize.minimize(valley(a), START, method=method)
        for method in ("BFGS", "Nelder-Mead", "L-BFGS-B", "CG", "SLSQP", "COBYLA", "Powell")
    },
    "bounded": lambda a: optimize.minimize(valley(a), START, bounds=[(0, 0.8), (0, 2)]),
    "constrained": lambda a: optimize.minimize(
        valley(a), START, constraints={"type": "ineq", "fun": lambda x: 1 - x[0] - x[1]}
    ),
    "scalar": lambda a: optimize.minimize_scalar(lambda x: (x - a) ** 2 + x**4),
    "root": lambda a: optimize.root(equations(a), START),
    "linprog": lambda a: optimize.linprog([-1.0, -a], A_ub=[[1.0, 1.0], [1, 3]], b_ub=[4.0, 6.0]),
    "evolution": lambda a: optimize.differential_evolution(valley(a), [(-2, 2), (-2, 2)], rng=0),
}
WHOLE = (int, str, bool, np.integer, np.bool_)


@pytest.mark.parametrize("name", RESULTS)
def test_counts_flags_and_messages_are_scipys(name):
    solve = RESULTS[name]
    plain, seen = solve(2.0), {}

    def loss(a):
        seen.update(solve(a))
        return np.sum(seen["x"])

    ad.grad(loss)(2.0)
    assert set(seen) == set(plain)
    counts = [key for key, value in plain.items() if isinstance(value, WHOLE)]
    assert {"success", "message"} <= set(counts)
    if name == "constrained":  # it is given the exact slopes of the conditions
        counts = ["success", "message"]
    assert {key: seen[key] for key in counts} == {key: plain[key] for key in counts}


def test_what_steps_leave_behind_is_refused_by_name():
    result = RESULTS["Nelder-Mead"]
    with pytest.raises(UnsupportedError, match="final_simplex, which the steps"):
        ad.grad(lambda a: np.sum(result(a).final_simplex[0]))(2.0)
    with pytest.raises(UnsupportedError, match="nit, which the steps"):
        ad.jit(lambda a: RESULTS["BFGS"](a).nit + a)(2.0)
    compare = ad.jit(lambda a: a if RESULTS["BFGS"](a).nit > 3 else 2 * a)
    with pytest.raises(UnsupportedError, match="nit, which the steps"):
        compare(2.0)


OLDER = {
    "fmin": lambda a: optimize.fmin(valley(a), START, full_output=True, disp=False)[2:],
    "fmin_cg": lambda a: optimize.fmin_cg(valley(a), START, full_output=True, disp=False)[2:],
    "fmin_bfgs": lambda a: optimize.fmin_bfgs(valley(a), START, full_output=True, disp=0)[4:],
    "fmin_powell": lambda a: optimize.fmin_powell(valley(a), START, full_output=1, disp=0)[3:],
    "fmin_slsqp": lambda a: optimize.fmin_slsqp(valley(a), START, full_output=1, disp=0)[2:],
    "fminbound": lambda a: optimize.fminbound(lambda x: (x - a) ** 2, 0, 5, full_output=1)[2:],
    "brent": lambda a: optimize.brent(lambda x: (x - a) ** 2 + x**4, full_output=True)[2:],
    "golden": lambda a: optimize.golden(lambda x: (x - a) ** 2 + x**4, full_output=True)[2:],
}


@pytest.mark.parametrize("name", OLDER)
def test_counts_of_older_names(name):
    said = []

    def loss(a):
        said.append(OLDER[name](a))
        return a * 1.0

    ad.grad(loss)(2.0)
    assert said[0] == OLDER[name](2.0)


SEARCHES = {
    "brentq": lambda a: optimize.brentq(lambda x: x**3 - a, 0.0, 3.0, full_output=True)[1],
    "newton": lambda a: optimize.newton(lambda x: x**3 - a, 1.0, full_output=True)[1],
    "root_scalar": lambda a: optimize.root_scalar(lambda x: x**3 - a, bracket=(0.0, 3.0)),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_accounts_of_roots(name):
    said = []

    def loss(a):
        said.append(SEARCHES[name](a))
        return said[0].root

    assert abs(ad.grad(loss)(2.0) - 2 ** (1 / 3) / 6) < 1e-9
    plain = SEARCHES[name](2.0)
    for key in ("iterations", "function_calls", "converged", "flag", "method"):
        assert getattr(said[0], key) == getattr(plain, key), key
