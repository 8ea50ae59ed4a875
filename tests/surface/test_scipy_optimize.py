"""scipy.optimize and ad.minimize inside grad, jit and vmap."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.optimize as so
from scipy import sparse

import adjoint as ad

_path = Path(__file__).with_name("scipy_optimize_table.py")
_spec = importlib.util.spec_from_file_location("scipy_optimize_table", _path)
assert _spec is not None
assert _spec.loader is not None
table = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(table)


@pytest.mark.parametrize("name", table.PLAIN)
def test_the_value_is_scipys_to_its_tolerance(name: str) -> None:
    f, args = table.PLAIN[name]
    got, wanted = ad.tree.leaves(ad.vjp(f, *args)[0]), ad.tree.leaves(f(*args))
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


A = np.array([0.7, 1.1, 0.4])


def bowl(x: Any, a: Any) -> Any:
    return np.sum((x - a) ** 2 + 0.1 * x**4)


@pytest.mark.parametrize("method", [None, "bfgs", "newton-cg", "nelder-mead", "trust-exact"])
def test_minimize_moves_with_its_parameters(method: str | None) -> None:
    def total(a: Any) -> Any:
        return np.sum(ad.minimize(bowl, np.zeros(3), (a,), method=method).x)

    x = ad.minimize(bowl, np.zeros(3), (A,), method="newton-cg", tol=1e-12).x
    slope = 1 / (1 + 0.6 * x**2)
    np.testing.assert_allclose(ad.grad(total)(A), slope, rtol=1e-6)
    np.testing.assert_allclose(ad.jit(ad.grad(total))(A), slope, rtol=1e-6)
    both = ad.vmap(ad.grad(total))(np.stack([A, A]))
    np.testing.assert_allclose(both, np.stack([slope, slope]), rtol=1e-6)


def test_an_unknown_on_its_bound_stays_there() -> None:
    def total(a: Any, bound: Any) -> Any:
        return np.sum(ad.minimize(lambda x: bowl(x, a), np.zeros(3), bounds=[(None, bound)] * 3).x)

    g, by_bound = ad.grad(total, argnums=(0, 1))(A, 0.5)
    assert g[0] == g[1] == 0.0
    assert g[2] > 0.9
    assert by_bound == 2.0


def test_residuals_and_trees() -> None:
    def second(a: Any) -> Any:
        found = ad.minimize(lambda t: t["p"] - a, {"p": np.zeros(3)}, method="levenberg-marquardt")
        return found.x["p"][1]

    np.testing.assert_allclose(ad.grad(second)(A), [0.0, 1.0, 0.0], atol=1e-12)
    assert ad.grad(lambda x0: np.sum(ad.minimize(bowl, x0, (A,)).x))(A).tolist() == [0.0] * 3


def test_what_cannot_be_followed_is_named() -> None:
    with pytest.raises(ad.errors.UnsupportedError, match="loss='linea"):
        ad.grad(lambda a: so.least_squares(lambda x: x - a, np.zeros(3), loss="linea").x[0])(A)
    with pytest.raises(ad.errors.UnsupportedError, match="retall"):
        ad.grad(lambda a: so.fmin(bowl, np.zeros(3), args=(a,), retall=True)[0][0])(A)
    with pytest.raises(ad.errors.UnsupportedError, match="the inverse Hessian"):
        ad.grad(lambda a: np.sum(so.minimize(bowl, np.zeros(3), args=(a,)).hess_inv))(A)
    with pytest.raises(ad.errors.UnsupportedError, match="infodict"):
        ad.grad(lambda a: 2 * so.fsolve(lambda x: x - a, A, full_output=True)[1]["qtf"])(A)


def test_the_root_of_the_slopes_that_were_given() -> None:
    def root(a: Any) -> Any:
        return so.newton(lambda x: np.cos(a * x), 2.8, fprime=lambda x: -a * np.sin(a * x))

    assert ad.vjp(root, 1.0)[0] == root(1.0) != so.newton(np.cos, 2.8)
    np.testing.assert_allclose(ad.grad(root)(1.0), -root(1.0), rtol=1e-14)


def test_callbacks_see_the_steps() -> None:
    seen: list[Any] = []
    ad.grad(lambda a: so.minimize(bowl, np.zeros(3), args=(a,), callback=seen.append).fun)(A)
    assert len(seen) > 1
    assert seen[0].shape == (3,)


def test_unknowns_that_are_trees_are_held_by_constraints() -> None:
    def held(a: Any) -> Any:
        found = ad.minimize(
            lambda t: np.sum((t["p"] - a) ** 2),
            {"p": np.zeros(3)},
            constraints={"type": "eq", "fun": lambda t: np.sum(t["p"]) - 1},
        )
        return found.x["p"][1]

    np.testing.assert_allclose(ad.grad(held)(A), [-1 / 3, 2 / 3, -1 / 3], atol=1e-12)


def test_a_line_search_is_named_where_values_are_not_known() -> None:
    def step(a: Any) -> Any:
        f, slope = (lambda x: np.sum((x - a) ** 2)), (lambda x: 2 * (x - a))
        return so.line_search(f, slope, np.zeros(3), np.ones(3))[0]

    assert ad.vjp(step, A)[0] == step(A)
    with pytest.raises(ad.errors.UnsupportedError, match="line_search: a step that values decide"):
        ad.jit(step)(A)


@pytest.mark.parametrize("form", ["args", "jac", "both", "start"])
def test_local_searches_of_basinhopping_are_told_what_they_need(form: str) -> None:
    def cost(x: Any, a: Any) -> Any:
        return (x[0] - a) ** 2 + (x[1] - a * a) ** 4 + (x[1] - a * a) ** 2

    def slope(x: Any, a: Any) -> Any:
        gap = x[1] - a * a
        return np.array([2 * (x[0] - a), 4 * gap**3 + 2 * gap])

    def found(a: float) -> Any:
        function: Any = {"both": lambda x, a: (cost(x, a), slope(x, a)), "args": cost}.get(form)
        function = function or (lambda x: cost(x, a))
        local: dict[str, Any] = {
            "args": {"args": (a,)},
            "jac": {"jac": lambda x: slope(x, a)},
            "both": {"args": (a,), "jac": True},
        }.get(form, {})
        start = [a, 0.2] if form == "start" else [1.0, 0.2]
        made = so.basinhopping(function, start, minimizer_kwargs=local, niter=3, seed=1)
        return made.x @ np.array([1.0, 2.0])

    assert ad.grad(found)(1.3) == pytest.approx(1 + 4 * 1.3)
    assert ad.jit(ad.grad(found))(1.3) == pytest.approx(1 + 4 * 1.3)


def test_sparse_least_squares_between_bounds() -> None:
    rng = np.random.default_rng(0)
    matrix, b = sparse.random_array((8, 5), density=0.5, rng=rng), rng.normal(size=8)

    def f(b):
        return np.sum(so.lsq_linear(matrix, b, bounds=(-0.3, 0.3)).x ** 2)

    np.testing.assert_allclose(ad.value_and_grad(f)(b)[0], f(b), rtol=1e-9)
    ad.check_grads(f, (b,))


def test_fits_go_with_the_scales_and_the_patience_they_are_given() -> None:
    x = np.linspace(0, 4, 50)

    def curve(x, a, b, c):
        return a * np.exp(-b * x) + c

    y = curve(x, 500000, 0.01, 15)

    def fit(t, **settings):
        return so.curve_fit(curve, x, y * t, **settings)[0][0]

    with pytest.raises(RuntimeError, match="maximum number"):
        ad.grad(lambda t: fit(t, method="trf"))(1.0)
    slope = ad.grad(lambda t: fit(t, method="trf", x_scale=[1000, 1, 1]))(1.0)
    np.testing.assert_allclose(slope, 500000, rtol=1e-6)
    with pytest.raises(RuntimeError, match="maximum number"):
        ad.grad(lambda t: fit(t, method="trf", x_scale=[1000, 1, 1], max_nfev=3))(1.0)
